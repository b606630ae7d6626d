"""Our own strategies pass the suite that authors of plug-ins import, and the suite finds what is wrong with a strategy."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings

from dure.errors import PlanError
from dure.i18n import LANGUAGES, _, speaking
from dure.strategy import NAMES, Proposal, Review, Strategy, strategy
from dure.testing import Case, cases, check_strategy

OWN = [name for name in NAMES if name != "auto"]


@pytest.mark.parametrize("name", OWN)
@settings(max_examples=6, derandomize=True)
@given(case=cases())
def test_a_strategy_of_our_own_keeps_the_laws(name: str, case: Case):
    check_strategy(strategy(name), case)


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
@settings(max_examples=30, derandomize=True)
@given(case=cases())
def test_what_our_own_strategies_say_is_translated(code: str, case: Case):
    said: list[str] = []
    for name in OWN:
        with suppress(PlanError):  # some strategies serve some tasks only
            said += strategy(name).explain(case.task)
    with speaking(code):
        assert [text for text in said if _(text) == text] == []


class Wrong:
    """Sobol points, with what a fault makes of them."""

    name = "wrong"

    def __init__(self, fault: Callable[[list[Proposal], Any], list[Proposal]]) -> None:
        self.fault = fault

    def explain(self, task: Any) -> tuple[str, ...]:
        return ("Sobol points.",)

    def ask(self, task: Any, history: Any, n: int, seed: int) -> list[Proposal]:
        return self.fault(strategy("sobol").ask(task, history, n, seed), history)

    def review(self, task: Any, history: Any, seed: int) -> Review:
        return Review()


def each(**changed: Any) -> Callable[[list[Proposal], Any], list[Proposal]]:
    return lambda found, _history: [replace(one, **changed) for one in found]


def forgetful(found: list[Proposal], history: Any) -> list[Proposal]:
    return [replace(one, design=found[0].design) for one in found]


def meddling(found: list[Proposal], history: Any) -> list[Proposal]:
    history.trials.clear()
    return found


def from_the_clock(found: list[Proposal], history: Any) -> list[Proposal]:
    return [replace(one, gain=random.SystemRandom().random()) for one in found]


def from_numpys_own(found: list[Proposal], history: Any) -> list[Proposal]:
    np.random.random()  # the global state is what is watched
    return found


def from_pythons_own(found: list[Proposal], history: Any) -> list[Proposal]:
    random.random()
    return found


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (forgetful, "was asked for before"),
        (meddling, "changed the history"),
        (from_the_clock, "another answer after the journal was read back"),
        (from_numpys_own, r"changed the state of numpy\.random"),
        (from_pythons_own, "changed the state of random"),
        (lambda found, _history: found * 2, "proposals where|was asked for before"),
        (lambda found, _history: [], "nothing is proposed"),
        (each(fidelity="best"), "fidelity 'best' is none of"),
        (each(design="steel"), "'steel' is no Drawn"),
        (each(purpose="fun"), "purpose 'fun'"),
        (each(why="because"), "no sentence"),
        (each(numbers={"odds": float("nan")}), "odds = nan"),
        (each(predicted={"y0": (0.0, 1.0, 2.0)}), "y0 is predicted as 1.0 <= 0.0 <= 2.0"),
        (each(predicted={"y0": (0.0, 0.0, float("inf"))}), "y0 is predicted as 0.0 <= 0.0 <= inf"),
        (each(predicted={"stress": (0.0, 0.0, 0.0)}), "'stress' is predicted and no goal"),
        (each(gain=-1.0), "gain -1.0"),
    ],
)
def test_a_broken_law_is_found_and_named(fault: Callable[[list[Proposal], Any], list[Proposal]], says: str):
    wrong: Strategy = Wrong(fault)

    @settings(max_examples=40, derandomize=True, database=None, phases=[Phase.generate])
    @given(case=cases())
    def some_case_shows_it(case: Case) -> None:
        check_strategy(wrong, case)

    with pytest.raises(AssertionError, match=says):
        some_case_shows_it()
