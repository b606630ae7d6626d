"""What a simulation shows beside its numbers, as plain data; the report draws it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dure.errors import ValueRefused
from dure.i18n import _
from dure.problem.fields import is_number
from dure.units import check_unit

__all__ = ["Answer", "Complex", "Curve", "Fan", "Map", "Sheet", "View", "view_of"]


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


@dataclass(frozen=True, kw_only=True)
class Fan:
    """One quantity against another for each of several cases, such as corners: ``lines`` are label, x values and y values.

    ``x_log`` where factors of x matter more than differences; ``dots`` where the points of a case have no order.

    Raises:
        ValueRefused: there is no line, two have one label, a value is not finite or a unit is not known.
    """

    name: str
    x_name: str
    x_unit: str
    y_name: str
    y_unit: str
    lines: tuple[tuple[str, tuple[float, ...], tuple[float, ...]], ...]
    x_log: bool = False
    dots: bool = False

    def __post_init__(self) -> None:
        labels = [label for label, _x, _y in self.lines]
        if not labels or len(set(labels)) != len(labels):
            raise ValueRefused(
                _("fan {name!r} has lines {labels}; give at least one, each a label of its own").format(
                    name=self.name, labels=labels
                )
            )
        curves = [self._curve(label, x, y) for label, x, y in self.lines]
        object.__setattr__(self, "lines", tuple((one.name, one.x, one.y) for one in curves))
        if self.x_log and min(min(one.x) for one in curves) <= 0:
            raise ValueRefused(_("fan {name!r} is logarithmic in x and has values that are not above 0").format(name=self.name))

    def _curve(self, label: str, x: Sequence[float], y: Sequence[float]) -> Curve:
        return Curve(label, self.x_name, self.x_unit, self.y_name, self.y_unit, tuple(x), tuple(y))

    def plain(self) -> dict[str, Any]:
        """As JSON data with the kind of view named."""
        named = {key: getattr(self, key) for key in ("name", "x_name", "x_unit", "y_name", "y_unit", "x_log", "dots")}
        return {"view": "fan", **named, "lines": [[label, list(x), list(y)] for label, x, y in self.lines]}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Fan:
        """The fan that ``plain`` described."""
        named = {key: value for key, value in data.items() if key not in ("view", "lines")}
        return cls(**named, lines=tuple((label, tuple(x), tuple(y)) for label, x, y in data["lines"]))


@dataclass(frozen=True)
class Sheet:
    """A table of what a simulator says: ``columns`` are headings, each row a text or finite number for every one of them.

    Raises:
        ValueRefused: a row has another length, or a number is not finite.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns) or not all(isinstance(cell, str) or is_number(cell) for cell in row):
                raise ValueRefused(
                    _("sheet {name!r}: row {row} needs a text or a finite number for each of {columns}").format(
                        name=self.name, row=list(row), columns=", ".join(self.columns)
                    )
                )

    def plain(self) -> dict[str, Any]:
        """As JSON data with the kind of view named."""
        return {"view": "sheet", "name": self.name, "columns": list(self.columns), "rows": [list(row) for row in self.rows]}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Sheet:
        """The sheet that ``plain`` described."""
        return cls(data["name"], tuple(data["columns"]), tuple(tuple(row) for row in data["rows"]))


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


@dataclass(frozen=True)
class Complex:
    """A molecule where it lies in a pocket: ``ligand`` a MOL block, ``pocket`` the atoms around it as PDB, both in angstrom.

    Raises:
        ValueRefused: one of the texts is not of its format, or the name, which files get, is not of letters, digits and _.-
    """

    name: str
    ligand: str
    pocket: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w-][\w.-]{0,63}", self.name):
            raise ValueRefused(_("complex {name!r}: files are named so; use letters, digits and _.-").format(name=self.name))
        if "V2000" not in self.ligand or not self.ligand.rstrip().endswith("M  END"):
            raise ValueRefused(_("complex {name!r}: the ligand is not a MOL block of version V2000").format(name=self.name))
        kinds = {line[:6].strip() for line in self.pocket.splitlines()} - {"", "END", "TER"}
        if kinds - {"ATOM", "HETATM"}:
            raise ValueRefused(
                _("complex {name!r}: the pocket has lines of {kinds}; give ATOM and HETATM lines of a PDB file").format(
                    name=self.name, kinds=", ".join(sorted(kinds))
                )
            )

    def plain(self) -> dict[str, Any]:
        """As JSON data with the kind of view named."""
        return {"view": "complex", "name": self.name, "ligand": self.ligand, "pocket": self.pocket}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Complex:
        """The complex that ``plain`` described."""
        return cls(data["name"], data["ligand"], data["pocket"])


View = Complex | Curve | Fan | Map | Sheet
_KINDS: Mapping[str, Any] = {"complex": Complex, "curve": Curve, "fan": Fan, "map": Map, "sheet": Sheet}


def view_of(data: Mapping[str, Any]) -> View | None:
    """The view that its ``plain`` described; None for a kind that a newer Dure may know."""
    kind = _KINDS.get(data["view"])
    found: View | None = kind.from_plain(data) if kind else None
    return found


@dataclass(frozen=True)
class Answer:
    """An outcome together with what else the simulation wants to show."""

    outcome: Any
    views: Sequence[View] = field(default=())
