"""A surrogate's help with a rare event, which costs seconds of interpolation."""

from __future__ import annotations

from dure.reliability import assisted, subset
from tests.fast.test_reliability import GAUSS, four_branches


def test_a_surrogate_supports_the_estimate_it_was_fitted_to():
    real = subset(four_branches, GAUSS, 0.0, level=1000, seed=3)
    helped = assisted(four_branches, GAUSS, 0.0, level=1000, seed=3)
    assert helped.calls == real.calls
    assert helped.low < real.high
    assert real.low < helped.high
    assert helped.low < 2.229e-3 * 1.15
    assert helped.high > 2.229e-3 / 1.15
