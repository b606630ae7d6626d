"""A design class as a unit cube: how strategies see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dure.problem.classes import inputs_of
from dure.problem.fields import Array, Counted

__all__ = ["Space"]

_FEW_STEPS = 32
"""With more steps than that an ordered column is as good as real."""


class Space:
    """The unit cube behind a design class; ``columns`` is its dimension.

    ``stepped`` are the columns that tell only few values apart. ``names`` has, for each field whose values are names, its columns
    and the (values, features) numbers or counts that tell the values apart; ``unordered`` are all columns of these fields.
    """

    def __init__(self, design: type) -> None:
        self.design_class = design
        self.fields = inputs_of(design)
        self.columns = sum(spec.columns for spec in self.fields.values())
        self.names: list[tuple[tuple[int, ...], Array | Counted]] = []
        stepped: list[int] = []
        start = 0
        for spec in self.fields.values():
            columns, tokens = tuple(range(start, start + spec.columns)), spec.tokens_of()
            start += spec.columns
            if tokens is not None:
                self.names.append((columns, tokens))
            if tokens is not None or (spec.steps and spec.steps <= _FEW_STEPS):
                stepped += columns
        self.stepped = tuple(stepped)
        self.unordered = tuple(column for columns, _tokens in self.names for column in columns)

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

    def neighbours(self, design: Any) -> list[Any]:
        """Designs that differ from ``design`` in one step of one field; real fields stay."""
        return [replace(design, **step) for step in self._steps(design)]

    def neighbour(self, design: Any, generator: np.random.Generator) -> Any:
        """One of the neighbours, drawn at random; ``design`` itself where there are none."""
        steps = self._steps(design)
        return replace(design, **steps[generator.integers(len(steps))]) if steps else design

    def _steps(self, design: Any) -> list[dict[str, Any]]:
        return [{name: value} for name, spec in self.fields.items() for value in spec.neighbours(getattr(design, name))]

    def distances(self, design: Any, cube: Array) -> Array:
        """(n,) Euclidean distances of a design to (n, columns) rows of others; an unordered column that differs counts one."""
        apart = np.abs(cube - self.encode([design]))
        apart[:, self.unordered] = apart[:, self.unordered] > 0
        return np.asarray(np.sqrt((apart**2).sum(axis=1)))
