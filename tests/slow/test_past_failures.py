"""What past tasks say of failing: where trials crash is known before the first one does, and unlearned where it misleads."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed; make setup installs it")

import torch
from torch import Tensor

from dure.models.prior import FamilyPrior, PastTask
from dure.models.training import train
from dure.surrogate import Ladder, Observations, Past, fit_ladder

SETTINGS = (0.0, 0.15, 0.3, 0.5, 0.65, 0.8, 1.0)
NEW = 0.4


def drawn(n: int, seed: int) -> Tensor:
    if not n:
        return torch.zeros(0, 3, dtype=torch.double)
    return torch.quasirandom.SobolEngine(3, scramble=True, seed=seed).draw(n, dtype=torch.double)


def fails(points: Tensor, setting: float) -> Tensor:
    """Beyond a slanted edge that moves with the setting."""
    return points[:, 0] + 0.5 * points[:, 1] > 0.85 + 0.25 * setting


def answered(points: Tensor, setting: float) -> Tensor:
    """Grows towards the edge."""
    return (points[:, 0] + (points[:, 2] - 0.3 - 0.2 * setting).square())[:, None]


def told(setting: float, seed: int, *, crash: bool = True, shuffled: bool = False) -> PastTask:
    points = drawn(64, seed)
    bad = fails(points, setting) & crash
    if shuffled:
        bad = bad[torch.randperm(len(bad), generator=torch.Generator().manual_seed(seed))]
    good, descriptors = points[~bad], torch.tensor([setting], dtype=torch.double)
    return PastTask(
        str(setting), "low" if setting < 0.5 else "high", good, answered(good, setting), descriptors, failed=points[bad]
    )


@pytest.fixture(scope="module")
def prior() -> FamilyPrior:
    return train([told(setting, seed) for seed, setting in enumerate(SETTINGS)])


def fitted(points: Tensor, prior: FamilyPrior | None, setting: float = NEW) -> Ladder:
    bad = fails(points, setting)
    past = None if prior is None else Past.of(prior, torch.tensor([setting], dtype=torch.double))
    return fit_ladder([Observations(points[~bad], answered(points[~bad], setting), points[bad])], past=past)


def right(model: Ladder, setting: float = NEW) -> float:
    """The share of designs of which it is known whether they fail."""
    points = drawn(512, 99)
    return float(((model.mean(points)[:, -1] < 0.5) == fails(points, setting)).double().mean())


def test_failing_is_known_before_any_answer(prior: FamilyPrior):
    rate = torch.cat([fails(drawn(64, seed), setting) for seed, setting in enumerate(SETTINGS)]).double().mean()
    assert float(prior.rate) == pytest.approx(1 - float(rate), abs=1e-12)  # tasks of equal size
    assert right(fitted(drawn(0, 1), prior)) > 0.9


def test_it_stays_known_while_nothing_fails(prior: FamilyPrior):
    """Who keeps away from the edge sees no failure, and must not forget why."""
    points = drawn(64, 3)
    safe = points[~fails(points, NEW - 0.8)][:12]
    model = fitted(safe, prior)
    assert model.num_outputs == 2
    assert right(model) > 0.85
    assert fitted(safe, None).num_outputs == 1


def test_answers_move_the_edge(prior: FamilyPrior):
    """A setting beyond the past's range: the edge lies elsewhere than any past task's."""
    points = drawn(40, 5)
    before, after = right(fitted(points[:0], prior, 1.8), 1.8), right(fitted(points, prior, 1.8), 1.8)
    assert after > 0.9
    assert after >= before


def test_a_past_that_misleads_is_unlearned():
    wrong = train([told(setting, seed, shuffled=True) for seed, setting in enumerate(SETTINGS)])
    points = drawn(40, 7)
    assert right(fitted(points, wrong)) >= right(fitted(points, None)) - 0.05


def test_a_past_without_failures_has_no_output_for_them():
    prior = train([told(setting, seed, crash=False) for seed, setting in enumerate(SETTINGS[:2])])
    assert prior.rate.shape == (0,)
    assert prior.centre.shape[0] == 1
    assert Past.of(prior, torch.tensor([NEW], dtype=torch.double)).success is None
