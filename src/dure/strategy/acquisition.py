"""How much a design is wanted: expected improvement, expected growth of a front, or first of all the limits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from botorch.acquisition.logei import qLogExpectedImprovement, qLogNoisyExpectedImprovement, qLogProbabilityOfFeasibility
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.logei import (
    qLogExpectedHypervolumeImprovement,
    qLogNoisyExpectedHypervolumeImprovement,
)
from botorch.acquisition.multi_objective.objective import GenericMCMultiOutputObjective
from botorch.acquisition.objective import GenericMCObjective
from botorch.sampling import SobolQMCNormalSampler
from botorch.utils.multi_objective.box_decompositions.non_dominated import FastNondominatedPartitioning
from botorch.utils.multi_objective.pareto import is_non_dominated
from torch import Tensor

from dure.strategy.aims import Aims
from dure.strategy.evidence import Task
from dure.surrogate import Ladder

__all__ = ["LogGainOfAList", "Wanting", "wanting"]

SAMPLES = 64

# At the first front BoTorch would compile C++: other last digits where that fails, and a process killed meanwhile leaves a lock
# that all later ones wait for without end.
logei._load_attempted = True  # noqa: SLF001


@dataclass(frozen=True)
class Wanting:
    """``acquisition`` maps (..., 1, columns) points to (...); ``covered`` is the hypervolume of a front, if there is one.

    It is measured from beyond the front's own worst values, so that a gain is a share of what a reader sees covered.
    """

    acquisition: Callable[[Tensor], Tensor]
    covered: float | None = None

    def growth(self, point: Tensor) -> float | None:
        """Expected growth of the front by one design (1, columns), as a share of what it covers; None while it covers nothing."""
        if not self.covered:
            return None
        with torch.no_grad():
            growth = float(self.acquisition(point.unsqueeze(0)).exp()) / self.covered
        return growth if math.isfinite(growth) else 0.0  # objectives of 1e-31 leave areas that no number holds


def wanting(
    task: Task,
    aims: Aims,
    model: Ladder,
    incumbents: Tensor,
    believed: Tensor,
    pending: Tensor,
    seed: int,
    samples: int = SAMPLES,
    least: float = 0.0,
) -> Wanting:
    """What to maximise now.

    Args:
        incumbents: (k, columns) the best designs known; under noise improvement is on what they may truly be, unless a short list
            is wanted, whose last is judged by its mean.
        believed: (n, m) what ``model`` believes of all designs answered.
        pending: (p, columns) designs under way.
        samples: of the surrogate's outputs, over which an expectation is the mean.
        least: with one objective, the share of the spread of what is known by which a design has to improve to improve at all.
    """
    common: dict[str, Any] = {
        "model": model,
        "sampler": SobolQMCNormalSampler(torch.Size([samples]), seed=seed),
        "constraints": aims.shortfalls() or None,
        "X_pending": pending if len(pending) else None,
    }
    if len(task.objectives) > 1:
        return _of_a_front(task, aims, incumbents, believed, common)
    common["objective"] = GenericMCObjective(aims.value)
    alone = task.problem.short_list == 1
    if task.problem.noise.kind != "none" and alone and not least:
        return Wanting(qLogNoisyExpectedImprovement(X_baseline=incumbents, prune_baseline=False, cache_root=False, **common))
    values = aims.value(believed) if least else believed.new_zeros(1)
    margin = least * float(values.max() - values.min())
    best = _to_improve_on(aims, believed)
    if len(best) > 1:
        return Wanting(LogGainOfAList(best + margin, **common))
    return Wanting(qLogExpectedImprovement(best_f=float(best) + margin, **common))


def _to_improve_on(aims: Aims, believed: Tensor) -> Tensor:
    """(k,) objectives to improve on, larger is better: the best designs of any rung that the top rung is believed to allow.

    As many as are wanted, as far as there are. Without any it is the worst seen, so that feasibility comes first.
    """
    if not len(believed):
        return believed.new_zeros(1)
    value, allowed = aims.value(believed), aims.missed(believed) <= 0
    if not allowed.any():
        return value.min().reshape(1)
    return torch.as_tensor(value[allowed].sort(descending=True).values[: aims.task.problem.short_list])


class LogGainOfAList(qLogExpectedImprovement):
    """What a design adds to the sum of the best few: its gain over their last, those under way among them as each sample has it.

    The library's own counts the largest gain of a batch and no other, so that each of several must differ from the rest. While
    fewer are known than wanted, the list is as long as they are many.
    """

    def __init__(self, best: Tensor, **common: Any) -> None:
        super().__init__(best_f=0.0, **common)
        self.best = best

    def _non_reduced_forward(self, X: Tensor) -> Tensor:
        """(n, q, columns) designs, the first judged, to (samples, n, q) logarithms, the others' of which are never largest."""
        samples, obj = self._get_samples_and_objectives(X)
        under_way = obj[..., 1:]
        for limit in self._constraints or ():
            under_way = under_way.where(limit(samples)[..., 1:] <= 0, -torch.inf)
        in_doubt = self.best[-(under_way.shape[-1] + 1) :]  # so few can be pushed out of the list
        every = torch.cat([in_doubt.expand(*under_way.shape[:-1], -1), under_way], -1)
        last = every.topk(len(in_doubt), -1).values[..., -1:]
        gain = self._sample_forward(obj[..., :1] - last)
        return torch.as_tensor(self._apply_constraints(torch.cat([gain, torch.full_like(under_way, -1e10)], -1), samples))


def _reference(values: Tensor) -> Tensor:
    """A tenth of their range beyond the worst of (n, k) values, in spreads of the outputs, larger is better.

    The worst of the front, the usual rule, would hide its ends: what lies beyond the ends found so far would be worth nothing.
    """
    if not len(values):  # the front may come to lie anywhere above the worst that is likely
        return -values.new_ones(values.shape[-1])
    worst, best = values.min(0).values, values.max(0).values
    return worst - 0.1 * torch.where(best > worst, best - worst, 1.0)


def _of_a_front(task: Task, aims: Aims, incumbents: Tensor, believed: Tensor, common: dict[str, Any]) -> Wanting:
    """Growth of the front (daulton2021, ament2023); while no design is believed to keep the limits, the chance that one does."""
    allowed = aims.missed(believed) <= 0
    if not allowed.any() and common["constraints"]:
        return Wanting(qLogProbabilityOfFeasibility(**common))
    values = aims.values(believed)[allowed]
    front, reference = values[is_non_dominated(values)], _reference(values)
    own: Any = FastNondominatedPartitioning(ref_point=_reference(front), Y=front)
    partitioning: Any = FastNondominatedPartitioning(ref_point=reference, Y=front)
    common["objective"] = GenericMCMultiOutputObjective(aims.values)
    if task.problem.noise.kind != "none":
        acquisition: Any = qLogNoisyExpectedHypervolumeImprovement(
            ref_point=reference, X_baseline=incumbents, prune_baseline=False, cache_root=False, **common
        )
    else:
        acquisition = qLogExpectedHypervolumeImprovement(ref_point=reference, partitioning=partitioning, **common)
    return Wanting(acquisition, float(own.compute_hypervolume()))
