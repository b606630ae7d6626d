"""Loadings of a core: its fuel laid out anew over one octant, every assembly used and none added.

Of the places of an octant those on an axis or on the diagonal stand four times in the whole core and the others eight times, so
fuel is exchanged within each of the two and the whole core's inventory stays what it was. The centre stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.domains.reactor.library import Core, Material
from dure.errors import ValueRefused
from dure.i18n import N_, _
from dure.problem import Arrangement, Rule, arrangement, design

__all__ = ["SETS", "loading_class", "place", "places", "published", "rules", "standing", "stated"]

SETS: Mapping[str, tuple[int, str]] = {
    "fours": (4, N_("fuel at the places that stand four times in the core, on its axes and diagonals")),
    "eights": (8, N_("fuel at the places that stand eight times in the core")),
}
"""Fields of a loading: how often their places stand in the whole core, and what they are."""

_BARRED = N_("some places are closed to this fuel")

Place = tuple[int, int]


def place(row: int, col: int) -> str:
    """How a place is called: row and column of the map, counted from 1."""
    return f"{row + 1}.{col + 1}"


def places(core: Core) -> dict[Place, int]:
    """Places of fuel in one octant, row by row, and how often each stands in the whole core."""
    side = range(len(core.map))
    fuel = [(row, col) for row in side for col in side if col >= row and core.map[row][col] in core.fuel]
    return {(row, col): 1 if col == 0 else 4 if row in (0, col) else 8 for row, col in fuel}


def _free(core: Core, times: int) -> list[Place]:
    return [(row, col) for (row, col), known in places(core).items() if known == times and core.map[row][col] not in core.fixed]


@cache
def loading_class(core: Core) -> type:
    """The design class of the core's loadings.

    Raises:
        ValueRefused: the map is not symmetric about its diagonal, or there is nothing to exchange.
    """
    if not core.octant:
        raise ValueRefused(
            _("the map of {core} is not symmetric about its diagonal; a loading is laid out by octants").format(core=core.name)
        )
    fields = {}
    for name, (times, text) in SETS.items():
        stock = Counter(core.map[row][col] for row, col in _free(core, times))
        if stock:
            inventory = dict(sorted(stock.items()))
            tokens = {kind: _tokens(core.materials[kind]) for kind in inventory}
            named = tuple(place(*one) for one in _free(core, times))
            fields[name] = arrangement(named, inventory, tokens=tokens, help=text)
    if not any(len(spec.metadata["dure"].inventory) > 1 for spec in fields.values()):
        raise ValueRefused(_("{core} has no two kinds of fuel that could be exchanged").format(core=core.name))
    described = {"__doc__": "Which fuel stands where.", "__annotations__": dict.fromkeys(fields, Arrangement)}
    made: type = design(type("Loading", (), described | fields))
    return made


def _tokens(kind: Material) -> dict[str, float]:
    """What a model reads of an assembly: its constants by group, and how it multiplies by itself."""
    told = {"k_infinity": kind.k_infinity()}
    for name in ("diffusion", "absorption", "nu_fission"):
        told |= {f"{name}_{group}": value for group, value in enumerate(getattr(kind, name), start=1)}
    for source, row in enumerate(kind.scatter, start=1):
        told |= {f"scatter_{source}_{target}": value for target, value in enumerate(row, start=1) if source != target}
    return told


def published(core: Core) -> Any:
    """The loading the map shows."""
    made = loading_class(core)
    chosen = {name: tuple(core.map[row][col] for row, col in _free(core, SETS[name][0])) for name in made.__annotations__}
    return made(**chosen)


def standing(core: Core, loading: Any) -> NDArray[np.str_]:
    """The quarter's map with that loading."""
    grid = core.grid.copy()
    for (row, col), kind in _pairs(core, loading):
        grid[row, col] = grid[col, row] = kind
    return grid


def stated(core: Core, loading: Any) -> Iterator[tuple[list[Place], NDArray[np.str_]]]:
    """Places, and the (n, places) fuel on them, field by field, of n loadings given as one whose fields are arrays; or of one."""
    for name in loading_class(core).__annotations__:
        value = getattr(loading, name)
        yield _free(core, SETS[name][0]), np.array([value] if isinstance(value, tuple) else list(value))


def _pairs(core: Core, loading: Any) -> Iterator[tuple[Place, str]]:
    for name in type(loading).__annotations__:
        yield from zip(_free(core, SETS[name][0]), getattr(loading, name), strict=True)


def rules(core: Core) -> tuple[Rule, ...]:
    """One rule for each fuel that must not stand everywhere."""
    return tuple(
        Rule(f"where_{kind}_stands", _keeps_out(core, kind, set(barred)), _BARRED) for kind, barred in core.forbidden.items()
    )


def _keeps_out(core: Core, kind: str, barred: set[str]) -> Any:
    def kept(loading: Any) -> float:
        return -float(sum(stands == kind and place(*at) in barred for at, stands in _pairs(core, loading)))

    return kept
