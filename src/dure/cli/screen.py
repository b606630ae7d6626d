"""What everything that is printed shares: the console, numbers with units, tables without frames."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dure.i18n import _
from dure.units import label

__all__ = ["bounds", "console", "grid", "heading", "number", "signed", "spoken"]


def console() -> Console:
    """Standard output as it is now; texts are printed as they are, brackets and all."""
    return Console(file=sys.stdout, markup=False, highlight=False, emoji=False)


def spoken(text: str) -> str:
    """A text that came with a problem or out of a journal, in the reader's language if a catalogue has it."""
    return _(text)


def number(value: float | str | None, unit: str = "1", *, places: str = ".4g") -> str:
    """A value with its unit, as a person reads it; a dash for none."""
    if value is None:
        return "–"
    text = value if isinstance(value, str) else format(value, places)
    return f"{text} {label(unit)}".rstrip()


def signed(value: float | None, unit: str = "1") -> str:
    """A difference with its sign and unit: degrees Celsius are apart by kelvins."""
    return number(value, "K" if unit == "degC" else unit, places="+.3g")


def bounds(low: float | None, high: float | None, unit: str) -> str:
    """A limit as a condition, such as ``≥ 0 V``."""
    if low is not None and high is not None:
        return f"{low:g} – {high:g} {label(unit)}".rstrip()
    return number(low if low is not None else high, unit, places="g").join(("≥ " if low is not None else "≤ ", ""))


def heading(text: str) -> Text:
    """The title of a block."""
    return Text(text, style="bold")


def grid(rows: Iterable[tuple[str, ...]], *, indent: int = 2, shrink: int = -1) -> Table:
    """Rows in columns as wide as they need; only the column ``shrink`` wraps."""
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    cells = [tuple(row) for row in rows]
    for index in range(max(map(len, cells), default=0)):
        wraps = index == shrink % max(map(len, cells))
        table.add_column(no_wrap=not wraps, overflow="fold")
    for row in cells:
        table.add_row(*row)
    framed = Table.grid(padding=0)
    framed.add_column(width=indent)
    framed.add_column()
    framed.add_row("", table)
    return framed
