"""energy/fast-charge as a problem: what its files, theory and rungs promise."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("pybamm", reason="pip install 'dure[energy]'")

from dure.domains.energy.fast_charge import Cell, Charge, export, problem
from dure.problem import Theory

CHARGE = Charge(c1=2.2, c2=2.0, c3=1.8, c4=1.4, preheat=30.0)


def test_the_exported_script_gives_the_same_charge_in_pybamm_alone(tmp_path):
    measured = problem.answer(CHARGE, Cell(), fidelity="dfn", seed=0).outcome
    files = export(CHARGE, Cell(), measured)
    script = tmp_path / "protocol_pybamm.py"
    script.write_text(files["protocol_pybamm.py"], encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    minutes, hottest, lowest = (float(line.split()[-1]) for line in done.stdout.splitlines()[-3:])
    # The script samples every 5 s where the problem reads every solver step, hence the tolerance on the minimum.
    assert minutes == pytest.approx(sum(measured.minutes), abs=1e-3)
    assert hottest == pytest.approx(max(measured.t_max), abs=1e-2)
    assert lowest == pytest.approx(min(measured.anode_potential), abs=3e-4)


def test_the_step_table_delivers_the_charge_in_equal_stages():
    rows = [line.split(",") for line in export(CHARGE, Cell(), None)["protocol.csv"].splitlines()]
    charges = [float(row[5]) for row in rows[1:5]]
    assert np.allclose(np.diff([0.0, *charges]), 1.0)  # 5 A.h nominal, 80 % in four stages: energy facts of OKane2022
    assert [float(row[2]) for row in rows[1:5]] == pytest.approx([11.0, 10.0, 9.0, 7.0])


def test_theory_is_quick_for_many_designs_and_says_what_one_by_one_says():
    theory = Theory(problem, Cell(), tuple(problem.goals))
    cube = np.random.default_rng(3).uniform(size=(32, 5))
    together = theory(cube)
    one_by_one = np.concatenate([theory(row[None, :]) for row in cube])
    assert np.allclose(together, one_by_one, rtol=1e-12, atol=0)
    minutes = together[:, :4].sum(axis=1)
    rates = problem.space.decode(cube)
    least = sum(12.0 / getattr(rates, name) for name in ("c1", "c2", "c3", "c4"))
    assert (minutes >= least - 1e-9).all()  # 20 % of the charge at c takes 12/c minutes, a voltage limit only adds to it


@pytest.mark.parametrize("cheap", ["dfn-coarse"])
def test_the_cheap_rung_ranks_designs_as_the_top_rung_does(cheap):
    from scipy.stats import spearmanr

    designs = problem.space.designs(np.random.default_rng(5).uniform(size=(10, 5)))
    rows = {}
    for rung in (cheap, problem.top.name):
        outcomes = [problem.answer(design, Cell(), fidelity=rung, seed=0).outcome for design in designs]
        rows[rung] = [(sum(one.minutes), min(one.anode_potential), max(one.t_max)) for one in outcomes]
    for low, high in zip(np.array(rows[cheap]).T, np.array(rows[problem.top.name]).T, strict=True):
        assert spearmanr(low, high).statistic > 0.95


def test_a_colder_cell_plates_sooner():
    warm, cold = (
        problem.answer(replace(CHARGE, preheat=preheat), Cell(), fidelity="dfn-coarse", seed=0).outcome
        for preheat in (35.0, 15.0)
    )
    assert min(cold.anode_potential) < min(warm.anode_potential)
