"""Which steps in which order: a row of symbols of any length up to the most, such as a recipe or a peptide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.errors import ProblemError, ValueRefused
from dure.i18n import _
from dure.problem.fields import Array, Field, are_texts, specified

__all__ = ["Sequenced", "sequence"]

_BETWEEN = ";"
_NOTHING = "-"


@dataclass(frozen=True, kw_only=True)
class Sequenced(Field):
    """At least ``least`` and at most ``most`` of ``symbols``, each as often as one likes. One column a place.

    A place beyond the end holds nothing, which is the first of the values a column tells apart.
    """

    symbols: Sequence[str]
    most: int
    least: int = 0

    @property
    def columns(self) -> int:
        return self.most

    @property
    def steps(self) -> int:
        return len(self.symbols) + 1

    def check_values(self) -> None:
        if not are_texts(self.symbols) or not self.symbols or len(set(self.symbols)) != len(self.symbols):
            raise ProblemError(
                _('symbols {symbols} are empty, repeat or are no texts; write sequence("A", "B", most=20)').format(
                    symbols=self.symbols
                )
            )
        if any(_BETWEEN in one or one != one.strip() or one == _NOTHING for one in self.symbols):
            raise ProblemError(
                _("a symbol is -, which stands for nothing, or holds ; or spaces at its ends: {symbols}").format(
                    symbols=", ".join(self.symbols)
                )
            )
        ends: list[object] = [self.least, self.most]
        if not all(type(one) is int for one in ends) or not 0 <= self.least <= self.most or self.most < 1:
            raise ProblemError(
                _("a sequence of {least} to {most} symbols; give whole numbers, the larger at least 1").format(
                    least=self.least, most=self.most
                )
            )

    def accept(self, name: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, (tuple, list)) or not self.least <= len(value) <= self.most:
            raise ValueRefused(
                _("{name} = {value!r} is not a list of {least} to {most} symbols").format(
                    name=name, value=value, least=self.least, most=self.most
                )
            )
        for one in value:
            if one not in self.symbols:
                raise ValueRefused(
                    _("{name}: {symbol!r} is not one of {symbols}").format(name=name, symbol=one, symbols=", ".join(self.symbols))
                )
        return tuple(value)

    def read(self, name: str, text: str) -> tuple[str, ...]:
        return () if text.strip() in ("", _NOTHING) else tuple(one.strip() for one in text.split(_BETWEEN))

    def write(self, value: Any) -> str:
        """As text, the empty one too: an empty cell of a table would be no value."""
        return _BETWEEN.join(value) or _NOTHING

    def encode(self, value: Any) -> Array:
        """At each place the middle of its symbol's interval, that of nothing beyond the end."""
        numbers = [self.symbols.index(one) + 1 for one in value]
        return (np.array(numbers + [0] * (self.most - len(numbers))) + 0.5) / self.steps

    def decode(self, cube: Array) -> NDArray[Any]:
        """Places that hold nothing are left out; where fewer than ``least`` are left, the first symbol fills them up."""
        numbers = np.clip(np.floor(cube * self.steps).astype(int), 0, self.steps - 1)
        values = np.empty(len(cube), dtype=object)
        for row, places in enumerate(numbers):
            kept = tuple(self.symbols[one - 1] for one in places if one)
            values[row] = kept + (self.symbols[0],) * (self.least - len(kept))
        return values

    def snap(self, value: Any) -> tuple[str, ...]:
        return tuple(value)

    def neighbours(self, value: Any) -> list[tuple[str, ...]]:
        """One symbol another, one more, one less, or two that stand side by side in each other's place."""
        found: dict[tuple[str, ...], None] = {}
        for place in range(len(value) + 1):
            before, after = value[:place], value[place:]
            if len(value) < self.most:
                found |= dict.fromkeys((*before, one, *after) for one in self.symbols)
            if after:
                found |= dict.fromkeys((*before, one, *after[1:]) for one in self.symbols)
                if len(value) > self.least:
                    found[(*before, *after[1:])] = None
            if len(after) > 1:
                found[(*before, after[1], after[0], *after[2:])] = None
        found.pop(tuple(value), None)
        return list(found)

    def tokens_of(self) -> Array:
        """(steps, steps) one column a symbol, and one for nothing."""
        return np.eye(self.steps)

    def describe(self) -> dict[str, Any]:
        return {
            "kind": "sequence",
            "symbols": list(self.symbols),
            "least": self.least,
            "most": self.most,
            "unit": self.unit,
            "help": self.help,
        }


def sequence(*symbols: str, most: int, least: int = 0, help: str = "") -> Any:
    """At least ``least`` and at most ``most`` of ``symbols`` in order; see ``Sequenced``.

    Example: ``recipe: tuple[str, ...] = sequence("heat", "stir", "cool", most=8)``.
    """
    return specified(Sequenced(symbols=symbols, most=most, least=least, help=help))
