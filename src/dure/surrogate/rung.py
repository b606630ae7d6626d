"""Belief about the outputs of one fidelity: a calibrated reference plus a Gaussian process on the residual."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from dure.surrogate.effects import Names
from dure.surrogate.past import Past
from dure.surrogate.process import Process
from dure.surrogate.reference import Reference
from dure.surrogate.residual import fit_residual

__all__ = ["Calibration", "Rung", "calibrate", "fit_rung"]

_WEIGHT_OF_BELIEF = 3.0
"""How many observations the belief "the reference is right, up to an offset" counts for."""


@dataclass(frozen=True)
class Calibration:
    """``offset + slope * reference``, each (m,); ``kept`` is False where the reference misled and was dropped.

    ``explained`` is the share of the outputs' variance that the reference explains, each left out once; NaN where that cannot
    be said. Negative: a constant predicts better.
    """

    offset: Tensor
    slope: Tensor
    scale: Tensor
    kept: Tensor
    explained: Tensor


def calibrate(
    reference: Tensor,
    outputs: Tensor,
    spread: Tensor,
    trusted: Tensor | None = None,
    doubt: Tensor | float = 0.1,
    slight: float = 0.0,
) -> Calibration:
    """Fit offset and slope of each output on the reference by ridge regression towards slope 1.

    Args:
        reference: (n, m) what the reference says at the observed designs.
        outputs: (n, m) what was observed there.
        spread: (m,) how much the outputs vary over the space, as far as is known.
        trusted: (m,) for which outputs the reference may be used at all; None for all.
        doubt: (m,) how far the reference usually is from the outputs, in units of ``spread``.
        slight: an error that misleads nobody, in the same units.

    The reference is dropped for an output when, left out one at a time, a constant predicts better and its error is not slight.
    ``scale`` is the residual's standard deviation, held up by ``doubt`` while observations are few.
    """
    n = len(outputs)
    centre = reference.mean(0) if n else torch.zeros_like(spread)
    x = reference - centre
    ridge = _WEIGHT_OF_BELIEF * spread.square().clamp_min(1e-12)
    middle = outputs.mean(0) if n else torch.zeros_like(spread)
    slope = 1 + (x * (outputs - middle - x)).sum(0) / (x.square().sum(0) + ridge)
    offset = middle - slope * centre
    kept = torch.ones_like(slope, dtype=torch.bool) if trusted is None else trusted
    explained = torch.full_like(slope, torch.nan)
    if n >= 4:
        leverage = 1 / n + x.square() / (x.square().sum(0) + ridge)
        error = ((outputs - offset - slope * reference) / (1 - leverage).clamp_min(0.05)).square().mean(0)
        constant = ((outputs - middle) * n / (n - 1)).square().mean(0)
        told = kept & (x.square().mean(0) > 1e-12 * spread.square()) & (constant > 0)
        explained = torch.where(told, 1 - error / constant, torch.nan)
        kept = kept & (error <= torch.maximum(constant, (slight * spread).square()))
    slope, offset = torch.where(kept, slope, 0.0), torch.where(kept, offset, middle)
    residual = outputs - offset - slope * reference
    held = _WEIGHT_OF_BELIEF * (torch.where(kept, doubt, 1.0) * spread).square()
    scale = ((held + residual.square().sum(0)) / (_WEIGHT_OF_BELIEF + n)).sqrt().clamp_min(1e-9)
    return Calibration(offset, slope, scale, kept, explained)


def _without_reference(middle: Tensor, scale: Tensor) -> Calibration:
    return Calibration(
        middle, torch.zeros_like(middle), scale, torch.ones_like(middle, dtype=torch.bool), torch.full_like(middle, torch.nan)
    )


@dataclass(frozen=True)
class Rung:
    """A fitted fidelity: ``lower`` is the rung its mean stands on, ``past`` what past tasks say, ``residual`` learns the rest."""

    calibration: Calibration
    residual: Process | None
    reference: Reference | None
    lower: Rung | None = None
    past: Past | None = None

    def mean(self, points: Tensor) -> Tensor:
        """(..., q, d) to posterior means (..., m, q)."""
        mean = self._calibrated(self.base(points))
        if self.residual is None:
            return mean
        return torch.as_tensor(mean + self.calibration.scale[:, None] * self.residual.mean(points))

    def base(self, points: Tensor) -> Tensor:
        """(..., q, d) to what the mean stands on, (..., m, q): the lower rung, theory, or zero."""
        if self.lower is not None:
            return self.lower.mean(points)
        if self.reference is not None:
            return self.reference(points).mT
        nothing = 0 * points.sum(-1)  # not a constant: an optimiser asks for its slope
        return nothing.unsqueeze(-2).expand(*points.shape[:-2], len(self.calibration.offset), -1)

    def belief(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """(..., q, d) to means (..., m, q) and covariances (..., m, q, q), the lower rung's doubt included."""
        made, below = self.calibration, None
        if self.lower is not None:
            base, below = self.lower.belief(points)
        else:
            base = self.base(points)
        mean, scale = self._calibrated(base), made.scale[:, None]
        shape = torch.eye(points.shape[-2], dtype=points.dtype)
        if self.residual is not None:
            rest, shape = self.residual.belief(points)
            mean = mean + scale * rest
        elif self.past is not None:
            shape = self.past.covariance(points)
        doubt = scale.square()[..., None] * shape
        if below is not None:
            doubt = doubt + made.slope.square()[:, None, None] * below
        return mean, doubt.expand(*points.shape[:-2], *doubt.shape[-3:])

    def _calibrated(self, base: Tensor) -> Tensor:
        return self.calibration.offset[:, None] + self.calibration.slope[:, None] * base

    def own_variance(self, points: Tensor) -> Tensor:
        """(n, d) to (n, m): the doubt that only this rung, and no lower one, can remove."""
        if self.residual is None:
            return self.calibration.scale.square().expand(len(points), -1)
        _mean, variance = self.residual.belief(points.unsqueeze(-2))
        return variance[..., 0, 0] * self.calibration.scale.square()


