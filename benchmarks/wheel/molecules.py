"""Peers for searches of a pool of molecules: what they know is fingerprints, and of some what other targets answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from botorch.acquisition.analytic import LogExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.models.transforms import Standardize
from botorch.utils.sampling import manual_seed
from gpytorch.kernels import Kernel, ScaleKernel
from gpytorch.mlls import ExactMarginalLogLikelihood
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["GIVEN", "PEERS", "Array", "Player"]

GIVEN = "given the past"

Array = NDArray[np.float64]
Counts = NDArray[np.uint8]
"""(molecules, 2048) how often each fragment occurs: the fingerprint of the design field."""


Player = Callable[[NDArray[np.int64], Array], Array]
"""Told rows and their (n,) scores, larger is better, gives each of all rows a merit."""


class _Tanimoto(Kernel):  # type: ignore[misc]  # GPyTorch has no types
    """Tanimoto's coefficient of counts (Ralaivola2005)."""

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **_params: Any) -> Tensor:
        if diag:
            return torch.ones(x1.shape[:-1], dtype=x1.dtype)
        inner = x1 @ x2.mT
        return inner / (x1.square().sum(-1)[..., None] + x2.square().sum(-1)[..., None, :] - inner).clamp_min(1e-9)


def _fitted(x: Tensor, y: Array, kernel: Kernel | None) -> SingleTaskGP:
    target = torch.from_numpy(y)[:, None]
    model = SingleTaskGP(x.double(), target, covar_module=kernel, outcome_transform=Standardize(1))
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return model


def _merit(model: SingleTaskGP, x: Tensor, best: float, greedy: bool) -> Array:
    """Of every molecule the mean, or the logarithm of the expected improvement."""
    judge = LogExpectedImprovement(model, best_f=best)
    with torch.no_grad():
        parts = [
            model.posterior(part).mean.squeeze(-1) if greedy else judge(part.unsqueeze(-2)) for part in x.double().split(4096)
        ]
    return np.asarray(torch.cat(parts).numpy())


def _tanimoto(counts: Counts, _past: Array, seed: int, *, greedy: bool) -> Player:
    """A Gaussian process of Tanimoto's kernel, in the library's parts."""
    x = torch.from_numpy(counts.astype(np.float32))

    def play(rows: NDArray[np.int64], scores: Array) -> Array:
        with manual_seed(seed):
            return _merit(_fitted(x[rows], scores, ScaleKernel(_Tanimoto())), x, float(scores.max()), greedy)

    return play


def _forest(counts: Counts, _past: Array, seed: int) -> Player:
    """A random forest on fingerprints, best mean first."""
    from sklearn.ensemble import RandomForestRegressor

    x = counts.astype(np.float32)

    def play(rows: NDArray[np.int64], scores: Array) -> Array:
        forest = RandomForestRegressor(100, max_depth=8, random_state=seed)
        return np.asarray(forest.fit(x[rows], scores).predict(x))

    return play


def _filled(past: Array) -> Array:
    """(molecules, targets) scores in units of each target's spread; a dock that failed counts as the target's mean."""
    return np.asarray(np.nan_to_num((past - np.nanmean(past, 0)) / np.nanstd(past, 0)))


def _replayed(_counts: Counts, past: Array, _seed: int) -> Player:
    """Molecules that dock well everywhere first; nothing is learned."""
    merit = _filled(past).mean(1)
    return lambda _rows, _scores: merit


def _profiled(_counts: Counts, past: Array, seed: int) -> Player:
    """A Gaussian process over each molecule's scores at other targets, best mean first."""
    x = torch.from_numpy(_filled(past))
    x = (x - x.mean(0)) / (6 * x.std(0)) + 0.5

    def play(rows: NDArray[np.int64], scores: Array) -> Array:
        with manual_seed(seed):
            return _merit(_fitted(x[rows], scores, None), x, float(scores.max()), True)

    return play


def _ridge(_counts: Counts, past: Array, _seed: int) -> Player:
    """Ridge regression on the same scores, its weight by leaving answers out in turn."""
    from sklearn.linear_model import RidgeCV

    x = _filled(past)

    def play(rows: NDArray[np.int64], scores: Array) -> Array:
        return np.asarray(RidgeCV(np.logspace(-1, 4, 11)).fit(x[rows], scores).predict(x))

    return play


PEERS: Mapping[str, Callable[..., Player]] = {
    "Tanimoto GP, expected improvement": lambda *given: _tanimoto(*given, greedy=False),
    "Tanimoto GP, best mean": lambda *given: _tanimoto(*given, greedy=True),
    "random forest, best mean": _forest,
    "mean of other targets, given the past": _replayed,
    "GP on scores at other targets, given the past": _profiled,
    "ridge on scores at other targets, given the past": _ridge,
}
"""Made of fingerprints, of (molecules, targets) scores at other targets, and a seed."""
