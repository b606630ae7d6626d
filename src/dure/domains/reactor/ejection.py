"""A control rod is ejected from a core at zero power: how hot the fuel becomes, and how likely that is too hot.

The most worthy of the inserted rods leaves. Its worth, the power shape without it and the Doppler feedback in that shape come
from diffusion over the whole core; the transient is point kinetics in that shape, so nothing is said of flux shapes that change
on the way. What the hot spot's fuel enthalpy reaches within five seconds is judged against a limit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root_scalar

from dure.domains.reactor.diffusion import PCM, Constants, Solution, constants_of, solve
from dure.domains.reactor.feedback import CHANNEL, changed, zero_power
from dure.domains.reactor.kinetics import NEACRP, Ejection, Transient, eject
from dure.domains.reactor.library import Core
from dure.domains.reactor.mesh import Mesh, mesh_of
from dure.errors import SimulationFailed
from dure.reliability import Estimate, Normal, Uncertain, Uniform, crude, demonstrated, judged, subset

__all__ = ["INPUTS", "LIMIT", "TARGET", "Rods", "enthalpies", "exceedance", "transient"]

Array = NDArray[np.float64]

LIMIT = 230.0
"""Fuel enthalpy, cal/g: of an old regulatory guide, taken as an assumption; newer guidance is lower."""
TARGET = 1e-4
"""Largest acceptable probability, given an ejection, that the limit is exceeded: an assumption too."""
SPEEDS = np.array([2.8e7, 4.4e5])
"""Neutron speeds of the two groups, cm/s, NEACRP-L-335."""
AXIAL, PIN = 1.55, 1.10
"""What two-dimensional assembly powers leave out of the hot spot: peaks along the axis and within an assembly. Assumed."""

_STUDY = "PARCS rod-ejection study behind pyMAISE, with NEACRP-L-335 nominals"
INPUTS: tuple[Uncertain, ...] = (
    Uniform(name="rod worth, share of the largest", low=0.85, high=1.0, source=_STUDY),
    Normal(name="delayed fraction", mean=NEACRP.beta, deviation=0.05 * NEACRP.beta, low=0.0057, high=0.0095, source=_STUDY),
    Normal(name="gap conductance", mean=1e4, deviation=2e3, low=2e3, high=1.8e4, unit="W/(m**2*K)", source=_STUDY),
    Normal(name="heat direct to coolant", mean=0.019, deviation=0.0038, low=0.0, high=0.038, source=_STUDY),
)
_HEATED = 300.0
"""Mean heating of the fuel over which the Doppler feedback of the ejected shape is taken, K."""
_WHOLE = 2
"""Elements a side for the whole core: rods compare alike on finer meshes, which cost thirty times as much."""


@dataclass(frozen=True)
class Rods:
    """A loading at zero power with its rods.

    ``grid`` is the quarter's map as loaded; the core says where rods are.
    """

    core: Core
    grid: NDArray[np.str_]
    buckling: float = 0.0

    @cached_property
    def _mesh(self) -> Mesh:
        return mesh_of(self.core, _WHOLE, symmetry="full")

    @cached_property
    def _constants(self) -> Constants:
        return constants_of(self.core, self._mesh.standing(self.grid), self.buckling)

    def _cells(self, places: Sequence[str]) -> list[int]:
        wanted = {tuple(int(part) - 1 for part in one.split(".")) for one in places}
        wanted |= {(col, row) for row, col in wanted}
        return [cell for cell, at in enumerate(self._mesh.places) if at in wanted]

    def _one_of_each(self, cells: Sequence[int]) -> list[int]:
        """Of rods that mirror each other, one."""
        return list({tuple(sorted(self._mesh.places[cell])): cell for cell in reversed(cells)}.values())

    @cached_property
    def inserted(self) -> list[int]:
        """Cells of the whole core with a rod in before the ejection."""
        return self._cells(self.core.inserted)

    def solved(self, rods: Sequence[int], *, boron: float = 0.0, heating: Array | float = 0.0) -> Solution:
        """At zero power with rods in these cells; ``heating`` of the fuel in K."""
        under = np.zeros(len(self._mesh.area))
        under[list(rods)] = 1.0
        root = np.sqrt(CHANNEL.inlet + np.asarray(heating)) - math.sqrt(CHANNEL.inlet)
        return solve(self._mesh, changed(self._constants, **zero_power(boron=boron, rod=under, root_fuel=root)))

    def without(self, cell: int, **state: Array | float) -> Solution:
        """With the inserted rods but the one in that cell, at the critical boron."""
        return self.solved([one for one in self.inserted if one != cell], boron=self.critical, **state)

    @cached_property
    def critical(self) -> float:
        """Boron, ppm beside the published constants', at which the core with the inserted rods is critical at zero power."""
        found = root_scalar(lambda boron: self.solved(self.inserted, boron=boron).k - 1, x0=0.0, x1=300.0, xtol=0.01, maxiter=20)
        if not found.converged:
            raise SimulationFailed("no boron content makes the core with its inserted rods critical")
        return float(found.root)

    @cached_property
    def worths(self) -> dict[int, float]:
        """Of each kind of inserted rod: reactivity gained when one of it leaves the critical core, pcm."""
        base = self.solved(self.inserted, boron=self.critical).reactivity
        return {cell: self.without(cell).reactivity - base for cell in self._one_of_each(self.inserted)}

    @property
    def worthiest(self) -> int:
        """The inserted rod whose leaving gains most."""
        return max(self.worths, key=lambda cell: self.worths[cell])

    def shutdown_margin(self, boron: float) -> float:
        """By how much, pcm, the core is below critical at zero power with its most worthy rod stuck out and all others in."""
        every = self._cells(self.core.rods)
        stuck = [self.solved([one for one in every if one != cell], boron=boron) for cell in self._one_of_each(every)]
        return -max(one.reactivity for one in stuck)

    @cached_property
    def nominal(self) -> Ejection:
        """The ejection of the worthiest rod with every input at its nominal value."""
        rod = self.worthiest
        after = self.without(rod)
        hot = self.without(rod, heating=_HEATED * after.power)
        root = math.sqrt(CHANNEL.inlet + _HEATED) - math.sqrt(CHANNEL.inlet)

        def one(value: float) -> Array:
            return np.array([value])

        return Ejection(
            worth=one(self.worths[rod] / PCM),
            beta=one(NEACRP.beta),
            generation=one(after.generation_time(SPEEDS)),
            doppler=one((hot.reactivity - after.reactivity) / PCM / root),
            peaking=one(float(after.power.max()) * AXIAL * PIN),
            conductance=one(CHANNEL.conductance),
            direct=one(CHANNEL.direct),
        )


