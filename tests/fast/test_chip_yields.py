"""Yield under mismatch: published interval bounds, laws of counting, and a curve that only falls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("platformdirs", reason="pip install 'dure[chip]'")

from dure.domains.chip.measure import Specs
from dure.domains.chip.yields import interval, yield_views
from dure.problem import Fan

GOOD = Specs(20.0, 70.0, 20.0, 65.0, 20.0, 8.0, 60.0, 75.0, 70.0, 3.0, 90.0, 100.0, 150.0)
MID = {"gain": 60.0, "offset": 5.0, "area": 1000.0}


def test_the_interval_is_that_of_clopper_and_pearson():
    """With nothing lost of n the lower bound is (alpha/2)^(1/n), in closed form."""
    low, high = interval(59, 59)
    assert low == pytest.approx(0.025 ** (1 / 59))
    assert high == 1.0


@given(st.integers(1, 200), st.data())
def test_the_interval_holds_the_share_that_was_seen(total: int, data: st.DataObject):
    kept = data.draw(st.integers(0, total))
    low, high = interval(kept, total)
    assert 0 <= low <= kept / total <= high <= 1
    mirrored = interval(total - kept, total)
    assert mirrored == pytest.approx((1 - high, 1 - low))


def test_chips_are_lost_to_the_limit_they_break():
    samples = [GOOD, replace(GOOD, offset=6.0), replace(GOOD, gain=50.0, offset=7.0), GOOD]
    sheet, _curve = yield_views(samples, {"mid": MID})
    share = {row[0]: row[4] for row in sheet.rows}
    assert share == {"all of them": 50.0, "gain (dB)": 75.0, "offset (mV)": 50.0}
    worst = {row[0]: row[3] for row in sheet.rows}
    assert (worst["gain (dB)"], worst["offset (mV)"]) == (50.0, 7.0)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.floats(20, 90), st.floats(0, 20)), min_size=1, max_size=30))
def test_tighter_limits_never_keep_more_chips(drawn: list[tuple[float, float]]):
    samples = [replace(GOOD, gain=gain, offset=offset) for gain, offset in drawn]
    _sheet, curve = yield_views(samples, {"mid": MID})
    for _label, _percent, values in curve.lines:
        assert (np.diff(values) <= 0).all()
    low, seen, high = ({label: values for label, _x, values in curve.lines}[one] for one in ("at least", "seen", "at most"))
    assert (np.array(low) <= seen).all()
    assert (np.array(seen) <= high).all()


def test_every_set_has_a_curve_under_a_name_of_its_own():
    curves = yield_views([GOOD], {"mid": MID, "tight": MID})[1::2]
    assert len({one.y_name for one in curves if isinstance(one, Fan)}) == 2
