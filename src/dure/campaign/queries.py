"""The closed set of expressions that claims are recomputed by from the journal; a query is data, never code."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dure.campaign.leaders import allowed, covering, front_of, leading, starts_of, unguarded
from dure.campaign.repeats import gain_bound, reaches, spread
from dure.errors import VerificationFailed
from dure.i18n import _
from dure.journal import History, TrialState
from dure.strategy import Task

__all__ = ["Query", "evaluate"]


@dataclass(frozen=True)
class Query:
    """One expression: an operation of the closed set and its arguments, as plain data."""

    op: str
    args: Mapping[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON data."""
        return {"op": self.op, **self.args}


def _state(history: History, key: str) -> TrialState:
    if key not in history.trials:
        raise VerificationFailed(_("a claim rests on trial {key}, which the journal does not have").format(key=key[:12]))
    return history.trials[key]


def _outcome(history: History, key: str) -> Mapping[str, Any]:
    outcome = _state(history, key).outcome
    if outcome is None:
        raise VerificationFailed(_("a claim rests on trial {key}, which has no answer").format(key=key[:12]))
    return outcome


def _each(trial: str | Sequence[str]) -> Sequence[str]:
    """A trial, or the repeats of one: what is said of these is said of their mean."""
    return [trial] if isinstance(trial, str) else trial


def _goal(history: History, task: Task, trial: str | Sequence[str], goal: str) -> float:
    return float(np.mean([task.goal_values(_outcome(history, key))[goal] for key in _each(trial)]))


def _output(history: History, _task: Task, trial: str | Sequence[str], output: str, part: int | None = None) -> float | None:
    values = [_outcome(history, key)[output] for key in _each(trial)]
    if None in values:
        return None
    return float(np.mean(values if part is None else [value[part] for value in values]))


def _input(history: History, task: Task, trial: str, name: str) -> float | str:
    value = task.problem.inputs[name].write(_state(history, trial).trial["design"][name])
    return value if isinstance(value, str) else float(value)


def _margin(history: History, task: Task, trial: str | Sequence[str], goal: str) -> float:
    return task.goals[goal].margin(_goal(history, task, trial, goal))


def _guard(_history: History, task: Task, goal: str) -> float | None:
    return task.guard.get(goal)


def _stated(history: History, _task: Task, trial: str, name: str) -> float:
    """A number of the explanation that was given before the trial ran."""
    return float(_state(history, trial).numbers[name])


def _dropped(history: History, _task: Task, rule: str) -> float:
    """Designs that broke this rule first, as stated with the proposals."""
    return float(sum(state.numbers.get(f"dropped.{rule}", 0.0) for state in history.in_plan()))


def _plan(history: History, _task: Task, path: Sequence[str | int]) -> float | str | None:
    value: Any = history.plan
    for step in path:
        value = value[step]
    return value if isinstance(value, str) or value is None else float(value)


def _limit(_history: History, task: Task, goal: str, side: str) -> float | None:
    value = getattr(task.goals[goal].measure, side)
    return None if math.isinf(value) else float(value)


def _repeats(_history: History, _task: Task, trial: Sequence[str]) -> float:
    return float(len(trial))


def _half(history: History, task: Task, trial: Sequence[str], goal: str) -> float:
    """Half the width of the interval that holds the mean of endless repeats with the plan's confidence."""
    return spread(history, task, trial, goal).half


def _sure_margin(history: History, task: Task, trial: Sequence[str], goal: str) -> float:
    """The margin that is kept with the plan's confidence."""
    return reaches(history, task, trial)[goal]


def _sure_change(history: History, task: Task, trial: Sequence[str], against: Sequence[str], goal: str) -> float | None:
    """The relative difference, positive where ``trial`` is better, that is reached with the plan's confidence."""
    bound, theirs = gain_bound(history, task, trial, against, goal), _goal(history, task, against, goal)
    return None if bound is None or not theirs else bound / abs(theirs)


def _change(history: History, task: Task, trial: str | Sequence[str], against: str | Sequence[str], goal: str) -> float:
    """Relative difference, positive where ``trial`` is better."""
    ours, theirs = _goal(history, task, trial, goal), _goal(history, task, against, goal)
    return task.goals[goal].better(ours, theirs) / abs(theirs) if theirs else math.nan


def _group(history: History, purpose: str) -> list[TrialState]:
    if purpose == "search":
        return history.in_plan("start", "search")
    if purpose == "check":
        return [state for state in history.in_plan() if history.purpose(state.key).startswith("check: ")]
    return history.in_plan(purpose) if purpose else history.in_plan()


def _count(history: History, _task: Task, status: str, purpose: str = "", fidelity: str = "", reason: str = "") -> float:
    """How many trials; ``repeated`` counts attempts beyond a trial's first."""
    states = [state for state in _group(history, purpose) if not fidelity or state.fidelity == fidelity]
    worth: dict[str, Callable[[TrialState], int]] = {
        "asked": lambda state: 1,
        "answered": lambda state: state.outcome is not None,
        "failed": lambda state: state.reason is not None and reason in ("", state.reason),
        "reused": lambda state: state.key not in history.asked_in_plan,
        "repeated": lambda state: max(0, state.attempts - 1),
    }
    return float(sum(worth[status](state) for state in states))


