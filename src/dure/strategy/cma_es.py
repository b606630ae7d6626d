"""CMA-ES by the library of its authors (hansen2001), for one objective over inputs that are as good as real."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import cma
import numpy as np
from cma.constraints_handler import AugmentedLagrangian

from dure.i18n import N_
from dure.problem import Space
from dure.strategy.evolution import Array, Evolution, Judged

__all__ = ["CMA_ES"]

_STEP = 0.25


def _size(columns: int, line: int) -> int:
    """The library's own, doubled with every line (auger2005)."""
    return max(4, int(4 + 3 * math.log(columns))) << line


class _Descent:
    """One line, begun at the best of its first generation; limits enter by an augmented Lagrangian (atamna2017)."""

    def __init__(self, cube: Array, judged: Judged, space: Space, seed: Sequence[int]) -> None:
        generator = np.random.default_rng(seed)
        options = {
            "bounds": [0.0, 1.0],
            "popsize": max(4, len(cube)),
            "randn": lambda *shape: generator.standard_normal(shape),
            "seed": math.nan,
            "verbose": -10,
        }
        if judged.shortfalls.shape[1]:
            options["tolstagnation"] = 0  # what a limit costs changes from generation to generation
        if space.columns == 1:
            options["maxstd"] = math.inf  # cma 4.5 raises where it would hold a step back in one dimension
        self._search = cma.CMAEvolutionStrategy(cube[judged.best_first[0]], _STEP, options)
        self._limits = AugmentedLagrangian(space.columns)
        self._limits.logging = 0
        self._allowed = bool((judged.missed == 0).any())

    def ask(self) -> Array:
        """See ``Line``."""
        self._points = self._search.ask()
        return np.array(self._points)

    def tell(self, judged: Judged) -> None:
        """See ``Line``; without an answer a design is worse than any that has one.

        Until a design keeps every limit nothing else is wanted.
        """
        known = judged.answered
        objective, shortfalls = judged.objectives[known, 0], np.arcsinh(judged.shortfalls[known])
        missed = np.maximum(shortfalls, 0.0)
        self._allowed = self._allowed or bool((missed.sum(1) == 0).any())
        penalties = np.array([sum(self._limits(row)) for row in shortfalls]) if self._allowed else (missed**2).sum(1)
        values = np.zeros(len(known))
        if known.any():
            values[known] = penalties + (objective if self._allowed else 0.0)
            values[~known] = values[known].max() + 1.0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of answers that do not differ yet
            self._search.tell(self._points, values)
            if self._allowed and known.any() and shortfalls.shape[1]:
                if not self._limits.is_initialized:
                    self._limits.set_coefficients(objective, shortfalls)
                best = values[known].argmin()
                self._limits.update(objective[best], shortfalls[best])

    @property
    def ended(self) -> bool:
        """See ``Line``."""
        return bool(self._search.stop())


CMA_ES = Evolution(
    name="cma-es",
    method=N_("Generations are drawn from a normal distribution that learns its shape from the best of them (CMA-ES)."),
    limits=N_("Limits enter by an augmented Lagrangian."),
    size=_size,
    begin=_Descent,
    one_objective=True,
)
