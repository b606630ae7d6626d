"""Multigroup neutron diffusion in two dimensions: k, flux, power and adjoint of a core, any number of groups.

    -div D_g grad phi_g + (Sigma_a,g + sum_h Sigma_s,g->h + D_g B²) phi_g
        = sum_h Sigma_s,h->g phi_h + chi_g / k sum_h nu Sigma_f,h phi_h,    D_g dphi_g/dn = -alpha phi_g at the outer edge

Finite elements make matrices of it. Groups that scatter into each other are solved for together, others one after the other,
and k is the largest eigenvalue of the map from fission neutrons to the next generation's, found by Arnoldi iteration. A core like
one that is known is solved without factorising anything: by Davidson's method, with the known core's factors and first modes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigs, splu

from dure.domains.reactor.library import Core
from dure.domains.reactor.mesh import Mesh, Symmetry, mesh_of
from dure.errors import SimulationFailed

__all__ = ["Constants", "Solution", "constants_of", "reactivity", "solve", "solve_core"]

Array = NDArray[np.float64]

_TOLERANCE = 1e-8
_VECTORS = 14
"""Arnoldi vectors kept: fewer restart more often, more cost memory traffic; the best of 6 to 20 on BIBLIS."""
_MODES, _OF_MODES = 16, 1e-6
"""How many modes of a known core a solve of one like it starts from, and how exactly they are found."""
_MISSED, _MOST_CORRECTIONS = 5e-7, 30
"""Largest correction of a flux that is left out, as a share of it, and how many are made before a solve starts from nothing."""
_APART = 1e-9
"""Keeps a quotient's matrix from being singular."""
PCM = 1e5


@dataclass(frozen=True, eq=False)
class Constants:
    """What the equation needs in each cell: diffusion, absorption, nu_fission, chi (groups, cells); scatter (from, to, cells).

    ``buckling`` is the axial one, 1/cm², and ``alpha`` the outer edge's.
    """

    diffusion: Array
    absorption: Array
    nu_fission: Array
    chi: Array
    scatter: Array
    buckling: float
    alpha: float

    @cached_property
    def removal(self) -> Array:
        """(groups, cells) what leaves a group: absorbed, scattered out, or leaked along the axis."""
        return np.asarray(self.absorption + self.scatter.sum(1) + self.diffusion * self.buckling)


def constants_of(core: Core, names: tuple[str, ...], buckling: float = 0.0) -> Constants:
    """The core's constants with the material of that name in each cell; ``buckling`` is added to the core's own."""
    kinds = [core.materials[name] for name in names]

    def stacked(key: str) -> Array:
        return np.array([getattr(one, key) for one in kinds]).T

    return Constants(
        diffusion=stacked("diffusion"),
        absorption=stacked("absorption"),
        nu_fission=stacked("nu_fission"),
        chi=stacked("chi"),
        scatter=np.moveaxis(np.array([one.scatter for one in kinds]), 0, -1),
        buckling=core.buckling + buckling,
        alpha=core.alpha,
    )


def reactivity(k: Any) -> Any:
    """(k - 1) / k in pcm, of a number or an array."""
    return PCM * (k - 1) / k


