"""reactor/core-loading: how much cooler can a core's hottest assembly run without losing reactivity?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import numpy as np

from dure.domains.reactor.diffusion import Constants, Solution, constants_of, reactivity, solve
from dure.domains.reactor.ejection import TARGET, Rods, exceedance
from dure.domains.reactor.feedback import changed, check_groups, coefficients, critical_boron, settled
from dure.domains.reactor.kinetics import eject
from dure.domains.reactor.library import CORES, OUTSIDE, Core, core_file, find_core
from dure.domains.reactor.loading import loading_class, place, places, published, rules, standing, stated
from dure.domains.reactor.mesh import mesh_of
from dure.domains.reactor.modal import expansion_of
from dure.i18n import N_
from dure.problem import (
    Answer,
    Axis,
    Check,
    Curve,
    Fidelity,
    Map,
    Parts,
    Problem,
    at_least,
    choice,
    max_over,
    maximise,
    minimise,
    outcome,
    real,
    reported,
    setting,
)

__all__ = ["Reactor", "problem", "trade_off"]

_ELEMENTS = {"n2": 2, "n4": 4, "n6": 6, "n8": 8, "ejection": 6}
"""Quadratic elements along the side of an assembly."""
_FIGURES = 5
"""Of differences, so that the published loading has none from itself: what the iteration leaves is noise."""


@setting
class Reactor:
    """Which core, and in which state."""

    core: str = choice(
        *CORES, others=core_file, default="biblis", help=N_("a benchmark of the package, or a core of your own as a TOML file")
    )
    buckling: float = real(0.0, 1e-3, unit="1/cm**2", default=0.0, help=N_("axial buckling beside the core's own"))
    boron: float = real(-1000.0, 3000.0, unit="ppm", default=0.0, help=N_("boron beside what the published constants hold"))


@cache
def _axis(core: Core) -> Axis:
    return Axis(N_("assembly"), tuple(place(row, col) for row, col in places(core)))


_POWER = N_("assembly power, largest over the core; 1 is the mean")
_RESERVE = N_("reactivity above the published loading's, on the same mesh")
_RELIEF = N_("by how much the largest assembly power is below the published loading's, on the same mesh")
_REACTIVITY = N_("reactivity")


@cache
def _measured(core: Core, traded: bool) -> type:
    """The outcome class: one limit on reactivity, or reactivity as a second objective."""
    outcomes = {
        "power": minimise(max_over(_axis(core)), positive=True, help=_POWER),
        "reserve": maximise(unit="pcm", help=_RESERVE) if traded else at_least(0.0, unit="pcm", help=_RESERVE),
        "relief": reported(help=_RELIEF),
        "reactivity": reported(unit="pcm", help=_REACTIVITY),
        **{name: reported(unit=unit, default=None, help=text) for name, (unit, text) in SAFETY.items()},
    }
    types = dict.fromkeys(outcomes, float) | {"power": Parts}
    made: type = outcome(type("Measured", (), {"__doc__": "What a loading shows.", "__annotations__": types} | outcomes))
    return made


SAFETY: Mapping[str, tuple[str, str]] = {
    "exceedance": (
        "1",
        N_("probability that fuel enthalpy exceeds 230 cal/g when the worthiest rod is ejected, where it was seen"),
    ),
    "exceedance_low": ("1", N_("lower bound of that probability, at 95 %")),
    "exceedance_high": ("1", N_("upper bound of that probability, at 95 %")),
    "enthalpy": ("cal/g", N_("largest fuel enthalpy within 5 s of the nominal ejection")),
    "worth": ("pcm", N_("worth of the ejected rod")),
    "shutdown_margin": ("pcm", N_("shutdown margin with the most worthy rod stuck")),
    "critical_boron": ("ppm", N_("critical boron at full power, beside the published constants'")),
    "doppler": ("pcm/K", N_("Doppler coefficient at full power")),
    "moderator": ("pcm/K", N_("moderator coefficient at full power, density included")),
}
"""What the safety stage adds to an outcome: unit and meaning by name."""


def _constants(core: Core, names: tuple[str, ...], reactor: Reactor) -> Constants:
    constants = constants_of(core, names, reactor.buckling)
    return changed(constants, boron=reactor.boron) if reactor.boron else constants


@lru_cache(maxsize=64)
def _reference(core: Core, n: int, reactor: Reactor) -> Solution:
    """The published loading on the same mesh."""
    mesh = mesh_of(core, n)
    return solve(mesh, _constants(core, mesh.standing(core.grid), reactor))


def _solved(core: Core, loading: Any, reactor: Reactor, n: int) -> Solution:
    known = _reference(core, n, reactor)
    names = known.mesh.standing(standing(core, loading))
    return solve(known.mesh, _constants(core, names, reactor), known)


def _simulate(loading: Any, reactor: Reactor, fidelity: str, *, traded: bool) -> Answer:
    core = find_core(reactor.core)
    n = _ELEMENTS[fidelity]
    found, known = _solved(core, loading, reactor, n), _reference(core, n, reactor)
    safety, curves = _safety(core, loading, reactor) if fidelity == "ejection" else ({}, ())
    measured = _measured(core, traded)(
        power=tuple(float(found.power[found.mesh.cells[at]]) for at in places(core)),
        reserve=round(found.reactivity - known.reactivity, _FIGURES),
        relief=round(float(known.power.max() - found.power.max()), _FIGURES),
        reactivity=found.reactivity,
        **safety,
    )
    return Answer(measured, (_map(core, loading, found), *curves))


def _safety(core: Core, loading: Any, reactor: Reactor) -> tuple[dict[str, float | None], tuple[Curve, ...]]:
    """The coefficients at full power, the shutdown margin, and how likely an ejection makes fuel too hot."""
    grid = standing(core, loading)
    mesh = mesh_of(core, 4)
    constants = constants_of(core, mesh.standing(grid), reactor.buckling)
    boron = critical_boron(mesh, constants)
    at_power = coefficients(mesh, constants, settled(mesh, constants, boron=boron))
    rods = Rods(core, grid, reactor.buckling)
    risk = exceedance(rods.nominal)
    nominal = eject(rods.nominal)
    found = {
        "exceedance": risk.probability,
        "exceedance_low": risk.low,
        "exceedance_high": risk.high,
        "enthalpy": float(nominal.enthalpy[0]),
        "worth": max(rods.worths.values()),
        "shutdown_margin": rods.shutdown_margin(boron),
        "critical_boron": boron,
        "doppler": at_power["doppler"],
        "moderator": at_power["moderator"],
    }
    times = tuple(nominal.times.tolist())
    shown = (
        (N_("power over nominal, worthiest rod ejected"), "1", nominal.power[0]),
        (N_("hot-spot fuel temperature, worthiest rod ejected"), "K", nominal.hot[0]),
    )
    return found, tuple(Curve(name, N_("time"), "s", name, unit, times, tuple(y.tolist())) for name, unit, y in shown)


def simulate(loading: Any, reactor: Reactor, *, fidelity: str) -> Answer:
    """Power of each assembly, and reactivity beside the published loading's."""
    return _simulate(loading, reactor, fidelity, traded=False)


