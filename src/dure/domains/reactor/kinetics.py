"""Point kinetics: the power of a core after its reactivity has changed, with six groups of delayed neutrons and Doppler feedback.

    dn/dt = (rho - beta) / Lambda n + sum_i lambda_i C_i,    dC_i/dt = beta_i / Lambda n - lambda_i C_i

A rod leaves the core at constant speed; fuel that grows hotter takes reactivity back with the square root of its temperature.
Fuel is lumped twice: the core's mean, which feeds back, and the hot spot, which receives ``peaking`` times the mean power. The
coolant stays as it is, which a few seconds justify and which leaves out a helpful feedback. Many cases are integrated together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.integrate import solve_ivp

from dure.domains.reactor.feedback import CHANNEL, Channel
from dure.errors import SimulationFailed

__all__ = ["NEACRP", "Delayed", "Ejection", "Transient", "after_step", "eject"]

Array = NDArray[np.float64]

_DENSITY = 10412.0
"""Of the fuel, kg/m³."""
_CALORIE = 4.184
_COLD = 298.15
"""Where enthalpy is counted from, K."""


@dataclass(frozen=True)
class Delayed:
    """Delayed neutrons: fractions and decay constants (1/s) of the groups."""

    fractions: tuple[float, ...]
    decay: tuple[float, ...]

    @property
    def beta(self) -> float:
        """Delayed fraction."""
        return sum(self.fractions)


NEACRP = Delayed((0.0002584, 0.00152, 0.0013908, 0.0030704, 0.001102, 0.0002584), (0.0128, 0.0318, 0.119, 0.3181, 1.4027, 3.9286))
"""Of NEACRP-L-335."""


def _matrix(delayed: Delayed, rho: float, generation: float) -> Array:
    size = 1 + len(delayed.decay)
    matrix = np.zeros((size, size))
    matrix[0, 0] = (rho - delayed.beta) / generation
    matrix[0, 1:] = delayed.decay
    matrix[1:, 0] = np.array(delayed.fractions) / generation
    matrix[1:, 1:] = -np.diag(delayed.decay)
    return matrix


def after_step(delayed: Delayed, rho: float, generation: float, times: Array) -> Array:
    """(times,) power over its start after reactivity steps from 0 to ``rho``, without feedback.

    Raises:
        SimulationFailed: the integration gave up.
    """
    matrix = _matrix(delayed, rho, generation)
    start = np.concatenate([[1.0], np.array(delayed.fractions) / (np.array(delayed.decay) * generation)])
    done = solve_ivp(
        lambda _t, y: matrix @ y, (0.0, float(times[-1])), start, "BDF", t_eval=times, rtol=1e-9, atol=1e-12, jac=matrix
    )
    if not done.success:
        raise SimulationFailed(f"point kinetics gave up: {done.message}")
    return np.asarray(done.y[0])


@dataclass(frozen=True)
class Ejection:
    """What an ejection does to a core; every field is one number or (cases,) of them.

    Attributes:
        worth: reactivity the rod gives back, 1. beta: delayed fraction; group shares are NEACRP's.
        generation: generation time, s. doppler: reactivity per square root of K of the mean fuel, below 0.
        peaking: hot-spot power over the mean. conductance: of the gap, W/(m² K). direct: share of heat set free in coolant.
        level: power before, over nominal. temperature: of coolant, and of fuel before, K.
    """

    worth: Array
    beta: Array
    generation: Array
    doppler: Array
    peaking: Array
    conductance: Array
    direct: Array
    level: float = 1e-6
    temperature: float = CHANNEL.inlet
    takes: float = 0.1
    channel: Channel = CHANNEL

    def __len__(self) -> int:
        return len(self.worth)


@dataclass(frozen=True)
class Transient:
    """What happened; (cases,) each, and against ``times`` (cases, times).

    Attributes:
        power: over nominal. fuel, hot: temperatures of mean fuel and of the hot spot, K.
        energy: heat made in the fuel so far, in seconds of nominal power.
    """

    times: Array
    power: Array
    fuel: Array
    hot: Array
    energy: Array

    @property
    def peak_power(self) -> Array:
        """Largest power over nominal."""
        return np.asarray(self.power.max(axis=1))

    @property
    def peak_hot(self) -> Array:
        """Largest hot-spot temperature, K."""
        return np.asarray(self.hot.max(axis=1))

    @property
    def enthalpy(self) -> Array:
        """Largest fuel enthalpy of the hot spot, cal/g above 25 °C."""
        return _enthalpy(self.peak_hot) / _CALORIE / 1000


def _capacity(temperature: Array) -> Array:
    """Specific heat of UO2 as in NEACRP-L-335, J/(kg K)."""
    return 162.3 + 0.3038 * temperature - 2.391e-4 * temperature**2 + 6.404e-8 * temperature**3


def _enthalpy(temperature: Array) -> Array:
    """Its integral from 25 °C, J/kg."""

    def upto(t: Array | float) -> Array:
        t = np.asarray(t)
        return 162.3 * t + 0.3038 / 2 * t**2 - 2.391e-4 / 3 * t**3 + 6.404e-8 / 4 * t**4

    return upto(temperature) - upto(_COLD)


_STATES = 10
"""n, six precursors, mean and hot fuel, energy."""


class _Pin:
    """Heat of one pin's fuel, a metre: what it stores, and its resistance to the coolant."""

    def __init__(self, case: Ejection) -> None:
        channel = case.channel
        inner = channel.pellet + channel.gap
        outer = inner + channel.clad
        conductivity = 1.05 + 2150 / (900 - 73.15)
        self.mass = math.pi * channel.pellet**2 * _DENSITY
        self.heat = channel.power / (channel.pins * channel.length) * (1 - case.direct)
        self.resistance = (
            1 / (2 * math.pi * outer * channel.film)
            + math.log(outer / inner) / (2 * math.pi * 16.0)
            + 1 / (2 * math.pi * (channel.pellet + channel.gap / 2) * case.conductance)
            + 1 / (8 * math.pi * conductivity)
        )


