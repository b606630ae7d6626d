"""Whether a certificate keeps its word: campaigns on functions whose optimum is known, and how often one was wrong.

python -m benchmarks.certificate [--quick] [--resume DIR] [--json FILE]
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from botorch.test_functions import Ackley, Branin, Hartmann, Levy, Rosenbrock, StyblinskiTang
from scipy.stats import binomtest, qmc

from benchmarks.figures import Figure, Options, Row, present
from benchmarks.peers.relocate import bend, place
from benchmarks.peers.suites.continuous import OPTIMA, Moved, vector
from benchmarks.peers.tasks import Array, designs_of, outcomes_of
from dure.campaign import Loop
from dure.campaign.course import stop_reason
from dure.problem import Problem, at_most, minimise, real

LEVEL, TOLERANCE, SEEDS = 0.95, 0.05, 20
BUDGETS = {1: 30, 2: 40, 3: 50}

# Name, function, dimension, box, place and value of the optimum before it is moved (Surjanovic & Bingham, Virtual Library of
# Simulation Experiments); Rosenbrock is the square root of the library's.
_FUNCTIONS: tuple[tuple[str, Any, int, tuple[float, float], Any, float], ...] = (
    ("levy-1", Levy, 1, (-10.0, 10.0), 1.0, 0.0),
    ("styblinski-tang-1", StyblinskiTang, 1, (-5.0, 5.0), -2.903534, -39.16616570377),
    ("styblinski-tang-2", StyblinskiTang, 2, (-5.0, 5.0), -2.903534, -78.33233140754),
    ("branin-2", Branin, 2, (-5.0, 15.0), OPTIMA["branin-2"][1], OPTIMA["branin-2"][0]),
    ("rosenbrock-2", Rosenbrock, 2, (-2.048, 2.048), 1.0, 0.0),
    ("ackley-2", Ackley, 2, (-5.0, 5.0), 0.0, 0.0),
    ("hartmann-3", Hartmann, 3, (0.0, 1.0), (0.114614, 0.555649, 0.852547), -3.86278),
)

# Name, formula, range, place and value of the lowest point before the axis is bent (same source).
_CURVES: tuple[tuple[str, Callable[[Array], Array], tuple[float, float], float, float], ...] = (
    ("forrester-1", lambda x: (6 * x - 2) ** 2 * np.sin(12 * x - 4), (0.0, 1.0), 0.75724876, -6.02074006),
    ("gramacy-lee-1", lambda x: np.sin(10 * np.pi * x) / (2 * x) + (x - 1) ** 4, (0.5, 2.5), 0.54856344, -0.86901113),
)

NAMES = (*(row[0] for row in _FUNCTIONS), *(row[0] for row in _CURVES), "ball-3")


def _moved(name: str, seed: int) -> tuple[Sequence[tuple[float, float]], Callable[[Array], Array], float]:
    """Box, function of (n, d) points and least value, the optimum moved by ``seed``."""
    for _name, function, d, box, optimum, least in _FUNCTIONS:
        if name == _name:
            made = Moved(function, d, box, optimum, seed)
            return made.bounds, made, least
    _name, curve, span, lowest, least = next(row for row in _CURVES if row[0] == name)
    _new, back = bend([span], (lowest,), seed)
    return [span], lambda points: np.asarray(curve(back(points)[..., 0])), least


def _free(name: str, seed: int) -> Problem:
    """A function of the lists, 1 at its optimum and 2 at the middle of 64 Sobol points."""
    bounds, function, least = _moved(name, seed)
    low, high = np.array(bounds).T
    unit = float(np.median(function(low + (high - low) * _sobol(len(bounds))))) - least

    def simulate(design: Any) -> Mapping[str, float]:
        return {"y": 1 + (float(function(vector(design)[None])[0]) - least) / unit}

    inputs = {f"x{number}": real(*span) for number, span in enumerate(bounds, 1)}
    return _problem(f"{name}-{seed}", inputs, simulate)


def _limited(seed: int) -> Problem:
    """The point of a ball nearest to a place outside of it, in closed form; scaled alike, over designs that keep the limit."""
    generator, best = np.random.default_rng([seed, 20_265]), place(seed, 3)
    outward = np.abs(generator.normal(size=3)) * np.where(best < 0.5, 1, -1)
    outward /= np.linalg.norm(outward)
    centre, aim = best - 0.5 * outward, best + 0.4 * outward

    def height(x: Array) -> Array:
        return np.asarray(((x - aim) ** 2).sum(-1))

    def outside(x: Array) -> Array:
        return np.asarray(((x - centre) ** 2).sum(-1) - 0.25)

    cube = _sobol(3, 256)
    least = float(height(best))
    unit = float(np.median(height(cube[outside(cube) <= 0]))) - least

    def simulate(design: Any) -> Mapping[str, float]:
        x = vector(design)
        return {"y": 1 + (float(height(x)) - least) / unit, "outside": float(outside(x))}

    inputs = {f"x{number}": real(0.0, 1.0) for number in range(1, 4)}
    return _problem(f"ball-3-{seed}", inputs, simulate, outside=at_most(0.0))


def _problem(name: str, inputs: Mapping[str, Any], simulate: Any, **limits: Any) -> Problem:
    return Problem(
        name=f"bench/{name}",
        version="1",
        question="Where is it lowest?",
        design=designs_of(**inputs),
        outcome=outcomes_of(y=minimise(), **limits),
        simulate=simulate,
        tolerance=TOLERANCE,
    )


def _sobol(d: int, points: int = 64) -> Array:
    return np.asarray(qmc.Sobol(d, rng=np.random.default_rng(d)).random(points))


def run(name: str, seed: int) -> Row:
    """One campaign in memory until it has a certificate or its budget is spent, and what the improvement rule would have done.

    ``regret`` is how far the best answer was from the optimum, of the way to it from the middle design; so is ``tolerance``.
    """
    told = _limited(seed) if name == "ball-3" else _free(name, seed)
    budget, began = BUDGETS[told.space.columns], time.process_time()
    loop = Loop(told, strategy="blackbox", seed=seed)
    loop.history.plan["budget"] = {"runs": budget, "cpu_seconds": None}
    improvement: Row | None = None
    while True:
        if improvement is None and _reason(loop, None) == "tolerance":
            improvement = _standing(loop)
        if reason := _reason(loop, LEVEL):
            break
        (wish,) = loop.ask()
        loop.tell(wish, told.answer(wish.design, loop.task.setting, fidelity=wish.fidelity, seed=seed).outcome)
    last = loop.history.trials[loop.history.forecast[-1]].prospect if loop.history.forecast else None
    here = _standing(loop) | {"prospect": last, "budget": budget, "cpu_s": time.process_time() - began}
    return here | {"stopped": reason == "certificate", "improvement": improvement}


def _reason(loop: Loop, certificate: float | None) -> str | None:
    loop.history.plan["stopping"] = {"tolerance": TOLERANCE, "certificate": certificate}
    return stop_reason(loop.history, loop.task)


def _standing(loop: Loop) -> Row:
    best = loop.best()
    regret = np.inf
    if best is not None:
        found = loop.task.problem.answer(best, loop.task.setting, fidelity=loop.task.problem.top.name, seed=0).outcome
        regret = float(found.y) - 1
    return {"runs": len(loop.history.trials), "regret": regret, "wrong": bool(regret > TOLERANCE * (1 + regret))}


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Ten functions under twenty seeds each, or two when quick; counts of a quick run are too small for a target."""
    seeds = range(41, 43 if options.quick else 41 + SEEDS)
    rows = [options.row(f"{name}, {seed}", partial(run, name, seed)) for seed in seeds for name in NAMES]
    stopped = [row for row in rows if row["stopped"]]
    wrong = [row for row in stopped if row["wrong"]]
    hasty = [row["improvement"] for row in rows if row["improvement"]]
    saved = [1 - row["runs"] / row["budget"] for row in stopped]
    target = None if options.quick else 17.0
    return [
        Figure(f"wrong certificates at {LEVEL:.0%}", len(wrong), unit=f"of {len(rows)} runs", target=target, at_most=True),
        _share("wrong, of all certificates", len(wrong), len(stopped)),
        _share("ended with a certificate before the budget", len(stopped), len(rows), target=None if options.quick else 0.5),
        Figure("runs saved by a certificate, median", median(saved or [0.0]), min(saved or [0.0]), max(saved or [0.0])),
        _share("ended by the improvement rule", len(hasty), len(rows), peer="the same runs"),
        _share("further off than the tolerance, of these", sum(row["wrong"] for row in hasty), len(hasty), peer="the same runs"),
    ], rows


def _share(name: str, count: int, of: int, **more: Any) -> Figure:
    """A share with Wilson's interval at 95 %."""
    if not of:
        return Figure(name, 0.0, **more)
    interval = binomtest(count, of).proportion_ci(method="wilson")
    return Figure(name, count / of, float(interval.low), float(interval.high), **more)


if __name__ == "__main__":
    present("certificate", __doc__, study)