def simulate_trade_off(loading: Any, reactor: Reactor, *, fidelity: str) -> Answer:
    """The same, for a question with two objectives."""
    return _simulate(loading, reactor, fidelity, traded=True)


def theory(loading: Any, reactor: Reactor) -> dict[str, Any]:
    """Power and reserve by modal expansion, of one loading or of as many as its fields' arrays hold."""
    core = find_core(reactor.core)
    known, kinds = _reference(core, 1, reactor), sorted(core.materials)
    mesh = known.mesh
    constants = [_constants(core, (kind,), reactor) for kind in kinds]
    fields = list(stated(core, loading))
    which = np.tile(np.searchsorted(kinds, mesh.standing(core.grid)), (len(fields[0][1]), 1))
    for at, fuel in fields:
        which[:, [mesh.cells[one] for one in at]] = np.searchsorted(kinds, fuel)
    k, power = expansion_of(known).solve(constants, which)
    seen = [mesh.cells[at] for at in places(core)]
    return {"power": power[:, seen].T, "reserve": reactivity(k) - known.reactivity}


def _map(core: Core, loading: Any, found: Solution) -> Map:
    power, grid = found.mesh.spread(found.power), standing(core, loading)
    values = tuple(tuple(float(value) if math.isfinite(value) and value > 0 else None for value in row) for row in power.tolist())
    marks = tuple(tuple("" if kind == OUTSIDE else str(kind) for kind in row) for row in grid)
    return Map(N_("assembly power"), "1", values, marks)


