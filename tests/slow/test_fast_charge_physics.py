"""The charging simulator against earlier runs, two traps of PyBaMM, laws any charge obeys, and the textbook estimate.

P1 to P8 are OKane2022 from 25 °C in air of 25 °C to 80 %, four seeded C-rates each, sampled every 20 s. Their values were
measured with PyBaMM 26.10.1.1 before this code existed, with another script.
"""

from __future__ import annotations

import csv
import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pybamm = pytest.importorskip("pybamm")

from scipy.stats import qmc, spearmanr  # noqa: E402

from dure.domains.energy import cell as cell_module  # noqa: E402
from dure.domains.energy.cell import CELLS, Fidelity, charger, has_ageing, model_options  # noqa: E402
from dure.domains.energy.circuit import estimate  # noqa: E402
from dure.domains.energy.protocol import ChargeRun, Four, age, run_protocol  # noqa: E402
from dure.errors import SimulationFailed  # noqa: E402

pytestmark = pytest.mark.needs("pybamm")

TABLE = Path(__file__).parents[1] / "golden" / "protocols_p1_p8.csv"


def protocols() -> dict[str, dict[str, float]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row.pop("id"): {name: float(value) for name, value in row.items()} for row in csv.DictReader(file)}


def rates(name: str) -> Four:
    row = protocols()[name]
    return row["rate_1"], row["rate_2"], row["rate_3"], row["rate_4"]


def flat(rate: float) -> Four:
    return rate, rate, rate, rate


@pytest.fixture
def fresh_simulations() -> Iterator[None]:
    charger.cache_clear()
    yield
    charger.cache_clear()


# ------------------------------------------------------------------------------------------------------ reference runs


@pytest.mark.parametrize("fidelity", ["spme", "dfn"])
@pytest.mark.parametrize("name", [f"P{k}" for k in range(1, 9)])
def test_reference_protocol_is_reproduced(name: str, fidelity: Fidelity) -> None:
    """Solver tolerance 1e-4 moves an event by some 1e-5 of the time; potentials in the table are rounded to 0.1 mV."""
    expected = protocols()[name]
    run = run_protocol(rates(name), 25.0, fidelity=fidelity, period_s=20.0)
    assert run.total_minutes == pytest.approx(expected[f"{fidelity}_minutes"], abs=2e-3)
    assert run.peak_c == pytest.approx(expected[f"{fidelity}_tmax_c"], abs=0.02)
    assert 1e3 * run.potential_min_v == pytest.approx(expected[f"{fidelity}_vmin_mv"], abs=0.1)


@pytest.mark.parametrize("name", ["P1", "P8"])
def test_a_finer_mesh_changes_little(name: str) -> None:
    coarse, usual, fine = (run_protocol(rates(name), 25.0, fidelity=f) for f in ("dfn-coarse", "dfn", "dfn-fine"))
    for run, millivolts, kelvin in ((fine, 0.3, 0.1), (coarse, 1.0, 0.2)):
        assert 1e3 * run.potential_min_v == pytest.approx(1e3 * usual.potential_min_v, abs=millivolts)
        assert run.peak_c == pytest.approx(usual.peak_c, abs=kelvin)
        assert run.total_minutes == pytest.approx(usual.total_minutes, rel=1e-3)


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_charges_at_half_c(cell: str) -> None:
    run = run_protocol(flat(0.5), 25.0, cell=cell, fidelity="dfn")
    assert run.delivered == pytest.approx(1, abs=1e-4)
    assert run.potential_min_v > 0


# --------------------------------------------------------------------------------------------------------------- traps


def test_pybamm_writes_into_the_options_it_is_given() -> None:
    shared = model_options("OKane2022", "dfn")
    pybamm.lithium_ion.SPM(shared)
    assert shared != model_options("OKane2022", "dfn")


def test_each_rung_keeps_its_own_options() -> None:
    options = {f: charger("OKane2022", 1.0, f, None).simulation.model.options for f in ("spme", "dfn-coarse", "dfn")}
    assert {f: options[f]["x-average side reactions"] for f in options} == {"spme": "true", "dfn-coarse": "false", "dfn": "false"}


