"""Rare events: known probabilities, agreement of methods, and bounds that never say zero."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from dure.errors import MissingPart, SimulationFailed, ValueRefused
from dure.reliability import Estimate, Normal, Uniform, assisted, counted, crude, demonstrated, judged, subset

GAUSS = [Normal(name=f"u{one}", mean=0.0, deviation=1.0, low=-9.0, high=9.0, source="a test") for one in (1, 2)]


def four_branches(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The four-branch function (k = 7) with its sign changed, so that exceeding is failing."""
    a, b = x.T
    near = 3 + 0.1 * (a - b) ** 2
    ends = [near - (a + b) / math.sqrt(2), near + (a + b) / math.sqrt(2), a - b + 7 / math.sqrt(2), b - a + 7 / math.sqrt(2)]
    return -np.minimum.reduce(ends)


# ------------------------------------------------------------------------------------------------- known probabilities
@pytest.mark.parametrize("beta", [2.0, 3.0, 4.75])
def test_a_plane_has_the_probability_of_a_normal_tail(beta: float):
    exact = norm.sf(beta)
    found = [subset(lambda x: (x[:, 0] + x[:, 1]) / math.sqrt(2), GAUSS, beta, level=2000, seed=seed) for seed in range(3)]
    logs = [math.log(one.probability or 0.0) for one in found]
    assert np.mean(logs) == pytest.approx(math.log(exact), abs=0.35)
    assert sum(one.low <= exact <= one.high for one in found) >= 2


def test_the_four_branches_have_their_published_probability():
    # 2.229e-3 by Monte Carlo with 2e7 samples
    found = crude(four_branches, GAUSS, 0.0, runs=100_000)
    assert found.low < 2.229e-3 < found.high


@pytest.mark.parametrize("limit", [-0.5, 0.0, 0.5])
def test_subset_simulation_agrees_with_brute_force(limit: float):
    brute = crude(four_branches, GAUSS, limit, runs=200_000, seed=1)
    found = subset(four_branches, GAUSS, limit, level=4000, seed=2)
    assert found.low < brute.high
    assert brute.low < found.high
    assert found.calls < 20_000


def test_a_surrogate_supports_the_estimate_it_was_fitted_to():
    real = subset(four_branches, GAUSS, 0.0, level=1000, seed=3)
    helped = assisted(four_branches, GAUSS, 0.0, level=1000, seed=3)
    assert helped.calls == real.calls
    assert helped.low < real.high
    assert real.low < helped.high
    assert helped.low < 2.229e-3 * 1.15
    assert helped.high > 2.229e-3 / 1.15


# --------------------------------------------------------------------------------------------------------- never zero
@pytest.mark.parametrize("response", [lambda x: np.tanh(x[:, 0]), lambda x: np.minimum(x[:, 0], 2.0)])
def test_a_limit_that_cannot_be_reached_is_inconclusive_with_a_bound(response: Any):
    # OpenTURNS itself calls the second one 0.1: the level at which its quantile stops rising
    found = subset(response, GAUSS, 3.0, level=1000, seed=0)
    assert (found.probability, found.reached, found.exact) == (None, False, True)
    assert found.high == pytest.approx(1 - 0.05 ** (1 / 1000))
    assert judged(found, 1e-6) == "inconclusive"
    assert judged(found, 0.01) == "pass"  # a thousand independent runs do show that much


def test_verdicts_follow_the_bounds():
    def estimate(low: float, high: float, *, exact: bool = False, reached: bool = True) -> Estimate:
        return Estimate(None, low, high, 1, exact, reached, "")

    assert judged(estimate(1e-6, 1e-5), 1e-4) == "pass"
    assert judged(estimate(1e-3, 1e-2), 1e-4) == "fail"
    assert judged(estimate(1e-5, 1e-3), 1e-4) == "inconclusive"
    assert judged(estimate(0.0, 1e-9, reached=False), 1e-4) == "inconclusive"
    assert judged(estimate(0.0, 1e-5, exact=True, reached=False), 1e-4) == "pass"


@given(st.integers(0, 30), st.integers(30, 500))
def test_bounds_of_counts_are_those_of_clopper_and_pearson(exceeded: int, calls: int):
    found = counted(exceeded, calls)
    assert 0 <= found.low <= exceeded / calls <= found.high <= 1
    if exceeded < calls:
        assert binom.cdf(exceeded, calls, found.high) == pytest.approx(0.05, abs=1e-6)
    if exceeded:
        assert binom.sf(exceeded - 1, calls, found.low) == pytest.approx(0.05, abs=1e-6)


def test_so_many_runs_show_a_target():
    assert demonstrated(0.05) == 59  # the number of runs behind a one-sided 95/95 statement
    for target in (0.05, 1e-3, 1e-4):
        runs = demonstrated(target)
        assert counted(0, runs).high <= target < counted(0, runs - 1).high
    with pytest.raises(ValueRefused, match="not between 0 and 1"):
        demonstrated(0.0)


def test_estimates_repeat_themselves_with_the_seed():
    one, other, again = (subset(four_branches, GAUSS, 0.5, seed=seed) for seed in (5, 6, 5))
    assert one == again != other


# ------------------------------------------------------------------------------------------------------------- refused
@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: Uniform(name="x", low=1.0, high=1.0, source="s"), "smaller first"),
        (lambda: Uniform(name="x", low=0.0, high=math.inf, source="s"), "finite"),
        (lambda: Uniform(name="x", low=0.0, high=1.0, source=" "), "has no source"),
        (lambda: Uniform(name="x", low=0.0, high=1.0, source="s", unit="furlongz"), "not known"),
        (lambda: Normal(name="x", mean=2.0, deviation=1.0, low=0.0, high=1.0, source="s"), "within the bounds"),
        (lambda: Normal(name="x", mean=0.5, deviation=0.0, low=0.0, high=1.0, source="s"), "deviation is above 0"),
        (lambda: counted(3, 2), "3 exceedances of 2 runs"),
    ],
)
def test_what_cannot_be_is_refused(made: Any, says: str):
    with pytest.raises(ValueRefused, match=says):
        made()


def test_samples_stay_within_the_cut_off():
    seen: list[np.ndarray[Any, Any]] = []

    def response(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        seen.append(x)
        return x[:, 0]

    tight = [Normal(name="x", mean=0.0, deviation=1.0, low=-0.5, high=0.5, source="s")]
    crude(response, tight, 1.0, runs=2000)
    assert np.abs(np.concatenate(seen)).max() <= 0.5


def test_a_model_that_fails_fails_the_estimate():
    def breaks(_x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        raise SimulationFailed("the transient gave up")

    with pytest.raises(SimulationFailed, match="gave up"):
        subset(breaks, GAUSS, 1.0)
    with pytest.raises(ValueRefused, match="one number each"):
        crude(lambda x: x, GAUSS, 1.0, runs=10)


def test_openturns_is_loaded_only_when_a_probability_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    code = "import sys, dure.reliability; print('openturns' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    monkeypatch.setitem(sys.modules, "openturns", None)
    with pytest.raises(MissingPart, match=r"pip install 'dure\[reliability\]'"):
        crude(four_branches, GAUSS, 0.0, runs=10)
