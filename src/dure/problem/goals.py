"""What is measured of a design, and what is wanted of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dure.errors import ProblemError, UnknownName, ValueRefused
from dure.i18n import _
from dure.problem.fields import is_number
from dure.problem.parts import Axis, Reduction
from dure.problem.where import author_line, refused

__all__ = ["Goal", "Measure", "at_least", "at_most", "maximise", "minimise", "reported", "with_limits", "within"]

Sense = Literal["minimise", "maximise", "at_least", "at_most", "within"]

_BOUNDS: Mapping[Sense | None, tuple[Literal["low", "high"], ...]] = {
    "at_least": ("low",),
    "at_most": ("high",),
    "within": ("low", "high"),
}
"""The numbers that make a limit of each kind."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One output of a simulation: its unit, its axis when it has parts, and the goal set on it, if any.

    ``positive`` says that the quantity cannot be zero or negative, so factors matter more than differences.
    """

    unit: str = "1"
    help: str = ""
    sense: Sense | None = None
    low: float = -math.inf
    high: float = math.inf
    reduction: Reduction | None = None
    axis: Axis | None = None
    positive: bool = False
    optional: bool = False

    @property
    def width(self) -> int:
        """How many numbers the output has."""
        return len(self.axis) if self.axis else 1

    def validate(self) -> None:
        """Refuse limits that are no numbers or leave nothing, and parts that are not reduced (ProblemError)."""
        if self.reduction is not None and not isinstance(self.reduction, Reduction):
            raise ProblemError(
                _("{given!r} does not say how parts become one number; write sum_over(axis), min_over(axis) or the like").format(
                    given=self.reduction
                )
            )
        for bound in _BOUNDS.get(self.sense, ()):
            if not is_number(limit := getattr(self, bound)):
                raise ProblemError(_("limit {limit!r} is not a finite number").format(limit=limit))
        if self.low > self.high:
            raise ProblemError(
                _("limits [{low}, {high}] leave nothing; write the smaller first").format(low=self.low, high=self.high)
            )

    def accept(self, name: str, value: object) -> float | tuple[float, ...] | None:
        """``value`` as finite numbers of the declared width, or ValueRefused."""
        if value is None and self.optional:
            return None
        try:
            numbers = np.asarray(value)
        except ValueError:  # lists of unequal length
            numbers = np.asarray(None)
        if numbers.dtype.kind not in "iuf":
            raise ValueRefused(_("{name} = {value!r} is not a number").format(name=name, value=value))
        if self.axis and numbers.shape != (len(self.axis),):
            labels = ", ".join(self.axis.labels)
            raise ValueRefused(
                _("{name} has shape {given}; wanted is one number for each of {axis} {labels}").format(
                    name=name, given=numbers.shape, axis=self.axis.name, labels=labels
                )
            )
        if not self.axis and numbers.shape != ():
            raise ValueRefused(
                _("{name} has shape {given}; wanted is one number, or declare parts with sum_over(axis) or the like").format(
                    name=name, given=numbers.shape
                )
            )
        if not np.isfinite(numbers).all():
            raise ValueRefused(_("{name} = {value} is not finite").format(name=name, value=value))
        if self.positive and not (numbers > 0).all():
            raise ValueRefused(_("{name} = {value} was declared positive").format(name=name, value=value))
        return tuple(float(number) + 0.0 for number in numbers) if self.axis else float(numbers) + 0.0

    def describe(self) -> dict[str, Any]:
        """As plain data, for plans and ``dure show --json``."""
        return {
            "unit": self.unit,
            "help": self.help,
            "sense": self.sense,
            "low": None if math.isinf(self.low) else self.low,
            "high": None if math.isinf(self.high) else self.high,
            "reduction": self.reduction.describe() if self.reduction else None,
            "axis": list(self.axis.labels) if self.axis else None,
        }


@dataclass(frozen=True)
class Goal:
    """What is wanted of one output: an objective, or a limit that the user may change."""

    name: str
    measure: Measure

    @property
    def is_objective(self) -> bool:
        """Minimise or maximise, rather than keep within a limit."""
        return self.measure.sense in ("minimise", "maximise")

    @property
    def unit(self) -> str:
        """Unit of the goal's value and margin."""
        return self.measure.unit

    def value(self, parts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Reduce an output, (..., width) or (...) without an axis, to the goal's value (...)."""
        return self.measure.reduction(parts) if self.measure.reduction else np.asarray(parts)

    def margin(self, value: float) -> float:
        """How far ``value`` is on the good side of the limit; negative when it is broken. Infinite for objectives."""
        return min(value - self.measure.low, self.measure.high - value)

    def better(self, value: float, than: float) -> float:
        """By how much ``value`` improves on ``than``; positive is better, for either direction."""
        return than - value if self.measure.sense == "minimise" else value - than


def with_limits(goals: Mapping[str, Goal], limits: Mapping[str, float | tuple[float, float]]) -> dict[str, Goal]:
    """``goals`` with other limits: a number, or a pair for a ``within`` goal.

    Raises:
        UnknownName: no goal of that name.
        ValueRefused: the goal has no limit, or the limit is not a finite number or a rising pair of them, as the goal needs.
    """
    changed = dict(goals)
    for name, limit in limits.items():
        if name not in goals:
            raise UnknownName(_("goal"), name, goals)
        measure = goals[name].measure
        bounds = _BOUNDS.get(measure.sense)
        if bounds is None:
            raise ValueRefused(_("{name} is an objective and has no limit; its direction is fixed").format(name=name))
        given = tuple(limit) if isinstance(limit, (tuple, list)) else (limit,)
        if not all(is_number(one) for one in given) or list(given) != sorted(given):
            raise ValueRefused(_("limit {name} = {limit} is not a finite number or a rising pair").format(name=name, limit=limit))
        if len(given) != len(bounds):
            message = (
                _("{name} has one limit; give one number, not {limit}")
                if len(bounds) == 1
                else _("{name} has two limits; give both, lower first, not {limit}")
            )
            raise ValueRefused(message.format(name=name, limit=limit))
        ends = dict(zip(bounds, map(float, given), strict=True))
        changed[name] = Goal(name, replace(measure, low=ends.get("low", measure.low), high=ends.get("high", measure.high)))
    return changed


def _measure(measure: Measure) -> Any:
    return field(default=None if measure.optional else MISSING, metadata={"dure": measure, "where": author_line()})


def _goal(sense: Sense, reduction: Reduction | None, unit: str, text: str, positive: bool, low: float, high: float) -> Any:
    return _measure(
        Measure(
            sense=sense,
            reduction=reduction,
            axis=reduction.axis if isinstance(reduction, Reduction) else None,
            unit=unit,
            help=text,
            positive=positive,
            low=low,
            high=high,
        )
    )


def minimise(over: Reduction | None = None, *, unit: str = "1", positive: bool = False, help: str = "") -> Any:
    """An output to be made small; ``over`` reduces its parts first."""
    return _goal("minimise", over, unit, help, positive, -math.inf, math.inf)


def maximise(over: Reduction | None = None, *, unit: str = "1", positive: bool = False, help: str = "") -> Any:
    """An output to be made large; ``over`` reduces its parts first."""
    return _goal("maximise", over, unit, help, positive, -math.inf, math.inf)


def at_least(low: float, over: Reduction | None = None, *, unit: str = "1", positive: bool = False, help: str = "") -> Any:
    """An output that must not fall below ``low``."""
    return _goal("at_least", over, unit, help, positive, low, math.inf)


def at_most(high: float, over: Reduction | None = None, *, unit: str = "1", positive: bool = False, help: str = "") -> Any:
    """An output that must not rise above ``high``."""
    return _goal("at_most", over, unit, help, positive, -math.inf, high)


def within(low: float, high: float, over: Reduction | None = None, *, unit: str = "1", help: str = "") -> Any:
    """An output that must stay between ``low`` and ``high``."""
    return _goal("within", over, unit, help, False, low, high)


def reported(axis: Axis | None = None, *, unit: str = "1", help: str = "", default: Any = MISSING) -> Any:
    """An output that is shown and has no goal; with ``default=None`` it may be missing.

    Raises:
        ProblemError: any other default; what was not measured has no value.
    """
    if default is not MISSING and default is not None:
        raise refused(_("default={default!r}: what was not measured has no value; write default=None").format(default=default))
    return _measure(Measure(axis=axis, unit=unit, help=help, optional=default is None))
