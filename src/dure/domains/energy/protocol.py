"""Run a four-stage fast-charge protocol on a simulated cell and sum it up stage by stage.

A stage here is a quarter of the charge to be delivered, whichever current delivers it. Up to the voltage limit that is the
stage of the protocol; beyond it the remaining currents and the final hold count where their charge goes, so every
instant belongs to one stage, the minutes add up, and each figure stays continuous when a voltage limit moves.
"""

import dataclasses
import gc
import itertools
import math
from typing import Any

import numpy as np
import pybamm
from numpy.typing import NDArray

from dure.domains.energy.cell import (
    AMBIENT_TEMPERATURE,
    CELLS,
    CHARGE_ORIGIN,
    CURRENTS,
    DIFFUSIVITY_SCALE,
    EXCHANGE_CURRENT_SCALE,
    STAGE_CHARGE,
    STAGES,
    START_TEMPERATURE,
    Cycler,
    Fidelity,
    ageing_cycler,
    charger,
    has_ageing,
)
from dure.errors import SimulationFailed

_VARIABLES = {
    "seconds": "Time [s]",
    "charge_ah": "Discharge capacity [A.h]",
    "current_a": "Current [A]",
    "voltage_v": "Voltage [V]",
    "temperature_c": "Volume-averaged cell temperature [C]",
    "potential_v": "Negative electrode surface potential difference at separator interface [V]",
}
_SALT = "Electrolyte concentration [mol.m-3]"
_ZERO_CELSIUS_K = 273.15
_CURVE_POINTS = 150
_COMPLETE = 1 - 1e-4
_SOLVED = itertools.count(1)
_COLLECT_EVERY = 8

Four = tuple[float, float, float, float]
Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Curves:
    """Samples of one charge for drawing; charging current is positive."""

    time_min: tuple[float, ...]
    current_a: tuple[float, ...]
    voltage_v: tuple[float, ...]
    temperature_c: tuple[float, ...]
    potential_v: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class ChargeRun:
    """One simulated charge.

    Attributes:
        minutes: Duration of each quarter of the charge.
        potential_dip_v: Lowest anode potential against lithium in the first half of each quarter's charge.
        potential_end_v: The same in the second half. A stage that follows a slower one dips soon after its start and
            recovers; any other falls to its end. Two halves keep the two apart, each nearly smooth in the design.
        t_max_c: Highest cell temperature in each quarter.
        heating_k: Highest temperature less the start temperature.
        delivered: Charge put in, as a fraction of the charge asked for.
        curves: The charge against time.
    """

    minutes: Four
    potential_dip_v: Four
    potential_end_v: Four
    t_max_c: Four
    heating_k: float
    delivered: float
    curves: Curves

    @property
    def total_minutes(self) -> float:
        return sum(self.minutes)

    @property
    def potential_min_v(self) -> float:
        return min(*self.potential_dip_v, *self.potential_end_v)

    @property
    def peak_c(self) -> float:
        return max(self.t_max_c)


@dataclasses.dataclass(frozen=True)
class AgeingRun:
    """What whole cycles do to a cell.

    Attributes:
        cycles: Number of charge, discharge and rest cycles.
        lithium_lost_percent: Loss of lithium inventory; after discharge and rest little of it is reversible plating.
        capacity_loss_percent: Loss of the capacity between the voltage limits at equilibrium.
        dead_lithium_mol_m3: Lithium plated and cut off from the electrode, averaged over its thickness.
    """

    cycles: int
    lithium_lost_percent: float
    capacity_loss_percent: float
    dead_lithium_mol_m3: float


def run_protocol(
    c_rates: Four,
    start_temperature_c: float,
    *,
    cell: str = "OKane2022",
    ambient_c: float = 25.0,
    end_soc: float = 0.8,
    thickness_scale: float = 1.0,
    exchange_current_scale: float = 1.0,
    electrolyte_diffusivity_scale: float = 1.0,
    fidelity: Fidelity,
    period_s: float | None = None,
) -> ChargeRun:
    """Charge a cell from empty to end_soc in four stages of equal charge.

    C-rates refer to the nominal capacity. The exchange-current scale acts on intercalation in the negative electrode: the
    anode potential is the driving force of plating, and that reaction's overpotential sets it, not plating's own kinetics.
    Without a period every step of the solver is a sample; sampling each 20 s instead misses up to 0.5 mV of a dip.

    Raises:
        SimulationFailed: The input is impossible, the solver gave up, or the charge was not completed.
    """
    _check(c_rates, cell, start_temperature_c, ambient_c, end_soc)
    cycler = charger(cell, thickness_scale, fidelity, period_s)
    inputs = _inputs(cycler, c_rates, start_temperature_c, ambient_c, end_soc) | {
        EXCHANGE_CURRENT_SCALE: exchange_current_scale,
        DIFFUSIVITY_SCALE: electrolyte_diffusivity_scale,
    }
    solution = _solve(cycler, inputs, initial_soc=0.0)
    _check_durations(solution.cycles[0].steps)
    _check_salt(solution)
    steps = [_samples(step) for step in solution.cycles[0].steps if isinstance(step, pybamm.Solution)]
    return _sum_up(steps, start_temperature_c, end_soc * cycler.capacity_ah)


