"""Smooth and rugged functions of two to six real inputs; optima moved, values in closed form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from botorch.test_functions import Ackley, Branin, Hartmann, Levy, Rosenbrock, StyblinskiTang, SyntheticTestFunction

from benchmarks.peers.relocate import shift
from benchmarks.peers.tasks import Array, Task, designs_of, outcomes_of
from dure.problem import Noise, Problem, minimise, real, values_of

__all__ = ["OPTIMA", "Moved", "tasks"]

_WIDE = 3.0

# Name, function over a box of d dimensions, d, its box, its optimum there, runs.
_LIST: tuple[tuple[str, Callable[..., SyntheticTestFunction], int, tuple[float, float], float | None, int], ...] = (
    ("branin-2", Branin, 2, (-5.0, 15.0), None, 30),
    ("levy-4", Levy, 4, (-10.0, 10.0), 1.0, 45),
    ("styblinski-tang-3", StyblinskiTang, 3, (-5.0, 5.0), -2.903534, 45),
    ("hartmann-6", Hartmann, 6, (0.0, 1.0), None, 50),
    ("rosenbrock-4", Rosenbrock, 4, (-2.048, 2.048), 1.0, 50),
    ("ackley-4", Ackley, 4, (-5.0, 5.0), 0.0, 60),
)

OPTIMA = {
    "branin-2": (0.39788735772973816, (9.42477796076938, 2.475)),
    "hartmann-6": (-3.32236801141551, (0.20168952, 0.15001069, 0.47687398, 0.27533243, 0.31165162, 0.65730054)),
}
"""Value and place, before it is moved, where no formula says it for every dimension: Branin in closed form, Hartmann-6 by a
gradient search from the published place (Surjanovic & Bingham, Virtual Library of Simulation Experiments)."""


class Moved:
    """A function of the library with its optimum moved: called with (n, d) points, gives (n,) values.

    Rosenbrock's are square roots: its values span so many powers of ten that the floor of the valley would not count.
    """

    def __init__(
        self, function: Callable[..., SyntheticTestFunction], d: int, box: tuple[float, float], optimum: Any, seed: int
    ) -> None:
        bounds = [box] * d if function is not Branin else [(-5.0, 10.0), (0.0, 15.0)]
        width = _WIDE * (box[1] - box[0])
        wide: Any = {"bounds": [(low - width, high + width) for low, high in bounds]}
        self.bounds = bounds
        self._function = function(**wide) if function is Branin else function(dim=d, **wide)
        self.optimum, self.back = shift(bounds, np.broadcast_to(optimum, d).tolist(), seed)

    def __call__(self, points: Array) -> Array:
        moved = torch.from_numpy(np.atleast_2d(self.back(points)))
        values = self._function.evaluate_true(moved).numpy()
        return np.asarray(np.sqrt(values) if isinstance(self._function, Rosenbrock) else values, dtype=float)


def moved(name: str, seed: int) -> Moved:
    """The function of that name in the list above, its optimum moved by ``seed``."""
    _name, function, d, box, optimum, _budget = next(row for row in _LIST if row[0] == name)
    return Moved(function, d, box, optimum if optimum is not None else OPTIMA[name][1], seed)


def reals(function: Moved) -> dict[str, Any]:
    """Real inputs over the function's box."""
    return {f"x{index}": real(low, high) for index, (low, high) in enumerate(function.bounds, 1)}


def vector(design: Any) -> Array:
    """(d,) a design of numbers."""
    return np.array(list(values_of(design).values()), dtype=float)


def problem(name: str, function: Moved, simulate: Callable[..., Mapping[str, float]] | None = None, **more: Any) -> Problem:
    """The function as a problem with one objective."""

    def value(design: Any) -> Mapping[str, float]:
        return {"y": float(function(vector(design))[0])}

    return Problem(
        name=f"bench/{name}",
        version="1",
        question="Where is it lowest?",
        design=designs_of(**reals(function)),
        outcome=outcomes_of(y=minimise()),
        simulate=simulate or value,
        noise=more.pop("noise", Noise()),
        **more,
    )


def tasks() -> tuple[Task, ...]:
    """The suite."""
    return tuple(Task("continuous", problem(row[0], moved(row[0], seed)), row[-1]) for seed, row in enumerate(_LIST, 1))
