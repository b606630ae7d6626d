"""Two objectives: the hypervolume between the front found and a corner, as a share of the largest known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from botorch.test_functions.multi_objective import BraninCurrin, DiscBrake

from benchmarks.peers.relocate import bend, place
from benchmarks.peers.suites.continuous import vector
from benchmarks.peers.tasks import Task, designs_of, outcomes_of
from dure.errors import ProblemError
from dure.problem import Problem, at_most, minimise, real

__all__ = ["accepted", "tasks"]


def _problem(name: str, bounds: Any, simulate: Any, limits: int = 0) -> Problem:
    return Problem(
        name=f"bench/{name}",
        version="1",
        question="What does a better value of one objective cost of the other?",
        design=designs_of(**{f"x{n}": real(low, high) for n, (low, high) in enumerate(bounds, 1)}),
        outcome=outcomes_of(y1=minimise(), y2=minimise(), **{f"c{n}": at_most(0.0) for n in range(1, limits + 1)}),
        simulate=simulate,
    )


def _branin_currin() -> Task:
    function = BraninCurrin()
    bounds = [(0.0, 1.0)] * 2
    _new, back = bend(bounds, (0.2, 0.8), 41)

    def simulate(design: Any) -> Mapping[str, float]:
        # Currin's function divides by its second input, and is continuous at 0 all the same
        found = function.evaluate_true(torch.from_numpy(np.clip(back(vector(design)), 1e-9, 1.0))[None])[0]
        return {"y1": float(found[0]), "y2": float(found[1])}

    return Task("fronts", _problem("branin-currin-2", bounds, simulate), 40, corner=(18.0, 6.0))


def _zdt2() -> Task:
    """ZDT2, whose front has the first input anywhere and the others at a place each; the front is y2 = 1 - y1^2."""
    there = place(42, 5)
    farthest = np.maximum(there, 1 - there)

    def simulate(design: Any) -> Mapping[str, float]:
        x = vector(design)
        away = np.abs(x - there)[1:] / farthest[1:]
        g = 1 + 9 * float(away.mean())
        return {"y1": float(x[0]), "y2": g * (1 - (float(x[0]) / g) ** 2)}

    return Task("fronts", _problem("zdt2-5", [(0.0, 1.0)] * 5, simulate), 50, corner=(1.5, 1.5))


def _brake() -> Task:
    """A disc brake: mass and stopping time under four limits (tanabe2020)."""
    function = DiscBrake()
    bounds = [(float(low), float(high)) for low, high in torch.as_tensor(function.bounds).T.tolist()]
    _new, back = bend(bounds, (65.0, 85.0, 2500.0, 13.0), 43)
    units = np.array([20.0, 0.4, 1.0, 900.0])

    def simulate(design: Any) -> Mapping[str, float]:
        x = torch.from_numpy(np.clip(back(vector(design)), *np.array(bounds).T))[None]
        found, slack = function.evaluate_true(x)[0].tolist(), function.evaluate_slack_true(x)[0].numpy() / units
        return {"y1": found[0], "y2": found[1]} | {f"c{n}": -float(value) for n, value in enumerate(slack, 1)}

    return Task("fronts", _problem("brake-4", bounds, simulate, limits=4), 50, corner=(5.7771, 3.9651))


def accepted() -> bool:
    """Whether this version of Dure lets a problem have two objectives."""
    try:
        _zdt2()
    except ProblemError:
        return False
    return True


def tasks() -> tuple[Task, ...]:
    """The suite; empty while problems have one objective only."""
    return (_branin_currin(), _zdt2(), _brake()) if accepted() else ()