def age(
    c_rates: Four,
    start_temperature_c: float,
    *,
    cell: str = "OKane2022",
    ambient_c: float = 25.0,
    end_soc: float = 0.8,
    thickness_scale: float = 1.0,
    exchange_current_scale: float = 1.0,
    electrolyte_diffusivity_scale: float = 1.0,
    cycles: int = 10,
) -> AgeingRun:
    """Repeat the charge with 1C discharges and rests, at DFN; the start temperature holds for the first cycle only.

    Raises:
        SimulationFailed: As run_protocol, or the parameter set has no ageing kinetics.
    """
    _check(c_rates, cell, start_temperature_c, ambient_c, end_soc)
    if not has_ageing(cell):
        raise SimulationFailed(f"{cell} has no kinetics of SEI growth and lithium plating, so it cannot be aged")
    cycler = ageing_cycler(cell, thickness_scale, 60.0)
    inputs = _inputs(cycler, c_rates, start_temperature_c, ambient_c, end_soc) | {
        EXCHANGE_CURRENT_SCALE: exchange_current_scale,
        DIFFUSIVITY_SCALE: electrolyte_diffusivity_scale,
    }
    solution = _whole_cycle(cycler, inputs, initial_soc=0.0)
    fresh = _capacity_ah(cycler, solution.first_state, inputs)
    for _ in range(cycles - 1):
        inputs[CHARGE_ORIGIN] = float(solution["Discharge capacity [A.h]"].entries[-1])
        solution = _whole_cycle(cycler, inputs, starting_solution=solution)
    return AgeingRun(
        cycles=cycles,
        lithium_lost_percent=float(solution["Loss of lithium inventory [%]"].entries[-1]),
        capacity_loss_percent=100 * (1 - _capacity_ah(cycler, solution.last_state, inputs) / fresh),
        dead_lithium_mol_m3=float(solution["X-averaged negative dead lithium concentration [mol.m-3]"].entries[-1]),
    )


def _check(c_rates: Four, cell: str, start_temperature_c: float, ambient_c: float, end_soc: float) -> None:
    if cell not in CELLS:
        raise SimulationFailed(f"unknown cell {cell!r}; known are {', '.join(CELLS)}")
    if len(c_rates) != STAGES or not all(math.isfinite(rate) and rate > 0 for rate in c_rates):
        raise SimulationFailed(f"a protocol is {STAGES} positive C-rates, not {c_rates}")
    if not 0 < end_soc <= 1:
        raise SimulationFailed(f"the final state of charge must lie in (0, 1], not {end_soc}")
    if not (-40 <= start_temperature_c <= 100 and -40 <= ambient_c <= 100):
        raise SimulationFailed(f"temperatures must lie in -40 to 100 °C, not {start_temperature_c} and {ambient_c}")


def _inputs(cycler: Cycler, c_rates: Four, start_temperature_c: float, ambient_c: float, end_soc: float) -> dict[str, float]:
    currents = {name: -rate * cycler.capacity_ah for name, rate in zip(CURRENTS, c_rates, strict=True)}
    return currents | {
        STAGE_CHARGE: end_soc * cycler.capacity_ah / STAGES,
        CHARGE_ORIGIN: 0.0,
        START_TEMPERATURE: start_temperature_c + _ZERO_CELSIUS_K,
        AMBIENT_TEMPERATURE: ambient_c + _ZERO_CELSIUS_K,
    }


def _solve(cycler: Cycler, inputs: dict[str, float], **start: Any) -> Any:
    """Solve one pass of the experiment; whatever PyBaMM raises becomes SimulationFailed with its first line."""
    # Solutions refer to themselves: on Python's own schedule some 90 of them, 35 MB each, would wait to be freed.
    if next(_SOLVED) % _COLLECT_EVERY == 0:
        gc.collect()
    try:
        return cycler.simulation.solve(inputs=inputs, **start)
    except (pybamm.SolverError, pybamm.ModelError, ValueError, RuntimeError) as error:
        raise SimulationFailed(f"the solver gave up: {str(error).strip().splitlines()[0]}") from error


def _samples(step: Any) -> dict[str, Array]:
    return {name: np.asarray(step[variable].entries, dtype=np.float64) for name, variable in _VARIABLES.items()}


def _whole_cycle(cycler: Cycler, inputs: dict[str, float], **start: Any) -> Any:
    """Solve one more cycle; PyBaMM returns a cycle broken off halfway like any other."""
    solution = _solve(cycler, inputs, **start)
    cycle = solution.cycles[-1]
    _check_durations(cycle.steps[:-1])
    charged = inputs[CHARGE_ORIGIN] - float(cycle["Discharge capacity [A.h]"].entries.min())
    if charged < _COMPLETE * STAGES * inputs[STAGE_CHARGE] or cycle.steps[-1].termination != "final time":
        raise SimulationFailed(f"cycle {len(solution.cycles)} was not completed")
    return solution


