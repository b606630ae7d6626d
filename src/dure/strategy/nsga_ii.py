"""NSGA-II by pymoo (deb2002, blank2020), for several objectives and for inputs of a few values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.evaluator import Evaluator
from pymoo.core.problem import Problem
from pymoo.core.repair import Repair
from pymoo.core.termination import NoTermination
from pymoo.operators.mutation.pm import PolynomialMutation
from pymoo.problems.static import StaticProblem

from dure.i18n import N_
from dure.problem import Space
from dure.strategy.evolution import Array, Evolution, Judged

__all__ = ["NSGA_II"]

_FAR = 1e9


def _size(columns: int, _line: int) -> int:
    """Ten for each column, up to the usual hundred: the front is that of all answers, not of one generation."""
    return min(max(20, 10 * columns), 100)


class _Snap(Repair):  # type: ignore[misc]  # ships no types
    """Points become those of the designs they stand for, so that no two of a generation ask for the same."""

    def __init__(self, space: Space) -> None:
        super().__init__()
        self._space = space

    def _do(self, _problem: Problem, X: Array, **_more: Any) -> Array:
        return self._space.snap(X)


class _Mutation(PolynomialMutation):  # type: ignore[misc]
    """Columns of a few values are drawn anew: a small move seldom leads to another value, and names have no neighbours."""

    def __init__(self, space: Space) -> None:
        super().__init__()
        self._stepped = np.isin(np.arange(space.columns), space.stepped)

    def _do(self, problem: Problem, X: Array, *given: Any, random_state: np.random.Generator, **more: Any) -> Array:
        moved = super()._do(problem, X, *given, random_state=random_state, **more)
        return np.where((moved != X) & self._stepped, random_state.random(X.shape), moved)


class _Breeding:
    """One line; what has no answer misses one limit more, by far."""

    def __init__(self, cube: Array, judged: Judged, space: Space, seed: Sequence[int]) -> None:
        (_n, objectives), (_n, limits) = judged.objectives.shape, judged.shortfalls.shape
        self._problem = Problem(n_var=space.columns, n_obj=objectives, n_ieq_constr=limits + 1, xl=0.0, xu=1.0)
        self._search = NSGA2(pop_size=len(cube), sampling=cube, mutation=_Mutation(space), repair=_Snap(space))
        number = int(np.random.SeedSequence(seed).generate_state(1)[0])
        self._search.setup(self._problem, termination=NoTermination(), seed=number)
        self.ask()
        self.tell(judged)

    def ask(self) -> Array:
        """See ``Line``."""
        self._generation = self._search.ask()
        return np.empty((0, self._problem.n_var)) if self._generation is None else self._generation.get("X")

    def tell(self, judged: Judged) -> None:
        """See ``Line``."""
        unanswered = np.where(judged.answered, 0.0, _FAR)[:, None]
        told = StaticProblem(self._problem, F=judged.objectives, G=np.hstack([judged.shortfalls, unanswered]))
        self._search.tell(infills=Evaluator().eval(told, self._generation))

    @property
    def ended(self) -> bool:
        """See ``Line``; a population has no end of its own."""
        return False


NSGA_II = Evolution(
    name="nsga-ii",
    method=N_("Generations are bred from the best of those before by crossover and mutation (NSGA-II)."),
    limits=N_("What keeps the limits comes before what does not."),
    size=_size,
    begin=_Breeding,
)
