"""A problem's theory, evaluated for many designs at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.errors import ProblemError, UnknownName
from dure.i18n import _
from dure.problem.problem import Problem
from dure.problem.tokens import NO_ANSWER
from dure.problem.where import line_within

__all__ = ["Theory"]

Array = NDArray[np.float64]

_MOST_REMEMBERED = 100_000
"""Designs of which theory's answers are kept."""


class Theory:
    """What theory says of designs given as unit-cube rows.

    An author writes theory for one design; where the same code also works on arrays, it is called once for all of them.
    Where it has no answer (raises, is not finite, or is not positive and should be), a typical value of it stands in.

    Raises:
        ProblemError: the function itself is wrong; points at its line.
        UnknownName: it names an outcome that the problem does not have.
    """

    def __init__(self, problem: Problem, setting: Any, outputs: Sequence[str]) -> None:
        self._problem = problem
        self._setting = setting
        self._outputs = tuple(outputs)
        # A climb over arrangements or names asks for the same neighbours again and again; points of a box never repeat.
        self._repeats = len(problem.space.stepped) == problem.space.columns
        self._said: dict[bytes, Array] = {}
        generator = np.random.default_rng(0)
        self._broadcasts = self._agrees(generator.uniform(size=(3, problem.space.columns)))
        wide = self._values(generator.uniform(size=(64, problem.space.columns)))
        self._typical = np.array(
            [np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else 1.0 for column in wide.T]
        )

    def _agrees(self, probe: Array) -> bool:
        with np.errstate(all="ignore"):
            one_by_one = self._singly(probe)
            try:
                together = self._together(probe)
            except Exception:  # code for one design may stumble over arrays in any way
                return False
        return bool(np.allclose(together, one_by_one, rtol=1e-9, atol=1e-12, equal_nan=True))

    def _call(self, design: Any) -> Any:
        function = self._problem.theory
        if function is None:
            raise ProblemError(_("problem {name!r} has no theory").format(name=self._problem.name))
        return self._problem.call(function, design, self._setting, fidelity=self._problem.top.name, seed=0)

    def _columns(self, outcome: Any, rows: int) -> Array:
        """Outputs side by side, (rows, total width)."""
        if not isinstance(outcome, (Mapping, self._problem.outcome)):
            raise ProblemError(
                _("theory gave {given!r}; it must give an outcome or a mapping of its fields").format(given=outcome)
            )
        said = outcome if isinstance(outcome, Mapping) else vars(outcome)
        for name in said:
            if name not in self._problem.measures:
                raise UnknownName(_("outcome"), name, self._problem.measures)
        blocks = []
        for name in self._outputs:
            measure = self._problem.measures[name]
            given = said.get(name)
            value = np.full(measure.width, np.nan) if given is None else np.asarray(given, dtype=float)
            block = np.broadcast_to(value.T if value.ndim == 2 else value.reshape(-1, measure.width), (rows, measure.width))
            blocks.append(np.where(block > 0, block, np.nan) if measure.positive else block)
        return np.concatenate(blocks, axis=1)

    def _together(self, cube: Array) -> Array:
        return self._columns(self._call(self._problem.space.decode(cube)), len(cube))

    def _singly(self, cube: Array) -> Array:
        return np.concatenate([self._columns({}, 0), *(self._columns(self._single(row), 1) for row in cube)])

    def _single(self, row: Array) -> Any:
        design = self._problem.space.decode(row[None, :])
        for name, value in list(vars(design).items()):
            object.__setattr__(design, name, value[0])
        try:
            return self._call(design)
        except NO_ANSWER:
            return {}
        except Exception as error:
            file = str(self._problem.source or "")
            raise ProblemError(f"theory: {type(error).__name__}: {error}", file=file, line=line_within(file, error)) from error

    def _values(self, cube: Array) -> Array:
        with np.errstate(all="ignore"):
            return self._together(cube) if self._broadcasts else self._singly(cube)

    def __call__(self, cube: Array) -> Array:
        """(n, columns) unit-cube rows to (n, total width of the outputs)."""
        if not self._repeats:
            return self._answers(cube)
        keys = [row.tobytes() for row in cube]
        new = {key: row for key, row in zip(keys, cube, strict=True) if key not in self._said}
        if new:
            if len(self._said) + len(new) > _MOST_REMEMBERED:
                self._said, new = {}, dict(zip(keys, cube, strict=True))
            self._said |= zip(new, self._answers(np.array(list(new.values()))), strict=True)
        return np.array([self._said[key] for key in keys]).reshape(len(cube), len(self._typical))

    def _answers(self, cube: Array) -> Array:
        values = self._values(cube)
        return np.where(np.isfinite(values), values, self._typical)
