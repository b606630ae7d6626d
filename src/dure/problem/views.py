"""What a simulation shows beside its numbers, as plain data; the report draws it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dure.errors import ValueRefused
from dure.i18n import _
from dure.units import check_unit

__all__ = ["Answer", "Curve", "Map", "View", "view_of"]


@dataclass(frozen=True)
class Curve:
    """One quantity against another: ``x`` and ``y``, finite and of the same length, with names and units.

    Raises:
        ValueRefused: they are not, or a unit is not known.
    """

    name: str
    x_name: str
    x_unit: str
    y_name: str
    y_unit: str
    x: tuple[float, ...]
    y: tuple[float, ...]

    def __post_init__(self) -> None:
        check_unit(self.x_unit)
        check_unit(self.y_unit)
        if len(self.x) != len(self.y) or not len(self.x):
            raise ValueRefused(
                _("curve {name!r} has {x} and {y} points; give as many of both, at least one").format(
                    name=self.name, x=len(self.x), y=len(self.y)
                )
            )
        for axis in ("x", "y"):
            values = tuple(float(value) for value in getattr(self, axis))
            if not all(map(math.isfinite, values)):
                raise ValueRefused(
                    _("curve {name!r} has a value of {axis} that is not finite; leave such points out").format(
                        name=self.name, axis=axis
                    )
                )
            object.__setattr__(self, axis, values)

    def plain(self) -> dict[str, Any]:
        """As JSON data with the kind of view named."""
        return {
            "view": "curve",
            "name": self.name,
            "x_name": self.x_name,
            "x_unit": self.x_unit,
            "y_name": self.y_name,
            "y_unit": self.y_unit,
            "x": list(self.x),
            "y": list(self.y),
        }

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Curve:
        """The curve that ``plain`` described."""
        named = {key: data[key] for key in ("name", "x_name", "x_unit", "y_name", "y_unit")}
        return cls(**named, x=tuple(data["x"]), y=tuple(data["y"]))


@dataclass(frozen=True)
class Map:
    """One quantity over the places of a grid, such as the power of each assembly of a core.

    ``values`` by row and column, None where there is no place; ``marks`` says what stands at each, in a few letters.

    Raises:
        ValueRefused: rows of unequal length, a value that is not finite, or a unit that is not known.
    """

    name: str
    unit: str
    values: tuple[tuple[float | None, ...], ...]
    marks: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        check_unit(self.unit)
        widths = {len(row) for row in (*self.values, *self.marks)}
        shown = [value for row in self.values for value in row if value is not None]
        if len(widths) != 1 or len(self.marks) not in (0, len(self.values)) or not all(map(math.isfinite, shown)) or not shown:
            raise ValueRefused(
                _("map {name!r} has rows of {widths} places; give finite numbers or None, and marks for all or none").format(
                    name=self.name, widths=sorted(widths)
                )
            )

    def plain(self) -> dict[str, Any]:
        """As JSON data with the kind of view named."""
        return {
            "view": "map",
            "name": self.name,
            "unit": self.unit,
            "values": [list(row) for row in self.values],
            "marks": [list(row) for row in self.marks],
        }

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Map:
        """The map that ``plain`` described."""
        rows = {key: tuple(tuple(row) for row in data[key]) for key in ("values", "marks")}
        return cls(name=data["name"], unit=data["unit"], **rows)


View = Curve | Map
_KINDS: Mapping[str, type[Curve] | type[Map]] = {"curve": Curve, "map": Map}


def view_of(data: Mapping[str, Any]) -> View | None:
    """The view that its ``plain`` described; None for a kind that a newer Dure may know."""
    kind = _KINDS.get(data["view"])
    return kind.from_plain(data) if kind else None


@dataclass(frozen=True)
class Answer:
    """An outcome together with what else the simulation wants to show."""

    outcome: Any
    views: Sequence[View] = field(default=())
