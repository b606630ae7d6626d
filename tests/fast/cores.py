"""Small cores of one's own, written as files the way a user writes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dure.domains.reactor.library import Core, core_file, find_core

TOML = """\
name = "mine"
groups = {groups}
cross_sections = "xs.csv"
map = "map.csv"

[geometry]
cells_per_side = {side}
assembly_pitch_cm = {pitch}
first_cell_cm = {first}
fuel_materials = {fuel}

[boundary]
outer_alpha = {alpha}
{more}"""

FUEL = {"a": (1.4, 0.010, 0.006, 0.4, 0.080, 0.12, 0.018), "b": (1.4, 0.0105, 0.007, 0.38, 0.090, 0.14, 0.017)}
WATER = {"w": (1.3, 0.003, 0.0, 0.28, 0.07, 0.0, 0.023)}
"""D1, absorption 1, nu-fission 1, D2, absorption 2, nu-fission 2, scattering 1 to 2."""


def two_groups(materials: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    rows = []
    for name, (d1, a1, f1, d2, a2, f2, s) in materials.items():
        for group, (d, a, f, out) in enumerate(((d1, a1, f1, s), (d2, a2, f2, 0.0)), start=1):
            rows.append(
                {
                    "material": name,
                    "group": group,
                    "diffusion_cm": d,
                    "sigma_a_per_cm": a,
                    "nu_sigma_f_per_cm": f,
                    "chi": 2 - group,
                    "sigma_s_to_g1_per_cm": 0,
                    "sigma_s_to_g2_per_cm": out,
                }
            )
    return rows


def write_core(
    folder: Path, rows: Sequence[str], materials: Sequence[Mapping[str, Any]], fuel: Sequence[str], more: str = "", **change: Any
) -> Path:
    """A core's TOML with its tables; ``rows`` of the map in words, "0" outside."""
    folder.mkdir(parents=True, exist_ok=True)
    groups = len({row["group"] for row in materials})
    given = {"groups": groups, "side": len(rows), "pitch": 20.0, "first": 10.0, "alpha": 0.5, "fuel": list(fuel)} | change
    (folder / "core.toml").write_text(TOML.format(more=more, **given), encoding="utf-8")
    cells = [{"row": i, "col": j, "material": name} for i, row in enumerate(rows) for j, name in enumerate(row.split())]
    for name, table in (("xs.csv", materials), ("map.csv", cells)):
        text = io.StringIO()
        writer = csv.DictWriter(text, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
        (folder / name).write_text(text.getvalue(), encoding="utf-8")
    return folder / "core.toml"


def small(folder: Path, **change: Any) -> Path:
    """Four by four, two kinds of fuel in a checkerboard."""
    rows = ["a b a w", "b a b w", "a b w w", "w w w 0"]
    return write_core(folder, rows, two_groups(FUEL | WATER), ["a", "b"], **change)


def core_at(path: Path) -> Core:
    return find_core(core_file(str(path)))
