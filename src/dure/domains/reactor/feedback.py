"""What temperature, density, boron and control rods do to a core's constants, and the state they settle in.

The sensitivities are those of the fuel of NEACRP-L-335, averaged over its eight compositions (cores/neacrp_feedback.csv), in two
groups. A core of another benchmark has no published ones: it is lent these, as changes from the state its constants describe.
Fuel and channel are that benchmark's too. The reflector's constants stay.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root_scalar

from dure.domains.reactor.diffusion import Constants, Solution, solve
from dure.domains.reactor.mesh import Mesh
from dure.errors import SimulationFailed, ValueRefused
from dure.i18n import _

__all__ = ["CHANNEL", "Channel", "Steady", "changed", "check_groups", "coefficients", "critical_boron", "settled", "zero_power"]

Array = NDArray[np.float64]

_QUANTITIES = ("sigma_tr", "sigma_a", "nu_sigma_f", "sigma_s12")
_GROUPS = 2
_MOST_BORON = 4000.0


@cache
def _sensitivities() -> Mapping[str, Mapping[str, Array]]:
    """By what changes, then by constant: (2,) change of it a unit, 1/cm."""
    text = (resources.files("dure.domains.reactor") / "cores" / "neacrp_feedback.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return {
        to: {
            name: np.array(
                [
                    np.mean([float(row[name]) for row in rows if row["to"] == to and int(row["group"]) == group])
                    for group in (1, 2)
                ]
            )
            for name in _QUANTITIES
        }
        for to in dict.fromkeys(row["to"] for row in rows)
    }


def check_groups(groups: int) -> None:
    """Refuse a core whose sensitivities nobody knows (ValueRefused)."""
    if groups != _GROUPS:
        raise ValueRefused(
            _("feedback is known for two groups, and this core has {groups}; leave boron at 0").format(groups=groups)
        )


def changed(constants: Constants, **by: Array | float) -> Constants:
    """``constants`` of the fuel after a change of state, in each cell or everywhere alike.

    Args:
        by: boron (ppm), root_fuel (square root of K), moderator (K), density (g/cm³), rod (1 where a rod stands).

    Raises:
        ValueRefused: the core has not two groups, so nothing is known of its sensitivities.
    """
    check_groups(len(constants.diffusion))
    fuel = constants.nu_fission.any(0)
    shift = {name: np.zeros_like(constants.diffusion) for name in _QUANTITIES}
    for to, amount in by.items():
        for name, a_unit in _sensitivities()[to].items():
            shift[name] += a_unit[:, None] * (np.asarray(amount, dtype=float) * fuel)
    scatter = constants.scatter.copy()
    scatter[0, 1] += shift["sigma_s12"][0]
    return replace(
        constants,
        diffusion=1 / (1 / constants.diffusion + 3 * shift["sigma_tr"]),
        absorption=constants.absorption + shift["sigma_a"],
        nu_fission=constants.nu_fission + shift["nu_sigma_f"] * (constants.nu_fission > 0),
        scatter=scatter,
    )


@dataclass(frozen=True)
class Channel:
    """An assembly's fuel and coolant as in NEACRP-L-335: SI units.

    The fuel's conductivity 1.05 + 2150 / (T - 73.15) and the cladding's are the benchmark's as public codes quote them; heat
    passes to the coolant as Dittus and Boelter have it, for which ``film`` stands.
    """

    power: float = 2775e6 / 157  # W, at nominal power
    flow: float = 82.12102  # kg/s
    inlet: float = 559.15  # K
    pressure: float = 15.5e6  # Pa
    pins: int = 264
    length: float = 3.673  # m, active
    pellet: float = 4.1195e-3  # m, radius
    gap: float = 0.068e-3
    clad: float = 0.571e-3
    conductance: float = 1e4  # W/(m² K), of the gap
    film: float = 3.4e4  # W/(m² K), from the cladding to the coolant
    direct: float = 0.019  # share of heat set free in the coolant itself

    def rise(self, linear: Array, coolant: Array) -> Array:
        """By how much the fuel's mean temperature exceeds the coolant's, K; ``linear`` heat of a pin in W/m."""
        inner = self.pellet + self.gap
        outer = inner + self.clad
        fixed = 1 / (2 * math.pi * outer * self.film) + 1 / (2 * math.pi * (self.pellet + self.gap / 2) * self.conductance)
        rise = np.zeros_like(linear)
        for _turn in range(20):  # the conductivities fall slowly with temperature: a contraction by 0.3 a turn
            fuel = 1.05 + 2150 / (coolant + rise - 73.15)
            clad = 7.51 + 2.09e-2 * coolant - 1.45e-5 * coolant**2 + 7.67e-9 * coolant**3
            rise = linear * (fixed + math.log(outer / inner) / (2 * math.pi * clad) + 1 / (8 * math.pi * fuel))
        return rise


CHANNEL = Channel()


def _water(channel: Channel, enthalpy: Array) -> tuple[Array, Array]:
    """Temperature, K, and density, g/cm³, of water at the channel's pressure (IAPWS-95, through CoolProp)."""
    from CoolProp.CoolProp import PropsSI

    state = ("H", enthalpy, "P", channel.pressure, "Water")
    return np.asarray(PropsSI("T", *state)), np.asarray(PropsSI("D", *state)) / 1000


