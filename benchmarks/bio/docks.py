"""Docking against what was published: the reference scores that dockstring ships, and the courses of published searches."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figure, Options, Row

__all__ = ["CALLS", "METHODS", "TASKS", "best_so_far", "courses", "references", "reproduced", "smallest"]

TASKS = {"F2": "F2", "PPAR-all": "PPAR", "JAK2-not-LCK-v2": "JAK2"}
"""What the published files call the three tasks, and what Dure does."""

METHODS = ("random_zinc", "selfies_ga", "graph_ga", "bo_gp_exact", "bo_gp_exact_ei")
CALLS = (1, 100, 200, 500, 1000, 2000, 5000)
_CLOSE = 0.1
_WANTED = 10


def smallest() -> dict[str, tuple[str, float]]:
    """By target the smallest molecule of the reference scores that dockstring ships, and its score; the smallest come first."""
    from dockstring.dataset import random_dataset_tuples

    from dure.domains.bio.drug_likeness import heavy_atoms

    found: dict[str, tuple[str, float]] = {}
    for target, smiles, score in sorted(random_dataset_tuples, key=lambda one: heavy_atoms(one[1])):
        found.setdefault(target, (smiles, score))
    return found


def references(options: Options, targets: int) -> list[Row]:
    """Dock the smallest reference of each of the first targets anew."""
    from dure.domains.bio.docking import docked

    rows = []
    for target, (smiles, score) in list(smallest().items())[:targets]:

        def measure(target: str = target, smiles: str = smiles, score: float = score) -> Row:
            began = sum(os.times()[:4])
            found = docked(smiles, target).score
            return {"target": target, "smiles": smiles, "published": score, "found": found, "cpu_s": sum(os.times()[:4]) - began}

        rows.append(options.row(f"reference {target}", measure))
    return rows


def reproduced(rows: list[Row]) -> list[Figure]:
    """How many references come out as published, and what a default dock costs."""
    apart = [abs(row["found"] - row["published"]) for row in rows]
    times = [row["cpu_s"] for row in rows]
    return [
        Figure(
            "targets whose reference scores are reproduced" + ("" if len(rows) >= _WANTED else ", a part"),
            sum(one <= _CLOSE + 1e-9 for one in apart),
            unit="of 58" if len(rows) >= _WANTED else f"of {len(rows)}",
            target=_WANTED if len(rows) >= _WANTED else None,
            peer="GarciaOrtegon2022, within 0.1 kcal/mol",
        ),
        Figure("a default dock of a small molecule", float(np.median(times)), min(times), max(times), unit="CPU s"),
    ]


def courses(data: Path) -> list[Row]:
    """The published searches' best value so far after so many calls, larger is better: mean and deviation over three trials.

    A call of which any dock failed counts as 0 and not as what the file records of it.
    """
    from pyarrow.parquet import read_table

    table = read_table(data / "bio/dockstring_trajectories.parquet").to_pandas()
    rows: list[Row] = []
    for task, method in [(task, method) for task in TASKS for method in METHODS]:
        runs = [
            best_so_far(run.sort_values("call"), task)
            for _trial, run in table[(table["task"] == task) & (table["method"] == method)].groupby("trial")
        ]
        after = {str(calls): float(np.mean([run[min(calls, len(run)) - 1] for run in runs])) for calls in CALLS}
        deviation = float(np.std([run[min(CALLS[-1], len(run)) - 1] for run in runs], ddof=1))
        rows.append({"task": f"published {TASKS[task]}, {method}", "after": after, "deviation": deviation})
    return rows


_PARTS = {"F2": ["F2"], "PPAR-all": ["PPARA", "PPARD", "PPARG"], "JAK2-not-LCK-v2": ["JAK2", "LCK"]}


def best_so_far(run: Any, task: str, *, failures_apart: bool = True) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(calls,) the best recorded value up to each call of one run, a table with the columns of dockstring_trajectories."""
    scores = run["score"].to_numpy(dtype=float)
    if failures_apart:
        scores = np.where(run[_PARTS[task]].isna().any(axis=1).to_numpy(), np.minimum(scores, 0.0), scores)
    return np.asarray(np.maximum.accumulate(scores))
