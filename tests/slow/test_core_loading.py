"""Reactor cores end to end: a better loading through to its report, rare events on the transient, the enumerated truth."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.core_loading import of_the_enumerated
from benchmarks.core_loading_references import RESULTS, SMALL, every, measured, problem_of
from dure.domains.reactor.ejection import INPUTS, TARGET, Rods, enthalpies
from dure.domains.reactor.library import find_core
from dure.journal import Journal, fold
from dure.reliability import assisted, crude, judged, subset
from tests.slow import annealed_core


def test_a_better_loading_from_the_command_line_to_a_verified_report(tmp_path: Path):
    folder = tmp_path / "run"
    dure = str(Path(sys.executable).parent / "dure")
    command = [dure, "run", annealed_core.__file__, "--strategy", "random", "--workers", "1"]
    done = subprocess.run([*command, "--out", str(folder), "--quiet"], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stderr
    with Journal.open(folder, write=False) as journal:
        history = fold(journal.events())
    ends = history.conclusion or {}
    winner, finer, safety = (
        history.trials[key].outcome or {}
        for key in (ends["winner"], ends["checks"]["finer mesh"]["key"], ends["checks"]["rod ejection"]["key"])
    )
    assert max(finer["power"]) == pytest.approx(annealed_core.ANNEALED["rungs"]["n8"]["power"], abs=1e-5)
    assert finer["relief"] == pytest.approx(winner["relief"], abs=1e-3)  # the gain does not vanish
    assert ends["checks"]["finer mesh"]["holds"] is True
    # the verdict is what the bounds of the probability say, and no more
    low, high = safety["exceedance_low"], safety["exceedance_high"]
    expected = "supported" if high <= TARGET else "refuted" if low > TARGET else "inconclusive"
    assert ends["verdict"] == expected
    assert done.returncode == (0 if expected == "supported" else 3)
    assert safety["doppler"] < 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    for text in ("assembly power, baseline", "assembly power, winner less baseline", "not licensing", "cycle length are not"):
        assert text in page
    assert subprocess.run([dure, "verify", str(folder)], check=False, capture_output=True).returncode == 0


def test_subset_simulation_on_the_transient_agrees_with_brute_force_and_with_a_surrogate():
    core = find_core("biblis")
    respond = enthalpies(Rods(core, core.grid).nominal)
    sample = crude(respond, INPUTS, 145.0, runs=2000, seed=11)
    for limit, found in ((145.0, subset(respond, INPUTS, 145.0, seed=12)), (150.0, subset(respond, INPUTS, 150.0, seed=13))):
        brute = sample if limit == 145.0 else crude(respond, INPUTS, limit, runs=2000, seed=14)
        assert found.low < brute.high
        assert brute.low < found.high
    rare, helped = subset(respond, INPUTS, 165.0, seed=15), assisted(respond, INPUTS, 165.0, seed=15)
    assert rare.low < helped.high
    assert helped.low < rare.high
    never = subset(respond, INPUTS, 400.0, level=500, seed=16)
    assert (never.probability, judged(never, 1e-6)) == (None, "inconclusive")
    assert never.high == pytest.approx(1 - 0.05 ** (1 / 500))


def test_the_stored_truth_of_the_small_core_is_the_truth():
    stored = json.loads((RESULTS / "core_loading_enumerate.json").read_text("utf-8"))
    problem, setting = problem_of(str(SMALL))
    loadings = list(every(problem))
    assert len(loadings) == len(set(loadings)) == stored["loadings"] == 240
    best = problem.make_design(stored["best"][0]["design"])
    power, reserve = measured(problem, setting, best, "n6")
    assert power == pytest.approx(stored["best"][0]["power"], abs=2e-5)
    assert reserve == pytest.approx(stored["best"][0]["reserve_pcm"], abs=0.05)
    for number in np.random.default_rng(0).choice(240, 40, replace=False):
        other, kept = measured(problem, setting, loadings[number], "n6")
        assert other >= power - 1e-5 or kept < 0


def test_a_campaign_finds_the_best_of_all_loadings_within_a_tenth_of_their_number():
    found = of_the_enumerated(seed=2)
    assert found["found"]
    assert found["cost"] <= 24
