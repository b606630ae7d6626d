"""How goals hang on a surrogate's outputs: parts side by side, in a shape that a Gaussian process can believe in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import yeojohnson, yeojohnson_normmax
from torch import Tensor

from dure.problem import Goal
from dure.strategy.evidence import Evidence, Task

__all__ = ["Outputs", "Power", "Shape", "shape_of", "shapes_of"]

Array = NDArray[np.float64]
_SPAN = 30.0
_LEAST_SHAPED = 6


class Shape(Protocol):
    """A rising function of an output, under which its values look more like a normal distribution's."""

    def encode(self, values: Array) -> Array:
        """Raw values to modelled ones."""

    def decode(self, values: Tensor) -> Tensor:
        """Modelled values to raw ones."""


class Logarithm:
    """For what is positive and spans factors."""

    def encode(self, values: Array) -> Array:
        """See ``Shape``."""
        return np.asarray(np.log(np.maximum(values, 1e-300)))

    def decode(self, values: Tensor) -> Tensor:
        """See ``Shape``."""
        return values.exp()


@dataclass(frozen=True)
class Power:
    """Yeo and Johnson's power transformation (yeo2000) of standardised values, its ``power`` from 0 to 2; 1 changes nothing."""

    centre: float
    spread: float
    power: float

    def encode(self, values: Array) -> Array:
        """See ``Shape``."""
        return np.asarray(yeojohnson((values - self.centre) / self.spread, lmbda=self.power))

    def decode(self, values: Tensor) -> Tensor:
        """See ``Shape``."""
        above, below = values.clamp_min(0.0), -values.clamp_max(0.0)
        return self.centre + self.spread * (_grown(above, self.power) - _grown(below, 2 - self.power))


def _grown(values: Tensor, power: float) -> Tensor:
    """The inverse of ``((1 + x) ** power - 1) / power``."""
    return values.expm1() if power < 1e-9 else (values * power + 1) ** (1 / power) - 1


@dataclass(frozen=True)
class Outputs:
    """The columns a surrogate models: every part of every goal, or one column a goal when ``parts`` is False.

    ``shapes`` has those goals whose columns are not modelled as they are.
    """

    goals: Mapping[str, Goal]
    parts: bool
    shapes: Mapping[str, Shape]

    @property
    def names(self) -> tuple[str, ...]:
        """Goals in column order."""
        return tuple(self.goals)

    def width(self, name: str) -> int:
        """Columns of a goal."""
        return self.goals[name].measure.width if self.parts else 1

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Columns of each goal."""
        start, found = 0, {}
        for name in self.goals:
            found[name] = slice(start, start + self.width(name))
            start += self.width(name)
        return found

    def encode(self, raw: Array) -> Array:
        """(n, all parts) raw outputs to (n, m) modelled ones."""
        columns, start = [], 0
        for name, goal in self.goals.items():
            block = raw[:, start : start + goal.measure.width]
            start += goal.measure.width
            if not self.parts:
                block = goal.value(block)[:, None] if goal.measure.axis else block
            columns.append(self.shapes[name].encode(block) if name in self.shapes else block)
        return np.concatenate(columns, axis=1)

    def observed(self, evidence: Evidence, fidelity: str) -> Array:
        """(n, m) modelled outputs of the answered designs of a fidelity."""
        return self.encode(evidence.outputs(fidelity, self.names))

    def goal(self, name: str, samples: Tensor) -> Tensor:
        """(..., m) samples of the outputs to (...) values of a goal."""
        return self.read(name, samples[..., self.slices[name]])

    def read(self, name: str, block: Tensor) -> Tensor:
        """(..., width) samples of a goal's own outputs to (...) its values."""
        goal = self.goals[name]
        if name in self.shapes:
            block = self.shapes[name].decode(block)
        reduction = goal.measure.reduction
        if not self.parts or reduction is None:
            return block.squeeze(-1)
        match reduction.kind:
            case "sum":
                return block.sum(-1)
            case "minimum":
                return block.amin(-1)
            case "maximum":
                return block.amax(-1)
            case "weighted":
                return block @ torch.as_tensor(reduction.weights, dtype=block.dtype)

    def objective(self, goal: Goal, samples: Tensor) -> Tensor:
        """(..., m) samples to (...) values of an objective, larger is better."""
        value = self.goal(goal.name, samples)
        return -value if goal.measure.sense == "minimise" else value


def shapes_of(task: Task, evidence: Evidence) -> dict[str, Shape]:
    """The shape of each goal that has one; see ``shape_of``. No power for molecules, whose activities are logarithms already."""
    found: dict[str, Shape] = {}
    for name, goal in task.goals.items():
        values = np.concatenate([evidence.outputs(rung, (name,)).ravel() for rung in evidence.rungs])
        shape = shape_of(goal, values, theory=task.problem.theory is not None)
        if shape is not None and not (task.of_molecules and isinstance(shape, Power)):
            found[name] = shape
    return found


def shape_of(goal: Goal, values: Array, *, theory: bool) -> Shape | None:
    """In which shape a goal's answers are modelled, None as they are.

    A logarithm for goals declared positive, and for those without theory whose answers are all positive and span a factor of
    thirty; the likeliest power for others that have neither theory nor parts.
    """
    spans = len(values) > 1 and values.min() > 0 and values.max() > _SPAN * values.min()
    if goal.measure.positive or (spans and not theory):
        return Logarithm()
    return None if theory or goal.measure.axis is not None else _likeliest(values)


def _likeliest(values: Array) -> Power | None:
    """None while there are too few values, or no two differ."""
    if len(values) < _LEAST_SHAPED or not np.ptp(values) > 0:
        return None
    centre, spread = float(values.mean()), float(values.std())
    if not spread > 1e-12 * abs(centre):
        return None
    return Power(centre, spread, float(np.clip(yeojohnson_normmax((values - centre) / spread), 0.0, 2.0)))
