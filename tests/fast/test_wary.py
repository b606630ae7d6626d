"""Once the surrogate sees nothing left to gain, a warier one says where to look."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dure.problem import Problem, choice, design, minimise, outcome, real
from dure.strategy import Evidence
from dure.strategy.search import _ELSEWHERE, Search
from dure.strategy.structured import calmly
from dure.surrogate import wary
from tests.fast.squares import Run

pytestmark = pytest.mark.needs("botorch")


@design
class Place:
    x: float = real(0.0, 1.0)
    kind: str = choice("a", "b", "c", "d")


@outcome
class Height:
    y: float = minimise(unit="m")


DEPTHS = {"a": 0.0, "b": 0.5, "c": 0.4, "d": 0.6}


def height(place: Place) -> Height:
    """A bowl of each kind; that of d has a deep hole besides, where nobody has looked."""
    hole = 3.0 * float(place.kind == "d" and abs(place.x - 0.85) < 0.1)
    return Height(y=(place.x - 0.4) ** 2 + DEPTHS[place.kind] - hole)


BOWLS = Problem(name="t/bowls", version="1", question="Where?", design=Place, outcome=Height, simulate=height)
KNOWN = [Place(x=x, kind="a") for x in (0.0, 0.2, 0.3, 0.38, 0.4, 0.42, 0.5, 0.7, 1.0)] + [
    Place(x=x, kind=k) for k in "bcd" for x in (0.1, 0.4, 0.7)
]


def searched(known: list[Place]) -> Search:
    run = Run(BOWLS).filled(known)
    with calmly(0):
        return Search(run.task, Evidence(run.task, run.history), 0, ladder=(BOWLS.top.name,), parts=True, theory=True)


@pytest.mark.parametrize("factor", [1.0, 0.5, 0.25])
def test_a_warier_surrogate_keeps_the_answers_and_is_less_sure_elsewhere(factor: float):
    search = searched(KNOWN)
    doubted = wary(search.model, factor)
    torch.testing.assert_close(doubted.mean(search.known), search.model.mean(search.known), atol=0.02, rtol=0.0)
    points = torch.from_numpy(BOWLS.space.encode([Place(x=float(x), kind=k) for k in "bcd" for x in np.linspace(0, 1, 7)]))
    with torch.no_grad():
        before, after = (model.posterior(points.unsqueeze(1)).variance.mean() for model in (search.model, doubted))
    assert after > before


def test_what_is_settled_is_left_for_where_the_truth_may_be_rougher():
    with calmly(0):
        (proposal,) = searched(KNOWN).propose(1)
    assert proposal.why == _ELSEWHERE
    assert proposal.design.kind != "a" or abs(proposal.design.x - 0.4) > 0.05
    assert proposal.gain is not None
    assert proposal.gain < 0.001


def test_while_there_is_something_to_gain_nothing_changes():
    with calmly(0):
        (proposal,) = searched([one for one in KNOWN if not 0.25 < one.x < 0.65]).propose(1)
    assert proposal.why != _ELSEWHERE
