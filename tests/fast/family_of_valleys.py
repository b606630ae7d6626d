"""A family whose past pays: valleys of one shape, each at a place and a depth of its own; and a task that has nothing to do with it."""

VALLEYS = '''
"""Valleys."""
import math

from dure import Problem, design, minimise, outcome, real, setting


@design
class Point:
    x: float = real(0, 1)
    y: float = real(0, 1)
    z: float = real(0, 1)


@setting
class Valley:
    shift: float = real(-0.1, 0.1, default=0.0)
    depth: float = real(0.5, 2.0, default=1.0)


@outcome
class Value:
    height: float = minimise(unit="m")


def simulate(point: Point, valley: Valley) -> Value:
    a, b, c = point.x - 0.75 - valley.shift, point.y - 0.2 + valley.shift, point.z - 0.6
    deep = math.exp(-30 * (a * a + b * b + c * c))
    return Value(height=-valley.depth * (deep + 0.3 * math.sin(9 * point.x) * math.cos(7 * point.y)) + 0.2 * c)


problem = Problem(name="mine/valleys", version="1", question="Where is the bottom?", design=Point, setting=Valley, outcome=Value,
                  simulate=simulate, runs=20)
'''