def _inlet_enthalpy(channel: Channel) -> float:
    from CoolProp.CoolProp import PropsSI

    return float(PropsSI("H", "T", channel.inlet, "P", channel.pressure, "Water"))


@dataclass(frozen=True)
class Steady:
    """A core with the temperatures its own power makes.

    Attributes:
        fuel: (cells,) mean fuel temperature, K. coolant: K. density: g/cm³, of the coolant.
        turns: how often power and temperatures were computed in turn.
    """

    solution: Solution
    fuel: Array
    coolant: Array
    density: Array
    turns: int


def _temperatures(channel: Channel, power: Array) -> tuple[Array, Array, Array]:
    heat = power * channel.power
    coolant, density = _water(channel, _inlet_enthalpy(channel) + heat / (2 * channel.flow))
    linear = heat * (1 - channel.direct) / (channel.pins * channel.length)
    return coolant + channel.rise(linear, coolant), coolant, density


def zero_power(**by: Array | float) -> dict[str, Array | float]:
    """For ``changed``: everything at the inlet's temperature, and ``by`` besides; fuel is counted from there."""
    nominal = [float(one[0]) for one in _temperatures(CHANNEL, np.ones(1))]
    density = float(_at(CHANNEL, np.array([CHANNEL.inlet]))[0])
    cold = math.sqrt(CHANNEL.inlet) - math.sqrt(nominal[0])
    return {
        **by,
        "root_fuel": np.asarray(by.get("root_fuel", 0.0)) + cold,
        "moderator": CHANNEL.inlet - nominal[1],
        "density": density - nominal[2],
    }


def settled(
    mesh: Mesh,
    constants: Constants,
    *,
    boron: float = 0.0,
    rods: Array | float = 0.0,
    level: float = 1.0,
    channel: Channel = CHANNEL,
) -> Steady:
    """Power and temperatures that fit each other, at ``level`` of nominal power.

    ``rods`` is 1 in cells under a control rod. The constants are taken to describe the core with mean power everywhere: there
    the feedback is zero.

    Raises:
        SimulationFailed: power and temperatures do not settle.
        ValueRefused: the core has not two groups.
    """
    nominal = [float(one[0]) for one in _temperatures(channel, np.ones(1))]
    power = np.ones(len(mesh.area))
    known = solve(mesh, constants)
    for turn in range(1, 40):
        fuel, coolant, density = _temperatures(channel, level * power)
        by = {
            "boron": boron,
            "rod": rods,
            "root_fuel": np.sqrt(fuel) - math.sqrt(nominal[0]),
            "moderator": coolant - nominal[1],
            "density": density - nominal[2],
        }
        found = solve(mesh, changed(constants, **by), known)
        moved = float(np.abs(found.power - power).max())
        # Hot fuel damps itself: power overshoots and comes back, so half of each step goes furthest.
        power = (power + found.power) / 2
        if moved < 1e-6:
            return Steady(found, fuel, coolant, density, turn)
    raise SimulationFailed(f"power and temperatures did not settle in 39 turns; the last moved power by {moved:.1e}")


def critical_boron(mesh: Mesh, constants: Constants, *, rods: Array | float = 0.0, level: float = 1.0) -> float:
    """How much boron, ppm beside what the constants hold, makes k = 1 with feedback.

    Raises:
        SimulationFailed: it would take more than 4,000 ppm, more or less.
    """

    def over(boron: float) -> float:
        return settled(mesh, constants, boron=boron, rods=rods, level=level).solution.k - 1

    found = root_scalar(over, x0=0.0, x1=200.0, xtol=0.01, maxiter=20)  # k is nearly linear in boron: a few secants
    if not found.converged or abs(found.root) > _MOST_BORON:
        raise SimulationFailed(f"no boron content within {_MOST_BORON} ppm of the given one makes the core critical")
    return float(found.root)


def coefficients(mesh: Mesh, constants: Constants, steady: Steady) -> dict[str, float]:
    """Reactivity by temperature and boron about a steady state, pcm a unit, by central differences.

    "doppler" and "moderator" are a K of fuel and of coolant, its density included; "boron" is a ppm.
    """
    channel = CHANNEL
    base = steady.solution.constants
    warmer, cooler = (_at(channel, steady.coolant + shift) for shift in (1.0, -1.0))

    def between(one: Mapping[str, Array | float], other: Mapping[str, Array | float], width: float) -> float:
        up, down = (solve(mesh, changed(base, **by), steady.solution).reactivity for by in (one, other))
        return (up - down) / width

    root = np.sqrt(steady.fuel)
    return {
        "doppler": between(
            {"root_fuel": np.sqrt(steady.fuel + 10) - root}, {"root_fuel": np.sqrt(steady.fuel - 10) - root}, 20.0
        ),
        "moderator": between(
            {"moderator": 1.0, "density": warmer - steady.density}, {"moderator": -1.0, "density": cooler - steady.density}, 2.0
        ),
        "boron": between({"boron": 10.0}, {"boron": -10.0}, 20.0),
    }


def _at(channel: Channel, temperature: Array) -> Array:
    from CoolProp.CoolProp import PropsSI

    return np.asarray(PropsSI("D", "T", temperature, "P", channel.pressure, "Water")) / 1000
