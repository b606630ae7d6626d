"""Amplifiers as data and the bench as text: what holds before any simulator runs, and what its silence is taken for."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("platformdirs", reason="pip install 'dure[chip]'")

from dure.domains.chip.bench import Point, circuit, deck
from dure.domains.chip.devices import Device
from dure.domains.chip.measure import Specs, read, worst
from dure.domains.chip.ngspice import Printed
from dure.domains.chip.opamp import SAMPLES, Sizing, Use, problem, pvt
from dure.domains.chip.pdk import PROCESSES, SKY130, Process
from dure.domains.chip.topologies import GRID, TOPOLOGIES, USED, build, guesses
from dure.errors import SimulationFailed
from dure.strategy import space_filling

UNDER = {name: problem.under(Use(topology=name)) for name in TOPOLOGIES}
topologies = st.sampled_from(sorted(TOPOLOGIES))
processes = st.sampled_from(list(PROCESSES.values()))


def drawn(topology: str, seed: int, pdk: str = SKY130.name) -> Sizing:
    return next(space_filling(problem.under(Use(pdk=pdk, topology=topology)), seed, uniform=True))


@given(processes, topologies, st.integers(0, 10**6))
def test_every_node_of_a_random_sizing_is_connected_and_every_size_is_legal(process: Process, topology: str, seed: int):
    amplifier = build(topology, drawn(topology, seed, process.name), pdk=process.name)
    ends = Counter(node for one in amplifier.devices for node in one.nodes)
    ends.update(node for first, second, _value in amplifier.passives.values() for node in (first, second))
    lonely = {node for node, count in ends.items() if count < 2} - {"inp", "inm"}
    assert not lonely
    assert {"inp", "inm", "out", "vdd", "0"} <= set(ends)
    for one in amplifier.devices:
        assert one.width >= process.narrowest
        assert one.length >= process.shortest
        for size in (one.width, one.length):
            assert abs(size / GRID - round(size / GRID)) < 1e-6
        assert one.nodes[3] == ("0" if one.kind == "nfet" else "vdd")
    assert set(guesses(amplifier, process.supply)) - {"inm", "xfb"} <= set(ends)


@given(topologies, st.integers(0, 10**6))
def test_pairs_and_loads_match(topology: str, seed: int):
    amplifier = build(topology, drawn(topology, seed))
    for role in ("pair", "load", "source", "ncascode", "pcascode"):
        sizes = {(one.kind, one.width, one.length, one.multiplier) for one in amplifier.devices if one.role == role}
        assert len(sizes) <= 1, role


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_inputs_that_a_topology_has_change_its_netlist_and_the_others_are_held(topology: str):
    start = UNDER[topology].starts[0]
    text = circuit(build(topology, start))
    for name in UNDER[topology].inputs:
        others = [one for one in (drawn(topology, seed) for seed in range(5)) if getattr(one, name) != getattr(start, name)]
        if name not in USED[topology]:
            assert not others, name
            continue
        moved = replace(start, **{name: getattr(others[0], name)})
        assert circuit(build(topology, moved)) != text, name


def test_junction_areas_follow_the_layout_of_fingers():
    # ad, as, pd, ps of SKY130's own schematic symbols, written out for one and for two fingers of 4 um.
    one = Device("m1", "pair", "nfet", 4.0, 0.5, ("d", "g", "s", "0"))
    assert one.junctions(SKY130.drain) == pytest.approx({"ad": 1.16, "as": 1.16, "pd": 8.58, "ps": 8.58})
    two = replace(one, fingers=2)
    assert two.junctions(SKY130.drain) == pytest.approx({"ad": 1.16, "as": 2.32, "pd": 8.58, "ps": 17.16})


def test_the_deck_asks_for_every_point_and_leaves_no_value_behind():
    amplifier = build("miller_n", problem.starts[0])
    text = deck(amplifier, "", pvt(Use()), load=5e-12)
    names = re.findall(r"^let (\w+_\d) = ", text, re.MULTILINE)
    assert len(names) == len(set(names))
    assert {int(name[-1]) for name in names} == set(range(9))
    printed = re.findall(r"^print (\w+)$", text, re.MULTILINE)
    assert printed == names


def test_the_points_are_those_of_the_reference_table():
    points = {(one.supply, one.temperature) for one in pvt(Use())}
    assert points == {(supply, at) for supply in (1.62, 1.8, 1.98) for at in (-40.0, 27.0, 125.0)}
    assert pvt(Use())[0] == Point(1.8)
    assert pvt(Use(pdk="gf180", supply=0.9))[0].supply == pytest.approx(2.97)


def test_so_many_samples_bound_the_yield():
    # Wilks: the chance that all of n samples hold, of which 95 % would, falls below 5 % first at 59.
    assert 0.95**SAMPLES < 0.05 < 0.95 ** (SAMPLES - 1)


GOOD = {
    **{"idd_0": 1e-4, "offset_0": 1e-3, "gain_0": 70.0, "floor_0": -50.0, "ugf_0": 1e7, "phase_0": -110.0, "beyond_0": -20.0},
    **{"height_0": 0.2, "rise_time_0": 1e-8, "fall_time_0": 2e-8, "rise_settled_0": 5e-8, "fall_settled_0": 4e-8},
    **{"supply_gain_0": 0.0, "common_gain_0": -10.0, "noise_0": 1e-7, "swing_0": 1.6},
}


def printed(without: tuple[str, ...] = (), text: str = "", **others: float) -> Printed:
    amplifier = build("ota5", UNDER["ota5"].starts[0])
    at_rest = {
        f"{one.name}_{name}_0": value for one in amplifier.devices for name, value in (("gm", 1e-4), ("vds", 0.5), ("vdsat", 0.1))
    }
    figures = {name: value for name, value in (GOOD | at_rest | others).items() if name not in without}
    return Printed(figures, {}, text)


def read_one(what: Printed) -> Specs:
    amplifier = build("ota5", UNDER["ota5"].starts[0])
    # A shifted point needs no mismatch slopes, so no models.
    return read(amplifier, "tt", [Point(1.8, shifts={"m1": 0.0})], what).specs[0]


def test_figures_are_read_in_a_designers_units():
    found = read_one(printed())
    assert found == Specs(
        current=pytest.approx(100.0),
        gain=70.0,
        gbw=pytest.approx(10.0),
        phase_margin=70.0,
        gain_margin=20.0,
        slew=pytest.approx(8.0),
        settling=pytest.approx(50.0),
        cmrr=80.0,
        psrr=70.0,
        offset=pytest.approx(1.0),
        swing=pytest.approx(100 * 1.6 / 1.8),
        noise=pytest.approx(100.0),
        saturation=pytest.approx(400.0),
    )


def test_a_phase_that_never_turns_round_leaves_the_gain_at_the_sweeps_end_as_margin():
    assert read_one(printed(without=("beyond_0",))).gain_margin == 50.0


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (printed(without=("ugf_0",)), "no unity-gain crossing"),
        (printed(gain_0=-3.0), "no unity-gain crossing: the gain is below 0 dB"),
        (printed(phase_0=-5.0), "no unity-gain crossing with the output following the input"),
        (printed(without=("noise_0",)), "missing measure: noise"),
        (printed(without=("rise_time_0",)), "the step was not followed"),
        (printed(height_0=0.05), "the step was not followed"),
        (printed(without=("fall_settled_0",)), "the step did not settle"),
        (printed(without=("m2_vds_0",)), "missing measure: m2_vds"),
        (printed(without=("idd_0",), text="Warning: singular matrix:  check node d1"), "no convergence: singular matrix"),
        (printed(idd_0=float("nan")), "no operating point"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_missing_is_a_failure_with_its_reason_and_place(what: Printed, reason: str):
    with pytest.raises(SimulationFailed, match=rf"^{re.escape(reason)} \(tt, 1\.8 V, 27 degC\)$"):
        read_one(what)


@given(st.lists(st.lists(st.floats(0.1, 100.0), min_size=13, max_size=13), min_size=1, max_size=5))
def test_the_worst_is_worse_than_every_point_in_every_figure(rows: list[list[float]]):
    specs = [Specs(*row) for row in rows]
    found = worst(specs)
    for one in specs:
        assert found.current >= one.current
        assert found.settling >= one.settling
        assert found.gain <= one.gain
        assert found.saturation <= one.saturation
    for name in vars(found):
        assert getattr(found, name) in {getattr(one, name) for one in specs}


def test_every_frozen_set_asks_for_a_stable_loop_and_tight_for_more_than_mid():
    for topology, under in UNDER.items():
        assert "mid" in under.limits, topology
        for limits in under.limits.values():
            assert set(limits) == {name for name, goal in problem.goals.items() if not goal.is_objective}
            assert (limits["phase_margin"], limits["gain_margin"], limits["saturation"]) == (60.0, 10.0, 0.0)
        if "tight" in under.limits:
            mid, tight = (np.array(list(under.limits[kind].values())) for kind in ("mid", "tight"))
            upper = np.array([under.goals[name].measure.sense == "at_most" for name in under.limits["mid"]])
            assert np.where(upper, tight <= mid, tight >= mid).all()
