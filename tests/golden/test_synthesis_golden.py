"""EPFL circuits through the recipes whose results data/chip/epfl_lut6.csv holds."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

pytest.importorskip("platformdirs", reason="pip install 'dure[chip]'")

from dure.domains.chip.circuits import EPFL, path_of
from dure.domains.chip.synthesis import RESYN2, map_circuit

pytestmark = pytest.mark.needs("berkeley-abc", "data:chip/epfl_lut6.csv")


@pytest.mark.parametrize("circuit", [name for name in EPFL if name != "sqrt"])
def test_baselines_of_the_suite_reproduce(circuit: str):
    with (Path(os.environ["DURE_DATA"]) / "chip/epfl_lut6.csv").open(encoding="utf-8") as table:
        known = next(row for row in csv.DictReader(table) if row["name"] == circuit)
    plain, twice = (map_circuit(path_of(f"epfl-{circuit}"), passes) for passes in ((), RESYN2 * 2))
    assert (plain.nodes, plain.levels) == (int(known["measured_if6_luts"]), int(known["measured_if6_levels"]))
    assert (twice.nodes, twice.levels) == (int(known["resyn2x2_if6_luts_measured"]), int(known["resyn2x2_if6_levels_measured"]))
    assert plain.luts <= plain.nodes
    # What recipes do not reach: exact synthesis and long searches found the suite's best.
    assert twice.luts > int(known["best_size_luts"])
