"""A campaign with a past opens with the best designs of past tasks, and says of them only what is true."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed; make setup installs it")

import torch
from torch import Tensor

from dure.campaign import Loop
from dure.models.prior import FamilyPrior, Names, Network
from dure.problem import Fidelity, Problem, choice, design, maximise, outcome, real
from dure.strategy import strategy
from dure.strategy.informed import Informed

METALS = tuple(f"m{number}" for number in range(40))


@design
class Alloy:
    metal: str = choice(*METALS)


@design
class Place:
    x: float = real(0.0, 1.0)
    y: float = real(0.0, 1.0)


@outcome
class Read:
    read: float = maximise()


def problem(made: Any, candidates: tuple[Any, ...] = (), **more: Any) -> Problem:
    return Problem(
        name="toy/past",
        version="1",
        question="?",
        design=made,
        outcome=Read,
        candidates=candidates,
        simulate=lambda _one: {"read": 0.0},
        **more,
    )


def asked(of: Problem, best: Tensor, names: Names = (), helped: float = 0.5) -> list[tuple[Any, str]]:
    """The first twelve wishes with a past that knows nothing but its best designs, of use to a share of its left-out tasks."""
    ones = torch.ones(1, dtype=torch.double)
    numbers = {
        "centre": torch.zeros(1, 2).double(),
        "directions": torch.ones(1, 2, 1).double(),
        "share": 0.5 * ones,
        "doubt": ones,
    }
    nothing = torch.zeros(0, dtype=torch.double)
    prior = FamilyPrior(
        Network(best.shape[-1], names, 0, 2),
        **numbers,
        shift=nothing,
        unit=nothing,
        best=best,
        rate=nothing,
        helped=helped * ones,
    )
    plain: Any = strategy("structured")
    loop = Loop(of, strategy=Informed(plain, prior, "past"), seed=0)
    return [(wish.design, wish.why) for _round in range(12) for wish in loop.ask()]


def test_best_designs_come_first_and_once():
    best = torch.tensor([[0.25, 0.5], [0.75, 0.125]]).double()
    wishes = asked(problem(Place), best)
    known = [one for one, why in wishes if why == "The best design of a past task of the family."]
    assert sorted((one.x, one.y) for one in known) == [(0.25, 0.5), (0.75, 0.125)]


STARTS = tuple(Place(x=place, y=0.9) for place in (0.2, 0.4, 0.6, 0.8))
BEST = torch.tensor([[0.25, 0.5], [0.75, 0.125], [0.5, 0.375]]).double()


def whys(helped: float, *rungs: Fidelity) -> list[str]:
    return [why for _one, why in asked(problem(Place, starts=STARTS, fidelities=rungs), BEST, helped=helped)]


def test_a_past_that_helped_does_not_wait_for_dear_starts():
    first = whys(0.95, Fidelity("full"))[:3]
    assert first == ["The best design of a past task of the family."] * 3
    assert whys(0.03, Fidelity("full"))[:4] == ["A textbook start given by the problem's author."] * 4


def test_cheap_starts_come_first_whatever_the_past():
    assert whys(0.95, Fidelity("rough", 0.1), Fidelity("full"))[:4] == ["A textbook start given by the problem's author."] * 4


def test_in_a_list_of_numbers_the_nearest_is_meant_and_said_so():
    grid = tuple(Place(x=x / 10, y=y / 10) for x in range(11) for y in range(11))
    wishes = asked(problem(Place, grid), torch.tensor([[0.28, 0.51], [0.6, 0.2]]).double())
    said = {why: one for one, why in wishes if "past task" in why}
    assert said == {
        "Of the list what comes nearest to the best design of a past task of the family.": Place(x=0.3, y=0.5),
        "The best design of a past task of the family.": Place(x=0.6, y=0.2),
    }


def test_a_name_that_the_list_lacks_is_passed_over():
    there = tuple(Alloy(metal=name) for name in METALS if name != "m10")
    names = [((0,), torch.eye(len(METALS), dtype=torch.double))]
    wishes = asked(problem(Alloy, there), torch.tensor([[10.5 / 40], [20.5 / 40]]).double(), names)
    assert [one.metal for one, why in wishes if "past task" in why] == ["m20"]
