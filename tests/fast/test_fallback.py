"""A model that forecasts no better than a constant is found out, and not asked every time."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.campaign import Loop
from dure.problem import Problem, arrangement, choice, design, integer, minimise, molecule, outcome, real
from dure.strategy import Evidence
from dure.strategy.fallback import skill, variations


@design
class Mixed:
    x: float = real(-1.0, 1.0)
    n: int = integer(0, 9)
    kind: str = choice("a", "b", "c")
    laid: Any = arrangement(("P1", "P2", "P3"), {"u": 2, "v": 1})


@outcome
class Told:
    y: float = minimise()


def problem(simulate: Any, **more: Any) -> Problem:
    return Problem(name="toy/odd", version="1", question="?", design=Mixed, outcome=Told, simulate=simulate, **more)


def told(loop: Loop, forecasts: list[tuple[float, float]]) -> float | None:
    """The skill after answers, each with the median that was forecast for it."""
    space = loop.task.problem.space
    cubes = np.random.default_rng(0).uniform(size=(len(forecasts), space.columns))
    for made, (forecast, value) in zip(space.designs(cubes), forecasts, strict=True):
        trial = loop.task.problem.trial(made, loop.task.setting, seed=loop.seed)
        loop._asked(trial, "search", "", predicted={"y": (forecast, forecast - 1, forecast + 1)})
        loop._apply("told", {"key": trial.key, "outcome": {"y": value}})
    return skill(Evidence(loop.task, loop.history), "y")


def loop_with(values: list[float]) -> Loop:
    loop = Loop(problem(lambda one: Told(y=0.0)))
    for number, value in enumerate(values):
        loop.tell(Mixed(x=number / 10, n=0, kind="a", laid=("u", "u", "v")), {"y": value})
    return loop


@pytest.mark.parametrize(("forecast", "expected"), [(3.0, 1.0), (2.0, 0.5), (1.0, 0.0), (0.0, -0.5)])
def test_skill_by_hand(forecast: float, expected: float):
    # Nine answers of 1 before keep the median there, so that each answer of 3 misses it by 2
    assert told(loop_with([1.0] * 9), [(forecast, 3.0)] * 6) == pytest.approx(expected)


def test_few_forecasts_tell_nothing():
    assert told(loop_with([0.0, 4.0]), [(2.0, 0.0)] * 5) is None
    assert told(loop_with([1.0, 1.0]), [(0.0, 1.0)] * 8) is None, "a constant that is always right leaves nothing to compare with"


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_variations_are_designs_near_the_best(seed: int):
    space = problem(lambda one: Told(y=0.0)).space
    best = Mixed(x=0.2, n=4, kind="b", laid=("u", "v", "u"))
    found = list(islice(variations(problem(lambda one: Told(y=0.0)), torch.from_numpy(space.encode([best])), seed), 60))
    assert len(set(found)) > 30
    assert np.median([abs(one.x - best.x) for one in found]) < 0.4
    assert all(sorted(one.laid) == ["u", "u", "v"] for one in found)


def test_of_a_list_only_its_members_are_varied():
    rows = tuple(Mixed(x=round(x, 2), n=3, kind="a", laid=("u", "u", "v")) for x in np.linspace(-1, 1, 41))
    listed = problem(lambda one: Told(y=0.0), candidates=rows)
    found = list(islice(variations(listed, torch.from_numpy(listed.space.encode(rows[20:21])), 0), 30))
    assert set(found) <= set(rows)
    assert np.median([abs(one.x) for one in found]) < 0.5


def test_where_answers_have_no_order_every_second_proposal_goes_without_the_model():
    @design
    class Line:
        x: float = real(0.0, 1.0)

    draw = np.random.default_rng(3)
    lottery = Problem(name="toy/lottery", version="1", question="?", design=Line, outcome=Told, simulate=lambda one: Told(y=0.0))
    loop, whys = Loop(lottery, seed=1), []
    for _run in range(24):
        (wish,) = loop.ask()
        whys.append("variation" in wish.why)
        loop.tell(wish, {"y": float(draw.normal())})
    assert not any(whys[:8])
    assert sum(whys[12:]) >= 3
    assert not any(one and other for one, other in pairwise(whys))


@pytest.mark.needs("rdkit")
def test_of_molecules_the_model_is_asked_every_time():
    pool = tuple("C" * left + middle + "C" * right for left in range(1, 8) for middle in ("O", "N", "S") for right in range(1, 4))

    @design
    class Compound:
        smiles: str = molecule(*pool)

    rows = tuple(Compound(smiles=one) for one in pool)
    draw = np.random.default_rng(3)
    loop = Loop(Problem(name="toy/pool", version="1", question="?", design=Compound, outcome=Told, candidates=rows), seed=1)
    for _run in range(20):
        (wish,) = loop.ask()
        assert "variation" not in wish.why
        loop.tell(wish, {"y": float(draw.normal())})
