"""Where an author wants many good designs, a gain is one over the last of them, and the search stays where they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dure.campaign import Loop
from dure.errors import ProblemError
from dure.problem import Problem, at_most, design, maximise, outcome, real
from dure.strategy import Evidence


@design
class Place:
    x: float = real(0.0, 1.0)


@outcome
class Height:
    height: float = maximise()
    depth: float = at_most(0.95)


@outcome
class Both:
    height: float = maximise()
    width: float = maximise()


LIST = tuple(Place(x=float(x)) for x in np.linspace(0, 1, 201).round(3))


def height(one: Any) -> dict[str, float]:
    """One hill, 0.3 wide, whose top is at 0.7, and ripples that are not worth a visit."""
    return {"height": float(np.exp(-(((one.x - 0.7) / 0.15) ** 2)) + 0.02 * np.sin(40 * one.x)), "depth": one.x}


def hills(**changed: Any) -> Problem:
    told: dict[str, Any] = {"name": "toy/hill", "version": "1", "question": "?", "design": Place, "outcome": Height}
    return Problem(**told | {"simulate": height, "candidates": LIST} | changed)


def searched(problem: Problem, runs: int) -> Loop:
    loop = Loop(problem, seed=4)
    while len(loop.history.trials) < runs:
        (wish,) = loop.ask()
        loop.tell(wish, height(wish.design))
    return loop


def test_more_of_the_best_are_found_where_many_are_wanted():
    best = set(sorted(LIST, key=lambda one: -height(one)["height"])[:20])
    found = {}
    for wanted in (1, 20):
        loop = searched(hills(short_list=wanted), 30)
        found[wanted] = sum(Place(**state.trial["design"]) in best for state in loop.history.trials.values())
    assert found[20] > found[1]
    assert found[20] >= 17  # of thirty, the first few of which know nothing


@pytest.mark.parametrize(("wanted", "place"), [(1, 0), (3, 2), (99, 5)])
def test_a_gain_is_over_the_last_of_the_short_list_that_keeps_the_limits(wanted: int, place: int):
    loop = Loop(hills(short_list=wanted, candidates=()), seed=1)
    for x in (0.99, 0.1, 0.5, 0.6, 0.3, 0.8, 0.4):  # the first breaks the limit
        loop.tell(Place(x=x), height(Place(x=x)))
    kept = sorted((height(Place(x=x))["height"] for x in (0.1, 0.5, 0.6, 0.3, 0.8, 0.4)), reverse=True)
    evidence = Evidence(loop.task, loop.history)
    last, best = evidence.listed("full"), evidence.best("full")
    assert last is not None
    assert best is not None
    assert last[1]["height"] == kept[place]
    assert best[1]["height"] == kept[0]


def test_the_reason_says_over_which_design_it_gains():
    loop = Loop(hills(short_list=3), seed=1)
    for one in LIST[::20]:
        loop.tell(one, height(one))
    (wish,) = loop.ask()
    assert "over the last of the best 3" in wish.why


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "many"])
def test_what_is_no_number_of_designs_is_refused(wrong: Any):
    with pytest.raises(ProblemError, match=r"short_list is .* whole number of at least 1"):
        hills(short_list=wrong)


def test_several_objectives_end_in_a_front_and_not_in_a_list():
    with pytest.raises(ProblemError, match="short_list is 4, and several objectives end in a front"):
        hills(short_list=4, outcome=Both, simulate=None)
