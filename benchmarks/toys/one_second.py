"""A problem whose simulation takes one second: of sleep, or of processor time."""

import math
import time

from dure import Problem, choice, design, minimise, outcome, real, setting


@design
class Knobs:
    """Five of them, as many as a fast charge has."""

    a: float = real(0.0, 1.0)
    b: float = real(0.0, 1.0)
    c: float = real(0.0, 1.0)
    d: float = real(0.0, 1.0)
    e: float = real(0.0, 1.0)


@setting
class Waiting:
    """How the second passes."""

    by: str = choice("sleep", "work", default="sleep")


@outcome
class Measured:
    """A smooth bowl with ripples."""

    depth: float = minimise()


def simulate(knobs: Knobs, waiting: Waiting) -> Measured:
    """The bowl, a second later."""
    if waiting.by == "sleep":
        time.sleep(1.0)
    began = time.process_time()
    while waiting.by == "work" and time.process_time() - began < 1.0:
        math.sqrt(2.0)
    values = (knobs.a, knobs.b, knobs.c, knobs.d, knobs.e)
    return Measured(depth=sum((value - 0.3) ** 2 + 0.05 * math.cos(9 * value) for value in values))


problem = Problem(
    name="toy/one-second",
    version="1",
    question="How deep is the bowl?",
    design=Knobs,
    setting=Waiting,
    outcome=Measured,
    simulate=simulate,
    runs=1000,
    tolerance=0.0,
)
