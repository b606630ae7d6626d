"""A fixed inventory laid out over twelve places: neighbours interact, and places differ. Small enough to try every layout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.tasks import Array, Task, designs_of, outcomes_of
from dure.problem import Problem, arrangement, minimise

__all__ = ["Layout", "tasks"]

_PLACES = 12
_INVENTORIES = {"ring-12": {"a": 3, "b": 3, "c": 3, "d": 3}, "grid-12": {"a": 2, "b": 4, "c": 6}}


def _ring() -> list[tuple[int, int]]:
    return [(place, (place + 1) % _PLACES) for place in range(_PLACES)]


def _grid() -> list[tuple[int, int]]:
    """Three rows of four."""
    across = [(place, place + 1) for place in range(_PLACES) if place % 4 < 3]
    return across + [(place, place + 4) for place in range(_PLACES - 4)]


class Layout:
    """Costs of neighbours and of places, drawn by ``seed``: called with (n, 12) numbers of kinds, gives (n,) costs."""

    def __init__(self, inventory: Mapping[str, int], edges: Sequence[tuple[int, int]], seed: int) -> None:
        generator = np.random.default_rng([seed, 20_267])
        self.inventory = inventory
        self.edges = np.array(edges)
        pairs = generator.uniform(0.0, 2.0, (len(inventory), len(inventory)))
        self.pairs = pairs + pairs.T
        self.places = generator.uniform(0.0, 3.0, (_PLACES, len(inventory)))

    def __call__(self, kinds: NDArray[np.integer[Any]]) -> Array:
        kinds = np.atleast_2d(kinds)
        between = self.pairs[kinds[:, self.edges[:, 0]], kinds[:, self.edges[:, 1]]].sum(1)
        return np.asarray(between + self.places[np.arange(_PLACES), kinds].sum(1))

    def least(self) -> tuple[float, tuple[str, ...]]:
        """The cheapest of all layouts, by trying every one."""
        every = np.array(list(_layouts(tuple(self.inventory.values()), _PLACES)), dtype=np.int8)
        costs = self(every)
        kinds = tuple(self.inventory)
        return float(costs.min()), tuple(kinds[number] for number in every[costs.argmin()])


def _layouts(left: tuple[int, ...], places: int) -> Iterator[tuple[int, ...]]:
    """Every order of an inventory, as numbers of kinds."""
    if not places:
        yield ()
        return
    for kind, count in enumerate(left):
        if count:
            for rest in _layouts((*left[:kind], count - 1, *left[kind + 1 :]), places - 1):
                yield (kind, *rest)


def layout(name: str) -> Layout:
    """The costs of the task of that name."""
    edges, seed = (_ring(), 51) if name == "ring-12" else (_grid(), 52)
    return Layout(_INVENTORIES[name], edges, seed)


def _task(name: str) -> Task:
    costs = layout(name)
    kinds = tuple(costs.inventory)

    def simulate(design: Any) -> Mapping[str, float]:
        return {"y": float(costs(np.array([[kinds.index(kind) for kind in design.layout]]))[0])}

    places = tuple(f"p{number}" for number in range(1, _PLACES + 1))
    problem = Problem(
        name=f"bench/{name}",
        version="1",
        question="Which layout costs least?",
        design=designs_of(layout=arrangement(places=places, inventory=costs.inventory)),
        outcome=outcomes_of(y=minimise()),
        simulate=simulate,
    )
    return Task("arrangement", problem, 60)


def tasks() -> tuple[Task, ...]:
    """The suite."""
    return tuple(_task(name) for name in _INVENTORIES)
