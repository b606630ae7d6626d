"""Once the surrogate sees nothing left to gain, a warier one says where to look."""

from __future__ import annotations

from itertools import pairwise

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
    """A bowl of each kind."""
    return Height(y=(place.x - 0.4) ** 2 + DEPTHS[place.kind])


BOWLS = Problem(name="t/bowls", version="1", question="Where?", design=Place, outcome=Height, simulate=height)
KNOWN = [Place(x=x, kind="a") for x in (0.0, 0.2, 0.3, 0.38, 0.4, 0.42, 0.5, 0.7, 1.0)] + [
    Place(x=x, kind=k) for k in "bcd" for x in (0.1, 0.4, 0.7)
]


def searched(known: list[Place]) -> Search:
    run = Run(BOWLS).filled(known)
    with calmly(0):
        return Search(run.task, Evidence(run.task, run.history), 0, ladder=(BOWLS.top.name,), parts=True, theory=True)


def test_warier_surrogates_keep_the_answers_and_are_ever_less_sure_elsewhere():
    search = searched(KNOWN)
    points = torch.from_numpy(BOWLS.space.encode([Place(x=float(x), kind=k) for k in "bcd" for x in np.linspace(0, 1, 7)]))
    with torch.no_grad():
        doubts = [float(search.model.posterior(points.unsqueeze(1)).variance.mean())]
    for factor in (0.5, 0.25, 0.125):
        doubted = wary(search.model, factor)
        torch.testing.assert_close(doubted.mean(search.known), search.model.mean(search.known), atol=0.02, rtol=0.0)
        with torch.no_grad():
            doubts.append(float(doubted.posterior(points.unsqueeze(1)).variance.mean()))
    assert all(before < after for before, after in pairwise(doubts))


def test_only_a_gain_of_next_to_nothing_settles_a_search():
    search = searched(KNOWN)
    values = [height(one).y for one in KNOWN]
    spread = max(values) - min(values)
    assert search._settled(0.0009 * spread)
    assert not search._settled(0.0011 * spread)
    assert not search._settled(None)  # nothing keeps the limits yet


def test_where_the_fit_is_settled_a_warier_one_is_asked(monkeypatch: pytest.MonkeyPatch):
    said = iter([True, True, False])  # by the fit, by the first of the wary, by the second
    monkeypatch.setattr(Search, "_settled", lambda _self, _gain: next(said))
    with calmly(0):
        (proposal,) = searched(KNOWN).propose(1)
    assert proposal.why == _ELSEWHERE
    assert proposal.design not in KNOWN
    low, high = proposal.predicted["y"][1:]
    assert low <= proposal.predicted["y"][0] <= high


def test_where_nobody_sees_a_gain_the_fit_decides(monkeypatch: pytest.MonkeyPatch):
    with calmly(0):
        (before,) = searched(KNOWN).propose(1)
    monkeypatch.setattr(Search, "_settled", lambda _self, _gain: True)
    with calmly(0):
        (proposal,) = searched(KNOWN).propose(1)
    assert proposal.design == before.design
    assert proposal.why == before.why
