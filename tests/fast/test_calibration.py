"""Intervals learn from their own record: whatever a surrogate's spread is wrong by, the stretch finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from dure.strategy.calibration import Prediction, widening

HALF = float(norm.ppf(0.95))
"""Half-width of a normal's 90 % interval, in standard deviations."""


def record(times: float, n: int, seed: int) -> list[Prediction]:
    """A surrogate that says 1 where the truth is ``times``, its intervals stretched as each of them would have been."""
    generator, found = np.random.default_rng(seed), []
    for number in range(n):
        half = HALF * widening(found, "y")
        found.append(Prediction("y", 2 * number, 2 * number + 1, (0.0, -half, half), float(generator.normal(scale=times))))
    return found


def test_without_a_record_intervals_stay():
    assert widening([], "y") == 1.0
    assert widening(record(3.0, 5, 0), "another goal") == 1.0


@pytest.mark.parametrize("times", [0.6, 1.0, 2.0, 4.0])
def test_the_stretch_is_what_the_spread_is_wrong_by(times: float):
    # the ninth decile of 400 draws has a standard error of 4 %; ten ideal answers among them pull a few per cent towards 1
    assert widening(record(times, 400, 1), "y") == pytest.approx(times, rel=0.15)


def test_stretched_intervals_hold_nine_in_ten():
    late = record(2.5, 500, 2)[100:]
    inside = np.mean([low <= one.value <= high for one in late for _middle, low, high in [one.interval]])
    assert 0.86 <= inside <= 0.94  # 0.9, two and a half binomial standard errors of 400 either way


def test_answers_still_under_way_do_not_count():
    known = record(4.0, 40, 3)
    last = Prediction("y", 1000, 1001, (0.0, -1e9, 1e9), 0.0)
    open_ones = [Prediction("y", 200 + number, 999, (0.0, -HALF, HALF), 1e9) for number in range(5)]
    assert widening([*known, *open_ones, last], "y") == widening([*open_ones, last, *known], "y")
    assert widening([*known, *open_ones], "y") > widening(known, "y")


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(1, 5)), max_size=30))
def test_the_stretch_is_numpys_decile_of_the_answers_that_were_there(record: list[tuple[float, int]]):
    # the value lies that many half-widths off; the answer comes some events later
    predictions, ratios = [], []
    for number, (value, later) in enumerate(record):
        factor = _factor([ratio for answered, ratio in ratios if answered < number])
        predictions.append(Prediction("y", number, number + later, (0.0, -1.0, 1.0), value))
        ratios.append((number + later, value * factor))
    assert widening(predictions, "y") == pytest.approx(_factor([ratio for _answered, ratio in ratios]))


def _factor(ratios: list[float]) -> float:
    ideal = norm.ppf(0.5 + np.arange(0.5, 10) / 20) / HALF
    return float(np.clip(np.quantile([*ideal, *ratios], 0.9, method="hazen"), 0.5, 5.0)) if ratios else 1.0
