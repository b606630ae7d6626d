"""How goals hang on a surrogate's outputs: parts side by side, positive ones as logarithms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dure.problem import Goal
from dure.strategy.evidence import Evidence, Task

__all__ = ["Outputs", "worth_a_logarithm"]

Array = NDArray[np.float64]
_SPAN = 30.0


@dataclass(frozen=True)
class Outputs:
    """The columns a surrogate models: every part of every goal, or one column a goal when ``parts`` is False.

    ``logged`` names the goals whose columns are logarithms.
    """

    goals: Mapping[str, Goal]
    parts: bool
    logged: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """Goals in column order."""
        return tuple(self.goals)

    def width(self, name: str) -> int:
        """Columns of a goal."""
        return self.goals[name].measure.width if self.parts else 1

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
            columns.append(np.log(np.maximum(block, 1e-300)) if name in self.logged else block)
        return np.concatenate(columns, axis=1)

    def observed(self, evidence: Evidence, fidelity: str) -> Array:
        """(n, m) modelled outputs of the answered designs of a fidelity."""
        return self.encode(evidence.outputs(fidelity, self.names))

    def goal(self, name: str, samples: Tensor) -> Tensor:
        """(..., m) samples of the outputs to (...) values of a goal."""
        goal, block = self.goals[name], samples[..., self.slices()[name]]
        if name in self.logged:
            block = block.exp()
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

    def shortfalls(self, task: Task, samples: Tensor) -> dict[str, Tensor]:
        """(..., m) samples to (...) by which each limit, guard included, is missed; negative is feasible."""
        missed: dict[str, Tensor] = {}
        for name, goal in self.goals.items():
            if goal.is_objective:
                continue
            value, guard = self.goal(name, samples), task.guard.get(name, 0.0)
            if goal.measure.low > -np.inf:
                missed[f"{name}>"] = goal.measure.low + guard - value
            if goal.measure.high < np.inf:
                missed[f"{name}<"] = value - goal.measure.high + guard
        return missed


def worth_a_logarithm(task: Task, evidence: Evidence) -> frozenset[str]:
    """Goals declared positive, and those without theory whose answers are all positive and span a factor of thirty."""
    found = set()
    for name, goal in task.goals.items():
        values = np.concatenate([evidence.outputs(rung, (name,)).ravel() for rung in evidence.rungs])
        spans = len(values) > 1 and values.min() > 0 and values.max() > _SPAN * values.min()
        if goal.measure.positive or (spans and task.problem.theory is None):
            found.add(name)
    return frozenset(found)
