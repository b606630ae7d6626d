"""HPO-B's development spaces: a prior of the other five or six tasks of a space, and the task that was left out.

The past's mean alone, followed without learning anything, is a control beside those of ``benchmarks.wheel``. Quick: two spaces,
one seed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.figures import Figure, Options, Row
from benchmarks.peers.scores import MARKS, across_seeds, log_ratios, runs_to
from benchmarks.peers.suites.tables import HPO_B, measured, thinned
from benchmarks.peers.tasks import Array, Task
from dure.campaign import Loop
from dure.models.prior import FamilyPrior, PastTask
from dure.models.training import train
from dure.pool.lessons import kept_wide
from dure.problem import Problem
from dure.strategy import Strategy, strategy
from dure.strategy.informed import Informed
from dure.strategy.outputs import shape_of

__all__ = ["study"]

_MARK = 0.95
_SEEDS = 5
_QUICK = ("5636", "7609")


def past_of(task: Task, tables: Mapping[str, Array], shuffled: bool) -> list[PastTask]:
    """The other tables of a space as past tasks of the problem: rows within its ranges, in its unit cube."""
    problem, found = task.problem, []
    goal = problem.goals["y"]
    for number, (name, table) in enumerate(sorted(tables.items())):
        columns = [int(one.removeprefix("x")) for one in problem.inputs]
        specs: list[Any] = list(problem.inputs.values())
        inside = np.all([(table[:, c] >= s.low) & (table[:, c] <= s.high) for c, s in zip(columns, specs, strict=True)], axis=0)
        points = np.stack([(table[inside, c] - s.low) / (s.high - s.low) for c, s in zip(columns, specs, strict=True)], axis=1)
        values = table[inside, -1]
        if shuffled:
            values = np.random.default_rng(number).permutation(values)
        shape = shape_of(goal, values, theory=False)
        outputs = values if shape is None else kept_wide(shape, goal).encode(values)
        nothing = torch.zeros(0, dtype=torch.double)
        found.append(PastTask(name, name, torch.from_numpy(points), torch.from_numpy(np.asarray(outputs))[:, None], nothing))
    return found


def prior_of(task: Task, tables: Mapping[str, Array], shuffled: bool = False) -> FamilyPrior:
    """Trained on the other tables of a space; with every past task's answers shuffled it knows nothing."""
    return train(past_of(task, tables, shuffled))


def search(task: Task, player: Strategy, seed: int) -> Row:
    """A search of the table: runs to each mark."""
    loop = Loop(task.problem, strategy=player, seed=seed)
    values: list[float] = []
    while len(values) < task.budget and (wishes := loop.ask()):
        answer = answered(task.problem, wishes[0].design)
        loop.tell(wishes[0], {"y": answer})
        values.append(answer)
    return reached(task, values)


def replay(task: Task, prior: FamilyPrior) -> Row:
    """The list in the order of the past's mean."""
    cube = torch.from_numpy(task.problem.space.encode(task.problem.candidates))
    mean = prior.features(cube, torch.zeros(0, dtype=torch.double)) @ prior.centre[0]
    order = mean.argsort(descending=True)[: task.budget].tolist()
    return reached(task, [answered(task.problem, task.problem.candidates[row]) for row in order])


def answered(problem: Problem, design: Any) -> float:
    """The table's outcome."""
    simulate: Callable[..., Any] = problem.simulate  # type: ignore[assignment]
    return float(simulate(design)["y"])


def reached(task: Task, values: list[float]) -> Row:
    """Runs to each mark; the way goes from the table's median to its best."""
    everything = np.array([answered(task.problem, one) for one in task.problem.candidates])
    middle, best = float(np.median(everything)), float(everything.max())
    course = np.maximum.accumulate([(one - middle) / (best - middle) for one in values]).tolist()
    return {f"{mark:.0%}": runs_to(mark, course) if runs_to(mark, course) <= len(course) else task.budget + 1 for mark in MARKS}


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Search every left-out table with and without its past."""
    home = Path(os.environ.get("DURE_DATA") or "/nonexistent")
    spaces = _QUICK if options.quick else tuple(HPO_B)
    rows: list[Row] = []
    plain = strategy("structured")
    for space in spaces:
        tables = measured(space, home)
        if not tables:
            continue
        for left in [HPO_B[space]] if options.quick else sorted(tables):
            task = thinned(f"hpo-b-{space}-{left}", tables[left])
            others = {name: table for name, table in tables.items() if name != left}
            rows += _of_a_table(options, task, others, plain)
    if not rows:
        print("HPO-B is not under DURE_DATA; benchmarks/peers/suites/tables.py says how to fetch it")
        return [], []
    return _figures(rows, options.quick), rows


def _of_a_table(options: Options, task: Task, others: Mapping[str, Array], plain: Any) -> list[Row]:
    found: list[Row] = []
    priors: dict[str, FamilyPrior] = {}

    def prior(kind: str) -> FamilyPrior:
        if kind not in priors:
            priors[kind] = prior_of(task, others, kind == "shuffled past")
        return priors[kind]

    found.append(options.row(f"{task.name}, replay", lambda: replay(task, prior("past"))))
    for seed in range(1 if options.quick else _SEEDS):
        for name in ("without past", "past", "shuffled past"):
            found.append(options.row(f"{task.name}, {name}, seed {seed}", partial(_played, task, name, prior, plain, seed)))
    return [row | {"left out": task.name, "budget": task.budget} for row in found]


def _played(task: Task, name: str, prior: Callable[[str], FamilyPrior], plain: Any, seed: int) -> Row:
    return search(task, plain if name == "without past" else Informed(plain, prior(name), name), seed)


def _figures(rows: list[Row], quick: bool) -> list[Figure]:
    runs: dict[str, dict[str, dict[int, dict[str, float]]]] = {}
    for row in rows:
        task, name, *seed = row["task"].split(", ")
        runs.setdefault(name, {}).setdefault(task, {})[int(seed[0].split()[-1]) if seed else 0] = row
    figures = []
    for name, target in (("past", 2.0), ("shuffled past", 0.95), ("replay", None)):
        for mark in MARKS:
            logs = []
            for task, cold in runs["without past"].items():
                other = {seed: row[f"{mark:.0%}"] for seed, row in runs[name][task].items()}
                if name == "replay":
                    other = dict.fromkeys(cold, other[0])
                logs.append(log_ratios({seed: row[f"{mark:.0%}"] for seed, row in cold.items()}, other))
            judged = target if mark == _MARK and not quick else None
            label = f"HPO-B development spaces, one task left out: {name} against none, runs to {mark:.0%}"
            figures.append(Figure(label, *across_seeds(logs), unit="times fewer", target=judged, peer="dure without past"))
            if mark == _MARK:
                worst = min(float(one.mean()) for one in logs)
                figures.append(Figure("  worst task", float(np.exp(worst)), unit="times fewer", peer="dure without past"))
    for name in runs:
        missed = sum(row["95%"] > row["budget"] for some in runs[name].values() for row in some.values())
        total = sum(len(some) for some in runs[name].values())
        figures.append(Figure(f"  {name}: searches that did not get to 95 %", missed, unit=f"of {total}"))
    return figures
