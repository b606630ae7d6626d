"""The amplifier of data/chip at its 45 points, and cut models against the PDK's own files at every corner."""

from __future__ import annotations

import csv
import math
import os
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("platformdirs", reason="pip install 'dure[chip]'")

from dure.domains.chip.bench import Point, deck, flat_models
from dure.domains.chip.devices import Amplifier, Device
from dure.domains.chip.ngspice import run
from dure.domains.chip.opamp import Use, problem
from dure.domains.chip.pdk import CORNERS, PROCESSES, SKY130, Kind, Process
from dure.domains.chip.topologies import TOPOLOGIES, build

pytestmark = pytest.mark.needs("ngspice", "sky130", "gf180")
LOAD = 5e-12


def device(name: str, role: str, kind: Kind, width: float, multiplier: int, nodes: str) -> Device:
    drain, gate, source, bulk = nodes.split()
    return Device(name, role, kind, width, 0.5, (drain, gate, source, bulk), 1, multiplier)


REFERENCE = Amplifier(
    "miller_n",
    (
        device("m1", "pair", "nfet", 20, 2, "d1 inm tail 0"),
        device("m2", "pair", "nfet", 20, 2, "d2 inp tail 0"),
        device("m3", "load", "pfet", 10, 2, "d1 d1 vdd vdd"),
        device("m4", "load", "pfet", 10, 2, "d2 d1 vdd vdd"),
        device("m5", "tail", "nfet", 4, 4, "tail nb 0 0"),
        device("m6", "driver", "pfet", 20, 8, "out d2 vdd vdd"),
        device("m7", "sink", "nfet", 4, 16, "out nb 0 0"),
        device("m8", "bias", "nfet", 4, 1, "nb nb 0 0"),
    ),
    {"ibias": ("vdd", "nb", 10e-6), "rzero": ("d2", "nz", 1e3), "ccomp": ("nz", "out", 2e-12)},
    junctions=False,
)
"""Table ``design`` of data/chip/opamp_reference.csv."""


def figures(amplifier: Amplifier, corner: str, points: list[Point], *, unflattened: bool = False) -> dict[str, float]:
    process = amplifier.process
    models = process.whole(corner) if unflattened else flat_models(process, amplifier.devices, corner)
    text = deck(amplifier, models, points, load=LOAD, transient=False, unflattened=unflattened)
    return dict(run(text).figures)


@pytest.mark.needs("data:chip/opamp_pvt.csv")
def test_the_reference_amplifier_at_its_45_points():
    rows = defaultdict(list)
    with (Path(os.environ["DURE_DATA"]) / "chip/opamp_pvt.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            values = {name: float(value) for name, value in row.items() if name != "corner"}
            rows[row["corner"], values["supply_v"]].append(values)
    assert {corner for corner, _supply in rows} == set(CORNERS)
    assert sum(map(len, rows.values())) == 45
    for (corner, supply), wanted in rows.items():
        # The table's inputs rest at 0.9 V at every supply.
        amplifier = replace(REFERENCE, common_mode=0.9 / supply)
        found = figures(amplifier, corner, [Point(supply, row["temp_c"]) for row in wanted])
        for number, row in enumerate(wanted):
            place = (corner, supply, row["temp_c"])
            assert found[f"gain_{number}"] == pytest.approx(row["gain_10hz_db"], abs=2e-3), place
            assert found[f"ugf_{number}"] == pytest.approx(1e6 * row["ugf_mhz"], rel=1e-4), place
            assert 180 + found[f"phase_{number}"] == pytest.approx(row["phase_margin_deg"], abs=0.01), place


@pytest.mark.needs("data:chip/opamp_reference.csv")
def test_the_reference_amplifier_draws_the_current_and_makes_the_step_of_the_table():
    with (Path(os.environ["DURE_DATA"]) / "chip/opamp_reference.csv").open(encoding="utf-8") as table:
        known = {row["name"]: row["value"] for row in csv.DictReader(table) if row["section"] == "result"}
    at_rest = run(deck(REFERENCE, flat_models(SKY130, REFERENCE.devices, "tt"), [Point(1.8)], load=LOAD)).figures
    # The table's bench holds a second copy, in unity gain with its input at 0.8 V.
    low = figures(replace(REFERENCE, common_mode=0.8 / 1.8), "tt", [Point(1.8)])
    both = at_rest["idd_0"] + low["idd_0"]
    assert both == pytest.approx(float(known["supply current of both copies"]), rel=1e-6)
    assert 0.9 + at_rest["offset_0"] == pytest.approx(float(known["output operating point (AC copy)"]), abs=1e-6)
    # 10 to 90 % of 0.8 to 1.0 V with edges of 1 ns there, quicker here.
    rise = 1e-9 * (float(known["time at 90 % of step"]) - float(known["time at 10 % of step"]))
    assert at_rest["rise_time_0"] == pytest.approx(rise, rel=0.02)


def test_on_gf180_the_reference_amplifier_has_the_known_figures():
    # Same sizes at 3.3 V, from the PDK's own files with typical models (ngspice 39).
    found = figures(replace(REFERENCE, pdk="gf180"), "tt", [Point(3.3)])
    assert found["gain_0"] == pytest.approx(81.2, abs=0.05)
    assert 1e-6 * found["ugf_0"] == pytest.approx(25.6, abs=0.05)
    assert 180 + found["phase_0"] == pytest.approx(65.7, abs=0.05)
    assert 1e6 * found["idd_0"] == pytest.approx(220, abs=1)


@pytest.mark.parametrize("process", PROCESSES.values(), ids=list(PROCESSES))
@pytest.mark.parametrize("corner", CORNERS)
def test_cut_models_give_what_the_pdks_own_files_give(corner: str, process: Process):
    """Both device types in many bins: the reference amplifier and a textbook start of every topology, two points each."""
    points, name = [Point(process.supply), Point(0.9 * process.supply, 125.0)], process.name
    under = {one: problem.under(Use(pdk=name, topology=one)) for one in TOPOLOGIES}
    amplifiers = [replace(REFERENCE, pdk=name), *(build(one, under[one].starts[0], pdk=name) for one in TOPOLOGIES)]
    chosen = amplifiers if corner == "tt" else [amplifiers[0], amplifiers[1 + CORNERS.index(corner) % len(TOPOLOGIES)]]
    for amplifier in chosen:
        cut, whole = (figures(amplifier, corner, points, unflattened=unflattened) for unflattened in (False, True))
        assert cut.keys() == whole.keys()
        assert len(cut) > 50
        for name, value in whole.items():
            assert math.isclose(cut[name], value, rel_tol=2e-6, abs_tol=1e-9), (amplifier.topology, name)
