"""The toy the report's tests are about: a cantilever by Euler and Bernoulli (Timoshenko, Strength of Materials, 1930).

It has all that a report shows: parts, a choice, settings, a cheap rung, checks that hold and break, failures, curves, an export.
"""

from __future__ import annotations

from collections.abc import Mapping

from dure.errors import SimulationFailed
from dure.problem import (
    Answer,
    Axis,
    Check,
    Curve,
    Fidelity,
    Parts,
    Problem,
    at_most,
    choice,
    design,
    max_over,
    minimise,
    outcome,
    real,
    reported,
    setting,
)

CASE = Axis("load case", ("wind", "snow"))
LOADS = (900.0, 1500.0)
MODULUS = {"steel": 210e9, "aluminium": 70e9}
DENSITY = {"steel": 7850.0, "aluminium": 2700.0}
LENGTH = 2.0


@design
class Beam:
    width: float = real(0.02, 0.12, unit="m", help="width, across the load")
    height: float = real(0.03, 0.15, unit="m", log=True, help="height, along the load")
    material: str = choice("steel", "aluminium", help="what it is made of")


@setting
class Site:
    load: float = real(0.5, 2.0, default=1.0, help="load, relative to 900 N and 1500 N")


@outcome
class Measured:
    mass: float = minimise(unit="kg", positive=True, help="mass of the beam")
    deflection: Parts = at_most(0.02, max_over(CASE), unit="m", help="deflection of the tip, worst load case")
    slender: float = at_most(6.0, help="height over width")
    frequency: float | None = reported(unit="Hz", default=None, help="first natural frequency")


def simulate(beam: Beam, site: Site, *, fidelity: str) -> Answer:
    if beam.height > 0.12:
        raise SimulationFailed("mesh collapsed\nat element 7 of 12")
    inertia = beam.width * beam.height**3 / 12
    stiffness = MODULUS[beam.material] * inertia * {"rough": 0.9, "fine": 1.0, "finest": 1.001}[fidelity]
    mass = DENSITY[beam.material] * beam.width * beam.height * LENGTH
    tips = tuple(site.load * load * LENGTH**3 / (3 * stiffness) for load in LOADS)
    where = tuple(LENGTH * step / 40 for step in range(41))
    shape = tuple(site.load * LOADS[1] * x**2 * (3 * LENGTH - x) / (6 * stiffness) for x in where)
    line = Curve("deflection", "place along the beam", "m", "deflection", "m", where, shape)
    moment = Curve("moment", "place along the beam", "m", "moment", "N*m", where, tuple(LOADS[1] * (LENGTH - x) for x in where))
    frequency = 0.56 * (stiffness / (mass / LENGTH * LENGTH**4)) ** 0.5 if fidelity == "finest" else None
    return Answer(Measured(mass=mass, deflection=tips, slender=beam.height / beam.width, frequency=frequency), (line, moment))


def export(beam: Beam, site: Site, measured: Measured) -> Mapping[str, str]:
    return {"beam.csv": f"width,height\n{beam.width!r},{beam.height!r}\n"}


problem = Problem(
    name="toy/beam",
    version="1",
    question="How light can this cantilever be?",
    design=Beam,
    setting=Site,
    outcome=Measured,
    simulate=simulate,
    starts=(
        Beam(width=0.1, height=0.12, material="steel"),
        Beam(width=0.05, height=0.1, material="steel"),
        Beam(width=0.02, height=0.04, material="aluminium"),
    ),
    fidelities=(Fidelity("rough", 0.25, help="stiffness off by a tenth"), Fidelity("fine", help="the whole beam")),
    beyond=(Fidelity("finest", 4.0, help="twice as many elements"),),
    checks=(
        Check("twice the load", replace={"load": 2.0}, help="not asked for; breaks"),
        Check("finer mesh", "finest", required=True, help="as the codes ask"),
    ),
    runs=12,
    control_runs=6,
    hazards=("A toy: build nothing with it, not even 1 m of it.",),
    cites=("Sobol1967", "doi:10.1016/0041-5553(67)90144-9"),
    export=export,
)
