"""A family prior: what past tasks say of a new one, as a mean and as directions in which tasks differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["Encoder", "FamilyPrior", "Listed", "Names", "Network", "PastTask", "in_units", "read"]

_FARTHEST = 3.0

NUMBERS = ("centre", "directions", "share", "doubt", "shift", "unit", "best", "rate", "helped")
Names = Sequence[tuple[Sequence[int], Tensor]]
"""Columns whose values are names, field by field, with (values, features) numbers that tell the values of a field apart."""


@dataclass(frozen=True, eq=False)
class PastTask:
    """What one past task answered.

    ``points`` (n, d) are designs in the unit cube, ``outputs`` (n, m) their modelled outputs; ``reference`` is theory, from
    points to outputs, None without. ``descriptors`` (s,) are numbers of its setting. Tasks of a ``group`` are left out at once.
    Where members of a family have different inputs, ``tokens`` (n, d) to (n, t) are what a prior reads of points instead.
    ``best`` (k, d) are the task's best points, one for each objective, if any kept its limits; ``failed`` (f, d) those without
    an answer.
    """

    name: str
    group: str
    points: Tensor
    outputs: Tensor
    descriptors: Tensor
    reference: Callable[[Tensor], Tensor] | None = None
    tokens: Callable[[Tensor], Tensor] | None = None
    best: Tensor | None = None
    failed: Tensor | None = None

    def told(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """What a prior reads of (n, d) points: columns of the cube, and descriptors, tokens among them, (n, s)."""
        return read(points, self.descriptors, self.tokens)


def read(points: Tensor, descriptors: Tensor, tokens: Callable[[Tensor], Tensor] | None) -> tuple[Tensor, Tensor]:
    """See ``PastTask.told``; (..., n, d) points."""
    told = descriptors.expand(*points.shape[:-1], -1)
    return (points, told) if tokens is None else (points[..., :0], torch.cat([tokens(points), told], -1))


def in_units(descriptors: Tensor, shift: Tensor, unit: Tensor) -> Tensor:
    """Descriptors in units of the past's spread, those that lie far beyond it at its edge; what never varied says nothing."""
    return ((descriptors - shift) / unit).clamp(-_FARTHEST, _FARTHEST)


class Network(nn.Module):
    """Features of numbers and names by two hidden layers; descriptors of the setting stand beside each design."""

    def __init__(self, columns: int, names: Names, descriptors: int, features: int, width: int = 64) -> None:
        super().__init__()
        named = [column for some, _tokens in names for column in some]
        self.ordered = [column for column in range(columns) if column not in named]
        self.named = [list(some) for some, _tokens in names]
        for index, (_some, tokens) in enumerate(names):
            self.register_buffer(f"tokens_{index}", tokens)
        inputs = len(self.ordered) + sum(len(some) * tokens.shape[-1] for some, tokens in names) + descriptors
        self.layers = nn.Sequential(
            nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, features)
        ).double()

    def forward(self, points: Tensor, descriptors: Tensor) -> Tensor:
        """(..., n, d) points and (s,) or (..., n, s) descriptors to (..., n, features)."""
        blocks = [2 * points[..., self.ordered] - 1]
        for index, columns in enumerate(self.named):
            tokens: Tensor = getattr(self, f"tokens_{index}")
            which = (points[..., columns] * len(tokens)).floor().clamp(0, len(tokens) - 1).long()
            blocks.append(tokens[which].flatten(-2))
        blocks.append(descriptors.expand(*points.shape[:-1], -1))
        return torch.as_tensor(self.layers(torch.cat(blocks, -1)))


class Listed(nn.Module):
    """Features of the members of one list, a row each: what all tasks have in common is known of every member by itself."""

    rows: Tensor

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.register_buffer("rows", rows)

    def forward(self, points: Tensor, descriptors: Tensor) -> Tensor:  # the same call as the network's
        """(..., n, 1) places in the list to (..., n, features)."""
        return self.rows[(points[..., 0] * len(self.rows)).floor().clamp(0, len(self.rows) - 1).long()]


Encoder = Network | Listed


class FamilyPrior(nn.Module):
    """A prior over functions of a design, for each of m outputs in units of its spread within a task.

    A new task is expected to be ``features @ (centre + directions @ z)`` plus what no past task shows, with z standard
    normal; ``share`` (m,) is the part of its variance about the mean that the directions hold, ``doubt`` (m,) how far the
    mean misses, both as found on tasks left out, and ``helped`` (1,) by how many of them the mean was of use, as a share;
    ``shift`` and ``unit`` (s,) are where the past tasks' descriptors lay. ``best`` (b, d) are the best points of past tasks;
    none where their inputs differ. Where trials of the past failed, ``rate`` (1,) is the share that was answered, otherwise
    (0,), and the last output is success, 1 or 0, less that share and in units of a half.
    """

    centre: Tensor
    directions: Tensor
    share: Tensor
    doubt: Tensor
    shift: Tensor
    unit: Tensor
    best: Tensor
    rate: Tensor
    helped: Tensor

    def __init__(self, encoder: Encoder, **numbers: Tensor) -> None:
        """``numbers`` are the attributes by their names."""
        super().__init__()
        self.encoder = encoder
        for name in NUMBERS:
            self.register_buffer(name, numbers[name])
        self.requires_grad_(False)

    def features(self, points: Tensor, descriptors: Tensor) -> Tensor:
        """(..., n, d) points to (..., n, k) features, in a task that has the raw ``descriptors`` (s,) or (..., n, s)."""
        return torch.as_tensor(self.encoder(points, in_units(descriptors, self.shift, self.unit)))
