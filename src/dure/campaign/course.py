"""What a campaign does next: a function of its history, so that resuming needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from dure.campaign.plan import PATIENCE, shifted
from dure.i18n import N_
from dure.journal import History, TrialState
from dure.problem import Check, Trial
from dure.strategy import Strategy, Task, space_filling

__all__ = ["Step", "Wanted", "baseline_of", "check_states", "conclude", "next_step", "ranked", "spent", "stop_reason"]

_BASELINE = N_("A textbook start at the top rung: the winner must beat the best of them.")
_CONTROL = N_("A random design, to see what the search was worth; not part of the budget.")
_CHECK = N_("Check of the winner: {check}.")
_MOST_GUARDS = 4
_MOST_FAILURES = 25
_MOST_FIRST_FAILURES = 5


@dataclass(frozen=True)
class Wanted:
    """A trial to be asked for, and why."""

    trial: Trial
    purpose: str
    why: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    predicted: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    gain: float | None = None


@dataclass(frozen=True)
class Step:
    """Trials wanted now (none: wait for answers), or an event to record instead."""

    wanted: list[Wanted] = field(default_factory=list)
    event: tuple[str, dict[str, Any]] | None = None


def spent(history: History, task: Task, *purposes: str) -> dict[str, float]:
    """Runs (top-rung equivalents, every attempt counted) and CPU seconds of the newest plan's trials."""
    tallies = [(rung, tally) for (purpose, rung), tally in history.tallies.items() if not purposes or purpose in purposes]
    return {
        "runs": sum(task.problem.rung(rung).cost * tally.attempts for rung, tally in tallies),
        "cpu_seconds": sum(tally.cpu_seconds for _rung, tally in tallies),
    }


def ranked(history: History, task: Task) -> list[TrialState]:
    """Answered top-rung trials that keep every limit, guards included; best first."""
    name, better = task.objective.name, task.objective.measure.sense == "minimise"
    found = []
    for state in history.trials.values():
        outcome = state.outcome
        if outcome is None or state.fidelity != task.problem.top.name or not task.asks(state.trial):
            continue
        if history.is_control(state):
            continue
        values = task.goal_values(outcome)
        if min(task.margins(values).values(), default=0.0) >= 0:
            found.append((values[name] if better else -values[name], state.seq, state))
    return [state for _value, _seq, state in sorted(found, key=lambda one: one[:2])]


def stop_reason(history: History, task: Task) -> str | None:
    """Why the search ends now; None to go on."""
    budget, used = history.plan["budget"], spent(history, task, "start", "search")
    cheapest = task.problem.fidelities[0].cost
    if budget["runs"] is not None and used["runs"] + cheapest > budget["runs"] + 1e-9:
        return "budget"
    if budget["cpu_seconds"] is not None and used["cpu_seconds"] >= budget["cpu_seconds"]:
        return "budget"
    answered = history.failures_in_a_row < sum(tally.trials for tally in history.tallies.values())
    if history.failures_in_a_row >= (_MOST_FAILURES if answered else _MOST_FIRST_FAILURES):
        return "failures"
    recent = [history.trials[key] for key in history.forecast[-PATIENCE:]]
    if len(recent) < PATIENCE:
        return None
    best = ranked(history, task)
    if not best or best[0].outcome is None:
        return None
    scale = abs(task.goal_values(best[0].outcome)[task.objective.name])
    small = history.plan["stopping"]["tolerance"] * scale
    done = all(not state.is_open and (state.gain or 0.0) < small for state in recent)
    return "tolerance" if done else None


def check_states(history: History, task: Task, winner: TrialState) -> list[tuple[Check, Trial, TrialState | None]]:
    """Each check of the plan, the trial it asks of ``winner``, and what became of it."""
    problem, planned = task.problem, set(history.plan["checks"])
    found = []
    for check in (one for one in problem.checks if one.name in planned):
        design = problem.make_design(winner.trial["design"])
        trial = problem.trial(design, shifted(problem, check, task.setting), check.fidelity, int(history.plan["seed"]))
        found.append((check, trial, _taken(history, trial)))
    return found


