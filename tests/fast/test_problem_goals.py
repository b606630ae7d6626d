"""What is wanted of an outcome: parts, their reductions, goals, margins and limits that a user may change."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dure.errors import InputError, ProblemError, UnknownName, ValueRefused
from dure.problem import (
    Axis,
    Goal,
    Measure,
    Parts,
    at_least,
    at_most,
    max_over,
    maximise,
    measures_of,
    min_over,
    minimise,
    outcome,
    reported,
    sum_over,
    values_of,
    weighted_over,
    with_limits,
    within,
)

STAGE = Axis("stage", ("first", "second", "third"))

finite = st.floats(-1e6, 1e6)
triples = st.tuples(finite, finite, finite)


@outcome
class Measured:
    minutes: Parts = minimise(sum_over(STAGE), unit="min", positive=True)
    potential: Parts = at_least(0.0, min_over(STAGE), unit="V")
    heat: Parts = at_most(55.0, max_over(STAGE), unit="degC")
    tilt: float = within(-1.0, 1.0, unit="deg")
    price: float = reported()
    noise: float | None = reported(unit="dB", default=None)
    trace: Parts | None = reported(STAGE, unit="mV", default=None)


GOALS = {name: Goal(name, measure) for name, measure in measures_of(Measured).items() if measure.sense}
GOOD: dict[str, Any] = {
    "minutes": (1.0, 2.0, 3.0),
    "potential": (0.1, 0.2, 0.3),
    "heat": (20.0, 30.0, 40.0),
    "tilt": 0.5,
    "price": 2.0,
}


@given(triples, triples)
def test_reductions_are_what_their_names_say(parts: tuple[float, float, float], weights: tuple[float, float, float]):
    array = np.array([parts, parts[::-1]])
    for reduction, expected in (
        (sum_over(STAGE), math.fsum(parts)),
        (min_over(STAGE), min(parts)),
        (max_over(STAGE), max(parts)),
        (weighted_over(STAGE, weights), math.fsum(w * p for w, p in zip(weights, parts, strict=True))),
    ):
        assert reduction(array).shape == (2,)
        np.testing.assert_allclose(reduction(array)[0], expected, rtol=1e-9, atol=1e-3)
    np.testing.assert_allclose(weighted_over(STAGE, (1, 1, 1))(array), sum_over(STAGE)(array), atol=1e-6)


@pytest.mark.parametrize("weights", [(1.0, 2.0), (1.0, 2.0, 3.0, 4.0), (1.0, 2.0, math.nan), (1.0, 2.0, "3")])
def test_weights_are_one_finite_number_a_label(weights: Any):
    with pytest.raises(ProblemError, match="one finite number a label") as refused:
        weighted_over(STAGE, weights)
    assert refused.value.file == __file__


@pytest.mark.parametrize("labels", [(), ("a", "a"), "ab", ("a", 1), ("a", "")])
def test_an_axis_has_labels_each_of_its_own(labels: Any):
    with pytest.raises(ProblemError, match=r"axis 'stage' .* write \(\"1\", \"2\"\)"):
        Axis("stage", labels)


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_a_margin_is_the_distance_to_the_limit_positive_on_the_good_side(value: float, one: float, other: float):
    low, high = sorted((one, other))
    goal = Goal("y", Measure(sense="within", low=low, high=high))
    assert (goal.margin(value) >= 0) == (low <= value <= high)
    assert goal.margin(value) == min(value - low, high - value)
    assert Goal("y", Measure(sense="at_least", low=low)).margin(value) == value - low
    assert Goal("y", Measure(sense="at_most", high=high)).margin(value) == high - value


def test_an_objective_has_no_margin_to_lose():
    assert GOALS["minutes"].margin(1e9) == math.inf


@given(finite, finite)
def test_better_has_a_sign_for_each_direction(value: float, than: float):
    assert Goal("y", Measure(sense="minimise")).better(value, than) == than - value
    assert Goal("y", Measure(sense="maximise")).better(value, than) == value - than


def test_parts_become_the_goal_for_one_outcome_and_for_many():
    assert GOALS["heat"].value(np.array(GOOD["heat"])) == 40.0
    np.testing.assert_array_equal(GOALS["heat"].value(np.array([[1, 2, 3], [9, 8, 7]])), [3, 9])
    assert GOALS["tilt"].value(np.array(0.5)) == 0.5


@given(st.floats(-1e6, 1e6))
def test_limits_are_changed_and_nothing_else(limit: float):
    changed = with_limits(GOALS, {"heat": limit})
    assert changed["heat"].measure.high == limit
    assert changed["heat"].measure.low == GOALS["heat"].measure.low
    assert {name: goal for name, goal in changed.items() if name != "heat"} == {
        name: goal for name, goal in GOALS.items() if name != "heat"
    }
    assert GOALS["heat"].measure.high == 55.0


@given(finite, finite)
def test_a_pair_of_limits_rises(one: float, other: float):
    assume(one != other)
    low, high = sorted((one, other))
    assert with_limits(GOALS, {"tilt": (low, high)})["tilt"].measure.low == low
    assert with_limits(GOALS, {"tilt": [low, high]})["tilt"].measure.high == high  # type: ignore[dict-item]
    with pytest.raises(ValueRefused, match="tilt"):
        with_limits(GOALS, {"tilt": (high, low)})


@pytest.mark.parametrize(
    ("limits", "error", "says"),
    [
        ({"hea": 45.0}, UnknownName, "heat"),
        ({"noise": 45.0}, UnknownName, "noise"),
        ({"minutes": 45.0}, ValueRefused, "objective"),
        ({"heat": (40.0, 45.0)}, ValueRefused, "one limit"),
        ({"tilt": 0.5}, ValueRefused, "two limits"),
        ({"heat": math.nan}, ValueRefused, "finite"),
        ({"heat": math.inf}, ValueRefused, "finite"),
        ({"heat": "45"}, ValueRefused, "finite"),
        ({"heat": None}, ValueRefused, "finite"),
        ({"heat": True}, ValueRefused, "finite"),
        ({"tilt": (0.0, 1.0, 2.0)}, ValueRefused, "two limits"),
        ({"tilt": (0.0, "1")}, ValueRefused, "finite"),
    ],
)
def test_a_limit_that_cannot_be_set_is_refused(limits: Any, error: type[InputError], says: str):
    with pytest.raises(error, match=says):
        with_limits(GOALS, limits)


def test_an_outcome_holds_what_was_measured():
    made = Measured(**GOOD)
    assert made.noise is None
    assert values_of(made) == {
        "minutes": [1.0, 2.0, 3.0],
        "potential": [0.1, 0.2, 0.3],
        "heat": [20.0, 30.0, 40.0],
        "tilt": 0.5,
        "price": 2.0,
        "noise": None,
        "trace": None,
    }
    assert Measured(**GOOD | {"minutes": np.array([1, 2, 3]), "tilt": np.float32(0.5), "noise": None}) == made


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            {"minutes": (1.0, 2.0)},
            r"Measured.minutes has shape \(2,\); wanted is one number for each of stage first, second, third",
        ),
        ({"minutes": 6.0}, r"shape \(\); wanted is one number for each"),
        ({"minutes": [[1.0, 2.0, 3.0]]}, r"shape \(1, 3\)"),
        ({"minutes": [1.0, [2.0], 3.0]}, "is not a number"),
        ({"minutes": (1.0, 0.0, 2.0)}, "declared positive"),
        ({"minutes": (1.0, -1.0, 2.0)}, "declared positive"),
        ({"heat": (1.0, math.nan, 2.0)}, "not finite"),
        ({"tilt": math.inf}, "not finite"),
        ({"tilt": (0.5,)}, r"shape \(1,\); wanted is one number"),
        ({"tilt": "0.5"}, "is not a number"),
        ({"tilt": None}, "is not a number"),
        ({"tilt": True}, "is not a number"),
        ({"tilt": 1j}, "is not a number"),
        ({"price": None}, "is not a number"),
        ({"trace": (1.0, 2.0)}, r"shape \(2,\)"),
        ({"noise": math.nan}, "not finite"),
    ],
)
def test_an_outcome_of_no_use_is_refused_by_name(changed: dict[str, Any], says: str):
    with pytest.raises(ValueRefused, match=says):
        Measured(**GOOD | changed)


def test_goals_describe_themselves_as_plain_data():
    told = GOALS["heat"].measure.describe()
    assert told["sense"] == "at_most"
    assert (told["low"], told["high"], told["unit"]) == (None, 55.0, "degC")
    assert told["reduction"] == {"kind": "maximum", "axis": "stage", "labels": ["first", "second", "third"]}
    assert weighted_over(STAGE, (1, 2, 3)).describe()["weights"] == [1.0, 2.0, 3.0]


def test_maximise_is_an_objective_too():
    @outcome
    class Yield:
        share: float = maximise(unit="percent")

    assert Goal("share", measures_of(Yield)["share"]).is_objective
