"""chip/opamp: a prior of three topologies on SKY130, and amplifiers of a topology or a process that it never saw.

    python -m benchmarks.wheel.amplifiers [--quick] [--resume DIR] [--json FILE]

Everyone has the formulas of chip/opamp and its textbook starts; counted are runs at all 45 points until a design keeps the spec
set mid. The pool is drawn first, which takes three quarters of an hour of processor time. Quick: one amplifier, one seed.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.chip import measured
from benchmarks.figures import Figure, Options, Row, present
from benchmarks.peers.scores import across_seeds
from benchmarks.wheel.past import drawn, player_of
from benchmarks.wheel.rows import COLD, SHUFFLED, WARM, logs_of
from dure.campaign import Loop
from dure.domains.chip.opamp import Use, problem

__all__ = ["study"]

_SEEDS = 10
_TASKS, _DESIGNS = 24, 48
_UNSEEN = (Use(topology="folded"), Use(pdk="gf180", topology="ota5"), Use(pdk="gf180", topology="folded"))
"""Those whose textbook starts do not keep the set already."""


def search(use: Use, name: str, pool: Path, seed: int) -> Row:
    """Runs until a design keeps the set mid, the budget and one where none does."""
    setting = {"pdk": use.pdk, "topology": use.topology}
    limits = problem.under(use).limits["mid"]
    loop = Loop("chip/opamp", setting=setting, limits=limits, strategy=player_of(name, pool), seed=seed)
    for number in range(1, round(problem.runs) + 1):
        (wish,) = loop.ask()
        loop.tell(wish, measured(wish.design, use, "pvt"))
        if loop.best() is not None:
            return {"runs": number}
    return {"runs": round(problem.runs) + 1}


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Search amplifiers that the family keeps for evaluation, with its past and without."""
    pool = drawn("chip/opamp", options.folder, tasks=_TASKS, designs=12 if options.quick else _DESIGNS)
    rows = []
    for seed in range(1 if options.quick else _SEEDS):
        for use in _UNSEEN[:1] if options.quick else _UNSEEN:
            for name in (COLD, WARM, SHUFFLED):
                target = f"{use.pdk} {use.topology}"
                row = options.row(f"{target}, {name}, seed {seed}", partial(search, use, name, pool, seed))
                rows.append(row | {"family": "amplifiers", "target": target, "player": name, "seed": seed})
    figures = []
    for label, player, wanted in (("warm", WARM, 1.3), ("with a shuffled past", SHUFFLED, 0.95)):
        logs = logs_of(rows, COLD, player, "runs")
        name = f"chip/opamp, held-out topology: {label} against structure alone"
        figures.append(Figure(name, *across_seeds(logs), unit="times fewer", target=None if options.quick else wanted, peer=COLD))
        least = min(float(one.mean()) for one in logs)
        worst = 0.9 if player == WARM and not options.quick else None
        figures.append(Figure("  worst amplifier", float(np.exp(least)), unit="times fewer", target=worst, peer=COLD))
    return figures, rows


if __name__ == "__main__":
    present("wheel.amplifiers", __doc__, study)
