"""Moving optima to places that are nowhere special, by a seed of the task.

Many test functions have theirs at the centre, at a corner or at round numbers, and some methods look there first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.peers.tasks import Array

__all__ = ["bend", "place", "shift"]


def place(seed: int, d: int) -> Array:
    """(d,) a point of the unit cube, away from its middle planes and from its sides."""
    generator = np.random.default_rng([seed, 20_261])
    return np.asarray(generator.uniform(0.15, 0.40, d) + 0.45 * generator.integers(0, 2, d))


def shift(bounds: Sequence[tuple[float, float]], optimum: Sequence[float], seed: int) -> tuple[Array, Callable[[Array], Array]]:
    """Where the optimum goes, and the translation that takes it there.

    Only for functions whose optimum is the best of the whole space, because the translation looks outside ``bounds``.
    """
    low, high = np.array(bounds).T
    old = (np.asarray(optimum) - low) / (high - low)
    new = low + (high - low) * _not_far(old, place(seed, len(low)))
    offset = np.asarray(optimum) - new
    return new, lambda x: np.asarray(x) + offset


def bend(bounds: Sequence[tuple[float, float]], optimum: Sequence[float], seed: int) -> tuple[Array, Callable[[Array], Array]]:
    """Where the optimum goes, and the map of the box to itself that takes it there.

    Coordinate by coordinate u -> a u / (1 + (a - 1) u) of the unit interval: smooth, rising, sides stay sides. An optimum at a
    side stays there. Half of the coordinates, by the seed, are turned round as well.
    """
    low, high = np.array(bounds).T
    old = (np.asarray(optimum) - low) / (high - low)
    turned = np.random.default_rng([seed, 20_262]).integers(0, 2, len(low)).astype(bool)
    old = np.where(turned, 1 - old, old)
    inside = (old > 0) & (old < 1)
    wanted = np.where(inside, _not_far(old, place(seed, len(low))), old)
    safe_old, safe_new = np.where(inside, old, 0.5), np.where(inside, wanted, 0.5)
    a = safe_old * (1 - safe_new) / (safe_new * (1 - safe_old))

    def back(x: Array) -> Array:
        u = (np.asarray(x) - low) / (high - low)
        bent = a * u / (1 + (a - 1) * u)
        return np.asarray(low + (high - low) * np.where(turned, 1 - bent, bent))

    return low + (high - low) * wanted, back


def _not_far(old: Array, drawn: Array) -> Array:
    """``drawn`` on the side of the middle where ``old`` is, unless that is near it: so the box shows much the same."""
    same = ((old < 0.5) == (drawn < 0.5)) | (np.abs(old - 0.5) < 0.1)
    return np.where(same, drawn, 1 - drawn)
