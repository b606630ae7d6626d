"""What a chemist with BoTorch would write: a Gaussian process on fragment counts, and expected improvement over the pool."""

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


class _Known(Kernel):  # type: ignore[misc]  # gpytorch ships no types
    """Looks up how alike two rows of a pool are, from 0 to 1, in an (n, n) table; points are (..., 1) row numbers."""

    has_lengthscale = False

    def __init__(self, alike: Tensor) -> None:
        super().__init__()
        self._alike = alike

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **_more: Any) -> Tensor:
        one, other = x1.squeeze(-1).long(), x2.squeeze(-1).long()
        return self._alike[one, other] if diag else self._alike[one.unsqueeze(-1), other.unsqueeze(-2)]


def chosen(alike: NDArray[np.float64], values: NDArray[np.float64], known: Sequence[int], batch: int, seed: int) -> list[int]:
    """The next rows of a pool: one after the other the largest expected improvement, each believed to come out as its mean.

    ``alike`` is (n, n), Tanimoto's coefficient of fragment counts (Ralaivola2005); ``values`` are read at ``known`` rows only.
    """
    rows = torch.tensor(known, dtype=torch.double)[:, None]
    y = torch.from_numpy(values[list(known)])[:, None]
    left = torch.from_numpy(np.setdiff1d(np.arange(len(alike)), known)).double()[:, None]
    found: list[int] = []
    with manual_seed(seed), warnings.catch_warnings():
        warnings.simplefilter("ignore", BotorchWarning)
        model: Any = SingleTaskGP(rows, y, covar_module=ScaleKernel(_Known(torch.from_numpy(alike))))
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        for _one in range(batch):
            with torch.no_grad():
                gain = torch.cat([LogExpectedImprovement(model, y.max())(part[:, None]) for part in left.split(512)])
                best = int(gain.argmax())
                believed = model.posterior(left[[best]]).mean
            found.append(int(left[best]))
            model = model.condition_on_observations(left[[best]], believed)
            left = torch.cat([left[:best], left[best + 1 :]])
    return found
