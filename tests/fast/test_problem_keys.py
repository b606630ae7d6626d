"""One encoding of values, and the key of a trial made from it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from dure.canonical import canonical, digest, parse
from dure.errors import ValueRefused
from dure.problem import (
    Fidelity,
    Noise,
    Problem,
    Trial,
    at_most,
    choice,
    design,
    integer,
    minimise,
    outcome,
    real,
    setting,
    with_limits,
)

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(plain)
def test_the_encoding_is_read_back_unchanged(value: Any):
    data = canonical(value)
    assert canonical(parse(data.decode())) == data
    assert data == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [  # RFC 8785, section 3.2.2.3 and appendix B
        (1.0, "1"),
        (-0.0, "0"),
        (1e21, "1e+21"),
        (333333333.33333329, "333333333.3333333"),
        ({"b": 1, "a": [True, None, "é"]}, '{"a":[true,null,"é"],"b":1}'),
    ],
)
def test_numbers_and_keys_have_one_spelling(value: Any, text: str):
    assert canonical(value).decode() == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2**53, {1: 2}, {"a": {3}}, [object()], b"x"])
def test_what_has_no_spelling_is_refused(value: Any):
    with pytest.raises(ValueRefused, match="cannot be recorded"):
        canonical(value)


@design
class Beam:
    width: float = real(0.0, 10.0, unit="mm")
    holes: int = integer(0, 5)
    metal: str = choice("steel", "copper")


@setting
class Site:
    load: float = real(0.5, 2.0, default=1)


@outcome
class Measured:
    mass: float = minimise(unit="kg")
    bend: float = at_most(5.0, unit="mm")


def beams(**changed: Any) -> Problem:
    told: dict[str, Any] = {
        "name": "toy/beam",
        "version": "1",
        "question": "How light?",
        "design": Beam,
        "setting": Site,
        "outcome": Measured,
        "simulate": lambda beam, site: Measured(mass=beam.width, bend=1.0),
        "fidelities": (Fidelity("coarse", 0.1), Fidelity("fine")),
    }
    return Problem(**told | changed)


def key(problem: Problem | None = None, *, fidelity: str = "", seed: int = 0, load: float = 1.0, **changed: Any) -> str:
    problem = problem or beams()
    made = Beam(**{"width": 2.0, "holes": 1, "metal": "steel"} | changed)
    return problem.trial(made, Site(load=load), fidelity, seed).key


def test_the_key_is_pinned():
    # `sha256sum` of the RFC 8785 text below; a change of this number orphans every journal ever written
    text = (
        '{"design":{"holes":1,"metal":"steel","width":2},"fidelity":"fine","problem":"toy/beam","seed":0,'
        '"setting":{"load":1},"version":"1"}'
    )
    assert canonical(parse(text)).decode() == text
    assert key() == digest(parse(text)) == "c1ecbbca798fdfe07a733da3dac734f11cd6ea3bc1b1575b678ec985834fd107"


def test_whatever_the_simulator_sees_is_in_the_key():
    noisy = beams(noise=Noise("unknown"))
    keys = [
        key(),
        key(width=2.0000001),
        key(holes=2),
        key(metal="copper"),
        key(load=1.5),
        key(fidelity="coarse"),
        key(beams(version="2")),
        key(beams(name="toy/other")),
        key(noisy, seed=1),
        key(noisy, seed=2),
    ]
    assert len(set(keys)) == len(keys)


def test_the_same_question_has_one_key():
    told = beams(limits={"stiff": {"bend": 1.0}}, runs=5, cites=("Sobol1967",), hazards=("sharp",))
    assert key() == key(told) == key(width=2) == key(holes=1.0) == key(load=1) == key(fidelity="fine")
    assert key(width=0.0) == key(width=-0.0)
    assert key(seed=1) == key(seed=2)  # without noise the seed is no part of the question


def test_limits_are_no_part_of_the_key():
    problem = beams()
    stiff = {name: goal.measure for name, goal in with_limits(problem.goals, {"bend": 1.0}).items()}
    assert stiff["bend"].high == 1.0
    assert "bend" not in str(problem.trial(Beam(width=2, holes=1, metal="steel"), Site()).plain())


@given(st.floats(0, 10), st.integers(0, 5), st.sampled_from(["steel", "copper"]), st.floats(0.5, 2))
def test_a_trial_survives_the_journal(width: float, holes: int, metal: str, load: float):
    problem = beams()
    trial = problem.trial(Beam(width=width, holes=holes, metal=metal), Site(load=load))
    told: Any = parse(canonical(trial.plain()).decode())
    again = problem.trial(
        problem.make_design(told["design"]), problem.make_setting(told["setting"]), told["fidelity"], told["seed"]
    )
    assert again.key == trial.key == Trial(**told).key == replace(trial, fidelity="fine").key
