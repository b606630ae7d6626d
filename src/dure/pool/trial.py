"""How well tasks of a pool are forecast from a few of their answers: by models, and without any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dure.errors import PoolError
from dure.i18n import _
from dure.models.prior import FamilyPrior, PastTask
from dure.pool.lessons import lesson, names_of
from dure.pool.pool import Pool
from dure.surrogate import Past, Rung, fit_rung

__all__ = ["forecast_errors"]

_MOST = 400


def forecast_errors(pool: Pool, priors: Mapping[str, FamilyPrior], *, answers: int, seed: int = 0) -> list[dict[str, Any]]:
    """For each goal and model, and for "none", the error of forecasts of all other designs when a few answers are known.

    ``error`` is the root mean square in units of each output's spread, ``held`` the share of 90 % intervals that held the answer,
    both means over ``tasks`` tasks.

    Raises:
        PoolError: no task has more answers than are to be known.
    """
    from dure.strategy.structured import calmly

    problem = pool.tasks[0].problem
    goals = problem.goals
    found: dict[tuple[str, str], tuple[Any, Any]] = {}
    for task in pool.tasks:
        told = lesson(task)
        if told is None or len(told.points) <= answers:
            continue
        order = np.random.default_rng([seed, len(found)]).permutation(len(told.points))[:_MOST]
        with calmly(seed):
            for name, prior in {"none": None, **priors}.items():
                found.setdefault((name, task.id), _missed(told, order[:answers], order[answers:], prior, names_of(problem)))
    if not found:
        raise PoolError(_("no task of {pool} has more than {answers} answers").format(pool=pool.path, answers=answers))
    rows, start = [], 0
    for goal, one in goals.items():
        mine = slice(start, start + one.measure.width)
        start += one.measure.width
        for name in ("none", *priors):
            some = [result for (model, _task), result in found.items() if model == name]
            error = float(np.mean([np.sqrt(np.mean(missed[:, mine] ** 2)) for missed, _held in some]))
            held = float(np.mean([np.mean(inside[:, mine]) for _missed_by, inside in some]))
            rows.append({"goal": goal, "model": name, "error": error, "held": held, "tasks": len(some), "answers": answers})
    return rows


def _missed(told: PastTask, known: Any, asked: Any, prior: FamilyPrior | None, names: Any) -> tuple[Any, Any]:
    """(k, m) errors at the designs ``asked`` in units of the outputs' spread, and whether 90 % intervals held the answers."""
    outputs = told.outputs[known]
    spread = told.outputs.std(0).clamp_min(1e-9)
    past = None if prior is None else Past.of(prior, told.descriptors)

    def reference(points: Tensor) -> Tensor:
        said = torch.zeros(*points.shape[:-1], len(spread), dtype=points.dtype)
        for some in (None if past is None else past.mean(points) * spread, told.reference and told.reference(points)):
            said = said if some is None else said + some
        return said

    stated = reference if past is not None or told.reference is not None else None
    rung: Rung = fit_rung(told.points[known], outputs, spread, reference=stated, noise=None, names=names, past=past)
    with torch.no_grad():
        mean_there, variance = rung.belief(told.points[asked].unsqueeze(-2))
    error = (told.outputs[asked] - mean_there[..., 0]) / spread
    half = 1.6449 * (variance[..., 0, 0] + _noise(rung)).sqrt() / spread
    return error.numpy(), (error.abs() <= half).numpy()


def _noise(rung: Rung) -> Any:
    return 0.0 if rung.residual is None else rung.residual.noise * rung.calibration.scale.square()
