"""What a surrogate starts from: theory as a function torch can differentiate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Reference", "differentiable"]

Reference = Callable[[Tensor], Tensor]
"""(..., n, d) unit-cube points to (..., n, m) outputs."""

_STEP = 1e-4


class _FiniteDifference(torch.autograd.Function):
    """A numpy function with a central-difference gradient; one extra call gives all 2 d neighbours."""

    @staticmethod
    def forward(ctx: Any, points: Tensor, function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Tensor:
        ctx.function = function
        ctx.save_for_backward(points)
        flat = points.detach().reshape(-1, points.shape[-1]).numpy()
        return torch.from_numpy(function(flat)).reshape(*points.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (points,) = ctx.saved_tensors
        (outer,) = gradients
        d = points.shape[-1]
        flat = points.detach().reshape(-1, 1, d).numpy()
        step = np.eye(d) * _STEP
        high, low = np.clip(flat + step, 0, 1), np.clip(flat - step, 0, 1)
        values = ctx.function(np.concatenate([high, low]).reshape(-1, d)).reshape(2, len(flat), d, -1)
        slope = (values[0] - values[1]) / np.einsum("ndd->nd", high - low)[:, :, None]
        inner = torch.from_numpy(slope) @ outer.reshape(len(flat), -1, 1)
        return inner.squeeze(-1).reshape(points.shape), None


def differentiable(function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Reference:
    """``function`` of (n, d) arrays in the unit cube, (n, m) out, as a reference with gradients."""

    def reference(points: Tensor) -> Tensor:
        result: Tensor = _FiniteDifference.apply(points, function)  # type: ignore[no-untyped-call]
        return result

    return reference
