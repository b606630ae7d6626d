"""A campaign's state for programs: what ``dure report --json`` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dure.campaign import Claim, claims_of, conclude
from dure.journal import History, TrialState
from dure.strategy import Task

__all__ = ["summary"]


def summary(history: History, task: Task) -> dict[str, Any]:
    """Verdict, best design, its outcome per fidelity, margins, cost per fidelity, claims; verdict None while it runs."""
    claims = claims_of(history, task)
    ends = history.conclusion or conclude(history, task)
    winner = history.trials[ends["winner"]] if ends["winner"] else None
    rungs = {state.fidelity for state in history.in_plan()}
    return {
        "problem": history.plan["problem"]["name"],
        "plan": history.plan["hash"],
        "verdict": claims["verdict"].value,
        "because": ends["because"] if history.conclusion else None,
        "best": dict(winner.trial["design"]) if winner else None,
        "front": [
            _member(claims, task, number, history.trials[key]) for number, key in enumerate(ends.get("front", ()), start=1)
        ],
        "repeats": {role: _repeats(claims, task, role) for role in ends.get("repeats", {})},
        "outcomes": _outcomes(history, task, winner) if winner else {},
        "margins": {
            name: {"value": claims[f"winner.margin.{name}"].value, "unit": claims[f"winner.margin.{name}"].unit}
            for name, goal in task.goals.items()
            if winner and not goal.is_objective
        },
        "cost": {
            rung.name: {unit: claims[f"spent.rung.{rung.name}.{unit}"].value for unit in ("runs", "cpu_seconds")}
            for rung in (*task.problem.fidelities, *task.problem.beyond)
            if rung.name in rungs
        },
        "claims": [claim.plain() for claim in claims.values()],
    }


def _member(claims: Mapping[str, Claim], task: Task, number: int, state: TrialState) -> dict[str, Any]:
    """One design of the front, in order of the first objective; with one objective there is no front."""
    limits = [name for name, goal in task.goals.items() if not goal.is_objective]
    return {
        "trial": state.key,
        "design": dict(state.trial["design"]),
        "goals": {name: claims[f"front.{number}.goal.{name}"].value for name in task.goals},
        "margins": {name: claims[f"front.{number}.margin.{name}"].value for name in limits},
    }


def _repeats(claims: Mapping[str, Claim], task: Task, role: str) -> dict[str, Any]:
    """How often a design was repeated, and what its goals are in the mean, give or take ``half``."""
    means = {
        name: {"mean": claims[f"{role}.goal.{name}"].value, "half": claims[f"{role}.half.{name}"].value} for name in task.goals
    }
    return {"count": claims[f"{role}.repeats"].value, "goals": means}


def _outcomes(history: History, task: Task, winner: TrialState) -> dict[str, Any]:
    """What every fidelity says of the winner's design under the campaign's own setting."""
    return {
        state.fidelity: {"outcome": dict(state.outcome), "goals": task.goal_values(state.outcome)}
        for state in history.trials.values()
        if state.outcome is not None and task.asks(state.trial) and _is_run_of(winner, state)
    }


def _is_run_of(winner: TrialState, state: TrialState) -> bool:
    return all(state.trial[name] == winner.trial[name] for name in ("design", "seed"))
