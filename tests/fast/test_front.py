"""Several objectives: the front is what the definition says, its knee wins, and one objective is the case it always was."""

from __future__ import annotations

import json
import math
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.campaign import Budget, Campaign, Loop, conclude, make_plan, task_of
from dure.campaign.course import stop_reason
from dure.campaign.front import best_first, coverage, undominated
from dure.campaign.leaders import front_of, ranked
from dure.journal import Journal
from dure.problem import find
from dure.report import summary, verify, write_report
from dure.report.verifying import _conclusions
from dure.strategy import Proposal
from tests.fast.report_campaigns import Here
from tests.fast.squares import Run, square
from tests.fast.tank_of_two import HERE

NUMBERS = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e9, 1e9))
"""Small whole numbers make ties and equal rows."""


@st.composite
def tables(draw: st.DrawFn, columns: int | None = None) -> np.ndarray[Any, Any]:
    wide = columns or draw(st.integers(1, 3))
    rows = draw(st.lists(st.lists(NUMBERS, min_size=wide, max_size=wide), min_size=1, max_size=25))
    return np.array(rows, dtype=float)


def dominates(one: Any, other: Any) -> bool:
    """The definition (Miettinen, Nonlinear Multiobjective Optimization, 1999, 2.2.1): nowhere worse, somewhere better."""
    return all(a <= b for a, b in zip(one, other, strict=True)) and any(a < b for a, b in zip(one, other, strict=True))


# ------------------------------------------------------------------------------------------------------- costs
@given(tables())
def test_the_front_is_what_nothing_dominates(costs: np.ndarray[Any, Any]):
    free = [row for row in range(len(costs)) if not any(dominates(other, costs[row]) for other in costs)]
    front = undominated(costs)
    assert sorted(front) == free
    assert [costs[row][0] for row in front] == sorted(costs[row][0] for row in free)


@pytest.mark.needs("botorch")
@given(tables(columns=2))
def test_a_search_measures_from_beyond_all_that_is_known(costs: np.ndarray[Any, Any]):
    import torch

    from dure.strategy.acquisition import _reference

    reference = _reference(torch.from_numpy(-costs)).numpy()
    worst, span = -costs.max(0), np.ptp(costs, axis=0)
    assert (reference < worst).all()
    np.testing.assert_allclose(worst - reference, 0.1 * np.where(span > 0, span, 1.0), rtol=1e-6, atol=1e-6)


@pytest.mark.needs("botorch")
@given(tables())
def test_botorch_finds_the_same_front(costs: np.ndarray[Any, Any]):
    import torch
    from botorch.utils.multi_objective.pareto import is_non_dominated

    assert (
        sorted(undominated(costs)) == is_non_dominated(torch.from_numpy(-costs), deduplicate=False).nonzero().flatten().tolist()
    )


@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing(costs: np.ndarray[Any, Any], chance: Any):
    rows = list(range(len(costs)))
    chance.shuffle(rows)
    mixed = costs[rows]
    assert mixed[best_first(mixed)].tolist() == costs[best_first(costs)].tolist()
    assert mixed[undominated(mixed)].tolist() == costs[undominated(costs)].tolist()


@given(tables())
def test_a_dominated_row_comes_after_the_whole_front(costs: np.ndarray[Any, Any]):
    order, front = best_first(costs), undominated(costs)
    assert sorted(order) == list(range(len(costs)))
    assert set(order[: len(front)]) == set(front)


@given(tables(columns=1))
def test_with_one_objective_the_order_is_that_of_its_values(costs: np.ndarray[Any, Any]):
    assert best_first(costs) == np.argsort(costs[:, 0], kind="stable").tolist()


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_knee_is_balanced_however_the_front_is_curved(power: float):
    # On x^p + y^p = 1 the member whose worse cost is least has x = y, by symmetry; the grid is 0.05 wide.
    x = np.linspace(0.0, 1.0, 21)
    costs = np.stack([x, (1 - x**power) ** (1 / power)], axis=1)
    assert costs[best_first(costs)[0]] == pytest.approx(2 ** (-1 / power), abs=0.05)


def test_two_ends_cover_what_two_rectangles_do():
    # Reference a tenth beyond: (1.1, 1.1). Two strips 1.1 by 0.1 that share a square 0.1 by 0.1, of a box 1.1 by 1.1.
    reference, covered = coverage(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert reference.tolist() == [1.1, 1.1]
    assert covered(np.array([[0.0, 1.0], [1.0, 0.0]])) == pytest.approx((2 * 0.11 - 0.01) / 1.21, rel=1e-8)
    assert covered(np.empty((0, 2))) == 0.0


@given(tables(columns=2), st.tuples(NUMBERS, NUMBERS))
def test_what_is_covered_grows_with_the_front_alone(costs: np.ndarray[Any, Any], more: tuple[float, float]):
    _reference, covered = coverage(costs)
    front = costs[undominated(costs)]
    assert covered(costs) == covered(front)  # what is dominated adds nothing
    assert 0.0 <= covered(front[:1]) <= covered(front) <= 1.0
    assert covered(np.vstack([front, more])) >= covered(front)


# ---------------------------------------------------------------------------------------------------- campaigns
def tank(folder: Path, *, runs: int = 12, **changed: Any) -> Campaign:
    plan = make_plan(str(HERE), strategy_name="sobol", budget=Budget(runs=runs), **changed)
    executor: Executor = Here()
    with Campaign.begin(folder, plan) as campaign:
        campaign.run(executor=executor)
    return campaign


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Campaign]:
    folder = tmp_path_factory.mktemp("tank") / "run"
    return folder, tank(folder)