def _capacity_ah(cycler: Cycler, state: Any, inputs: dict[str, float]) -> float:
    """Capacity at equilibrium between the voltage limits, from the lithium and the electrodes that are left."""
    stock = {
        "Q_n": "Negative electrode capacity [A.h]",
        "Q_p": "Positive electrode capacity [A.h]",
        "Q_Li": "Total lithium capacity in particles [A.h]",
    }
    left = {symbol: float(state[name].entries[0]) for symbol, name in stock.items()}
    return float(cycler.simulation.get_esoh_solver(True, None).solve(inputs=inputs | left)["Capacity [A.h]"])


def _check_durations(steps: list[Any]) -> None:
    """PyBaMM goes on after a step that ran out of time, here with a voltage hold on a cell that is far from full."""
    if any(step.termination == "final time" for step in steps):
        raise SimulationFailed("a step of the protocol had not ended after 12 h")


def _check_salt(solution: Any) -> None:
    """SPMe spreads the current evenly over the electrode and can empty the electrolyte below zero: such a run is void."""
    lowest = float(solution[_SALT].entries.min())
    if lowest < -1e-2:
        raise SimulationFailed(f"the electrolyte concentration fell to {lowest:.1f} mol/m³: outside the model's validity")


def _sum_up(steps: list[dict[str, Array]], start_temperature_c: float, target_ah: float) -> ChargeRun:
    for step in steps:
        step["charge_ah"] = -step["charge_ah"]
    delivered = float(steps[-1]["charge_ah"][-1]) / target_ah
    if delivered < _COMPLETE:
        hours = float(steps[-1]["seconds"][-1]) / 3600
        raise SimulationFailed(f"the charge stopped at {delivered:.1%} of what was asked for, after {hours:.2f} h")
    seconds, potential, temperature = _by_window(steps, target_ah / (2 * STAGES))
    return ChargeRun(
        minutes=_four(seconds.reshape(STAGES, 2).sum(axis=1) / 60),
        potential_dip_v=_four(potential[0::2]),
        potential_end_v=_four(potential[1::2]),
        t_max_c=_four(temperature.reshape(STAGES, 2).max(axis=1)),
        heating_k=float(temperature.max()) - start_temperature_c,
        delivered=delivered,
        curves=_curves(steps),
    )


def _by_window(steps: list[dict[str, Array]], width_ah: float) -> tuple[Array, Array, Array]:
    """Seconds, lowest potential and highest temperature in each of eight equal windows of charge.

    The intervals between samples, not the samples, belong to windows: where a current jumps, the two potentials at that
    instant then count on their own sides.
    """
    seconds = np.zeros(2 * STAGES)
    potential = np.full(2 * STAGES, np.inf)
    temperature = np.full(2 * STAGES, -np.inf)
    edges = width_ah * np.arange(1, 2 * STAGES)
    for step in steps:
        charge = step["charge_ah"]
        inside = edges[(edges > charge[0] + 1e-4 * width_ah) & (edges < charge[-1] - 1e-4 * width_ah)]
        at = np.sort(np.concatenate([charge, inside]))
        window = np.clip((at[1:] + at[:-1]) / 2 // width_ah, 0, 2 * STAGES - 1).astype(int)
        np.add.at(seconds, window, np.diff(np.interp(at, charge, step["seconds"])))
        for side in (slice(None, -1), slice(1, None)):
            np.minimum.at(potential, window, np.interp(at, charge, step["potential_v"])[side])
            np.maximum.at(temperature, window, np.interp(at, charge, step["temperature_c"])[side])
    return seconds, potential, temperature


def _curves(steps: list[dict[str, Array]]) -> Curves:
    """About 150 points, each step getting its share by duration and both its ends."""
    whole = steps[-1]["seconds"][-1]
    grids = [
        np.linspace(time[0], time[-1], max(2, round(_CURVE_POINTS * (time[-1] - time[0]) / whole)))
        for time in (step["seconds"] for step in steps)
    ]

    def rounded(name: str, decimals: int, factor: float = 1.0) -> tuple[float, ...]:
        parts = [np.interp(grid, step["seconds"], step[name]) for grid, step in zip(grids, steps, strict=True)]
        return tuple((factor * np.concatenate(parts)).round(decimals).tolist())

    return Curves(
        time_min=rounded("seconds", 3, 1 / 60),
        current_a=rounded("current_a", 4, -1.0),
        voltage_v=rounded("voltage_v", 4),
        temperature_c=rounded("temperature_c", 2),
        potential_v=rounded("potential_v", 5),
    )


def _four(values: Array) -> Four:
    first, second, third, fourth = (float(value) for value in values)
    return first, second, third, fourth
