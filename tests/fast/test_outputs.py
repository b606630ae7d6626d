"""The shapes outputs are modelled in: rising, undone exactly, and blind to the units an author chose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dure.problem import at_most, design, maximise, molecule, outcome, real
from dure.strategy import Evidence, Task
from dure.strategy.outputs import Power, shapes_of
from tests.fast.squares import Run, square

POWERS = st.one_of(st.sampled_from([0.0, 1.0, 2.0]), st.floats(0.0, 2.0))
VALUES = st.lists(st.floats(-50, 50), min_size=2, max_size=20, unique=True)


@settings(max_examples=100)
@given(POWERS, st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), VALUES)
def test_a_power_is_undone_and_keeps_the_order(power: float, centre: float, spread: float, standard: list[float]):
    values = np.sort(centre + spread * np.array(standard))
    shape = Power(centre, spread, power)
    coded = shape.encode(values)
    assert (np.diff(coded) >= 0).all()
    np.testing.assert_allclose(shape.decode(torch.from_numpy(coded)).numpy(), values, rtol=1e-6, atol=1e-6 * spread)


def test_power_one_only_standardises():
    values = np.array([-3.0, 0.5, 8.0])
    np.testing.assert_allclose(Power(2.0, 4.0, 1.0).encode(values), (values - 2.0) / 4.0)


@design
class Line:
    x: float = real(0.0, 1.0)


@outcome
class Read:
    wanted: float = maximise()
    limited: float = at_most(3.0)


def shapes(wanted: np.ndarray, limited: np.ndarray, designs: Sequence[Any] = ()) -> dict[str, Power]:
    """Of a campaign that was answered so."""
    tried = designs or [Line(x=number / len(wanted)) for number in range(len(wanted))]
    run = Run(square(design=type(tried[0]), outcome=Read, simulate=None))
    for made, one, other in zip(tried, wanted, limited, strict=True):
        trial = run.problem.trial(made, run.task.setting)
        run.add("asked", {"key": trial.key, "trial": trial.plain(), "purpose": "search"})
        run.add("started", {"key": trial.key, "attempt": 1})
        run.add("told", {"key": trial.key, "outcome": {"wanted": float(one), "limited": float(other)}})
    task = Task(run.problem, run.task.setting, run.problem.goals)
    return shapes_of(task, Evidence(task, run.history))


@settings(max_examples=10)
@given(st.floats(0.01, 100), st.floats(-100, 100))
def test_the_likeliest_power_does_not_depend_on_units(scale: float, shift: float):
    normal = np.random.default_rng(3).normal(size=40)
    moved = scale * normal**3 + shift
    assume(not (moved.min() > 0 and moved.max() > 30 * moved.min()))  # such are modelled by their logarithm
    one, other = shapes(normal**3, normal), shapes(moved, normal)
    assert other["wanted"].power == pytest.approx(one["wanted"].power, abs=1e-4)


def test_a_long_tail_is_drawn_in_and_a_normal_output_left_alone():
    normal = np.random.default_rng(0).normal(size=400)
    found = shapes(-np.exp(normal), normal)
    assert found["wanted"].power > 1.8  # the tail is below: up to 2, where it becomes a logarithm
    assert found["limited"].power == pytest.approx(1.0, abs=0.1)


def test_few_or_equal_values_have_no_shape():
    assert shapes(np.arange(5.0), np.arange(5.0)) == {}
    assert shapes(np.full(9, 7.0), np.arange(9.0) - 4.0).keys() == {"limited"}


@pytest.mark.needs("rdkit")
def test_activities_of_molecules_are_taken_as_they_are():
    @design
    class Compound:
        smiles: str = molecule(*("C" * carbons + "O" for carbons in range(1, 31)))

    tail = -np.exp(np.random.default_rng(0).normal(size=30))
    assert shapes(tail, tail, [Compound(smiles="C" * carbons + "O") for carbons in range(1, 31)]) == {}
    assert shapes(tail, tail).keys() == {"wanted", "limited"}
