"""How much wider, or narrower, stated intervals must be to hold what they say: learned from those stated before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

__all__ = ["Prediction", "widening"]

_LEVEL = 0.9
_IDEAL = np.abs(norm.ppf(np.arange(0.5, 10) / 10 / 2 + 0.5)) / norm.ppf(0.5 + _LEVEL / 2)
"""What ten intervals of a right belief would have said: their weight is that of ten answers."""
_LEAST, _MOST = 0.5, 5.0


@dataclass(frozen=True)
class Prediction:
    """Median, low and high stated for a goal when a trial was asked as event ``asked``; its value, told at ``answered``."""

    goal: str
    asked: int
    answered: int
    interval: tuple[float, float, float]
    value: float


def widening(predictions: Sequence[Prediction], goal: str) -> float:
    """The factor by which the surrogate's interval for ``goal`` is stretched about its median.

    It is the ninth decile of how far answers lay from the medians, in half-widths of the surrogate's own intervals. Those are
    found again from the stated ones, whose factors follow from the answers that were there when they were stated.
    """
    own: list[tuple[int, float]] = []
    for one in sorted((one for one in predictions if one.goal == goal), key=lambda one: one.asked):
        factor = _factor([ratio for answered, ratio in own if answered < one.asked])
        middle, low, high = one.interval
        half = (high - middle if one.value > middle else middle - low) / factor
        own.append((one.answered, abs(one.value - middle) / half if half > 0 else 0.0))
    return _factor([ratio for _answered, ratio in own])


def _factor(ratios: Sequence[float]) -> float:
    return float(np.clip(np.quantile([*_IDEAL, *ratios], _LEVEL, method="hazen"), _LEAST, _MOST)) if ratios else 1.0
