"""Gaussian processes on standardised residuals: what data say beyond the mean they are measured from."""

from __future__ import annotations

from typing import Any

import torch
from botorch.exceptions.errors import ModelFittingError
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from gpytorch.means import ZeroMean
from gpytorch.mlls import ExactMarginalLogLikelihood
from linear_operator.utils.errors import NanError, NotPSDError
from torch import Tensor

from dure.surrogate.effects import Effects, Names
from dure.surrogate.past import Past, PastKernel
from dure.surrogate.process import Apart, Process, Shared, SharedLikelihood

__all__ = ["fit_residual"]

_MOST_FITTED = 140
"""Observations that hyperparameters are fitted to; more would say little new and cost the cube of their number."""
_MOST_KEPT = 500
"""Observations that a belief is conditioned on."""
_MOST_APART = 24
"""Outputs that have a kernel each; more of them, as the powers of a core's assemblies, are alike enough to share one."""


def fit_residual(
    points: Tensor,
    residual: Tensor,
    noise: float | None,
    names: Names = (),
    near: Tensor | None = None,
    *,
    effects: bool = False,
    past: Past | None = None,
) -> Process:
    """A zero-mean Gaussian process for each output; more than 24 share a kernel, unless there is a past.

    Args:
        points: (n, d) in the unit cube.
        residual: (n, m), of about unit variance.
        noise: its variance; None to learn it.
        names: the columns that hold names instead of numbers.
        near: (k, d) where the belief matters most. Of more than 500 observations it is conditioned on the 140, drawn at
            random, that hyperparameters are fitted to, and on the 360 likest to any of these; without ``near``, on all.
        effects: whether columns are expected to contribute by themselves as well, see ``Effects``; with ``names`` they are.
        past: what past tasks differed in, beside what the other kernel explains.

    A fit that fails leaves the prior's mode, which is broad and smooth, and never wrong by much.
    """
    if residual.shape[-1] > _MOST_APART and past is None:
        varies = residual.abs().amax(0) > 0  # what is known without doubt says nothing of the others
        told = residual[:, varies] if varies.any() else residual
        model, kept = _of(points, told[:, :1], told, noise, names, near, effects, None)
        return Shared(model, residual[kept].mT)
    return Apart(_of(points, residual, None, noise, names, near, effects, past)[0])


def _of(
    points: Tensor,
    residual: Tensor,
    alike: Tensor | None,
    noise: float | None,
    names: Names,
    near: Tensor | None,
    effects: bool,
    past: Past | None,
) -> tuple[SingleTaskGP, Tensor]:
    """A fitted process, and the rows it is conditioned on; ``alike`` (n, m) has all outputs whose kernel ``residual``'s is."""
    n = len(points)
    if n <= _MOST_FITTED:
        return _fitted(points, residual, alike, noise, names, effects, past), torch.arange(n)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(n))
    first = order[:_MOST_FITTED]
    some = _fitted(points[first], residual[first], None if alike is None else alike[first], noise, names, effects, past)
    if near is not None and n > _MOST_KEPT:
        others = order[_MOST_FITTED:]
        likest = _likeness(some, points[others], near).topk(_MOST_KEPT - _MOST_FITTED).indices
        order = torch.cat([order[:_MOST_FITTED], others[likest]])
    kept = order.sort().values
    whole = _model(points[kept], residual[kept], noise, names, effects, past)
    whole.covar_module.load_state_dict(some.covar_module.state_dict())
    if noise is None:
        whole.likelihood.load_state_dict(some.likelihood.state_dict())
    return _settled(whole), kept


def _likeness(model: SingleTaskGP, points: Tensor, near: Tensor) -> Tensor:
    """(n,) the largest correlation that the fitted kernel sees between each point and one of ``near``, over all outputs."""
    with torch.no_grad():
        covariance: Tensor = model.covar_module(points, near).to_dense()
    return covariance.amax(-1).reshape(-1, len(points)).mean(0)


def _model(points: Tensor, residual: Tensor, noise: float | None, names: Names, effects: bool, past: Past | None) -> SingleTaskGP:
    d, m = points.shape[-1], residual.shape[-1]
    batch = torch.Size([m] if m > 1 else [])
    variance = None if noise is None else torch.full_like(residual, noise)
    if effects or names:
        kernel: Any = Effects(d, batch, names)
    else:
        kernel = get_covar_module_with_dim_scaled_prior(d, batch, use_rbf_kernel=False)
    if past is not None:
        kernel = PastKernel(past, kernel, batch)
    mean = ZeroMean(batch_shape=batch)
    return SingleTaskGP(points, residual, variance, covar_module=kernel, mean_module=mean, outcome_transform=None)


def _fitted(
    points: Tensor,
    residual: Tensor,
    alike: Tensor | None,
    noise: float | None,
    names: Names,
    effects: bool,
    past: Past | None,
) -> SingleTaskGP:
    model = _model(points, residual, noise, names, effects, past)
    likelihood = ExactMarginalLogLikelihood(model.likelihood, model) if alike is None else SharedLikelihood(model, alike.mT)
    options: dict[str, Any] = {"maxiter": 60}
    if effects:
        # The last ten-thousandth of the likelihood costs as much as all before it and makes no forecast better; the optimiser of
        # several outputs at once asks to be told "factr" as well. Small residuals of a reference are worth the whole way.
        options |= {"ftol": 1e-4} | ({"factr": None} if residual.shape[-1] > 1 else {})
    start = {name: value.clone() for name, value in model.state_dict().items()}
    try:
        fit_gpytorch_mll(likelihood, optimizer_kwargs={"options": options})
    except (ModelFittingError, NotPSDError, NanError, RuntimeError, ValueError):
        model.load_state_dict(start)
    return _settled(model)


def _settled(model: SingleTaskGP) -> SingleTaskGP:
    """Ready to predict; without gradients of hyperparameters, which every prediction would prepare and nobody asks for."""
    model.requires_grad_(False)
    model.eval()
    return model
