"""What failures of past tasks are worth: a family whose simulator crashes in three tenths of the box, right beside the optimum.

    python -m benchmarks.wheel.failures [--quick] [--resume DIR] [--json FILE]

A family is one function, moved a little from task to task together with the region where it crashes; eight tasks of 48 Sobol
designs are its past. Players: the engine without a past, with it, with a past that forgot what failed, and with one whose answers
and crashes belong to other designs. Counted are the runs to 95 % of the way from the middle of random designs to the optimum, and
those of them that crashed; a search that does not get there counts as its budget and one. Quick: one function, one seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from scipy.stats import qmc

from benchmarks.figures import Figure, Options, Row, present
from benchmarks.peers.scores import across_seeds
from benchmarks.peers.suites.continuous import moved, problem, vector
from benchmarks.peers.suites.crashing import Region
from benchmarks.peers.tasks import Array
from benchmarks.wheel.rows import COLD, SHUFFLED, WARM, logs_of
from dure.campaign import Loop
from dure.errors import SimulationFailed
from dure.models.prior import FamilyPrior, PastTask
from dure.models.training import train
from dure.pool.lessons import kept_wide
from dure.problem import Problem
from dure.strategy import Strategy, strategy
from dure.strategy.informed import Informed
from dure.strategy.outputs import shape_of

__all__ = ["study"]

_FAMILIES = {"branin-2": (1, 30), "hartmann-6": (4, 50)}
"""By function the seed of its place, as in the suite of crashing functions, and the budget of a search."""
_PAST, _DESIGNS, _MOVES = 8, 48, 0.05
_SEEDS, _SHARE, _MARK = 10, 0.95, "95%"
_FORGOT = "dure, past without its failures"
_PLAYERS = (COLD, WARM, _FORGOT, SHUFFLED)


def task(name: str, number: int) -> Problem:
    """A task of a family: the function and its region, moved by a step that ``number`` draws."""
    place, _budget = _FAMILIES[name]
    function = moved(name, place)
    region = Region(function, place)
    step = np.random.default_rng([number, 9]).normal(scale=_MOVES, size=len(region.low)) * region.width

    def simulate(design: Any) -> Mapping[str, float]:
        x = vector(design) + step
        if region(x):
            raise SimulationFailed("it does not converge here")
        return {"y": float(function(x)[0])}

    return problem(f"{name}-region-{number}", function, simulate)


def answer(of: Problem, design: Any) -> float:
    """NaN where it crashes."""
    try:
        return float(of.answer(design, None, fidelity=of.top.name, seed=0).outcome.y)
    except SimulationFailed:
        return float("nan")


def answers(of: Problem, points: Array) -> Array:
    """(n,) answers at rows of the unit cube; NaN where it crashes."""
    return np.array([answer(of, design) for design in of.space.designs(points)])


def _lesson(name: str, number: int, player: str) -> PastTask:
    of = task(name, number)
    points = qmc.Sobol(of.space.columns, rng=np.random.default_rng([number, 8])).random(_DESIGNS)
    told = answers(of, points)
    if player == SHUFFLED:
        told = np.random.default_rng(number).permutation(told)
    there = ~np.isnan(told)
    shape = shape_of(of.goals["y"], told[there], theory=False)
    outputs = -told[there] if shape is None else kept_wide(shape, of.goals["y"]).encode(told[there])
    cube = torch.from_numpy(points)
    best = cube[[int(np.nanargmin(told))]]
    made = PastTask(of.name, of.name, cube[there], torch.from_numpy(outputs)[:, None], torch.zeros(0).double(), best=best)
    return made if player == _FORGOT else replace(made, failed=cube[~there])


@cache
def _prior(name: str, player: str) -> FamilyPrior:
    return train([_lesson(name, 1000 + number, player) for number in range(_PAST)])


@cache
def _scale(name: str, number: int) -> tuple[float, float]:
    """The middle of a thousand random designs' answers, and the optimum, which has the same value in every task."""
    of, function = task(name, number), moved(name, _FAMILIES[name][0])
    points = qmc.Sobol(of.space.columns, rng=np.random.default_rng(6)).random(1024)
    return float(np.nanmedian(answers(of, points))), float(function(np.asarray(function.optimum))[0])


def search(name: str, player: str, seed: int) -> Row:
    """A search, to its mark, of a task that no past has seen: its runs, and one more than crashed."""
    of, (_place, budget) = task(name, seed), _FAMILIES[name]
    plain: Any = strategy("structured")
    chosen: Strategy = plain if player == COLD else Informed(plain, _prior(name, player), player)
    loop = Loop(of, strategy=chosen, seed=seed)
    middle, best = _scale(name, seed)
    course: list[float] = []
    while len(course) < budget and (wishes := loop.ask()):
        course.append(answer(of, wishes[0].design))
        loop.tell(wishes[0], None if np.isnan(course[-1]) else {"y": course[-1]})
        if course[-1] <= middle + _SHARE * (best - middle):
            return {"crashed": int(np.isnan(course).sum()) + 1, _MARK: len(course)}
    return {"crashed": int(np.isnan(course).sum()) + 1, _MARK: budget + 1}


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Both families, every player."""
    rows: list[Row] = []
    for seed in range(1 if options.quick else _SEEDS):
        for name in list(_FAMILIES)[:1] if options.quick else _FAMILIES:
            for player in _PLAYERS:
                row = options.row(f"{name}, {player}, seed {seed}", partial(search, name, player, seed))
                rows.append(row | {"target": name, "player": player, "seed": seed})
    return _figures(rows, quick=options.quick), rows


def _figures(rows: list[Row], *, quick: bool) -> list[Figure]:
    figures = []
    compared: list[tuple[str, str, float | None]] = [(WARM, COLD, None), (WARM, _FORGOT, None), (SHUFFLED, COLD, 0.95)]
    said: Mapping[str, Callable[[str], str]] = {
        "crashed": lambda one: f"crashed runs on the way there, and one: {one}",
        _MARK: lambda one: f"runs to 95 %: {one}",
    }
    for mark, label in said.items():
        for fast, slow, target in compared:
            logs = logs_of(rows, slow, fast, mark)
            ratio, low, high = across_seeds(logs)
            wanted = None if quick else target
            figures.append(Figure(label(fast), ratio, low, high, unit="times fewer", target=wanted, peer=slow))
    missed = {name: sum(row[_MARK] > _FAMILIES[name][1] for row in rows if row["target"] == name) for name in _FAMILIES}
    figures.append(Figure("searches that did not get to 95 %", sum(missed.values()), unit=f"of {len(rows)}"))
    return figures


if __name__ == "__main__":
    present("wheel.failures", __doc__, study)
