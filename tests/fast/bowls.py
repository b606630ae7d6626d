"""A small problem as its author would write it, for the tests of the command line."""

BOWL = '''
"""A bowl."""
from dure import Problem, at_least, design, minimise, outcome, real, setting


@design
class Point:
    x: float = real(-1, 1)
    y: float = real(-1, 1)


@setting
class Place:
    depth: float = real(0, 1, default=0.5)


@outcome
class Value:
    height: float = minimise(unit="m")
    slack: float = at_least(0.0)


def simulate(point: Point, place: Place) -> Value:
    if point.x > 0.9:
        raise ValueError("too far out")
    return Value(height=(point.x - 0.3) ** 2 + (point.y + 0.2) ** 2 - place.depth, slack=point.x)


problem = Problem(name="mine/bowl", version="1", question="Where is the bottom?", design=Point, setting=Place, outcome=Value,
                  simulate=simulate, runs=14, starts=(Point(x=0.5, y=0.5),), limits={"far": {"slack": 0.4}}, control_runs=5)
'''
