"""Cores as files: what is read is what is published, and what cannot be a core is refused with a word on why."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dure.domains.reactor.diffusion import solve_core
from dure.domains.reactor.library import CORES, OUTSIDE, core_file, find_core
from dure.errors import ValueRefused
from tests.fast.cores import FUEL, WATER, core_at, small, two_groups, write_core

FUEL_ASSEMBLIES = {"biblis": 193, "iaea": 177, "koeberg": 157}
"""Of the whole cores, as published; of Koeberg the number of a three-loop plant."""


@pytest.mark.parametrize("name", CORES)
def test_the_packages_cores_have_as_many_assemblies_as_the_plants(name: str):
    core = find_core(name)
    side = range(len(core.map))
    times = {(row, col): (1 if row == 0 else 2) * (1 if col == 0 else 2) for row in side for col in side}
    assert sum(times[at] for at in times if core.map[at[0]][at[1]] in core.fuel) == FUEL_ASSEMBLIES[name]
    assert core.octant


@pytest.mark.needs("data:reactor")
@pytest.mark.parametrize(("name", "file"), [("biblis", "biblis2d"), ("iaea", "iaea2d")])
def test_our_tables_say_what_an_independent_reading_of_the_reports_says(name: str, file: str):
    ours = find_core(name)
    other = core_at(Path(os.environ["DURE_DATA"]) / "reactor" / "benchmarks" / f"{file}.toml")
    assert ours.map == other.map
    assert dict(ours.materials) == dict(other.materials)
    assert (ours.pitch, ours.first, ours.alpha, ours.buckling, ours.fuel) == (
        other.pitch,
        other.first,
        other.alpha,
        other.buckling,
        other.fuel,
    )


def test_a_core_is_named_for_good_by_what_its_files_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = small(tmp_path)
    name = core_file(str(path))
    monkeypatch.chdir(tmp_path)
    assert core_file("core.toml") == core_file(name) == name
    assert find_core(name).name == "mine"
    table = (tmp_path / "xs.csv").read_text()
    (tmp_path / "xs.csv").write_text(table.replace("0.08", "0.081"))
    with pytest.raises(ValueRefused, match="no longer the file of"):
        core_file(name)
    assert core_file(str(path)) != name


def test_a_four_group_core_nobody_has_seen_is_solved_without_a_change_of_code(tmp_path: Path):
    rows = []
    for name, factor in (("x", 1.0), ("y", 1.1), ("refl", 0.0)):
        groups = ((0.14, 0.003, 0.008, 0.75), (0.31, 0.002, 0.0006, 0.25), (0.49, 0.02, 0.008, 0.0), (0.9, 0.07, 0.09, 0.0))
        for g, (transport, absorbs, makes, chi) in enumerate(groups, start=1):
            out = {1: {2: 0.064, 3: 0.0005}, 2: {3: 0.063}, 3: {4: 0.05}, 4: {3: 0.0013}}[g]
            rows.append(
                {"material": name, "group": g, "sigma_tr_per_cm": transport, "sigma_a_per_cm": absorbs}
                | {"nu_sigma_f_per_cm": makes * factor, "chi": chi}
                | {f"sigma_s_to_g{h}_per_cm": out.get(h, 0.0) for h in range(1, 5)}
            )
    core = core_at(write_core(tmp_path, ["x y refl", "y x refl", "refl refl 0"], rows, ["x", "y"], pitch=21.6, first=10.8))
    found = solve_core(core, 4)
    assert 0.5 < found.k < core.materials["y"].k_infinity()
    assert found.balance()["made"] / found.k == pytest.approx(sum(list(found.balance().values())[1:]), rel=1e-8)


Spoil = Callable[[list[dict[str, Any]]], None]


def scaled(name: str, key: str, factor: float) -> Spoil:
    def spoil(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["material"] == name:
                row[key] *= factor

    return spoil


def without(name: str, group: int) -> Spoil:
    def spoil(rows: list[dict[str, Any]]) -> None:
        rows[:] = [row for row in rows if (row["material"], row["group"]) != (name, group)]

    return spoil


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (scaled("a", "sigma_a_per_cm", -1.0), "material a: absorption -0.01 is negative"),
        (scaled("a", "diffusion_cm", 0.01), "diffusion 0.01.* lies outside 0.05 to 10.0; give lengths in cm"),
        (scaled("a", "sigma_a_per_cm", 100.0), "absorption 8.* lies outside"),
        (scaled("a", "nu_sigma_f_per_cm", 5.0), r"fuel a multiplies by 5\.\d+ in an endless lattice; check its .* units"),
        (scaled("a", "chi", 0.5), "chi .* does not add up to 1"),
        (scaled("a", "sigma_a_per_cm", 0.0), "material a absorbs nothing"),
        (without("b", 2), r"material b has groups \[1\]; give each of 1 to 2 once"),
        (without("w", 1), r"material w has groups \[2\]"),
    ],
)
def test_constants_that_cannot_be_are_refused(tmp_path: Path, spoil: Spoil, says: str):
    rows = two_groups(FUEL | WATER)
    spoil(rows)
    with pytest.raises(ValueRefused, match=rf"core\.toml: .*{says}"):
        core_file(str(write_core(tmp_path, ["a b w", "b a w", "w w 0"], rows, ["a", "b"], groups=2)))


@pytest.mark.parametrize(
    ("rows", "change", "says"),
    [
        (["a b w", "b a w"], {}, "does not fill a square of 2 by 2"),
        (["a b w", "b a", "w w w"], {}, "does not fill a square of 3 by 3"),
        (["a b w", "b c w", "w w 0"], {}, "material c has no cross sections; the library holds a, b, w"),
        (
            ["a b w", "b a w", "w w 0"],
            {"fuel": ["a"]},
            r"material b is no fuel and multiplies by 1\.\d+; a reflector has no fission",
        ),
        (["w w", "w w"], {}, "no fuel stands on the map"),
        (["a b", "b a"], {"pitch": 0.2, "first": 0.1}, "assembly_pitch_cm = 0.2 is not a number from 1.0 to 60.0 cm; is it in"),
        (["a b", "b a"], {"first": 20.0}, "first_cell_cm = 20.0 is not half of"),
        (["a b", "b a"], {"alpha": -1}, "outer_alpha = -1 is not a number"),
        (["a b", "b a"], {"alpha": '"vacuum"'}, "outer_alpha = vacuum is not a number"),
    ],
)
def test_maps_and_geometries_that_cannot_be_are_refused(tmp_path: Path, rows: list[str], change: dict[str, Any], says: str):
    path = write_core(tmp_path, rows, two_groups(FUEL | WATER), **({"fuel": ["a", "b"]} | change))
    with pytest.raises(ValueRefused, match=says):
        core_file(str(path))


def test_a_transport_cross_section_must_agree_with_the_diffusion_constant(tmp_path: Path):
    rows = two_groups(FUEL | WATER)
    for row in rows:
        row["sigma_tr_per_cm"] = 1 / (3 * row["diffusion_cm"])
    good = core_at(write_core(tmp_path / "good", ["a b", "b a"], rows, ["a", "b"]))
    assert good.materials["a"].diffusion == (1.4, 0.4)
    rows[0]["sigma_tr_per_cm"] *= 3  # 1/D in place of 1/(3 D)
    with pytest.raises(ValueRefused, match=r"D = 1\.4 cm and sigma_tr = .* do not agree"):
        core_file(str(write_core(tmp_path / "bad", ["a b", "b a"], rows, ["a", "b"])))


@pytest.mark.parametrize("given", ["nowhere.toml", "biblis2", "notes.txt"])
def test_what_is_no_core_is_refused_with_those_there_are(given: str):
    with pytest.raises(ValueRefused, match="neither one of biblis, iaea, koeberg nor a TOML file"):
        core_file(given)


def test_files_that_are_broken_are_refused(tmp_path: Path):
    path = small(tmp_path)
    (tmp_path / "map.csv").unlink()
    with pytest.raises(ValueRefused, match=r"map\.csv cannot be read"):
        core_file(str(path))
    path = small(tmp_path)
    with (tmp_path / "map.csv").open() as lines:
        kept = list(csv.reader(lines))
    (tmp_path / "map.csv").write_text("\n".join(",".join(row[:2]) for row in kept))
    with pytest.raises(ValueRefused, match=r"map\.csv lacks the columns material"):
        core_file(str(path))
    path.write_text("groups = [")
    with pytest.raises(ValueRefused, match=r"core\.toml cannot be read"):
        core_file(str(path))
    path.write_text('name = "x"\n')
    with pytest.raises(ValueRefused, match="groups is missing"):
        core_file(str(path))


def test_outside_is_written_as_the_file_says(tmp_path: Path):
    core = core_at(small(tmp_path))
    assert core.map[3][3] == OUTSIDE
