"""A design class as a unit cube: how strategies see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.problem.classes import inputs_of

__all__ = ["Space"]

Array = NDArray[np.float64]


class Space:
    """The unit cube behind a design class; ``columns`` is its dimension."""

    def __init__(self, design: type) -> None:
        self.design_class = design
        self.fields = inputs_of(design)
        self.columns = sum(spec.columns for spec in self.fields.values())
        self._unordered = np.array([spec.unordered for spec in self.fields.values() for _column in range(spec.columns)])

    def encode(self, designs: Sequence[Any]) -> Array:
        """Designs as (n, columns) numbers in [0, 1]."""
        rows = [np.concatenate([spec.encode(getattr(one, name)) for name, spec in self.fields.items()]) for one in designs]
        return np.array(rows).reshape(len(designs), self.columns)

    def decode(self, cube: Array) -> Any:
        """(n, columns) numbers as one design, unchecked, whose fields are (n,) arrays; its methods work as they broadcast."""
        many: Any = object.__new__(self.design_class)
        start = 0
        for name, spec in self.fields.items():
            object.__setattr__(many, name, spec.decode(cube[:, start : start + spec.columns]))
            start += spec.columns
        return many

    def designs(self, cube: Array) -> list[Any]:
        """(n, columns) numbers as n designs, each value as a person would write it down."""
        values = self.decode(np.clip(cube, 0.0, 1.0))
        return [
            self.design_class(**{name: spec.snap(getattr(values, name)[row]) for name, spec in self.fields.items()})
            for row in range(len(cube))
        ]

    def snap(self, cube: Array) -> Array:
        """(n, columns) numbers moved to those of the designs they stand for."""
        return self.encode(self.designs(cube))

    def distances(self, design: Any, cube: Array) -> Array:
        """(n,) Euclidean distances of a design to (n, columns) rows of others; an unordered column that differs counts one."""
        apart = np.abs(cube - self.encode([design]))
        apart[:, self._unordered] = apart[:, self._unordered] > 0
        return np.asarray(np.sqrt((apart**2).sum(axis=1)))
