"""All fidelities of a problem, and whether a simulation succeeds at all, as one BoTorch model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from botorch.models.model import Model
from botorch.posteriors import GPyTorchPosterior
from gpytorch.distributions import MultitaskMultivariateNormal, MultivariateNormal
from linear_operator import to_linear_operator
from linear_operator.operators import DiagLinearOperator
from torch import Tensor

from dure.surrogate.effects import Names
from dure.surrogate.past import Past
from dure.surrogate.reference import Reference
from dure.surrogate.rung import Rung, fit_rung

__all__ = ["Ladder", "Observations", "fit_ladder", "fit_success"]

_SLIGHT = 0.5
"""Of success, half of what would turn it into failure; while all succeed, a constant would be better than any knowledge."""


@dataclass(frozen=True)
class Observations:
    """What one fidelity answered: (n, d) points, (n, m) outputs, and (k, d) points where it failed.

    ``trusted`` (m,) says which outputs the rung above may stand on; None for all.
    """

    points: Tensor
    outputs: Tensor
    failed: Tensor
    trusted: Tensor | None = None


class Ladder(Model):
    """Posterior of the top rung's m outputs, followed by one output for its success (1) or failure (0) when any failed.

    ``successes`` holds one belief a rung; None where nothing failed, neither yet nor in the past.
    """

    def __init__(self, rungs: Sequence[Rung], successes: Sequence[Rung | None]) -> None:
        super().__init__()
        self.rungs = tuple(rungs)
        self.successes = tuple(successes)

    @property
    def num_outputs(self) -> int:
        return len(self.rungs[-1].calibration.offset) + (self.successes[-1] is not None)

    @property
    def batch_shape(self) -> torch.Size:
        return torch.Size()

    def mean(self, points: Tensor) -> Tensor:
        """(n, d) unit-cube points to (n, num_outputs) posterior means, without the cost of doubts."""
        with torch.no_grad():
            believed = [self.rungs[-1], *filter(None, [self.successes[-1]])]
            return torch.cat([one.mean(points) for one in believed], -2).mT

    def posterior(self, X: Tensor, *_args: Any, posterior_transform: Any = None, **_kwargs: Any) -> Any:
        """Joint posterior over (..., q, d) unit-cube points; outputs are independent of one another."""
        mean, covariance = self.rungs[-1].belief(X)
        success = self.successes[-1]
        if success is not None:
            one, its = success.belief(X)
            mean, covariance = torch.cat([mean, one], -2), torch.cat([covariance, its], -3)
        if X.shape[-2] == 1:
            joint = MultitaskMultivariateNormal(mean.mT, DiagLinearOperator(covariance[..., 0, 0]))
        else:
            normal = MultivariateNormal(mean, to_linear_operator(covariance))  # lazily, so that jitter is added where needed
            joint = MultitaskMultivariateNormal.from_batch_mvn(normal, task_dim=-1)
        posterior = GPyTorchPosterior(joint)
        return posterior_transform(posterior) if posterior_transform else posterior


def fit_ladder(
    observed: Sequence[Observations],
    *,
    theory: Reference | None = None,
    noise: float | None = 1e-6,
    names: Names = (),
    near: Tensor | None = None,
    past: Past | None = None,
) -> Ladder:
    """Fit rung on rung, cheapest first, and each one's success.

    Args:
        observed: one entry a fidelity, cheapest first.
        theory: the reference of the cheapest rung.
        noise, names, near: see ``fit_rung``.
        past: what past tasks say of the cheapest rung, beside theory, and of the success of every rung.
    """
    pooled = torch.cat([one.outputs for one in observed])
    spread = pooled.std(0) if len(pooled) > 1 else torch.ones(pooled.shape[-1], dtype=pooled.dtype)
    if theory is not None:
        d = observed[0].points.shape[-1]
        cube = torch.quasirandom.SobolEngine(d, scramble=True, seed=0).draw(64, dtype=pooled.dtype)
        with torch.no_grad():
            guess = theory(cube)
        spread = torch.maximum(spread, guess.nan_to_num(0.0).std(0))
    spread = spread.clamp_min(1e-9)
    reference = theory if past is None else _added(theory, past, spread)
    rungs: list[Rung] = []
    for level, one in enumerate(observed):
        rungs.append(
            fit_rung(
                one.points,
                one.outputs,
                spread,
                lower=rungs[-1] if rungs else None,
                reference=None if level else reference,
                trusted=observed[level - 1].trusted if level else None,
                noise=noise,
                names=names,
                near=near,
                past=None if level else past,
            )
        )
    return Ladder(rungs, [fit_success(one, names, near, past) for one in observed])


def _added(theory: Reference | None, past: Past, spread: Tensor) -> Reference:
    """Theory, if any, and the mean of past tasks in units of the outputs' spread."""
    return lambda points: past.mean(points) * spread + (0.0 if theory is None else theory(points))


def fit_success(observed: Observations, names: Names, near: Tensor | None, past: Past | None) -> Rung | None:
    """A Gaussian process on 1 (answered) and 0 (failed); rungs fail for reasons of their own, so each has its own."""
    known = None if past is None else past.success
    if not len(observed.failed) and known is None:
        return None
    half = torch.full((1,), 0.5, dtype=observed.points.dtype)
    said = None if past is None or known is None else lambda points: past.rate + known.mean(points) * half
    points = torch.cat([observed.points, observed.failed])
    labels = torch.cat([torch.ones(len(observed.points), 1), torch.zeros(len(observed.failed), 1)]).to(points)
    return fit_rung(points, labels, half, reference=said, noise=None, names=names, near=near, past=known, slight=_SLIGHT)
