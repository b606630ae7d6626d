"""What a strategy is: a function of the history and a seed that says what to try next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from dure.errors import PlanError
from dure.i18n import _
from dure.journal import History
from dure.problem import Problem
from dure.strategy.evidence import Task

__all__ = ["Proposal", "Strategy", "space_filling"]


@dataclass(frozen=True)
class Proposal:
    """One design worth a trial.

    ``why`` is one sentence with named places for ``numbers``, translated when it is shown; ``predicted`` maps a goal to mean, low and high of a 90 % interval; ``gain`` is the expected
    improvement of the objective, in its unit, at a top-rung proposal.
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

    name: str

    def explain(self, task: Task) -> str:
        """One sentence on why this strategy suits the task, for plan and report."""

    def ask(self, task: Task, history: History, n: int, seed: int) -> list[Proposal]:
        """Up to ``n`` proposals; pending trials are those of the history that have no answer."""


def space_filling(problem: Problem, seed: int, *, uniform: bool = False) -> Iterator[Any]:
    """Endless designs that keep the rules: scrambled Sobol points, or independent uniform ones.

    Raises:
        PlanError: ten thousand designs in a row broke a rule.
    """
    columns = problem.space.columns
    sobol = qmc.Sobol(columns, rng=np.random.default_rng(seed))
    generator = np.random.default_rng(seed)
    refused = 0
    while True:
        rows: NDArray[np.float64] = generator.uniform(size=(64, columns)) if uniform else sobol.random(64)
        for design in problem.space.designs(rows):
            broken = problem.broken_rule(design)
            refused = refused + 1 if broken else 0
            if broken is None:
                yield design
            elif refused >= 10_000:
                raise PlanError(_("10,000 designs in a row broke rule {name!r}; the rules leave next to nothing").format(name=broken.name))
