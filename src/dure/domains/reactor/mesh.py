"""Finite elements of a core, built once: what is left to a solve is to weigh them with each cell's constants.

Every assembly is a cell with constants of its own, so each matrix of the diffusion equation is a sum over cells of a constant
times the cell's mass or stiffness. Both are kept as one sparse map from cells to the entries of the common pattern.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import skfem
from numpy.typing import NDArray
from scipy import sparse

from dure.domains.reactor.library import OUTSIDE, Core
from dure.errors import ValueRefused
from dure.i18n import _

__all__ = ["Mesh", "Symmetry", "mesh_of"]

Array = NDArray[np.float64]
Symmetry = Literal["octant", "quarter", "full"]

_mass = skfem.BilinearForm(lambda u, v, _w: u * v)
_stiffness = skfem.BilinearForm(lambda u, v, _w: u.grad[0] * v.grad[0] + u.grad[1] * v.grad[1])


@dataclass(frozen=True, eq=False)
class Mesh:
    """Elements of one core at one fineness, quadratic or linear.

    Attributes:
        cells: (side, side) number of the cell at each place of the map, -1 outside; mirror images in an octant share one.
        places: row and column of the quarter's map that each cell has its material from.
        area: (cells,) cm², of the part of the core that is solved.
        mass, stiffness: (entries, cells) what each cell adds to the matrices. edge: (entries,) the outer boundary's mass.
        integrals: (cells, size) the integral over each cell of every element function, cm².
    """

    cells: NDArray[np.int64]
    places: tuple[tuple[int, int], ...]
    area: Array
    mass: sparse.csr_array
    stiffness: sparse.csr_array
    edge: Array
    integrals: sparse.csr_array
    _indices: NDArray[np.int32]
    _starts: NDArray[np.int32]

    @property
    def size(self) -> int:
        """Unknowns a group."""
        return len(self._starts) - 1

    def matrix(self, entries: Array) -> sparse.csc_array:
        """Entries of the common pattern, which is symmetric, as a matrix."""
        return sparse.csc_array((entries, self._indices, self._starts), shape=(self.size, self.size))

    def standing(self, grid: NDArray[np.str_]) -> tuple[str, ...]:
        """What stands in each cell, of a (side, side) quarter map."""
        return tuple(str(grid[place]) for place in self.places)

    def spread(self, values: Array) -> Array:
        """(cells,) values as a (side, side) map, NaN outside."""
        return np.where(self.cells < 0, math.nan, values[self.cells])


@lru_cache(maxsize=16)
def mesh_of(core: Core, n: int, order: int = 2, symmetry: Symmetry = "octant") -> Mesh:
    """``n`` elements a side of an assembly; half assemblies get half of them.

    Raises:
        ValueRefused: n is below 1, or the map is not its own mirror image and an octant is asked for.
    """
    if n < 1 or order not in (1, 2):
        raise ValueRefused(_("{n} elements of order {order}: give at least 1, of order 1 or 2").format(n=n, order=order))
    if symmetry == "octant" and not core.octant:
        raise ValueRefused(_("the map of {core} is not symmetric about its diagonal; solve a quarter").format(core=core.name))
    side = len(core.map)
    if symmetry == "full":
        rows = np.abs(np.arange(1 - side, side))
        widths, counts = np.full(len(rows), core.pitch), [n] * len(rows)
    else:
        rows = np.arange(side)
        widths, counts = np.array([core.first] + [core.pitch] * (side - 1)), [max(1, n // 2)] + [n] * (side - 1)
    return _assembled(core.grid, rows, widths, counts, order, symmetry)


def _assembled(
    quarter: NDArray[np.str_], rows: NDArray[np.int64], widths: Array, counts: list[int], order: int, symmetry: Symmetry
) -> Mesh:
    """Rows and columns ``rows`` of the quarter's map, ``widths`` wide and cut into ``counts`` elements."""
    inside, folded = quarter[np.ix_(rows, rows)] != OUTSIDE, symmetry == "octant"
    edges = np.concatenate([[0.0], np.cumsum(widths)])
    lines = np.concatenate([[0.0], *(edges[i] + widths[i] * np.arange(1, n + 1) / n for i, n in enumerate(counts))])
    whole = skfem.MeshQuad.init_tensor(lines, lines)
    row, col = _places(whole, edges)
    mesh = whole.restrict(np.flatnonzero(inside[row, col]))
    element = skfem.ElementQuad2() if order == 2 else skfem.ElementQuad1()
    basis = skfem.Basis(mesh, element, intorder=2 * order)
    cells = _numbered(inside, folded)
    where = _folded(basis.doflocs, lines) if folded else np.arange(basis.N)
    size = int(where.max()) + 1
    own = cells[_places(mesh, edges)]
    mass, stiffness = _mass.elemental(basis), _stiffness.elemental(basis)
    at = where[mass.indices]
    pattern, entry = np.unique(at[0] * size + at[1], return_inverse=True)
    cell = np.tile(own, len(mass.data) // len(own))
    shape = (len(pattern), int(cells.max()) + 1)
    outer = mesh.facets_satisfying(lambda x: (x[0] > 1e-9) & (x[1] > 1e-9), boundaries_only=True)
    rim = _mass.elemental(skfem.FacetBasis(mesh, element, facets=None if symmetry == "full" else outer, intorder=2 * order))
    rim_at = where[rim.indices]
    edge = np.bincount(np.searchsorted(pattern, rim_at[0] * size + rim_at[1]), rim.data, minlength=len(pattern))
    integrals = sparse.csr_array((mass.data, (cell, at[0])), shape=(shape[1], size))
    first = [np.argwhere(cells == number)[0] for number in range(shape[1])]
    return Mesh(
        cells=cells,
        places=tuple((int(rows[i]), int(rows[j])) for i, j in first),
        area=np.asarray(integrals.sum(axis=1)),
        mass=sparse.csr_array((mass.data, (entry, cell)), shape=shape),
        stiffness=sparse.csr_array((stiffness.data, (entry, cell)), shape=shape),
        edge=np.asarray(edge, dtype=np.float64),
        integrals=integrals,
        _indices=(pattern % size).astype(np.int32),
        _starts=np.searchsorted(pattern, np.arange(size + 1) * size).astype(np.int32),
    )


def _places(mesh: Any, edges: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of the map that each element lies in."""
    middle = mesh.p[:, mesh.t].mean(axis=1)
    return np.searchsorted(edges, middle[1]) - 1, np.searchsorted(edges, middle[0]) - 1


def _numbered(inside: NDArray[np.bool_], folded: bool) -> NDArray[np.int64]:
    """Numbers of the cells by row and column; of a folded map a place has its mirror image's."""
    cells = np.full(inside.shape, -1)
    if folded:
        upper = np.triu(inside)
        cells[upper] = np.arange(upper.sum())
        return np.asarray(np.maximum(cells, cells.T))
    cells[inside] = np.arange(inside.sum())
    return cells


def _folded(points: Array, lines: Array) -> NDArray[np.int64]:
    """Numbers of the element functions, those of mirror images about the diagonal alike."""
    middles = np.sort(np.concatenate([lines, (lines[1:] + lines[:-1]) / 2]))
    x, y = (np.abs(middles[:, None] - one[None, :]).argmin(axis=0) for one in points)
    _keys, where = np.unique(np.maximum(x, y) * len(middles) + np.minimum(x, y), return_inverse=True)
    return np.asarray(where, dtype=np.int64)
