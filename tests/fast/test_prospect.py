"""The prospect: its closed form at one design, its limits, and what a certificate makes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from botorch.models import SingleTaskGP
from gpytorch.kernels import MaternKernel
from scipy.stats import multivariate_normal, norm

from dure.campaign import Campaign, make_plan
from dure.campaign.course import stop_reason
from dure.errors import PlanError
from dure.journal import Journal, fold
from dure.problem import Noise, Problem, design, find, minimise, outcome, real
from dure.report import verify, write_report
from dure.strategy import BY_BUDGET, Evidence, Proposal
from dure.strategy.prospect import prospect
from dure.strategy.search import Search
from dure.surrogate import roughest
from tests.fast.report_campaigns import BEAM, Here, campaign
from tests.fast.squares import Run, Square, square
from tests.fast.tank_of_two import HERE as TANK


@design
class Place:
    x: float = real(0.0, 1.0)
    y: float = real(0.0, 1.0)


@outcome
class Measured:
    height: float = minimise(unit="m")


BOTTOM = Place(x=0.43, y=0.58)


def bowl(place: Place) -> Measured:
    return Measured(height=1.0 + (place.x - 0.43) ** 2 + 2 * (place.y - 0.58) ** 2)


def hollow(**more: Any) -> Problem:
    return Problem(
        **{"name": "toy/bowl", "version": "1", "question": "?", "design": Place, "outcome": Measured, "simulate": bowl} | more
    )


def grid(n: int) -> list[Place]:
    return [Place(x=round(i / (n - 1), 4), y=round(j / (n - 1), 4)) for i in range(n) for j in range(n)]


def searched(run: Run) -> Search:
    ladder = tuple(rung.name for rung in run.problem.fidelities)
    return Search(run.task, Evidence(run.task, run.history), 0, ladder=ladder, parts=True, theory=True)


def stated(run: Run) -> float:
    share = searched(run).prospect
    assert share is not None
    return share


def test_at_one_design_it_is_what_the_normal_distribution_says():
    def waves(place: Place) -> Measured:
        return Measured(height=1.0 + 0.2 * math.cos(4 * place.x * place.y + 3) + 0.1 * place.x)

    places = grid(3)
    run = Run(hollow(candidates=tuple(places), tolerance=0.01, simulate=waves)).filled(places[:4] + places[5:])
    search = searched(run)
    middle = torch.from_numpy(run.problem.space.encode(places[4:5]))
    best = min(waves(one).height for one in places if one != places[4])
    bar = search.outputs.encode(np.array([[0.99 * best]])).item() / float(search.aims.scale)
    each = []
    for model in (search.model, roughest(search.model)):
        with torch.no_grad():
            belief = model.posterior(middle)
        each.append(norm.cdf((bar - float(belief.mean)) / float(belief.variance) ** 0.5))
    # Far enough apart that neither of them alone would pass
    assert each[0] < 0.001
    assert each[1] > 0.025
    expected = sum(each) / 2
    # Three standard errors of a thousand draws
    assert search.prospect == pytest.approx(expected, abs=3 * (expected * (1 - expected) / 1000) ** 0.5)


def test_the_roughest_belief_is_rougher_and_the_answers_still_allow_it():
    for n in (3, 5):
        fitted = searched(Run(hollow()).filled(grid(n))).model.rungs[-1].residual
        rough = roughest(searched(Run(hollow()).filled(grid(n))).model).rungs[-1].residual
        assert fitted is not None
        assert rough is not None
        pairs = zip(lengths(rough.model), lengths(fitted.model), strict=True)
        shorter = [short / long for short, long in pairs]
        assert shorter == pytest.approx([shorter[0]] * 4)  # of two inputs, alone and together
        assert 0.399 < shorter[0] <= 1.0
        # Half of chi-square's 95 % quantile at one degree of freedom
        lost = [likelihood(one.model) for one in (fitted, rough)]
        assert lost[0] - lost[1] >= -1e-6
        assert lost[0] - lost[1] <= 1.92 + 1e-6


def lengths(model: SingleTaskGP) -> list[float]:
    kernels = [one for one in model.covar_module.modules() if isinstance(one, MaternKernel)]
    return [length for one in kernels for length in one.lengthscale.flatten().tolist()]


def likelihood(model: SingleTaskGP) -> float:
    """Of multivariate normal answers, by SciPy."""
    with torch.no_grad():
        points = model.train_inputs[0]
        covariance = model.covar_module(points).to_dense() + 1e-6 * torch.eye(len(points))
    return float(multivariate_normal(cov=covariance.numpy()).logpdf(model.train_targets.numpy()))


def test_where_no_design_is_left_nothing_can_be_gained():
    places = grid(2)
    for known in (places[:1], places):
        run = Run(hollow(candidates=tuple(known))).filled(known)
        assert searched(run).prospect == 0.0


def test_the_more_is_known_the_less_is_to_be_gained():
    few, some, many = (stated(Run(hollow(tolerance=0.01)).filled([*grid(n), BOTTOM])) for n in (2, 4, 8))
    assert few > some > many
    assert many <= 0.002


def test_the_more_is_asked_of_a_gain_the_less_likely_it_is():
    found = [stated(Run(hollow(tolerance=share)).filled([*grid(3), BOTTOM])) for share in (0.0, 0.01, 0.1, 0.9)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.9
    assert found[-1] <= 0.01


def test_it_is_the_same_each_time_and_leaves_random_numbers_alone():
    search = searched(Run(hollow()).filled(grid(3)))
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, two = (prospect(search.aims, search.model, search.incumbents, 3) for _time in range(2))
    assert one == two
    assert torch.equal(before, torch.get_rng_state())


def test_limits_failures_parts_and_noise_have_their_say():
    # Both limits are all but reached there: what lies beyond is better, and known to break them
    corner = square().design(x=0.5399, y=0.5999)
    edge = Run(square(tolerance=0.3)).filled([*SQUARES, corner])
    assert (searched(edge).prospect or 1.0) <= 0.05
    free = Run(square(tolerance=0.3, simulate=unlimited)).filled([*SQUARES, corner])
    assert (searched(free).prospect or 0.0) >= 0.5
    broken = Run(square(tolerance=0.05), fails=lambda one: one.x > 0.3).filled(SQUARES)
    assert searched(broken).prospect is not None
    noisy = Run(hollow(noise=Noise("unknown"))).filled(grid(3))
    assert 0.0 < (searched(noisy).prospect or 0.0) <= 1.0


def unlimited(point: Square) -> Any:
    return {"cost": ((1 - point.x) ** 2, (1 - point.y) ** 2), "stress": (0.1 * point.x, 0.1)}


SQUARES = [square().design(x=round(0.1 + 0.2 * i, 4), y=round(0.1 + 0.2 * j, 4)) for i in range(4) for j in range(4)]


def test_it_is_not_stated_before_an_answer_keeps_the_limits_nor_for_a_front():
    bad = Run(square()).filled([square().design(x=0.9, y=0.9), square().design(x=0.8, y=0.9)])
    assert searched(bad).prospect is None
    tank = Run(find(str(TANK)))
    tank.filled([tank.problem.design(radius=radius, height=radius) for radius in (0.5, 1.0, 1.5)])
    assert searched(tank).prospect is None
    with pytest.raises(PlanError, match="one objective"):
        make_plan(str(TANK), certificate=0.95)


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0, 95])
def test_a_level_that_certifies_nothing_is_refused(level: float):
    with pytest.raises(PlanError, match="at least"):
        make_plan(str(BEAM), certificate=level)


@pytest.mark.parametrize("name", [one for one in BY_BUDGET if one != "generated"])  # which refuses this problem anyway
def test_a_strategy_without_a_model_of_all_designs_certifies_nothing(name: str):
    with pytest.raises(PlanError, match="model of all designs"):
        make_plan(str(BEAM), strategy_name=name, certificate=0.95)


@pytest.mark.parametrize(
    ("prospects", "level", "reason"),
    [
        ([0.05, 0.05], 0.95, "certificate"),
        ([0.9, 0.01, 0.0], 0.95, "certificate"),
        ([0.01, 0.06], 0.95, None),
        ([0.06, 0.01], 0.95, None),
        ([0.06, 0.01], 0.9, "certificate"),
        ([0.0], 0.95, None),
        ([None, 0.0], 0.95, None),
        ([0.9, 0.9], None, "tolerance"),
    ],
)
def test_a_certificate_wants_a_small_prospect_twice_in_a_row(prospects: Sequence[float], level: float | None, reason: str | None):
    run = Run(hollow())
    run.history.plan.update(
        budget={"runs": 99, "cpu_seconds": None}, stopping={"tolerance": 1e-3, "patience": 2, "certificate": level}
    )
    for number, share in enumerate(prospects):
        run.answered(Proposal(Place(x=0.1 * number, y=0.5), "full", "search", "", gain=1e-6, prospect=share))
    assert stop_reason(run.history, run.task) == reason


def test_an_open_trial_has_to_be_answered_first():
    run = Run(hollow())
    run.history.plan.update(budget={"runs": 99, "cpu_seconds": None}, stopping={"tolerance": 1e-3, "certificate": 0.95})
    sure = [Proposal(Place(x=x, y=0.5), "full", "search", "", gain=0.0, prospect=0.0) for x in (0.1, 0.2)]
    run.answered(sure[0])
    run.asked(sure[1])
    assert stop_reason(run.history, run.task) is None


@pytest.mark.needs("botorch", "matplotlib")
def test_a_resumed_campaign_ends_with_the_same_certificate_and_the_report_says_so(tmp_path: Path):
    ends = []
    for most in (10**6, 7):
        folder = tmp_path / str(most)
        with pytest.MonkeyPatch.context() as patch:
            campaign(folder, patch, most=most, strategy_name="structured", certificate=0.95)
            with Campaign.resume(folder) as again:
                again.run(executor=Here())
        with Journal.open(folder, write=False) as journal:
            history = fold(journal.events())
        assert history.decisions[-1]["search"]["because"] == "certificate"
        ends.append([(state.key, state.prospect, state.purpose) for state in history.in_plan()])
    assert ends[0] == ends[1]
    last = history.decisions[-1]["search"]["prospect"]
    assert last == 0.03125  # what the strategy of this campaign reviews
    write_report(folder, language="en")
    verify(folder)
    page = (folder / "report.html").read_text()
    assert f'data-claim="prospect" value="{last!r}"' in page
    assert "more runs would hardly have gained more than the tolerance" in page
