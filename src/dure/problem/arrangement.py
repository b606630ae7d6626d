"""Which kind stands where: a fixed inventory laid out over named places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.errors import ProblemError, UnknownName, ValueRefused
from dure.i18n import _
from dure.problem.fields import Field, are_texts, is_number, specified

__all__ = ["Arranged", "Arrangement", "arrangement"]

Array = NDArray[np.float64]

Arrangement = tuple[str, ...]
"""A kind for each place, in the order of the places."""

_BETWEEN = ";"


@dataclass(frozen=True, kw_only=True)
class Arranged(Field):
    """A kind for each of ``places`` such that exactly ``inventory`` is used up: how many there are of each kind.

    ``tokens`` are numbers that say what each kind is; a model reads them instead of names. One column a place.
    """

    places: Sequence[str]
    inventory: Mapping[str, int]
    tokens: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """In the order of the inventory."""
        return tuple(self.inventory)

    @property
    def columns(self) -> int:
        return len(self.places)

    @property
    def steps(self) -> int:
        return len(self.kinds)

    def check_values(self) -> None:
        if not self.places or not are_texts(self.places) or len(set(self.places)) != len(self.places):
            raise ProblemError(
                _('places {places} are empty, repeat or are no texts; write places=("A1", "A2")').format(places=self.places)
            )
        stock: object = self.inventory
        if not isinstance(stock, Mapping) or not all(map(_is_kind, stock)):
            raise ProblemError(
                _('inventory {inventory} has a kind that is no name; write {{"fresh": 1, "once": 2}}, names without ;').format(
                    inventory=self.inventory
                )
            )
        counts: list[Any] = list(self.inventory.values())
        if not all(isinstance(count, int) and count >= 1 for count in counts) or sum(counts) != len(self.places):
            raise ProblemError(
                _("inventory {inventory} does not fill {places} places; give whole numbers of at least 1 that add up").format(
                    inventory=dict(self.inventory), places=len(self.places)
                )
            )
        self._check_tokens()

    def _check_tokens(self) -> None:
        if not self.tokens:
            return
        for kind in self.tokens:
            if kind not in self.inventory:
                raise UnknownName(_("kind"), kind, self.kinds)
        features = {kind: sorted(self.tokens.get(kind, {})) for kind in self.kinds}
        same = len({tuple(names) for names in features.values()}) == 1 and features[self.kinds[0]]
        if not same or not all(is_number(value) for one in self.tokens.values() for value in one.values()):
            raise ProblemError(
                _("tokens {tokens} are not the same numbers for each of {kinds}; give every kind every feature").format(
                    tokens={kind: dict(one) for kind, one in self.tokens.items()}, kinds=", ".join(self.kinds)
                )
            )

    def accept(self, name: str, value: object) -> Arrangement:
        if not are_texts(value) or not isinstance(value, Sequence) or len(value) != len(self.places):
            raise ValueRefused(
                _("{name} = {value!r} is not one kind for each of {count} places").format(
                    name=name, value=value, count=len(self.places)
                )
            )
        for place, kind in zip(self.places, value, strict=True):
            if kind not in self.inventory:
                raise ValueRefused(
                    _("{name}: {kind!r} at {place} is not one of {kinds}").format(
                        name=name, kind=kind, place=place, kinds=", ".join(self.kinds)
                    )
                )
        counts = Counter(value)
        for kind, wanted in self.inventory.items():
            if counts[kind] != wanted:
                raise ValueRefused(
                    _("{name} uses {kind} {count} times; the inventory holds {wanted}, and all of it has to be used").format(
                        name=name, kind=kind, count=counts[kind], wanted=wanted
                    )
                )
        return tuple(value)

    def read(self, name: str, text: str) -> Arrangement:
        return tuple(kind.strip() for kind in text.split(_BETWEEN))

    def write(self, value: Any) -> str:
        return _BETWEEN.join(value)

    def encode(self, value: Arrangement) -> Array:
        """At each place the middle of its kind's interval; the columns of any cube are keys that sort the places."""
        return (np.array([self.kinds.index(kind) for kind in value]) + 0.5) / len(self.kinds)

    def decode(self, cube: Array) -> NDArray[Any]:
        """The inventory in its order to the places in the order of their keys: whatever the keys, it is used up."""
        stock = np.repeat(np.array(self.kinds, dtype=object), list(self.inventory.values()))
        values = np.empty(len(cube), dtype=object)
        for row, order in enumerate(np.argsort(cube, axis=1, kind="stable")):
            laid = np.empty(len(stock), dtype=object)
            laid[order] = stock
            values[row] = tuple(laid)
        return values

    def snap(self, value: Any) -> Arrangement:
        return tuple(value)

    def swaps(self, value: Arrangement) -> list[tuple[int, int]]:
        """Every pair of places, by number, that hold different kinds."""
        return [(one, other) for one, other in combinations(range(len(value)), 2) if value[one] != value[other]]

    def swapped(self, value: Arrangement, one: int, other: int) -> Arrangement:
        """``value`` with two places exchanged: a neighbour."""
        laid = list(value)
        laid[one], laid[other] = laid[other], laid[one]
        return tuple(laid)

    def neighbours(self, value: Any) -> list[Arrangement]:
        return [self.swapped(value, one, other) for one, other in self.swaps(value)]

    def tokens_of(self) -> Array:
        """(kinds, features) numbers that tell kinds apart, each feature over [0, 1]; one column a kind without tokens."""
        if not self.tokens:
            return np.eye(len(self.kinds))
        features = sorted(self.tokens[self.kinds[0]])
        raw = np.array([[float(self.tokens[kind][name]) for name in features] for kind in self.kinds])
        low, high = raw.min(axis=0), raw.max(axis=0)
        half = high / 2 - low / 2  # of numbers this far apart that their difference overflows, the half does not
        return np.asarray((raw / 2 - low / 2) / np.where(half > 0, half, 1.0))

    def describe(self) -> dict[str, Any]:
        return {
            "kind": "arrangement",
            "places": list(self.places),
            "inventory": [[kind, count] for kind, count in self.inventory.items()],
            "tokens": {kind: dict(one) for kind, one in self.tokens.items()},
            "unit": self.unit,
            "help": self.help,
        }


def _is_kind(name: object) -> bool:
    return isinstance(name, str) and bool(name) and name == name.strip() and _BETWEEN not in name


def arrangement(
    places: Sequence[str],
    inventory: Mapping[str, int],
    *,
    tokens: Mapping[str, Mapping[str, float]] | None = None,
    help: str = "",
) -> Any:
    """A kind for each of ``places`` that uses up ``inventory``; see ``Arranged``.

    Example: ``loading: Arrangement = arrangement(("A1", "A2", "B1"), {"fresh": 1, "once": 2})``.
    """
    return specified(Arranged(places=places, inventory=inventory, tokens=tokens or {}, help=help))
