"""How surely strategies find a known optimum: counted over seeds, at their full number of steps."""

from __future__ import annotations

import pytest

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