def _cooler(measured: Any) -> bool:
    """Whether the hottest assembly is still no hotter than in the published loading."""
    return bool(measured.relief >= 0)


def _not_dominated(measured: Any) -> bool:
    return bool(measured.relief >= 0 or measured.reserve >= 0)


def _safe(measured: Any) -> bool | None:
    """Whether the limit is exceeded rarely enough; None where the bounds leave that open."""
    if measured.exceedance_high <= TARGET:
        return True
    return False if measured.exceedance_low > TARGET else None


_MESH = N_("the gain holds on a finer mesh, where coarse meshes read the largest power too low")
_EJECTION = N_("fuel enthalpy exceeds 230 cal/g with a probability of at most 0.0001 when the worthiest rod is ejected")
_HAZARDS = (
    N_("Benchmark physics, not licensing: two-dimensional diffusion with published constants, for research only."),
    N_("Burnup and cycle length are not modelled: reactivity here is that of one moment."),
)
_LENT = N_(
    "Temperature, boron and rod effects are those of NEACRP-L-335 lent to this core; rod places, limits and hot-spot factors are "
    "assumptions."
)
_UNSAFE = N_("There is no safety stage for this core: it states no control rods, or has not two groups.")


def _member(reactor: Reactor, traded: bool) -> dict[str, Any]:
    """What the core decides of the statement."""
    core = find_core(reactor.core)
    if reactor.boron:
        check_groups(core.groups)
    ejects = bool(core.inserted) and core.groups == 2
    finer = Check(
        N_("finer mesh"), "n8", required=True, fresh_process=True, judge=_not_dominated if traded else _cooler, help=_MESH
    )
    ejected = Check(N_("rod ejection"), "ejection", required=True, judge=_safe, help=_EJECTION)
    return {
        "design": loading_class(core),
        "outcome": _measured(core, traded),
        "starts": (published(core),),
        "rules": rules(core),
        "checks": (finer, ejected) if ejects else (finer,),
        "hazards": (*_HAZARDS, _LENT if ejects else _UNSAFE),
    }


def _members(reactor: Reactor) -> Mapping[str, Any]:
    return _member(reactor, traded=False)


def _members_traded(reactor: Reactor) -> Mapping[str, Any]:
    return _member(reactor, traded=True)


def _problem(name: str, question: str, *, traded: bool) -> Problem:
    return Problem(
        name=name,
        version="1",
        question=question,
        setting=Reactor,
        family=("core",),
        held_out={"core": ("koeberg",)},
        members=_members_traded if traded else _members,
        simulate=simulate_trade_off if traded else simulate,
        theory=theory,
        fidelities=(
            Fidelity(
                "n2", 0.16, help=N_("two quadratic elements a side of an assembly; reads the largest power low, by 1 to 2 %")
            ),
            Fidelity("n4", 0.45, help=N_("four elements a side")),
            Fidelity("n6", help=N_("six elements a side")),
        ),
        beyond=(
            Fidelity("n8", 1.8, help=N_("eight elements a side")),
            Fidelity("ejection", 1000.0, help=N_("coefficients at power, and thousands of rod ejections by point kinetics")),
        ),
        runs=30,
        control_runs=20,
        timeout=900.0,
        memory_gb=8.0,
        cites=("ArgonneCodeCenter1977", "Imron2019", "Finnemann1991"),
        **_member(Reactor(), traded),
    )


problem = _problem(
    "reactor/core-loading",
    N_("How much cooler can this core's hottest assembly run without losing reactivity?"),
    traded=False,
)
trade_off = _problem(
    "reactor/core-trade-off",
    N_("How much reactivity does a cooler hottest assembly cost?"),
    traded=True,
)
