"""How surely generations find what is known, counted over seeds, against the libraries used by themselves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from benchmarks import evolution
from dure.problem import Problem


def problem(name: str) -> Problem:
    function, d = evolution.FUNCTIONS[name]
    return evolution.problem(function, d, evolution._moved(d), evolution._BOX, -evolution._BOX / 2)


@pytest.mark.parametrize("name", ["sphere", "rosenbrock"])
def test_cma_es_needs_as_many_runs_as_the_library_by_itself(name: str):
    ratios = []
    for seed in range(10):
        ours = evolution.ours(problem(name), "cma-es", seed, evolution.below(1e-6))["runs"]
        ratios.append(ours / evolution.library(*evolution.FUNCTIONS[name], seed)["runs"])
    assert math.exp(float(np.log(ratios).mean())) == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("seed", range(5))
def test_restarts_find_the_lowest_of_many_wells(seed: int):
    # Rastrigin's function of three inputs has 8^3 wells in this box; one line of descent ends in any of them
    assert evolution.ours(problem("rastrigin"), "cma-es", seed, evolution.below(1e-6))["runs"] < 20_000


def test_nsga_ii_covers_a_front_in_as_many_runs_as_the_library_by_itself():
    front = evolution.problem(evolution.zdt1, 10, np.zeros(10), 1.0, 0.0)
    ours: list[Any] = [evolution.ours(front, "nsga-ii", seed, evolution.covered)["runs"] for seed in range(3)]
    alone: list[Any] = [evolution.pymoo_alone(10, seed)["runs"] for seed in range(3)]
    assert np.median(ours) <= 1.2 * np.median(alone)
