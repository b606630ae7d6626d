"""The kernel of single inputs, pairs and all together: a kernel, whatever the names, that learns sums from few answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from gpytorch.kernels import MaternKernel
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.surrogate import Observations, fit_ladder, roughest
from dure.surrogate.effects import Effects
from dure.surrogate.residual import fit_residual


@settings(max_examples=20)
@given(st.integers(1, 6), st.integers(2, 12), st.integers(0, 100))
def test_it_is_symmetric_positive_definite_and_of_about_unit_variance(d: int, n: int, seed: int):
    points = torch.rand(n, d, dtype=torch.double, generator=torch.Generator().manual_seed(seed))
    kernel = Effects(d).double()
    matrix = kernel(points).to_dense().detach()
    torch.testing.assert_close(matrix, matrix.mT)
    assert float(torch.linalg.eigvalsh(matrix).min()) > -1e-8
    # a third each from single inputs, pairs and all together; an input makes no pair with itself
    torch.testing.assert_close(matrix.diagonal(), torch.full((n,), 1 - 1 / (3 * d), dtype=torch.double))
    torch.testing.assert_close(kernel(points, diag=True), matrix.diagonal())


def test_a_batch_of_outputs_is_as_many_kernels():
    points = torch.rand(5, 3, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    kernel = Effects(3, torch.Size([2])).double()
    assert kernel(points.expand(2, 5, 3)).to_dense().shape == (2, 5, 5)
    torch.testing.assert_close(kernel(points.expand(2, 5, 3)).to_dense()[1], Effects(3).double()(points).to_dense())


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("n", [1, 3])
def test_beside_a_kernel_of_names_it_is_still_one_kernel_an_output(n: int, outputs: int):
    points = torch.rand(n, 4, dtype=torch.double, generator=torch.Generator().manual_seed(3)).round(decimals=1)
    names = [((2, 3), torch.eye(4, dtype=torch.double))]
    model = fit_residual(points, torch.zeros(n, outputs, dtype=torch.double), 1e-6, names, effects=True).model
    assert model(points.unsqueeze(0)).mean.shape == (outputs, n)


def laid_out(n: int, places: int, kinds: int, seed: int) -> torch.Tensor:
    """(n, places) kinds drawn at random, as middles of their intervals."""
    number = torch.randint(kinds, (n, places), generator=torch.Generator().manual_seed(seed))
    return (number.double() + 0.5) / kinds


@settings(max_examples=20)
@given(st.integers(1, 5), st.integers(2, 5), st.integers(2, 12), st.booleans(), st.integers(0, 100))
def test_names_make_a_kernel_too_and_may_be_given_otherwise(places: int, kinds: int, n: int, told: bool, seed: int):
    tokens = torch.rand(kinds, 2, generator=torch.Generator().manual_seed(seed)).double() if told else torch.eye(kinds).double()
    points = laid_out(n, places, kinds, seed)
    matrix = Effects(places, names=[(range(places), tokens)]).double()(points).to_dense().detach()
    torch.testing.assert_close(matrix, matrix.mT)
    assert float(torch.linalg.eigvalsh(matrix).min()) > -1e-8
    order = torch.randperm(kinds, generator=torch.Generator().manual_seed(seed))
    renamed = (order[(points * kinds).long()].double() + 0.5) / kinds
    other = Effects(places, names=[(range(places), tokens[order.argsort()] if told else tokens)]).double()
    torch.testing.assert_close(other(renamed).to_dense().detach(), matrix)


def test_kinds_of_the_same_features_are_the_same():
    tokens = torch.tensor([[0.0, 1.0], [1.0, 0.2], [0.0, 1.0]]).double()
    points = laid_out(6, 4, 3, 0)
    swapped = (2 - (points * 3).floor() + 0.5) / 3
    kernel = Effects(4, names=[(range(4), tokens)]).double()
    torch.testing.assert_close(kernel(points).to_dense(), kernel(swapped).to_dense())


def test_what_places_add_is_learned_from_few_layouts():
    worth = torch.rand(6, 3, generator=torch.Generator().manual_seed(5)).double()
    points, fresh = laid_out(30, 6, 3, 1), laid_out(200, 6, 3, 2)

    def truth(at: torch.Tensor) -> torch.Tensor:
        return worth.gather(1, (at * 3).long().mT).sum(0)

    told = truth(points)
    names = [(range(6), torch.eye(3, dtype=torch.double))]
    model = fit_residual(points, ((told - told.mean()) / told.std())[:, None], 1e-6, names).model
    with torch.no_grad():
        said = told.mean() + told.std() * model(fresh).mean
    assert float((said - truth(fresh)).square().mean() / truth(fresh).var()) < 0.1


def misfit(effects: bool, truth: Callable[[torch.Tensor], torch.Tensor], d: int) -> float:
    """Mean squared error at 300 new points over the variance there, from 60 answers without noise."""
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(60, d, dtype=torch.double, generator=generator)
    fresh = torch.rand(300, d, dtype=torch.double, generator=generator)
    told = truth(points)
    middle, spread = told.mean(), told.std()
    model = fit_residual(points, ((told - middle) / spread)[:, None], 1e-6, effects=effects).model
    with torch.no_grad():
        said = middle + spread * model(fresh).mean
    wanted = truth(fresh)
    return float((said - wanted).square().mean() / wanted.var())


def waves(points: torch.Tensor) -> torch.Tensor:
    """A sum of one ripple an input: 60 answers are 20 an axis, far too few for all three together."""
    return torch.sin(20 * points).sum(-1)


def test_a_sum_of_single_effects_is_learned_from_few_answers():
    assert misfit(True, waves, 3) < 0.01
    assert misfit(False, waves, 3) > 0.3


def test_several_outputs_are_learned_at_once():
    points = torch.rand(40, 2, dtype=torch.double, generator=torch.Generator().manual_seed(2))
    told = torch.stack([torch.sin(9 * points).sum(-1), points.prod(-1)], -1)
    model = fit_residual(points, (told - told.mean(0)) / told.std(0), 1e-6, effects=True).model
    with torch.no_grad():
        torch.testing.assert_close(model(points).mean.mT * told.std(0) + told.mean(0), told, rtol=0, atol=1e-2)


def test_a_rougher_belief_shortens_every_length_of_an_output_alike():
    points = torch.rand(12, 2, dtype=torch.double, generator=torch.Generator().manual_seed(2))
    told = torch.stack([points[:, 0] + 2 * points[:, 1], torch.sin(9 * points).sum(-1)], -1)
    ladder = fit_ladder([Observations(points, told, torch.zeros(0, 2, dtype=torch.double))])
    fitted, rough = ladder.rungs[0].residual, roughest(ladder).rungs[0].residual
    assert fitted is not None
    assert rough is not None
    pairs = zip(fitted.model.covar_module.modules(), rough.model.covar_module.modules(), strict=True)
    factors = [(other.lengthscale / one.lengthscale).reshape(2, -1) for one, other in pairs if isinstance(one, MaternKernel)]
    together = torch.cat(factors, -1)
    torch.testing.assert_close(together, together[:, :1].expand_as(together))
    assert ((together >= 0.4 - 1e-9) & (together <= 1.0)).all()


def test_what_only_all_inputs_together_explain_is_learned_as_before():
    def product(points: torch.Tensor) -> torch.Tensor:
        return torch.sin(4 * points).prod(-1)

    assert misfit(True, product, 3) == pytest.approx(misfit(False, product, 3), abs=0.02)
