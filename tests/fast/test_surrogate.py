"""Laws of the surrogate: what calibration recovers, what data decide, where doubt comes from, and what must not break it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from botorch.models import SingleTaskGP
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dure.surrogate import Calibration, Ladder, Observations, calibrate, differentiable, fit_ladder, fit_rung
from dure.surrogate.residual import fit_residual

D = 2
NONE = torch.zeros(0, D, dtype=torch.double)


def points(n: int, seed: int = 0) -> Tensor:
    return torch.rand(n, D, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def truth(x: Tensor) -> Tensor:
    """Two smooth outputs."""
    return torch.stack([torch.sin(3 * x[..., 0]) + x[..., 1], x[..., 0] * x[..., 1]], -1)


def observed(x: Tensor, y: Tensor | None = None, failed: Tensor = NONE) -> Observations:
    return Observations(x, truth(x) if y is None else y, failed)


def believed(model: Ladder, x: Tensor) -> tuple[Tensor, Tensor]:
    """Means and variances of the top rung at (n, d) points, each (n, m)."""
    with torch.no_grad():
        mean, covariance = model.rungs[-1].belief(x.unsqueeze(-2))
    return mean.squeeze(-1), covariance.squeeze(-1).squeeze(-1)


# ------------------------------------------------------------------------------------------------- calibration


@settings(max_examples=20)
@given(st.floats(-5, 5), st.floats(-3, 3), st.integers(0, 1000))
def test_calibration_recovers_offset_and_slope(offset: float, slope: float, seed: int):
    reference = torch.randn(300, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    made = calibrate(reference, offset + slope * reference, reference.std(0))
    # the belief "slope 1" counts for 3 observations against 300: 1 % of the way is left, and never beyond
    assert abs(float(made.slope) - slope) <= 0.011 * abs(1 - slope) + 1e-9
    assert min(1.0, slope) - 1e-9 <= float(made.slope) <= max(1.0, slope) + 1e-9 or not made.kept.all()
    centre = float(reference.mean())
    assert float(made.offset + made.slope * centre) == pytest.approx(offset + slope * centre, abs=1e-9)


@settings(max_examples=20)
@given(st.floats(-100, 100), st.integers(3, 20), st.integers(0, 100))
def test_a_reference_that_is_off_by_a_constant_keeps_its_slope(offset: float, n: int, seed: int):
    reference = torch.rand(n, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    made = calibrate(reference, reference + offset, torch.ones(1, dtype=torch.double))
    assert float(made.slope) == pytest.approx(1.0, abs=1e-6)
    assert float(made.offset) == pytest.approx(offset, abs=1e-5)
    assert bool(made.kept.all())


@settings(max_examples=20)
@given(st.floats(0.01, 100), st.floats(-100, 100), st.integers(0, 100))
def test_calibration_does_not_care_about_units(scale: float, shift: float, seed: int):
    generator = torch.Generator().manual_seed(seed)
    reference = torch.randn(12, 1, generator=generator, dtype=torch.double)
    outputs = 2 + 0.7 * reference + 0.1 * torch.randn(12, 1, generator=generator, dtype=torch.double)
    spread = torch.ones(1, dtype=torch.double)
    one = calibrate(reference, outputs, spread)
    other = calibrate(scale * reference + shift, scale * outputs + shift, scale * spread)
    torch.testing.assert_close(other.slope, one.slope, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(other.scale, scale * one.scale, rtol=1e-6, atol=1e-12)
    assert bool(other.kept) == bool(one.kept)
    torch.testing.assert_close(other.explained, one.explained, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n", [4, 6, 10])
def test_a_reference_that_misleads_is_dropped_and_the_other_kept(n: int):
    x = torch.linspace(0, 1, n, dtype=torch.double)
    reference = torch.stack([10 * torch.sin(20 * x), x], -1)  # of no use for the first output, right for the second
    outputs = torch.stack([1 + 0.01 * x, x + 3], -1)
    made = calibrate(reference, outputs, torch.tensor([7.0, 0.3], dtype=torch.double))
    assert made.kept.tolist() == [False, True]
    assert float(made.explained[0]) < 0
    assert float(made.explained[1]) == pytest.approx(1.0)
    assert float(made.slope[0]) == 0.0
    assert float(made.offset[0]) == pytest.approx(float(outputs[:, 0].mean()))


def test_what_says_the_same_of_every_design_or_is_not_trusted_explains_nothing_and_says_so():
    x = torch.linspace(0, 1, 8, dtype=torch.double)
    reference, outputs = torch.stack([torch.ones_like(x), x, x], -1), torch.stack([x, x, x], -1)
    made = calibrate(reference, outputs, torch.ones(3, dtype=torch.double), torch.tensor([True, True, False]))
    assert made.explained.isnan().tolist() == [True, False, True]


def test_three_answers_are_too_few_to_drop_a_reference():
    reference = torch.tensor([[10.0], [-10.0], [10.0]], dtype=torch.double)
    assert bool(calibrate(reference, torch.ones(3, 1, dtype=torch.double), torch.full((1,), 10.0, dtype=torch.double)).kept)


def test_without_answers_the_reference_is_believed_within_a_tenth_of_the_spread():
    empty = torch.zeros(0, 1, dtype=torch.double)
    made = calibrate(empty, empty, torch.full((1,), 5.0, dtype=torch.double))
    assert (float(made.offset), float(made.slope), float(made.scale)) == (0.0, 1.0, pytest.approx(0.5))


# --------------------------------------------------------------------------------------------------- posterior


def test_data_without_noise_are_interpolated():
    x = points(15)
    mean, variance = believed(fit_ladder([observed(x)]), x)
    spread = truth(x).std(0)
    assert ((mean - truth(x)).abs() / spread).max() < 0.02
    assert (variance.sqrt() / spread).max() < 0.02


def test_more_data_predict_better_and_doubt_less():
    at = points(50, seed=9)
    errors, doubts = [], []
    for n in (6, 24):
        mean, variance = believed(fit_ladder([observed(points(n))]), at)
        errors.append(float((mean - truth(at)).square().mean()))
        doubts.append(float(variance.mean()))
    assert errors[1] < 0.2 * errors[0]
    assert doubts[1] < 0.5 * doubts[0]


def test_a_theory_that_is_right_but_for_a_constant_needs_few_data():
    at, x = points(50, seed=9), points(4)
    theory = differentiable(lambda cube: truth(torch.from_numpy(cube)).numpy())
    told = [observed(x, truth(x) + 3.0)]
    with_theory = believed(fit_ladder(told, theory=theory), at)[0]
    without = believed(fit_ladder(told), at)[0]
    assert (with_theory - truth(at) - 3.0).abs().max() < 0.02
    assert (without - truth(at) - 3.0).abs().max() > 0.2


def test_without_data_the_theory_is_the_mean_and_doubt_is_the_same_everywhere():
    theory = differentiable(lambda cube: truth(torch.from_numpy(cube)).numpy())
    at = points(20, seed=3)
    mean, variance = believed(fit_ladder([observed(NONE)], theory=theory), at)
    torch.testing.assert_close(mean, truth(at))
    assert (variance > 0).all()
    torch.testing.assert_close(variance, variance[:1].expand_as(variance))


def test_the_lower_rungs_doubt_is_part_of_the_upper_rungs():
    low, top, far = points(12), points(4, seed=1), torch.tensor([[1.0, 1.0]], dtype=torch.double)
    near = torch.tensor([[0.98, 0.98], [0.95, 1.0], [1.0, 0.95]], dtype=torch.double)

    def fitted(cheap: Tensor) -> Ladder:
        return fit_ladder([observed(cheap, 0.8 * truth(cheap) - 1), observed(top)])

    model, informed = fitted(low * 0.5), fitted(torch.cat([low * 0.5, near]))
    bottom, upper = model.rungs
    with torch.no_grad():
        below = bottom.belief(far)[1].diagonal(dim1=-2, dim2=-1).squeeze(-1)
        above = upper.belief(far)[1].diagonal(dim1=-2, dim2=-1).squeeze(-1)
        own = upper.own_variance(far).squeeze(0)
    torch.testing.assert_close(above, own + upper.calibration.slope.square() * below)
    assert (believed(informed, far)[1] < 0.5 * believed(model, far)[1]).all()


def test_a_cheap_rung_carries_the_shape_up():
    at, low, top = points(50, seed=9), points(30), points(5, seed=1)
    ladder = fit_ladder([observed(low, 0.9 * truth(low) + 0.3), observed(top)])
    alone = fit_ladder([observed(top)])
    errors = [float((believed(model, at)[0] - truth(at)).square().mean()) for model in (ladder, alone)]
    assert errors[0] < 0.05 * errors[1]


def test_failures_are_expected_where_failures_were():
    left = points(15) * torch.tensor([0.45, 1.0], dtype=torch.double)
    right = left + torch.tensor([0.55, 0.0], dtype=torch.double)
    model = fit_ladder([observed(left, failed=right)])
    with torch.no_grad():
        mean = model.posterior(torch.tensor([[[0.2, 0.5]], [[0.8, 0.5]]], dtype=torch.double)).mean
    assert model.num_outputs == 3
    assert mean[0, 0, 2] > 0.8
    assert mean[1, 0, 2] < 0.2


def test_batches_of_joint_points_have_means_and_covariances_of_their_shape():
    model = fit_ladder([observed(points(8)), observed(points(3))])
    joint = torch.rand(5, 4, D, generator=torch.Generator().manual_seed(1), dtype=torch.double)
    with torch.no_grad():
        posterior = model.posterior(joint)
        assert posterior.mean.shape == (5, 4, 2)
        assert posterior.rsample(torch.Size([3])).shape == (3, 5, 4, 2)
        torch.testing.assert_close(
            posterior.mean, believed(model, joint.reshape(-1, D))[0].reshape(5, 4, 2), rtol=1e-6, atol=1e-8
        )


def test_single_points_are_drawn_as_they_are_believed():
    model, x = fit_ladder([observed(points(8), failed=points(3, seed=4))]), points(5, seed=5)
    mean, variance = believed(model, x)
    with torch.no_grad():
        posterior = model.posterior(x.unsqueeze(-2))
        drawn = posterior.rsample(torch.Size([4000]))[:, :, 0, :2]
    torch.testing.assert_close(posterior.mean[:, 0, :2], mean)
    torch.testing.assert_close(posterior.variance[:, 0, :2], variance, rtol=1e-6, atol=1e-6)
    # the deviation of 4,000 draws is known to 1.1 %, and five times that is far in the tail
    assert ((drawn.std(0) / variance.sqrt()) - 1).abs().max() < 0.056


# --------------------------------------------------------------------------------------------------- gradients


def _numpy(cube: Any) -> Any:
    return np.stack([np.sin(3 * cube[:, 0]) + cube[:, 1], cube[:, 0] * cube[:, 1]], axis=1)


@settings(max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=D, max_size=D), st.integers(0, 100))
def test_the_slope_of_a_numpy_function_is_the_analytic_one(at: list[float], seed: int):
    outer = torch.randn(2, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
    slopes = []
    for function in (differentiable(_numpy), truth):
        x = torch.tensor([[at]], dtype=torch.double, requires_grad=True)
        (function(x) @ outer).sum().backward()
        slopes.append(x.grad)
    # central differences of step 1e-4 are good to 1e-8 inside, one-sided ones at the walls to 1e-3
    inside = all(2e-4 < value < 1 - 2e-4 for value in at)
    torch.testing.assert_close(slopes[0], slopes[1], rtol=0, atol=1e-6 if inside else 3e-3)


def test_the_slope_reaches_through_the_whole_ladder():
    theory = differentiable(_numpy)
    model = fit_ladder([observed(points(8)), observed(points(4))], theory=theory)
    x = torch.tensor([[[0.3, 0.6]]], dtype=torch.double, requires_grad=True)

    def told(at: Tensor) -> Tensor:
        mean, covariance = model.rungs[-1].belief(at)
        return mean[..., 0, :].sum() + covariance[..., 1, :, :].sum()

    (slope,) = torch.autograd.grad(told(x), x)
    numeric = torch.zeros(D, dtype=torch.double)
    for axis in range(D):
        step = torch.zeros(1, 1, D, dtype=torch.double)
        step[..., axis] = 1e-4
        with torch.no_grad():
            numeric[axis] = (told(x + step) - told(x - step)) / 2e-4
    torch.testing.assert_close(slope.flatten(), numeric, rtol=1e-3, atol=1e-5)


# --------------------------------------------------------------------------------------- what must not break it

SQUARE = torch.tensor([[0.2, 0.3]], dtype=torch.double)


@pytest.mark.parametrize("theory", [None, differentiable(_numpy)], ids=["no theory", "theory"])
@pytest.mark.parametrize(
    ("x", "y"),
    [
        (NONE, None),
        (SQUARE, None),
        (SQUARE.expand(6, D), None),
        (SQUARE.expand(4, D), torch.tensor([[1.0, 0.0], [1.0, 1.0], [2.0, 0.0], [1.0, 0.0]], dtype=torch.double)),
        (points(10), torch.full((10, 2), 4.2, dtype=torch.double)),
        (points(10), torch.zeros(10, 2, dtype=torch.double)),
        (torch.cat([points(6), points(6) + 1e-9]), None),
    ],
    ids=["no points", "one point", "one point six times", "contradictions", "constant", "zero", "near-duplicates"],
)
def test_odd_histories_give_finite_beliefs(theory: Any, x: Tensor, y: Tensor | None):
    outputs = truth(x) if y is None else y
    for told in (
        [observed(x, outputs)],
        [observed(x, outputs), observed(x[:3], outputs[:3])],
        [observed(x, outputs), observed(NONE)],
    ):
        model = fit_ladder(told, theory=theory)
        mean, variance = believed(model, points(10, seed=5))
        assert torch.isfinite(mean).all()
        assert (variance >= 0).all()
        assert torch.isfinite(model.posterior(points(3).unsqueeze(0)).rsample(torch.Size([4]))).all()


@pytest.mark.parametrize("scale", [1e-4, 1e4, 1e9])
def test_beliefs_do_not_care_about_units(scale: float):
    x, at = points(10), points(20, seed=5)
    one = believed(fit_ladder([observed(x)]), at)
    other = believed(fit_ladder([observed(x, scale * truth(x))]), at)
    torch.testing.assert_close(other[0] / scale, one[0], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(other[1] / scale**2, one[1], rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_is_learned_when_it_is_not_known(seed: int):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(40, D, generator=generator, dtype=torch.double)
    rough = x[:, :1] + 0.15 * torch.randn(40, 1, generator=generator, dtype=torch.double)
    rung = fit_rung(x, rough, rough.std(0), noise=None)
    with torch.no_grad():
        mean = rung.mean(x).squeeze(0)
    # a belief that chased the noise would pass through the data; one that knows it lies nearer the line than they do
    assert (mean - x[:, 0]).square().mean() < 0.5 * (rough[:, 0] - x[:, 0]).square().mean()


def test_a_calibration_is_told_in_full():
    made = calibrate(points(6), truth(points(6)), torch.ones(2, dtype=torch.double))
    assert isinstance(made, Calibration)
    assert [part.shape for part in (made.offset, made.slope, made.scale, made.kept)] == [torch.Size([2])] * 4


def test_what_the_lower_rung_is_not_trusted_for_does_not_carry_up():
    x, at = points(20), points(30, seed=9)
    cheap = torch.stack([truth(x)[:, 0], -5 * truth(x)[:, 1]], -1)
    low = Observations(x, cheap, NONE, torch.tensor([True, False]))
    ladder = fit_ladder([low, observed(points(3, seed=1))])
    assert ladder.rungs[-1].calibration.kept.tolist() == [True, False]
    assert ladder.rungs[-1].calibration.slope[1] == 0.0
    mean, variance = believed(ladder, at)
    errors = (mean - truth(at)).abs() / variance.sqrt()
    assert (errors < 4).all()  # it knows what it does not know


@pytest.mark.parametrize("m", [1, 2])
def test_single_points_are_believed_as_in_a_set(m: int):
    rung = fit_rung(points(9), truth(points(9))[:, :m], torch.ones(m, dtype=torch.double))
    x = points(7, seed=5).reshape(7, 1, D)
    with torch.no_grad():
        mean, variance = rung.belief(x)
        whole, covariance = rung.belief(x.reshape(1, 7, D))
    assert mean.shape == (7, m, 1)
    assert variance.shape == (7, m, 1, 1)
    torch.testing.assert_close(mean[..., 0], whole[0].mT)
    torch.testing.assert_close(variance[..., 0, 0], covariance[0].diagonal(dim1=-1, dim2=-2).mT)


# ------------------------------------------------------------------------------------------- many observations

MANY = 700
"""More than a belief is conditioned on."""


@pytest.fixture(scope="module")
def whole_and_part() -> tuple[Tensor, SingleTaskGP, SingleTaskGP]:
    """A corner, a belief conditioned on all observations, and one only on those near the corner and some others."""
    corner = torch.tensor([[0.2, 0.3]], dtype=torch.double)
    x = points(MANY)
    y = truth(3 * x)
    y = (y - y.mean(0)) / y.std(0)
    return corner, fit_residual(x, y, 1e-4).model, fit_residual(x, y, 1e-4, near=corner).model


def predicted(model: SingleTaskGP, x: Tensor) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        posterior = model.posterior(x)
    return posterior.mean, posterior.variance


def test_a_belief_on_a_part_of_the_observations_never_doubts_less(whole_and_part: tuple[Tensor, SingleTaskGP, SingleTaskGP]):
    _corner, whole, part = whole_and_part
    kept = part.train_inputs[0].shape[-2]
    assert kept < whole.train_inputs[0].shape[-2] == MANY
    at = points(200, seed=9)
    # conditioning on more can only take variance away, whatever the observations are
    assert (predicted(part, at)[1] >= predicted(whole, at)[1] - 1e-8).all()


def test_a_belief_on_a_part_agrees_with_the_whole_within_its_own_error(
    whole_and_part: tuple[Tensor, SingleTaskGP, SingleTaskGP],
):
    corner, whole, part = whole_and_part
    everywhere, nearby = points(200, seed=9), corner + 0.05 * (points(200, seed=10) - 0.5)
    for at in (everywhere, nearby):
        (mean, variance), exact = predicted(part, at), predicted(whole, at)[0]
        assert ((mean - exact).abs() <= 4 * variance.sqrt()).all()
    # near the corner both stand on the same observations
    assert (predicted(part, nearby)[0] - predicted(whole, nearby)[0]).abs().max() < 1e-2


def test_the_nearest_observations_are_kept(whole_and_part: tuple[Tensor, SingleTaskGP, SingleTaskGP]):
    corner, _whole, part = whole_and_part
    x = points(MANY)
    nearest = x[(x - corner).norm(dim=-1).argsort()[:50]]
    kept = part.train_inputs[0].reshape(-1, part.train_inputs[0].shape[-2], D)[0]
    assert (torch.cdist(nearest, kept).amin(-1) < 1e-6).all()


def test_variances_are_those_of_the_formula():
    x, at = points(40), points(10, seed=5)
    rung = fit_rung(x, truth(x)[:, :1], torch.ones(1, dtype=torch.double))
    assert rung.residual is not None
    with torch.no_grad():
        variance = rung.belief(at.unsqueeze(-2))[1].reshape(-1)
        kernel = rung.residual.model.covar_module
        among, across, own = (kernel(*pair).to_dense().numpy() for pair in ((x, x), (at, x), (at, at)))
    # Rasmussen & Williams 2006, equation 2.24
    exact = np.diag(own) - np.einsum("ij,ji->i", across, np.linalg.solve(among + 1e-6 * np.eye(40), across.T))
    assert variance.numpy() == pytest.approx(exact * float(rung.calibration.scale) ** 2, abs=1e-8)
