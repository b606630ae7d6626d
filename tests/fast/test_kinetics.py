"""Point kinetics: matrix exponentials, published values, conservation, and textbook limits of an excursion."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.linalg import expm

from dure.domains.reactor import kinetics
from dure.domains.reactor.kinetics import NEACRP, Delayed, Ejection, after_step, eject

KEEPIN = Delayed((0.000266, 0.001491, 0.001316, 0.002849, 0.000896, 0.000182), (0.0127, 0.0317, 0.115, 0.311, 1.4, 3.87))


def case(worth: float, count: int = 1, **change: float) -> Ejection:
    given = {"worth": worth, "beta": NEACRP.beta, "generation": 2e-5, "doppler": -2e-3, "peaking": 5.0}
    given |= {"conductance": 1e4, "direct": 0.019} | change
    return Ejection(**{name: np.full(count, value) for name, value in given.items()})


@pytest.mark.parametrize(
    ("rho", "time", "published"),
    # Kinard and Allen 2004, as quoted: step reactivities of a thermal reactor, generation time 2e-5 s; four figures or five
    [(0.003, 1, 2.2098), (0.003, 10, 8.0192), (0.003, 20, 28.297), (0.007, 0.5, 5345.9), (0.007, 2, 2.0591e11)],
)
def test_steps_give_the_published_powers_and_those_of_the_matrix_exponential(rho: float, time: float, published: float):
    (found,) = after_step(KEEPIN, rho, 2e-5, np.array([float(time)]))
    assert found == pytest.approx(published, rel=1e-4)
    matrix = kinetics._matrix(KEEPIN, rho, 2e-5)
    start = np.array([1.0, *(b / (d * 2e-5) for b, d in zip(KEEPIN.fractions, KEEPIN.decay, strict=True))])
    assert found == pytest.approx((expm(matrix * time) @ start)[0], rel=1e-6)


def test_without_feedback_an_ejection_ends_as_the_matrix_exponential_of_its_worth():
    # a rod out at once (in a microsecond) and no Doppler: a step
    step = dataclasses.replace(case(0.004, doppler=0.0), takes=1e-6, level=1.0)
    found = eject(step, until=2.0, rtol=1e-8)
    matrix = kinetics._matrix(NEACRP, 0.004, 2e-5)
    start = np.array([1.0, *(b / (d * 2e-5) for b, d in zip(NEACRP.fractions, NEACRP.decay, strict=True))])
    for at in (40, -1):
        assert found.power[0, at] == pytest.approx((expm(matrix * found.times[at]) @ start)[0], rel=1e-4)


def test_neutrons_and_heat_are_conserved():
    system = kinetics._System(case(0.008))
    found = kinetics.solve_ivp(
        system.slope, (0, 3), system.start, "BDF", rtol=1e-9, atol=system.smallest * 1e-3, jac=system.jacobian, dense_output=True
    )
    times = np.linspace(0, 3, 60001)
    y = found.sol(times)
    # d/dt (n + sum C) = rho n / Lambda: delayed neutrons only wait
    rho = np.array([system.rho(t, y[7:8, i])[0] for i, t in enumerate(times)])
    gained = np.trapezoid(rho * y[0] / 2e-5, times)
    assert y[:7, -1].sum() - y[:7, 0].sum() == pytest.approx(gained, rel=1e-4)
    # what the fuel stores is what was made in it less what went to the coolant
    stored = system.pin.mass * (kinetics._enthalpy(y[7, -1]) - kinetics._enthalpy(y[7, 0]))
    lost = np.trapezoid((y[7] - system.case.temperature) / system.pin.resistance[0], times)
    assert stored + lost == pytest.approx(system.pin.heat[0] * np.trapezoid(y[0], times), rel=1e-4)
    assert y[9, -1] == pytest.approx(np.trapezoid(y[0], times), rel=1e-4)


def test_a_prompt_excursion_is_that_of_nordheim_and_fuchs():
    # far above prompt critical, before delayed neutrons and cooling matter: peak power = (rho - beta)² / (2 gamma Lambda)
    # and energy to the peak = (rho - beta) / gamma, gamma the reactivity taken back by a second of nominal power
    over = 0.006
    sharp = dataclasses.replace(case(NEACRP.beta + over, doppler=-1e-3), takes=1e-6, temperature=900.0)
    found = eject(sharp, until=0.3, points=4000, rtol=1e-8)
    pin = kinetics._Pin(sharp)
    root = 1e-3 / (2 * np.sqrt(900.0))
    gamma = root * pin.heat[0] / (pin.mass * kinetics._capacity(np.array(900.0)))
    # the square root bends and the fuel's capacity grows: within a tenth
    assert found.peak_power[0] == pytest.approx(over**2 / (2 * gamma * 2e-5), rel=0.12)
    at = int(found.power[0].argmax())
    assert found.energy[0, at] == pytest.approx(over / gamma, rel=0.12)


def test_cases_together_are_what_they_are_alone():
    rng = np.random.default_rng(4)
    many = case(0.009, 40)
    many = dataclasses.replace(many, worth=0.009 * rng.uniform(0.85, 1.0, 40), beta=NEACRP.beta * rng.normal(1, 0.05, 40))
    together = eject(many)
    for one in (0, 17, 39):
        alone = eject(
            dataclasses.replace(
                many, **{name: getattr(many, name)[one : one + 1] for name in vars(case(0.0)) if _per_case(many, name)}
            ),
            rtol=1e-9,
        )
        assert together.enthalpy[one] == pytest.approx(alone.enthalpy[0], rel=2e-5)
        assert together.peak_power[one] == pytest.approx(alone.peak_power[0], rel=2e-3)


def _per_case(given: Ejection, name: str) -> bool:
    return isinstance(getattr(given, name), np.ndarray)


@pytest.mark.parametrize(
    ("name", "factor"),
    [("worth", 1.05), ("beta", 0.95), ("doppler", 0.8), ("peaking", 1.2), ("conductance", 0.5), ("direct", 0.5)],
)
def test_what_makes_it_worse_makes_it_worse(name: str, factor: float):
    usual = case(0.009)
    worse = dataclasses.replace(usual, **{name: getattr(usual, name) * factor})
    assert eject(worse).enthalpy[0] > eject(usual).enthalpy[0]


def test_a_rod_of_no_worth_changes_nothing():
    found = eject(case(0.0))
    assert found.power == pytest.approx(np.full_like(found.power, 1e-6), rel=1e-5)
    assert found.hot == pytest.approx(np.full_like(found.hot, 559.15), abs=1e-2)