def transient(case: Ejection, samples: Array) -> Transient:
    """The transients of (n, 4) samples of ``INPUTS`` about a nominal case."""
    share, beta, conductance, direct = samples.T
    full = np.ones(len(samples))
    return eject(
        Ejection(
            worth=case.worth * share,
            beta=beta,
            generation=case.generation * full,
            doppler=case.doppler * full,
            peaking=case.peaking * full,
            conductance=conductance,
            direct=direct,
        ),
        points=150,
    )


def enthalpies(case: Ejection) -> Callable[[Array], Array]:
    """Samples of ``INPUTS`` to the hot spot's largest enthalpy, cal/g."""
    return lambda samples: transient(case, samples).enthalpy


def exceedance(case: Ejection, *, limit: float = LIMIT, target: float = TARGET, level: int = 1000, seed: int = 0) -> Estimate:
    """How likely the hot spot's enthalpy exceeds ``limit``: by subset simulation on the transient itself.

    Where that never reaches the limit, as many independent runs follow as would show ``target`` if none exceeded it.
    """
    respond = enthalpies(case)
    found = subset(respond, INPUTS, limit, level=level, seed=seed)
    if found.reached or judged(found, target) == "pass":
        return found
    return crude(respond, INPUTS, limit, runs=demonstrated(target), seed=seed + 1)
