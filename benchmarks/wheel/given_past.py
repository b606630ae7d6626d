"""Peers for searches of tables that are given what the other tables of a space answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from botorch.acquisition.analytic import LogExpectedImprovement
from botorch.cross_validation import efficient_loo_cv
from botorch.fit import fit_gpytorch_mll
from botorch.models import MultiTaskGP, SingleTaskGP
from botorch.models.model import Model
from botorch.posteriors import GPyTorchPosterior
from botorch.utils.sampling import manual_seed
from gpytorch.distributions import MultivariateNormal
from gpytorch.mlls import ExactMarginalLogLikelihood
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.wheel.molecules import Array, Player

__all__ = ["GIVEN_PAST", "QUICK_PEERS", "Table"]

Table = tuple[Array, Array]
"""(n, d) points in the unit cube and their (n,) answers, larger is better."""

_ROWS_TOGETHER, _ROWS_APART, _SAMPLES = 40, 200, 256


def _unit(values: Array) -> Tensor:
    """(n, 1) in units of their own spread."""
    return torch.from_numpy((values - values.mean()) / (values.std() or 1.0))[:, None]


def _some(table: Table, count: int, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
    rows = generator.permutation(len(table[0]))[:count]
    return torch.from_numpy(table[0][rows]), _unit(table[1])[torch.from_numpy(rows)]


def _fitted(model: Any) -> Any:
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return model


def _gain(model: Model, cube: Tensor, best: float) -> Array:
    judge = LogExpectedImprovement(model, best_f=best)
    with torch.no_grad():
        return np.asarray(torch.cat([judge(part.unsqueeze(-2)) for part in cube.split(1024)]).numpy())


def _replayed(cube: Array, past: Sequence[Table], _seed: int) -> Player:
    """The rows nearest to the best designs of past tables: of each its best, then of each its second."""
    order = [np.argsort(-answers, kind="stable") for _points, answers in past]
    merit = np.full(len(cube), -np.inf)
    place = 0.0
    for rank in range(max(map(len, order))):
        for (points, _answers), rows in zip(past, order, strict=True):
            if rank < len(rows):
                away = np.square(cube - points[rows[rank]]).sum(1)
                away[np.isfinite(merit)] = np.inf
                if np.isfinite(away).any():
                    merit[int(away.argmin())] = -place
                    place += 1
        if np.isfinite(merit).all() or place > 100:
            break
    return lambda _rows, _values: merit


def _together(cube: Array, past: Sequence[Table], seed: int) -> Player:
    """BoTorch's multi-task Gaussian process over forty rows of each past table and all own answers."""
    generator = np.random.default_rng(seed)
    known = [_some(one, _ROWS_TOGETHER, generator) for one in past]
    opening = _replayed(cube, past, seed)
    everything = torch.from_numpy(cube)

    def play(rows: NDArray[np.int64], values: Array) -> Array:
        if len(rows) < 2:
            return opening(rows, values)
        blocks = [(everything[torch.from_numpy(rows)], _unit(values)), *known]
        x = torch.cat(
            [torch.cat([points, torch.full((len(points), 1), float(task))], -1) for task, (points, _y) in enumerate(blocks)]
        )
        with manual_seed(seed):
            model = _fitted(MultiTaskGP(x.double(), torch.cat([y for _points, y in blocks]), task_feature=-1, output_tasks=[0]))
            return _gain(model, everything, float(blocks[0][1].max()))

    return play


class _Weighted(Model):
    """Means and variances of several models added up under weights."""

    num_outputs = 1

    def __init__(self, models: Sequence[Any], weights: Tensor) -> None:
        super().__init__()
        self._models, self._weights = models, weights

    def posterior(self, X: Tensor, *_args: Any, **_kwargs: Any) -> GPyTorchPosterior:  # noqa: N803 - the library's name
        """See ``botorch.models.model.Model``; for one point at a time."""
        beliefs = [(weight, model.posterior(X)) for model, weight in zip(self._models, self._weights, strict=True) if weight > 0]
        mean = torch.stack([weight * one.mean for weight, one in beliefs]).sum(0)
        variance = torch.stack([weight.square() * one.variance for weight, one in beliefs]).sum(0)
        return GPyTorchPosterior(MultivariateNormal(mean.squeeze(-1), torch.diag_embed(variance.squeeze(-1))))


def _ranked(cube: Array, past: Sequence[Table], seed: int) -> Player:
    """A model of each past table and one of the own answers, weighted by how often each ranks these best (arXiv 1802.02219)."""
    generator = np.random.default_rng(seed)
    with manual_seed(seed):
        sources = [_fitted(SingleTaskGP(*_some(one, _ROWS_APART, generator), outcome_transform=None)) for one in past]
    opening = _replayed(cube, past, seed)
    everything = torch.from_numpy(cube)

    def play(rows: NDArray[np.int64], values: Array) -> Array:
        if len(rows) < 3:
            return opening(rows, values)
        x, y = everything[torch.from_numpy(rows)], _unit(values)
        with manual_seed(seed + len(rows)):
            own = _fitted(SingleTaskGP(x, y, outcome_transform=None))
            with torch.no_grad():
                samples = [one.posterior(x).rsample(torch.Size([_SAMPLES])).squeeze(-1) for one in sources]
                left_out: Any = efficient_loo_cv(own).posterior
                spread = left_out.variance.reshape(-1).sqrt()
                samples.append(left_out.mean.reshape(-1) + spread * torch.randn(_SAMPLES, len(y), dtype=y.dtype))
            losses = torch.stack([_misranked(one, y[:, 0]) for one in samples])
            losses[:-1][losses[:-1].median(-1).values > losses[-1].quantile(0.95)] = torch.inf
            best = losses.min(0).values
            share = (losses == best).double()
            weights = (share / share.sum(0)).mean(-1)
            return _gain(_Weighted([*sources, own], weights), everything, float(y.max()))

    return play


def _misranked(samples: Tensor, answers: Tensor) -> Tensor:
    """(s, n) samples to the (s,) number of pairs that they rank otherwise than the answers do."""
    said = samples[:, :, None] < samples[:, None, :]
    return (said != (answers[:, None] < answers[None, :])).sum((-1, -2)).double()


QUICK_PEERS = ("replay of the past's best",)

GIVEN_PAST: Mapping[str, Callable[[Array, Sequence[Table], int], Player]] = {
    QUICK_PEERS[0]: _replayed,
    "multi-task GP, given the past": _together,
    "RGPE, given the past": _ranked,
}
"""Made of the (n, d) rows of a table, of other tables of its space, and a seed."""
