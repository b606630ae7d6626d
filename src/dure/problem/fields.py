"""What may be varied, and how each kind of field is checked and mapped to the unit cube.

A new kind (an arrangement, a molecule, a sequence, a row of a table) is one more subclass of ``Field``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.errors import ProblemError, ValueRefused
from dure.i18n import _
from dure.problem.where import author_line

__all__ = ["Choice", "Field", "Integer", "Ordered", "Real", "choice", "integer", "ordered", "real"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Field(ABC):
    """One input of a design or setting."""

    unit: str = "1"
    help: str = ""
    default: Any = MISSING

    @property
    def columns(self) -> int:
        """How many columns of the unit cube the field takes."""
        return 1

    def validate(self) -> None:
        """Refuse a field that can hold no value, or whose default it cannot hold (InputError)."""
        self.check_values()
        if self.default is not MISSING:
            self.accept("default", self.default)

    @abstractmethod
    def check_values(self) -> None:
        """Refuse a range or list of options that leaves nothing (ProblemError)."""

    @abstractmethod
    def accept(self, name: str, value: object) -> Any:
        """``value`` as the field's type, or ValueRefused."""

    @abstractmethod
    def encode(self, value: Any) -> Array:
        """A value as (columns,) numbers in [0, 1]."""

    @abstractmethod
    def decode(self, cube: Array) -> NDArray[Any]:
        """(n, columns) numbers in [0, 1] as n values, not yet rounded for people."""

    def snap(self, value: Any) -> Any:
        """``value`` as a person would write it down."""
        return value

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """As plain data, for plans and ``dure show --json``."""


def _number(name: str, value: object, low: float, high: float, unit: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise ValueRefused(_("{name} = {value!r} is not a number; give one in [{low}, {high}] {unit}").format(
            name=name, value=value, low=low, high=high, unit=unit))
    number = float(value)
    if not low <= number <= high:
        raise ValueRefused(_("{name} = {value} lies outside [{low}, {high}] {unit}; change the value or widen the field").format(
            name=name, value=number, low=low, high=high, unit=unit))
    return number + 0.0  # -0.0 and 0.0 are one value


def _check_range(low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high)) or low > high:
        raise ProblemError(_("range [{low}, {high}] is empty or not finite; write the smaller bound first").format(low=low, high=high))


@dataclass(frozen=True, kw_only=True)
class Real(Field):
    """A real number in [low, high]; ``log`` when factors matter more than differences."""

    low: float
    high: float
    log: bool = False

    def check_values(self) -> None:
        _check_range(self.low, self.high)
        if self.log and self.low <= 0:
            raise ProblemError(_("a log scale needs a lower bound above 0, not {low}").format(low=self.low))

    def accept(self, name: str, value: object) -> float:
        return _number(name, value, self.low, self.high, self.unit)

    def encode(self, value: float) -> Array:
        if self.low == self.high:
            return np.zeros(1)
        if self.log:
            return np.array([math.log(value / self.low) / math.log(self.high / self.low)])
        return np.array([(value - self.low) / (self.high - self.low)])

    def decode(self, cube: Array) -> Array:
        if self.log:
            values = self.low * np.exp(cube[:, 0] * math.log(self.high / self.low))
        else:
            values = self.low + cube[:, 0] * (self.high - self.low)
        return np.clip(values, self.low, self.high)

    def snap(self, value: float) -> float:
        return min(max(float(f"{value:.6g}"), self.low), self.high)

    def describe(self) -> dict[str, Any]:
        return {"kind": "real", "low": self.low, "high": self.high, "log": self.log, "unit": self.unit, "help": self.help}


