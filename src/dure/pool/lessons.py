"""From a pool to a family prior: each task's answers as a surrogate would model them, then one training over all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.errors import PoolError
from dure.i18n import N_, _
from dure.models import Card
from dure.models.prior import FamilyPrior, PastTask
from dure.models.training import train
from dure.pool.pool import Pool, Task
from dure.problem import Goal, Problem, Theory
from dure.strategy.outputs import Outputs, Power, Shape, shape_of
from dure.surrogate import Counts, differentiable

__all__ = ["group_of", "kept_wide", "lesson", "names_of", "train_prior"]

_LEAST_ROWS = 8
_SHARE = N_("share of a left-out task's variance about the mean that past directions hold")
_USE = N_(
    "A starting belief for campaigns of this family, listened to as far as its forecasts hold. It is no evidence by itself."
)


def lesson(task: Task) -> PastTask | None:
    """What a task of a pool answered at the cheapest rung of its ladder; None where fewer than eight designs were answered."""
    import torch

    problem = task.problem
    answers = task.at(problem.fidelities[0].name)
    names = tuple(problem.goals)
    raw = np.concatenate([answers.outcomes[name] for name in names], axis=1)
    there = ~np.isnan(raw).any(1)
    if there.sum() < _LEAST_ROWS:
        return None
    failed, raw, cube = answers.cube[answers.failed], raw[there], answers.cube[there]
    theory = problem.theory is not None
    shapes = {}
    for name, goal in problem.goals.items():
        shape = shape_of(goal, answers.outcomes[name][there].ravel(), theory=theory)
        if shape is not None:
            shapes[name] = kept_wide(shape, goal)
    outputs = Outputs(problem.goals, True, shapes)
    reference = None
    if theory:
        said = Theory(problem, task.setting, names)
        reference = differentiable(lambda cube: outputs.encode(said(np.clip(cube, 0.0, 1.0))))
    return PastTask(
        name=task.id,
        group=group_of(task),
        points=torch.from_numpy(np.ascontiguousarray(cube)),
        outputs=torch.from_numpy(outputs.encode(raw)),
        descriptors=torch.tensor(problem.descriptors(task.setting), dtype=torch.double),
        reference=reference,
        tokens=differentiable(problem.tokens.of(problem, task.setting)) if problem.tokens else None,
        best=torch.from_numpy(cube[_best_rows(problem, {name: answers.outcomes[name][there] for name in names})]),
        failed=torch.from_numpy(np.ascontiguousarray(failed)),
    )


def _best_rows(problem: Problem, outcomes: Mapping[str, NDArray[np.float64]]) -> list[int]:
    """Of (n, width) outcomes the row that is best in each objective among those that keep all limits; empty where none does."""
    values = {
        name: goal.value(outcomes[name]) if goal.measure.axis else outcomes[name][:, 0] for name, goal in problem.goals.items()
    }
    allowed = np.ones(len(next(iter(values.values()))), dtype=bool)
    for name, goal in problem.goals.items():
        allowed &= (goal.measure.low <= values[name]) & (values[name] <= goal.measure.high)
    rows = np.flatnonzero(allowed)
    signs = {name: 1 if goal.measure.sense == "minimise" else -1 for name, goal in problem.goals.items() if goal.is_objective}
    return sorted({int(rows[np.argmin(sign * values[name][rows])]) for name, sign in signs.items()}) if len(rows) else []


def kept_wide(shape: Shape, goal: Goal) -> Shape:
    """A power may draw together bad answers but never the good ones, which are few and all that a campaign looks for."""
    if not isinstance(shape, Power) or not goal.is_objective:
        return shape
    power = min(shape.power, 1.0) if goal.measure.sense == "minimise" else max(shape.power, 1.0)
    return replace(shape, power=power)


def group_of(task: Task) -> str:
    """Tasks that a family holds out together are left out together, by the settings it names for that."""
    by = [name for name, kept in task.pool.problem.held_out.items() if isinstance(kept, tuple)]
    return ", ".join(str(getattr(task.setting, name)) for name in by) or task.id


def train_prior(
    pool: Pool, name: str, *, designs: bool = True, seed: int = 0, say: Callable[[str], None] = lambda _text: None
) -> tuple[FamilyPrior, Card]:
    """Train a family prior on a pool and write its card; without ``designs`` it holds none of the past as it was.

    Raises:
        PoolError: the pool holds tasks that the family keeps for evaluation, fewer than two with enough answers, or tasks whose
            inputs differ and that have no tokens.
    """
    pool.check_training()
    say(_("reading {tasks} tasks").format(tasks=len(pool.tasks)))
    lessons = [one for one in map(lesson, pool.tasks) if one is not None]
    if few := len(pool.tasks) - len(lessons):
        say(_("left out: {few} tasks of fewer than {least} answers at the cheapest rung").format(few=few, least=_LEAST_ROWS))
    if len(lessons) < 2:
        raise PoolError(
            _("{pool} has {count} tasks of at least {least} answers at the cheapest rung; a prior needs two").format(
                pool=pool.path, count=len(lessons), least=_LEAST_ROWS
            )
        )
    problem = pool.tasks[0].problem
    if not designs or any(task.problem.candidates != problem.candidates for task in pool.tasks):
        lessons = [replace(one, best=None) for one in lessons]  # places in one list are not those of another
    if problem.tokens is None and len({one.points.shape[-1] for one in lessons}) > 1:
        raise PoolError(
            _("tasks of {pool} have different inputs; a prior needs the same for all, or tokens of the family").format(
                pool=pool.path
            )
        )
    prior = train(lessons, names=() if problem.tokens else names_of(problem), seed=seed, say=say)
    past: dict[str, Any] = {
        "tasks": len(lessons),
        "rows": sum(len(one.points) for one in lessons),
        "failures": sum(0 if one.failed is None else len(one.failed) for one in lessons) if len(prior.rate) else 0,
        "groups": sorted({one.group for one in lessons}),
        "sources": [source.id for source in pool.sources if source.rows],
        "licences": list(pool.licences),
        "best_designs": len(prior.best),
    }
    share = {}
    start = 0
    for goal, one in problem.goals.items():
        share[goal] = round(float(prior.share[start : start + one.measure.width].mean()), 3)
        start += one.measure.width
    card = Card(
        name=name,
        kind="family prior",
        problem=problem.name,
        version=problem.version,
        inputs=problem.read_by_priors,
        outputs={goal: one.measure.width for goal, one in problem.goals.items()},
        fidelity=problem.fidelities[0].name,
        trained_on=past,
        intended_use=_USE,
        access=pool.access,
        seed=seed,
        measured={_SHARE: share},
        stated=pool.problem.stated_for_priors(),
    )
    return prior, card


def names_of(problem: Problem) -> list[Any]:
    """The columns of a space that hold names, as models and surrogates take them."""
    import torch

    return [(some, Counts(told) if told.dtype == np.uint8 else torch.from_numpy(told)) for some, told in problem.space.names]
