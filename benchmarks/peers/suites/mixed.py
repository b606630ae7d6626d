"""Real inputs beside whole numbers and choices; labels of choices are in no order that means anything."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.peers.relocate import bend
from benchmarks.peers.suites.continuous import moved
from benchmarks.peers.tasks import Task, designs_of, outcomes_of
from dure.problem import Problem, at_most, choice, integer, minimise, real

__all__ = ["tasks"]

_LETTERS = "kqbzwm"


def _order(seed: int, n: int) -> list[int]:
    """A permutation that says which level a label stands for."""
    return [int(one) for one in np.random.default_rng([seed, 20_263]).permutation(n)]


def _hartmann() -> Task:
    """Hartmann-6 whose fourth and sixth inputs have five named levels each."""
    function = moved("hartmann-6", 4)
    levels = np.linspace(0.1, 0.9, 5)
    fourth, sixth = _order(21, 5), _order(22, 5)

    def simulate(design: Any) -> Mapping[str, float]:
        named = (levels[fourth[_LETTERS.index(design.x4)]], levels[sixth[_LETTERS.index(design.x6)]])
        return {"y": float(function(np.array([design.x1, design.x2, design.x3, named[0], design.x5, named[1]]))[0])}

    fields = {f"x{n}": choice(*_LETTERS[:5]) if n in (4, 6) else real(0.0, 1.0) for n in range(1, 7)}
    return Task("mixed", _problem("hartmann-6-choices", fields, simulate), 50)


def _levy() -> Task:
    """Levy-4 with two inputs in whole numbers, and a choice of six materials, each with an optimum and a price of its own."""
    function = moved("levy-4", 24)
    generator = np.random.default_rng([24, 20_264])
    places, prices = generator.uniform(-4.0, 4.0, (6, 2)), 4.0 * generator.permutation(6)

    def simulate(design: Any) -> Mapping[str, float]:
        which = _LETTERS.index(design.material)
        x = np.array([design.x1 + places[which, 0], design.x2 + places[which, 1], design.n1, design.n2], dtype=float)
        return {"y": float(function(x)[0] + prices[which])}

    fields = {
        "x1": real(-10.0, 10.0),
        "x2": real(-10.0, 10.0),
        "n1": integer(-10, 10),
        "n2": integer(-10, 10),
        "material": choice(*_LETTERS),
    }
    return Task("mixed", _problem("levy-materials", fields, simulate), 50)


def _vessel() -> Task:
    """A pressure vessel whose two plates come in sixteenths of an inch (kannan1994); radius and length are bent."""
    _new, back = bend([(10.0, 200.0), (10.0, 200.0)], (42.0984, 176.6366), 25)

    def simulate(design: Any) -> Mapping[str, float]:
        shell, head = design.shell / 16, design.head / 16
        radius, length = (float(one) for one in back(np.array([design.radius, design.length])))
        volume = math.pi * radius**2 * length + 4 / 3 * math.pi * radius**3
        cost = 0.6224 * shell * radius * length + 1.7781 * head * radius**2 + 3.1661 * shell**2 * length
        return {
            "y": cost + 19.84 * shell**2 * radius,
            "shell_lacks": 0.0193 * radius - shell,
            "head_lacks": 0.00954 * radius - head,
            "volume_lacks": 1.0 - volume / 1_296_000.0,
        }

    fields = {"shell": integer(1, 99), "head": integer(1, 99), "radius": real(10.0, 200.0), "length": real(10.0, 200.0)}
    limits = {name: at_most(0.0) for name in ("shell_lacks", "head_lacks", "volume_lacks")}
    return Task("mixed", _problem("vessel-plates", fields, simulate, **limits), 50)


def _problem(name: str, fields: Mapping[str, Any], simulate: Any, **limits: Any) -> Problem:
    return Problem(
        name=f"bench/{name}",
        version="1",
        question="Which combination costs least?",
        design=designs_of(**fields),
        outcome=outcomes_of(y=minimise(), **limits),
        simulate=simulate,
    )


def tasks() -> tuple[Task, ...]:
    """The suite."""
    return (_hartmann(), _levy(), _vessel())
