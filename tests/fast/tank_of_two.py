"""A toy with two objectives: a cylindrical tank that costs steel and holds volume, within a limit on its surface.

Volume and surface of a cylinder are school geometry. For a surface S the best height is twice the radius, so on the front
volume = pi r^2 h with r = sqrt(S / (6 pi)), h = 2 r.
"""

from __future__ import annotations

import math
from pathlib import Path

from dure.problem import Check, Problem, at_most, design, maximise, minimise, outcome, real, setting

HERE = Path(__file__)


@design
class Tank:
    radius: float = real(0.1, 2.0, unit="m", help="radius of the base")
    height: float = real(0.1, 4.0, unit="m")


@setting
class Plant:
    price: float = real(1, 5, default=2.0, help="price of steel")


@outcome
class Measured:
    cost: float = minimise(unit="1", positive=True, help="price of the steel")
    volume: float = maximise(unit="m^3", positive=True, help="volume held")
    tall: float = at_most(3.0, help="height over diameter")


def simulate(tank: Tank, plant: Plant) -> Measured:
    surface = 2 * math.pi * tank.radius * (tank.radius + tank.height)
    volume = math.pi * tank.radius**2 * tank.height
    return Measured(cost=plant.price * surface, volume=volume, tall=tank.height / (2 * tank.radius))


problem = Problem(
    name="toy/tank",
    version="1",
    question="How much volume for how little steel?",
    design=Tank,
    setting=Plant,
    outcome=Measured,
    simulate=simulate,
    starts=(Tank(radius=1.0, height=1.0), Tank(radius=0.5, height=2.5)),
    checks=(Check("dearer steel", replace={"price": 3.0}, required=True, help="must not change what keeps its limits"),),
    runs=24,
    control_runs=8,
)
