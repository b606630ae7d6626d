"""A pool on the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding

from dure.cli.screen import grid, heading, number, spoken
from dure.i18n import N_, _
from dure.units import label

if TYPE_CHECKING:
    from dure.pool import Imported, Pool

__all__ = ["show_import", "show_pool"]

_MOST = 6
_PARTS = {"setting": N_("Settings"), "design": N_("Designs"), "outcome": N_("Outcomes")}


def show_pool(screen: Console, pool: Pool) -> None:
    """What a pool holds, under what terms, and what of its sources was not taken."""
    _show(screen, pool, untaken=True)


def _show(screen: Console, pool: Pool, *, untaken: bool) -> None:
    held = pool.describe()
    failed = sum(held["failures"].values())
    screen.print(heading(f"{held['problem']}  {held['file']}"), soft_wrap=True)
    counts = _("{tasks} tasks, {held_out} of them kept for evaluation; {rows} rows, {failed} of them failed")
    screen.print(counts.format(tasks=held["tasks"], held_out=held["held_out"], rows=held["rows"], failed=failed))
    rows = [(_("fidelities"), _listed(held["fidelities"]))]
    if failed:
        rows.append((_("failures"), _listed(held["failures"])))
    rows += [(_("licences"), ", ".join(held["licences"])), (_("strictest access"), spoken(held["access"]))]
    screen.print(grid(rows))
    for part, text in _PARTS.items():
        columns = [one for one in held["columns"] if one["name"].startswith(f"{part}.")]
        if columns:
            screen.print(heading(_(text)))
            screen.print(grid([_line(one) for one in columns]))
    screen.print(heading(_("Sources")))
    screen.print(grid([_source(one) for one in held["sources"]]))
    for one in held["sources"]:
        for why, count in one["not_taken"].items() if untaken else ():
            told = _("{source}, {count} not taken: {why}").format(source=one["name"], count=count, why=why)
            screen.print(Padding(told, (0, 0, 0, 2)))


def show_import(screen: Console, made: Imported) -> None:
    """What was taken of a table, and what was not and why."""
    _show(screen, made.pool, untaken=False)
    screen.print(heading(_("Columns taken")))
    screen.print(grid(_collected(made.matched)))
    if made.assumed:
        screen.print(heading(_("Settings that the table does not state: these were taken; --setting NAME=VALUE states others")))
        screen.print(grid([(name, str(value)) for name, value in made.assumed.items()]))
    if made.columns:
        screen.print(heading(_("Columns not taken")))
        screen.print(grid([(header, why) for header, why in made.columns.items()]))
    if made.rows:
        screen.print(heading(_("Rows not taken")))
        for why, found in made.rows.items():
            told = _("{count}: {why} (lines {lines})").format(count=len(found), why=why, lines=_spans(found))
            screen.print(Padding(told, (0, 0, 0, 2)))


def _collected(matched: Mapping[str, str]) -> list[tuple[str, str]]:
    """Headers beside what they were taken for; those of a wide table, all for one outcome, in one line."""
    found: dict[str, list[str]] = {}
    for header, name in matched.items():
        found.setdefault(name, []).append(header)
    return [(name, ", ".join(headers)) for name, headers in found.items()]


def _spans(lines: Sequence[int]) -> str:
    """Numbers in rising order as spans, such as ``3-5, 9``."""
    spans: list[list[int]] = []
    for line in dict.fromkeys(lines):
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def _listed(counts: dict[str, int]) -> str:
    """The most frequent first, and how many others there are."""
    some = sorted(counts.items(), key=lambda one: -one[1])
    told = [f"{name} {count}" for name, count in some[:_MOST]]
    if rest := sum(count for _name, count in some[_MOST:]):
        told.append(_("others {count}").format(count=rest))
    return ", ".join(told)


def _line(column: dict[str, Any]) -> tuple[str, ...]:
    if column["kind"] == "text":
        few = column["first"]
        span = _("{count} different").format(count=column["values"]) if column["values"] > len(few) else ", ".join(few)
    elif column["low"] is None:
        span = "–"
    else:
        span = f"{number(column['low'])} – {number(column['high'])} {label(column['unit'])}".rstrip()
    empty = _("{count} empty").format(count=column["empty"]) if column["empty"] else ""
    return column["name"].partition(".")[2], span, empty, spoken(column["help"]) if column["help"] else ""


def _source(source: dict[str, Any]) -> tuple[str, ...]:
    rows = _("{rows} rows").format(rows=source["rows"])
    return source["name"], rows, source["licence"], spoken(source["access"]), source["id"][:20]
