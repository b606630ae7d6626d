"""How a campaign ends: the checks of the winner, and the verdict with the trials it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dure.campaign.leaders import baseline_of, front_of, leading, starts_of
from dure.campaign.plan import shifted
from dure.journal import History, TrialState
from dure.problem import Check, Trial
from dure.strategy import Task

__all__ = ["check_states", "conclude", "deficits", "taken"]


def check_states(history: History, task: Task, winner: TrialState) -> list[tuple[Check, Trial, TrialState | None]]:
    """Each check of the plan, the trial it asks of ``winner``, and what became of it."""
    problem, planned = task.problem, set(history.plan["checks"])
    found = []
    for check in (one for one in problem.checks if one.name in planned):
        design = problem.make_design(winner.trial["design"])
        trial = problem.trial(design, shifted(problem, check, task.setting), check.fidelity, int(history.plan["seed"]))
        found.append((check, trial, taken(history, trial)))
    return found


def taken(history: History, trial: Trial) -> TrialState | None:
    """What became of ``trial``, once the newest plan has asked for it or taken it over from what was known before."""
    return history.trials[trial.key] if trial.key in history.used[-1] else None


def deficits(task: Task, check: Check, outcome: Mapping[str, Any]) -> dict[str, float]:
    """By how much each limit is missed beyond the slack the check allows; only limits that are missed."""
    values = task.goal_values(outcome)
    missed = {
        name: -goal.margin(values[name]) - check.slack.get(name, 0.0)
        for name, goal in task.goals.items()
        if not goal.is_objective
    }
    return {name: amount for name, amount in missed.items() if amount > 0}


def conclude(history: History, task: Task) -> dict[str, Any]:
    """The verdict, with the reason and the trials it rests on; where the campaign stands, while it has not ended."""
    judged, best = leading(history, task)
    baseline, several = baseline_of(history, task), len(task.objectives) > 1
    ends: dict[str, Any] = {
        "baseline": baseline.key if baseline else None,
        "runners_up": [] if several else [state.key for state in best[1:3]],
        "winner": best[0].key if best else None,
        "checks": _checks(history, task, best[0]) if best else {},
    }
    if several:
        ends["front"] = [state.key for state in front_of(history, judged)]
    verdict, because = _verdict(history, task, ends)
    return ends | {"verdict": verdict, "because": because}


def _checks(history: History, task: Task, winner: TrialState) -> dict[str, Any]:
    checks = {}
    for check, trial, state in check_states(history, task, winner):
        outcome = state.outcome if state else None
        holds = None if outcome is None else not deficits(task, check, outcome)
        checks[check.name] = {"key": trial.key, "required": check.required, "answered": outcome is not None, "holds": holds}
    return checks


def _verdict(history: History, task: Task, ends: Mapping[str, Any]) -> tuple[str, str]:
    if ends["winner"] is None:
        return "inconclusive", "no design kept every limit"
    if task.problem.noise.kind != "none":
        return "inconclusive", "the simulator is noisy and the winner was not repeated"
    if history.trials[ends["winner"]].purpose == "given":
        return "inconclusive", "the best design rests on past data, not on a run of this campaign"
    required = [one["holds"] for one in ends["checks"].values() if one["required"]]
    if False in required:
        return "refuted", "a required check failed"
    if None in required:
        return "inconclusive", "a required check gave no answer"
    if ends["baseline"] and not _better(history, task, ends):
        return "inconclusive", "nothing better than the textbook start was found"
    return "supported", "all limits and required checks hold"


def _better(history: History, task: Task, ends: Mapping[str, Any]) -> bool:
    """Whether the winner is no textbook start, and better than the best of them in some objective by more than the tolerance."""
    winner, baseline = history.trials[ends["winner"]], history.trials[ends["baseline"]]
    if winner.key in (state.key for state in starts_of(history, task)):
        return False
    tolerance = history.plan["stopping"]["tolerance"]
    ours, theirs = (task.goal_values(state.outcome or {}) for state in (winner, baseline))
    return any(goal.better(ours[goal.name], theirs[goal.name]) > tolerance * abs(theirs[goal.name]) for goal in task.objectives)
