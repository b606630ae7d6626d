"""Rows of searches with and without a past: who was fastest, and by how much."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.figures import Row
from benchmarks.peers.scores import log_ratios
from benchmarks.peers.tasks import Array

__all__ = ["COLD", "SHUFFLED", "WARM", "best_of", "logs_of"]

COLD, WARM, SHUFFLED = "dure without past", "dure", "dure, shuffled past"


def best_of(rows: Sequence[Row], players: Sequence[str], mark: str) -> str:
    """The player of fewest runs to a mark, in geometric mean."""
    return min(players, key=lambda name: float(np.mean([np.log(row[mark]) for row in rows if row["player"] == name])))


def logs_of(rows: Sequence[Row], slow: str, fast: str, mark: str) -> list[Array]:
    """By target, logarithms of runs of one player over those of another, of the seeds that both have."""
    runs: dict[str, dict[str, dict[int, float]]] = {}
    for row in rows:
        runs.setdefault(row["target"], {}).setdefault(row["player"], {})[row["seed"]] = row[mark]
    return [log_ratios(of[slow], of[fast]) for of in runs.values()]
