"""What a chemist with BoTorch would write: an exact Gaussian process on fragment counts, and expected improvement over the pool."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from botorch.acquisition import LogExpectedImprovement
from botorch.exceptions.warnings import BotorchWarning
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.utils.sampling import manual_seed
from gpytorch.kernels import Kernel, ScaleKernel
from gpytorch.mlls import ExactMarginalLogLikelihood
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["chosen"]


class _Tanimoto(Kernel):  # type: ignore[misc]  # gpytorch ships no types
    """How alike two rows of counts are, from 0 to 1 (Ralaivola2005)."""

    has_lengthscale = False

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **_more: Any) -> Tensor:
        if diag:
            return torch.ones(x1.shape[:-1], dtype=x1.dtype)
        inner = x1 @ x2.mT
        return inner / (x1.square().sum(-1)[..., None] + x2.square().sum(-1)[..., None, :] - inner)


def chosen(counts: NDArray[Any], values: NDArray[np.float64], known: Sequence[int], batch: int, seed: int) -> list[int]:
    """The next rows of a pool: one after the other the largest expected improvement, each believed to come out as its mean.

    ``values`` are read at ``known`` rows only.
    """
    x = torch.from_numpy(counts[list(known)].astype(float))
    y = torch.from_numpy(values[list(known)])[:, None]
    left = np.setdiff1d(np.arange(len(counts)), known)
    pool = torch.from_numpy(counts[left].astype(float))
    found: list[int] = []
    with manual_seed(seed), warnings.catch_warnings():
        warnings.simplefilter("ignore", BotorchWarning)
        model = SingleTaskGP(x, y, covar_module=ScaleKernel(_Tanimoto()))
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        for _one in range(batch):
            with torch.no_grad():
                gain = torch.cat([LogExpectedImprovement(model, y.max())(part[:, None]) for part in pool.split(512)])
                gain[found] = -torch.inf
                best = int(gain.argmax())
                believed = model.posterior(pool[[best]]).mean
            found.append(best)
            x, y = torch.cat([x, pool[[best]]]), torch.cat([y, believed])
            model = model.condition_on_observations(pool[[best]], believed)
    return left[found].tolist()
