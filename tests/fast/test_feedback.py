"""Feedback: signs and sizes a PWR has, states that settle, and rods that hold the core down."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from dure.domains.reactor.diffusion import Constants, constants_of, solve
from dure.domains.reactor.ejection import INPUTS, Rods, enthalpies
from dure.domains.reactor.feedback import CHANNEL, changed, coefficients, critical_boron, settled, zero_power
from dure.domains.reactor.kinetics import eject
from dure.domains.reactor.library import find_core
from dure.domains.reactor.mesh import Mesh, mesh_of
from dure.errors import ValueRefused


@cache
def biblis() -> tuple[Mesh, Constants]:
    core = find_core("biblis")
    mesh = mesh_of(core, 2)
    return mesh, constants_of(core, mesh.standing(core.grid))


@cache
def rods() -> Rods:
    core = find_core("biblis")
    return Rods(core, core.grid)


def test_at_mean_power_everywhere_the_constants_are_the_published_ones():
    mesh, constants = biblis()
    assert changed(constants, boron=0.0).absorption == pytest.approx(constants.absorption)
    # nominal power, mean: the fuel and coolant of NEACRP-L-335 at its reference state, 891.45 K, 579.75 K, 0.7125 g/cm³
    steady = settled(mesh, constants)
    fuel = steady.solution.power > 0
    share = mesh.area[fuel] / mesh.area[fuel].sum()
    assert steady.fuel[fuel] @ share == pytest.approx(891.45, abs=25)
    assert steady.coolant[fuel] @ share == pytest.approx(579.75, abs=5)
    assert steady.density[fuel] @ share == pytest.approx(0.7125, abs=0.01)


def test_heat_balances_along_the_channel():
    # 82.12 kg/s carry 17.7 MW: the enthalpy rises by 215 kJ/kg, and at half of it the coolant is as warm as reported
    from CoolProp.CoolProp import PropsSI

    mesh, constants = biblis()
    steady = settled(mesh, constants)
    cell = int(steady.solution.power.argmax())
    inlet = PropsSI("H", "T", 559.15, "P", 15.5e6, "Water")
    rise = steady.solution.power[cell] * CHANNEL.power / CHANNEL.flow
    assert PropsSI("H", "T", steady.coolant[cell], "P", 15.5e6, "Water") - inlet == pytest.approx(rise / 2, rel=1e-3)


def test_the_power_of_a_settled_core_makes_the_temperatures_it_has():
    mesh, constants = biblis()
    steady = settled(mesh, constants, boron=300.0)
    again = solve(mesh, steady.solution.constants)
    assert again.power == pytest.approx(steady.solution.power, abs=1e-5)
    without = solve(mesh, changed(constants, boron=300.0))
    fuel = without.power > 0
    spread = [float(((one.power - 1)[fuel] ** 2) @ mesh.area[fuel]) for one in (steady.solution, without)]
    assert spread[0] < 0.9 * spread[1]  # hot fuel and thin water damp themselves: power is flatter


def test_coefficients_have_the_signs_and_sizes_of_a_pwr():
    mesh, constants = biblis()
    boron = critical_boron(mesh, constants)
    steady = settled(mesh, constants, boron=boron)
    assert steady.solution.k == pytest.approx(1.0, abs=1e-6)
    found = coefficients(mesh, constants, steady)
    assert -5 < found["doppler"] < -1.5  # textbook range of PWR fuel, pcm/K
    assert -90 < found["moderator"] < 0
    assert -12 < found["boron"] < -5
    # the boron that was found takes up the reactivity there was, at about its worth
    free = settled(mesh, constants).solution.reactivity
    assert boron * -found["boron"] == pytest.approx(free, rel=0.1)


def test_feedback_is_known_for_two_groups_only():
    core = find_core("koeberg")
    mesh = mesh_of(core, 2)
    with pytest.raises(ValueRefused, match="feedback is known for two groups, and this core has 4"):
        changed(constants_of(core, mesh.standing(core.grid)), boron=1.0)


def test_a_cold_core_is_more_reactive_than_a_hot_one():
    mesh, constants = biblis()
    cold = solve(mesh, changed(constants, **zero_power()))
    assert cold.k > settled(mesh, constants).solution.k


def test_rods_hold_down_and_the_stuck_rod_is_the_worst():
    found = rods()
    assert found.solved(found.inserted, boron=found.critical).k == pytest.approx(1.0, abs=1e-6)
    assert min(found.worths.values()) > 0
    assert found.worths[found.worthiest] == max(found.worths.values())
    every = found._cells(found.core.rods)
    margin = found.shutdown_margin(300.0)
    assert margin < -found.solved(every, boron=300.0).reactivity
    # sixteen other rods out in turn cost no more than the one the margin is of
    assert all(
        -found.solved([one for one in every if one != cell], boron=300.0).reactivity >= margin - 1e-6 for cell in every[:4]
    )


def test_rods_that_mirror_each_other_are_worth_the_same():
    found = rods()
    at: dict[tuple[int, ...], list[float]] = {}
    for cell in found.inserted[:6]:
        at.setdefault(tuple(sorted(found._mesh.places[cell])), []).append(found.without(cell).reactivity)
    assert any(len(values) > 1 for values in at.values())
    for values in at.values():
        assert max(values) - min(values) < 1e-3


def test_the_ejection_of_the_published_loading():
    nominal = rods().nominal
    assert nominal.doppler[0] < 0
    assert 1e-5 < nominal.generation[0] < 5e-5  # of a PWR, s
    assert eject(nominal).enthalpy[0] == pytest.approx(enthalpies(nominal)(_means())[0], rel=1e-3)


def _means() -> Any:
    return np.array([[1.0, INPUTS[1].mean, INPUTS[2].mean, INPUTS[3].mean]])
