"""Claims: statements whose numbers are recomputed from the journal by a small closed set of expressions, never by code."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dure.campaign.course import conclude, ranked
from dure.errors import VerificationFailed
from dure.i18n import N_, _
from dure.journal import History, TrialState
from dure.strategy import Task

__all__ = ["Claim", "Query", "claims_of", "evaluate", "shortened", "standing"]

_LONG = 64
"""Letters of a text that are shown where many stand side by side."""


@dataclass(frozen=True)
class Query:
    """One expression: an operation of the closed set and its arguments, as plain data."""

    op: str
    args: Mapping[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON data."""
        return {"op": self.op, **self.args}


@dataclass(frozen=True)
class Claim:
    """A named number (or word), what it says, its unit, and the query it is recomputed by; ``value`` None: there is none."""

    id: str
    statement: str
    unit: str
    query: Query
    value: float | str | None

    def plain(self) -> dict[str, Any]:
        """As JSON data."""
        return {"id": self.id, "statement": self.statement, "unit": self.unit, "query": self.query.plain(), "value": self.value}


def shortened(text: str) -> str:
    """A claim's text as it is shown: its beginning, where it is long."""
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def _state(history: History, key: str) -> TrialState:
    if key not in history.trials:
        raise VerificationFailed(_("a claim rests on trial {key}, which the journal does not have").format(key=key[:12]))
    return history.trials[key]


def _outcome(history: History, key: str) -> Mapping[str, Any]:
    outcome = _state(history, key).outcome
    if outcome is None:
        raise VerificationFailed(_("a claim rests on trial {key}, which has no answer").format(key=key[:12]))
    return outcome


def _goal(history: History, task: Task, trial: str, goal: str) -> float:
    return task.goal_values(_outcome(history, trial))[goal]


def _output(history: History, _task: Task, trial: str, output: str, part: int | None = None) -> float | None:
    value = _outcome(history, trial)[output]
    if value is None:
        return None
    return float(value if part is None else value[part])


def _input(history: History, task: Task, trial: str, name: str) -> float | str:
    value = task.problem.inputs[name].write(_state(history, trial).trial["design"][name])
    return value if isinstance(value, str) else float(value)


def _margin(history: History, task: Task, trial: str, goal: str) -> float:
    return task.goals[goal].margin(_goal(history, task, trial, goal))


def _guard(_history: History, task: Task, goal: str) -> float | None:
    return task.guard.get(goal)


def _stated(history: History, _task: Task, trial: str, name: str) -> float:
    """A number of the explanation that was given before the trial ran."""
    return float(_state(history, trial).numbers[name])


def _plan(history: History, _task: Task, path: Sequence[str | int]) -> float | str | None:
    value: Any = history.plan
    for step in path:
        value = value[step]
    return value if isinstance(value, str) or value is None else float(value)


def _limit(_history: History, task: Task, goal: str, side: str) -> float | None:
    value = getattr(task.goals[goal].measure, side)
    return None if math.isinf(value) else float(value)


def _change(history: History, task: Task, trial: str, against: str, goal: str) -> float:
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


def _best_control(history: History, task: Task) -> float | None:
    name = task.objective.name
    found = []
    for state in history.in_plan("control"):
        if state.outcome is not None:
            values = task.goal_values(state.outcome)
            if all(goal.margin(values[other]) >= 0 for other, goal in task.goals.items() if not goal.is_objective):
                found.append(values[name])
    if not found:
        return None
    return min(found) if task.objective.measure.sense == "minimise" else max(found)


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


def _verdict(history: History, _task: Task) -> str | None:
    return history.conclusion["verdict"] if history.conclusion else None


