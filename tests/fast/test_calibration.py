"""Intervals learn from their own record: whatever a surrogate's spread is wrong by, the stretch finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from dure.strategy.calibration import Prediction, stretch, widening

HALF = float(norm.ppf(0.95))
"""Half-width of a normal's 90 % interval, in standard deviations."""


def record(times: float, n: int, seed: int) -> list[Prediction]:
    """A surrogate that says 1 where the truth is ``times``, its intervals stretched as each of them would have been."""
    generator, found = np.random.default_rng(seed), []
    for number in range(n):
        half = stretch(found, "y").of(HALF)
        found.append(Prediction("y", 2 * number, 2 * number + 1, (0.0, -half, half), float(generator.normal(scale=times))))
    return found


def test_without_a_record_intervals_stay():
    assert stretch([], "y") == (1.0, 0.0)
    assert stretch(record(3.0, 5, 0), "another goal") == (1.0, 0.0)
    assert widening([], "y") == 1.0


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
    half = stretch(known, "y").of(HALF)
    open_ones = [Prediction("y", 200 + number, 999, (0.0, -half, half), 1e9) for number in range(5)]
    assert stretch([*known, *open_ones, last], "y") == stretch([*open_ones, last, *known], "y")
    assert stretch([*known, *open_ones], "y").of(HALF) > stretch(known, "y").of(HALF)
    assert widening([*known, *open_ones], "y") > widening(known, "y")


def test_a_surrogate_that_is_certain_and_wrong_is_believed_no_more():
    found: list[Prediction] = []
    inside, generator = [], np.random.default_rng(5)
    for number in range(200):
        half = stretch(found, "y").of(1e-9)
        value = float(generator.normal())
        inside.append(abs(value) <= half)
        found.append(Prediction("y", 2 * number, 2 * number + 1, (0.0, -half, half), value))
    assert 0.8 <= np.mean(inside[20:]) <= 0.97  # widths of 1e-9 say nothing, the errors do


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(1, 5)), max_size=30))
def test_the_stretch_is_numpys_decile_of_the_answers_that_were_there(record: list[tuple[float, int]]):
    # the surrogate says 1 on either side; the answer comes some events later
    predictions: list[Prediction] = []
    told: list[tuple[int, float, float]] = []
    for number, (value, later) in enumerate(record):
        asked, answered = 100 * number, 100 * (number + later) + number
        factor, floor = _stretch([one for one in told if one[0] < asked])
        half = factor * (1.0 + floor)
        predictions.append(Prediction("y", asked, answered, (0.0, -half, half), value))
        told.append((answered, value, floor))
    assert stretch(predictions, "y") == pytest.approx(_stretch(told))
    plain = _decile([value for _answered, value, _floor in told])
    assert widening(predictions, "y") == pytest.approx(float(np.clip(plain, 0.5, 5.0)) if told else 1.0)


def _stretch(told: list[tuple[int, float, float]]) -> tuple[float, float]:
    """Of (answered, error, floor) when all widths are 1."""
    if not told:
        return 1.0, 0.0
    last = [error for _answered, error, _floor in sorted(told)][-10:]
    return float(np.clip(_decile([error / (1.0 + floor) for _answered, error, floor in told]), 0.1, 5.0)), float(np.median(last))


def _decile(ratios: list[float]) -> float:
    ideal = norm.ppf(0.5 + np.arange(0.5, 10) / 20) / HALF
    return float(np.quantile([*ideal, *ratios], 0.9, method="hazen"))
