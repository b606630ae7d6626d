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
    """A numpy function with a central-difference gradient; points and their 2 d neighbours go through in one call."""

    @staticmethod
    def forward(ctx: Any, points: Tensor, function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Tensor:
        d = points.shape[-1]
        flat = points.detach().reshape(-1, d).numpy()
        if not ctx.needs_input_grad[0]:
            values = function(flat)
            return torch.from_numpy(values).reshape(*points.shape[:-1], values.shape[-1])
        step = np.eye(d) * _STEP
        high, low = (np.clip(flat[:, None, :] + sign * step, 0, 1) for sign in (1, -1))
        values = function(np.concatenate([flat, high.reshape(-1, d), low.reshape(-1, d)]))
        n = len(flat)
        rise = (values[n : n + n * d] - values[n + n * d :]).reshape(n, d, -1)
        slope = rise / np.einsum("ndd->nd", high - low)[:, :, None]
        ctx.save_for_backward(torch.from_numpy(slope))
        return torch.from_numpy(values[:n].copy()).reshape(*points.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        (outer,) = gradients
        inner = slope @ outer.reshape(len(slope), -1, 1)
        return inner.squeeze(-1).reshape(*outer.shape[:-1], slope.shape[1]), None


def differentiable(function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Reference:
    """``function`` of (n, d) arrays in the unit cube, (n, m) out, as a reference with gradients."""

    def reference(points: Tensor) -> Tensor:
        result: Tensor = _FiniteDifference.apply(points, function)  # type: ignore[no-untyped-call]
        return result

    return reference
