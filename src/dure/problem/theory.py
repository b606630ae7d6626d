"""A problem's theory, evaluated for many designs at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.errors import DureError
from dure.problem.problem import Problem

__all__ = ["Theory"]

Array = NDArray[np.float64]


class Theory:
    """What theory says of designs given as unit-cube rows.

    An author writes theory for one design; where the same code also works on arrays, it is called once for all of them.
    """

    def __init__(self, problem: Problem, setting: Any, outputs: Sequence[str]) -> None:
        self._problem = problem
        self._setting = setting
        self._outputs = tuple(outputs)
        probe = np.random.default_rng(0).uniform(size=(3, problem.space.columns))
        self._broadcasts = self._agrees(probe)

    def _agrees(self, probe: Array) -> bool:
        one_by_one = self._singly(probe)
        try:
            return bool(np.allclose(self._together(probe), one_by_one, rtol=1e-9, atol=1e-12))
        except (TypeError, ValueError, AttributeError, IndexError, DureError):
            return False

    def _call(self, design: Any) -> Any:
        function = self._problem.theory
        if function is None:
            raise TypeError(self._problem.name)
        return self._problem.call(function, design, self._setting, fidelity=self._problem.top.name, seed=0)

    def _columns(self, outcome: Any, rows: int) -> Array:
        """Outputs side by side, (rows, total width)."""
        get = outcome.get if isinstance(outcome, dict) else lambda name: getattr(outcome, name)
        blocks = []
        for name in self._outputs:
            width = self._problem.measures[name].width
            value = np.asarray(get(name), dtype=float)
            blocks.append(np.broadcast_to(value.T if value.ndim == 2 else value.reshape(-1, width), (rows, width)))
        return np.concatenate(blocks, axis=1)

    def _together(self, cube: Array) -> Array:
        return self._columns(self._call(self._problem.space.decode(cube)), len(cube))

    def _singly(self, cube: Array) -> Array:
        rows = [self._problem.space.decode(row[None, :]) for row in cube]
        for row in rows:
            vars(row).update({name: value[0] for name, value in vars(row).items()})
        return np.concatenate([self._columns(self._call(row), 1) for row in rows])

    def __call__(self, cube: Array) -> Array:
        """(n, columns) unit-cube rows to (n, total width of the outputs); not finite where theory has no answer."""
        with np.errstate(all="ignore"):
            return self._together(cube) if self._broadcasts else self._singly(cube)
