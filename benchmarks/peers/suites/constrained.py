"""One objective under limits that only a run tells; the box is bent so that the optimum moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from botorch.test_functions.synthetic import (
    ConstrainedGramacy,
    ConstrainedSyntheticTestFunction,
    TensionCompressionString,
    WeldedBeamSO,
)

from benchmarks.peers.relocate import bend
from benchmarks.peers.suites.continuous import vector
from benchmarks.peers.tasks import Task, designs_of, outcomes_of
from dure.problem import Problem, at_most, minimise, real

__all__ = ["tasks"]

# Name, function, where its optimum is about (only the bending depends on it), unit of each limit, runs.
# The beam is BoTorch's: its buckling load is 36 times the textbook's, so that its optimum is not the published one.
_LIST: tuple[tuple[str, type[ConstrainedSyntheticTestFunction], Sequence[float], Sequence[float], int], ...] = (
    ("gramacy-2", ConstrainedGramacy, (0.1954, 0.4044), (1.0, 1.0), 30),
    ("spring-3", TensionCompressionString, (0.0517, 0.3570, 11.29), (1.0, 1.0, 1.0, 1.0), 60),
    ("beam-4", WeldedBeamSO, (0.1680, 4.0671, 10.0, 0.1680), (13_600.0, 30_000.0, 1.0, 5.0, 0.25, 6_000.0), 70),
)


def _task(name: str, cls: type[Any], optimum: Sequence[float], units: Sequence[float], budget: int, seed: int) -> Task:
    function = cls()
    bounds = [(float(low), float(high)) for low, high in function.bounds.T.tolist()]
    _new, back = bend(bounds, optimum, seed)

    def simulate(design: Any) -> Mapping[str, float]:
        x = torch.from_numpy(np.clip(back(vector(design)), *np.array(bounds).T))[None]
        slack = function.evaluate_slack_true(x)[0].numpy() / np.array(units)
        return {"y": float(function.evaluate_true(x)[0])} | {f"c{n}": -float(value) for n, value in enumerate(slack, 1)}

    made = Problem(
        name=f"bench/{name}",
        version="1",
        question="What is the least that keeps every limit?",
        design=designs_of(**{f"x{n}": real(low, high) for n, (low, high) in enumerate(bounds, 1)}),
        outcome=outcomes_of(y=minimise(), **{f"c{n}": at_most(0.0) for n in range(1, len(units) + 1)}),
        simulate=simulate,
    )
    return Task("constrained", made, budget)


def tasks() -> tuple[Task, ...]:
    """The suite."""
    return tuple(_task(*row, seed) for seed, row in enumerate(_LIST, 11))
