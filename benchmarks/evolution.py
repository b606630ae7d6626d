"""Generations that evolve: runs needed against the libraries used directly, and what a run costs beside the model's.

python -m benchmarks.evolution [--quick] [--resume DIR] [--json FILE]
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import cma
import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import Problem as Vectorised
from pymoo.core.termination import NoTermination

from benchmarks.figures import Figure, Options, Row, present, repeated
from benchmarks.peers.relocate import place
from benchmarks.peers.tasks import Array, designs_of, outcomes_of
from dure.campaign import Loop
from dure.campaign.front import undominated
from dure.problem import Problem, minimise, real, values_of
from dure.strategy.front import hypervolume

Function = Callable[[Array], tuple[float, ...]]

_BOX = 8.0
_MOST = 40_000
_TARGET = 1e-6
_CORNER = np.array([1.1, 1.1])
_FRONT = 0.1 + 2 / 3 + 0.11
"""Hypervolume of ZDT1's front up to the corner: the integral of 1.1 - (1 - sqrt(x)) from 0 to 1, and the strip behind it."""


def _moved(d: int) -> Array:
    """The place of the optimum in a box of (d,) sides of 8 about 0, written as designs are."""
    return np.round(_BOX * (place(51, d) - 0.5), 4)


def sphere(x: Array) -> tuple[float]:
    """Least at 0."""
    return (float((x**2).sum()),)


def rosenbrock(x: Array) -> tuple[float]:
    """A bent valley, least at 0 once moved there."""
    z = x + 1
    return (float((100 * (z[1:] - z[:-1] ** 2) ** 2 + (1 - z[:-1]) ** 2).sum()),)


def rastrigin(x: Array) -> tuple[float]:
    """A bowl with a grid of wells, least at 0."""
    return (float((x**2 + 10 * (1 - np.cos(2 * math.pi * x))).sum()),)


def zdt1(u: Array) -> tuple[float, float]:
    """Two objectives over the unit cube; the front is 1 - sqrt(y1), where all other inputs are 0 (Zitzler, Deb & Thiele 2000)."""
    far = 1 + 9 * float(u[1:].mean())
    return float(u[0]), far * (1 - math.sqrt(u[0] / far))


FUNCTIONS: Mapping[str, tuple[Function, int]] = {
    "sphere": (sphere, 8),
    "rosenbrock": (rosenbrock, 4),
    "rastrigin": (rastrigin, 3),
}


def problem(function: Function, d: int, centre: Array, width: float, low: float) -> Problem:
    """``function`` of designs in a box from ``low``, ``width`` wide, with its optimum at ``centre``."""
    count = len(function(np.full(d, 0.5)))

    def simulate(one: Any) -> Mapping[str, float]:
        found = function(np.array(list(values_of(one).values())) - centre)
        return {f"y{number}": value for number, value in enumerate(found, 1)}

    return Problem(
        name="bench/evolution",
        version="1",
        question="Where is it lowest?",
        design=designs_of(**{f"x{number}": real(low, low + width) for number in range(1, d + 1)}),
        outcome=outcomes_of(**{f"y{number}": minimise() for number in range(1, count + 1)}),
        simulate=simulate,
    )


def ours(asked: Problem, strategy: str, seed: int, done: Callable[[list[tuple[float, ...]]], bool]) -> Row:
    """Runs until ``done`` with all objectives so far, and the CPU seconds they cost with everything around them."""
    loop = Loop(asked, strategy=strategy, seed=seed)
    seen: list[tuple[float, ...]] = []
    began = time.process_time()
    while not done(seen) and len(seen) < _MOST:
        (wish,) = loop.ask()
        answer = asked.answer(wish.design, loop.task.setting, fidelity="full", seed=0).outcome
        loop.tell(wish, answer)
        seen.append(tuple(values_of(answer).values()))
    return {"runs": len(seen), "cpu_s": time.process_time() - began}


def below(target: float) -> Callable[[list[tuple[float, ...]]], bool]:
    """Whether the last run reached ``target``."""
    return lambda seen: bool(seen) and seen[-1][0] <= target


def library(function: Function, d: int, seed: int) -> Row:
    """Runs of cma by itself to the target: from the middle of the box, doubled at each restart."""
    centre, runs = _moved(d), 0
    for restart in range(10):
        size = int(4 + 3 * math.log(d)) << restart
        options = {"bounds": [0, 1], "seed": 1 + seed + 100 * restart, "verbose": -10, "popsize": size}
        start = np.full(d, 0.5) if not restart else np.random.default_rng([seed, restart]).random(d)
        search = cma.CMAEvolutionStrategy(start, 0.25, options)
        while not search.stop():
            points = search.ask()
            values = [function(_BOX * (point - 0.5) - centre)[0] for point in points]
            for value in values:
                runs += 1
                if value <= _TARGET:
                    return {"runs": runs}
            search.tell(points, values)
    return {"runs": _MOST}


