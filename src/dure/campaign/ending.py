"""How a campaign ends: the checks of the winner, and the verdict with the trials it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dure.campaign.leaders import baseline_of, front_of, leading, starts_of
from dure.campaign.plan import shifted
from dure.campaign.repeats import answered, chosen, gain_bound, is_repeated, keeps, means, reaches, repeats
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


def _holds(task: Task, check: Check, outcome: Mapping[str, Any]) -> bool | None:
    if deficits(task, check, outcome):
        return False
    return check.judge(task.problem.make_outcome(outcome)) if check.judge else True


def conclude(history: History, task: Task) -> dict[str, Any]:
    """The verdict, with the reason and the trials it rests on; where the campaign stands, while it has not ended."""
    judged, best = leading(history, task)
    baseline, winner = baseline_of(history, task), chosen(history, task, best) if best else None
    several = len(task.objectives) > 1
    ends: dict[str, Any] = {
        "baseline": baseline.key if baseline else None,
        "runners_up": [] if several else [state.key for state in best if state is not winner][:2],
        "winner": winner.key if winner else None,
        "checks": _checks(history, task, winner) if winner else {},
    }
    if several:
        ends["front"] = [state.key for state in front_of(history, judged)]
    if is_repeated(history):
        roles = {"winner": winner, "baseline": baseline}
        known = {role: answered(history, repeats(history, task, one, fresh=True)) for role, one in roles.items() if one}
        ends["repeats"] = {role: keys for role, keys in known.items() if len(keys) > 1}
    verdict, because = _verdict(history, task, ends)
    return ends | {"verdict": verdict, "because": because}


def _checks(history: History, task: Task, winner: TrialState) -> dict[str, Any]:
    checks = {}
    for check, trial, state in check_states(history, task, winner):
        outcome = state.outcome if state else None
        holds = None if outcome is None else _holds(task, check, outcome)
        checks[check.name] = {"key": trial.key, "required": check.required, "answered": outcome is not None, "holds": holds}
    return checks


def _verdict(history: History, task: Task, ends: Mapping[str, Any]) -> tuple[str, str]:
    if ends["winner"] is None:
        return "inconclusive", "no design kept every limit"
    repeated = ends.get("repeats", {}).get("winner", [])
    if not repeated and task.problem.noise.kind != "none":
        return "inconclusive", "the simulator is noisy and the winner was not repeated"
    if not repeated and history.trials[ends["winner"]].purpose == "given":
        return "inconclusive", "the best design rests on past data, not on a run of this campaign"
    if repeated and not keeps(task, means(history, task, repeated)):
        return "refuted", "the mean of the winner's repeats breaks a limit"
    required = [one for one in ends["checks"].values() if one["required"]]
    if any(one["holds"] is False for one in required):
        return "refuted", "a required check failed"
    if not all(one["answered"] for one in required):
        return "inconclusive", "a required check gave no answer"
    if any(one["holds"] is None for one in required):
        return "inconclusive", "a required check leaves open whether it holds"
    if repeated and len(repeated) < history.plan["replication"]["replicates"]:
        return "inconclusive", "a repeat of the winner gave no answer"
    if repeated and min(reaches(history, task, repeated).values(), default=0.0) < 0:
        return "inconclusive", "the winner's repeats leave open whether every limit is kept"
    if ends["baseline"] and (doubt := _no_better(history, task, ends)):
        return "inconclusive", doubt
    return "supported", "all limits and required checks hold"


def _no_better(history: History, task: Task, ends: Mapping[str, Any]) -> str | None:
    """Why the winner is not better than the best textbook start in any objective, by more than the tolerance; None if it is."""
    repeated = ends.get("repeats", {})
    ours, theirs = (repeated.get(role) or [ends[role]] for role in ("winner", "baseline"))
    if ends["winner"] in (state.key for state in starts_of(history, task)):
        return "nothing better than the textbook start was found"
    ahead, behind = means(history, task, ours), means(history, task, theirs)
    enough = {goal.name: history.plan["stopping"]["tolerance"] * abs(behind[goal.name]) for goal in task.objectives}
    better = [goal.name for goal in task.objectives if goal.better(ahead[goal.name], behind[goal.name]) > enough[goal.name]]
    if not better:
        return "nothing better than the textbook start was found"
    bounds = [gain_bound(history, task, ours, theirs, name) for name in better] if repeated else []
    if repeated and not any(bound is not None and bound > enough[name] for name, bound in zip(better, bounds, strict=True)):
        return "the repeats do not show the winner to be better than the textbook start"
    return None
