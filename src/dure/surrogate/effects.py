"""A kernel for outputs to which each input contributes by itself, beside what only all of them together explain."""

from __future__ import annotations

import math
from typing import Any

import torch
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from gpytorch.kernels import Kernel, ScaleKernel
from gpytorch.priors import LogNormalPrior
from torch import Tensor

__all__ = ["Effects"]


class Effects(Kernel):  # type: ignore[misc]  # GPyTorch has no types
    """Sum of a Matern-5/2 kernel of each input alone and one of all of them together (duvenaud2011), each with its own weight.

    Half of the variance is expected from either sort; lengths have the priors of hvarfner2024. Where inputs act one by one, as
    many do, the first sort learns from each answer about the whole of every axis; where they do not, its weights fade.
    """

    has_lengthscale = False

    def __init__(self, ard_num_dims: int, batch_shape: torch.Size | None = None, active_dims: Any = None) -> None:
        batch = torch.Size() if batch_shape is None else batch_shape
        super().__init__(batch_shape=batch, active_dims=active_dims)
        each = torch.Size([*batch, ard_num_dims])
        self.alone = _weighted(get_covar_module_with_dim_scaled_prior(1, each, use_rbf_kernel=False), each, 0.5 / ard_num_dims)
        self.together = _weighted(get_covar_module_with_dim_scaled_prior(ard_num_dims, batch, use_rbf_kernel=False), batch, 0.5)
        # The axis of the inputs is summed over here: no kernel around this one may take it for another output.
        for kernel in (self.alone, self.alone.base_kernel):
            kernel.batch_shape = batch

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **params: Any) -> Tensor:
        """See ``gpytorch.kernels.Kernel``."""
        alone = self.alone.forward(x1.mT.unsqueeze(-1), x2.mT.unsqueeze(-1), diag=diag, **params)
        together = self.together.forward(x1, x2, diag=diag, **params)
        return torch.as_tensor(together + alone.sum(-2 if diag else -3))


def _weighted(kernel: Kernel, batch: torch.Size, weight: float) -> ScaleKernel:
    scaled = ScaleKernel(kernel, batch_shape=batch, outputscale_prior=LogNormalPrior(math.log(weight), 1.0))
    scaled.outputscale = weight
    return scaled
