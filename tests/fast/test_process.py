"""Laws of processes that share a kernel: each output is believed as it would be alone under it."""

from __future__ import annotations

import warnings

import pytest
import torch
from botorch.exceptions.warnings import InputDataWarning
from botorch.models import SingleTaskGP
from torch import Tensor

from dure.surrogate.process import Apart, Shared
from dure.surrogate.residual import fit_residual
from tests.fast.test_surrogate import MANY, points


def alike(count: int, x: Tensor) -> Tensor:
    """``count`` outputs of about unit variance: waves of one length in different directions."""
    turned = torch.linspace(0.0, 3.0, count, dtype=torch.double)
    return 2**0.5 * torch.sin(4 * (x[:, :1] * turned.cos() + x[:, 1:2] * turned.sin()) + turned)


def under_its_kernel(shared: Shared, output: int) -> SingleTaskGP:
    """A process of one output, under the kernel that it shares with others."""
    x, y = shared.model.train_inputs[0], shared.targets[output, :, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputDataWarning)
        alone = SingleTaskGP(x, y, torch.full_like(y, 1e-4), outcome_transform=None)
    alone.covar_module, alone.mean_module = shared.model.covar_module, shared.model.mean_module
    return alone.eval()


@pytest.mark.parametrize("n", [30, MANY])
def test_outputs_that_share_a_kernel_are_believed_as_each_would_be_alone_under_it(n: int):
    x = points(n)
    y = alike(30, x)
    shared = fit_residual(x, y, 1e-4, near=x[:3])
    assert isinstance(shared, Shared)
    at = points(24, seed=9)
    with torch.no_grad():
        singly, jointly = (
            shared.belief(at.unsqueeze(-2)),
            shared.belief(torch.cat([at[:8, None], at[None, 8:11].repeat(8, 1, 1)], 1)),
        )
        for output in (0, 7, 29):
            alone = under_its_kernel(shared, output)
            told = alone.posterior(at)
            torch.testing.assert_close(singly[0][:, output, 0], told.mean[:, 0], rtol=0, atol=1e-5)
            torch.testing.assert_close(singly[1][:, 0, 0, 0], told.variance[:, 0], rtol=0, atol=1e-6)
            torch.testing.assert_close(shared.mean(at)[output], told.mean[:, 0], rtol=0, atol=1e-5)
            for row in range(8):
                together = alone.posterior(torch.cat([at[row : row + 1], at[8:11]]))
                torch.testing.assert_close(jointly[0][row, output], together.mean[:, 0], rtol=0, atol=1e-5)
                torch.testing.assert_close(jointly[1][row, 0], together.distribution.covariance_matrix, rtol=0, atol=1e-6)


@pytest.mark.parametrize("outputs", [1, 3])
def test_designs_under_way_are_believed_as_the_library_believes_them(outputs: int):
    x = points(40)
    apart = fit_residual(x, alike(outputs, x), 1e-4)
    assert isinstance(apart, Apart)
    at, beside = points(16, seed=9), points(3, seed=11)
    together = torch.cat([at[:, None], beside[None].repeat(16, 1, 1)], 1)
    with torch.no_grad():
        mean, covariance = apart.belief(together)
        told = apart.model.posterior(together)
    torch.testing.assert_close(mean, told.mean.mT, rtol=0, atol=1e-6)
    whole = told.distribution.covariance_matrix.reshape(16, outputs, 4, outputs, 4)
    for output in range(outputs):
        torch.testing.assert_close(covariance[:, output], whole[:, output, :, output], rtol=0, atol=1e-6)


def test_slopes_under_a_shared_kernel_are_those_of_each_row_also_where_rows_are_equal():
    x = points(30)
    shared = fit_residual(x, alike(30, x), 1e-4)
    beside, corner = torch.tensor([[0.4, 0.6]]).double(), torch.ones(1, 2).double()

    def slopes(rows: Tensor) -> Tensor:
        asked = torch.stack([torch.cat([row[None], beside]) for row in rows]).requires_grad_()
        mean, covariance = shared.belief(asked)
        (found,) = torch.autograd.grad(mean[..., 0].square().sum() + covariance[..., 0, :].sum(), asked)
        return found[:, 0]

    (alone,) = slopes(corner)
    torch.testing.assert_close(slopes(corner.repeat(2, 1)), alone.expand(2, 2), rtol=1e-6, atol=1e-8)


def test_outputs_that_never_vary_do_not_calm_the_others():
    x = points(40)
    waves = alike(30, x)
    padded = torch.cat([torch.zeros(40, 60, dtype=torch.double), waves], -1)
    shared, other = fit_residual(x, waves, 1e-4), fit_residual(x, padded, 1e-4)
    torch.testing.assert_close(other.mean(points(9, 5))[60:], shared.mean(points(9, 5)), rtol=0, atol=1e-4)


def test_the_shared_likelihood_is_the_product_of_the_outputs_own():
    x = points(20)
    y = alike(30, x)
    shared = fit_residual(x, y, 1e-4)
    each = [Apart(under_its_kernel(shared, output)).log_likelihoods() for output in range(30)]
    torch.testing.assert_close(30 * shared.log_likelihoods(), torch.stack(each).sum(), rtol=1e-6, atol=0)


def test_many_outputs_forecast_no_worse_under_one_kernel_than_few_under_their_own():
    x, fresh = points(40), points(200, seed=9)
    y, wanted = alike(30, x), alike(30, fresh).mT
    with torch.no_grad():
        shared = fit_residual(x, y, 1e-6).mean(fresh)
        apart = torch.cat([fit_residual(x, y[:, some : some + 10], 1e-6).mean(fresh) for some in (0, 10, 20)])
    missed = [float((said - wanted).square().mean()) for said in (shared, apart)]
    assert missed[0] <= 1.1 * missed[1]
