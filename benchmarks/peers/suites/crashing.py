"""Functions whose simulator crashes: in three tenths of the box, right beside the optimum, or in four tenths of all designs.

Each has the place of its fellow in the continuous suite, so that the price of crashes can be read off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import qmc

from benchmarks.peers.suites.continuous import Moved, moved, problem, vector
from benchmarks.peers.suites.noisy import draw
from benchmarks.peers.tasks import Array, Task
from dure.errors import SimulationFailed

__all__ = ["Region", "tasks"]

_SHARE = 0.3


class Region:
    """A half-space that holds three tenths of the box and not the optimum, in a direction drawn by ``seed``."""

    def __init__(self, function: Moved, seed: int) -> None:
        self.low, high = np.array(function.bounds).T
        self.width = high - self.low
        points = qmc.Sobol(len(self.low), rng=np.random.default_rng([seed, 1])).random(4096)
        generator = np.random.default_rng([seed, 20_265])
        optimum = (function.optimum - self.low) / self.width
        while True:
            self.direction = generator.standard_normal(len(self.low))
            self.edge = float(np.quantile(points @ self.direction, 1 - _SHARE))
            if 0.02 < (self.edge - float(optimum @ self.direction)) / np.linalg.norm(self.direction) < 0.15:
                return

    def __call__(self, x: Array) -> bool:
        """Whether the design crashes."""
        return bool(((x - self.low) / self.width) @ self.direction > self.edge)


def _region(name: str, seed: int, budget: int) -> Task:
    function = moved(name, seed)
    region = Region(function, seed)

    def simulate(design: Any) -> Mapping[str, float]:
        x = vector(design)
        if region(x):
            raise SimulationFailed("it does not converge here")
        return {"y": float(function(x)[0])}

    return Task("crashing", problem(f"{name}-region", function, simulate), budget)


def _random(name: str, seed: int, budget: int) -> Task:
    """A design crashes or not for good, within one run of the bench."""
    function = moved(name, seed)

    def simulate(design: Any, *, seed: int) -> Mapping[str, float]:
        if draw(design, seed, 1).uniform() < 0.4:
            raise SimulationFailed("it crashed for no reason")
        return {"y": float(function(vector(design))[0])}

    return Task("crashing", problem(f"{name}-crashes", function, simulate), budget, lottery=True)


def tasks() -> tuple[Task, ...]:
    """The suite."""
    return (_region("branin-2", 1, 30), _region("hartmann-6", 4, 50), _random("hartmann-6", 4, 80))
