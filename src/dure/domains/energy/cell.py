"""A lithium-ion cell under a four-stage fast charge: PyBaMM models, parameters and experiments.

One Simulation is built per process and per cell, geometry and fidelity, and is then solved for many designs: building
costs 5 to 20 times a solve. Everything a design may change is therefore an input of the built model, see INPUTS.
"""

import copy
import dataclasses
import functools
import os
from collections.abc import Callable
from typing import Any, Literal

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")  # PyBaMM would report its use to a server at import

import pybamm

Fidelity = Literal["spme", "dfn-coarse", "dfn", "dfn-fine"]

CELLS = ("OKane2022", "Chen2020", "Ai2020", "Ecker2015", "Marquis2019", "Mohtat2020", "ORegan2022", "NCA_Kim2011")
"""Parameter sets shipped with PyBaMM: full lithium-ion cells with thermal parameters."""

STAGES = 4

# Built-in parameter names are refused as inputs of an experiment, so the inputs have names of our own.
CURRENTS = tuple(f"Charging current of stage {k} [A]" for k in range(1, STAGES + 1))
STAGE_CHARGE = "Charge of one stage [A.h]"
CHARGE_ORIGIN = "Discharged capacity at the start of the charge [A.h]"
START_TEMPERATURE = "Start temperature [K]"
AMBIENT_TEMPERATURE = "Air temperature [K]"
EXCHANGE_CURRENT_SCALE = "Negative electrode exchange-current scale"
DIFFUSIVITY_SCALE = "Electrolyte diffusivity scale"

_AGEING_OPTIONS = {
    "SEI": "solvent-diffusion limited",
    "SEI porosity change": "true",
    "lithium plating": "partially reversible",
    "lithium plating porosity change": "true",
}
_AGEING_PARAMETERS = (
    "SEI solvent diffusivity [m2.s-1]",
    "Exchange-current density for plating [A.m-2]",
    "Dead lithium decay rate [s-1]",
)

LAYERS = (
    "Negative current collector",
    "Negative electrode",
    "Separator",
    "Positive electrode",
    "Positive current collector",
)

_MAX_STEP_S = 12 * 3600
_EVENT_MARGIN_V = 0.05


@dataclasses.dataclass(frozen=True)
class _Rung:
    """How finely one fidelity resolves the cell: points per layer, points per particle radius, solver tolerances."""

    model: str
    points: tuple[int, int, int] = (20, 20, 20)
    radial: int = 20
    rtol: float = 1e-4
    atol: float = 1e-6


_RUNGS: dict[Fidelity, _Rung] = {
    "spme": _Rung("SPMe"),
    "dfn-coarse": _Rung("DFN", points=(8, 4, 8), radial=15),
    "dfn": _Rung("DFN"),
    "dfn-fine": _Rung("DFN", points=(40, 40, 40), radial=40, rtol=1e-6, atol=1e-8),
}


@dataclasses.dataclass(frozen=True)
class Cycler:
    """A built simulation together with the rating of its cell.

    Attributes:
        simulation: A pybamm.Simulation whose experiment charges the cell once.
        capacity_ah: Nominal capacity; C-rates and states of charge refer to it.
        voltage_limit_v: Upper cut-off of the parameter set.
    """

    simulation: Any
    capacity_ah: float
    voltage_limit_v: float


def model_options(cell: str, fidelity: Fidelity) -> dict[str, str]:
    """Physics of one rung; a fresh dictionary each time, because PyBaMM models write into the one they are given."""
    options = {"thermal": "lumped"}
    if has_ageing(cell):
        options |= _AGEING_OPTIONS
        if fidelity == "spme":
            options["x-average side reactions"] = "true"
    return options


@functools.cache
def has_ageing(cell: str) -> bool:
    """Whether the parameter set holds the kinetics of SEI growth, lithium plating and dead lithium."""
    values = pybamm.ParameterValues(cell)
    return all(name in values for name in _AGEING_PARAMETERS)


# A built model holds about 100 MB, and a pool passes through many cells.
@functools.lru_cache(maxsize=4)
def charger(cell: str, thickness_scale: float, fidelity: Fidelity, period_s: float | None) -> Cycler:
    """A simulation of one charge from 0 % state of charge, sampled every period_s seconds or at every step of the solver."""
    return _build(cell, thickness_scale, fidelity, lambda values: _charge_steps(values, period_s))


