"""What a setting changes in a statement, values on a grid, and what a problem needs beside Python."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.errors import MissingPart, ProblemError, UnknownName, ValueRefused
from dure.journal import History
from dure.problem import (
    Held,
    Need,
    Problem,
    at_most,
    choice,
    design,
    integer,
    minimise,
    outcome,
    real,
    rule,
    setting,
    values_of,
)
from dure.problem.fields import Real
from dure.strategy import Task, space_filling, strategy


@design
class Tower:
    height: float = real(1.0, 9.0, unit="m", grid=0.25)
    legs: int = integer(3, 6)
    cable: float = real(1.0, 30.0, unit="m", log=True)


@setting
class Kind:
    kind: str = choice("free", "guyed", default="free")


@outcome
class Measured:
    steel: float = minimise(unit="kg", positive=True)
    sway: float = at_most(1.0, unit="m")


@rule
def reach(tower: Tower) -> float:
    """The cable reaches the ground."""
    return tower.cable - tower.height


def members(kind: Kind) -> dict[str, Any]:
    if kind.kind == "free":
        start = Tower(height=4.0, legs=4, cable=2.0)
        return {"held": {"cable": 2.0}, "starts": (start,), "limits": {"still": {"sway": 0.1}}}
    return {"held": {"legs": 3}, "rules": (reach,), "limits": {"still": {"sway": 0.01}}}


def simulate(tower: Tower, kind: Kind) -> Measured:
    return Measured(steel=tower.height * tower.legs + tower.cable, sway=tower.height / tower.cable / 10)


def towers(**more: Any) -> Problem:
    stated: dict[str, Any] = {"name": "toy/tower", "version": "1", "question": "How light?", "runs": 5}
    return Problem(**{**stated, "design": Tower, "setting": Kind, "outcome": Measured, "simulate": simulate, **more})


FAMILY = towers(members=members)
FREE, GUYED = (FAMILY.under(Kind(kind=kind)) for kind in ("free", "guyed"))


def test_a_held_input_takes_no_column_and_is_in_every_design():
    assert (FREE.space.columns, GUYED.space.columns) == (2, 2)
    for problem, name, value in ((FREE, "cable", 2.0), (GUYED, "legs", 3)):
        for one in problem.space.designs(np.random.default_rng(0).uniform(size=(20, 2))):
            assert getattr(one, name) == value
            assert FAMILY.make_design(values_of(one)) == Tower(**values_of(one))
        decoded = problem.space.decode(np.full((7, 2), 0.5))
        assert (getattr(decoded, name) == value).all()


def test_a_design_with_another_value_than_the_held_one_is_refused():
    with pytest.raises(ValueRefused, match=r"cable = 3\.0 is held at 2\.0"):
        FREE.make_design({"height": 4.0, "legs": 4, "cable": 3.0})


def test_rules_starts_and_limits_are_those_of_the_setting():
    assert [one.name for one in GUYED.rules] == ["reach"]
    assert FREE.rules == ()
    assert GUYED.starts == ()
    assert FREE.starts[0].height == 4.0
    assert (FREE.limits["still"]["sway"], GUYED.limits["still"]["sway"]) == (0.1, 0.01)


def test_one_statement_serves_one_setting_again():
    assert FAMILY.under(Kind(kind="free")) is FREE
    assert FREE.under(Kind(kind="free")) is FREE
    assert towers().under(Kind()).design is Tower


def test_a_trial_has_the_same_key_whether_the_family_or_its_member_asks():
    start = FREE.starts[0]
    assert FREE.trial(start, Kind()).key == FAMILY.trial(Tower(**values_of(start)), Kind()).key


def test_strategies_propose_within_the_member():
    task = Task(GUYED, Kind(kind="guyed"), GUYED.goals)
    history = History()
    for proposal in strategy("sobol").ask(task, history, 5, 0):
        assert proposal.design.legs == 3
        assert proposal.design.cable >= proposal.design.height


@pytest.mark.parametrize(
    ("held", "error", "said"),
    [
        ({"cabel": 2.0}, UnknownName, "cable"),
        ({"cable": 99.0}, ValueRefused, "outside"),
    ],
)
def test_a_wrong_member_is_refused_when_the_problem_is_stated(held: dict[str, Any], error: type[Exception], said: str):
    with pytest.raises((ProblemError, error), match=said):
        towers(members=lambda kind: {"held": held})


def test_a_start_that_breaks_what_is_held_is_refused():
    start = Tower(height=4.0, legs=4, cable=2.0)
    with pytest.raises(ProblemError, match="is held at"):
        towers(members=lambda kind: {"held": {"legs": 3}, "starts": (start,)})


def test_a_plan_says_what_is_held():
    plain = FREE.describe()["design"]["cable"]
    assert plain == {"kind": "held", "value": 2.0, "unit": "m", "help": ""}
    assert isinstance(FREE.inputs["cable"], Held)


# ---------------------------------------------------------------------------------------------------------- the grid
@given(st.floats(1.0, 9.0), st.sampled_from((0.25, 0.5, 2.0)), st.booleans())
def test_values_snap_to_the_nearest_of_the_grid_and_stay_in_range(value: float, grid: float, log: bool):
    low = 2.0 if grid == 2.0 else 1.0
    field = Real(low=low, high=8.0 if grid == 2.0 else 9.0, log=log, grid=grid)
    snapped = field.snap(min(max(value, field.low), field.high))
    assert field.accept("x", snapped) == snapped
    assert abs(snapped / grid - round(snapped / grid)) < 1e-9
    assert abs(snapped - min(max(value, field.low), field.high)) <= grid / 2 + 1e-9


def test_a_value_off_the_grid_is_refused_with_the_nearest_on_it():
    with pytest.raises(ValueRefused, match=r"no multiple of the grid 0\.25; the nearest is 4\.25"):
        Tower(height=4.3, legs=4, cable=2.0)


def test_a_grid_that_does_not_meet_the_ends_is_refused():
    with pytest.raises(ProblemError, match="does not divide"):
        Real(low=0.1, high=1.0, grid=0.25).validate()


def test_every_proposed_design_is_on_the_grid():
    for number, one in zip(range(50), space_filling(FREE, 1), strict=False):
        assert one.height * 4 == round(one.height * 4), number


# ---------------------------------------------------------------------------------------------------------- needs
def test_a_missing_need_is_refused_before_anything_runs():
    there = Need("scales", lambda: "scales 1.0", fix="buy scales")
    missing = Need("weights", lambda: "", fetch=lambda: None)
    replace(FAMILY, needs=(there,)).check_needs()
    with pytest.raises(MissingPart, match=r"toy/tower needs weights\. Fix: dure fetch weights"):
        replace(FAMILY, needs=(there, missing)).check_needs()


def test_a_need_says_how_it_is_met():
    with pytest.raises(ProblemError, match="neither how to fetch it"):
        Need("weights", lambda: "")
