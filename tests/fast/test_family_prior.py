"""Family priors: what tasks have in common is found, doubts are of tasks left out, a bad past is told from a good one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed; make setup installs it")
pytest.importorskip("safetensors", reason="safetensors is not installed; make setup installs it")

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from dure.errors import InputError
from dure.models import Card, read_card
from dure.models.prior import FamilyPrior, PastTask
from dure.models.training import train
from dure.models.weights import load, restore, save
from dure.pool.trial import judged
from dure.strategy.worth import share_of_past, worth_of
from dure.surrogate import Past, fit_rung

NOTHING = torch.zeros(0, dtype=torch.double)
MEMBERS = 300


def places() -> Tensor:
    return (torch.arange(MEMBERS).double()[:, None] + 0.5) / MEMBERS


@pytest.fixture(scope="module")
def factors() -> Tensor:
    """Four hidden numbers of each member of a list; a task is a mixture of them, the first always in it."""
    return torch.randn(MEMBERS, 4, generator=torch.Generator().manual_seed(1), dtype=torch.double)


def mixture(factors: Tensor, seed: int) -> Tensor:
    weights = torch.randn(4, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    weights[0] = 2.0
    return (factors @ weights)[:, None]


@pytest.fixture(scope="module")
def prior(factors: Tensor) -> FamilyPrior:
    tasks = [PastTask(f"t{seed}", f"t{seed}", places(), mixture(factors, seed), NOTHING) for seed in range(10, 30)]
    return train(tasks, names=[((0,), torch.eye(MEMBERS, dtype=torch.double))])


def test_directions_hold_what_tasks_differ_in(prior: FamilyPrior):
    assert float(prior.share[0]) > 0.9  # left out, tasks lie in the space that the others span
    along = prior.features(places(), NOTHING) @ prior.directions[0]
    assert float(along.square().sum(-1).mean()) == pytest.approx(1.0, abs=0.1)


def test_the_mean_is_what_all_tasks_share(prior: FamilyPrior, factors: Tensor):
    mean = (prior.features(places(), NOTHING) @ prior.centre[0]).numpy()
    assert np.corrcoef(mean, factors[:, 0].numpy())[0, 1] > 0.95


def test_a_new_task_is_known_from_as_many_answers_as_there_are_factors(prior: FamilyPrior, factors: Tensor):
    """Eight answers fix four numbers and an offset; of three hundred unlike names they would say nothing without the past."""
    new, known = mixture(factors, 99), torch.arange(0, MEMBERS, MEMBERS // 8)[:8]
    past, names = Past.of(prior, NOTHING), [((0,), torch.eye(MEMBERS, dtype=torch.double))]
    spread = new.std(0)
    rung = fit_rung(
        places()[known], new[known], spread, reference=lambda x: past.mean(x) * spread, noise=1e-6, names=names, past=past
    )
    with torch.no_grad():
        said = rung.belief(places().unsqueeze(-2))[0][..., 0]
    rest = torch.ones(MEMBERS, dtype=torch.bool)
    rest[known] = False
    assert float((said - new)[rest].square().mean().sqrt() / spread) < 0.3


def test_before_any_answer_doubt_is_about_one_spread(prior: FamilyPrior):
    doubt = Past.of(prior, NOTHING).covariance(places().unsqueeze(-2))[:, 0, 0, 0]
    assert float(doubt.mean()) == pytest.approx(1.0, abs=0.1)


def test_weights_survive_in_single_precision(prior: FamilyPrior, tmp_path: Path):
    card = Card("one", "family prior", "mine/list", "1", ("member",), {"y": 1}, "full", {"tasks": 20}, "for tests", "private", 0)
    kept = save(prior, card, tmp_path)
    again, read = load(tmp_path)
    assert read == kept == read_card(tmp_path)
    torch.testing.assert_close(again.features(places(), NOTHING), prior.features(places(), NOTHING), rtol=1e-6, atol=1e-6)
    with pytest.raises(InputError, match="not those of its card"):
        restore(read, b"something else")


FORECASTS = st.lists(st.tuples(st.floats(-9, 3), st.floats(-9, 3)), max_size=20)


@given(FORECASTS)
def test_the_odds_only_know_which_forecasts_were_better(pairs: list[tuple[float, float]]):
    past, cold = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    share = share_of_past(past, cold)
    assert 0 < share < 1
    assert share + share_of_past(cold, past) == pytest.approx(1.0)
    worth = worth_of("m", past, cold, 0)
    assert 0 <= worth.saved[0] <= len(pairs)
    assert worth.saved[1] <= worth.saved[2]
    if not pairs or (past <= cold).all():
        assert worth.saved[0] == 0


def test_a_past_that_misleads_is_ignored_from_the_answer_that_showed_it():
    cold = np.zeros(10)
    past = np.array([0.0, 0, -1, -1, -2, -2, -2, -2, -2, -2])
    worth = worth_of("m", past, cold, 0)
    assert worth.ignored == 5  # odds exp(-4) after five answers: below one in twenty from there on
    assert worth.weight < 1e-5


def test_noise_alone_is_seldom_called_worse_and_a_steady_loss_always():
    """At 5 %, of 1,000 comparisons by chance about 50 are called worse; 77 would be four standard deviations more."""
    generator = np.random.default_rng(0)
    by_chance = [judged(generator.normal(0.0, 0.2, 5), 1)["worse"] for _time in range(1000)]
    assert sum(by_chance) < 77
    assert all(judged(np.log(1.1) + generator.normal(0.0, 0.01, 5), 10)["worse"] for _time in range(100))
    assert judged(np.zeros(5), 1) == {"change": 0.0, "low": 0.0, "high": 0.0, "worse": False}
    assert judged(np.full(5, np.log(2.0)), 1)["worse"]
    assert not judged(np.log([1.005, 1.0051, 1.0049, 1.005, 1.0052]), 1)["worse"]  # sure, and less than a hundredth
