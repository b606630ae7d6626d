"""What is wanted, as functions of a surrogate's samples, in units that make no goal count for its unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor

from dure.strategy.evidence import Evidence, Task
from dure.strategy.outputs import Outputs

__all__ = ["Aims"]


@dataclass(frozen=True)
class Aims:
    """Goals of a task over samples (..., m or m + 1) of outputs, the last of them success where that is learned."""

    task: Task
    outputs: Outputs
    evidence: Evidence
    ladder: tuple[str, ...]
    learns_success: bool

    @cached_property
    def scale(self) -> Tensor:
        """(m,) standard deviation of each modelled output over all answers; the surrogate works in these units."""
        pooled = np.concatenate([self.outputs.observed(self.evidence, name) for name in self.ladder])
        if len(pooled) < 2:
            return torch.ones(pooled.shape[1], dtype=torch.double)
        scale = np.maximum(pooled.std(0), 1e-6 * np.abs(pooled).max(0))
        return torch.from_numpy(np.where(scale > 0, scale, 1.0))

    @cached_property
    def spread(self) -> dict[str, float]:
        """Standard deviation of each goal over all answers."""
        spread = {}
        for name, goal in self.task.goals.items():
            blocks = [self.evidence.outputs(rung, (name,)) for rung in self.evidence.rungs]
            values = np.concatenate([goal.value(block) if goal.measure.axis else block[:, 0] for block in blocks])
            spread[name] = float(max(values.std(), 1e-9 * np.abs(values).max())) or 1.0 if len(values) else 1.0
        return spread

    def seen(self, fidelity: str) -> Tensor:
        """(n, m or m + 1) the answers of a fidelity as if they were samples."""
        answers = torch.from_numpy(self.outputs.observed(self.evidence, fidelity)) / self.scale
        return torch.cat([answers, torch.ones(len(answers), self.learns_success).to(answers)], -1)

    def raw(self, samples: Tensor) -> Tensor:
        """(..., m or m + 1) samples to (..., m) outputs in their own units."""
        return samples[..., : len(self.scale)] * self.scale

    def value(self, samples: Tensor, X: Tensor | None = None) -> Tensor:
        """The first objective, (...), larger is better, in units of its spread."""
        return self.values(samples)[..., 0]

    def values(self, samples: Tensor, X: Tensor | None = None) -> Tensor:
        """All objectives, (..., k), larger is better, each in units of its spread."""
        raw = self.raw(samples)
        return torch.stack([self.outputs.objective(goal, raw) / self.spread[goal.name] for goal in self.task.objectives], -1)

    def shortfalls(self) -> list[Callable[[Tensor], Tensor]]:
        """Functions of samples to (...): by how much each limit, guard included, is missed, in units of its goal's spread."""
        found: list[Callable[[Tensor], Tensor]] = []
        for name, goal in self.task.goals.items():
            if goal.is_objective:
                continue
            guard, spread = self.task.guard.get(name, 0.0), self.spread[name]
            if goal.measure.low > -np.inf:
                found.append(partial(self._below, name, goal.measure.low + guard, spread))
            if goal.measure.high < np.inf:
                found.append(partial(self._above, name, goal.measure.high - guard, spread))
        if self.learns_success:
            found.append(lambda samples: 0.5 - samples[..., -1])
        return found

    def _goal(self, name: str, samples: Tensor) -> Tensor:
        """(...) values of a goal; only its own columns are looked at."""
        columns = self.outputs.slices[name]
        return self.outputs.read(name, samples[..., columns] * self.scale[columns])

    def _below(self, name: str, least: float, spread: float, samples: Tensor) -> Tensor:
        return (least - self._goal(name, samples)) / spread

    def _above(self, name: str, most: float, spread: float, samples: Tensor) -> Tensor:
        return (self._goal(name, samples) - most) / spread

    def missed(self, samples: Tensor) -> Tensor:
        """The worst shortfall, (...); negative where every limit is kept."""
        missed = [shortfall(samples) for shortfall in self.shortfalls()]
        return torch.stack(missed).amax(0) if missed else torch.full(samples.shape[:-1], -1.0, dtype=samples.dtype)

    def best_first(self, samples: Tensor) -> Tensor:
        """Rows of (n, m or m + 1) samples, those that keep the limits first; with several objectives each has its turn."""
        missed = self.missed(samples).clamp_min(0.0)
        order = np.argsort(np.argsort(-self.values(samples).numpy(), axis=0, kind="stable"), axis=0).min(1)
        return torch.from_numpy(np.lexsort((order, missed.numpy().round(3))))
