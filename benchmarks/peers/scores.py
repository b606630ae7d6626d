"""How far a run came, and how players compare: arithmetic only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from botorch.utils.multi_objective.hypervolume import Hypervolume
from scipy.stats import bootstrap

from benchmarks.peers.tasks import Array, Reference

__all__ = ["MARKS", "across_seeds", "across_tasks", "hypervolume", "log_ratios", "qualities", "runs_to"]

MARKS = (0.90, 0.95, 0.99)

Span = tuple[float, float, float]
"""A geometric mean, and the ends of its 95 % interval."""


def hypervolume(points: Sequence[Sequence[float]], corner: Sequence[float]) -> float:
    """Area between two objectives to be made small and ``corner``."""
    if not points:
        return 0.0
    measure = Hypervolume(torch.tensor([-one for one in corner], dtype=torch.double))
    return float(measure.compute(-torch.tensor(points, dtype=torch.double)))


def qualities(run: Mapping[str, Any], reference: Reference, corner: Sequence[float] = ()) -> list[float]:
    """What share of the way to the reference a run had come after each answer; -inf while no design keeps the limits.

    ``run["y"]`` has the objective of each answer, or a list of two, or None where it failed or broke a limit; of a noisy task,
    the true value of the design that the player would have handed over.
    """
    values: list[float] = []
    front: list[Sequence[float]] = []
    best = math.inf
    for y in run["y"]:
        if corner:
            if y is not None and all(one < end for one, end in zip(y, corner, strict=True)):
                front.append(y)
            values.append(-hypervolume(front, corner))
            continue
        best = (math.inf if y is None else y) if run.get("noisy") else min(best, math.inf if y is None else y)
        values.append(best)
    span = reference.middle - reference.best
    return [-math.inf if math.isinf(value) else 1 - (value - reference.best) / span for value in values]


def runs_to(mark: float, course: Sequence[float]) -> int:
    """Runs until a course reaches ``mark`` for good; one more than it has where it does not."""
    missed = [number for number, quality in enumerate(course, 1) if not quality >= mark]
    return missed[-1] + 1 if missed else 1


def log_ratios(theirs: Mapping[int, float], ours: Mapping[int, float]) -> Array:
    """Logarithms of their runs over ours, by seed, for the seeds both have."""
    return np.array([math.log(theirs[seed] / ours[seed]) for seed in sorted(theirs.keys() & ours.keys())])


def across_seeds(tasks: Sequence[Array]) -> Span:
    """The geometric mean over tasks of the geometric means over seeds; the interval says what other seeds would give."""
    samples = [one if len(one) > 1 else np.repeat(one, 2) for one in tasks]
    return _span(tuple(samples), lambda *given, axis: np.mean([np.mean(one, axis=axis) for one in given], axis=0))


def across_tasks(tasks: Sequence[Array]) -> Span:
    """The same mean; the interval says what other tasks like these would give."""
    means = np.array([one.mean() for one in tasks])
    return _span((means if len(means) > 1 else np.repeat(means, 2),), np.mean)


def _span(samples: tuple[Array, ...], statistic: Any) -> Span:
    found = bootstrap(
        samples,
        statistic,
        n_resamples=2000,
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    interval = found.confidence_interval
    return math.exp(float(statistic(*samples, axis=-1))), math.exp(float(interval.low)), math.exp(float(interval.high))
