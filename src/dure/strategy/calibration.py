"""How much wider, or narrower, stated intervals must be to hold what they say: learned from those stated before."""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

__all__ = ["Prediction", "Stretch", "stretch", "widening"]

_LEVEL = 0.9
_IDEAL = np.abs(norm.ppf(np.arange(0.5, 10) / 10 / 2 + 0.5)) / norm.ppf(0.5 + _LEVEL / 2)
"""What ten intervals of a right belief would have said: their weight is that of ten answers."""
_LEAST, _MOST = 0.1, 5.0
_LATEST = 10


@dataclass(frozen=True)
class Prediction:
    """Median, low and high stated for a goal when a trial was asked as event ``asked``; its value, told at ``answered``."""

    goal: str
    asked: int
    answered: int
    interval: tuple[float, float, float]
    value: float


class Stretch(NamedTuple):
    """What the surrogate's interval becomes: on either side of its median ``factor`` times the sum of its width and ``floor``."""

    factor: float
    floor: float

    def of(self, half: float) -> float:
        """The width that is stated for a width of the surrogate's."""
        return self.factor * (half + self.floor)


class _Told(NamedTuple):
    """An answered prediction: the surrogate's own width on the side of the answer, what was added, how far the answer lay off."""

    answered: int
    half: float
    floor: float
    error: float


def stretch(predictions: Sequence[Prediction], goal: str) -> Stretch:
    """How the surrogate's next interval for ``goal`` is stretched about its median.

    To its width comes the median error of the ten latest answers, because a surrogate without noise may be certain of what it has
    never seen; the factor is the ninth decile of the errors, each in units of such a sum.
    """
    return _record(predictions, goal).stretch()


def widening(predictions: Sequence[Prediction], goal: str) -> float:
    """The factor alone, from 0.5 to 5, that the surrogate's widths would have to be multiplied by where nothing can be added."""
    told = _record(predictions, goal).told
    return max(0.5, _factor(sorted([*_IDEAL, *(_ratio(one.error, one.half) for one in told)])))


class _Record:
    """Answered predictions of a goal, in order of their answers."""

    def __init__(self) -> None:
        self.told: list[_Told] = []
        self._ratios: list[float] = sorted(_IDEAL)

    def add(self, one: _Told) -> None:
        self.told.append(one)
        insort(self._ratios, _ratio(one.error, one.half + one.floor))

    def stretch(self) -> Stretch:
        if not self.told:
            return Stretch(1.0, 0.0)
        return Stretch(_factor(self._ratios), median(one.error for one in self.told[-_LATEST:]))


def _record(predictions: Sequence[Prediction], goal: str) -> _Record:
    """The surrogate's own widths follow from those stated and from what was known when they were."""
    found = _Record()
    under_way: list[_Told] = []
    for one in sorted((one for one in predictions if one.goal == goal), key=lambda one: one.asked):
        while under_way and under_way[0].answered < one.asked:
            found.add(heapq.heappop(under_way))
        known = found.stretch()
        middle, low, high = one.interval
        stated = high - middle if one.value > middle else middle - low
        half = max(0.0, stated / known.factor - known.floor)
        heapq.heappush(under_way, _Told(one.answered, half, known.floor, abs(one.value - middle)))
    for last in sorted(under_way):
        found.add(last)
    return found


def _ratio(error: float, half: float) -> float:
    return error / half if half > 0 else (_MOST if error > 0 else 0.0)


def _factor(ratios: Sequence[float]) -> float:
    """The ninth decile of rising numbers, the ideal ones among them, after Hazen; only two of them are looked at."""
    if len(ratios) == len(_IDEAL):
        return 1.0
    place = _LEVEL * len(ratios) - 0.5
    low, high = ratios[int(place)], ratios[int(place) + 1]
    return float(np.clip(low + (place - int(place)) * (high - low), _LEAST, _MOST))
