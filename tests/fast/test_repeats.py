"""Noise: leaders are chosen by one set of repeats, the winner is measured by another, and the verdict asks how sure that is."""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from dure.campaign import Budget, Campaign, conclude, make_plan
from dure.campaign.course import next_step
from dure.campaign.leaders import leading
from dure.campaign.repeats import chosen, estimate, repeats
from dure.errors import PlanError
from dure.journal import TrialState
from dure.problem import find
from dure.report import summary, verify, write_report
from dure.strategy import Sampling
from tests.fast.noisy_bowl import HERE
from tests.fast.report_campaigns import BEAM, Here
from tests.fast.squares import Run

TEXTBOOK = (0.9, 0.9)
REPLICATION = {"replicates": 3, "leaders": 2, "confidence": 0.95}


def test_the_interval_is_students():
    # Mean 3, standard error sqrt(2.5 / 5); t(0.975; 4) = 2.776 and t(0.95; 4) = 2.132 (NIST/SEMATECH e-Handbook, 1.3.6.7.2)
    known = estimate([1.0, 2.0, 3.0, 4.0, 5.0], 0.95)
    assert known.mean == 3.0
    assert known.half == pytest.approx(2.776 * math.sqrt(0.5), rel=2e-4)
    assert known.reach == pytest.approx(2.132 * math.sqrt(0.5), rel=2e-4)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=9), st.floats(0.5, 0.999))
def test_one_side_is_surer_than_two(values: list[float], confidence: float):
    known = estimate(values, confidence)
    assert 0.0 <= known.reach <= known.half


@pytest.mark.parametrize(("problem", "count"), [(HERE, 1), (HERE, -1), (BEAM, 3)])
def test_repeats_that_say_nothing_are_refused(problem: Path, count: int):
    with pytest.raises(PlanError, match=f"replicates is {count}"):
        make_plan(str(problem), strategy_name="sobol", replicates=count)


def test_only_noise_is_repeated():
    assert "replication" not in make_plan(str(BEAM), strategy_name="sobol")
    assert make_plan(str(HERE), strategy_name="sobol")["replication"]["replicates"] == 5


# -------------------------------------------------------------------------------------------------- the verdict
class Told(Run):
    """A campaign in memory whose noisy answers are given; heights and slacks by design, in the order of its repeats."""

    def __init__(self, **plan: Any) -> None:
        super().__init__(find(str(HERE)))
        self.history.plan.update(seed=0, checks=[], stopping={"tolerance": 1e-3}, replication=REPLICATION, **plan)

    def leader(self, x: float, height: float, slack: float = 1.0, y: float = 0.0) -> TrialState:
        trial = self.problem.trial(self.problem.design(x=x, y=y), self.task.setting)
        self.tell(trial, "search", height, slack)
        return self.history.trials[trial.key]

    def repeated(self, state: TrialState, heights: list[float], slacks: list[float] | None = None, *, fresh: bool) -> None:
        trials = repeats(self.history, self.task, state, fresh=fresh)
        for trial, height, slack in zip(trials, heights, slacks or [1.0, 1.1, 0.9], strict=False):
            self.tell(trial, "replicate", height, slack)

    def tell(self, trial: Any, purpose: str, height: float, slack: float) -> None:
        self.add("asked", {"key": trial.key, "trial": trial.plain(), "purpose": purpose})
        self.add("told", {"key": trial.key, "outcome": {"height": height, "slack": slack}})

    def verdict(self) -> tuple[str, str]:
        ends = conclude(self.history, self.task)
        return ends["verdict"], ends["because"]


def test_the_best_mean_wins_and_not_the_luckiest_run():
    run = Told()
    lucky, steady = run.leader(0.1, height=-9.0), run.leader(0.2, height=-3.0)
    run.repeated(lucky, [-1.0, -1.1, -0.9], fresh=False)
    run.repeated(steady, [-2.0, -2.1, -1.9], fresh=False)
    assert chosen(run.history, run.task, leading(run.history, run.task)[1]) == steady


def test_a_leader_that_keeps_its_limits_surely_goes_before_a_better_one_that_does_not():
    run = Told()
    near, sure = run.leader(0.1, height=-3.0), run.leader(0.2, height=-2.0)
    run.repeated(near, [-3.0, -3.1, -2.9], [0.5, 0.1, -0.3], fresh=False)  # 0.1 in the mean, and far from sure
    run.repeated(sure, [-2.0, -2.1, -1.9], fresh=False)
    assert chosen(run.history, run.task, leading(run.history, run.task)[1]) == sure


