"""Where an author wants many good designs, a gain is one over the last of them, and the search stays where they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from botorch.acquisition.objective import LinearMCObjective
from botorch.models import SingleTaskGP
from botorch.sampling import SobolQMCNormalSampler

from dure.campaign import Loop
from dure.errors import ProblemError
from dure.problem import Noise, Problem, at_most, design, maximise, outcome, real
from dure.strategy import Evidence, Task
from dure.strategy.acquisition import LogGainOfAList
from tests.fast.squares import Run


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
    """One hill, whose top is at 0.7."""
    return {"height": float(np.exp(-(((one.x - 0.7) / 0.15) ** 2))), "depth": one.x}


def hills(**changed: Any) -> Problem:
    told: dict[str, Any] = {"name": "toy/hill", "version": "1", "question": "?", "design": Place, "outcome": Height}
    return Problem(**told | {"simulate": height, "candidates": LIST} | changed)


@design
class Spot:
    x: float = real(0.0, 1.0)
    y: float = real(0.0, 1.0)


@outcome
class Read:
    read: float = maximise()


SPOTS = tuple(Spot(x=float(x), y=float(y)) for x in np.linspace(0, 1, 13).round(3) for y in np.linspace(0, 1, 13).round(3))
NOISE = dict(zip(SPOTS, np.random.default_rng(0).normal(scale=0.1, size=len(SPOTS)), strict=True))


def read(one: Any) -> dict[str, float]:
    """A table mountain that is measured once, with noise."""
    slope = 1.6 * np.exp(-((one.x - 0.7) ** 2 + (one.y - 0.3) ** 2) / 0.08)
    return {"read": float(min(1.0, slope)) + NOISE[one]}


def test_more_of_the_best_are_found_where_many_are_wanted():
    best = set(sorted(SPOTS, key=lambda one: -read(one)["read"])[:20])
    found = {}
    for wanted in (1, 20):
        told: dict[str, Any] = {"design": Spot, "outcome": Read, "simulate": read, "candidates": SPOTS, "short_list": wanted}
        loop = Loop(Problem(name="toy/mountain", version="1", question="?", **told), seed=0)
        for _run in range(26):
            (wish,) = loop.ask()
            loop.tell(wish, read(wish.design))
        found[wanted] = sum(Spot(**state.trial["design"]) in best for state in loop.history.trials.values())
    assert found[20] > 1.3 * found[1]


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


@pytest.mark.parametrize("count", [2, 3])
def test_a_design_adds_to_a_list_what_it_gains_over_the_last_with_those_under_way_in_it(count: int):
    x = torch.linspace(0, 1, 6).double()[:, None]
    model = SingleTaskGP(x, (6 * x).sin())
    best = torch.tensor([0.9, 0.5, 0.2]).double()[:count]
    at, under_way = torch.tensor([[0.27], [0.5], [0.95]]).double(), torch.tensor([[0.25], [0.6]]).double()
    sampler = SobolQMCNormalSampler(torch.Size([4096]), seed=1)
    gain = LogGainOfAList(best, model=model, sampler=sampler, X_pending=under_way)
    with torch.no_grad():
        said = gain(at.unsqueeze(-2)).exp()
        for row, expected in zip(at, said, strict=True):
            drawn = model.posterior(torch.cat([row[None], under_way])).rsample(torch.Size([200_000])).squeeze(-1).numpy()
            lists = np.sort(np.concatenate([np.tile(best.numpy(), (len(drawn), 1)), drawn[:, 1:]], 1), 1)[:, ::-1]
            added = np.clip(drawn[:, 0] - lists[:, count - 1], 0, None)
            error = 5 * added.std() / len(added) ** 0.5 + 0.01 * added.mean() + 1e-9
            assert float(expected) == pytest.approx(added.mean(), abs=error)


def test_what_breaks_a_limit_takes_no_place_in_a_list():
    x = torch.linspace(0, 1, 6).double()[:, None]
    model = SingleTaskGP(x, torch.cat([3 * x, x], -1))
    sampler = SobolQMCNormalSampler(torch.Size([256]), seed=1)
    about: dict[str, Any] = {
        "model": model,
        "sampler": sampler,
        "objective": LinearMCObjective(torch.tensor([1.0, 0.0]).double()),
        "constraints": [lambda said: said[..., 1] - 0.6],
    }
    best, at = torch.tensor([1.7, 1.5]).double(), torch.tensor([[[0.56]]]).double()
    with torch.no_grad():
        alone = float(LogGainOfAList(best, **about)(at))
        beside_broken = float(LogGainOfAList(best, X_pending=torch.tensor([[0.95], [0.9]]).double(), **about)(at))
        beside_good = float(LogGainOfAList(best, X_pending=torch.tensor([[0.57], [0.58]]).double(), **about)(at))
    assert beside_broken == pytest.approx(alone, abs=0.05)
    assert beside_good < alone - 1


def test_the_reason_says_over_which_design_it_gains():
    loop = Loop(hills(short_list=3), seed=1)
    for one in LIST[::20]:
        loop.tell(one, height(one))
    (wish,) = loop.ask()
    assert "over the last of the best 3" in wish.why
    alone = Loop(hills(), seed=1)
    for one in LIST[::20]:
        alone.tell(one, height(one))
    gains = [one.history.trials[asked.trial.key].gain for one, asked in ((loop, wish), (alone, alone.ask()[0]))]
    assert gains[0] > 2 * gains[1] > 0


def test_a_design_stands_in_the_list_once_however_often_it_was_answered():
    run = Run(hills(short_list=2, candidates=(), noise=Noise("unknown")))
    for seed, (x, value) in enumerate(((0.7, 1.0), (0.7, 0.99), (0.7, 0.98), (0.3, 0.4), (0.2, 0.1))):
        trial = run.problem.trial(Place(x=x), run.task.setting, seed=seed)
        run.add("asked", {"key": trial.key, "trial": trial.plain(), "purpose": "search"})
        run.add("started", {"key": trial.key, "attempt": 1})
        run.add("told", {"key": trial.key, "outcome": {"height": value, "depth": x}})
    task = Task(run.problem, run.task.setting, run.problem.goals)
    last = Evidence(task, run.history).listed("full")
    assert last is not None
    assert last[1]["height"] == 0.4


def test_plans_made_before_lists_could_be_wanted_are_of_the_same_problem():
    assert "short_list" not in hills().describe()
    assert hills(short_list=3).describe()["short_list"] == 3


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "many"])
def test_what_is_no_number_of_designs_is_refused(wrong: Any):
    with pytest.raises(ProblemError, match=r"short_list is .* whole number of at least 1"):
        hills(short_list=wrong)


def test_several_objectives_end_in_a_front_and_not_in_a_list():
    with pytest.raises(ProblemError, match="short_list is 4, and several objectives end in a front"):
        hills(short_list=4, outcome=Both, simulate=None)
