"""Rows of searches with and without a past: who was fastest, by how much, and whether intervals held."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.figures import Figure, Row
from benchmarks.peers.scores import log_ratios
from benchmarks.peers.tasks import Array
from dure.campaign import Loop
from dure.strategy import Evidence

__all__ = ["COLD", "SHUFFLED", "WARM", "best_of", "held", "intervals", "logs_of"]

COLD, WARM, SHUFFLED = "dure without past", "dure", "dure, shuffled past"

_TOLD = 9


def best_of(rows: Sequence[Row], players: Sequence[str], mark: str) -> str:
    """The player of fewest runs to a mark, in geometric mean over the targets that all of them have."""
    has: dict[str, set[str]] = {}
    for row in rows:
        has.setdefault(row["target"], set()).add(row["player"])
    rows = [row for row in rows if has[row["target"]] >= set(players)]
    return min(players, key=lambda name: float(np.mean([np.log(row[mark]) for row in rows if row["player"] == name])))


def logs_of(rows: Sequence[Row], slow: str, fast: str, mark: str) -> list[Array]:
    """By target that both have, logarithms of runs of one player over those of another, of the seeds that both have."""
    runs: dict[str, dict[str, dict[int, float]]] = {}
    for row in rows:
        runs.setdefault(row["target"], {}).setdefault(row["player"], {})[row["seed"]] = row[mark]
    return [log_ratios(of[slow], of[fast]) for of in runs.values() if slow in of and fast in of]


def held(loop: Loop) -> Row:
    """How many of the 90 % intervals that a search stated after its ninth answer held what came, and how many it stated."""
    told = sorted(state.answered for state in loop.history.trials.values() if state.answered)
    late = told[_TOLD - 1] if len(told) >= _TOLD else np.inf
    stated = [one for one in Evidence(loop.task, loop.history).predictions if one.asked > late]
    return {"held": sum(one.interval[1] <= one.value <= one.interval[2] for one in stated), "stated": len(stated)}


def intervals(rows: Sequence[Row], family: str) -> list[Figure]:
    """The share of intervals of searches with a past that held, between those of the worst and the best target."""
    counts: dict[str, list[int]] = {}
    for row in rows:
        if row["player"] == WARM and row["stated"]:
            kept = counts.setdefault(row["target"], [0, 0])
            kept[:] = kept[0] + row["held"], kept[1] + row["stated"]
    if not counts:
        return []
    held, stated = (sum(one[place] for one in counts.values()) for place in (0, 1))
    ends = sorted(one[0] / one[1] for one in counts.values())
    name = f"{family}: 90 % intervals that held, with the past, from the tenth answer on; worst and best target"
    share = Figure(name, held / stated, ends[0], ends[-1], target=0.85)
    return [share, Figure("  and no more than", held / stated, target=0.95, at_most=True)]
