"""A theory written for one design serves many, may have no answer, and is pointed at when it is wrong."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.errors import ProblemError, SimulationFailed, UnknownName
from dure.problem import (
    Axis,
    Parts,
    Problem,
    Theory,
    at_most,
    choice,
    design,
    integer,
    max_over,
    minimise,
    outcome,
    real,
    reported,
    setting,
    sum_over,
)

CASE = Axis("case", ("wind", "snow", "quake"))
DENSITY = {"steel": 7.85, "copper": 8.96}


@design
class Beam:
    width: float = real(1.0, 10.0, unit="mm")
    height: float = real(1.0, 100.0, unit="mm", log=True)
    holes: int = integer(0, 4)
    metal: str = choice("steel", "copper")

    @property
    def area(self) -> float:
        return self.width * self.height


@setting
class Site:
    load: float = real(0.5, 2.0, default=1.0)


@outcome
class Measured:
    mass: Parts = minimise(sum_over(CASE), positive=True)
    bend: float = at_most(5.0)
    worst: Parts = at_most(5.0, max_over(CASE))
    sound: float | None = reported(default=None)


def made(theory: Any) -> Theory:
    problem = Problem(
        name="toy/t",
        version="1",
        question="?",
        design=Beam,
        setting=Site,
        outcome=Measured,
        simulate=lambda beam, site: None,
        theory=theory,
    )
    return Theory(problem, Site(load=2.0), tuple(problem.goals))


def broad(beam: Beam, site: Site) -> dict[str, Any]:
    """Works on one design and on arrays of them."""
    return {
        "mass": (beam.area, beam.area * 2, beam.width + np.where(beam.metal == "steel", 0.0, 1.0)),
        "bend": site.load / beam.height**3,
        "worst": (beam.width, beam.height, beam.holes + 0.5),
    }


def narrow(beam: Beam, site: Site) -> dict[str, Any]:
    """The same for one design only."""
    tint = 0.0 if beam.metal == "steel" else 1.0
    return {
        "mass": (beam.area, beam.area * 2, beam.width + tint),
        "bend": site.load / math.pow(beam.height, 3),
        "worst": [beam.width, beam.height, beam.holes + 0.5],
    }


def typed(beam: Beam, site: Site) -> Measured:
    """The same as an outcome, which checks itself."""
    return Measured(**narrow(beam, site))


def expected(theory: Theory, cube: Any) -> Any:
    rows = []
    for row in cube:
        one = theory._problem.space.decode(row[None, :])
        beam = type("One", (), {name: value[0] for name, value in vars(one).items()} | {"area": (one.width * one.height)[0]})
        told = narrow(beam, Site(load=2.0))  # type: ignore[arg-type]
        rows.append([*told["mass"], told["bend"], *told["worst"]])
    return np.array(rows)


@pytest.mark.parametrize(("function", "together"), [(broad, True), (narrow, False), (typed, False)])
def test_one_call_for_all_says_what_one_call_each_says(function: Any, together: bool):
    calls = []
    theory = made(lambda beam, site: calls.append(1) or function(beam, site))
    cube = np.random.default_rng(1).uniform(size=(9, theory._problem.space.columns))
    calls.clear()
    np.testing.assert_allclose(theory(cube), expected(theory, cube), rtol=1e-12)
    assert len(calls) == (1 if together else 9)


@given(st.integers(1, 7), st.integers(0, 2**32))
def test_any_number_of_designs_at_once(rows: int, seed: int):
    cube = np.random.default_rng(seed).uniform(size=(rows, BROAD._problem.space.columns))
    np.testing.assert_allclose(BROAD(cube), expected(BROAD, cube), rtol=1e-12)


BROAD = made(broad)


def test_code_that_only_seems_to_work_on_arrays_is_called_for_each_design():
    def deceptive(beam: Beam, site: Site) -> dict[str, Any]:
        mean = np.mean(beam.width)  # of one design: its width; of many: one number for all
        return {"mass": (mean, mean, mean), "bend": mean, "worst": (mean, mean, mean)}

    theory = made(deceptive)
    cube = np.random.default_rng(2).uniform(size=(5, theory._problem.space.columns))
    widths = theory._problem.space.decode(cube).width
    np.testing.assert_allclose(theory(cube), np.repeat(widths[:, None], 7, axis=1))


@pytest.mark.parametrize("kind", ["nan", "inf", "raises", "divides by nothing", "leaves out"])
@pytest.mark.parametrize("arrays", [True, False])
def test_a_design_without_an_answer_gets_a_typical_value(kind: str, arrays: bool):
    def partial(beam: Beam, site: Site) -> dict[str, Any]:
        told = (broad if arrays else narrow)(beam, site)
        blank = beam.width > 5.0
        if arrays and kind in ("nan", "inf"):
            told["bend"] = np.where(blank, math.nan if kind == "nan" else math.inf, told["bend"])
        elif blank and kind == "raises":
            raise SimulationFailed("no such regime")
        elif blank and kind == "divides by nothing":
            return {"bend": 1 / 0}
        elif blank and kind == "leaves out":
            del told["bend"]
        elif blank:
            told["bend"] = math.nan if kind == "nan" else math.inf
        return told

    theory = made(partial)
    cube = np.random.default_rng(3).uniform(size=(20, theory._problem.space.columns))
    blank = theory._problem.space.decode(cube).width > 5.0
    assert 0 < blank.sum() < 20
    said, full = theory(cube)[:, 3], expected(theory, cube)[:, 3]
    np.testing.assert_allclose(said[~blank], full[~blank])
    assert len(set(said[blank])) == 1
    assert full.min() <= said[blank][0] <= full.max()  # between the extremes: the median of what it does say


def test_of_no_designs_there_is_nothing_to_say():
    for function in (lambda beam, site: broad(beam, site), lambda beam, site: {"bend": 1.0 if beam.width > 5 else 2.0}):
        theory = made(function)
        assert theory(np.zeros((0, theory._problem.space.columns))).shape == (0, 7)


def test_a_value_that_cannot_be_is_no_answer():
    theory = made(lambda beam, site: broad(beam, site) | {"mass": (beam.width - 5.0, beam.area, beam.area)})
    said = theory(np.random.default_rng(4).uniform(size=(50, theory._problem.space.columns)))
    assert (said[:, 0] > 0).all()  # mass was declared positive


def test_a_theory_may_know_only_some_outcomes():
    theory = made(lambda beam, site: {"bend": site.load / beam.height**3})
    said = theory(np.random.default_rng(5).uniform(size=(6, theory._problem.space.columns)))
    assert np.isfinite(said).all()
    assert len(set(said[:, 3])) == 6
    assert len(np.unique(said[:, [0, 1, 2, 4, 5, 6]], axis=0)) == 1


@pytest.mark.parametrize(
    ("theory", "error", "says"),
    [
        (lambda beam, site: {"bnd": beam.width}, UnknownName, "outcome 'bnd'.*bend"),
        (lambda beam, site: {"bend": beam.widht}, ProblemError, r"theory: AttributeError: .*widht"),
        (lambda beam, site: {"bend": site.laod}, ProblemError, r"theory: AttributeError: .*laod"),
        (lambda beam, site: None, ProblemError, "theory gave None"),
        (lambda beam, site: 3.0, ProblemError, "theory gave 3.0"),
    ],
)
def test_a_theory_that_is_wrong_is_pointed_at(theory: Any, error: type[Exception], says: str):
    with pytest.raises(error, match=says) as refused:
        made(theory)
    if "AttributeError" in says:
        assert re.match(rf"{re.escape(str(Path(__file__).resolve()))}:\d+: ", str(refused.value))