def eject(case: Ejection, *, until: float = 5.0, points: int = 400, rtol: float = 1e-6) -> Transient:
    """Follow an ejection.

    Raises:
        SimulationFailed: the integration gave up.
    """
    system = _System(case)
    times = np.unique(np.concatenate([np.linspace(0, min(0.6, until), points), np.linspace(0, until, points // 4)]))
    done = solve_ivp(
        system.slope, (0.0, until), system.start, "BDF", t_eval=times, rtol=rtol, atol=system.smallest, jac=system.jacobian
    )
    if not done.success:
        raise SimulationFailed(f"the transient gave up: {done.message}")
    y = done.y.reshape(_STATES, len(case), len(times))
    return Transient(times, y[0], y[7], y[8], y[9])


class _System:
    """The equations of all cases, state by state and then case by case, with their Jacobian."""

    def __init__(self, case: Ejection) -> None:
        self.case, self.pin, self.n = case, _Pin(case), len(case)
        share = np.array(NEACRP.fractions) / NEACRP.beta
        self.decay = np.array(NEACRP.decay)[:, None]
        self.born = share[:, None] * case.beta / case.generation
        start = np.empty((_STATES, self.n))
        start[0], start[1:7] = case.level, self.born * case.level / self.decay
        start[7:9], start[9] = case.temperature, 0.0
        self.start = start.ravel()
        tiny = np.full((_STATES, self.n), 1e-6)
        tiny[0], tiny[1:7] = case.level * 1e-4, start[1:7] * 1e-4
        tiny[7:9] = 1e-3
        self.smallest = tiny.ravel()
        self._where = self._pattern()

    def rho(self, t: float, fuel: Array) -> Array:
        case = self.case
        out = case.worth * min(1.0, t / case.takes)
        return out + case.doppler * (np.sqrt(fuel) - math.sqrt(case.temperature))

    def slope(self, t: float, flat: Array) -> Array:
        y, case, pin = flat.reshape(_STATES, self.n), self.case, self.pin
        slope = np.empty_like(y)
        slope[0] = (self.rho(t, y[7]) - case.beta) / case.generation * y[0] + (self.decay * y[1:7]).sum(0)
        slope[1:7] = self.born * y[0] - self.decay * y[1:7]
        for row, factor in ((7, 1.0), (8, case.peaking)):
            lost = (y[row] - case.temperature) / pin.resistance
            slope[row] = (factor * pin.heat * y[0] - lost) / (pin.mass * _capacity(y[row]))
        slope[9] = y[0]
        return slope.ravel()

    def _pattern(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        pairs = [(0, 0), (0, 7)] + [(0, i) for i in range(1, 7)] + [(i, 0) for i in range(1, 7)] + [(i, i) for i in range(1, 7)]
        pairs += [(7, 0), (7, 7), (8, 0), (8, 8), (9, 0)]
        at = np.arange(self.n)
        rows, cols = (np.concatenate([one[k] * self.n + at for one in pairs]) for k in (0, 1))
        return rows, cols

    def jacobian(self, t: float, flat: Array) -> sparse.csc_array:
        y, case, pin, n = flat.reshape(_STATES, self.n), self.case, self.pin, self.n
        entries = [
            (self.rho(t, y[7]) - case.beta) / case.generation,
            case.doppler / (2 * np.sqrt(y[7])) / case.generation * y[0],
            *np.broadcast_to(self.decay, (6, n)),
            *self.born,
            *np.broadcast_to(-self.decay, (6, n)),
        ]
        for row, factor in ((7, 1.0), (8, case.peaking)):
            stored = pin.mass * _capacity(y[row])
            slope = (factor * pin.heat * y[0] - (y[row] - case.temperature) / pin.resistance) / stored
            steeper = (0.3038 - 2 * 2.391e-4 * y[row] + 3 * 6.404e-8 * y[row] ** 2) / _capacity(y[row])
            entries += [np.broadcast_to(factor * pin.heat / stored, n), -1 / (pin.resistance * stored) - slope * steeper]
        entries.append(np.ones(n))
        return sparse.csc_array((np.concatenate(entries), self._where), shape=(flat.size, flat.size))
