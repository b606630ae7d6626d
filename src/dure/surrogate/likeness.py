"""Names told apart by a likeness that is known beforehand, such as that of molecules by their fragments."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor
from torch.nn import Module

__all__ = ["Counts", "Described", "Likeness", "Stated", "told_apart"]

_REMEMBERED = 8
_SAMPLED = 1000


class Likeness(ABC):
    """How alike the values of a column are, known beforehand."""

    def __init__(self) -> None:
        self._remembered = lru_cache(_REMEMBERED)(self._compared)  # the same pairs are asked for at every step of a fit

    @abstractmethod
    def __len__(self) -> int: ...

    def __deepcopy__(self, _memo: Any) -> Likeness:
        return self  # nothing in it ever changes

    def of(self, one: Tensor, other: Tensor) -> Tensor:
        """(n,) and (p,) numbers of values to how alike they are, (n, p) from 0 to 1."""
        return self._remembered(one.numpy().tobytes(), other.numpy().tobytes())

    def _compared(self, one: bytes, other: bytes) -> Tensor:
        left, right = np.frombuffer(one, dtype=np.int64), np.frombuffer(other, dtype=np.int64)
        return self._compared(other, one).mT if len(left) < len(right) else torch.from_numpy(self._pairs(left, right))

    @abstractmethod
    def _pairs(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]: ...


class Counts(Likeness):
    """Tanimoto's coefficient (Ralaivola2005) of (values, features) counts.

    They are kept as the few of each value that are not zero: tables of many thousand molecules fit.
    """

    def __init__(self, counts: NDArray[Any]) -> None:
        super().__init__()
        self._rows: Any = csr_array(counts, dtype=np.float32)
        self._sizes = np.asarray(self._rows.power(2).sum(1), dtype=float)
        self._columns = lru_cache(_REMEMBERED)(
            lambda numbers: self._rows[np.frombuffer(numbers, dtype=np.int64)].toarray().T.copy()
        )

    def __len__(self) -> int:
        return len(self._sizes)

    def _pairs(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        inner = self._rows[left] @ self._columns(right.tobytes())  # whole numbers, which single precision holds
        return np.asarray(inner / (self._sizes[left][:, None] + self._sizes[right] - inner))


class Described(Likeness):
    """A Gaussian of the distance between (values, k) features, each in units of its spread over all values.

    At half the median distance of two values the likeness is 1 / e.
    """

    def __init__(self, features: NDArray[np.float32]) -> None:
        super().__init__()
        told = features.astype(float)
        spread = told.std(0)
        told = (told - told.mean(0)) / np.where(spread > 0, spread, 1.0)
        some = told[:: -(-len(told) // _SAMPLED)]
        apart = _squares(some, some)[~np.eye(len(some), dtype=bool)]
        median = float(np.median(apart)) if len(apart) else 0.0
        self._rows = 2 * told / np.sqrt(median or 1.0)

    def __len__(self) -> int:
        return len(self._rows)

    def _pairs(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
        found = np.exp(-_squares(self._rows[left], self._rows[right]))
        found[left[:, None] == right] = 1.0
        return np.asarray(found)


def _squares(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, k) and (p, k) to their (n, p) squared distances."""
    sums = [np.square(some).sum(1) for some in (one, other)]
    return np.asarray(np.maximum(sums[0][:, None] + sums[1] - 2 * one @ other.T, 0.0))


def told_apart(tokens: NDArray[Any]) -> Tensor | Likeness:
    """What tells the values of a field apart, as a surrogate takes it: counts and descriptions by a likeness of their own."""
    if tokens.dtype == np.uint8:
        return Counts(tokens)
    return Described(tokens) if tokens.dtype == np.float32 else torch.from_numpy(tokens)


class Stated(Module):
    """How alike the values of one column are by a known likeness; nothing about it is fitted but its weight."""

    def __init__(self, likeness: Likeness) -> None:
        super().__init__()
        self.likeness = likeness

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
        count = len(self.likeness)
        return (x.squeeze(-1).detach() * count).floor().clamp(0, count - 1).long()

    def _alike(self, one: Tensor, other: Tensor) -> Tensor:
        """(..., n) and (..., p) numbers of values to their (..., n, p) likeness; each pair is compared once."""
        if _same(one) and _same(other):
            found = self.likeness.of(*(rows[(0,) * (rows.dim() - 1)] for rows in (one, other)))
            return found.expand(*torch.broadcast_shapes(one.shape[:-1], other.shape[:-1]), *found.shape)
        (rows, left), (columns, right) = (values.unique(return_inverse=True) for values in (one, other))
        return self.likeness.of(rows, columns)[left.unsqueeze(-1), right.unsqueeze(-2)]


def _same(rows: Tensor) -> bool:
    """Whether (..., n) numbers are the same n all over, as those of several outputs are."""
    flat = rows.reshape(rows.shape[:-1].numel(), rows.shape[-1])
    return len(flat) == 1 or bool((flat == flat[:1]).all())
