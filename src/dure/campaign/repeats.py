"""Repeats under noise: which of the leaders is best in the mean, and how surely it keeps its limits.

Leaders are chosen by one set of repeats and the winner is measured by another, so that luck that chose it does not speak for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dure.campaign.front import best_first, costs
from dure.journal import History, TrialState
from dure.problem import Trial
from dure.strategy import Task

__all__ = [
    "MOST_ROUNDS",
    "Estimate",
    "answered",
    "chosen",
    "contenders",
    "estimate",
    "gain_bound",
    "is_repeated",
    "keeps",
    "means",
    "reaches",
    "repeats",
    "spread",
]

_SEEDS = 1_000_000
"""How far the seeds of repeats lie from the plan's: no search of another plan in the same journal comes near them."""

MOST_ROUNDS = 3
"""How often leaders are repeated: where none keeps its limits surely, limits are tightened and the next ones get their turn."""


@dataclass(frozen=True)
class Estimate:
    """What repeats say of one quantity: ``mean`` plus and minus ``half`` is a two-sided t interval, ``reach`` a one-sided one."""

    mean: float
    half: float
    reach: float


def estimate(values: Sequence[float], confidence: float) -> Estimate:
    """Student's t over at least two independent values."""
    from scipy.stats import t

    error, freedom = np.std(values, ddof=1) / np.sqrt(len(values)), len(values) - 1
    half, reach = t.ppf([(1 + confidence) / 2, confidence], freedom) * error
    # The last digits depend on the processor; a claim must not.
    return Estimate(float(np.mean(values)), float(f"{half:.9g}"), float(f"{reach:.9g}"))


def is_repeated(history: History) -> bool:
    """Whether the newest plan repeats its leaders."""
    return bool(_planned(history)["replicates"])


def _planned(history: History) -> Mapping[str, Any]:
    """The plan's replication; plans without noise, and older ones, have none."""
    planned: Mapping[str, Any] = history.plan.get("replication", {"replicates": 0})
    return planned


def repeats(history: History, task: Task, state: TrialState, *, fresh: bool) -> list[Trial]:
    """Trials that repeat a design: the set that leaders are chosen by, or the ``fresh`` one that the winner is measured by."""
    count, design = int(_planned(history)["replicates"]), task.problem.make_design(state.trial["design"])
    first = int(history.plan["seed"]) + _SEEDS + count * fresh
    return [task.problem.trial(design, task.setting, seed=seed) for seed in range(first, first + count)]


def answered(history: History, trials: Sequence[Trial]) -> list[str]:
    """Keys of those of ``trials`` that the newest plan has an answer for."""
    known = history.used[-1]
    return [one.key for one in trials if one.key in known and history.trials[one.key].outcome is not None]


def contenders(history: History, best: Sequence[TrialState]) -> list[TrialState]:
    """The first designs of ``best``, each once."""
    seen: dict[tuple[Any, ...], TrialState] = {}
    for state in best:
        seen.setdefault(tuple(state.trial["design"].items()), state)
    return list(seen.values())[: int(_planned(history)["leaders"])]


def chosen(history: History, task: Task, best: Sequence[TrialState]) -> TrialState:
    """The contender that is best in the mean, of those that keep every limit surely, or else in the mean, or else of all.

    Without repeats, or before there are two of anything, the first of ``best``.
    """
    known = {}
    for state in contenders(history, best) if is_repeated(history) else ():
        keys = answered(history, repeats(history, task, state, fresh=False))
        if len(keys) > 1:
            known[state.key] = keys
    if not known:
        return best[0]
    doubts = {key: _doubt(history, task, keys) for key, keys in known.items()}
    least = [key for key in known if doubts[key] == min(doubts.values())]
    order = best_first(costs(task, [means(history, task, known[key]) for key in least]))
    return history.trials[least[order[0]]]


def _doubt(history: History, task: Task, keys: Sequence[str]) -> int:
    """0 where every limit is kept surely, 1 where it is kept in the mean, 2 where it is broken."""
    if min(reaches(history, task, keys).values(), default=0.0) >= 0:
        return 0
    return 1 if keeps(task, means(history, task, keys)) else 2


def keeps(task: Task, values: Mapping[str, float]) -> bool:
    """Whether values of the goals keep the user's limits."""
    return all(goal.margin(values[name]) >= 0 for name, goal in task.goals.items())


def means(history: History, task: Task, keys: Sequence[str]) -> dict[str, float]:
    """The mean of each goal over answered trials."""
    rows = [task.goal_values(history.trials[key].outcome or {}) for key in keys]
    return {name: float(np.mean([row[name] for row in rows])) for name in task.goals}


def spread(history: History, task: Task, keys: Sequence[str], goal: str) -> Estimate:
    """What answered repeats say of a goal, at the plan's confidence."""
    values = [task.goal_values(history.trials[key].outcome or {})[goal] for key in keys]
    return estimate(values, float(_planned(history)["confidence"]))


def reaches(history: History, task: Task, keys: Sequence[str]) -> dict[str, float]:
    """The margin to each of the user's limits that is kept with the plan's confidence; negative where that is not shown."""
    found = {}
    for name, goal in task.goals.items():
        if not goal.is_objective:
            known = spread(history, task, keys, name)
            found[name] = goal.margin(known.mean) - known.reach
    return found


def gain_bound(history: History, task: Task, ours: Sequence[str], theirs: Sequence[str], goal: str) -> float | None:
    """By how much ``ours`` is at least better than ``theirs``, pair by pair of equal seeds; None with fewer than two pairs.

    With several objectives the confidence is shared among them.
    """
    values = [
        {state.trial["seed"]: task.goal_values(state.outcome or {})[goal] for state in (history.trials[key] for key in keys)}
        for keys in (ours, theirs)
    ]
    seeds = sorted(values[0].keys() & values[1].keys())
    if len(seeds) < 2:
        return None
    doubt = (1 - float(_planned(history)["confidence"])) / len(task.objectives)
    known = estimate([task.goals[goal].better(values[0][seed], values[1][seed]) for seed in seeds], 1 - doubt)
    return known.mean - known.reach