@pytest.mark.needs("botorch", "matplotlib")
@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_campaign_of_two_objectives_ends_in_a_report_that_verifies(finished: tuple[Path, Campaign], language: str):
    folder, campaign = finished
    write_report(folder, language=language)
    verify(folder)
    ends = campaign.history.conclusion or {}
    told = {state.key: campaign.task.goal_values(state.outcome) for state in campaign.history.trials.values() if state.outcome}
    top = [
        key
        for key, values in told.items()
        if campaign.task.asks(campaign.history.trials[key].trial)
        and values["tall"] <= 3.0
        and not campaign.history.is_control(campaign.history.trials[key])
    ]
    pairs = {key: (told[key]["cost"], -told[key]["volume"]) for key in top}
    assert set(ends["front"]) == {key for key in top if not any(dominates(pairs[other], pairs[key]) for other in top)}
    assert ends["winner"] in ends["front"]
    assert set(ends["checks"]) == {"dearer steel"}
    claims = {one["id"]: one["value"] for one in json.loads((folder / "claims.json").read_text())["claims"]}
    assert claims["front.members"] == len(ends["front"])
    assert [claims[f"front.{place}.goal.cost"] for place in range(1, len(ends["front"]) + 1)] == sorted(
        pairs[key][0] for key in ends["front"]
    )
    assert 0 < claims["hypervolume.starts"] < claims["hypervolume.front"] < 1


@pytest.mark.needs("botorch")
def test_the_summary_lists_the_front(finished: tuple[Path, Campaign]):
    _folder, campaign = finished
    plain = summary(campaign.history, campaign.task)
    assert [one["trial"] for one in plain["front"]] == (campaign.history.conclusion or {})["front"]
    for one in plain["front"]:
        radius, height = one["design"]["radius"], one["design"]["height"]
        assert one["goals"]["volume"] == pytest.approx(math.pi * radius**2 * height)
        assert one["margins"]["tall"] == pytest.approx(3.0 - height / (2 * radius))


@pytest.mark.needs("botorch")
def test_a_front_that_was_shortened_is_found(finished: tuple[Path, Campaign], tmp_path: Path):

    folder, campaign = finished
    with Journal.open(folder, write=False) as journal:
        events = list(journal.events())
    assert _conclusions(events, campaign.problem) == []
    ended = next(event for event in events if event.kind == "concluded")
    ended.payload["front"].pop()
    assert len(_conclusions(events, campaign.problem)) == 1
    assert conclude(campaign.history, task_of(campaign.history, campaign.problem)) == campaign.history.conclusion


def test_a_textbook_start_that_is_the_knee_is_nothing_better():
    run = Run(find(str(HERE)))
    run.history.plan.update(seed=0, checks=[], stopping={"tolerance": 1e-3})
    small, large = (run.problem.design(radius=radius, height=2 * radius) for radius in (0.3, 1.2))
    run.filled([*run.problem.starts, small, large])
    # From school geometry: of the front's ranges the start of radius 1 is 43 % up in cost and 72 % down in volume, the other
    # start 30 and 83 %, and the two others mark the ends.
    ends = conclude(run.history, run.task)
    assert run.history.trials[ends["winner"]].trial["design"] == {"radius": 1.0, "height": 1.0}
    assert (ends["verdict"], ends["because"]) == ("inconclusive", "nothing better than the textbook start was found")


def test_ask_and_tell_gives_the_front_too():
    loop = Loop(find(str(HERE)), strategy="sobol")
    assert loop.front() == []
    designs = [loop.task.problem.design(radius=radius, height=2 * radius) for radius in (1.9, 0.2, 1.0)]
    for design in (*designs, loop.task.problem.design(radius=1.0, height=0.5)):
        loop.tell(design, loop.task.problem.answer(design, loop.task.setting, fidelity="full", seed=0).outcome)
    small, middle, large = designs[1], designs[2], designs[0]
    squat = loop.task.problem.design(radius=1.0, height=0.5)
    # The squat tank needs less steel than the middle one and holds more than the small one.
    assert loop.front() == [small, squat, middle, large]


@pytest.mark.parametrize(("share", "reason"), [(0.0009, "tolerance"), (0.0011, None)])
def test_the_stopping_rule_reads_the_gain_as_a_share_of_the_front(share: float, reason: str | None):
    run = Run(find(str(HERE)))
    run.history.plan.update(budget={"runs": 99, "cpu_seconds": None}, stopping={"tolerance": 1e-3})
    for radius in (0.5, 0.6, 0.7):
        run.answered(Proposal(run.problem.design(radius=radius, height=1.0), "full", "search", "", gain=share))
    assert stop_reason(run.history, run.task) == reason


def test_one_objective_has_a_front_of_one():
    run = Run(square())
    for x in (0.1, 0.3, 0.5):
        run.answered(Proposal(run.problem.design(x=x, y=0.2), "full", "search", ""))
    assert front_of(run.history, run.task) == ranked(run.history, run.task)[:1]


@pytest.mark.needs("botorch", "matplotlib")
def test_three_objectives_are_drawn_two_at_a_time_and_say_so(tmp_path: Path):
    # The toy's limit made a third objective
    text = HERE.read_text().replace("at_most(3.0, help", "minimise(help").replace('name="toy/tank"', 'name="toy/tank-of-three"')
    (tmp_path / "three.py").write_text(text)
    folder = tmp_path / "run"
    with Campaign.begin(folder, make_plan(str(tmp_path / "three.py"), strategy_name="sobol", budget=Budget(runs=6))) as campaign:
        ends = campaign.run(executor=Here())
    write_report(folder, language="en")
    verify(folder)
    assert len(ends["front"]) > 1
    assert "height over diameter</span> is left out of it" in (folder / "report.html").read_text()