@pytest.mark.usefixtures("fresh_simulations")
def test_a_shared_dictionary_would_change_the_physics(monkeypatch: pytest.MonkeyPatch) -> None:
    own = run_protocol(rates("P8"), 25.0, fidelity="dfn")
    shared = model_options("OKane2022", "dfn")
    pybamm.lithium_ion.SPM(shared)
    monkeypatch.setattr(cell_module, "model_options", lambda cell, fidelity: shared)
    charger.cache_clear()
    averaged = run_protocol(rates("P8"), 25.0, fidelity="dfn")
    assert abs(averaged.potential_min_v - own.potential_min_v) > 5e-5


def test_plated_lithium_at_the_end_of_charge_would_reward_fast_charging() -> None:
    plated = []
    for name in ("P1", "P2"):
        run_protocol(rates(name), 25.0, fidelity="dfn")
        solution = charger("OKane2022", 1.0, "dfn", None).simulation.solution
        plated.append(float(solution["Loss of capacity to negative lithium plating [A.h]"].entries[-1]))
    assert plated[0] > 1.3 * plated[1]
    assert not any("plat" in field.name for field in dataclasses.fields(ChargeRun))


def test_the_start_temperature_is_not_stale() -> None:
    cold, warm, again = (run_protocol(rates("P8"), t, fidelity="dfn") for t in (15.0, 40.0, 15.0))
    assert warm.potential_min_v > cold.potential_min_v + 2e-3
    assert (cold.curves.temperature_c[0], warm.curves.temperature_c[0]) == (15.0, 40.0)
    assert again == cold


# ---------------------------------------------------------------------------------------------------------------- laws


@pytest.fixture(scope="module")
def run() -> ChargeRun:
    return run_protocol((2.0, 2.6, 1.5, 1.8), 20.0, fidelity="dfn")


def test_parts_make_the_whole(run: ChargeRun) -> None:
    assert run.total_minutes == pytest.approx(run.curves.time_min[-1], abs=1e-3)
    assert run.potential_min_v == pytest.approx(min(run.curves.potential_v), abs=1e-3)
    assert run.heating_k == run.peak_c - 20.0


def test_charge_is_conserved(run: ChargeRun) -> None:
    charge_ah = np.trapezoid(run.curves.current_a, run.curves.time_min) / 60
    assert charge_ah == pytest.approx(0.8 * 5.0, rel=1e-3)


def test_current_and_voltage_keep_their_limits(run: ChargeRun) -> None:
    assert max(run.curves.current_a) == pytest.approx(2.6 * 5.0)
    assert max(run.curves.voltage_v) <= 4.2 + 1e-3


def test_unlimited_stages_take_their_textbook_time() -> None:
    run = run_protocol((2.0, 1.5, 1.0, 0.5), 25.0, fidelity="dfn")
    assert run.minutes == pytest.approx((6.0, 8.0, 12.0, 24.0), rel=1e-3)


def test_twice_the_current_is_faster_in_every_stage() -> None:
    slow, fast = (run_protocol(flat(rate), 25.0, fidelity="dfn") for rate in (0.75, 1.5))
    assert all(b < a for a, b in zip(slow.minutes, fast.minutes, strict=True))


def test_a_warmer_start_keeps_the_anode_further_from_plating() -> None:
    potentials = [run_protocol(rates("P8"), t, fidelity="dfn").potential_min_v for t in (10.0, 20.0, 30.0, 40.0)]
    assert all(a < b for a, b in itertools.pairwise(potentials))


@pytest.mark.parametrize("scale", ["exchange_current_scale", "electrolyte_diffusivity_scale"])
def test_easier_transport_and_kinetics_raise_the_anode_potential(scale: str) -> None:
    low, high = (run_protocol(rates("P8"), 25.0, fidelity="dfn", **{scale: value}) for value in (0.9, 1.1))
    assert high.potential_min_v > low.potential_min_v + 1e-3