def _taken(history: History, trial: Trial) -> TrialState | None:
    """What became of ``trial``, once the newest plan has asked for it or taken it over from what was known before."""
    return history.trials[trial.key] if trial.key in history.used[-1] else None


def _deficits(task: Task, check: Check, outcome: Mapping[str, Any]) -> dict[str, float]:
    """By how much each limit is missed beyond the slack the check allows; only limits that are missed."""
    values = task.goal_values(outcome)
    missed = {
        name: -goal.margin(values[name]) - check.slack.get(name, 0.0)
        for name, goal in task.goals.items()
        if not goal.is_objective
    }
    return {name: amount for name, amount in missed.items() if amount > 0}


def baseline_of(history: History, task: Task) -> TrialState | None:
    """The best textbook start that keeps every limit at the top rung, if any does."""
    keys = {task.problem.trial(start, task.setting, seed=int(history.plan["seed"])).key for start in task.problem.starts}
    return next((state for state in ranked(history, _unguarded(task)) if state.key in keys), None)


def _unguarded(task: Task) -> Task:
    return Task(task.problem, task.setting, task.goals)


def next_step(history: History, task: Task, strategy: Strategy, free: int) -> Step:
    """What to do now with ``free`` workers idle."""
    if "search" not in history.decisions[-1]:
        return _search(history, task, strategy, free)
    step = _after_search(history, task)
    return replace(step, wanted=step.wanted[:free])


def _after_search(history: History, task: Task) -> Step:
    """Required checks, baseline, controls, the other checks, the conclusion."""
    best = ranked(history, task) or ranked(history, _unguarded(task))
    if best and (step := _validate(history, task, best[0], required=True)):
        return step
    for stage in (_compare, _control):
        if step := stage(history, task):
            return step
    if best and (step := _validate(history, task, best[0], required=False)):
        return step
    return Step(event=("concluded", conclude(history, task, best)))


def _search(history: History, task: Task, strategy: Strategy, free: int) -> Step:
    open_trials = history.unanswered("start", "search")
    if reason := stop_reason(history, task):
        return Step() if open_trials else Step(event=("decided", {"stage": "search", "because": reason}))
    if free <= 0:
        return Step()
    if before := [state for state in history.left_open("start", "search") if task.asks(state.trial)]:
        return Step(wanted=[Wanted(Trial(**state.trial), state.purpose, state.why) for state in before])
    seed = int(history.plan["seed"])
    proposals = strategy.ask(task, history, free, seed)
    if not proposals:
        return Step() if open_trials else Step(event=("decided", {"stage": "search", "because": "exhausted"}))
    budget = history.plan["budget"]["runs"]
    left = float("inf") if budget is None else budget - spent(history, task, "start", "search")["runs"]
    wanted = []
    for one in proposals:
        left -= task.problem.rung(one.fidelity).cost
        if left < -1e-9:
            break
        trial = task.problem.trial(one.design, task.setting, one.fidelity, seed)
        wanted.append(Wanted(trial, one.purpose, one.why, one.numbers, one.predicted, one.gain))
    if wanted or open_trials:
        return Step(wanted=wanted)
    return Step(event=("decided", {"stage": "search", "because": "budget"}))


