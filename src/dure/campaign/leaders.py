"""Who leads: the designs that keep every limit, best first, and the textbook start they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from dure.campaign.front import Array, best_first, costs, coverage, signs, undominated
from dure.journal import History, TrialState
from dure.strategy import Task

__all__ = ["Cover", "allowed", "baseline_of", "covering", "front_of", "leading", "members", "ranked", "starts_of", "unguarded"]


def allowed(task: Task, states: Iterable[TrialState]) -> list[TrialState]:
    """Answered top-rung trials of the task that keep every limit, guards included; in the order they were asked.

    Repeats are left out: they speak of a design that is there already.
    """
    found = []
    for state in states:
        outcome = state.outcome
        if (
            outcome is None
            or state.purpose == "replicate"
            or state.fidelity != task.problem.top.name
            or not task.asks(state.trial)
        ):
            continue
        if min(task.margins(task.goal_values(outcome)).values(), default=0.0) >= 0:
            found.append(state)
    return sorted(found, key=lambda state: state.seq)


def _evidence(history: History, states: Iterable[TrialState]) -> Iterable[TrialState]:
    return (state for state in states if not history.is_control(state))


def _costs(task: Task, states: Iterable[TrialState]) -> Array:
    return costs(task, [task.goal_values(state.outcome or {}) for state in states])


def ranked(history: History, task: Task, among: Iterable[TrialState] | None = None) -> list[TrialState]:
    """Answered top-rung trials that keep every limit, guards included, controls apart; the knee of their front first."""
    states = allowed(task, _evidence(history, history.trials.values() if among is None else among))
    return [states[row] for row in best_first(_costs(task, states))]


def members(task: Task, states: Sequence[TrialState]) -> list[TrialState]:
    """Those of answered trials that none of them dominates, in order of the first objective."""
    return [states[row] for row in undominated(_costs(task, states))]


def front_of(history: History, task: Task, among: Iterable[TrialState] | None = None) -> list[TrialState]:
    """The members of ``ranked``."""
    return members(task, ranked(history, task, among))


def leading(history: History, task: Task) -> tuple[Task, list[TrialState]]:
    """``ranked`` under the guards, or where they leave nothing, without them; and the task it was ranked for."""
    for one in (task, unguarded(task)):
        if best := ranked(history, one):
            return one, best
    return task, []


def unguarded(task: Task) -> Task:
    """The task with the user's own limits."""
    return Task(task.problem, task.setting, task.goals)


def starts_of(history: History, task: Task) -> list[TrialState]:
    """The textbook starts as far as they were simulated at the top rung."""
    seed = int(history.plan["seed"])
    keys = {task.problem.trial(start, task.setting, seed=seed).key for start in task.problem.starts}
    return [history.trials[key] for key in keys if key in history.trials]


def baseline_of(history: History, task: Task) -> TrialState | None:
    """The best textbook start that keeps every limit at the top rung, if any does."""
    return next(iter(ranked(history, unguarded(task), starts_of(history, task))), None)


@dataclass(frozen=True)
class Cover:
    """What hypervolumes are measured by: the reference point by objective, and the share of the box that trials cover."""

    point: Mapping[str, float]
    share: Callable[[Sequence[TrialState]], float]


def covering(history: History, task: Task) -> Cover | None:
    """The measure of this campaign: every answered design that keeps the limits helps to fix it, controls too.

    None while there is no such design.
    """
    known = allowed(unguarded(task), history.trials.values())
    if not known:
        return None
    reference, covered = coverage(_costs(task, known))
    names = [goal.name for goal in task.objectives]
    point = dict(zip(names, (signs(task) * reference).tolist(), strict=True))
    return Cover(point, lambda states: covered(_costs(task, states)))