def test_thicker_electrodes_plate_sooner_at_the_same_c_rate() -> None:
    thin, thick = (run_protocol(rates("P8"), 25.0, fidelity="dfn-coarse", thickness_scale=s) for s in (1.0, 1.2))
    assert thick.potential_min_v < thin.potential_min_v - 1e-3


def test_a_very_slow_charge_ends_at_the_temperature_of_the_air() -> None:
    run = run_protocol(flat(0.05), 35.0, fidelity="dfn")
    assert run.t_max_c[0] == pytest.approx(35.0)
    assert run.t_max_c[-1] == pytest.approx(25.0, abs=0.1)


def test_repeats_are_identical_to_the_last_bit() -> None:
    first, other, second = (run_protocol(c, 30.0, fidelity="dfn") for c in (rates("P5"), rates("P7"), rates("P5")))
    assert first == second != other


def test_ageing_counts_what_cycles_take() -> None:
    few, more = (age(flat(1.0), 25.0, cycles=n) for n in (1, 3))
    assert 0 < few.lithium_lost_percent < more.lithium_lost_percent < 0.1
    assert 0 < few.capacity_loss_percent < more.capacity_loss_percent < 0.1
    assert 0 < few.dead_lithium_mol_m3 < more.dead_lithium_mol_m3


# ------------------------------------------------------------------------------------------------------------ failures


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"c_rates": (1.0, 1.0, 0.0, 1.0)}, "positive C-rates"),
        ({"c_rates": (1.0, 1.0, 1.0, float("nan"))}, "positive C-rates"),
        ({"c_rates": flat(0.01)}, "12 h"),
        ({"c_rates": flat(4.0), "fidelity": "spme"}, "electrolyte concentration"),
        ({"cell": "Sulzer2019"}, "unknown cell"),
        ({"end_soc": 1.2}, "state of charge"),
        ({"start_temperature_c": 400.0}, "temperatures"),
    ],
)
def test_the_impossible_is_refused_with_a_reason(arguments: dict[str, object], reason: str) -> None:
    possible: dict[str, object] = {"c_rates": flat(1.0), "start_temperature_c": 25.0, "fidelity": "dfn"}
    with pytest.raises(SimulationFailed, match=reason) as caught:
        run_protocol(**(possible | arguments))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_cell_without_ageing_kinetics_is_not_aged() -> None:
    assert not has_ageing("Chen2020")
    with pytest.raises(SimulationFailed, match="kinetics"):
        age(flat(1.0), 25.0, cell="Chen2020")


# ------------------------------------------------------------------------------------------------------------ estimate


def test_the_estimate_ranks_designs_as_the_simulator_does() -> None:
    box = qmc.scale(qmc.Sobol(5, rng=7).random(32), [0.3] * 4 + [10.0], [4.0] * 4 + [45.0])
    runs = [run_protocol((c1, c2, c3, c4), t, fidelity="dfn-coarse") for c1, c2, c3, c4, t in box.tolist()]
    guess = estimate(box[:, :4], box[:, 4])
    for name, least in (("minutes", 0.85), ("potential_dip_v", 0.9), ("potential_end_v", 0.7), ("t_max_c", 0.85)):
        measured = np.array([getattr(run, name) for run in runs])
        ranks = [spearmanr(getattr(guess, name)[:, k], measured[:, k])[0] for k in range(4)]
        assert min(ranks) > least, (name, ranks)


def test_the_estimate_is_finite_for_every_cell_and_setting() -> None:
    unit = qmc.Sobol(10, rng=3).random(256)
    for cell in CELLS:
        guess = estimate(
            0.3 + 3.7 * unit[:, :4],
            10 + 35 * unit[:, 4],
            cell=cell,
            ambient_c=-20 + 70 * unit[:, 5],
            end_soc=0.2 + 0.75 * unit[:, 6],
            thickness_scale=0.5 + unit[:, 7],
            exchange_current_scale=0.5 + 1.5 * unit[:, 8],
            electrolyte_diffusivity_scale=0.5 + 1.5 * unit[:, 9],
        )
        assert all(np.isfinite(getattr(guess, field.name)).all() for field in dataclasses.fields(guess))
