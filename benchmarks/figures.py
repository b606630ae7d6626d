"""What every benchmark shares: its command line, figures with intervals and targets, and the table they are printed in.

    python -m benchmarks.NAME [--quick] [--resume DIR] [--json FILE]

A benchmark is one function from options to figures and to the rows they were made from. What it measured it keeps in the
folder of its options, so that a long one can be run in several sittings.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NoReturn

from dure.journal import environment

__all__ = ["Figure", "Options", "Row", "SittingOver", "Study", "present", "repeated", "table"]

Row = dict[str, Any]
Study = Callable[["Options"], tuple[list["Figure"], list[Row]]]

_SITTING_S = 50 * 60


@dataclass(frozen=True)
class Figure:
    """One number a benchmark is about, and the interval it lies in.

    ``target`` is the least that is wanted, or with ``at_most`` the most; None where the figure is too noisy to be judged, or
    stands there for comparison. ``peer`` is what it was measured against.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    unit: str = "1"
    target: float | None = None
    at_most: bool = False
    peer: str | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target

    def plain(self) -> Row:
        """As JSON data."""
        return {name: getattr(self, name) for name in ("name", "value", "low", "high", "target", "met", "unit", "peer")}

    def cells(self) -> tuple[str, ...]:
        """As a line of the table."""
        target = "" if self.target is None else f"{'≤' if self.at_most else '≥'} {self.target:g}"
        span = "" if self.low is None or self.high is None else f"{self.low:.4g} to {self.high:.4g}"
        met = {True: "yes", False: "NO", None: ""}[self.met]
        return self.name, f"{self.value:.4g}", span, self.unit, target, met, self.peer or ""


def repeated(name: str, values: Sequence[float], **more: Any) -> Figure:
    """The median of repeated measurements, between the smallest and the largest."""
    return Figure(name, median(values), min(values), max(values), **more)


class SittingOver(Exception):
    """Time for a break; everything measured is kept."""


@dataclass
class Options:
    """How a benchmark is run: quick or whole, and the folder for what it keeps."""

    quick: bool
    folder: Path
    resumable: bool
    began: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Tell what comes next.

        Raises:
            SittingOver: nothing comes next, because the sitting has lasted long enough.
        """
        if self.resumable and time.monotonic() - self.began > _SITTING_S:
            raise SittingOver
        print(f"{time.monotonic() - self.began:6.0f} s  {text}", file=sys.stderr, flush=True)

    def row(self, name: str, measure: Callable[[], Row]) -> Row:
        """What was measured under that name before, in this or an earlier sitting; else what is measured now."""
        kept = self.folder / "rows.json"
        rows: dict[str, Row] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
        if name not in rows:
            self.say(name)
            rows[name] = measure()
            draft = kept.with_suffix(".new")
            draft.write_text(json.dumps(rows), "utf-8")
            draft.replace(kept)
        return {"task": name} | rows[name]


def present(name: str, about: str | None, study: Study, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a benchmark and print its table.

    Raises:
        SystemExit: 0 when every target is met, 1 when one is missed, 3 when there is more to do in another sitting.
    """
    parser = argparse.ArgumentParser(f"python -m benchmarks.{name}", description=(about or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="under ten minutes; figures too noisy for that carry no target")
    parser.add_argument("--resume", type=Path, metavar="DIR", help="keep what is measured in DIR, and go on from there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures and rows to FILE")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(given.resume or scratch) / ("quick" if given.quick else "full")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            figures, rows = study(Options(given.quick, folder, given.resume is not None))
        except SittingOver:
            print(f"There is more to measure: go on with --resume {given.resume}", file=sys.stderr)
            sys.exit(3)
    machine, date = environment(("numpy", "scipy", "torch", "pybamm")), datetime.now(UTC).date().isoformat()
    print(table(figures))
    print(f"\n{date}, {machine['cpu']}, Python {machine['python']}{', quick' if given.quick else ''}")
    if given.json:
        plain = {
            "table": table(figures),
            "figures": [one.plain() for one in figures],
            "tasks": rows,
            "quick": given.quick,
            "date": date,
            "machine": machine,
        }
        given.json.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.exit(any(one.met is False for one in figures))


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table with aligned columns."""
    lines = [("figure", "value", "interval", "unit", "target", "met", "against"), *(one.cells() for one in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )
