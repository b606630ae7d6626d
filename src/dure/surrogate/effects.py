"""A kernel of single inputs, of pairs and of all of them together, for numbers and names alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from gpytorch.kernels import Kernel
from gpytorch.priors import LogNormalPrior
from torch import Tensor
from torch.nn import ModuleList, Parameter
from torch.nn.functional import one_hot

__all__ = ["Effects", "Names"]

Names = Sequence[tuple[Sequence[int], Tensor]]
"""Columns whose values are names, field by field, with (values, features) numbers that tell the values of a field apart."""


class Effects(Kernel):  # type: ignore[misc]  # GPyTorch has no types
    """What each input contributes by itself, what pairs of inputs do, and what only all together explain (duvenaud2011).

    A number's likeness is Matern-5/2 with the lengths of hvarfner2024, a name's that of its features, and equality without any.
    Each order is expected to explain a third. Where inputs act one by one or in pairs, as many do, the first two orders learn
    from each answer about much of the space; where they do not, their weights fade.
    """

    has_lengthscale = False

    def __init__(self, columns: int, batch_shape: torch.Size | None = None, names: Names = ()) -> None:
        batch = torch.Size() if batch_shape is None else batch_shape
        super().__init__(batch_shape=batch)
        named = [column for some, _tokens in names for column in some]
        self.ordered = [column for column in range(columns) if column not in named]
        self.named = [(list(some), tokens) for some, tokens in names]
        if count := len(self.ordered):
            self.alone = get_covar_module_with_dim_scaled_prior(1, torch.Size([*batch, count]), use_rbf_kernel=False)
            self.together = get_covar_module_with_dim_scaled_prior(count, batch, use_rbf_kernel=False)
            self.alone.batch_shape = batch  # the axis of the inputs is this kernel's own, and never another output
        self.alike = ModuleList([_Alike(tokens, batch) for _columns, tokens in names])
        self._weight("share", columns, 1 / columns, 0.5)
        self._weight("order", 3, 1 / 3, 1.0)
        if named:
            self._weight("reach", len(named), len(named) / 2, 1.0)

    def _weight(self, name: str, count: int, middle: float, spread: float) -> None:
        """Positive numbers, (*batch, count), expected to be about ``middle``."""
        self.register_parameter(f"raw_{name}", Parameter(torch.full((*self.batch_shape, count), math.log(middle))))
        self.register_prior(f"{name}_prior", LogNormalPrior(math.log(middle), spread), lambda kernel: kernel.positive(name))

    def positive(self, name: str) -> Tensor:
        """The weights of that name."""
        return torch.as_tensor(getattr(self, f"raw_{name}").exp())

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **params: Any) -> Tensor:
        """See ``gpytorch.kernels.Kernel``."""
        ends = 1 if diag else 2
        alike = [kernel(x1[..., some], x2[..., some], diag) for (some, _), kernel in zip(self.named, self.alike, strict=True)]
        single: list[Tensor] = list(alike)
        together: Any = 1.0
        if self.ordered:
            one, other = x1[..., self.ordered], x2[..., self.ordered]
            single.insert(0, self.alone.forward(one.mT.unsqueeze(-1), other.mT.unsqueeze(-1), diag=diag, **params))
            together = self.together.forward(one, other, diag=diag, **params)
        if alike:
            apart = (1 - torch.cat(alike, -ends - 1)) / _beside(self.positive("reach"), ends)
            together = together * (-apart.sum(-ends - 1)).exp()
        singles = torch.cat(single, -ends - 1) * _beside(self.positive("share"), ends)
        alone = singles.sum(-ends - 1)
        pairs = alone.square() - singles.square().sum(-ends - 1)
        first, second, rest = (_beside(one, ends).squeeze(-ends - 1) for one in self.positive("order").split(1, -1))
        return torch.as_tensor(first * alone + second * pairs + rest * together)


class _Alike(Kernel):  # type: ignore[misc]
    """(..., n, p) columns of one field's names to how alike they are, (..., p, n, n'); ``tokens`` tell the names apart."""

    has_lengthscale = False

    def __init__(self, tokens: Tensor, batch: torch.Size) -> None:
        super().__init__()
        self.tokens = tokens
        told = not torch.equal(tokens, torch.eye(len(tokens)).to(tokens))
        self.features = get_covar_module_with_dim_scaled_prior(tokens.shape[-1], batch, use_rbf_kernel=False) if told else None

    def __call__(self, x1: Tensor, x2: Tensor, diag: bool = False) -> Tensor:
        one, other = self._which(x1), self._which(x2)
        if self.features is not None:
            one = one @ self.features.forward(self.tokens, self.tokens).unsqueeze(-3)
        return (one * other).sum(-1) if diag else one @ other.mT

    def _which(self, x: Tensor) -> Tensor:
        """(..., n, p) middles of intervals to (..., p, n, values): one where it is that name."""
        count = len(self.tokens)
        number = (x.mT * count).floor().clamp(0, count - 1).long()
        return one_hot(number, count).to(x)


def _beside(weights: Tensor, ends: int) -> Tensor:
    return weights.reshape(*weights.shape, *[1] * ends)
