"""A bowl whose height and slack are measured with Gaussian noise of known size, so that every true mean is known."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from dure.problem import Check, Noise, Problem, at_least, design, minimise, outcome, real, setting

HERE = Path(__file__)
NOISE = {"height": 0.05, "slack": 0.05}


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
    slack: float = at_least(0.0, unit="m")


def truth(x: float, y: float, depth: float = 0.5) -> dict[str, float]:
    return {"height": (x - 0.3) ** 2 + (y + 0.2) ** 2 - depth, "slack": x + 0.5}


def simulate(point: Point, place: Place, *, seed: int) -> Value:
    place_of = hashlib.sha256(f"{point}{place}{seed}".encode()).digest()[:8]
    noise = np.random.default_rng(int.from_bytes(place_of, "big")).normal(size=2)
    exact = truth(point.x, point.y, place.depth)
    return Value(height=exact["height"] + NOISE["height"] * noise[0], slack=exact["slack"] + NOISE["slack"] * noise[1])


problem = Problem(
    name="toy/noisy-bowl",
    version="1",
    question="Where is the bottom?",
    design=Point,
    setting=Place,
    outcome=Value,
    simulate=simulate,
    noise=Noise("known", NOISE),
    checks=(Check("deeper", replace={"depth": 0.6}, required=True),),
    starts=(Point(x=0.9, y=0.9),),
    runs=20,
)
