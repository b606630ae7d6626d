"""Over many noisy campaigns the stated intervals hold the truth as often as they say, although the search picked lucky runs."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from dure.campaign import Budget, Campaign, claims_of, make_plan, ranked
from tests.fast.noisy_bowl import HERE, truth
from tests.fast.report_campaigns import Here

CAMPAIGNS = 120
DOUBT = 1e-3
"""How unlikely a count of misses must be at the stated rate before the test fails."""


@pytest.fixture(scope="module")
def claimed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, float]]:
    """What each campaign claims of its winner, the true values of that design, and the error of the best single run."""
    found = []
    for seed in range(CAMPAIGNS):
        plan = make_plan(str(HERE), strategy_name="random", budget=Budget(runs=30), seed=seed, required_checks_only=True)
        with Campaign.begin(tmp_path_factory.mktemp("bowl") / "run", plan) as campaign:
            ends = campaign.run(executor=Here())
        claims = {name: claim.value for name, claim in claims_of(campaign.history, campaign.task).items()}
        state = campaign.history.trials[ends["winner"]]
        wanted = {
            name: claims[f"winner.{name}"] for name in ("goal.height", "half.height", "goal.slack", "half.slack", "sure.slack")
        }
        exact = truth(state.trial["design"]["x"], state.trial["design"]["y"])
        best = ranked(campaign.history, campaign.task)[0]
        luckiest = (best.outcome or {})["height"] - truth(best.trial["design"]["x"], best.trial["design"]["y"])["height"]
        found.append(wanted | exact | {"luck": luckiest})
    return found


def rate(hits: list[bool], stated: float, *, alternative: str = "two-sided") -> None:
    assert binomtest(sum(hits), len(hits), stated, alternative=alternative).pvalue > DOUBT, (sum(hits), len(hits))


@pytest.mark.parametrize("goal", ["height", "slack"])
def test_the_interval_holds_the_true_mean_at_its_rate(claimed: list[dict[str, float]], goal: str):
    rate([abs(one[f"goal.{goal}"] - one[goal]) <= one[f"half.{goal}"] for one in claimed], 0.95)


def test_the_sure_margin_is_kept_at_its_rate(claimed: list[dict[str, float]]):
    rate([one["sure.slack"] <= one["slack"] for one in claimed], 0.95)


def test_the_mean_is_not_biased_by_the_choice_and_the_lucky_run_is(claimed: list[dict[str, float]]):
    # Without bias the mean lies below the truth in half of the campaigns; the best single run does more often.
    rate([one["goal.height"] < one["height"] for one in claimed], 0.5)
    lucky = sum(one["luck"] < 0 for one in claimed)
    assert binomtest(lucky, len(claimed), 0.5, alternative="greater").pvalue < DOUBT
