"""A textbook estimate of the four-stage charge, for many designs at once.

One particle per electrode with its diffusion modes, Butler-Volmer kinetics, a quasi-steady salt profile, a reaction front
that leans towards the separator and a lumped heat balance, marched over equal shares of the charge. It ranks designs
as the simulator does; its values are meant to be scaled and shifted by measured ones.

Sources: Newman and Balsara, Electrochemical Systems, 4th ed. (2021), ch. 22 (porous electrodes); Marquis et al.,
J. Electrochem. Soc. 166 (2019) A3693 (salt profile); Crank, The Mathematics of Diffusion (1975), section 6.3 (sphere).
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pybamm
from numpy.typing import ArrayLike, NDArray

from dure.domains.energy.cell import LAYERS, STAGES

Array = NDArray[np.float64]

_FARADAY = 96485.33212
_GAS = 8.314462618
_KELVIN = 273.15
_SHARES = 6
"""Steps of the march in each quarter of the charge."""

_MODES = np.array([[20.19], [59.68], [160.0]])
_MODE_SHARES = np.array([[0.0991], [0.0335], [0.0674]])
"""A sphere under constant flux: rates in D/R² and shares in jR/(DF). Two exact modes; the third stands for the rest."""

_SALT_SPAN = 3000.0
_TABLE = np.linspace(0.0, 1.0, 501)
_LEAST_SALT = 0.05
_LEAST_RATE = 0.02
_LEAD = 0.05
"""Rise in stoichiometry over which open-circuit differences even out an uneven filling; chosen once, on OKane2022."""


@dataclasses.dataclass(frozen=True)
class ChargeEstimate:
    """Per design and quarter of the charge, arrays of shape (n, 4); meanings as in protocol.ChargeRun."""

    minutes: Array
    potential_dip_v: Array
    potential_end_v: Array
    t_max_c: Array


@dataclasses.dataclass(frozen=True)
class _Law:
    """A property tabled on the unit interval at the reference temperature, with an Arrhenius factor."""

    table: Array
    activation_k: float
    reference_k: float

    def __call__(self, at: Array, kelvin: Array) -> Array:
        value = np.interp(at, _TABLE, self.table)
        return value * np.exp(self.activation_k * (1 / self.reference_k - 1 / kelvin)) if self.activation_k else value


@dataclasses.dataclass(frozen=True)
class _Electrode:
    """A porous electrode, SI units; salt transport is divided by the tortuosity factor, which is above one."""

    thickness: float
    porosity: float
    tortuosity: float
    radius: float
    area_per_volume: float
    solid_conductivity: float
    concentration: float
    empty: float
    per_charge: float
    potential: _Law
    diffusivity: _Law
    exchange_current: _Law


@dataclasses.dataclass(frozen=True)
class _Cell:
    """What the estimate needs of a parameter set, SI units except the capacity in A.h; layers from anode to cathode."""

    capacity_ah: float
    one_c: float
    voltage_limit: float
    negative: _Electrode
    positive: _Electrode
    separator: tuple[float, float, float]
    salt: float
    salt_drive: float
    immobile: float
    diffusivity: _Law
    conductivity: _Law
    heat_capacity: float
    heat_capacity_electrodes: float
    cooling: float


@dataclasses.dataclass
class _State:
    """Where n cells stand.

    Attributes:
        stage: Which current of the protocol is on, 4 for the hold.
        charge: Delivered, as a share of nominal.
        negative, positive: Excess of the surface stoichiometry by diffusion mode, shape (3, n).
        lead: Excess of the anode's stoichiometry at the separator.
        salt_current: Current the salt profile answers to, A/m².
        kelvin: Temperature.
    """

    stage: NDArray[np.intp]
    charge: Array
    negative: Array
    positive: Array
    lead: Array
    salt_current: Array
    kelvin: Array


@dataclasses.dataclass(frozen=True)
class _Voltages:
    """In V: at the particles' surfaces without losses, the losses, the anode at the separator; there, reaction over mean."""

    open_circuit: Array
    losses: Array
    anode: Array
    crowding: Array