def covered(seen: list[tuple[float, ...]]) -> bool:
    """Whether the front is covered to 95 %; looked at once in a hundred runs."""
    if not seen or len(seen) % 100:
        return False
    found = np.array(seen)
    return hypervolume(found[undominated(found)], _CORNER) >= 0.95 * _FRONT


def pymoo_alone(d: int, seed: int) -> Row:
    """Runs of pymoo's NSGA-II by itself until the front is covered."""
    search = NSGA2(pop_size=100)
    search.setup(Vectorised(n_var=d, n_obj=2, xl=0.0, xu=1.0), termination=NoTermination(), seed=seed)
    seen: list[tuple[float, ...]] = []
    while not covered(seen) and len(seen) < _MOST:
        generation = search.ask()
        found = [zdt1(point) for point in generation.get("X")]
        generation.set("F", np.array(found))
        search.tell(infills=generation)
        seen += found
    return {"runs": len(seen)}


def late(answered: int, runs: int = 200) -> Row:
    """CPU ms a run, asked and told, once so many are answered."""
    asked = problem(sphere, 8, _moved(8), _BOX, -_BOX / 2)
    loop = Loop(asked, strategy="cma-es")

    def go(count: int) -> None:
        for _run in range(count):
            (wish,) = loop.ask()
            loop.tell(wish, asked.answer(wish.design, loop.task.setting, fidelity="full", seed=0).outcome)

    go(answered)
    began = time.process_time()
    go(runs)
    return {"ms": 1e3 * (time.process_time() - began) / runs}


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """All of it. A figure above 1 says that the peer needs more."""
    quick = options.quick
    rows: list[Row] = []

    def row(name: str, measure: Callable[[], Row]) -> Row:
        rows.append(options.row(name, measure))
        return rows[-1]

    figures = []
    for name, (function, d) in FUNCTIONS.items():
        asked = problem(function, d, _moved(d), _BOX, -_BOX / 2)
        ratios = [
            row(f"cma {name} {seed}", partial(library, function, d, seed))["runs"]
            / row(f"ours {name} {seed}", partial(ours, asked, "cma-es", seed, below(_TARGET)))["runs"]
            for seed in range(5 if quick else 20)
        ]
        mean = math.exp(float(np.log(ratios).mean()))
        label = f"runs to 1e-6, {name}-{d}"
        figures.append(Figure(label, mean, min(ratios), max(ratios), "times fewer", target=0.8, peer="cma by itself"))
    front = problem(zdt1, 10, np.zeros(10), 1.0, 0.0)
    ratios = [
        row(f"pymoo zdt1 {seed}", partial(pymoo_alone, 10, seed))["runs"]
        / row(f"ours zdt1 {seed}", partial(ours, front, "nsga-ii", seed, covered))["runs"]
        for seed in range(2 if quick else 10)
    ]
    figures.append(repeated("runs to 95 % of the front, zdt1-10", ratios, unit="times fewer", target=0.8, peer="pymoo by itself"))
    return figures + _costs(row, quick), rows


def _costs(row: Callable[[str, Callable[[], Row]], Row], quick: bool) -> list[Figure]:
    """What a run costs beside its simulation, and how cheap that must be for generations to be sooner done than a model."""
    asked = problem(sphere, 4, _moved(4), _BOX, -_BOX / 2)
    per_run, breaks = [], []
    for seed in range(1 if quick else 5):
        model, bred = (
            row(f"{name} sphere-4 {seed}", partial(ours, asked, name, seed, below(1e-2))) for name in ("structured", "cma-es")
        )
        per_run.append((model["cpu_s"] / model["runs"]) / (bred["cpu_s"] / bred["runs"]))
        breaks.append((model["cpu_s"] - bred["cpu_s"]) / max(bred["runs"] - model["runs"], 1))
    counts = (1000, 10_000) if quick else (1000, 10_000, 100_000)
    lates = {count: row(f"a run after {count}", partial(late, count))["ms"] for count in counts}
    return [
        repeated("CPU a run around the simulator, sphere-4 to 1e-2", per_run, unit="times cheaper", target=10, peer="structured"),
        repeated("a run as cheap as this is better bred, sphere-4 to 1e-2", breaks, unit="CPU s", peer="structured"),
        *(
            Figure(f"ask and tell after {count:,} answers", ms, unit="CPU ms a run", target=2.0, at_most=True)
            for count, ms in lates.items()
        ),
    ]


if __name__ == "__main__":
    present("evolution", __doc__, study)