class _Losses:
    """The loss matrices, factorised when first asked for: what the neutrons of given sources do until they are lost."""

    def __init__(self, mesh: Mesh, constants: Constants) -> None:
        self.mesh = mesh
        groups = len(constants.diffusion)
        scatters = np.asarray(constants.scatter.any(-1))
        count, block = csgraph.connected_components(sparse.csr_array(scatters.astype(float)), connection="strong")
        # A group goes after those that scatter into it; on ties the faster one goes first.
        members = [np.flatnonzero(block == one) for one in range(count)]
        self._blocks = _in_order(members, scatters)
        self._transfer = {(g, h): mesh.matrix(mesh.mass @ constants.scatter[g, h]) for g, h in np.argwhere(scatters) if g != h}
        self._diagonal = [
            mesh.matrix(mesh.stiffness @ constants.diffusion[g] + mesh.mass @ constants.removal[g] + constants.alpha * mesh.edge)
            for g in range(groups)
        ]

    @cached_property
    def _factors(self) -> list[Any]:
        return [self._factor(block) for block in self._blocks]

    def _factor(self, block: NDArray[np.int64]) -> Any:
        if len(block) == 1:
            matrix = self._diagonal[block[0]]
            return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        rows = [[self._diagonal[g] if g == h else self._coupling(h, g) for h in block] for g in block]
        return splu(sparse.csc_array(sparse.block_array(rows)), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.1)

    def _coupling(self, source: int, target: int) -> Any:
        found = self._transfer.get((source, target))
        return None if found is None else -found

    def sources(self, flux: Array) -> Array:
        """(groups, size, ...) sources that keep up (groups, size, ...) flux: the matrices themselves."""
        found = np.array([own @ phi for own, phi in zip(self._diagonal, flux, strict=True)])
        for (source, target), matrix in self._transfer.items():
            found[target] -= matrix @ flux[source]
        return found

    def flux(self, sources: Array, *, adjoint: bool = False) -> Array:
        """(groups, size) flux of (groups, size) sources; ``adjoint`` solves the transposed equations."""
        flux = np.zeros_like(sources)
        order = zip(self._blocks, self._factors, strict=True)
        for block, factor in reversed(list(order)) if adjoint else order:
            right = sources[block]
            for (source, target), matrix in self._transfer.items():
                into, out = (source, target) if adjoint else (target, source)
                if into in block and out not in block:
                    right[np.searchsorted(block, into)] += matrix @ flux[out]
            flux[block] = factor.solve(right.ravel(), "T" if adjoint else "N").reshape(right.shape)
        return flux


