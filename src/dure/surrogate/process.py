"""Gaussian processes on several outputs: a kernel for each of them, or one for all where they are many."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from botorch.models import SingleTaskGP
from botorch.models.utils import gpt_posterior_settings
from gpytorch.distributions import MultivariateNormal
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.settings import skip_posterior_variances
from torch import Tensor

__all__ = ["Apart", "Process", "Shared", "SharedLikelihood"]

_TOGETHER = 256
"""Points that are predicted in one go."""

_LEAST_VARIANCE = 1e-12
"""Rounding can leave a variance below zero; at zero its root has no slope."""


@dataclass(frozen=True)
class Apart:
    """A fitted process of m outputs, each with a kernel of its own."""

    model: SingleTaskGP

    @property
    def targets(self) -> Tensor:
        """(m, n) what it was fitted to."""
        targets: Tensor = self.model.train_targets
        return targets.reshape(-1, targets.shape[-1])

    @property
    def noise(self) -> Tensor:
        """(m,) variance of the noise."""
        return torch.as_tensor(self.model.likelihood.noise).reshape(len(self.targets), -1).mean(-1)

    @cached_property
    def factor(self) -> Tensor:
        """(m, n, n) the Cholesky factor of the observations' covariance, noise included."""
        return self._prepared[0].reshape(-1, *self._prepared[0].shape[-2:])

    @cached_property
    def _prepared(self) -> tuple[Tensor, Tensor]:
        return _prepared(self.model)

    def log_likelihoods(self) -> Tensor:
        """(m,) of each output, or one number."""
        self.model.train()
        believed = self.model.likelihood(self.model(*self.model.train_inputs), *self.model.train_inputs)
        return torch.as_tensor(believed.log_prob(self.model.train_targets))

    def mean(self, points: Tensor) -> Tensor:
        """(..., q, d) points to (..., m, q)."""
        # In parts, because the library makes the covariances of all points with all of them, asked for or not.
        with gpt_posterior_settings(), skip_posterior_variances():
            return torch.cat([self.model(some.unsqueeze(-3)).mean for some in points.split(_TOGETHER, -2)], -1)

    def belief(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """(..., q, d) points to means (..., m, q) and covariances (..., m, q, q)."""
        # BoTorch's settings keep the observations' factor; without them it would be made again for every answer.
        with gpt_posterior_settings():
            if points.dim() > 2 and points.shape[-2] > 1 and not points.requires_grad:
                first, which = _once(points.reshape(-1, points.shape[-1]))
                if len(first) <= len(which) // 2:
                    return self._repeated(points.reshape(-1, points.shape[-1])[first], which.reshape(points.shape[:-1]))
            if points.shape[-2] > 1 or points.dim() == 2:
                together: MultivariateNormal = self.model(points.unsqueeze(-3))
                return together.mean, together.covariance_matrix
            mean, variance = self._each(points.reshape(1, -1, points.shape[-1]))
        shape = (*points.shape[:-2], -1, 1)
        return mean.mT.reshape(shape), variance.mT.reshape(*shape, 1).clamp_min(_LEAST_VARIANCE)

    def _repeated(self, points: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        """(n, d) points to means (..., m, q) and covariances (..., m, q, q) of ``which`` (..., q) of them stand together.

        Designs under way stand beside every candidate, and are looked at once.
        """
        factor, weights = self._prepared
        kernel, some = self.model.covar_module, points.unsqueeze(0)
        across: Tensor = kernel(some, self.model.train_inputs[0]).to_dense()
        half = torch.linalg.solve_triangular(factor, across.mT, upper=False)
        mean = (across @ weights.unsqueeze(-1)).reshape(-1, len(points))
        covariance = (kernel(some).to_dense() - half.mT @ half).reshape(-1, len(points), len(points))
        joint = covariance[:, which.unsqueeze(-1), which.unsqueeze(-2)]
        return mean[:, which].movedim(0, -2), joint.movedim(0, -3)

    def _each(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """(1, n, d) points to means and variances, each (m, n): the library would make the covariances of all with all."""
        factor, weights = self._prepared
        kernel = self.model.covar_module
        across: Tensor = kernel(points, self.model.train_inputs[0]).to_dense()
        explained = torch.linalg.solve_triangular(factor, across.mT, upper=False).square().sum(-2)
        mean, variance = (across @ weights.unsqueeze(-1)).squeeze(-1), kernel(points, diag=True) - explained
        return mean.reshape(-1, points.shape[-2]), variance.reshape(-1, points.shape[-2])


@dataclass(frozen=True)
class Shared:
    """A fitted process of m outputs under one kernel, whose covariances are made once for all of them.

    ``model`` has one output, the first that varies.
    """

    model: SingleTaskGP
    targets: Tensor

    @property
    def noise(self) -> Tensor:
        """(m,) variance of the noise."""
        return torch.as_tensor(self.model.likelihood.noise).mean().expand(len(self.targets))

    @cached_property
    def factor(self) -> Tensor:
        """(1, n, n) the Cholesky factor of the observations' covariance, noise included."""
        return _prepared(self.model)[0].unsqueeze(0)

    @cached_property
    def _weights(self) -> Tensor:
        return torch.cholesky_solve(self.targets.mT, self.factor[0])

    def log_likelihoods(self) -> Tensor:
        """That of a middling output, for they are seldom independent."""
        self.model.train()
        return SharedLikelihood(self.model, self.targets).of(self.model(*self.model.train_inputs)) / len(self.targets)

    def mean(self, points: Tensor) -> Tensor:
        """(..., q, d) points to (..., m, q)."""
        return (self._across(points) @ self._weights).mT

    def belief(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """(..., q, d) points to means (..., m, q) and covariances (..., 1, q, q), the same for every output."""
        kernel, flat = self.model.covar_module, points.reshape(-1, points.shape[-1])
        # Designs under way stand beside every candidate, and need not be looked at for each of them.
        repeats = points.shape[-2] > 1 and not points.requires_grad  # each of two equal rows has a slope of its own
        first, which = _once(flat) if repeats else (slice(None), slice(None))
        across = self._across(flat[first])
        half = torch.linalg.solve_triangular(self.factor[0], across.mT, upper=False).mT[which].reshape(*points.shape[:-1], -1)
        mean = (across @ self._weights)[which].reshape(*points.shape[:-1], -1).mT
        if points.shape[-2] == 1:
            variance = kernel(flat, diag=True) - half.reshape(len(flat), -1).square().sum(-1)
            return mean, variance.reshape(*points.shape[:-2], 1, 1, 1).clamp_min(_LEAST_VARIANCE)
        return mean, (kernel(points).to_dense() - half @ half.mT).unsqueeze(-3)

    def _across(self, points: Tensor) -> Tensor:
        with gpt_posterior_settings():
            return torch.as_tensor(self.model.covar_module(points, self.model.train_inputs[0]).to_dense())


Process = Apart | Shared


def _prepared(model: Any) -> tuple[Tensor, Tensor]:
    """The Cholesky factor (..., n, n) of the observations' covariance, and its inverse times them (..., n)."""
    with torch.no_grad(), gpt_posterior_settings():
        model(torch.full_like(model.train_inputs[0][..., :1, :], 0.5))  # the first question prepares both
        strategy = model.prediction_strategy
        return strategy.lik_train_train_covar.cholesky().to_dense(), strategy.mean_cache


def _once(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Where each of the different rows stands first, and which of them every row is."""
    different, which = rows.detach().unique(dim=0, return_inverse=True)
    first = torch.full((len(different),), len(rows)).scatter_reduce(0, which, torch.arange(len(rows)), "amin")
    return first, which


class SharedLikelihood(ExactMarginalLogLikelihood):  # type: ignore[misc]  # GPyTorch has no types
    """The marginal likelihood of a kernel that several outputs share: the product of theirs, the kernel's priors once."""

    def __init__(self, model: SingleTaskGP, targets: Tensor) -> None:
        super().__init__(model.likelihood, model)
        self.targets = targets

    def of(self, believed: MultivariateNormal) -> Tensor:
        """Its logarithm without the priors, for what the model believes of one output's values without noise."""
        seen = self.likelihood(believed, *self.model.train_inputs)
        m, n = self.targets.shape
        missed, logdet = seen.lazy_covariance_matrix.inv_quad_logdet(inv_quad_rhs=self.targets.mT, logdet=True)
        return torch.as_tensor(-0.5 * (missed + m * (logdet + n * math.log(2 * math.pi))))

    def forward(self, function_dist: MultivariateNormal, target: Tensor, *params: Any, **_kwargs: Any) -> Tensor:
        """See ``ExactMarginalLogLikelihood``; ``target`` is that of one output."""
        return torch.as_tensor(self._add_other_terms(self.of(function_dist), params) / target.shape[-1])
