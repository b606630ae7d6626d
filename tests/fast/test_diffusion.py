"""The diffusion solver: published values, closed forms, order of convergence, and the laws neutrons keep."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq

from dure.domains.reactor.diffusion import constants_of, reactivity, solve, solve_core
from dure.domains.reactor.library import CORES, Core, find_core
from dure.domains.reactor.mesh import mesh_of
from dure.errors import SimulationFailed, ValueRefused
from tests.fast.cores import FUEL, WATER, core_at, small, two_groups, write_core


def pcm(k: float, reference: float) -> float:
    return reactivity(k) - reactivity(reference)


# ------------------------------------------------------------------------------------------------------ published values
@pytest.mark.parametrize(("name", "within"), [("biblis", 1.0), ("iaea", 1.0), ("koeberg", 1.0)])
def test_k_of_the_benchmarks_is_the_published_one(name: str, within: float):
    # BIBLIS 1.02511, IAEA 2D 1.029585, Koeberg (four groups, upscatter, spectrum over three) 1.007954: within 1 pcm at n = 8
    core = find_core(name)
    assert abs(pcm(solve_core(core, 8).k, core.reference["k_eff"])) < within


def test_assembly_powers_of_iaea_are_the_published_ones():
    # The published table, as remembered from ANL-7416; 0.09 % was measured independently on this mesh
    core = find_core("iaea")
    found = solve_core(core, 8)
    assert len(core.powers) == 29
    for at, published in core.powers.items():
        assert found.power[found.mesh.cells[at]] == pytest.approx(published, rel=1.5e-3)


def test_coarse_meshes_read_the_largest_power_too_low():
    # BIBLIS, by an independent program with the same elements: 1.2238, 1.2393, 1.2419, 1.2425 at n = 2, 4, 6, 8
    largest = [solve_core(find_core("biblis"), n).power.max() for n in (2, 4, 6, 8)]
    assert largest == pytest.approx([1.2238, 1.2393, 1.2419, 1.2425], abs=1e-4)


# ------------------------------------------------------------------------------------------------------------ closed forms
def bare(folder: Path, alpha: float) -> Core:
    return core_at(write_core(folder, ["a a", "a a"], two_groups({"a": FUEL["a"]}), ["a"], alpha=alpha))


def two_group_k(buckling: float) -> float:
    d1, a1, f1, d2, a2, f2, s = FUEL["a"]
    fast = 1 / (a1 + s + d1 * buckling)
    return fast * (f1 + f2 * s / (a2 + d2 * buckling))


def test_an_endless_block_multiplies_as_its_groups_balance(tmp_path: Path):
    # no leakage with alpha = 0: k is that of the group balance, on every mesh
    found = solve_core(bare(tmp_path, 0.0), 1)
    assert found.k == pytest.approx(two_group_k(0.0), rel=1e-9)
    assert found.power == pytest.approx(np.ones_like(found.power), rel=1e-7)


@pytest.mark.parametrize("order", [1, 2])
def test_k_of_a_bare_square_converges_at_twice_the_order(tmp_path: Path, order: int):
    # zero flux at 30 cm from two symmetry planes: B² = 2 (pi/60)²; elements of order p give k to the power 2p of their size
    core = bare(tmp_path, 1e6)
    exact = two_group_k(2 * (math.pi / 60) ** 2)
    errors = [abs(solve_core(core, n, order=order).k - exact) for n in ((2, 4) if order == 2 else (8, 16))]
    assert errors[0] / errors[1] == pytest.approx(4**order, rel=0.1)
    assert errors[1] < 1e-4


def test_two_regions_meet_as_the_closed_form_says(tmp_path: Path):
    # one group, a slab of fuel and one of reflector, no leakage at the far ends: D1 B tan(B a) = D2 / L tanh(t / L)
    fuel, reflector = (1.2, 0.02, 0.024), (0.9, 0.01, 0.0)
    a, thick = 30.0, 20.0
    rows = [
        {"material": name, "group": 1, "diffusion_cm": d, "sigma_a_per_cm": absorbs, "nu_sigma_f_per_cm": makes, "chi": 1}
        | {"sigma_s_to_g1_per_cm": 0}
        for name, (d, absorbs, makes) in (("f", fuel), ("r", reflector))
    ]
    # with alpha = 0 nothing leaks along the other axis either, and the flux depends on x alone
    core = core_at(write_core(tmp_path, ["f f r"] * 3, rows, ["f"], alpha=0.0))
    length = math.sqrt(reflector[0] / reflector[1])

    def meets(buckling: float) -> float:
        return fuel[0] * buckling * math.tan(buckling * a) - reflector[0] / length * math.tanh(thick / length)

    buckling = brentq(meets, 1e-6, math.pi / 2 / a - 1e-6)
    exact = fuel[2] / (fuel[1] + fuel[0] * buckling**2)
    found = solve_core(core, 8)
    assert found.k == pytest.approx(exact, rel=5e-7)


@pytest.mark.parametrize("uniform", [True, False])
def test_many_groups_with_upscatter_and_spectra_of_their_own(tmp_path: Path, uniform: bool):
    """Five groups that scatter both ways: of one endless fuel k is that of the balance, of two it lies between theirs."""
    rng = np.random.default_rng(3)
    groups, rows = 5, []
    for name in "ab":
        chi = np.array([0.6, 0.3, 0.1, 0, 0]) if name == "a" or uniform else np.array([0.5, 0.4, 0.1, 0, 0])
        scatter = rng.uniform(0.001, 0.02, (groups, groups))  # up as well as down
        for g in range(groups):
            rows.append(
                {"material": name, "group": g + 1, "sigma_tr_per_cm": 0.3, "sigma_a_per_cm": 0.005 + 0.01 * g}
                | {"nu_sigma_f_per_cm": 0.004 + 0.012 * g + (0.002 if name == "b" else 0.0), "chi": chi[g]}
                | {f"sigma_s_to_g{h + 1}_per_cm": 0 if g == h else scatter[g, h] for h in range(groups)}
            )
    one = core_at(write_core(tmp_path / "one", ["a a", "a a"], rows, ["a"], alpha=0.0))
    assert solve_core(one, 2).k == pytest.approx(one.materials["a"].k_infinity(), rel=1e-8)
    both = core_at(write_core(tmp_path / "both", ["a b", "b a"], rows, ["a", "b"], alpha=0.0))
    found = solve_core(both, 4)
    ends = sorted(both.materials[name].k_infinity() for name in "ab")
    assert ends[0] < found.k < ends[1]
    assert found.adjoint()[0] == pytest.approx(found.k, rel=1e-8)


# ------------------------------------------------------------------------------------------------------------------- laws
@pytest.mark.parametrize("name", CORES)
def test_no_neutron_is_lost_and_importance_knows_the_same_k(name: str):
    found = solve_core(find_core(name), 2)
    went = found.balance()
    assert went["made"] / found.k == pytest.approx(went["absorbed"] + went["axial"] + went["edge"], rel=1e-8)
    assert found.adjoint()[0] == pytest.approx(found.k, rel=1e-8)


@pytest.mark.parametrize("name", CORES)
def test_an_octant_a_quarter_and_the_whole_core_agree(name: str):
    core = find_core(name)
    octant, quarter, full = (solve_core(core, 2, symmetry=one) for one in ("octant", "quarter", "full"))
    assert quarter.k == pytest.approx(octant.k, abs=1e-9)
    assert full.k == pytest.approx(octant.k, abs=1e-9)
    side = len(core.map)
    for row, col in np.ndindex(side, side):
        if octant.mesh.cells[row, col] >= 0:
            one = octant.power[octant.mesh.cells[row, col]]
            assert quarter.power[quarter.mesh.cells[row, col]] == pytest.approx(one, abs=1e-6)
            assert full.power[full.mesh.cells[side - 1 - row, side - 1 + col]] == pytest.approx(one, abs=1e-6)


def test_first_order_perturbation_by_importance(tmp_path: Path):
    # delta rho = -<phi*, delta A phi> / <phi*, F phi> for a small change of absorption in one cell
    core = core_at(small(tmp_path))
    mesh = mesh_of(core, 4)
    constants = constants_of(core, mesh.standing(core.grid))
    found = solve(mesh, constants)
    _k, importance = found.adjoint()
    change = np.zeros_like(constants.absorption)
    change[1, 2] = 1e-5
    moved = solve(mesh, dataclasses.replace(constants, absorption=constants.absorption + change))
    lost = importance[1] @ (mesh.matrix(mesh.mass @ change[1]) @ found.flux[1])
    made = (importance * found._spectra.sources(found._spectra.fission(found.flux))).sum()
    assert 1 / moved.k - 1 / found.k == pytest.approx(lost / made, rel=1e-3)


def test_mean_power_is_one_and_scale_is_that_of_nothing(tmp_path: Path):
    core = core_at(small(tmp_path))
    found = solve_core(core, 2)
    fuel = found.power > 0
    assert (found.power * found.mesh.area)[fuel].sum() / found.mesh.area[fuel].sum() == pytest.approx(1.0, rel=1e-9)
    # twice as small in every direction with cross sections twice as large: the same k and the same powers
    lengths = (0, 3)  # where the diffusion constants stand
    shrunk = {
        name: [value / 2 if number in lengths else value * 2 for number, value in enumerate(values)]
        for name, values in (FUEL | WATER).items()
    }
    rows = ["a b a w", "b a b w", "a b w w", "w w w 0"]
    half = core_at(write_core(tmp_path / "half", rows, two_groups(shrunk), ["a", "b"], pitch=10.0, first=5.0))
    assert solve_core(half, 2).k == pytest.approx(found.k, rel=1e-8)
    assert solve_core(half, 2).power == pytest.approx(found.power, rel=1e-6)


def test_a_start_changes_nothing_but_the_way(tmp_path: Path):
    core = core_at(small(tmp_path))
    mesh = mesh_of(core, 2)
    constants = constants_of(core, mesh.standing(core.grid))
    cold = solve(mesh, constants)
    warm = solve(mesh, constants, cold)
    assert warm.k == pytest.approx(cold.k, abs=1e-9)
    assert warm.power == pytest.approx(cold.power, abs=1e-6)


@pytest.mark.parametrize("name", ["biblis", "koeberg"])
def test_a_core_solved_from_a_known_one_is_what_it_is_from_nothing(name: str):
    core = find_core(name)
    mesh = mesh_of(core, 2)
    known = solve(mesh, constants_of(core, mesh.standing(core.grid)))
    fuel = [at for at, kind in enumerate(mesh.standing(core.grid)) if kind in core.fuel]
    for seed, exchanged in ((0, 2), (1, len(fuel))):  # a neighbour, and a loading that has nothing in common with the known one
        names = np.array(mesh.standing(core.grid))
        some = np.random.default_rng(seed).choice(fuel, exchanged, replace=False)
        names[some] = names[np.roll(some, 1)]
        constants = constants_of(core, tuple(names))
        warm, cold = solve(mesh, constants, known), solve(mesh, constants)
        assert warm.reactivity == pytest.approx(cold.reactivity, abs=0.05)
        assert warm.power == pytest.approx(cold.power, abs=2e-5)


def test_what_cannot_be_solved_is_refused_or_fails(tmp_path: Path):
    core = core_at(small(tmp_path))
    with pytest.raises(ValueRefused, match="at least 1"):
        mesh_of(core, 0)
    mesh = mesh_of(core, 2)
    constants = constants_of(core, mesh.standing(core.grid))
    with pytest.raises(SimulationFailed, match="no material of the core multiplies"):
        solve(mesh, dataclasses.replace(constants, nu_fission=0 * constants.nu_fission))
    lopsided = core_at(write_core(tmp_path / "lop", ["a b", "a w"], two_groups(FUEL | WATER), ["a", "b"]))
    with pytest.raises(ValueRefused, match="not symmetric about its diagonal"):
        mesh_of(lopsided, 2)
    assert solve_core(lopsided, 2).k > 0  # by quarters it can
