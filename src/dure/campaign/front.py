"""Which designs are best when several things are wanted: the Pareto front, its knee, and how much of the possible it covers.

With one objective the front is the best design, and everything here says what it always said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dure.strategy import Task

__all__ = ["Array", "best_first", "costs", "coverage", "signs", "undominated"]

Array = NDArray[np.float64]
_LEAST = 1e-300
_BEYOND = 0.1
"""How far beyond the front's worst values the reference point lies, as a share of the front's range: BoTorch's rule."""


def signs(task: Task) -> Array:
    """(k,) factors that turn objectives so that small is better."""
    return np.array([1.0 if goal.measure.sense == "minimise" else -1.0 for goal in task.objectives])


def costs(task: Task, values: Sequence[Mapping[str, float]]) -> Array:
    """(n, k) values of the objectives, turned so that small is better."""
    rows = [[one[goal.name] for goal in task.objectives] for one in values]
    return np.array(rows, dtype=float).reshape(len(rows), -1 if rows else len(task.objectives)) * signs(task)


def undominated(found: Array) -> list[int]:
    """Rows of (n, k) costs that no other row dominates, in order of the first column."""
    left, front = np.lexsort(found.T[::-1]), []
    while len(left):
        first = found[left[0]]
        behind = (found[left] >= first).all(1)
        front += left[(found[left] == first).all(1)].tolist()
        left = left[~behind]
    return front


def best_first(found: Array) -> list[int]:
    """Rows of (n, k) costs in order: the front from its knee on, then what it dominates; equal rows as they came.

    The knee is the member whose worst cost is least, each cost on a scale where the front's best is 0 and its worst is 1. The
    member furthest from the line through the front's ends would be one of the ends wherever a front is curved outwards.
    """
    front = undominated(found)
    if not front:
        return []
    best, span = found[front].min(0), np.ptp(found[front], axis=0)
    worst = ((found - best) / np.where(span > 0, span, 1.0)).max(1)
    dominated = np.ones(len(found), dtype=bool)
    dominated[front] = False
    order: list[int] = np.lexsort((*found.T[::-1], worst, dominated)).tolist()
    return order


def coverage(found: Array) -> tuple[Array, Callable[[Array], float]]:
    """The reference point of (n, k) costs, and a function that gives the hypervolume of any costs against it.

    The hypervolume is a share of the box between the best value of each objective and the reference point.
    """
    front = found[undominated(found)]
    best, span = front.min(0), np.ptp(front, axis=0)
    # What is smaller than any number's reciprocal counts as zero.
    span = np.where(span > _LEAST, span, np.where(np.abs(best) > _LEAST, np.abs(best), 1.0))
    reference = front.max(0) + _BEYOND * span

    def covered(some: Array) -> float:
        from dure.strategy.front import hypervolume

        return hypervolume((some[undominated(some)] - best) / (reference - best), np.ones(len(best)))

    return reference, covered