@dataclass(frozen=True, kw_only=True)
class Integer(Field):
    """A whole number in [low, high]."""

    low: int
    high: int

    def check_values(self) -> None:
        _check_range(self.low, self.high)

    def accept(self, name: str, value: object) -> int:
        number = _number(name, value, self.low, self.high, self.unit)
        if number != int(number):
            raise ValueRefused(_("{name} = {value} is not a whole number").format(name=name, value=value))
        return int(number)

    def encode(self, value: int) -> Array:
        return np.array([(value - self.low + 0.5) / (self.high - self.low + 1)])

    def decode(self, cube: Array) -> NDArray[Any]:
        steps = np.floor(cube[:, 0] * (self.high - self.low + 1)).astype(int)
        return np.clip(steps + self.low, self.low, self.high)

    def snap(self, value: Any) -> int:
        return int(value)

    def describe(self) -> dict[str, Any]:
        return {"kind": "integer", "low": self.low, "high": self.high, "unit": self.unit, "help": self.help}


def _check_options(options: Sequence[object]) -> None:
    if not options or len(set(options)) != len(options):
        raise ProblemError(_("options {options} are empty or repeat; give each once").format(options=list(options)))


def _member(name: str, value: object, options: Sequence[object]) -> Any:
    for option in options:
        if option == value and not isinstance(value, bool):
            return option
    raise ValueRefused(_("{name} = {value!r} is not one of {options}").format(name=name, value=value, options=list(options)))


@dataclass(frozen=True, kw_only=True)
class Choice(Field):
    """One of several names without an order."""

    options: tuple[str, ...]

    @property
    def columns(self) -> int:
        return len(self.options)

    def check_values(self) -> None:
        _check_options(self.options)

    def accept(self, name: str, value: object) -> str:
        return str(_member(name, value, self.options))

    def encode(self, value: str) -> Array:
        return np.eye(len(self.options))[self.options.index(value)]

    def decode(self, cube: Array) -> NDArray[Any]:
        return np.array(self.options)[cube.argmax(1)]

    def snap(self, value: Any) -> str:
        return str(value)

    def describe(self) -> dict[str, Any]:
        return {"kind": "choice", "options": list(self.options), "unit": self.unit, "help": self.help}


@dataclass(frozen=True, kw_only=True)
class Ordered(Field):
    """One of several levels that have an order: grid sizes, stocked thicknesses."""

    levels: tuple[float, ...]

    def check_values(self) -> None:
        _check_options(self.levels)
        if list(self.levels) != sorted(self.levels):
            raise ProblemError(_("levels {levels} are not in rising order; sort them").format(levels=list(self.levels)))

    def accept(self, name: str, value: object) -> float:
        return float(_member(name, value, self.levels))

    def encode(self, value: float) -> Array:
        return np.array([(self.levels.index(value) + 0.5) / len(self.levels)])

    def decode(self, cube: Array) -> NDArray[Any]:
        index = np.clip(np.floor(cube[:, 0] * len(self.levels)).astype(int), 0, len(self.levels) - 1)
        return np.array(self.levels)[index]

    def snap(self, value: Any) -> float:
        return float(value)

    def describe(self) -> dict[str, Any]:
        return {"kind": "ordered", "levels": list(self.levels), "unit": self.unit, "help": self.help}


def _specified(spec: Field) -> Any:
    return field(default=spec.default, metadata={"dure": spec, "where": author_line()})


def real(low: float, high: float, *, unit: str = "1", log: bool = False, help: str = "", default: Any = MISSING) -> Any:  # noqa: A002
    """A real input in [low, high]; see ``Real``."""
    return _specified(Real(low=float(low), high=float(high), log=log, unit=unit, help=help, default=default))


def integer(low: int, high: int, *, unit: str = "1", help: str = "", default: Any = MISSING) -> Any:  # noqa: A002
    """A whole number in [low, high]; see ``Integer``."""
    return _specified(Integer(low=low, high=high, unit=unit, help=help, default=default))


def choice(*options: str, help: str = "", default: Any = MISSING) -> Any:  # noqa: A002
    """One of ``options``, which have no order; see ``Choice``."""
    return _specified(Choice(options=options, help=help, default=default))


def ordered(*levels: float, unit: str = "1", help: str = "", default: Any = MISSING) -> Any:  # noqa: A002
    """One of ``levels``, in rising order; see ``Ordered``."""
    return _specified(Ordered(levels=tuple(float(level) for level in levels), unit=unit, help=help, default=default))
