"""How much wider, or narrower, stated intervals must be to hold what they say: learned from those stated before."""

from __future__ import annotations

import heapq
from bisect import insort
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
    known: list[float] = sorted(_IDEAL)
    under_way: list[tuple[int, float]] = []
    for one in sorted((one for one in predictions if one.goal == goal), key=lambda one: one.asked):
        while under_way and under_way[0][0] < one.asked:
            insort(known, heapq.heappop(under_way)[1])
        middle, low, high = one.interval
        half = (high - middle if one.value > middle else middle - low) / _factor(known)
        heapq.heappush(under_way, (one.answered, abs(one.value - middle) / half if half > 0 else 0.0))
    return _factor(sorted([*known, *(ratio for _answered, ratio in under_way)]))


def _factor(ratios: Sequence[float]) -> float:
    """The ninth decile of rising numbers, the ideal ones among them, after Hazen; only two of them are looked at."""
    if len(ratios) == len(_IDEAL):
        return 1.0
    place = _LEVEL * len(ratios) - 0.5
    low, high = ratios[int(place)], ratios[int(place) + 1]
    return float(np.clip(low + (place - int(place)) * (high - low), _LEAST, _MOST))
