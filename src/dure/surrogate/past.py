"""What past tasks say of a new one, as a mean to start from and a kernel of the ways in which tasks differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from gpytorch.kernels import Kernel
from gpytorch.priors import LogNormalPrior
from torch import Tensor
from torch.nn import Parameter

from dure.models.prior import FamilyPrior, read

__all__ = ["Past", "PastKernel"]


@dataclass(frozen=True)
class Past:
    """A family prior under one setting.

    ``features`` maps (..., n, d) unit-cube points to (..., n, k); ``centre`` (m, k) makes of them the mean, in units of the
    outputs' spread, and ``directions`` (m, k, r) what tasks differ in, of mean square one. ``share`` (m,) of a task's variance
    about the mean is expected there, and the mean is expected to miss by ``doubt`` (m,) in those units. ``success``, where trials
    of the past failed, says the same of getting an answer, 1 or 0, measured from ``rate`` and in units of a half.
    """

    features: Callable[[Tensor], Tensor]
    centre: Tensor
    directions: Tensor
    share: Tensor
    doubt: Tensor
    success: Past | None = None
    rate: float = 1.0

    @classmethod
    def of(cls, prior: FamilyPrior, descriptors: Tensor, tokens: Callable[[Tensor], Tensor] | None = None) -> Past:
        """What a family prior says of the task whose setting has these ``descriptors`` (s,); ``tokens`` as in ``PastTask``."""

        def features(points: Tensor) -> Tensor:
            return prior.features(*read(points, descriptors, tokens))

        def said(rows: slice) -> Past:
            return cls(features, prior.centre[rows], prior.directions[rows], prior.share[rows], prior.doubt[rows])

        if not len(prior.rate):
            return said(slice(None))
        return replace(said(slice(-1)), success=said(slice(-1, None)), rate=float(prior.rate))

    def mean(self, points: Tensor) -> Tensor:
        """(..., n, d) to (..., n, m), in units of the spread."""
        return self.features(points) @ self.centre.mT

    def covariance(self, points: Tensor) -> Tensor:
        """(..., q, d) to (..., m, q, q): what is believed about the mean before any answer, of variance about one."""
        along = self.features(points).unsqueeze(-3) @ self.directions
        apart = torch.eye(points.shape[-2], dtype=points.dtype)
        return self.share[:, None, None] * (along @ along.mT) + (1 - self.share)[:, None, None] * apart


class PastKernel(Kernel):  # type: ignore[misc]  # GPyTorch has no types
    """Products of the past's directions, and beside them a kernel that knows no past, refitted together on the task itself.

    The directions are the principal ones of the past tasks' weights (perrone2018 learns the like as a Bayesian linear model).
    """

    has_lengthscale = False

    def __init__(self, past: Past, beside: Kernel, batch_shape: torch.Size) -> None:
        super().__init__(batch_shape=batch_shape)
        self.past, self.beside = past, beside
        which = ... if len(batch_shape) else 0
        self.register_buffer("directions", past.directions[which])
        share = past.share[which]
        for name, middle in (("along", share), ("apart", 1 - share)):
            self.register_parameter(f"raw_{name}", Parameter(torch.zeros_like(middle)[..., None]))
            self.register_buffer(f"middle_{name}", middle[..., None])
            self.register_prior(f"{name}_prior", LogNormalPrior(0.0, 1.0), lambda kernel, name=name: kernel.relative(name))

    def relative(self, name: str) -> Tensor:
        """A weight in units of what is expected."""
        return torch.as_tensor(getattr(self, f"raw_{name}").exp())

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **params: Any) -> Tensor:
        """See ``gpytorch.kernels.Kernel``."""
        one = self._along(x1)
        other = one if x1 is x2 else self._along(x2)
        along, apart = (self.relative(name) * getattr(self, f"middle_{name}") for name in ("along", "apart"))
        beside = self.beside.forward(x1, x2, diag=diag, **params)
        if diag:
            return torch.as_tensor(along * (one * other).sum(-1) + apart * beside)
        return torch.as_tensor(along[..., None] * (one @ other.mT) + apart[..., None] * beside)

    def _along(self, points: Tensor) -> Tensor:
        return torch.as_tensor(self.past.features(points) @ self.directions)
