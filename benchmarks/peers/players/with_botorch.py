"""BoTorch as its tutorials use it: Gaussian processes with the library's priors, and the logarithmic improvement family."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from botorch.acquisition.logei import qLogExpectedImprovement, qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import GenericMCMultiOutputObjective
from botorch.acquisition.objective import GenericMCObjective
from botorch.fit import fit_gpytorch_mll
from botorch.models import ModelListGP, SingleTaskGP
from botorch.optim import optimize_acqf, optimize_acqf_discrete, optimize_acqf_mixed
from botorch.sampling import SobolQMCNormalSampler
from gpytorch.mlls import SumMarginalLogLikelihood
from torch import Tensor

from benchmarks.peers.players.base import Kept
from benchmarks.peers.tasks import Answer, Array, Design
from dure.problem import Choice

__all__ = ["BoTorch"]

_RAW, _RESTARTS, _COMBINATIONS = 256, 5, 3


def _first(samples: Tensor, X: Tensor | None = None) -> Tensor:  # noqa: N803 - the library's name
    return -samples[..., 0]


def _both(samples: Tensor, X: Tensor | None = None) -> Tensor:  # noqa: N803 - the library's name
    return -samples[..., :2]


class BoTorch(Kept):
    """A model for each objective, limit and, once there are crashes, for success; one column for each option of a choice."""

    def ask(self) -> Design | None:
        """See ``Player``."""
        torch.manual_seed(1000 * self.seed + len(self.told))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._propose(self._acquisition(self._fit()))

    def recommended(self) -> Design:
        """See ``Player``; the best posterior mean of what was told."""
        designs = [design for design, answer in self.told if answer is not None]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = self._fit()
        with torch.no_grad():
            mean = model.posterior(self._inputs(designs)).mean[:, 0]
        return designs[int(mean.argmin())]

    def _inputs(self, designs: list[Design]) -> Tensor:
        return torch.from_numpy(np.array([self._row(one) for one in designs]))

    def _row(self, design: Design) -> Array:
        """A design in the unit cube, choices as one column an option."""
        parts = []
        for name, spec in self.task.fields.items():
            if isinstance(spec, Choice):
                parts.append(np.array([float(option == design[name]) for option in spec.options]))
            else:
                parts.append(spec.encode(design[name]))
        return np.concatenate(parts)

    def _design(self, row: Array) -> Design:
        values, start = {}, 0
        for name, spec in self.task.fields.items():
            width = len(spec.options) if isinstance(spec, Choice) else 1
            part, start = row[start : start + width], start + width
            values[name] = spec.options[int(part.argmax())] if isinstance(spec, Choice) else spec.decode(part[None, :])[0]
        return values

    def _answered(self) -> list[tuple[Design, Answer]]:
        return [(design, answer) for design, answer in self.told if answer is not None]

    def _fit(self) -> ModelListGP:
        x = self._inputs([design for design, _answer in self._answered()])
        y = torch.tensor([(*one.objectives, *one.violations) for _design, one in self._answered()], dtype=torch.double)
        models = [SingleTaskGP(x, y[:, index : index + 1]) for index in range(y.shape[1])]
        if len(x) < len(self.told):
            success = torch.tensor([[float(answer is not None)] for _design, answer in self.told], dtype=torch.double)
            models.append(SingleTaskGP(self._inputs([design for design, _answer in self.told]), success))
        model = ModelListGP(*models)
        fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
        return model

    def _constraints(self) -> list[Any] | None:
        first = len(self.task.goals)
        found: list[Any] = [lambda samples, at=first + index: samples[..., at] for index in range(len(self.task.limits))]
        if len(self._answered()) < len(self.told):
            found.append(lambda samples: 0.5 - samples[..., -1])
        return found or None

    def _acquisition(self, model: ModelListGP) -> Any:
        known = self._inputs([design for design, _answer in self._answered()])
        common: dict[str, Any] = {
            "model": model,
            "constraints": self._constraints(),
            "sampler": SobolQMCNormalSampler(torch.Size([128]), seed=self.seed),
        }
        if self.task.corner:
            return qLogNoisyExpectedHypervolumeImprovement(
                ref_point=[-one for one in self.task.corner],
                X_baseline=known,
                objective=GenericMCMultiOutputObjective(_both),
                prune_baseline=True,
                **common,
            )
        objective = GenericMCObjective(_first)
        if self.task.noisy:
            return qLogNoisyExpectedImprovement(X_baseline=known, objective=objective, prune_baseline=True, **common)
        kept = [answer.objectives[0] for _design, answer in self._answered() if answer.worst <= 0]
        worst = max(answer.objectives[0] for _design, answer in self._answered())
        return qLogExpectedImprovement(best_f=-min(kept, default=worst), objective=objective, **common)

    def _propose(self, acquisition: Any) -> Design | None:
        if self.task.problem.candidates:
            return self._row_of_table(acquisition)
        columns = len(self._row(self.told[0][0]))
        common: dict[str, Any] = {
            "acq_function": acquisition,
            "bounds": torch.stack([torch.zeros(columns), torch.ones(columns)]).double(),
            "q": 1,
            "num_restarts": _RESTARTS,
            "raw_samples": _RAW,
        }
        if any(isinstance(spec, Choice) for spec in self.task.fields.values()):
            best, _value = optimize_acqf_mixed(fixed_features_list=self._combinations(acquisition), **common)
        else:
            best, _value = optimize_acqf(**common)
        return self._design(best[0].numpy())

    def _combinations(self, acquisition: Any) -> list[dict[int, float]]:
        """The choices of the most promising of many designs; the rest is improved with these held fixed."""
        x = self._inputs(self.task.sample((self.seed, len(self.told)), 4 * _RAW))
        with torch.no_grad():
            order = acquisition(x.unsqueeze(1)).argsort(descending=True)
        columns, start = [], 0
        for spec in self.task.fields.values():
            width = len(spec.options) if isinstance(spec, Choice) else 1
            columns += list(range(start, start + width)) if isinstance(spec, Choice) else []
            start += width
        found: list[dict[int, float]] = []
        for number in order.tolist():
            fixed = {column: float(x[number, column]) for column in columns}
            if fixed not in found:
                found.append(fixed)
            if len(found) == _COMBINATIONS:
                break
        return found

    def _row_of_table(self, acquisition: Any) -> Design | None:
        told = {tuple(design.values()) for design, _answer in self.told}
        left = [values for values in self.task.row_of if values not in told]
        if not left:
            return None
        designs: list[Design] = [dict(zip(self.task.fields, values, strict=True)) for values in left]
        best, _value = optimize_acqf_discrete(acquisition, q=1, choices=self._inputs(designs), max_batch_size=2048, unique=True)
        return designs[int((self._inputs(designs) - best).square().sum(1).argmin())]
