"""A kernel of single inputs, of pairs and of all of them together, for numbers and names alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from operator import add, mul
from typing import Any

import torch
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from gpytorch.kernels import Kernel
from gpytorch.priors import LogNormalPrior
from torch import Tensor
from torch.nn import Module, ModuleList, Parameter
from torch.nn.functional import one_hot

from dure.surrogate.counts import Counts, Tanimoto

__all__ = ["Effects", "Names"]

Names = Sequence[tuple[Sequence[int], Tensor | Counts]]
"""Columns whose values are names, field by field, with (values, features) numbers or counts that tell the values apart."""


class Effects(Kernel):  # type: ignore[misc]  # GPyTorch has no types
    """What each input contributes by itself, what pairs of inputs do, and what only all together explain (duvenaud2011).

    A number's likeness is Matern-5/2 with the lengths of hvarfner2024, a name's that of its features, and equality without any;
    where features are counted it is Tanimoto's.
    Each order is expected to explain a third. Where inputs act one by one or in pairs, as many do, the first two orders learn
    from each answer about much of the space; where they do not, their weights fade.
    """

    has_lengthscale = False

    def __init__(self, columns: int, batch_shape: torch.Size | None = None, names: Names = ()) -> None:
        batch = torch.Size() if batch_shape is None else batch_shape
        super().__init__(batch_shape=batch)
        named = [column for some, _tokens in names for column in some]
        self.ordered = [column for column in range(columns) if column not in named]
        self.named = [list(some) for some, _told in names]
        if count := len(self.ordered):
            self.alone = get_covar_module_with_dim_scaled_prior(1, torch.Size([*batch, count]), use_rbf_kernel=False)
            self.together = get_covar_module_with_dim_scaled_prior(count, batch, use_rbf_kernel=False)
            self.alone.batch_shape = batch  # the axis of the inputs is this kernel's own, and never another output
        self.alike = ModuleList([Tanimoto(told) if isinstance(told, Counts) else _Alike(told, batch) for _columns, told in names])
        self._weight("share", columns, 1 / columns, 0.5)
        self._weight("order", 3, 1 / 3, 1.0)
        if named:
            self._weight("reach", len(named), len(named) / 2, 1.0)

    def _weight(self, name: str, count: int, middle: float, spread: float) -> None:
        """Positive numbers, (*batch, count), expected to be about ``middle``."""
        self.register_parameter(f"raw_{name}", Parameter(torch.full((*self.batch_shape, count), math.log(middle))))
        self.register_prior(f"{name}_prior", LogNormalPrior(math.log(middle), spread), lambda kernel: kernel.positive(name))

    def doubt(self, factor: float) -> None:
        """Shorten names' reach by ``factor``, and leave only what all inputs do together, with all the weight."""
        if self.named:
            self.raw_reach.data += math.log(factor)
        order = self.positive("order")
        little = torch.full_like(order[..., :2], math.log(1e-6))
        self.raw_order.data = torch.cat([little, order.sum(-1, keepdim=True).log()], -1)

    def positive(self, name: str) -> Tensor:
        """The weights of that name."""
        return torch.as_tensor(getattr(self, f"raw_{name}").exp())

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **params: Any) -> Tensor:
        """See ``gpytorch.kernels.Kernel``."""
        ends = 1 if diag else 2
        share, place = self.positive("share"), len(self.ordered)
        parts: list[tuple[Tensor, Tensor, Tensor]] = []  # what each field adds alone, its squares, and its factor of the rest
        if self.ordered:
            one, other = x1[..., self.ordered], x2[..., self.ordered]
            single = self.alone.forward(one.mT.unsqueeze(-1), other.mT.unsqueeze(-1), diag=diag, **params)
            single = single * _beside(share[..., :place], ends)
            rest = self.together.forward(one, other, diag=diag, **params)
            parts.append((single.sum(-ends - 1), single.square().sum(-ends - 1), rest))
        for columns, alike in zip(self.named, self.alike, strict=True):
            mine = slice(place, place + len(columns))
            place, reach = (
                mine.stop,
                1 / self.positive("reach")[..., mine.start - len(self.ordered) : mine.stop - len(self.ordered)],
            )
            of_one, of_all, near = alike(x1[..., columns], x2[..., columns], share[..., mine], reach, diag)
            parts.append((of_one, of_all, (near - _beside(reach.sum(-1, keepdim=True), ends).squeeze(-ends - 1)).exp()))
        alone, squares, together = (list(one) for one in zip(*parts, strict=True))
        first, second, third = (_beside(one, ends).squeeze(-ends - 1) for one in self.positive("order").split(1, -1))
        total = reduce(add, alone)
        found: Tensor = first * total + third * reduce(mul, together)
        return found + second * (total * total - reduce(add, squares)) if share.shape[-1] > 1 else found


class _Alike(Module):
    """How alike the names of one field are, summed over its columns; ``tokens`` tell the names apart."""

    def __init__(self, tokens: Tensor, batch: torch.Size) -> None:
        super().__init__()
        self.tokens = tokens
        told = not torch.equal(tokens, torch.eye(len(tokens)).to(tokens))
        self.features = get_covar_module_with_dim_scaled_prior(tokens.shape[-1], batch, use_rbf_kernel=False) if told else None

    def forward(self, x1: Tensor, x2: Tensor, share: Tensor, reach: Tensor, diag: bool) -> tuple[Tensor, ...]:
        """(..., n, p) names, and (..., p) weights: the likeness by ``share``, its square by ``share`` squared, and by ``reach``.

        Each sum over columns is one product of matrices: the likenesses of every column would not fit into memory.
        """
        one, other = self._which(x1), self._which(x2)
        alike = None if self.features is None else self.features.forward(self.tokens, self.tokens)
        again = None if alike is None else alike.square()
        return tuple(
            _summed(one, other, matrix, weight, diag)
            for matrix, weight in ((alike, share), (again, share.square()), (alike, reach))
        )

    def _which(self, x: Tensor) -> Tensor:
        """(..., n, p) middles of intervals to (..., n, p, values): one where it is that name."""
        count = len(self.tokens)
        return one_hot((x * count).floor().clamp(0, count - 1).long(), count).to(x)


def _summed(one: Tensor, other: Tensor, alike: Tensor | None, weight: Tensor, diag: bool) -> Tensor:
    """Sum over columns of ``weight`` times the likeness of their names."""
    one = (one if alike is None else one @ alike.unsqueeze(-3)) * weight[..., None, :, None]
    if diag:
        return (one * other).sum((-1, -2))
    return one.flatten(-2) @ other.flatten(-2).mT


def _beside(weights: Tensor, ends: int) -> Tensor:
    return weights.reshape(*weights.shape, *[1] * ends)
