"""What may be varied, and how each kind of field is checked and mapped to the unit cube.

A new kind is one more subclass of ``Field``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from dure.errors import ProblemError, ValueRefused
from dure.i18n import _
from dure.problem.where import author_line

__all__ = [
    "Choice",
    "Field",
    "Integer",
    "Ordered",
    "Real",
    "are_texts",
    "choice",
    "integer",
    "is_number",
    "ordered",
    "real",
    "specified",
]

Array = NDArray[np.float64]
Counted = NDArray[np.uint8]
"""How often each value has each of many features: a model compares them by what they share."""

_MOST_STEPS = 2**50
"""Whole numbers this far apart still have columns of their own in double precision."""


def is_number(value: object) -> TypeGuard[float]:
    """Whether ``value`` is a finite number; True and False are none."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool) and math.isfinite(value)


def are_texts(values: object) -> bool:
    """Whether ``values`` is a tuple or list of texts, none of them empty."""
    return isinstance(values, (tuple, list)) and all(isinstance(value, str) and value for value in values)


@dataclass(frozen=True, kw_only=True)
class Field(ABC):
    """One input of a design or setting; it has to be given where ``default`` is None."""

    unit: str = "1"
    help: str = ""
    default: Any = None

    @property
    def columns(self) -> int:
        """How many columns of the unit cube the field takes."""
        return 1

    @property
    def steps(self) -> int | None:
        """How many values each column tells apart, the middles of equal intervals; None where any number will do."""
        return None

    def tokens_of(self) -> Array | Counted | None:
        """(steps, features) numbers over [0, 1], or counts, that tell a column's values apart; None where they have an order."""
        return None

    def validate(self) -> None:
        """Refuse a field that can hold no value, or whose default it cannot hold (InputError)."""
        self.check_values()
        if self.default is not None:
            self.accept("default", self.default)

    @abstractmethod
    def check_values(self) -> None:
        """Refuse a range or list of options that leaves nothing (ProblemError)."""

    @abstractmethod
    def accept(self, name: str, value: object) -> Any:
        """``value`` as the field's type, or ValueRefused."""

    def read(self, name: str, text: str) -> Any:
        """What somebody wrote in one cell or argument, not yet accepted; ValueRefused where it cannot be one."""
        try:
            return float(text)
        except ValueError:
            raise ValueRefused(_("{name} = {value!r} is not a number").format(name=name, value=text)) from None

    def write(self, value: Any) -> Any:
        """A value of the field as a number, or as the text that ``read`` reads."""
        return value

    def neighbours(self, value: Any) -> list[Any]:
        """The values one step away; none where any number will do."""
        return []

    def kin(self, value: Any) -> str | None:
        """What ``value`` shares with values so like it that knowing one gives the other away, such as a molecule's scaffold."""
        return None

    @abstractmethod
    def encode(self, value: Any) -> Array:
        """A value as (columns,) numbers in [0, 1]."""

    @abstractmethod
    def decode(self, cube: Array) -> NDArray[Any]:
        """(n, columns) numbers in [0, 1] as n values, not yet rounded for people."""

    @abstractmethod
    def snap(self, value: Any) -> Any:
        """``value`` as a person would write it down."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """As plain data, for plans and ``dure show --json``."""


def _number(name: str, value: object, low: float, high: float, unit: str) -> float:
    if not is_number(value):
        raise ValueRefused(
            _("{name} = {value!r} is not a number; give one in {span}").format(
                name=name, value=value, span=_span(low, high, unit)
            )
        )
    number = float(value) + 0.0  # -0.0 and 0.0 are one value
    if not low <= number <= high:
        raise ValueRefused(
            _("{name} = {value} lies outside {span}; change the value or widen the field").format(
                name=name, value=number, span=_span(low, high, unit)
            )
        )
    return number


def _span(low: float, high: float, unit: str) -> str:
    return f"[{low}, {high}]" if unit == "1" else f"[{low}, {high}] {unit}"


def _check_range(low: float, high: float) -> None:
    if not (is_number(low) and is_number(high) and low <= high and math.isfinite(high - low)):
        raise ProblemError(
            _("range [{low}, {high}] is empty or not finite; give two numbers, the smaller first").format(low=low, high=high)
        )


@dataclass(frozen=True, kw_only=True)
class Real(Field):
    """A real number in [low, high]; ``log`` when factors matter more than differences, ``grid`` what it is a multiple of."""

    low: float
    high: float
    log: bool = False
    grid: float | None = None

    def check_values(self) -> None:
        _check_range(self.low, self.high)
        if self.grid is not None and not (
            is_number(self.grid) and self.grid > 0 and self._on_grid(self.low) and self._on_grid(self.high)
        ):
            raise ProblemError(
                _("grid {grid!r} does not divide both ends of [{low}, {high}]").format(
                    grid=self.grid, low=self.low, high=self.high
                )
            )
        if self.log and self.low <= 0:
            raise ProblemError(_("a log scale needs a lower bound above 0, not {low}").format(low=self.low))

    def accept(self, name: str, value: object) -> float:
        number = _number(name, value, self.low, self.high, self.unit)
        if not self._on_grid(number):
            raise ValueRefused(
                _("{name} = {value} is no multiple of the grid {grid}; the nearest is {near}").format(
                    name=name, value=number, grid=self.grid, near=self.snap(number)
                )
            )
        return number

    def _on_grid(self, value: float) -> bool:
        return self.grid is None or abs(value / self.grid - round(value / self.grid)) < 1e-6

    @property
    def _factors(self) -> float:
        """Natural logarithm of high / low."""
        return math.log(self.high) - math.log(self.low)

    def encode(self, value: float) -> Array:
        if self.low == self.high:
            return np.zeros(1)
        if self.log:
            return np.array([(math.log(value) - math.log(self.low)) / self._factors])
        return np.array([(value - self.low) / (self.high - self.low)])

    def decode(self, cube: Array) -> Array:
        if self.log:
            values = np.exp(math.log(self.low) + cube[:, 0] * self._factors)
        else:
            values = self.low + cube[:, 0] * (self.high - self.low)
        return np.asarray(np.clip(values, self.low, self.high))

    def snap(self, value: float) -> float:
        """To the grid, or a hundred thousandth of the range or finer, or on a log scale as many figures as tell values apart."""
        if self.low == self.high:
            return float(self.low)
        if self.grid is not None:
            return float(min(max(round(round(float(value) / self.grid) * self.grid, 12), self.low), self.high))
        width = float(value) * min(1.0, self._factors) if self.log else self.high - self.low
        return float(min(max(round(float(value), 5 - math.floor(math.log10(width))), self.low), self.high))

    def describe(self) -> dict[str, Any]:
        plain = {"kind": "real", "low": self.low, "high": self.high, "log": self.log, "unit": self.unit, "help": self.help}
        return plain if self.grid is None else plain | {"grid": self.grid}


@dataclass(frozen=True, kw_only=True)
class Integer(Field):
    """A whole number in [low, high]."""

    low: int
    high: int

    def check_values(self) -> None:
        _check_range(self.low, self.high)
        if self.low != int(self.low) or self.high != int(self.high) or max(-self.low, self.high) > _MOST_STEPS:
            raise ProblemError(
                _("range [{low}, {high}] is not one of whole numbers below 2^50; use real(...)").format(
                    low=self.low, high=self.high
                )
            )

    def accept(self, name: str, value: object) -> int:
        number = _number(name, value, self.low, self.high, self.unit)
        if number != int(number):
            raise ValueRefused(_("{name} = {value} is not a whole number").format(name=name, value=value))
        return int(number)

    @property
    def steps(self) -> int:
        return int(self.high) - int(self.low) + 1

    def encode(self, value: int) -> Array:
        return np.array([(value - self.low + 0.5) / self.steps])

    def decode(self, cube: Array) -> NDArray[Any]:
        return np.asarray(_step(cube[:, 0], self.steps) + int(self.low))

    def neighbours(self, value: Any) -> list[int]:
        return [other for other in (value - 1, value + 1) if self.low <= other <= self.high]

    def snap(self, value: Any) -> int:
        return int(value)

    def describe(self) -> dict[str, Any]:
        return {"kind": "integer", "low": self.low, "high": self.high, "unit": self.unit, "help": self.help}


def _step(column: Array, steps: int) -> NDArray[np.int64]:
    """Numbers in [0, 1] as the index of the interval they fall into, of ``steps`` equal ones."""
    return np.asarray(np.clip(np.floor(column * steps).astype(int), 0, steps - 1))


def _check_options(options: Sequence[object]) -> None:
    if not options or len(set(options)) != len(options):
        raise ProblemError(_("options {options} are empty or repeat; give each once").format(options=list(options)))


def _member(name: str, value: object, options: Sequence[Any]) -> Any:
    for option in options:
        if option == value and not isinstance(value, bool):
            return option
    raise ValueRefused(_("{name} = {value!r} is not one of {options}").format(name=name, value=value, options=list(options)))


@dataclass(frozen=True, kw_only=True)
class Choice(Field):
    """One of several names without an order.

    ``others`` may take what is none of them, such as a file of the user's own: it gives the text that names the same thing from
    anywhere and for good, or raises InputError.
    """

    options: tuple[str, ...]
    others: Callable[[str], str] | None = None

    @property
    def steps(self) -> int:
        return len(self.options)

    def tokens_of(self) -> Array:
        """One feature an option."""
        return np.eye(self.steps)

    def check_values(self) -> None:
        if not are_texts(self.options):
            raise ProblemError(
                _('options {options} are not all text; write choice("a", "b"), or ordered(...) for numbers').format(
                    options=list(self.options)
                )
            )
        _check_options(self.options)

    def read(self, name: str, text: str) -> str:
        return text

    def accept(self, name: str, value: object) -> str:
        if self.others is not None and isinstance(value, str) and value not in self.options:
            return self.others(value)
        return str(_member(name, value, self.options))

    def encode(self, value: str) -> Array:
        return np.array([(self.options.index(value) + 0.5) / self.steps])

    def decode(self, cube: Array) -> NDArray[Any]:
        return np.asarray(np.array(self.options, dtype=object)[_step(cube[:, 0], self.steps)])

    def neighbours(self, value: Any) -> list[str]:
        return [other for other in self.options if other != value]

    def snap(self, value: Any) -> str:
        return str(value)

    def describe(self) -> dict[str, Any]:
        return {"kind": "choice", "options": list(self.options), "unit": self.unit, "help": self.help}


@dataclass(frozen=True, kw_only=True)
class Ordered(Field):
    """One of several levels that have an order: grid sizes, stocked thicknesses."""

    levels: tuple[float, ...]

    @property
    def steps(self) -> int:
        return len(self.levels)

    def check_values(self) -> None:
        if not all(is_number(level) for level in self.levels) or list(self.levels) != sorted(self.levels):
            raise ProblemError(
                _("levels {levels} are not finite numbers in rising order; write ordered(1, 2, 5)").format(
                    levels=list(self.levels)
                )
            )
        _check_options(self.levels)

    def accept(self, name: str, value: object) -> float:
        return float(_member(name, value, self.levels))

    def encode(self, value: float) -> Array:
        return np.array([(self.levels.index(value) + 0.5) / self.steps])

    def decode(self, cube: Array) -> NDArray[Any]:
        return np.asarray(np.array(self.levels, dtype=float)[_step(cube[:, 0], self.steps)])

    def neighbours(self, value: Any) -> list[float]:
        index = self.levels.index(value)
        return [self.levels[other] for other in (index - 1, index + 1) if 0 <= other < len(self.levels)]

    def snap(self, value: Any) -> float:
        return float(value)

    def describe(self) -> dict[str, Any]:
        return {"kind": "ordered", "levels": list(self.levels), "unit": self.unit, "help": self.help}


def specified(spec: Field) -> Any:
    """``spec`` as a dataclass field that knows the line it was declared at."""
    return field(default=MISSING if spec.default is None else spec.default, metadata={"dure": spec, "where": author_line()})


def real(
    low: float,
    high: float,
    *,
    unit: str = "1",
    log: bool = False,
    grid: float | None = None,
    help: str = "",
    default: Any = None,
) -> Any:
    """A real input in [low, high]; see ``Real``."""
    return specified(Real(low=low, high=high, log=log, grid=grid, unit=unit, help=help, default=default))


def integer(low: int, high: int, *, unit: str = "1", help: str = "", default: Any = None) -> Any:
    """A whole number in [low, high]; see ``Integer``."""
    return specified(Integer(low=low, high=high, unit=unit, help=help, default=default))


def choice(*options: str, others: Callable[[str], str] | None = None, help: str = "", default: Any = None) -> Any:
    """One of ``options``, which have no order, or of ``others``; see ``Choice``."""
    return specified(Choice(options=options, others=others, help=help, default=default))


def ordered(*levels: float, unit: str = "1", help: str = "", default: Any = None) -> Any:
    """One of ``levels``, in rising order; see ``Ordered``."""
    return specified(Ordered(levels=levels, unit=unit, help=help, default=default))
