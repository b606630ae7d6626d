"""Parts of an outcome: values along a named axis, and the known reductions that make goals of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dure.i18n import _
from dure.problem.fields import are_texts, is_number
from dure.problem.where import refused

__all__ = ["Axis", "Parts", "Reduction", "max_over", "min_over", "sum_over", "weighted_over"]

Parts = tuple[float, ...]
"""One value for each label of an axis."""


@dataclass(frozen=True)
class Axis:
    """What the parts of an outcome are counted along, such as the stages of a charge."""

    name: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.labels or not are_texts(self.labels) or len(set(self.labels)) != len(self.labels):
            raise refused(
                _('axis {name!r} has labels {labels!r}; write ("1", "2"), each of them once').format(
                    name=self.name, labels=self.labels
                )
            )

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Reduction:
    """How parts become the one number a goal speaks of."""

    kind: Literal["sum", "minimum", "maximum", "weighted"]
    axis: Axis
    weights: tuple[float, ...] = ()

    def __call__(self, parts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Reduce the last dimension: (..., len(axis)) to (...)."""
        match self.kind:
            case "sum":
                result = parts.sum(-1)
            case "minimum":
                result = parts.min(-1)
            case "maximum":
                result = parts.max(-1)
            case "weighted":
                result = parts @ np.asarray(self.weights)
        return np.asarray(result)

    def describe(self) -> dict[str, Any]:
        """As plain data, for plans and ``dure show --json``."""
        return {
            "kind": self.kind,
            "axis": self.axis.name,
            "labels": list(self.axis.labels),
            **({"weights": list(self.weights)} if self.weights else {}),
        }


def sum_over(axis: Axis) -> Reduction:
    """The total of the parts."""
    return Reduction("sum", axis)


def min_over(axis: Axis) -> Reduction:
    """The smallest part."""
    return Reduction("minimum", axis)


def max_over(axis: Axis) -> Reduction:
    """The largest part."""
    return Reduction("maximum", axis)


def weighted_over(axis: Axis, weights: Sequence[float]) -> Reduction:
    """The weighted sum of the parts, one weight a label.

    Raises:
        ProblemError: there is not one finite weight a label.
    """
    if len(weights) != len(axis) or not all(is_number(weight) for weight in weights):
        raise refused(
            _("axis {name!r} has {labels} labels and weights {weights}; give one finite number a label").format(
                name=axis.name, labels=len(axis), weights=list(weights)
            )
        )
    return Reduction("weighted", axis, tuple(float(weight) for weight in weights))
