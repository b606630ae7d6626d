"""What to try while the model is measurably wrong: variations of the best designs, which need none."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

import numpy as np
from torch import Tensor

from dure.problem import Problem
from dure.strategy.evidence import Evidence
from dure.strategy.peak import listed, moved

__all__ = ["skill", "variations"]

_LATEST, _LEAST = 12, 6
_WIDE = 0.1
"""Standard deviation of a variation along each axis of the unit cube."""


def skill(evidence: Evidence, goal: str) -> float | None:
    """By what share the latest forecasts of a goal missed less than the median of the answers before would have.

    0 where they were as good as that, negative where worse; None while there were too few.
    """
    answers = evidence.values(goal)
    first = min((told for told, _value in answers), default=0)
    made = [one for one in evidence.predictions if one.goal == goal and one.asked > first]
    made = sorted(made, key=lambda one: one.answered)[-_LATEST:]
    if len(made) < _LEAST:
        return None
    missed = sum(abs(one.value - one.interval[0]) for one in made)
    constant = sum(abs(one.value - median(value for told, value in answers if told < one.asked)) for one in made)
    return 1 - missed / constant if constant > 0 else None


def variations(problem: Problem, incumbents: Tensor, seed: int) -> Iterator[Any]:
    """Designs near one of the incumbents, the first of them likeliest, without end; of a list its nearest members."""
    generator, space = np.random.default_rng(seed), problem.space
    every = listed(problem)
    likely = space.designs(incumbents.numpy())
    while True:
        design = likely[min(int(generator.geometric(0.4)) - 1, len(likely) - 1)]
        if every is None:
            yield moved(problem, design, generator, _WIDE)
        else:
            cube = space.encode([design]) + generator.normal(scale=_WIDE, size=(1, space.columns))
            yield from (every[0][row] for row in np.square(every[1] - cube).sum(1).argsort()[:3])
