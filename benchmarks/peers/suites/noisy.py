"""Functions measured with a standard deviation of five per cent of their spread; judged by the true value of the best design.

The spread is what lies between the optimum and the middle of the box's values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.peers.suites.continuous import moved, problem, vector
from benchmarks.peers.tasks import Task
from dure.problem import Noise, values_of

__all__ = ["tasks"]

# Name, seed of the place, standard deviation, runs. Spreads, rounded: Branin 38, Levy 55, Hartmann 3.2.
_LIST = (("branin-2", 31, 1.9, 40), ("levy-4", 32, 2.8, 80), ("hartmann-6", 33, 0.16, 80))


def draw(design: Any, seed: int, *more: int) -> np.random.Generator:
    """Random numbers that depend on the design and the seed alone, the same for every player."""
    digits = json.dumps(values_of(design), sort_keys=True).encode()
    return np.random.default_rng([seed, *more, *digits])


def _task(name: str, seed: int, deviation: float, budget: int) -> Task:
    function = moved(name, seed)

    def exact(design: Any) -> Mapping[str, float]:
        return {"y": float(function(vector(design))[0])}

    def simulate(design: Any, *, seed: int) -> Mapping[str, float]:
        return {"y": exact(design)["y"] + deviation * float(draw(design, seed).standard_normal())}

    return Task("noisy", problem(f"{name}-noisy", function, simulate, noise=Noise("unknown")), budget, exact=exact)


def tasks() -> tuple[Task, ...]:
    """The suite."""
    return tuple(_task(*row) for row in _LIST)
