"""The laws pass a sound problem, and each of them can be broken."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from dure.errors import SimulationFailed
from dure.problem import (
    Answer,
    Check,
    Curve,
    Fidelity,
    Problem,
    Rule,
    at_most,
    choice,
    design,
    minimise,
    outcome,
    real,
    setting,
)
from tests.fast.problem_laws import LAWS, SIMULATED_LAWS


@design
class Beam:
    width: float = real(1.0, 10.0, unit="mm")
    metal: str = choice("steel", "copper")


@setting
class Site:
    load: float = real(0.5, 2.0, default=1.0)


@outcome
class Measured:
    mass: float = minimise()
    bend: float = at_most(5.0)


def simulate(beam: Beam, site: Site, *, fidelity: str) -> Answer:
    off = 0.1 * beam.width if fidelity == "coarse" else 0.0
    curve = Curve("sag", "place", "mm", "sag", "mm", (0.0, 1.0), (0.0, site.load))
    return Answer(Measured(mass=beam.width + off, bend=site.load / beam.width), [curve])


def beams(**changed: Any) -> Problem:
    told: dict[str, Any] = {
        "name": "toy/beam",
        "version": "1",
        "question": "How light?",
        "design": Beam,
        "setting": Site,
        "outcome": Measured,
        "simulate": simulate,
        "theory": lambda beam, site: {"mass": beam.width, "bend": 1 / beam.width},
        "rules": (Rule("wide", lambda beam: beam.width - 0.5),),
        "starts": (Beam(width=5, metal="steel"),),
        "fidelities": (Fidelity("coarse", 0.1, trust=("mass",)), Fidelity("fine")),
        "checks": (Check("heavier", shift={"load": 0.5}, required=True),),
        "cites": ("Sobol1967",),
    }
    return Problem(**told | changed)


counter = itertools.count()


def reluctant(beam: Beam, site: Site, *, fidelity: str) -> Answer:
    raise SimulationFailed("never")


def contrary(beam: Beam, site: Site, *, fidelity: str) -> dict[str, float]:
    return {"mass": -beam.width if fidelity == "coarse" else beam.width, "bend": 1.0}


@pytest.mark.parametrize("law", [*LAWS, *SIMULATED_LAWS])
def test_a_sound_problem_keeps_every_law(law: Any):
    law(beams())
    law(beams(theory=None, rules=(), checks=(), fidelities=(Fidelity("fine"),)))


@pytest.mark.parametrize(
    ("law", "changed", "says"),
    [
        ("rules_are_pure", {"rules": (Rule("moody", lambda beam: float(next(counter))),)}, "moody"),
        ("rules_are_pure", {"rules": (Rule("lost", lambda beam: float("inf")),)}, "lost"),
        ("checks_can_be_run", {"checks": (Check("far", shift={"load": 5.0}),)}, "far"),
        ("theory_is_pure", {"theory": lambda beam: {"mass": np.random.default_rng().random()}}, "repeat itself"),
        ("theory_is_pure", {"theory": lambda beam: {"mass": 1.0}}, "the same of every design"),
        ("answers_repeat_and_can_be_recorded", {"simulate": reluctant}, "no answer"),
        (
            "answers_repeat_and_can_be_recorded",
            {"simulate": lambda beam: {"mass": float(next(counter)), "bend": 1.0}},
            "repeat itself",
        ),
        ("cheap_rungs_rank_like_the_top", {"simulate": reluctant}, "too few answers"),
        ("cheap_rungs_rank_like_the_top", {"simulate": contrary}, "coarse misleads about mass"),
    ],
)
def test_each_law_finds_what_breaks_it(law: str, changed: dict[str, Any], says: str):
    (found,) = [one for one in (*LAWS, *SIMULATED_LAWS) if one.__name__ == law]
    with pytest.raises(AssertionError, match=says):
        found(beams(**changed))


def test_what_a_rung_is_not_trusted_for_is_not_asked_of_it():
    def partial(beam: Beam, site: Site, *, fidelity: str) -> dict[str, float]:
        return {"mass": beam.width, "bend": beam.width if fidelity == "coarse" else -beam.width}

    (ranks,) = [one for one in SIMULATED_LAWS if one.__name__ == "cheap_rungs_rank_like_the_top"]
    ranks(beams(simulate=partial))
    with pytest.raises(AssertionError, match="about bend"):
        ranks(beams(simulate=partial, fidelities=(Fidelity("coarse", 0.1), Fidelity("fine"))))
