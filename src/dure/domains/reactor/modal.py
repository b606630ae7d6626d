"""What a loading's power will look like, in a fraction of a millisecond: fluxes as sums of the published core's own modes.

The published core's equations have many eigenvectors; another loading's flux is close to a sum of the first few dozen of them
(modal expansion). In that basis every matrix of the equations is a small one, a sum over cells of a constant times
what the cell adds, so thousands of loadings are solved for together. Estimates only: this is the problem's theory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dure.domains.reactor.diffusion import Constants, Solution

__all__ = ["Expansion", "expansion_of"]

Array = NDArray[np.float64]

MODES = 48
_SHIFT = 1.03
"""Over the first estimate of k: what inverse iteration is shifted by, above the k that is looked for."""
_ITERATIONS = 10
_ROUNDING = 1e-9
_TOGETHER = 256


@dataclass(frozen=True, eq=False)
class Expansion:
    """A mesh's matrices in a basis of few modes for each group.

    Attributes:
        mass, stiffness: what each cell adds, (to, from, cells, m * m) and (groups, cells, m * m).
        edge: (groups, m, m). integrals: (groups, cells, m). start: (groups, m) the published flux. area: (cells,).
    """

    mass: Array
    stiffness: Array
    edge: Array
    integrals: Array
    start: Array
    area: Array

    def solve(self, kinds: Sequence[Constants], which: NDArray[np.int64]) -> tuple[Array, Array]:
        """Multiplication (n,) and the cells' power (n, cells), of mean one.

        Args:
            kinds: constants of one cell for each material.
            which: (n, cells) the material in each cell.
        """
        found = [self._solve(kinds, part) for part in np.split(which, range(_TOGETHER, len(which), _TOGETHER))]
        k, power = (np.concatenate(one) for one in zip(*found, strict=True))
        return k, power

    def _solve(self, kinds: Sequence[Constants], which: NDArray[np.int64]) -> tuple[Array, Array]:
        groups, m = self.start.shape
        n, size = len(which), groups * m
        losses, births = np.zeros((n, groups, m, groups, m)), np.zeros((n, groups, m, groups, m))

        def of(name: str, *index: int) -> Array:
            return np.array([float(getattr(one, name)[*index, 0]) for one in kinds])[which]

        def weighed(values: Array, parts: Array) -> Array:
            return (values @ parts).reshape(n, m, m)

        made = np.stack([of("nu_fission", g) for g in range(groups)])
        for g in range(groups):
            own = weighed(of("diffusion", g), self.stiffness[g]) + weighed(of("removal", g), self.mass[g, g])
            losses[:, g, :, g] = own + kinds[0].alpha * self.edge[g]
            for h in range(groups):
                scattered, born = of("scatter", h, g), of("chi", g) * made[h]
                if h != g and scattered.any():
                    losses[:, g, :, h] -= weighed(scattered, self.mass[g, h])
                if born.any():
                    births[:, g, :, h] = weighed(born, self.mass[g, h])
        k, flux = _settled(losses.reshape(n, size, size), births.reshape(n, size, size), self.start.reshape(size, 1))
        rates = np.einsum("gcm,ngm->gnc", self.integrals, flux.reshape(n, groups, m))
        power = (made * rates).sum(0)
        fuel = (made.sum(0) > 0) * self.area
        return k, power / self.area * (fuel.sum(1) / power.sum(1))[:, None]


def _settled(losses: Array, births: Array, start: Array) -> tuple[Array, Array]:
    """The largest k of ``births = k losses`` and its vector, by inverse iteration with a shift above it."""
    flux = np.broadcast_to(start, (len(losses), *start.shape))
    guess = (flux * (births @ flux)).sum((1, 2)) / (flux * (losses @ flux)).sum((1, 2))
    inverse = np.linalg.inv(losses - births / (_SHIFT * guess)[:, None, None])
    for _iteration in range(_ITERATIONS):
        born = births @ flux
        flux = inverse @ born
        flux = flux / np.abs(flux).max((1, 2), keepdims=True)
    born = births @ flux
    k = born.sum((1, 2)) / (losses @ flux).sum((1, 2))
    return k, flux[..., 0]


@lru_cache(maxsize=8)
def expansion_of(known: Solution) -> Expansion:
    """In the modes of a published core, of which its solution is the first."""
    mesh, modes = known.mesh, known.modes(MODES)
    groups, cells = len(modes), len(mesh.area)
    # The flux is among its own modes: what is left of the second of them is rounding.
    parts = [np.linalg.svd(one, full_matrices=False)[:2] for one in modes]
    m = min(int((sizes > _ROUNDING * sizes[0]).sum()) for _left, sizes in parts)
    basis = [left[:, :m] for left, _sizes in parts]
    every = [np.eye(cells)[cell] for cell in range(cells)]
    masses, stiffnesses = ([mesh.matrix(parts @ one) for one in every] for parts in (mesh.mass, mesh.stiffness))
    return Expansion(
        mass=np.array([[[(to.T @ (one @ source)).ravel() for one in masses] for source in basis] for to in basis]),
        stiffness=np.array([[(own.T @ (one @ own)).ravel() for one in stiffnesses] for own in basis]),
        edge=np.array([own.T @ (mesh.matrix(mesh.edge) @ own) for own in basis]),
        integrals=np.array([mesh.integrals @ own for own in basis]),
        start=np.array([own.T @ flux for own, flux in zip(basis, known.flux, strict=True)]).reshape(groups, m),
        area=mesh.area,
    )
