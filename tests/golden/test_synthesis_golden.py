"""EPFL circuits through the recipes whose results data/chip/epfl_lut6.csv holds."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

pytest.importorskip("platformdirs", reason="pip install 'dure[chip]'")

from dure.domains.chip.circuits import CELLS, EPFL, path_of
from dure.domains.chip.synthesis import RESYN2, map_circuit, map_to_cells

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


@pytest.mark.skipif(not CELLS.is_file(), reason="apt-get install qflow-tech-osu018")
@pytest.mark.parametrize(("circuit", "area", "delay"), [("adder", 24036, 17483), ("i2c", 23934, 1343), ("max", 64852, 9087)])
def test_cells_have_the_area_and_delay_that_were_measured_before(circuit: str, area: int, delay: int):
    """After one resyn2, mapping, buffering and sizing on osu018: facts of the project, ABC snapshot 2022-10-19."""
    found = map_to_cells(path_of(f"epfl-{circuit}"), RESYN2)
    assert (round(found[0]), round(found[1])) == (area, delay)
