"""HPO-B's development spaces: a prior of the other five or six tasks of a space, and the task that was left out.

Gaussian processes over all tables of a space take minutes for a search; they play one table of each space. Quick: two spaces, one
seed.
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
from benchmarks.peers.scores import MARKS, across_seeds, runs_to
from benchmarks.peers.suites.tables import HPO_B, measured, thinned
from benchmarks.peers.tasks import Array, Task
from benchmarks.wheel.given_past import GIVEN_PAST, QUICK_PEERS, Table
from benchmarks.wheel.rows import COLD, SHUFFLED, WARM, best_of, held, intervals, logs_of
from dure.campaign import Loop
from dure.models.prior import FamilyPrior, PastTask
from dure.models.training import train
from dure.pool.lessons import kept_wide
from dure.problem import Problem
from dure.strategy import Strategy, strategy
from dure.strategy.informed import Informed
from dure.strategy.outputs import shape_of

__all__ = ["study"]

_MARK = "95%"
_SEEDS = 5
_OURS = (COLD, WARM, SHUFFLED)
_QUICK = ("5636", "7609")


def tables_of(task: Task, tables: Mapping[str, Array]) -> dict[str, Table]:
    """The other tables of a space: rows within the problem's ranges, in its unit cube, and their answers."""
    found = {}
    columns = [int(one.removeprefix("x")) for one in task.problem.inputs]
    specs: list[Any] = list(task.problem.inputs.values())
    for name, table in sorted(tables.items()):
        inside = np.all([(table[:, c] >= s.low) & (table[:, c] <= s.high) for c, s in zip(columns, specs, strict=True)], axis=0)
        points = np.stack([(table[inside, c] - s.low) / (s.high - s.low) for c, s in zip(columns, specs, strict=True)], axis=1)
        found[name] = points, table[inside, -1]
    return found


def past_of(task: Task, tables: Mapping[str, Array], shuffled: bool) -> list[PastTask]:
    """The other tables of a space as past tasks of the problem."""
    found, goal = [], task.problem.goals["y"]
    for number, (name, (points, values)) in enumerate(tables_of(task, tables).items()):
        given = np.random.default_rng(number).permutation(values) if shuffled else values
        shape = shape_of(goal, given, theory=False)
        outputs = given if shape is None else kept_wide(shape, goal).encode(given)
        nothing = torch.zeros(0, dtype=torch.double)
        told = torch.from_numpy(np.asarray(outputs))[:, None]
        best = torch.from_numpy(points[[int(np.argmax(given))]])
        found.append(PastTask(name, name, torch.from_numpy(points), told, nothing, best=best))
    return found


def prior_of(task: Task, tables: Mapping[str, Array], shuffled: bool = False) -> FamilyPrior:
    """Trained on the other tables of a space; with every past task's answers shuffled it knows nothing."""
    return train(past_of(task, tables, shuffled))


def search(task: Task, player: Strategy, seed: int) -> Row:
    """A search of the table until its best is found: runs to each mark."""
    loop = Loop(task.problem, strategy=player, seed=seed)
    values: list[float] = []
    best = max(answered(task.problem, one) for one in task.problem.candidates)
    while len(values) < task.budget and best not in values and (wishes := loop.ask()):
        answer = answered(task.problem, wishes[0].design)
        loop.tell(wishes[0], {"y": answer})
        values.append(answer)
    return reached(task, values) | held(loop)


def peer(task: Task, make: Any, tables: Mapping[str, Array], seed: int) -> Row:
    """A peer that is given the other tables searches the list."""
    candidates = task.problem.candidates
    player = make(task.problem.space.encode(candidates), list(tables_of(task, tables).values()), seed)
    asked: list[int] = []
    values: list[float] = []
    best = max(answered(task.problem, one) for one in candidates)
    while len(values) < task.budget and best not in values:
        merit = np.array(player(np.array(asked, dtype=int), np.array(values)), dtype=float)
        merit[asked] = -np.inf
        asked.append(int(merit.argmax()))
        values.append(answered(task.problem, candidates[asked[-1]]))
    return reached(task, values)


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
    for seed in range(1 if options.quick else _SEEDS):
        for space in spaces:
            tables = measured(space, home)
            for left in [] if not tables else [HPO_B[space]] if options.quick else sorted(tables):
                task = thinned(f"hpo-b-{space}-{left}", tables[left])
                others = {name: table for name, table in tables.items() if name != left}
                players = (*_OURS, *(GIVEN_PAST if left == HPO_B[space] else QUICK_PEERS))
                rows += [_searched(options, task, name, others, seed) for name in players]
    if not rows:
        print("HPO-B is not under DURE_DATA; benchmarks/peers/suites/tables.py says how to fetch it")
        return [], []
    return _figures(rows, options.quick), rows


def _searched(options: Options, task: Task, name: str, others: Mapping[str, Array], seed: int) -> Row:
    if name in GIVEN_PAST:
        play = partial(peer, task, GIVEN_PAST[name], others, seed)
    else:
        play = partial(_played, task, name, others, seed)
    row = options.row(f"{task.name}, {name}, seed {seed}", play)
    return row | {"family": "tables", "target": task.name, "player": name, "seed": seed, "budget": task.budget}


def _played(task: Task, name: str, others: Mapping[str, Array], seed: int) -> Row:
    plain: Any = strategy("structured")
    return search(task, plain if name == COLD else Informed(plain, prior_of(task, others, name == SHUFFLED), name), seed)


def _figures(rows: list[Row], quick: bool) -> list[Figure]:
    figures = []
    given = [name for name in GIVEN_PAST if any(row["player"] == name for row in rows)]
    shared = set.intersection(*({row["target"] for row in rows if row["player"] == name} for name in given))
    for label, slow, fast, target, on in (
        ("past against none", [COLD], WARM, 2.0, None),
        ("past against the best peer given the same past", given, WARM, 1.3, shared),
        (f"past against {given[0]}", given[:1], WARM, None, None),
        ("shuffled past against none", [COLD], SHUFFLED, 0.95, None),
    ):
        some = [row for row in rows if on is None or row["target"] in on]
        for mark in (f"{one:.0%}" for one in MARKS):
            found = best_of(some, slow, mark)
            logs = logs_of(some, found, fast, mark)
            name = f"HPO-B development spaces, one task left out: {label}, runs to {mark}"
            judged = target if mark == _MARK and not quick else None
            figures.append(Figure(name, *across_seeds(logs), unit="times fewer", target=judged, peer=found))
            if mark == _MARK:
                worst = float(np.exp(min(one.mean() for one in logs)))
                figures.append(Figure("  worst task", worst, unit="times fewer", peer=found))
    figures += intervals(rows, "HPO-B development spaces")
    for player in dict.fromkeys(row["player"] for row in rows):
        some = [row for row in rows if row["player"] == player]
        missed = sum(row[_MARK] > row["budget"] for row in some)
        figures.append(Figure(f"  {player}: searches that did not get to {_MARK}", missed, unit=f"of {len(some)}"))
    return figures
