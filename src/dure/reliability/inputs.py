"""Uncertain inputs: a distribution, where it is cut off, and where it comes from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.errors import MissingPart, ValueRefused
from dure.i18n import _
from dure.units import check_unit

__all__ = ["Normal", "Uncertain", "Uniform", "joint", "openturns"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Uncertain:
    """An input that is known only so well; ``source`` says who says so.

    Raises:
        ValueRefused: bounds that leave nothing, a deviation that is not positive, no source, or an unknown unit.
    """

    name: str
    low: float
    high: float
    source: str
    unit: str = "1"

    def __post_init__(self) -> None:
        check_unit(self.unit)
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueRefused(
                _("{name} lies between {low} and {high}; give two finite numbers, the smaller first").format(
                    name=self.name, low=self.low, high=self.high
                )
            )
        if not self.source.strip():
            raise ValueRefused(_("{name} has no source; say where its distribution comes from").format(name=self.name))


@dataclass(frozen=True, kw_only=True)
class Uniform(Uncertain):
    """Anything between low and high alike."""


@dataclass(frozen=True, kw_only=True)
class Normal(Uncertain):
    """Normal, cut off at low and high, which physics sets."""

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.deviation > 0 and self.low < self.mean < self.high):
            raise ValueRefused(
                _(
                    "{name} has mean {mean} and deviation {deviation}; the mean lies within the bounds, the deviation is above 0"
                ).format(name=self.name, mean=self.mean, deviation=self.deviation)
            )


def openturns() -> Any:
    """The OpenTURNS module.

    Raises:
        MissingPart: it is not installed.
    """
    try:
        import openturns as found
    except ImportError:
        raise MissingPart(
            _("estimating a rare event needs OpenTURNS; install it with: pip install 'dure[reliability]'")
        ) from None
    return found


def joint(inputs: Sequence[Uncertain]) -> Any:
    """The inputs' joint distribution, independent of each other, as OpenTURNS has it."""
    ot = openturns()

    def one(given: Uncertain) -> Any:
        if isinstance(given, Normal):
            normal = ot.Normal(float(given.mean), float(given.deviation))
            return ot.TruncatedDistribution(normal, float(given.low), float(given.high))
        return ot.Uniform(float(given.low), float(given.high))

    return ot.JointDistribution([one(given) for given in inputs])