def _in_order(members: list[NDArray[np.int64]], scatters: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    left, done = list(members), []
    while left:
        free = [one for one in left if not any(scatters[np.ix_(other, one)].any() for other in left if other is not one)]
        first = min(free, key=min)
        left = [one for one in left if one is not first]
        done.append(first)
    return done


@dataclass(frozen=True, eq=False)
class Solution:
    """A core's steady state.

    Attributes:
        k: multiplication factor.
        flux: (groups, size) coefficients of the element functions, of unit mean assembly power.
        source: the fission neutrons of that flux.
    """

    mesh: Mesh
    constants: Constants
    k: float
    flux: Array
    source: Array
    _losses: _Losses
    _spectra: _Spectra

    @cached_property
    def rates(self) -> Array:
        """(groups, cells) flux integrated over each cell."""
        return np.asarray((self.mesh.integrals @ self.flux.T).T)

    @cached_property
    def power(self) -> Array:
        """(cells,) mean power density of each cell over that of all fuel, zero without fission; by fission neutrons."""
        return np.asarray((self.constants.nu_fission * self.rates).sum(0) / self.mesh.area)

    @property
    def reactivity(self) -> float:
        """(k - 1) / k in pcm."""
        return float(reactivity(self.k))

    def balance(self) -> Mapping[str, float]:
        """Neutrons made, and where they went: absorbed, leaked along the axis, leaked over the edge; made = k times the rest."""
        constants, mesh = self.constants, self.mesh
        edge = constants.alpha * (mesh.matrix(mesh.edge) @ self.flux.T).sum()
        return {
            "made": float((constants.nu_fission * self.rates).sum()),
            "absorbed": float((constants.absorption * self.rates).sum()),
            "axial": float((constants.diffusion * constants.buckling * self.rates).sum()),
            "edge": float(edge),
        }

    def adjoint(self) -> tuple[float, Array]:
        """Multiplication and (groups, size) importance, from the transposed equations alone."""
        spectra, losses = self._spectra, self._losses

        def back(importance: Array) -> Array:
            return spectra.born_of(losses.flux(spectra.made_by(importance), adjoint=True))

        k, vector = _largest(back, np.ones(self.source.size))
        return k, losses.flux(spectra.made_by(vector), adjoint=True)

    def modes(self, count: int) -> Array:
        """(groups, size, at most count + 1) the flux and those of the largest eigenvalues, as far as they are found."""
        spectra, losses, size = self._spectra, self._losses, len(self.source)

        def generation(fission: Array) -> Array:
            return spectra.fission(losses.flux(spectra.sources(fission)))

        operator = LinearOperator((size, size), matvec=generation, dtype=np.float64)
        vectors: NDArray[Any] = np.empty((size, 0))
        try:
            _values, vectors = eigs(operator, k=min(count, size - 2), v0=self.source, tol=_OF_MODES)
        except ArpackNoConvergence as error:
            vectors = error.eigenvectors
        except (ArpackError, RuntimeError):
            pass  # a core of few cells has no so many modes; without them a neighbour takes more iterations
        found = [self.flux, *(losses.flux(spectra.sources(vector)) for vector in vectors.real.T)]
        return np.stack(found, axis=-1)

    @cached_property
    def basis(self) -> Array:
        """(groups * size, k) an orthonormal basis of the flux and the first modes, for solves of cores like this."""
        modes = self.modes(_MODES)
        return np.asarray(np.linalg.qr(modes.reshape(-1, modes.shape[-1]))[0])

    def generation_time(self, speeds: Array) -> float:
        """Mean time from fission to fission weighed with importance, s; ``speeds`` (groups,) in cm/s."""
        _k, importance = self.adjoint()
        mass = self.mesh.matrix(self.mesh.mass @ np.ones(len(self.mesh.area)))
        inside = sum(importance[g] @ (mass @ self.flux[g]) / speed for g, speed in enumerate(speeds))
        made = (importance * self._spectra.sources(self._spectra.fission(self.flux))).sum()
        return float(inside / made)


class _Spectra:
    """Fission: neutrons made by the flux, kept apart where their spectra differ, and the groups they are born into."""

    def __init__(self, mesh: Mesh, constants: Constants) -> None:
        self._size = mesh.size
        fissile = np.asarray(constants.nu_fission.any(0))
        self.chi, kind = np.unique(constants.chi[:, fissile], axis=1, return_inverse=True)
        self._made = []
        for spectrum in range(self.chi.shape[1]):
            weight = np.zeros(len(fissile))
            weight[np.flatnonzero(fissile)[kind == spectrum]] = 1.0
            self._made.append([mesh.matrix(mesh.mass @ (one * weight)) for one in constants.nu_fission])

    def fission(self, flux: Array) -> Array:
        """Neutrons made by (groups, size, ...) flux: a vector for each spectrum, end to end."""
        return np.concatenate([sum(one @ phi for one, phi in zip(made, flux, strict=True)) for made in self._made])

    def sources(self, fission: Array) -> Array:
        """(groups, size, ...) where they are born."""
        born = self.chi @ fission.reshape(self.chi.shape[1], -1)
        return np.asarray(born.reshape(-1, self._size, *fission.shape[1:]))

    def made_by(self, importance: Array) -> Array:
        """The transpose of ``fission``."""
        parts = importance.reshape(-1, self._size)
        return np.array([sum(made[g] @ part for made, part in zip(self._made, parts, strict=True)) for g in range(len(self.chi))])

    def born_of(self, importance: Array) -> Array:
        """The transpose of ``sources``."""
        return np.asarray(self.chi.T @ importance).ravel()


def _largest(function: Callable[[Array], Array], start: Array) -> tuple[float, Array]:
    operator = LinearOperator((len(start), len(start)), matvec=function, dtype=np.float64)
    try:
        values, vectors = eigs(operator, k=1, v0=start, tol=_TOLERANCE, ncv=min(_VECTORS, len(start) - 1))
    except (ArpackError, RuntimeError) as error:
        raise SimulationFailed(f"the eigenvalue iteration gave up: {error}") from error
    vector = vectors[:, 0].real
    return float(values[0].real), vector * np.sign(vector.sum())


def solve(mesh: Mesh, constants: Constants, known: Solution | None = None) -> Solution:
    """Multiplication and flux; ``known`` is a core like it on the same mesh, whose factors and modes save most of the work.

    Raises:
        SimulationFailed: nothing multiplies, or the iteration gave up.
    """
    losses, spectra = _Losses(mesh, constants), _Spectra(mesh, constants)
    if not spectra.chi.size:
        raise SimulationFailed("no material of the core multiplies neutrons")
    try:
        found = None if known is None else _like(known, losses, spectra)
    except np.linalg.LinAlgError:
        found = None
    if found is None or found[0] <= 0 or _made(mesh, constants, found[1]).min() < 0:
        begin = spectra.fission(np.ones((len(constants.diffusion), mesh.size))) if known is None else known.source
        k, fission = _largest(lambda fission: spectra.fission(losses.flux(spectra.sources(fission))), begin)
        found = k, losses.flux(spectra.sources(fission))
    k, flux = found
    made = _made(mesh, constants, flux)
    if k <= 0 or made.min() < 0:
        raise SimulationFailed(f"the largest eigenvalue found, {k:.6f}, is not that of a flux: some cell has negative power")
    flux = flux * (mesh.area[made > 0].sum() / made.sum())
    return Solution(mesh, constants, k, flux, spectra.fission(flux), losses, spectra)


def _made(mesh: Mesh, constants: Constants, flux: Array) -> Array:
    """(cells,) neutrons made by a flux, whose sign is that of its sum."""
    made = (constants.nu_fission * (mesh.integrals @ flux.T).T).sum(0)
    return np.asarray(made * np.sign(made.sum()))


def _like(known: Solution, losses: _Losses, spectra: _Spectra) -> tuple[float, Array] | None:
    """Multiplication and flux by Davidson's method (davidson1975): from the known core's modes, corrected by its factors.

    None where it did not get there.
    """
    shape, new = known.flux.shape, known.basis
    most = new.shape[1] + _MOST_CORRECTIONS
    # By columns: each step multiplies the first so many of them.
    basis, lost, made = (np.empty((new.shape[0], most), order="F") for _one in range(3))
    inner, found, old = np.empty((2, most, most)), None, slice(0, 0)
    while True:
        now, last = slice(0, old.stop + new.shape[1]), slice(old.stop, old.stop + new.shape[1])
        many = new.reshape(*shape, -1)
        basis[:, last] = new
        lost[:, last] = losses.sources(many).reshape(new.shape)
        made[:, last] = spectra.sources(spectra.fission(many)).reshape(new.shape)
        for side, image in enumerate((made, lost)):
            inner[side, now, last] = basis[:, now].T @ image[:, last]
            inner[side, last, old] = new.T @ image[:, old]
        found = k, mix = _of_basis(inner[0, now, now], inner[1, now, now], found)
        # Factors of the known core, which a solution keeps for its like.
        missed = known._losses.flux((made[:, now] @ mix - k * (lost[:, now] @ mix)).reshape(shape)).ravel()  # noqa: SLF001
        if np.linalg.norm(missed) < _MISSED * abs(k):
            flux = (basis[:, now] @ mix + missed / k).reshape(shape)
            return k, flux * np.sign(flux.sum())
        if now.stop == most:
            return None
        for _twice in range(2):
            missed -= basis[:, now] @ (basis[:, now].T @ missed)
        new, old = (missed / np.linalg.norm(missed))[:, None], now


def _of_basis(made: Array, lost: Array, before: tuple[float, Array] | None) -> tuple[float, Array]:
    """The largest k of ``made = k lost`` and its vector; from those ``before`` the last column by Rayleigh quotients."""
    if before is None:
        values, vectors = np.linalg.eig(np.linalg.solve(lost, made))
        best = int(values.real.argmax())
        k, mix = float(values[best].real), vectors[:, best].real
    else:
        k, mix = before[0], np.append(before[1], 0.0)
        for _turn in range(2):
            mix = np.linalg.solve(made - (k + _APART) * lost, lost @ mix)
            mix = mix / np.linalg.norm(mix)
            k = float(mix @ made @ mix / (mix @ lost @ mix))
    return k, mix / np.linalg.norm(mix)


def solve_core(core: Core, n: int, *, order: int = 2, symmetry: Symmetry | None = None) -> Solution:
    """The core as its map has it; by octants where the map allows unless ``symmetry`` says otherwise."""
    mesh = mesh_of(core, n, order, symmetry or ("octant" if core.octant else "quarter"))
    return solve(mesh, constants_of(core, mesh.standing(core.grid)))