def _spent(history: History, task: Task, unit: str, purpose: str = "", fidelity: str = "") -> float:
    states = [state for state in _group(history, purpose) if not fidelity or state.fidelity == fidelity]
    states = [state for state in states if state.key in history.asked_in_plan]
    if unit == "runs":
        return float(sum(task.problem.rung(state.fidelity).cost * max(1, state.attempts) for state in states))
    return float(sum(getattr(state, unit) for state in states))


def _coverage(history: History, task: Task, goal: str) -> float | None:
    """Share of answered top-rung predictions whose 90 % interval held the answer."""
    inside = [
        low <= task.goal_values(state.outcome)[goal] <= high
        for state in history.in_plan("search")
        if state.outcome is not None and goal in state.predicted
        for _middle, low, high in [state.predicted[goal]]
    ]
    return sum(inside) / len(inside) if inside else None


def _predictions(history: History, _task: Task) -> float:
    return float(sum(state.outcome is not None and bool(state.predicted) for state in history.in_plan("search")))


def _prospect(history: History, _task: Task) -> float | None:
    """As stated when the search ended; before that as last stated, under the newest guard."""
    if ended := history.decisions[-1].get("search"):
        return None if ended.get("prospect") is None else float(ended["prospect"])
    stated = [history.trials[key].prospect for key in history.forecast]
    return next((one for one in reversed(stated) if one is not None), None)


def _best_control(history: History, task: Task, goal: str = "") -> float | None:
    wanted = task.goals[goal or task.objective.name]
    states = allowed(unguarded(task), history.in_plan("control"))
    found = [_goal(history, task, state.key, wanted.name) for state in states]
    if not found:
        return None
    return min(found) if wanted.measure.sense == "minimise" else max(found)


def _rank_correlation(history: History, task: Task, name: str, goal: str) -> float | None:
    """Spearman's rank correlation of a numeric input and a goal over the top-rung and cheaper designs answered."""
    from scipy.stats import spearmanr

    pairs = []
    for state in history.trials.values():
        value = state.trial["design"][name]
        if state.outcome is not None and task.asks(state.trial) and isinstance(value, (int, float)):
            pairs.append((float(value), task.goal_values(state.outcome)[goal]))
    x, y = np.array(pairs).reshape(-1, 2).T
    if len(pairs) < 5 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    # The last digits depend on the processor; a claim must not.
    return round(float(spearmanr(x, y).statistic), 9)


def _worth(history: History, _task: Task, piece: str, goal: str, number: str) -> float:
    """A number stated, when the search ended, of what its author had stated before."""
    (one,) = (one for one in history.decisions[-1]["search"]["worth"] if (one["piece"], one["goal"]) == (piece, goal))
    return float(one[number])


def _past(history: History, _task: Task, number: str) -> float | None:
    """A number stated, when the search ended, of what the family's past was worth; or one of the plan's model."""
    if number in ("tasks", "rows"):
        return float(history.plan["model"]["trained_on"][number])
    said = history.decisions[-1]["search"]["past"]
    low, high = said["saved"][1:]
    found = {
        "weight": said["weight"],
        "saved": said["saved"][0],
        "saved.low": low,
        "saved.high": high,
        "ignored": said["ignored"],
    }
    return None if found[number] is None else float(found[number])


def _members(history: History, task: Task) -> float:
    return float(len(front_of(history, leading(history, task)[0])))


def _reference(history: History, task: Task, goal: str) -> float | None:
    cover = covering(history, task)
    return cover.point[goal] if cover else None


def _hypervolume(history: History, task: Task, of: str) -> float | None:
    """What the front, the textbook "starts" or the random "control" designs cover of the box that ``covering`` fixes."""
    cover, own = covering(history, task), unguarded(task)
    some = {
        "front": lambda: front_of(history, leading(history, task)[0]),
        "starts": lambda: allowed(own, starts_of(history, task)),
        "control": lambda: allowed(own, history.in_plan("control")),
    }
    return cover.share(some[of]()) if cover else None


def _verdict(history: History, _task: Task) -> str | None:
    return history.conclusion["verdict"] if history.conclusion else None


_OPERATIONS: dict[str, Callable[..., float | str | None]] = {
    "goal": _goal,
    "output": _output,
    "input": _input,
    "stated": _stated,
    "dropped": _dropped,
    "margin": _margin,
    "limit": _limit,
    "guard": _guard,
    "plan": _plan,
    "change": _change,
    "repeats": _repeats,
    "half": _half,
    "sure_margin": _sure_margin,
    "sure_change": _sure_change,
    "count": _count,
    "spent": _spent,
    "coverage": _coverage,
    "predictions": _predictions,
    "prospect": _prospect,
    "best_control": _best_control,
    "rank_correlation": _rank_correlation,
    "worth": _worth,
    "past": _past,
    "members": _members,
    "reference": _reference,
    "hypervolume": _hypervolume,
    "verdict": _verdict,
}


def evaluate(query: Query, history: History, task: Task) -> float | str | None:
    """Recompute a number from the journal's history.

    Raises:
        VerificationFailed: the operation is not in the closed set, or rests on what the journal does not have.
    """
    if query.op not in _OPERATIONS:
        raise VerificationFailed(_("{op!r} is not one of the expressions a claim may use").format(op=query.op))
    try:
        value = _OPERATIONS[query.op](history, task, **query.args)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        text = _("query {query} cannot be evaluated: {error}").format(query=query.plain(), error=error)
        raise VerificationFailed(text) from None
    return value if isinstance(value, str) or value is None or math.isfinite(value) else None
