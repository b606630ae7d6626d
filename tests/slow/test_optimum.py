"""How surely strategies find a known optimum: counted over seeds, at their full number of steps."""

from __future__ import annotations

from itertools import pairwise

import pytest

from dure.campaign import Loop
from dure.problem import Problem, design, minimise, outcome, real
from dure.strategy import strategy
from tests.fast.squares import LADDER, OPTIMUM, Run, square

SEEDS = range(3)


def found(name: str, runs: float, seed: int, **changed: object) -> float:
    """The best feasible objective relative to the optimum, after ``runs`` runs; a cheap rung counts its share."""
    run = Run(square(**changed))
    spent = 0.0
    while spent < runs - 1e-9:
        for proposal in run.go(strategy(name), 1, seed=seed):
            spent += run.problem.rung(proposal.fidelity).cost
    return (run.best() or float("inf")) / OPTIMUM


@pytest.mark.parametrize("seed", SEEDS)
def test_parts_alone_lead_to_the_optimum_within_two_percent_in_twenty_runs(seed: int):
    assert found("structured", 20, seed) <= 1.02


@pytest.mark.parametrize("seed", SEEDS)
def test_with_a_cheap_rung_too(seed: int):
    assert found("structured", 20, seed, fidelities=LADDER) <= 1.02


def test_the_black_box_gets_there_and_random_search_does_not():
    assert sum(found("blackbox", 20, seed) <= 1.05 for seed in SEEDS) >= 2
    assert sum(found("random", 20, seed) <= 1.02 for seed in SEEDS) <= 1


@design
class Where:
    x: float = real(0, 1)


@outcome
class Pulled:
    left: float = minimise()
    right: float = minimise()


def test_of_two_objectives_the_whole_front_is_found():
    loop = Loop(Problem(name="test/pulled", version="1", question="Where between the two?", design=Where, outcome=Pulled))
    for _round in range(14):
        for wish in loop.ask():
            loop.tell(wish, {"left": (wish.design.x - 0.2) ** 2, "right": (wish.design.x - 0.8) ** 2})
    front = sorted(one.x for one in loop.front())
    # Closed form: everything from 0.2 to 0.8 and nothing else is undominated.
    assert len(front) >= 8
    assert front[0] == pytest.approx(0.2, abs=0.06)
    assert front[-1] == pytest.approx(0.8, abs=0.06)
    assert max(high - low for low, high in pairwise(front)) < 0.2
