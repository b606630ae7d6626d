"""energy/fast-charge: how fast can a lithium-ion cell be charged without plating lithium or overheating it?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from dure.domains.energy.cell import CELLS
from dure.domains.energy.protocol import ChargeRun, run_protocol
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
    record,
    setting,
    sum_over,
)

__all__ = ["Cell", "Charge", "Measured", "problem"]

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
        0.0, min_over(MOMENT), unit="V", help=N_("against lithium, lowest near start and end of each stage; below 0 V lithium plates")
    )
    t_max: Parts = at_most(55.0, max_over(STAGE), unit="degC", help=N_("highest cell temperature"))
    heating: float = record(unit="K", help=N_("highest temperature above the start"))


def simulate(charge: Charge, cell: Cell, *, fidelity: Literal["spme", "dfn-coarse", "dfn", "dfn-fine"]) -> Answer:
    """One charge of one cell with PyBaMM (sulzer2021)."""
    run = run_protocol(
        charge.rates,
        charge.preheat,
        cell=cell.cell,
        ambient_c=cell.ambient,
        end_soc=cell.end_soc,
        thickness_scale=cell.thickness,
        exchange_current_scale=cell.exchange_current,
        electrolyte_diffusivity_scale=cell.diffusivity,
        fidelity=fidelity,
    )
    return Answer(
        Measured(
            minutes=run.minutes,
            anode_potential=run.potential_dip_v + run.potential_end_v,
            t_max=run.t_max_c,
            heating=run.heating_k,
        )
    )


problem = Problem(
    name="energy/fast-charge",
    version="1",
    question=N_("How fast can this lithium-ion cell be charged without plating lithium or overheating it?"),
    design=Charge,
    setting=Cell,
    outcome=Measured,
    simulate=simulate,
    starts=tuple(Charge(c1=c, c2=c, c3=c, c4=c, preheat=t) for c in (0.5, 1.0, 2.0) for t in (25.0,)),
    fidelities=(Fidelity("dfn-coarse", 0.2), Fidelity("dfn")),
)
