"""What every member of a family has in common, whatever its inputs: numbers that a family prior reads in place of a design."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dure.errors import InputError, ProblemError, SimulationFailed
from dure.i18n import _
from dure.problem.where import line_within

if TYPE_CHECKING:
    from dure.problem.problem import Problem

__all__ = ["NO_ANSWER", "Tokens"]

NO_ANSWER = (ArithmeticError, InputError, SimulationFailed, ValueError)
"""What theory or tokens may raise for a design that they cannot say anything about."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Tokens:
    """Numbers by ``names``, of one unit and meaning in all members of a family.

    ``function(design[, setting])`` gives a mapping of them; it is called with designs whose fields are (n,) arrays. Where it has
    no answer (it raises, or is not finite), a typical value stands in.
    """

    names: tuple[str, ...]
    function: Callable[..., Any]

    def of(self, problem: Problem, setting: Any) -> Callable[[Array], Array]:
        """A function of (n, columns) rows of a member's unit cube to (n, names) numbers.

        Raises:
            ProblemError: it does not give one number a design for each of the names.
        """
        probe = self._told(problem, setting, np.random.default_rng(0).uniform(size=(64, problem.space.columns)))
        there = np.isfinite(probe)
        typical = np.array(
            [np.median(column[some]) if some.any() else 0.0 for column, some in zip(probe.T, there.T, strict=True)]
        )

        def told(cube: Array) -> Array:
            values = self._told(problem, setting, np.clip(cube, 0.0, 1.0))
            return np.where(np.isfinite(values), values, typical)

        return told

    def _told(self, problem: Problem, setting: Any, cube: Array) -> Array:
        design = problem.space.decode(cube)
        try:
            with np.errstate(all="ignore"):
                given = problem.call(self.function, design, setting, fidelity=problem.top.name, seed=0)
        except NO_ANSWER:
            return np.full((len(cube), len(self.names)), np.nan)
        except Exception as error:
            file = str(problem.source or "")
            raise ProblemError(f"tokens: {type(error).__name__}: {error}", file=file, line=line_within(file, error)) from error
        try:
            columns = [np.broadcast_to(np.asarray(given[name], dtype=float), len(cube)) for name in self.names]
        except (KeyError, TypeError, ValueError) as error:
            raise ProblemError(
                _("tokens of {problem} are not one number a design for each of {names}: {error!r}").format(
                    problem=problem.name, names=", ".join(self.names), error=error
                )
            ) from None
        return np.stack(columns, axis=1) if columns else np.zeros((len(cube), 0))
