"""Columns of a pool's table: what a family's members vary, fix and measure, each with its unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from dure.errors import MissingPart, PoolError
from dure.i18n import _
from dure.problem import Field, Integer, Ordered, Problem, Real
from dure.problem.held import Held

__all__ = ["FIXED", "Column", "arrow", "arrow_type", "columns_of", "other_unit"]

Kind = Literal["number", "whole", "text", "parts", "texts"]

FIXED: Final[Mapping[str, Kind]] = {
    "key": "text",
    "task": "text",
    "fidelity": "text",
    "seed": "whole",
    "failure": "text",
    "provenance": "texts",
    "licence": "text",
    "access": "text",
}
"""Columns that every pool has. ``failure`` is empty where the trial was answered."""


@dataclass(frozen=True)
class Column:
    """``name`` begins with "design.", "setting." or "outcome."; ``unit`` is that of its numbers."""

    name: str
    kind: Kind
    unit: str
    help: str

    def metadata(self) -> dict[str, str]:
        """What the Parquet field says of itself."""
        return {"unit": self.unit, "kind": self.kind, "help": self.help}


def columns_of(problem: Problem, members: Iterable[Problem]) -> list[Column]:
    """Everything that any of ``members`` varies or measures, beside the family's settings, in the order it is first met.

    Raises:
        PoolError: members mean different things by one name.
    """
    found = {f"setting.{name}": _input(f"setting.{name}", spec) for name, spec in problem.inputs_of_setting.items()}
    for member in members:
        stated = [_input(f"design.{name}", spec) for name, spec in member.inputs.items()]
        stated += [
            Column(f"outcome.{name}", "parts" if measure.axis else "number", measure.unit, measure.help)
            for name, measure in member.measures.items()
        ]
        for one in stated:
            known = found.setdefault(one.name, one)
            if (known.kind, known.unit) != (one.kind, one.unit):
                raise PoolError(
                    _("{name} is {kind} in {unit} in one task of {problem} and {other} in {another} in the next").format(
                        name=one.name, kind=known.kind, unit=known.unit, problem=problem.name, other=one.kind, another=one.unit
                    )
                )
    return sorted(found.values(), key=lambda one: ("setting", "design", "outcome").index(one.name.partition(".")[0]))


def _input(name: str, spec: Field) -> Column:
    at = spec.within if isinstance(spec, Held) else spec
    kind: Kind = "whole" if isinstance(at, Integer) else "number" if isinstance(at, (Real, Ordered)) else "text"
    return Column(name, kind, spec.unit, spec.help)


def other_unit(place: Path, name: str, unit: str, problem: Problem, now: str) -> str:
    """What is said where numbers were written in a unit that the problem has no longer, though its version is the same."""
    return _(
        "{place} has {name} in {unit}, and {problem} states it in {now}; state the unit as it was, or give the problem "
        "another version"
    ).format(place=place, name=name, unit=unit, problem=problem.name, now=now)


def arrow() -> Any:
    """The module pyarrow, with its parts for Parquet and for computing.

    Raises:
        MissingPart: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ModuleNotFoundError:
        raise MissingPart(_('pools are Parquet tables and need pyarrow: pip install "dure[tables]"')) from None
    return pyarrow


def arrow_type(kind: Kind) -> Any:
    """The Arrow type of a column's values."""
    pa = arrow()
    types: Mapping[Kind, Any] = {
        "number": pa.float64(),
        "whole": pa.int64(),
        "text": pa.string(),
        "parts": pa.list_(pa.float64()),
        "texts": pa.list_(pa.string()),
    }
    return types[kind]