@pytest.mark.parametrize(
    ("heights", "slacks", "verdict", "because"),
    [
        ([-2.0, -2.1, -1.9], [1.0, 1.1, 0.9], "supported", "all limits and required checks hold"),
        ([-2.0, -2.1, -1.9], [0.5, 0.1, -0.3], "inconclusive", "the winner's repeats leave open whether every limit is kept"),
        ([-2.0, -2.1, -1.9], [0.3, -0.1, -0.5], "refuted", "the mean of the winner's repeats breaks a limit"),
        ([-2.0, -2.1], [1.0, 1.1], "inconclusive", "a repeat of the winner gave no answer"),
        ([], [], "inconclusive", "the simulator is noisy and the winner was not repeated"),
        (
            [1.0, -2.0, 0.5],
            [1.0, 1.1, 0.9],
            "inconclusive",
            "the repeats do not show the winner to be better than the textbook start",
        ),
        ([1.0, 1.1, 0.9], [1.0, 1.1, 0.9], "inconclusive", "nothing better than the textbook start was found"),
    ],
)
def test_the_verdict_rests_on_fresh_repeats_alone(heights: list[float], slacks: list[float], verdict: str, because: str):
    run = Told()
    winner, start = run.leader(0.1, height=-9.0), run.leader(TEXTBOOK[0], height=0.5, y=TEXTBOOK[1])
    run.repeated(winner, [-5.0, -5.1, -4.9], fresh=False)
    run.repeated(winner, heights, slacks, fresh=True)
    run.repeated(start, [0.5, 0.6, 0.4], fresh=True)
    assert run.verdict() == (verdict, because)


def test_where_no_leader_keeps_a_limit_surely_it_is_tightened():
    run = Told()
    run.leader(TEXTBOOK[0], height=0.5, y=TEXTBOOK[1], slack=-1.0)
    run.repeated(run.leader(0.1, height=-9.0), [-5.0, -5.1, -4.9], [0.5, 0.1, -0.3], fresh=False)
    run.add("decided", {"stage": "search", "because": "budget"})
    event = next_step(run.history, run.task, Sampling("random"), 1).event
    # Mean 0.1 and deviation 0.4, so the sure margin is 0.1 - 2.920 * 0.4 / sqrt(3) (t table as above); the lucky run had 1.0.
    missed = 2.920 * 0.4 / math.sqrt(3) - 0.1
    assert event is not None
    assert event[0] == "guarded"
    assert event[1]["guard"] == {"slack": pytest.approx(1.0 + 1.25 * missed, rel=1e-3)}


def test_noise_shared_by_both_designs_does_not_hide_a_gain():
    # A seed moves both by up to 10, their difference by 0.1: paired by seed the gain of 1 is sure, apart it would not be.
    run = Told()
    winner, start = run.leader(0.1, height=-9.0), run.leader(TEXTBOOK[0], height=0.5, y=TEXTBOOK[1])
    run.repeated(winner, [0.0, 10.05, -9.95], fresh=True)
    run.repeated(start, [1.0, 11.0, -9.0], fresh=True)
    assert run.verdict()[0] == "supported"


def test_plans_from_before_repeats_conclude_as_they_did():
    run = Told()
    del run.history.plan["replication"]
    run.leader(0.1, height=-1.0)
    ends = conclude(run.history, run.task)
    assert ends["because"] == "the simulator is noisy and the winner was not repeated"
    assert "repeats" not in ends


# ---------------------------------------------------------------------------------------------------- campaigns
def bowl(folder: Path, **changed: Any) -> Campaign:
    plan = make_plan(str(HERE), strategy_name="random", budget=Budget(runs=10), **changed)
    with Campaign.begin(folder, plan) as campaign:
        campaign.run(executor=Here())
    return campaign


@pytest.mark.needs("matplotlib")
@pytest.mark.parametrize("language", ["en", "ko"])
def test_mean_interval_and_sure_margin_are_those_of_the_fresh_runs(tmp_path: Path, language: str):
    campaign = bowl(tmp_path / "run", seed=3)
    write_report(tmp_path / "run", language=language)
    verify(tmp_path / "run")
    history, ends = campaign.history, campaign.history.conclusion or {}
    winner = history.trials[ends["winner"]]
    fresh = repeats(history, campaign.task, winner, fresh=True)
    assert ends["repeats"]["winner"] == [trial.key for trial in fresh]
    assert {trial.seed for trial in fresh}.isdisjoint(
        trial.seed for trial in repeats(history, campaign.task, winner, fresh=False)
    )
    told = [history.trials[trial.key].outcome or {} for trial in fresh]
    heights, slacks = [one["height"] for one in told], [one["slack"] for one in told]
    claims = {one["id"]: one["value"] for one in json.loads((tmp_path / "run" / "claims.json").read_text())["claims"]}
    assert claims["winner.goal.height"] == pytest.approx(fmean(heights))
    assert claims["winner.half.height"] == pytest.approx(t.ppf(0.975, 4) * stdev(heights) / math.sqrt(5))
    assert claims["winner.sure.slack"] == pytest.approx(fmean(slacks) - t.ppf(0.95, 4) * stdev(slacks) / math.sqrt(5))
    assert claims["winner.repeats"] == 5.0
    assert summary(history, campaign.task)["repeats"]["winner"]["goals"]["height"]["mean"] == claims["winner.goal.height"]
    # Three leaders five times, winner and baseline five times afresh, beside the budget
    assert claims["spent.replicate.runs"] == 3 * 5 + 2 * 5
    assert claims["spent.search.runs"] == 10


@pytest.mark.needs("matplotlib")
def test_without_repeats_noise_leaves_the_answer_open(tmp_path: Path):
    campaign = bowl(tmp_path / "run", replicates=0)
    write_report(tmp_path / "run")
    verify(tmp_path / "run")
    assert (campaign.history.conclusion or {})["because"] == "the simulator is noisy and the winner was not repeated"