_OPERATIONS: dict[str, Callable[..., float | str | None]] = {
    "goal": _goal,
    "output": _output,
    "input": _input,
    "stated": _stated,
    "margin": _margin,
    "limit": _limit,
    "guard": _guard,
    "plan": _plan,
    "change": _change,
    "count": _count,
    "spent": _spent,
    "coverage": _coverage,
    "predictions": _predictions,
    "best_control": _best_control,
    "rank_correlation": _rank_correlation,
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


def standing(history: History, task: Task) -> dict[str, Any]:
    """What the conclusion would be if the campaign ended now: verdict, reason, and the trials it rests on."""
    best = ranked(history, task) or ranked(history, Task(task.problem, task.setting, task.goals))
    return conclude(history, task, best)


class _Collector:
    def __init__(self, history: History, task: Task) -> None:
        self.history, self.task = history, task
        self.found: dict[str, Claim] = {}

    def add(self, claim: str, statement: str, unit: str, op: str, /, **args: Any) -> None:
        query = Query(op, args)
        self.found[claim] = Claim(claim, statement, unit, query, evaluate(query, self.history, self.task))

    def trial(self, role: str, key: str, *, whole: bool = True) -> None:
        """What a report says of one trial; ``whole`` with its inputs and parts."""
        problem = self.task.problem
        for name, spec in problem.inputs.items() if whole else ():
            self.add(f"{role}.input.{name}", N_("value of an input"), spec.unit, "input", trial=key, name=name)
        for name, goal in self.task.goals.items():
            self.add(f"{role}.goal.{name}", N_("value of a goal"), goal.unit, "goal", trial=key, goal=name)
            if not goal.is_objective:
                text = N_("distance to the limit; negative when broken")
                self.add(f"{role}.margin.{name}", text, _apart(goal.unit), "margin", trial=key, goal=name)
        for name, measure in problem.measures.items():
            for index in range(measure.width) if measure.axis and whole else ():
                text = N_("one part of an outcome")
                self.add(f"{role}.part.{name}.{index}", text, measure.unit, "output", trial=key, output=name, part=index)
            if measure.axis is None and measure.sense is None:
                self.add(f"{role}.output.{name}", N_("a recorded output"), measure.unit, "output", trial=key, output=name)


def _apart(unit: str) -> str:
    """The unit of a difference: degrees Celsius are apart by kelvins."""
    return "K" if unit == "degC" else unit


def claims_of(history: History, task: Task) -> dict[str, Claim]:
    """Every number a report of the newest plan may print, by id; a function of the history alone.

    Before the conclusion they are those of where the campaign stands, without a verdict.
    """
    made = _Collector(history, task)
    made.add("verdict", N_("the verdict"), "", "verdict")
    ends = history.conclusion or standing(history, task)
    roles = {"winner": ends["winner"], "baseline": ends["baseline"]}
    roles |= {f"runner_up.{index}": key for index, key in enumerate(ends["runners_up"], start=1)}
    for role, key in roles.items():
        if key:
            made.trial(role, key)
    objective = task.objective.name
    if roles["winner"] and roles["baseline"]:
        args = {"trial": roles["winner"], "against": roles["baseline"], "goal": objective}
        made.add("gain.baseline", N_("relative gain over the textbook start"), "1", "change", **args)
    for name, check in ends["checks"].items():
        if check["answered"]:
            made.trial(f"check.{name}", check["key"], whole=False)
            args = {"trial": check["key"], "against": roles["winner"], "goal": objective}
            made.add(f"check.{name}.change", N_("relative change of the objective under the check"), "1", "change", **args)
    for part in (_planned, _effort, _failures, _tried, _belief):
        part(made)
    return made.found


def _planned(made: _Collector) -> None:
    plan, text = made.history.plan, N_("a number of the plan")
    for name, goal in made.task.goals.items():
        for side in ("low", "high") if not goal.is_objective else ():
            made.add(f"limit.{name}.{side}", N_("a limit"), goal.unit, "limit", goal=name, side=side)
        if name in made.task.guard:
            made.add(f"guard.{name}", N_("by how much a limit was tightened"), _apart(goal.unit), "guard", goal=name)
    for name, spec in plan["problem"]["design"].items():
        for side in ("low", "high") if "low" in spec else ():
            made.add(f"range.{name}.{side}", text, spec["unit"], "plan", path=["problem", "design", name, side])
    if plan["problem"].get("candidates"):
        made.add("candidates", N_("how many designs there are"), "1", "plan", path=["problem", "candidates", "count"])
    for name in plan["setting"]:
        made.add(f"setting.{name}", text, plan["problem"]["setting"][name]["unit"], "plan", path=["setting", name])
    for index, rung in enumerate(plan["problem"]["fidelities"]):
        made.add(f"cost.{rung['name']}", text, "1", "plan", path=["problem", "fidelities", index, "cost"])
    units = {"budget.cpu_seconds": "s"}
    for path in ("budget.runs", "budget.cpu_seconds", "stopping.tolerance", "stopping.patience", "seed", "control_runs"):
        made.add(f"plan.{path}", text, units.get(path, "1"), "plan", path=path.split("."))


def _effort(made: _Collector) -> None:
    for purpose in ("search", "check", "baseline", "control", ""):
        suffix = purpose or "all"
        for unit, text in (("runs", "1"), ("cpu_seconds", "s"), ("wall_seconds", "s")):
            made.add(f"spent.{suffix}.{unit}", N_("what was spent"), text, "spent", unit=unit, purpose=purpose)
        for status in ("asked", "answered", "failed", "reused", "repeated"):
            made.add(f"count.{suffix}.{status}", N_("how many trials"), "1", "count", status=status, purpose=purpose)
    for rung in (*made.task.problem.fidelities, *made.task.problem.beyond):
        for status in ("answered", "failed"):
            made.add(f"count.rung.{rung.name}.{status}", N_("how many trials"), "1", "count", status=status, fidelity=rung.name)
        for unit, text in (("runs", "1"), ("cpu_seconds", "s")):
            made.add(f"spent.rung.{rung.name}.{unit}", N_("what was spent"), text, "spent", unit=unit, fidelity=rung.name)


def _failures(made: _Collector) -> None:
    for reason in sorted({state.reason for state in made.history.in_plan() if state.reason}):
        made.add(f"failures.{reason}", N_("how many trials"), "1", "count", status="failed", reason=reason)


def _tried(made: _Collector) -> None:
    """The search, trial by trial: what was expected and what came of it."""
    objective = made.task.objective
    for number, state in enumerate(made.history.in_plan("start", "search"), start=1):
        for name, value in state.numbers.items():
            if not isinstance(value, str):
                unit = objective.unit if name == "gain" else "1"
                made.add(f"tried.{number}.{name}", N_("stated before the trial ran"), unit, "stated", trial=state.key, name=name)
        if state.outcome is not None:
            text, args = N_("value of a goal"), {"trial": state.key, "goal": objective.name}
            made.add(f"tried.{number}.goal", text, objective.unit, "goal", **args)


def _belief(made: _Collector) -> None:
    made.add("predictions", N_("predictions stated before the answer"), "1", "predictions")
    made.add("control.best", N_("best feasible random design"), made.task.objective.unit, "best_control")
    for goal in made.task.goals:
        made.add(
            f"coverage.{goal}", N_("share of answers inside the interval meant to hold nine in ten"), "1", "coverage", goal=goal
        )
        for name in made.task.problem.inputs:
            text, args = N_("rank correlation of an input with a goal"), {"name": name, "goal": goal}
            made.add(f"matters.{name}.{goal}", text, "1", "rank_correlation", **args)
