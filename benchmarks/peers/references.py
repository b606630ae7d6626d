"""Find what every task is measured by, and write ``references.json``.

    python -m benchmarks.peers.references [TASK...]

Of problems that ship the best values are declared in benchmarks/references, and only the middle is found here.

Where no formula tells the best value it is searched for: differential evolution from five seeds, each improved by
Nelder-Mead, on designs as players may propose them. That is tens of thousands of runs, of which players have fifty. Of two
objectives, forty such searches each weigh them differently, and the hypervolume is that of everything they saw.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from scipy.optimize import Bounds, differential_evolution, minimize

from benchmarks.peers.scores import hypervolume
from benchmarks.peers.suites import all_tasks
from benchmarks.peers.suites.arrangement import layout
from benchmarks.peers.suites.continuous import OPTIMA
from benchmarks.peers.tasks import DECLARED, REFERENCES, Answer, Array, Design, Reference, Task
from dure.errors import DureError
from dure.problem import values_of
from dure.strategy import space_filling

__all__ = ["find", "middle"]

_FEASIBLE = 64
_BROKEN = 1e9

_CLOSED: Mapping[str, tuple[float, str]] = {
    "branin-2": (OPTIMA["branin-2"][0], "closed form: 10 / (8 pi)"),
    "levy-4": (0.0, "closed form"),
    "styblinski-tang-3": (3 * -39.16616570377142, "closed form: three times the least of one coordinate"),
    "hartmann-6": (OPTIMA["hartmann-6"][0], "gradient search from the published optimum, -3.32237"),
    "rosenbrock-4": (0.0, "closed form"),
    "ackley-4": (0.0, "closed form"),
    "zdt2-5": (-(0.5 + 1 / 3 + 0.75), "closed form: the area above y2 = 1 - y1^2 up to 1.5, 1.5"),
    "branin-currin-2": (-59.36011874867746, "NSGA-II by BoTorch's authors; one-to-one maps of the box do not change it"),
}
"""Best values that no search is needed for; noise and crashes do not change them."""


def middle(task: Task) -> float:
    """The median objective of the first 64 Sobol designs that answer and keep the limits."""
    if len(task.goals) > 1:
        return 0.0
    if task.problem.candidates:
        return float(np.median([_known(task, values_of(one)).objectives[0] for one in task.problem.candidates]))
    answers = (_answer(task, values_of(one)) for one in space_filling(task.problem, (97,)))
    kept = (one.objectives[0] for one in answers if one is not None and one.worst <= 0)
    return float(np.median(list(islice(kept, _FEASIBLE))))


def _answer(task: Task, given: Design) -> Answer | None:
    return task.truth(given) if task.exact is not None else task.run(given)


def _known(task: Task, given: Design) -> Answer:
    answer = _answer(task, given)
    if answer is None:
        raise DureError(f"{task.name}: no answer for {given}")
    return answer


def _score(cube: Array, task: Task, weights: Array, seen: list[Answer]) -> float:
    """Objective of the design that stands at ``cube``; a broken limit costs more than any objective."""
    answer = _answer(task, values_of(task.problem.space.designs(cube[None, :])[0]))
    if answer is None:
        return 2 * _BROKEN
    if answer.worst > 0:
        return _BROKEN * (1 + math.tanh(answer.worst))
    seen.append(answer)
    return float(max(weights * np.array(answer.objectives)))


def _search(task: Task, weights: Array, seed: int, rounds: int, seen: list[Answer]) -> tuple[float, Design]:
    score = partial(_score, task=task, weights=weights, seen=seen)
    cube = [(0.0, 1.0)] * task.problem.space.columns
    bounds = Bounds(*np.array(cube).T)
    found = differential_evolution(
        score, bounds, rng=np.random.default_rng(seed), maxiter=rounds, popsize=12, tol=1e-10, polish=False
    )
    options: Any = {"xatol": 1e-7, "fatol": 1e-12, "maxiter": 4000}
    polished = minimize(score, found.x, method="Nelder-Mead", options=options, bounds=cube)
    best = min(found, polished, key=lambda one: float(one.fun))
    return float(best.fun), values_of(task.problem.space.designs(np.asarray(best.x)[None, :])[0])


def find(task: Task) -> Reference:
    """The reference of a task."""
    closed = _CLOSED.get(next((name for name in _CLOSED if task.name in (name, *_fellows(name))), ""))
    if closed is not None:
        return Reference(closed[0], middle(task), closed[1])
    if task.suite == "arrangement":
        least_cost, laid = layout(task.name).least()
        return Reference(least_cost, middle(task), "the cheapest of all layouts", {"layout": list(laid)})
    if task.problem.candidates:
        rows = [(_known(task, values_of(one)).objectives[0], values_of(one)) for one in task.problem.candidates]
        least = min(rows, key=lambda row: row[0])
        return Reference(least[0], middle(task), "the best row of the table", least[1])
    seen: list[Answer] = []
    if len(task.goals) > 1:
        for number, share in enumerate(np.linspace(0.01, 0.99, 40)):
            weights = np.array([share, 1 - share]) / np.array(task.corner)
            _search(task, weights, number, 60, seen)
        area = hypervolume(_front([one.objectives for one in seen]), task.corner)
        return Reference(-area, 0.0, f"hypervolume of {len(seen)} designs of 40 weighted searches")
    found = [_search(task, np.ones(1), seed, 400, seen) for seed in range(5)]
    best, there = min(found, key=lambda one: one[0])
    agreed = sum(value - best < 1e-4 * abs(best) for value, _there in found)
    return Reference(best, middle(task), f"differential evolution and Nelder-Mead, 5 seeds, {agreed} agree to 1e-4", there)


def _fellows(name: str) -> tuple[str, ...]:
    return tuple(f"{name}-{suffix}" for suffix in ("noisy", "region", "crashes"))


def _front(points: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """The points no other is better than, of two objectives."""
    front: list[tuple[float, ...]] = []
    for point in sorted(set(points)):
        if not front or point[1] < front[-1][1]:
            front.append(point)
    return front


def _fill_in(task: Task) -> None:
    """Write the middle of a declared task into its file."""
    for file in DECLARED.glob("*.json"):
        declared = json.loads(file.read_text("utf-8"))
        for one in declared["tasks"]:
            if one["name"] == task.name:
                one["middle"] = middle(task)
                print(task.name, one["middle"], flush=True)
        file.write_text(json.dumps(declared, indent=1) + "\n", "utf-8")


def main(names: list[str]) -> None:
    """Search for the tasks of these names, or for all."""
    known: dict[str, Any] = json.loads(REFERENCES.read_text("utf-8")) if REFERENCES.exists() else {}
    for task in all_tasks():
        if names and task.name not in names:
            continue
        if task.declared:
            _fill_in(task)
        else:
            known[task.name] = asdict(find(task))
            print(task.name, known[task.name], flush=True)
            REFERENCES.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
