"""How much rougher the truth may be than the fit: a few answers leave length scales open, and the fitted ones look too calm."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial

import torch
from gpytorch.kernels import MaternKernel

from dure.surrogate.effects import Effects
from dure.surrogate.ladder import Ladder
from dure.surrogate.process import Process
from dure.surrogate.rung import Rung

__all__ = ["roughest", "wary"]

_FACTORS = (0.85, 0.7, 0.6, 0.5, 0.4)
_DROP = 1.92
"""What the logarithm of a likelihood may lose within a 95 % interval of one parameter: half of chi-square's quantile, 3.84."""


def roughest(model: Ladder) -> Ladder:
    """``model`` with the length scales of each output shortened by the smallest factor, of a few, that the answers allow.

    What is believed of success, and of how alike names are, stays.
    """
    return _changed(model, _shortened)


def wary(model: Ladder, factor: float) -> Ladder:
    """``model`` as if nothing could be learned of inputs one by one or in pairs, its lengths ``factor`` times what they were.

    For where to look once the fit sees nothing left to gain: what it says near its answers stays, what it says elsewhere fades.
    """
    return _changed(model, partial(_doubted, factor=factor))


def _changed(model: Ladder, change: Callable[[Process], Process]) -> Ladder:
    rungs: list[Rung] = []
    for rung in model.rungs:
        residual = None if rung.residual is None else change(rung.residual)
        rungs.append(replace(rung, residual=residual, lower=rungs[-1] if rungs else None))
    return Ladder(rungs, model.successes)


def _doubted(fitted: Process, factor: float) -> Process:
    rough = replace(fitted, model=deepcopy(fitted.model))
    for kernel in rough.model.covar_module.modules():
        if isinstance(kernel, MaternKernel):
            kernel.lengthscale = kernel.lengthscale * factor
        if isinstance(kernel, Effects):
            kernel.doubt(factor)
    rough.model.eval()
    return rough


def _shortened(fitted: Process) -> Process:
    rough = replace(fitted, model=deepcopy(fitted.model))
    kernels = rough.model.covar_module.modules()
    scales = {kernel: kernel.lengthscale.clone() for kernel in kernels if isinstance(kernel, MaternKernel)}
    best = rough.log_likelihoods()
    allowed, factor = torch.ones_like(best, dtype=torch.bool), torch.ones_like(best)
    for tried in _FACTORS if scales else ():
        for kernel, scale in scales.items():
            kernel.lengthscale = scale * tried
        allowed = allowed & (rough.log_likelihoods() >= best - _DROP)
        if not allowed.any():
            break
        factor = torch.where(allowed, tried, factor)
    for kernel, scale in scales.items():
        # Kernels of single inputs have an axis for these behind that of the outputs.
        kernel.lengthscale = scale * factor.reshape(*factor.shape, *[1] * (scale.dim() - factor.dim()))
    rough.model.eval()
    return rough
