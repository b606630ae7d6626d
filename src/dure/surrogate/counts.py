"""Names told apart by how often each has each of many features, such as molecules by their fragments."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor
from torch.nn import Module

__all__ = ["Counts", "Tanimoto"]

_REMEMBERED = 8


class Counts:
    """(values, features) counts, kept as the few of each value that are not zero: tables of many thousand molecules fit."""

    def __init__(self, counts: NDArray[Any]) -> None:
        self._rows: Any = csr_array(counts, dtype=np.float32)
        self._sizes = np.asarray(self._rows.power(2).sum(1), dtype=float)
        self._remembered = lru_cache(_REMEMBERED)(self._compared)  # the same pairs are asked for at every step of a fit
        self._columns = lru_cache(_REMEMBERED)(
            lambda numbers: self._rows[np.frombuffer(numbers, dtype=np.int64)].toarray().T.copy()
        )

    def __len__(self) -> int:
        return len(self._sizes)

    def __deepcopy__(self, _memo: Any) -> Counts:
        return self  # nothing in it ever changes

    def likeness(self, one: Tensor, other: Tensor) -> Tensor:
        """(n,) and (p,) numbers of values to how alike they are, (n, p) from 0 to 1 (Ralaivola2005): Tanimoto's coefficient."""
        return self._remembered(one.numpy().tobytes(), other.numpy().tobytes())

    def _compared(self, one: bytes, other: bytes) -> Tensor:
        left, right = np.frombuffer(one, dtype=np.int64), np.frombuffer(other, dtype=np.int64)
        if len(left) < len(right):
            return self._compared(other, one).mT
        inner = self._rows[left] @ self._columns(other)  # whole numbers, which single precision holds
        rest = self._sizes[left][:, None] + self._sizes[right]
        return torch.from_numpy(inner / (rest - inner))


class Tanimoto(Module):
    """How alike the values of one column are by their counts; nothing about it is fitted but its weight."""

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self.counts = counts

    def forward(self, x1: Tensor, x2: Tensor, share: Tensor, reach: Tensor, diag: bool) -> tuple[Tensor, ...]:
        """(..., n, 1) middles of intervals, and (..., 1) weights: the likeness by ``share``, its square by ``share`` squared, and
        by ``reach``.
        """
        alike = torch.ones(x1.shape[:-1], dtype=x1.dtype) if diag else self._alike(self._which(x1), self._which(x2))
        ends = 1 if diag else 2
        of_one, near = (one.reshape(*one.shape[:-1], *[1] * ends) * alike for one in (share, reach))
        return of_one, of_one.square(), near

    def _which(self, x: Tensor) -> Tensor:
        """(..., n, 1) middles of intervals to (..., n) numbers of values."""
        count = len(self.counts)
        return (x.squeeze(-1).detach() * count).floor().clamp(0, count - 1).long()

    def _alike(self, one: Tensor, other: Tensor) -> Tensor:
        """(..., n) and (..., p) numbers of values to their (..., n, p) likeness; each pair is compared once."""
        if _same(one) and _same(other):
            found = self.counts.likeness(*(rows[(0,) * (rows.dim() - 1)] for rows in (one, other)))
            return found.expand(*torch.broadcast_shapes(one.shape[:-1], other.shape[:-1]), *found.shape)
        (rows, left), (columns, right) = (values.unique(return_inverse=True) for values in (one, other))
        return self.counts.likeness(rows, columns)[left.unsqueeze(-1), right.unsqueeze(-2)]


def _same(rows: Tensor) -> bool:
    """Whether (..., n) numbers are the same n all over, as those of several outputs are."""
    flat = rows.reshape(rows.shape[:-1].numel(), rows.shape[-1])
    return len(flat) == 1 or bool((flat == flat[:1]).all())
