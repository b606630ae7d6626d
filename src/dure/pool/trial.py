"""How well tasks of a pool are forecast from a few of their answers: by models, without any, and by one beside another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dure.errors import PoolError
from dure.i18n import _
from dure.models.prior import FamilyPrior, PastTask
from dure.pool.lessons import group_of, lesson, names_of
from dure.pool.pool import Pool, Task
from dure.problem import values_of
from dure.surrogate import Observations, Past, Rung, fit_rung, fit_success

__all__ = ["SUCCESS", "Compared", "compare", "forecast_errors", "judged"]

SUCCESS = "success"
"""What forecasts of whether there is an answer at all stand under, beside the goals."""
_MOST = 400
_LEVEL, _MATERIAL = 0.05, 0.01


def forecast_errors(pool: Pool, priors: Mapping[str, FamilyPrior], *, answers: int, seed: int = 0) -> list[dict[str, Any]]:
    """For each goal and model, and for "none", the error of forecasts of all other designs when a few answers are known.

    ``error`` is the root mean square in units of each output's spread, ``held`` the share of 90 % intervals that held the answer,
    both means over ``tasks`` tasks. Where designs failed the last goal is ``SUCCESS``, whose intervals are not judged.

    Raises:
        PoolError: no task has more answers than are to be known.
    """
    found = _forecast(pool, {"none": None, **priors}, answers, seed)
    rows = []
    for goal, mine in _columns(pool).items():
        for name in ("none", *priors):
            some = [result for (model, _task), result in found.items() if model == name]
            error = float(np.mean([np.sqrt(np.mean(missed[:, mine] ** 2)) for missed, _held, _failing in some]))
            held = float(np.mean([np.mean(inside[:, mine]) for _missed_by, inside, _failing in some]))
            rows.append({"goal": goal, "model": name, "error": error, "held": held, "tasks": len(some), "answers": answers})
    for name in ("none", *priors):
        errors = [failing for (model, _task), (_missed, _held, failing) in found.items() if model == name and failing is not None]
        if errors:
            told = {"error": float(np.mean(errors)), "held": None, "tasks": len(errors)}
            rows.append({"goal": SUCCESS, "model": name, **told, "answers": answers})
    return rows


@dataclass(frozen=True)
class Compared:
    """Forecasts of one goal in one class of tasks, those that a family holds out together, by two models.

    ``old`` and ``new`` are root mean square errors in units of each output's spread; ``change`` is relative, from old to new,
    with its 95 % interval over other choices of the known answers. ``worse`` where it is beyond noise.
    """

    group: str
    goal: str
    tasks: int
    old: float
    new: float
    change: float
    low: float
    high: float
    worse: bool


def compare(
    pool: Pool,
    old: FamilyPrior,
    new: FamilyPrior,
    *,
    answers: int,
    repeats: int = 5,
    seed: int = 0,
    say: Callable[[str], None] = lambda _text: None,
) -> tuple[list[Compared], list[str]]:
    """Whether ``new`` forecasts a goal in any class of tasks worse than ``old``; and classes with too few answers to tell.

    Which answers are known is drawn ``repeats`` times, at least twice. An error is worse if it grew by more than a hundredth and,
    by a one-sided t test over the draws at 5 % divided by the number of errors compared, not by chance.

    Raises:
        PoolError: no task has more answers than are to be known, or a model forecasts what is no number.
    """
    courses: dict[tuple[str, str], dict[str, list[Any]]] = {}
    groups = {task.id: _class_of(task) for task in pool.tasks}
    for repeat in range(repeats):
        say(_("draw {number} of {count}").format(number=repeat + 1, count=repeats))
        for (name, task), (missed, _held, failing) in _forecast(pool, {"old": old, "new": new}, answers, seed + repeat).items():
            errors = {goal: np.sqrt(np.mean(missed[:, mine] ** 2, axis=0)) for goal, mine in _columns(pool).items()}
            for goal, some in (errors | ({} if failing is None else {SUCCESS: failing})).items():
                error = float(np.mean(some))
                if not np.isfinite(error):
                    raise PoolError(_("a model forecasts no number for {goal} of {group}").format(goal=goal, group=groups[task]))
                courses.setdefault((groups[task], goal), {}).setdefault(name, []).append(error)
    rows = []
    for (group, goal), errors in sorted(courses.items()):
        before, after = (np.reshape(errors[name], (repeats, -1)).clip(1e-12) for name in ("old", "new"))
        said = judged(np.log(after / before).mean(1), len(courses))
        rows.append(Compared(group, goal, before.shape[1], float(before.mean()), float(after.mean()), **said))
    return rows, sorted(set(groups.values()) - {group for group, _goal in courses})


def _columns(pool: Pool) -> dict[str, slice]:
    """The columns of each goal."""
    found, start = {}, 0
    for name, goal in pool.tasks[0].problem.goals.items():
        found[name] = slice(start, start + goal.measure.width)
        start += goal.measure.width
    return found


def _class_of(task: Task) -> str:
    """What tasks are held out together by; a task that stands alone by its setting."""
    group = group_of(task)
    return ", ".join(f"{name}={value}" for name, value in values_of(task.setting).items()) if group == task.id else group


def judged(grown: NDArray[np.float64], classes: int) -> dict[str, Any]:
    """Change, low, high and worse, as in ``Compared``, from the (repeats,) logarithms of how often an error is that before."""
    from scipy.stats import ttest_1samp

    if np.ptp(grown) > 0:
        low, high = ttest_1samp(grown, 0.0).confidence_interval(0.95)
        by_chance = float(ttest_1samp(grown, 0.0, alternative="greater").pvalue)
    else:
        low, high, by_chance = grown[0], grown[0], 0.0
    worse = by_chance < _LEVEL / classes and grown.mean() > np.log1p(_MATERIAL)
    change = {"change": grown.mean(), "low": low, "high": high}
    return {name: float(np.expm1(value)) for name, value in change.items()} | {"worse": bool(worse)}


def _forecast(pool: Pool, priors: Mapping[str, FamilyPrior | None], answers: int, seed: int) -> dict[tuple[str, str], Any]:
    """Errors, which intervals held, and the error of success, by model and task, with the same answers known to every model."""
    from dure.strategy.structured import calmly

    found: dict[tuple[str, str], Any] = {}
    for task in pool.tasks:
        told = lesson(task)
        if told is None or len(told.points) <= answers:
            continue
        generator, names = np.random.default_rng([seed, len(found)]), names_of(task.problem)
        order = generator.permutation(len(told.points))[:_MOST]
        lost = told.points[:0] if told.failed is None else told.failed[generator.permutation(len(told.failed))[:_MOST]]
        with calmly(seed):
            for name, prior in priors.items():
                past = None if prior is None else Past.of(prior, told.descriptors, told.tokens)
                failing = _missed_success(told, lost, order[:answers], order[answers:], past, names)
                found[name, task.id] = *_missed(told, order[:answers], order[answers:], past, names), failing
    if not found:
        raise PoolError(_("no task of {pool} has more than {answers} answers").format(pool=pool.path, answers=answers))
    return found


def _missed(told: PastTask, known: Any, asked: Any, past: Past | None, names: Any) -> tuple[Any, Any]:
    """(k, m) errors at the designs ``asked`` in units of the outputs' spread, and whether 90 % intervals held the answers."""
    outputs = told.outputs[known]
    spread = told.outputs.std(0).clamp_min(1e-9)

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


def _missed_success(told: PastTask, failed: Tensor, known: Any, asked: Any, past: Past | None, names: Any) -> float | None:
    """The root mean square error of success, in units of its spread, where as large a share of failures is known; None if few."""
    count = round(len(failed) * len(known) / len(told.points))
    if len(failed) - count < 1:
        return None
    observed = Observations(told.points[known], told.outputs[known], failed[:count])
    belief = fit_success(observed, names, None, past)
    points = torch.cat([told.points[asked], failed[count:]])
    labels = torch.cat([torch.ones(len(asked)), torch.zeros(len(failed) - count)]).to(points)
    with torch.no_grad():
        said = torch.ones_like(labels) if belief is None else belief.mean(points)[0]
    return float(((said - labels).square().mean() / labels.var(correction=0)).sqrt())


def _noise(rung: Rung) -> Any:
    return 0.0 if rung.residual is None else rung.residual.noise * rung.calibration.scale.square()
