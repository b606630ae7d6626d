"""Maps: a quantity over the places of a grid, of the winner, of the baseline, and what became of each place between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dure.i18n import _
from dure.problem import Map
from dure.report.dossier import Dossier
from dure.report.figures import Drawn, axis_text
from dure.report.style import COLOURS, panel, svg

__all__ = ["maps"]

_CELL, _EDGE = 46, 54
_FAINTEST, _STRONGEST = 0.04, 0.55
"""Shades of the smallest and the largest value: letters stay readable on both, in grey as well."""

Rows = Sequence[Sequence[float | None]]


def maps(dossier: Dossier) -> list[Drawn]:
    """For each map of the winner: the baseline's, the winner's, and the difference, one row of panels a map."""
    drawn = []
    for number, after in enumerate(dossier.shown(Map), start=1):
        before = next((one for one in dossier.shown(Map, "baseline") if one.name == after.name), None)
        name = axis_text(_(after.name), after.unit)
        if before is not None:
            drawn.append(_plain(f"map-{number}-before", _("{map}, baseline").format(map=name), before))
        drawn.append(_plain(f"map-{number}-after", _("{map}, winner").format(map=name), after))
        if before is not None:
            drawn.append(_difference(f"map-{number}-change", _("{map}, winner less baseline").format(map=name), before, after))
    return drawn


def _known(rows: Rows) -> list[float]:
    return [value for row in rows for value in row if value is not None]


def _plain(name: str, title: str, shown: Map) -> Drawn:
    low, high = min(_known(shown.values)), max(_known(shown.values))
    span = high - low or 1.0

    def shade(value: float) -> tuple[str, float]:
        return COLOURS["winner"], _FAINTEST + (_STRONGEST - _FAINTEST) * (value - low) / span

    return _drawn(name, title, shown.values, shown.marks, shade, "{:.2f}")


def _difference(name: str, title: str, before: Map, after: Map) -> Drawn:
    values = [
        [None if new is None or old is None else new - old for new, old in zip(*rows, strict=True)]
        for rows in zip(after.values, before.values, strict=True)
    ]
    marks = [
        [new if new == old else f"{old} → {new}" for new, old in zip(*rows, strict=True)]
        for rows in zip(after.marks, before.marks, strict=True)
    ]
    most = max(map(abs, _known(values))) or 1.0

    def shade(value: float) -> tuple[str, float]:
        return COLOURS["winner" if value < 0 else "baseline"], _FAINTEST + (_STRONGEST - _FAINTEST) * abs(value) / most

    return _drawn(name, title, values, marks, shade, "{:+.2f}")


def _drawn(name: str, title: str, values: Rows, marks: Sequence[Sequence[str]], shade: Any, form: str) -> Drawn:
    shown = {(i, j): value for i, row in enumerate(values) for j, value in enumerate(row) if value is not None}
    height, width = (1 + max(place[axis] for place in shown) for axis in (0, 1))
    with panel(_EDGE + _CELL * width, _EDGE + 4 + _CELL * height, name) as axes:
        axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
        axes.grid(visible=False)
        axes.set_xticks(range(width), [str(one + 1) for one in range(width)])
        axes.set_yticks(range(height), [str(one + 1) for one in range(height)])
        for spine in axes.spines.values():
            spine.set_visible(False)
        for (i, j), value in shown.items():
            colour, strength = shade(value)
            box = (j - 0.47, i - 0.47)
            axes.add_patch(_box(box, facecolor=colour, alpha=strength, linewidth=0))
            axes.add_patch(_box(box, facecolor="none", edgecolor=COLOURS["other"], linewidth=0.6))
            mark = marks[i][j] if marks else ""
            at = {"ha": "center", "va": "center"}
            axes.text(j, i - (0.14 if mark else 0.0), form.format(value), fontsize=11, color=COLOURS["ink"], **at)
            axes.text(j, i + 0.24, mark, fontsize=9, color=COLOURS["soft"], **at)
        return Drawn(title, svg(axes, name, title))


def _box(corner: tuple[float, float], **look: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(corner, 0.94, 0.94, **look)
