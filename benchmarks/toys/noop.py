"""A problem that costs nothing to simulate, for what the loop itself costs."""

from dure import Problem, design, minimise, outcome, real


@design
class Point:
    """A place on a slope."""

    east: float = real(0.0, 1.0, unit="m")
    north: float = real(0.0, 1.0, unit="m")


@outcome
class Measured:
    """Its height."""

    height: float = minimise(unit="m")


def simulate(point: Point) -> Measured:
    """A plane."""
    return Measured(height=point.east + point.north)


problem = Problem(
    name="toy/noop", version="1", question="How low does the slope go?", design=Point, outcome=Measured, simulate=simulate
)
