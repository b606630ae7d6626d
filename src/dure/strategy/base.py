"""What a strategy is: a function of the history and a seed that says what to try next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import Any, Protocol

import numpy as np
from scipy.stats import qmc

from dure.errors import PlanError
from dure.i18n import _
from dure.journal import History
from dure.problem import Problem
from dure.strategy.evidence import Task

__all__ = ["Proposal", "Strategy", "space_filling"]

_BLOCK, _MOST_REFUSED = 64, 10_000


@dataclass(frozen=True)
class Proposal:
    """One design worth a trial.

    ``why`` is one sentence with named places for ``numbers``, translated when it is shown; ``predicted`` maps a goal to median,
    low and high of a 90 % interval; ``gain`` is the expected improvement of the objective, in its unit, at a top-rung proposal.
    """

    design: Any
    fidelity: str
    purpose: str
    why: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    predicted: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    gain: float | None = None


class Strategy(Protocol):
    """Asks for designs. The same task, history and seed give the same proposals on the same machine."""

    @property
    def name(self) -> str:
        """What ``--strategy`` calls it."""

    def explain(self, task: Task) -> tuple[str, ...]:
        """Sentences on why this strategy suits the task, for plan and report; translated when they are shown."""

    def ask(self, task: Task, history: History, n: int, seed: int) -> list[Proposal]:
        """Up to ``n`` proposals; pending trials are those of the history that have no answer."""


def space_filling(problem: Problem, seed: int | tuple[int, ...], *, uniform: bool = False, start: int = 0) -> Iterator[Any]:
    """Endless designs that keep the rules, from number ``start`` on: scrambled Sobol points, or independent uniform ones.

    Raises:
        PlanError: ten thousand designs in a row broke a rule.
    """
    points = _points(problem, seed, uniform)
    return (points.at(number) for number in count(start))


class _Points:
    """One such sequence, drawn in blocks and remembered, so that a campaign does not draw it again for every proposal."""

    def __init__(self, problem: Problem, seed: int | tuple[int, ...], uniform: bool) -> None:
        generator, columns = np.random.default_rng(seed), problem.space.columns
        sobol = None if uniform else qmc.Sobol(columns, rng=generator)
        self._draw = sobol.random if sobol else lambda rows: generator.uniform(size=(rows, columns))
        self._problem = problem
        self._known: list[Any] = []

    def at(self, number: int) -> Any:
        while len(self._known) <= number:
            self._known += self._block()
        return self._known[number]

    def _block(self) -> list[Any]:
        broken = None
        for _attempt in range(_MOST_REFUSED // _BLOCK):
            designs = self._problem.space.designs(self._draw(_BLOCK))
            kept = [design for design in designs if (broken := self._problem.broken_rule(design)) is None]
            if kept:
                return kept
        raise PlanError(
            _("10,000 designs in a row broke rule {name!r}; the rules leave next to nothing").format(
                name=broken.name if broken else ""
            )
        )


_points = lru_cache(maxsize=4)(_Points)
