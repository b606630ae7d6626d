"""Campaigns on BIBLIS beside simulated annealing at fifty times their cost, both judged on eight elements a side.

python -m benchmarks.core_loading_biblis [--quick] [--resume DIR] [--json FILE]

A campaign may cost 60 solves on six elements a side, cheap rungs included by their shares; an annealing, which exchanges fuel at
n = 4 (benchmarks.core_loading_references), 3,000. Both begin with the published loading. Theory counts nothing as a
solve; processor seconds are in the rows, what choosing took included. Quick: one seed at a tenth of both costs, no target.
"""

from __future__ import annotations

from functools import partial

from benchmarks.core_loading import Search
from benchmarks.core_loading_references import annealed, measured, problem_of
from benchmarks.figures import Figure, Options, Row, present
from dure.problem import values_of

_SEEDS, _COST, _TIMES = 10, 60.0, 50
_TOGETHER = 6


def of_dure(seed: int, cost: float) -> Row:
    """What a campaign ends with, at n = 8."""
    search = Search("biblis", seed)
    search.go(cost, together=_TOGETHER)
    row: Row = {"cost": search.cost, "cpu_s": search.cpu, "power": None, "reserve_pcm": None}
    if search.best:
        design = search.best[1]
        power, reserve = measured(search.problem, search.setting, design, "n8")
        row |= {"power": power, "reserve_pcm": reserve, "design": values_of(design)}
    return row


def of_annealing(seed: int, cost: float) -> Row:
    """What an annealing at n = 4 ends with, at n = 8."""
    problem, _setting = problem_of("biblis")
    share = problem.rung("n4").cost
    found = annealed(int(cost / share), seed)
    return {"cost": found["runs"] * share, "cpu_s": found["cpu_seconds"], **found["rungs"]["n8"], "design": found["design"]}


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Every seed of both; a sitting ends between two rows."""
    seeds, cost = (range(1), _COST / 10) if options.quick else (range(_SEEDS), _COST)
    pairs = [
        (
            options.row(f"dure, seed {seed}", partial(of_dure, seed, cost)),
            options.row(f"annealing, seed {seed}", partial(of_annealing, seed, _TIMES * cost)),
        )
        for seed in seeds
    ]
    beaten = sum(one["power"] is not None and one["reserve_pcm"] >= 0 and one["power"] < other["power"] for one, other in pairs)
    name = "biblis: seeds that beat an annealing of fifty times the cost"
    target = None if options.quick else 8.0
    figure = Figure(name, beaten, unit=f"of {len(seeds)}", target=target, peer="simulated annealing")
    return [figure], [row for pair in pairs for row in pair]


if __name__ == "__main__":
    present("core_loading_biblis", __doc__, study)
