"""Maps as views: refused where they are none, and drawn so that every number can be read."""

from __future__ import annotations

import re

import pytest

from dure.errors import ValueRefused
from dure.problem import Curve, Map, view_of
from dure.report.maps import _difference, _plain

SHOWN = Map("power", "1", ((1.0, 0.5), (0.25, None)), (("a", "b"), ("c", "")))


@pytest.mark.parametrize(
    ("values", "marks"),
    [
        (((1.0, 2.0), (3.0,)), ()),
        (((1.0,),), (("a", "b"),)),
        (((1.0,), (2.0,)), (("a",),)),
        (((float("nan"),),), ()),
        (((None,),), ()),
        ((), ()),
    ],
)
def test_a_map_that_is_none_is_refused(values: tuple[tuple[float | None, ...], ...], marks: tuple[tuple[str, ...], ...]):
    with pytest.raises(ValueRefused, match="rows of"):
        Map("power", "1", values, marks)


def test_views_come_back_from_plain_data_and_unknown_kinds_are_passed_over():
    curve = Curve("c", "x", "s", "y", "V", (0.0, 1.0), (1.0, 2.0))
    assert [view_of(one.plain()) for one in (SHOWN, curve)] == [SHOWN, curve]
    assert view_of({"view": "hologram"}) is None


def test_a_map_shows_every_value_and_mark():
    drawn = _plain("m", "power", SHOWN)
    texts = re.findall(r">([^<>]+)</text>", drawn.svg)
    assert {"1.00", "0.50", "0.25", "a", "b", "c"} <= set(texts)


def test_a_difference_says_what_changed_where():
    after = Map("power", "1", ((0.5, 1.0), (0.25, None)), (("b", "a"), ("c", "")))
    texts = re.findall(r">([^<>]+)</text>", _difference("m", "change", SHOWN, after).svg)
    assert {"-0.50", "+0.50", "+0.00", "a → b", "b → a", "c"} <= {text.replace("−", "-") for text in texts}