@functools.cache
def ageing_cycler(cell: str, thickness_scale: float, period_s: float | None) -> Cycler:
    """A DFN of one whole cycle: charge, 1C discharge to the lower cut-off, one hour of rest."""

    def steps(values: Any) -> tuple[Any, ...]:
        discharge = pybamm.step.current(
            values["Nominal cell capacity [A.h]"],
            duration=_MAX_STEP_S,
            period=period_s,
            termination=f"< {values['Lower voltage cut-off [V]']} V",
        )
        return (*_charge_steps(values, period_s), discharge, pybamm.step.rest(duration=3600, period=period_s))

    return _build(cell, thickness_scale, "dfn", steps)


def _build(cell: str, thickness_scale: float, fidelity: Fidelity, steps: Callable[[Any], tuple[Any, ...]]) -> Cycler:
    pybamm.set_logging_level("CRITICAL")  # a failed run is reported once, as SimulationFailed
    rung = _RUNGS[fidelity]
    values = _parameters(cell, thickness_scale)
    experiment = pybamm.Experiment([steps(values)])
    capacity, limit = values["Nominal cell capacity [A.h]"], values["Upper voltage cut-off [V]"]
    # The model's own voltage events must not end a run before the protocol does.
    values["Upper voltage cut-off [V]"] = limit + _EVENT_MARGIN_V
    values["Lower voltage cut-off [V]"] -= _EVENT_MARGIN_V
    model = getattr(pybamm.lithium_ion, rung.model)(copy.deepcopy(model_options(cell, fidelity)))
    simulation = pybamm.Simulation(
        model,
        parameter_values=values,
        experiment=experiment,
        var_pts=dict(zip(("x_n", "x_s", "x_p"), rung.points, strict=True)) | {"r_n": rung.radial, "r_p": rung.radial},
        solver=pybamm.IDAKLUSolver(rtol=rung.rtol, atol=rung.atol, options={"silence_sundials_errors": True}),
    )
    return Cycler(simulation, float(capacity), float(limit))


def _parameters(cell: str, thickness_scale: float) -> Any:
    """Parameter set with inputs in place of what a design changes.

    Thicker electrodes on the same foil hold more charge: the nominal capacity grows with them and the cell volume with the
    stack, while the cooled surface stays.
    """
    values = pybamm.ParameterValues(cell)
    stack = _stack_m(values)
    for name in ("Negative electrode thickness [m]", "Positive electrode thickness [m]", "Nominal cell capacity [A.h]"):
        values[name] *= thickness_scale
    values["Cell volume [m3]"] *= _stack_m(values) / stack
    values["Initial temperature [K]"] = pybamm.InputParameter(START_TEMPERATURE)
    values["Ambient temperature [K]"] = pybamm.InputParameter(AMBIENT_TEMPERATURE)
    for name, scale in (
        ("Negative electrode exchange-current density [A.m-2]", EXCHANGE_CURRENT_SCALE),
        ("Electrolyte diffusivity [m2.s-1]", DIFFUSIVITY_SCALE),
    ):
        values[name] = _scaled(values[name], scale)
    return values


def _stack_m(values: Any) -> float:
    return sum(float(values[f"{layer} thickness [m]"]) for layer in LAYERS)


def _scaled(law: Callable[..., Any], name: str) -> Callable[..., Any]:
    factor = pybamm.InputParameter(name)
    return lambda *arguments: factor * law(*arguments)


def _charge_steps(values: Any, period_s: float | None) -> tuple[Any, ...]:
    """Four constant currents, each to its share of the charge or the voltage limit, then a hold to the whole charge."""
    limit = values["Upper voltage cut-off [V]"]
    currents = [
        pybamm.step.current(
            pybamm.InputParameter(name),
            duration=_MAX_STEP_S,
            period=period_s,
            termination=[f"> {limit} V", _after(stage)],
            direction="charge",
        )
        for stage, name in enumerate(CURRENTS, start=1)
    ]
    hold = pybamm.step.voltage(limit, duration=_MAX_STEP_S, period=period_s, termination=[_after(STAGES)], direction="charge")
    return (*currents, hold)


def _after(stages: int) -> Any:
    """Ends a step once the charge of so many stages is in the cell; PyBaMM counts charging as negative discharge."""
    target = stages * pybamm.InputParameter(STAGE_CHARGE) - pybamm.InputParameter(CHARGE_ORIGIN)

    def missing(variables: dict[str, Any]) -> Any:
        return variables["Discharge capacity [A.h]"] + target

    return pybamm.step.CustomTermination(f"charge of {stages} stages", missing)
