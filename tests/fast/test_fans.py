"""Fans and sheets: what may be in them, the way into a journal and back, and how they are drawn."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.canonical import canonical, parse
from dure.errors import ValueRefused
from dure.problem import Curve, Fan, Sheet, view_of
from dure.report.figures import fan_panel
from dure.report.tables import _cell

numbers = st.floats(-1e6, 1e6)
positives = st.floats(1e-6, 1e6)


def lines(labels: tuple[str, ...] = ("tt", "ff")) -> tuple[tuple[str, tuple[float, ...], tuple[float, ...]], ...]:
    return tuple((label, (1.0, 10.0, 100.0), (60.0, 40.0, number)) for number, label in enumerate(labels))


def fan(**more: Any) -> Fan:
    given_: dict[str, Any] = {"name": "gain", "x_name": "frequency", "x_unit": "Hz", "y_name": "gain", "y_unit": "dB"}
    return Fan(**{**given_, "lines": lines(), "x_log": True, **more})


@given(st.lists(st.tuples(positives, numbers), min_size=1, max_size=4), st.booleans())
def test_a_fan_comes_back_from_the_journal_as_it_went_in(points: list[tuple[float, float]], log: bool):
    x, y = zip(*points, strict=True)
    made = fan(lines=(("tt", x, y), ("ff", x, y[::-1])), x_log=log)
    assert view_of(parse(canonical(made.plain()).decode())) == made


@given(st.lists(st.tuples(st.text(max_size=5), numbers), max_size=4))
def test_a_sheet_comes_back_from_the_journal_as_it_went_in(rows: list[tuple[str, float]]):
    made = Sheet("devices", ("role", "gm"), tuple(rows))
    assert view_of(parse(canonical(made.plain()).decode())) == made


def test_a_curve_still_comes_back():
    made = Curve("u", "t", "s", "u", "V", (0.0, 1.0), (1.0, 2.0))
    assert view_of(made.plain()) == made


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"lines": ()}, "at least one"),
        ({"lines": lines(("tt", "tt"))}, "a label of its own"),
        ({"lines": (("tt", (0.0, 1.0), (1.0, 1.0)),)}, "not above 0"),
        ({"lines": (("tt", (1.0, 2.0), (1.0, float("nan"))),)}, "not finite"),
        ({"lines": (("tt", (1.0, 2.0), (1.0,)),)}, "as many of both"),
        ({"y_unit": "decibell"}, "unit"),
    ],
)
def test_a_fan_that_could_not_be_drawn_is_refused(more: dict[str, Any], said: str):
    with pytest.raises(ValueRefused, match=said):
        fan(**more)


@pytest.mark.parametrize("row", [("a",), ("a", 1.0, 2.0), ("a", float("inf")), ("a", None)])
def test_a_sheet_with_a_row_that_does_not_fit_is_refused(row: tuple[Any, ...]):
    with pytest.raises(ValueRefused, match="needs a text or a finite number"):
        Sheet("devices", ("role", "gm"), (row,))


def test_every_line_of_a_fan_is_named_and_told_apart_without_colour():
    drawn = fan_panel("fan-1", fan(lines=lines(("tt", "ff", "ss", "fs", "sf"))))
    assert drawn.title == "gain (dB)"
    for label in ("tt", "ff", "ss", "fs", "sf"):
        assert f">{label}</text>" in drawn.svg
    assert len(set(_dashes(drawn.svg))) >= 4
    assert "one line each for tt, ff, ss, fs, sf" in drawn.svg


def _dashes(svg: str) -> list[str]:
    return [*re.findall(r"stroke-dasharray: ([^;\"]+)", svg), "solid"]


@pytest.mark.parametrize(("cell", "shown"), [("tail", "tail"), ("", ""), (-1.23456, "\N{MINUS SIGN}1.235"), (1e-4, "0.0001")])
def test_numbers_of_a_sheet_have_four_figures(cell: str | float, shown: str):
    assert _cell(cell) == shown