def _validate(history: History, task: Task, winner: TrialState, *, required: bool) -> Step | None:
    checks = [one for one in check_states(history, task, winner) if one[0].required == required]
    missing = [(check, trial) for check, trial, state in checks if state is None]
    if missing:
        return Step(wanted=[Wanted(trial, f"check: {check.name}", _CHECK, {"check": check.name}) for check, trial in missing])
    if any(state is not None and state.is_open for _check, _trial, state in checks):
        return Step()
    if not required or history.guard_rounds >= _MOST_GUARDS or not ranked(history, task):
        return None
    deficits: dict[str, float] = {}
    for check, _trial, state in checks:
        if state is not None and state.outcome is not None:
            for name, amount in _deficits(task, check, state.outcome).items():
                deficits[name] = max(deficits.get(name, 0.0), amount)
    if not deficits:
        return None
    guard = {name: _needed(task, winner, name, amount) for name, amount in deficits.items()}
    return Step(event=("guarded", {"guard": guard, "winner": winner.key}))


def _needed(task: Task, winner: TrialState, name: str, deficit: float) -> float:
    """The guard under which this winner would have failed at the top rung, with a quarter to spare."""
    outcome = winner.outcome or {}
    return max(task.goals[name].margin(task.goal_values(outcome)[name]), 0.0) + 1.25 * deficit


def _compare(history: History, task: Task) -> Step | None:
    """Simulate every textbook start at the top rung: the winner must beat the best of them."""
    problem, seed = task.problem, int(history.plan["seed"])
    trials = [problem.trial(start, task.setting, seed=seed) for start in problem.starts if problem.broken_rule(start) is None]
    missing = [Wanted(trial, "baseline", _BASELINE) for trial in trials if trial.key not in history.used[-1]]
    if missing:
        return Step(wanted=missing)
    return Step() if any(history.trials[trial.key].is_open for trial in trials) else None


def _control(history: History, task: Task) -> Step | None:
    count, problem = int(history.plan["control_runs"]), task.problem
    if not count:
        return None
    seed = int(history.plan["seed"])
    wanted, waiting = [], False
    for design in islice(space_filling(problem, seed + 7919, uniform=True), count):
        trial = problem.trial(design, task.setting, seed=seed)
        state = _taken(history, trial)
        if state is None:
            wanted.append(Wanted(trial, "control", _CONTROL))
        waiting = waiting or (state is not None and state.is_open)
    return Step(wanted=wanted) if wanted else (Step() if waiting else None)


def conclude(history: History, task: Task, best: list[TrialState]) -> dict[str, Any]:
    """The verdict, with the reason and the trials it rests on."""
    baseline = baseline_of(history, task)
    ends: dict[str, Any] = {"baseline": baseline.key if baseline else None, "runners_up": [state.key for state in best[1:3]]}
    if not best:
        return ends | {"verdict": "inconclusive", "because": "no design kept every limit", "winner": None, "checks": {}}
    winner = best[0]
    checks = {}
    for check, trial, state in check_states(history, task, winner):
        answered = state is not None and state.outcome is not None
        holds = not _deficits(task, check, state.outcome) if state is not None and state.outcome is not None else None
        checks[check.name] = {"key": trial.key, "required": check.required, "answered": answered, "holds": holds}
    ends |= {"winner": winner.key, "checks": checks}
    if task.problem.noise.kind != "none":
        return ends | {"verdict": "inconclusive", "because": "the simulator is noisy and the winner was not repeated"}
    if winner.purpose == "given":
        return ends | {"verdict": "inconclusive", "because": "the best design rests on past data, not on a run of this campaign"}
    required = [one for one in checks.values() if one["required"]]
    if any(one["holds"] is False for one in required):
        return ends | {"verdict": "refuted", "because": "a required check failed"}
    if any(one["holds"] is None for one in required):
        return ends | {"verdict": "inconclusive", "because": "a required check gave no answer"}
    if baseline is not None and baseline.outcome is not None and winner.outcome is not None:
        name = task.objective.name
        ours, theirs = task.goal_values(winner.outcome)[name], task.goal_values(baseline.outcome)[name]
        if task.objective.better(ours, theirs) <= history.plan["stopping"]["tolerance"] * abs(theirs):
            return ends | {"verdict": "inconclusive", "because": "nothing better than the textbook start was found"}
    return ends | {"verdict": "supported", "because": "all limits and required checks hold"}
