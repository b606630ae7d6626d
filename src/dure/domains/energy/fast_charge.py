"""energy/fast-charge: how fast can a lithium-ion cell be charged without plating lithium or overheating it?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from dure.domains.energy.cell import CELLS, model_options
from dure.domains.energy.circuit import estimate
from dure.domains.energy.export import protocol_files
from dure.domains.energy.protocol import ChargeRun, age, run_protocol
from dure.i18n import N_
from dure.problem import (
    Answer,
    Axis,
    Check,
    Curve,
    Fidelity,
    Parts,
    Problem,
    at_least,
    at_most,
    choice,
    design,
    max_over,
    min_over,
    minimise,
    outcome,
    real,
    reported,
    setting,
    sum_over,
)

__all__ = ["Cell", "Charge", "Measured", "problem"]

Rung = Literal["spme", "dfn-coarse", "dfn", "dfn-fine", "dfn-aged"]
STAGE = Axis("stage", ("1", "2", "3", "4"))
MOMENT = Axis("moment", tuple(f"{stage} {half}" for half in ("start", "end") for stage in STAGE.labels))


@design
class Charge:
    """Four constant currents, each for a quarter of the charge, and the temperature the cell is brought to first."""

    c1: float = real(0.3, 4.0, unit="1/h", help=N_("C-rate, first quarter of the charge"))
    c2: float = real(0.3, 4.0, unit="1/h", help=N_("C-rate, second quarter"))
    c3: float = real(0.3, 4.0, unit="1/h", help=N_("C-rate, third quarter"))
    c4: float = real(0.3, 4.0, unit="1/h", help=N_("C-rate, last quarter"))
    preheat: float = real(10.0, 45.0, unit="degC", help=N_("temperature of the cell at the start"))

    @property
    def rates(self) -> tuple[float, float, float, float]:
        """C-rates in order, 1/h."""
        return self.c1, self.c2, self.c3, self.c4


@setting
class Cell:
    """Which cell, and where it stands."""

    cell: str = choice(*CELLS, default="OKane2022", help=N_("published parameter set"))
    ambient: float = real(-20.0, 50.0, unit="degC", default=25.0, help=N_("temperature of the air"))
    end_soc: float = real(0.2, 0.95, default=0.8, help=N_("state of charge at the end"))
    thickness: float = real(0.5, 1.5, default=1.0, help=N_("electrode thickness, relative to the parameter set"))
    exchange_current: float = real(0.5, 2.0, default=1.0, help=N_("graphite exchange current, relative"))
    diffusivity: float = real(0.5, 2.0, default=1.0, help=N_("electrolyte diffusivity, relative"))


@outcome
class Measured:
    """What one charge shows."""

    minutes: Parts = minimise(sum_over(STAGE), unit="min", positive=True, help=N_("time to the end of charge"))
    anode_potential: Parts = at_least(
        0.0,
        min_over(MOMENT),
        unit="V",
        help=N_("anode potential against lithium, lowest near start and end of each stage; below 0 V lithium plates"),
    )
    t_max: Parts = at_most(55.0, max_over(STAGE), unit="degC", help=N_("highest cell temperature"))
    heating: float = reported(unit="K", help=N_("highest temperature above the start"))
    lithium_lost: float | None = reported(unit="percent", default=None, help=N_("lithium inventory lost in ten cycles"))
    capacity_lost: float | None = reported(unit="percent", default=None, help=N_("capacity lost in ten cycles"))


def simulate(charge: Charge, cell: Cell, *, fidelity: Rung) -> Answer:
    """One charge of one cell with PyBaMM (Sulzer2021); at "dfn-aged", ten whole cycles after it."""
    physics: dict[str, Any] = {
        "cell": cell.cell,
        "ambient_c": cell.ambient,
        "end_soc": cell.end_soc,
        "thickness_scale": cell.thickness,
        "exchange_current_scale": cell.exchange_current,
        "electrolyte_diffusivity_scale": cell.diffusivity,
    }
    run = run_protocol(charge.rates, charge.preheat, **physics, fidelity="dfn" if fidelity == "dfn-aged" else fidelity)
    aged = age(charge.rates, charge.preheat, **physics) if fidelity == "dfn-aged" else None
    measured = Measured(
        minutes=run.minutes,
        anode_potential=run.potential_dip_v + run.potential_end_v,
        t_max=run.t_max_c,
        heating=run.heating_k,
        lithium_lost=aged.lithium_lost_percent if aged else None,
        capacity_lost=aged.capacity_loss_percent if aged else None,
    )
    return Answer(measured, _curves(run))


def _curves(run: ChargeRun) -> tuple[Curve, ...]:
    shown = (
        (N_("current"), "A", run.curves.current_a),
        (N_("voltage"), "V", run.curves.voltage_v),
        (N_("temperature"), "degC", run.curves.temperature_c),
        (N_("anode potential"), "V", run.curves.potential_v),
    )
    return tuple(Curve(name, N_("time"), "min", name, unit, run.curves.time_min, values) for name, unit, values in shown)


def theory(charge: Charge, cell: Cell) -> dict[str, Any]:
    """Textbook estimate of each stage: open-circuit potentials, Butler-Volmer, solid diffusion and a lumped heat balance."""
    guess = estimate(
        np.stack(np.broadcast_arrays(*charge.rates), axis=-1),
        charge.preheat,
        cell=cell.cell,
        ambient_c=cell.ambient,
        end_soc=cell.end_soc,
        thickness_scale=cell.thickness,
        exchange_current_scale=cell.exchange_current,
        electrolyte_diffusivity_scale=cell.diffusivity,
    )
    potential = np.concatenate([guess.potential_dip_v, guess.potential_end_v], axis=1)
    return {"minutes": tuple(guess.minutes.T), "anode_potential": tuple(potential.T), "t_max": tuple(guess.t_max_c.T)}


def export(charge: Charge, cell: Cell, measured: Measured) -> Mapping[str, str]:
    """The protocol as a step table for a cycler and as a script that runs it again in PyBaMM alone."""
    published = (cell.thickness, cell.exchange_current, cell.diffusivity) == (1.0, 1.0, 1.0)
    options = model_options(cell.cell, "dfn") if published else {}
    return protocol_files(
        charge.rates,
        charge.preheat,
        cell=cell.cell,
        ambient=cell.ambient,
        end_soc=cell.end_soc,
        thickness=cell.thickness,
        options=options,
    )


_FLAT = tuple(Charge(c1=c, c2=c, c3=c, c4=c, preheat=25.0) for c in (0.5, 1.0, 1.5, 2.0))
_WARM = tuple(Charge(c1=c, c2=c, c3=c, c4=c, preheat=35.0) for c in (1.0, 1.5))

problem = Problem(
    name="energy/fast-charge",
    version="1",
    question=N_("How fast can this lithium-ion cell be charged without plating lithium or overheating it?"),
    design=Charge,
    setting=Cell,
    family=("cell", "ambient", "end_soc", "thickness"),
    held_out={"cell": ("Ai2020", "Mohtat2020")},
    outcome=Measured,
    simulate=simulate,
    theory=theory,
    starts=_FLAT + _WARM,
    fidelities=(
        Fidelity("dfn-coarse", 0.45, help=N_("Doyle-Fuller-Newman model on a coarse mesh")),
        Fidelity("dfn", help=N_("Doyle-Fuller-Newman model")),
    ),
    beyond=(
        Fidelity("spme", 0.25, help=N_("single-particle model with electrolyte; void above about 2.3 C")),
        Fidelity("dfn-fine", 10.0, help=N_("mesh twice as fine as DFN's, tolerances a hundred times tighter")),
        Fidelity("dfn-aged", 18.0, help=N_("ten whole cycles of charge, discharge and rest")),
    ),
    checks=(
        Check(
            N_("finer mesh"),
            "dfn-fine",
            required=True,
            fresh_process=True,
            help=N_("the limits hold on a finer mesh, in a fresh process"),
        ),
        Check(N_("ambient +5 K"), shift={"ambient": 5.0}, help=N_("warmer air")),
        Check(N_("ambient -5 K"), shift={"ambient": -5.0}, help=N_("colder air")),
        Check(N_("exchange current -10 %"), replace={"exchange_current": 0.9}, help=N_("slower intercalation")),
        Check(N_("electrolyte diffusivity -10 %"), replace={"diffusivity": 0.9}, help=N_("slower transport")),
        Check(N_("ten cycles"), "dfn-aged", help=N_("lithium and capacity lost; reported, not optimised")),
    ),
    limits={"cool": {"t_max": 45.0}},
    runs=30,
    control_runs=20,
    timeout=300.0,
    memory_gb=8.0,
    cites=("Sulzer2021", "Doyle1993", "Marquis2019", "OKane2022"),
    hazards=(N_("Simulated cells only: a protocol found here must be tried on real cells under supervision before use."),),
    export=export,
)