def fit_rung(
    points: Tensor,
    outputs: Tensor,
    spread: Tensor,
    *,
    lower: Rung | None = None,
    reference: Reference | None = None,
    trusted: Tensor | None = None,
    noise: float | None = 1e-6,
    names: Names = (),
    near: Tensor | None = None,
    past: Past | None = None,
    slight: float = 0.0,
) -> Rung:
    """Fit one fidelity.

    Args:
        points: (n, d) observed designs in the unit cube, n may be 0.
        outputs: (n, m) observed outputs.
        spread: (m,) how much the outputs vary over the space.
        lower: the rung below, whose mean is the reference; otherwise ``reference`` (theory), or none.
        trusted, slight: see ``calibrate``.
        noise: variance of the noise as a share of the residual's; None to learn it.
        names, near, past: see ``fit_residual``; ``reference`` has the past's mean in it.
    """
    bare = Rung(_without_reference(torch.zeros_like(spread), torch.zeros_like(spread)), None, reference, lower)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        base = bare.base(points).mT if len(points) else torch.zeros(0, len(spread), dtype=spread.dtype)
    if lower is None and reference is None:
        middle = outputs.mean(0) if len(outputs) else torch.zeros_like(spread)
        scale = (outputs.std(0) if len(outputs) > 1 else spread).clamp_min(1e-9)
        made = _without_reference(middle, scale)
    else:
        made = calibrate(base, outputs, spread, trusted, 0.1 if past is None else past.doubt, slight)
    if not len(points):
        return Rung(made, None, reference, lower, past)
    residual = (outputs - made.offset - made.slope * base) / made.scale
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        effects = lower is None and (reference is None or past is not None) and (points.shape[-1] > 1 or bool(names))
        fitted = fit_residual(points, residual, noise, names, near, effects=effects, past=past)
        return Rung(made, fitted, reference, lower, past)
