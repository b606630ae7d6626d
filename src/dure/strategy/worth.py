"""The trial of worth: what is believed with the past, and without, set against a campaign's own answers."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch.distributions import StudentT

from dure.strategy.base import PastWorth
from dure.surrogate import Ladder

__all__ = ["LEAST_COLD", "forecasts", "share_of_past", "worth_of"]

LEAST_COLD = 0.1
"""The share of proposals that always goes without the past: how else would it be found out where it misleads?"""
_FREEDOM = 4.0
_HELD = 4.0
"""Answers that the belief "the doubt is stated rightly" counts for."""
_GONE = 0.05
_DRAWS = 400

Array = NDArray[np.float64]


def forecasts(model: Ladder) -> Array:
    """(n,) the logarithm of the density that each answer of the cheapest rung had before it came, a mean over outputs.

    In order of asking, under the hyperparameters fitted to all. Doubts are first stretched by their own record, output by output;
    the tails are those of Student's t, so that one surprise does not settle the trial.
    """
    rung = model.rungs[0]
    if rung.residual is None:
        return np.zeros(0)
    factor, targets = rung.residual.factor, rung.residual.targets
    surprise = torch.linalg.solve_triangular(factor, targets.unsqueeze(-1), upper=False).squeeze(-1)
    record = ((_HELD + surprise.square().sum(-1, keepdim=True)) / (_HELD + surprise.shape[-1])).sqrt()
    doubt = record * factor.diagonal(dim1=-1, dim2=-2) * rung.calibration.scale[:, None]
    missed = surprise * factor.diagonal(dim1=-1, dim2=-2) * rung.calibration.scale[:, None]
    unit = math.sqrt((_FREEDOM - 2) / _FREEDOM)
    densities = StudentT(_FREEDOM, torch.zeros_like(doubt), doubt * unit).log_prob(missed)
    return np.asarray(densities.detach().mean(0).numpy())


def share_of_past(past: Array, cold: Array, before: float = 0.5) -> float:
    """The weight of the belief with the past; ``before`` any answer it was that."""
    gained = math.log(before / (1 - before)) + (float((past - cold).sum()) if len(past) else 0.0)
    return 1 / (1 + math.exp(-min(max(gained, -30.0), 30.0)))


def worth_of(name: str, past: Array, cold: Array, seed: int, before: float = 0.5) -> PastWorth:
    """See ``PastWorth``; from the forecasts of both beliefs."""
    n = len(past)
    odds = math.log(before / (1 - before)) + np.cumsum(past - cold)
    weights = 1 / (1 + np.exp(-np.clip(odds, -50, 50)))
    above = np.flatnonzero(weights >= _GONE)
    last = int(above[-1]) + 1 if len(above) else 0
    ignored = last + 1 if n and last < n else None
    generator = np.random.default_rng(seed)
    drawn = [_lag(past, cold, generator.integers(n, size=n)) for _draw in range(_DRAWS)] if n > 1 else [0.0]
    low, high = np.quantile(drawn, (0.05, 0.95))
    return PastWorth(
        name, n, share_of_past(past, cold, before), (_lag(past, cold, np.arange(n)), float(low), float(high)), ignored
    )


def _lag(past: Array, cold: Array, rows: NDArray[np.int64]) -> float:
    """By how many answers forecasts without the past must be delayed to be as good as those with it."""
    n = len(rows)
    if not n:
        return 0.0
    counts = np.bincount(rows, minlength=n).astype(float)
    for lag in range(n):
        gained = past[: n - lag] - cold[lag:]
        if float((counts[: n - lag] * gained).sum()) <= 0:
            return float(lag)
    return float(n)