@dataclasses.dataclass(frozen=True)
class _Setting:
    """What stays the same during the charge, each of shape (n,)."""

    ambient_k: Array
    share: Array
    thickness: Array
    kinetics: Array
    diffusion: Array


def estimate(
    c_rates: ArrayLike,
    start_temperature_c: ArrayLike,
    *,
    cell: str = "OKane2022",
    ambient_c: ArrayLike = 25.0,
    end_soc: ArrayLike = 0.8,
    thickness_scale: ArrayLike = 1.0,
    exchange_current_scale: ArrayLike = 1.0,
    electrolyte_diffusivity_scale: ArrayLike = 1.0,
) -> ChargeEstimate:
    """Estimate the charges of n designs; c_rates has shape (n, 4), all else is one value or n values, as in run_protocol."""
    rates = np.atleast_2d(np.asarray(c_rates, dtype=np.float64))
    count = len(rates)

    def each(value: ArrayLike) -> Array:
        return np.broadcast_to(np.asarray(value, dtype=np.float64), (count,))

    constants = _cell(cell)
    setting = _Setting(
        ambient_k=each(ambient_c) + _KELVIN,
        share=each(end_soc) / (STAGES * _SHARES),
        thickness=each(thickness_scale),
        kinetics=each(exchange_current_scale),
        diffusion=each(electrolyte_diffusivity_scale),
    )
    start = each(start_temperature_c) + _KELVIN
    zero = np.zeros(count)
    state = _State(np.zeros(count, dtype=np.intp), zero, np.zeros((3, count)), np.zeros((3, count)), zero, zero, start)
    rates = np.concatenate([rates, rates[:, -1:]], axis=1)
    trace = []
    for k in range(STAGES * _SHARES):
        state.stage = np.maximum(state.stage, k // _SHARES)
        trace.append(_march(constants, setting, state, rates))
    seconds, potential, kelvin = (np.array(column).T.reshape(count, STAGES, _SHARES) for column in zip(*trace, strict=True))
    entry = np.concatenate([start[:, None], kelvin[:, :-1, -1]], axis=1)
    return ChargeEstimate(
        minutes=seconds.sum(axis=2) / 60,
        potential_dip_v=potential[:, :, : _SHARES // 2].min(axis=2),
        potential_end_v=potential[:, :, _SHARES // 2 :].min(axis=2),
        t_max_c=np.maximum(kelvin.max(axis=2), entry) - _KELVIN,
    )


def _march(cell: _Cell, setting: _Setting, state: _State, rates: Array) -> tuple[Array, Array, Array]:
    """Advance every cell by one share of charge; returns seconds, anode potential at the separator in V, temperature in K.

    Where the voltage would pass the limit the next current takes over, as in the protocol, or what the limit leaves room
    for if that is less; a fifth column of rates, equal to the fourth, stands for the hold.
    """
    everyone = np.arange(len(rates))
    rate = rates[everyone, state.stage]
    first = _voltages(cell, setting, state, rate)
    room = (cell.voltage_limit - first.open_circuit) / first.losses
    limited = room < 1
    state.stage = np.minimum(state.stage + limited, STAGES)
    rate = np.where(limited, np.minimum(rates[everyone, state.stage], rate * np.maximum(room, _LEAST_RATE)), rate)
    seconds = 3600 * setting.share / rate
    state.charge = state.charge + setting.share
    _diffuse(cell, setting, state, rate, seconds)
    now = _voltages(cell, setting, state, rate)
    gained = cell.negative.per_charge * setting.share
    state.lead = (state.lead + (now.crowding - 1) * gained) * np.exp(-gained / _LEAD)
    heat_capacity = cell.heat_capacity + (setting.thickness - 1) * cell.heat_capacity_electrodes
    steady = setting.ambient_k + now.losses * rate * cell.capacity_ah * setting.thickness / cell.cooling
    state.kelvin = steady + (state.kelvin - steady) * np.exp(-seconds * cell.cooling / heat_capacity)
    return seconds, now.anode, state.kelvin


def _diffuse(cell: _Cell, setting: _Setting, state: _State, rate: Array, seconds: Array) -> None:
    """Relax the particles' surface enrichment and the salt profile towards the present current."""
    current = rate * cell.one_c * setting.thickness
    for name, electrode, sign in (("negative", cell.negative, 1.0), ("positive", cell.positive, -1.0)):
        enriched: Array = getattr(state, name)
        diffusivity = electrode.diffusivity(_filling(electrode, state.charge), state.kelvin)
        flux = sign * _reaction(electrode, setting, current) / (_FARADAY * electrode.concentration)
        steady = _MODE_SHARES * (flux * electrode.radius / diffusivity)
        decay = np.exp(-_MODES * (seconds * diffusivity / electrode.radius**2))
        setattr(state, name, steady + (enriched - steady) * decay)
    salt = cell.diffusivity(np.full_like(rate, cell.salt / _SALT_SPAN), state.kelvin) * setting.diffusion
    length = (cell.negative.thickness + cell.positive.thickness) * setting.thickness + cell.separator[0]
    decay = np.exp(-seconds * np.pi**2 * salt / (length**2 * cell.negative.tortuosity))
    state.salt_current = current + (state.salt_current - current) * decay


def _voltages(cell: _Cell, setting: _Setting, state: _State, rate: Array) -> _Voltages:
    """Evaluate the state at a current, along a path through the two faces of the separator.

    What the electrolyte loses inside an electrode is on that path already, as the crowding of the reaction.
    """
    current = rate * cell.one_c * setting.thickness
    salt = _salt(cell, setting, state)
    kappa = cell.conductivity(np.array([salt[0] + 2 * salt[1], salt[3] + 2 * salt[2]]) / (3 * _SALT_SPAN), state.kelvin)
    drive = 2 * _GAS * state.kelvin / _FARADAY * cell.salt_drive
    sides = (
        (cell.negative, state.negative, state.lead, salt[1], np.log(salt[1] / salt[0]), kappa[0], setting.kinetics),
        (cell.positive, state.positive, np.zeros_like(rate), salt[2], np.log(salt[3] / salt[2]), kappa[1], np.ones_like(rate)),
    )
    open_potential, loss, crowding = [], [], []
    for electrode, enriched, lead, at_face, spread, conductivity, kinetics in sides:
        filling = _filling(electrode, state.charge) + enriched.sum(axis=0) + lead
        drop = drive * spread + current * setting.thickness * _resistance(electrode, conductivity) / 2
        exchange = electrode.exchange_current(np.clip(filling, 0.005, 0.995), state.kelvin)
        exchange = exchange * np.sqrt(at_face / cell.salt) * kinetics
        open_potential.append(electrode.potential(filling, state.kelvin))
        overpotential, crowded = _overpotential(_reaction(electrode, setting, current), exchange, drop, state.kelvin)
        loss.append(overpotential)
        crowding.append(crowded)
    separator = current * cell.separator[0] * cell.separator[1] / kappa.mean(axis=0) + drive * np.log(salt[2] / salt[1])
    return _Voltages(
        open_circuit=open_potential[1] - open_potential[0],
        losses=loss[0] + loss[1] + separator,
        anode=open_potential[0] - loss[0],
        crowding=crowding[0],
    )


def _overpotential(reaction: Array, exchange: Array, drop: Array, kelvin: Array) -> tuple[Array, Array]:
    """Butler-Volmer overpotential in V where the reaction crowds by ν coth ν, Newman's electrode with linear kinetics."""
    thermal = 2 * _GAS * kelvin / _FARADAY
    front = np.sqrt(2 * drop * np.hypot(reaction, 2 * exchange) / (thermal * reaction))
    crowding = front / np.tanh(front)
    return thermal * np.arcsinh(crowding * reaction / (2 * exchange)), crowding


def _resistance(electrode: _Electrode, conductivity: Array) -> Array:
    """Electrolyte and solid along the whole electrode, Ω m²."""
    return electrode.thickness * (electrode.tortuosity / conductivity + 1 / electrode.solid_conductivity)


def _salt(cell: _Cell, setting: _Setting, state: _State) -> tuple[Array, Array, Array, Array]:
    """Salt in mol/m³ at the four faces from the anode's collector to the cathode's, for an even reaction."""
    diffusivity = cell.diffusivity(np.full_like(state.kelvin, cell.salt / _SALT_SPAN), state.kelvin) * setting.diffusion
    pull = cell.immobile * state.salt_current / (_FARADAY * diffusivity)
    one = np.ones_like(pull)
    lengths = [cell.negative.thickness * setting.thickness, cell.separator[0] * one, cell.positive.thickness * setting.thickness]
    porosities = (cell.negative.porosity, cell.separator[2], cell.positive.porosity)
    pores = [length * porosity for length, porosity in zip(lengths, porosities, strict=True)]
    anode = pull * lengths[0] * cell.negative.tortuosity / 2
    middle = pull * lengths[1] * cell.separator[1]
    cathode = pull * lengths[2] * cell.positive.tortuosity / 2
    mean = (pores[0] * anode / 3 + pores[1] * (anode + middle / 2) + pores[2] * (anode + middle + 2 * cathode / 3)) / sum(pores)
    floor = _LEAST_SALT * cell.salt
    lowest = cell.salt - mean
    # A smooth floor: where salt runs out the reaction moves away, and the concentration stays just above zero.
    at_collector = floor + np.logaddexp(0.0, (lowest - floor) / floor) * floor
    at_separator = anode + (lowest + at_collector) / 2
    return at_collector, at_separator, at_separator + middle, at_separator + middle + cathode


def _filling(electrode: _Electrode, charge: Array) -> Array:
    return electrode.empty + electrode.per_charge * charge


def _reaction(electrode: _Electrode, setting: _Setting, current: Array) -> Array:
    """Mean reaction current on the particles' surface, A/m²."""
    return current / (electrode.area_per_volume * electrode.thickness * setting.thickness)


@functools.cache
def _cell(name: str) -> _Cell:
    """Read a parameter set once; layers, heat and geometry are those of PyBaMM's lumped thermal model."""
    values = pybamm.ParameterValues(name)
    x_empty, _, _, y_empty = pybamm.lithium_ion.get_min_max_stoichiometries(values)
    salt, reference = values["Initial concentration in electrolyte [mol.m-3]"], values["Reference temperature [K]"]
    heat = {
        layer: values[f"{layer} thickness [m]"]
        * values[f"{layer} density [kg.m-3]"]
        * _number(values, f"{layer} specific heat capacity [J.kg-1.K-1]", reference)
        for layer in LAYERS
    }
    width = values["Cell volume [m3]"] / sum(values[f"{layer} thickness [m]"] for layer in LAYERS)
    immobile = 1 - _number(values, "Cation transference number", salt, reference)
    separator = values["Separator porosity"]
    return _Cell(
        capacity_ah=values["Nominal cell capacity [A.h]"],
        one_c=values["Nominal cell capacity [A.h]"] / _area(values),
        voltage_limit=values["Upper voltage cut-off [V]"],
        negative=_electrode(values, "Negative", x_empty, 1.0),
        positive=_electrode(values, "Positive", y_empty, -1.0),
        separator=(
            values["Separator thickness [m]"],
            separator ** -values["Separator Bruggeman coefficient (electrolyte)"],
            separator,
        ),
        salt=salt,
        salt_drive=immobile * _number(values, "Thermodynamic factor", salt, reference),
        immobile=immobile,
        diffusivity=_salt_law(values, "Electrolyte diffusivity [m2.s-1]"),
        conductivity=_salt_law(values, "Electrolyte conductivity [S.m-1]"),
        heat_capacity=width * sum(heat.values()),
        heat_capacity_electrodes=width * (heat["Negative electrode"] + heat["Positive electrode"]),
        cooling=values["Total heat transfer coefficient [W.m-2.K-1]"] * values["Cell cooling surface area [m2]"],
    )


def _electrode(values: Any, side: str, empty: float, sign: float) -> _Electrode:
    thickness, active = values[f"{side} electrode thickness [m]"], values[f"{side} electrode active material volume fraction"]
    radius, most = values[f"{side} particle radius [m]"], values[f"Maximum concentration in {side.lower()} electrode [mol.m-3]"]
    porosity = values[f"{side} electrode porosity"]
    salt = values["Initial concentration in electrolyte [mol.m-3]"]
    conductivity = _law(values, f"{side} electrode conductivity [S.m-1]", lambda at, kelvin: (at, kelvin))
    held_ah = _FARADAY * most * active * thickness * _area(values) / 3600
    return _Electrode(
        thickness=thickness,
        porosity=porosity,
        tortuosity=porosity ** -values[f"{side} electrode Bruggeman coefficient (electrolyte)"],
        radius=radius,
        area_per_volume=3 * active / radius,
        solid_conductivity=float(conductivity.table.mean())
        * active ** values[f"{side} electrode Bruggeman coefficient (electrode)"],
        concentration=most,
        empty=empty,
        per_charge=sign * values["Nominal cell capacity [A.h]"] / held_ah,
        potential=_law(values, f"{side} electrode OCP [V]", lambda at, kelvin: (at,)),
        diffusivity=_law(values, f"{side} particle diffusivity [m2.s-1]", lambda at, kelvin: (at, kelvin)),
        exchange_current=_law(
            values,
            f"{side} electrode exchange-current density [A.m-2]",
            lambda at, kelvin: (pybamm.Scalar(salt), most * at, pybamm.Scalar(most), kelvin),
        ),
    )


def _area(values: Any) -> float:
    sheets = values["Number of electrodes connected in parallel to make a cell"]
    return float(values["Electrode height [m]"] * values["Electrode width [m]"] * sheets)


def _salt_law(values: Any, name: str) -> _Law:
    return _law(values, name, lambda at, kelvin: (_SALT_SPAN * at, kelvin))


def _law(values: Any, name: str, arguments: Callable[[Any, Any], tuple[Any, ...]]) -> _Law:
    """Table a function of the parameter set; its activation temperature comes from a second table 20 K above."""
    reference = values["Reference temperature [K]"]
    # Just inside the interval: several open-circuit potentials have poles at its ends.
    at = pybamm.Vector(np.clip(_TABLE, 1e-3, 1 - 1e-3))

    def table(kelvin: float) -> Array:
        law = values[name]
        symbol = law(*arguments(at, pybamm.Scalar(kelvin))) if callable(law) else law
        value = values.process_symbol(pybamm.convert_to_symbol(symbol)).evaluate()
        return np.broadcast_to(np.asarray(value, dtype=np.float64).ravel(), _TABLE.shape)

    cold, warm = table(reference), table(reference + 20)
    growth = float(np.log(warm[250] / cold[250]))
    return _Law(cold, growth / (1 / reference - 1 / (reference + 20)), reference)


def _number(values: Any, name: str, *at: float) -> float:
    law = values[name]
    symbol = law(*map(pybamm.Scalar, at)) if callable(law) else law
    return float(values.process_symbol(pybamm.convert_to_symbol(symbol)).evaluate())
