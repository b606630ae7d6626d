"""Cores as files: materials by group, the map, and what is published about them; refused at the door where they cannot be.

A core is a TOML file that names two tables beside it. It describes a quarter of the core: row 0 and column 0 run through the
middle of the core and hold half assemblies. Lengths are in cm, cross sections in 1/cm.
"""

from __future__ import annotations

import csv
import hashlib
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.errors import InputError, ValueRefused
from dure.i18n import _

__all__ = ["CORES", "OUTSIDE", "Core", "Material", "core_file", "find_core"]

CORES = ("biblis", "iaea", "koeberg")
OUTSIDE = "0"
"""The void material: what lies outside the problem."""

_PLAUSIBLE: Mapping[str, tuple[float, float]] = {
    "diffusion": (0.05, 10.0),
    "absorption": (0.0, 5.0),
    "nu_fission": (0.0, 5.0),
    "scatter": (0.0, 5.0),
}
"""In cm and 1/cm; fissile materials and moderators lie far inside, and figures in m or in barn far outside."""
_PITCH = (1.0, 60.0)
_MOST_BUCKLING = 0.01
_MOST_K = 2.5

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Material:
    """Constants of one material, one value a group, group 1 the fastest.

    Attributes:
        diffusion: cm. absorption, nu_fission: 1/cm.
        chi: share of fission neutrons born in each group.
        scatter: ``scatter[g][h]``, 1/cm, from group g to h; within a group 0.
    """

    name: str
    diffusion: tuple[float, ...]
    absorption: tuple[float, ...]
    nu_fission: tuple[float, ...]
    chi: tuple[float, ...]
    scatter: tuple[tuple[float, ...], ...]

    @property
    def fissile(self) -> bool:
        """Whether it produces neutrons."""
        return any(self.nu_fission)

    def k_infinity(self, buckling: float = 0.0) -> float:
        """Multiplication of an endless block of it, by its group balance; ``buckling`` in 1/cm²."""
        scatter = np.array(self.scatter)
        losses = np.diag(np.array(self.absorption) + np.array(self.diffusion) * buckling + scatter.sum(1)) - scatter.T
        return float(np.array(self.nu_fission) @ np.linalg.solve(losses, np.array(self.chi)))


@dataclass(frozen=True, eq=False)
class Core:
    """A quarter of a core.

    Attributes:
        materials: by name. map: names by row and column, ``OUTSIDE`` where there is nothing.
        pitch, first: widths of an assembly and of the cells of row 0 and column 0, cm.
        alpha: ``D dphi/dn = -alpha phi`` at the outer edge. buckling: axial, 1/cm².
        fuel: names of fuel. fixed: fuel that a loading leaves where it is. forbidden: places by fuel where it must not stand.
        rods: places with a control rod, as ``loading.place`` names them. inserted: those of them in at zero power.
        reference: published values by name; ``powers`` published assembly powers by row and column.
    """

    name: str
    materials: Mapping[str, Material]
    map: tuple[tuple[str, ...], ...]
    pitch: float
    first: float
    alpha: float
    buckling: float
    fuel: tuple[str, ...]
    fixed: tuple[str, ...]
    forbidden: Mapping[str, tuple[str, ...]]
    rods: tuple[str, ...]
    inserted: tuple[str, ...]
    reference: Mapping[str, float]
    powers: Mapping[tuple[int, int], float]

    @property
    def groups(self) -> int:
        """How many energy groups."""
        return len(next(iter(self.materials.values())).diffusion)

    @cached_property
    def grid(self) -> NDArray[np.str_]:
        """The map as an array of names."""
        return np.array(self.map)

    @property
    def octant(self) -> bool:
        """Whether the map is its own mirror image about the diagonal."""
        return bool((self.grid == self.grid.T).all())


@cache
def find_core(name: str) -> Core:
    """A core of the package, or of a file as ``core_file`` names it.

    Raises:
        ValueRefused: the file is not one of a core, or is no longer what it was.
    """
    if name in CORES:
        with resources.as_file(resources.files("dure.domains.reactor") / "cores") as folder:
            return _read(folder / f"{name}.toml")
    return _read(Path(core_file(name).rpartition("#")[0]))


def core_file(given: str) -> str:
    """A core's file as a setting names it for good: its path and a hash of what it and its tables hold.

    Raises:
        ValueRefused: there is no such file, it is not one of a core, or it is not what the hash in ``given`` says.
    """
    text, sign, known = given.rpartition("#") if given.rpartition("#")[0].endswith(".toml") else (given, "", "")
    path = Path(text).resolve()
    if path.suffix != ".toml" or not path.is_file():
        raise ValueRefused(
            _("{given!r} is neither one of {cores} nor a TOML file of a core").format(given=given, cores=", ".join(CORES))
        )
    _read(path)
    tables = [path.parent / name for key, name in sorted(_toml(path).items()) if key in _TABLES]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in (path, *tables))).hexdigest()[:16]
    if sign and known != digest:
        raise ValueRefused(
            _("{path} is no longer the file of {known}; restore it, or begin a new campaign").format(path=path, known=known)
        )
    return f"{path}#{digest}"


_TABLES = ("cross_sections", "map", "powers")


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueRefused(_("{path} cannot be read: {error}").format(path=path, error=error)) from None


class _Sheet:
    """A core's TOML; every refusal names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = _toml(path)

    def refuse(self, said: str) -> InputError:
        return ValueRefused(f"{self.path}: {said}")

    def get(self, section: str, key: str, default: Any = None) -> Any:
        found = self.data.get(section, {}).get(key, default) if section else self.data.get(key, default)
        if found is None:
            raise self.refuse(_("{key} is missing").format(key=f"{section}.{key}" if section else key))
        return found

    def number(self, section: str, key: str, low: float, high: float, unit: str, default: float | None = None) -> float:
        given = self.get(section, key, default)
        if not isinstance(given, (int, float)) or isinstance(given, bool) or not low <= given <= high:
            raise self.refuse(
                _("{key} = {given} is not a number from {low} to {high} {unit}; is it in another unit?").format(
                    key=f"{section}.{key}", given=given, low=low, high=high, unit=unit
                )
            )
        return float(given)

    def names(self, section: str, key: str) -> tuple[str, ...]:
        return tuple(str(one) for one in self.get(section, key, ()))

    def table(self, key: str, columns: Sequence[str]) -> list[dict[str, str]]:
        file = self.path.parent / str(self.get("", key))
        try:
            with file.open(encoding="utf-8", newline="") as lines:
                rows = list(csv.DictReader(lines))
        except OSError as error:
            raise self.refuse(_("{path} cannot be read: {error}").format(path=file, error=error)) from None
        missing = [name for name in columns if not rows or name not in rows[0]]
        if missing:
            raise self.refuse(_("{file} lacks the columns {names}").format(file=file.name, names=", ".join(missing)))
        return rows

    def value(self, row: Mapping[str, str], column: str) -> float:
        try:
            found = float(row[column])
        except (TypeError, ValueError):
            found = math.nan
        if not math.isfinite(found):
            raise self.refuse(_("{column} = {given!r} is not a number").format(column=column, given=row[column]))
        return found


def _read(path: Path) -> Core:
    sheet = _Sheet(path)
    groups = sheet.get("", "groups")
    if not isinstance(groups, int) or groups < 1:
        raise sheet.refuse(_("groups = {given!r} is not a whole number of at least 1").format(given=groups))
    materials = {one.name: one for one in _materials(sheet, groups)}
    void = str(sheet.get("geometry", "void_material", 0))
    core = Core(
        name=str(sheet.get("", "name")),
        materials=materials,
        map=_map(sheet, void),
        pitch=sheet.number("geometry", "assembly_pitch_cm", *_PITCH, "cm"),
        first=sheet.number("geometry", "first_cell_cm", *_PITCH, "cm"),
        alpha=sheet.number("boundary", "outer_alpha", 0.0, 1e6, ""),
        buckling=sheet.number("buckling", "axial_b2_per_cm2", 0.0, _MOST_BUCKLING, "1/cm²", 0.0),
        fuel=sheet.names("geometry", "fuel_materials"),
        fixed=sheet.names("loading", "fixed_materials"),
        forbidden={
            str(one["material"]): tuple(one["places"]) for one in sheet.get("loading", "forbidden", ()) if "material" in one
        },
        rods=sheet.names("rods", "places"),
        inserted=sheet.names("rods", "inserted"),
        reference={
            key: float(value) for key, value in sheet.data.get("reference", {}).items() if isinstance(value, (int, float))
        },
        powers=_powers(sheet) if "powers" in sheet.data else {},
    )
    _check(sheet, core)
    return core


def _materials(sheet: _Sheet, groups: int) -> Iterator[Material]:
    scatter = [f"sigma_s_to_g{group}_per_cm" for group in range(1, groups + 1)]
    rows = sheet.table("cross_sections", ["material", "group", "sigma_a_per_cm", "nu_sigma_f_per_cm", "chi", *scatter])
    if not {"diffusion_cm", "sigma_tr_per_cm"} & set(rows[0]):
        raise sheet.refuse(_("the cross sections give neither diffusion_cm nor sigma_tr_per_cm; give one of them"))
    by_name: dict[str, dict[int, dict[str, str]]] = {}
    for row in rows:
        by_name.setdefault(row["material"], {})[int(sheet.value(row, "group"))] = row
    for name, given in by_name.items():
        if sorted(given) != list(range(1, groups + 1)):
            raise sheet.refuse(
                _("material {name} has groups {given}; give each of 1 to {groups} once").format(
                    name=name, given=sorted(given), groups=groups
                )
            )
        ordered = [given[group] for group in sorted(given)]

        def column(key: str, rows: Sequence[Mapping[str, str]] = ordered) -> tuple[float, ...]:
            return tuple(sheet.value(row, key) for row in rows)

        made = Material(
            name=name,
            diffusion=tuple(_diffusion(sheet, name, row) for row in ordered),
            absorption=column("sigma_a_per_cm"),
            nu_fission=column("nu_sigma_f_per_cm"),
            chi=column("chi"),
            # Scattering within a group changes nothing in diffusion.
            scatter=tuple(
                tuple(0.0 if g == h else sheet.value(row, key) for h, key in enumerate(scatter)) for g, row in enumerate(ordered)
            ),
        )
        _check_material(sheet, made)
        yield made


def _diffusion(sheet: _Sheet, name: str, row: Mapping[str, str]) -> float:
    """D as given, or a third of the transport mean free path; where both are given they must agree."""
    if "sigma_tr_per_cm" not in row:
        return sheet.value(row, "diffusion_cm")
    transport = sheet.value(row, "sigma_tr_per_cm")
    if "diffusion_cm" not in row:
        if transport <= 0:
            raise sheet.refuse(_("material {name}: sigma_tr {given} is not above 0").format(name=name, given=transport))
        return 1 / (3 * transport)
    given = sheet.value(row, "diffusion_cm")
    if abs(3 * given * transport - 1) > _AGREE:
        raise sheet.refuse(
            _("material {name}: D = {given} cm and sigma_tr = {transport} 1/cm do not agree as D = 1/(3 sigma_tr)").format(
                name=name, given=given, transport=transport
            )
        )
    return given


_AGREE = 0.02


def _check_material(sheet: _Sheet, one: Material) -> None:
    for key, (low, high) in _PLAUSIBLE.items():
        for value in np.ravel(getattr(one, key)):
            if value < 0:
                raise sheet.refuse(_("material {name}: {key} {given} is negative").format(name=one.name, key=key, given=value))
            if not low <= value <= high:
                raise sheet.refuse(
                    _(
                        "material {name}: {key} {given} lies outside {low} to {high}; give lengths in cm and sections in 1/cm"
                    ).format(name=one.name, key=key, given=value, low=low, high=high)
                )
    if min(one.chi) < 0 or (one.fissile and abs(sum(one.chi) - 1) > 1e-3):
        raise sheet.refuse(_("material {name}: chi {given} does not add up to 1").format(name=one.name, given=one.chi))
    if not any(one.absorption):
        raise sheet.refuse(_("material {name} absorbs nothing; give sigma_a").format(name=one.name))


def _map(sheet: _Sheet, void: str) -> tuple[tuple[str, ...], ...]:
    rows = sheet.table("map", ["row", "col", "material"])
    cells = {(int(sheet.value(row, "row")), int(sheet.value(row, "col"))): row["material"] for row in rows}
    side = 1 + max(max(place) for place in cells)
    missing = [(i, j) for i in range(side) for j in range(side) if (i, j) not in cells]
    if missing or len(cells) != len(rows) or side != sheet.get("geometry", "cells_per_side", side):
        raise sheet.refuse(
            _(
                "the map has {cells} cells and does not fill a square of {side} by {side}; give each cell once, {void} outside"
            ).format(cells=len(rows), side=sheet.get("geometry", "cells_per_side", side), void=void)
        )
    return tuple(tuple(OUTSIDE if cells[i, j] == void else cells[i, j] for j in range(side)) for i in range(side))


def _powers(sheet: _Sheet) -> dict[tuple[int, int], float]:
    rows = sheet.table("powers", ["row", "col"])
    column = next((name for name in rows[0] if name.startswith("power")), None)
    if column is None:
        raise sheet.refuse(_("{file} lacks the columns {names}").format(file=sheet.data["powers"], names="power"))
    return {(int(row["row"]), int(row["col"])): sheet.value(row, column) for row in rows}


def _check(sheet: _Sheet, core: Core) -> None:
    standing = {name for row in core.map for name in row} - {OUTSIDE}
    for name in sorted({*standing, *core.fuel, *core.fixed, *core.forbidden} - set(core.materials)):
        raise sheet.refuse(
            _("material {name} has no cross sections; the library holds {known}").format(
                name=name, known=", ".join(sorted(core.materials))
            )
        )
    if not math.isclose(2 * core.first, core.pitch, rel_tol=1e-6):
        raise sheet.refuse(
            _(
                "first_cell_cm = {first} is not half of assembly_pitch_cm = {pitch}; row 0 and column 0 run through the middle"
            ).format(first=core.first, pitch=core.pitch)
        )
    if not set(core.fuel) & standing:
        raise sheet.refuse(_("no fuel stands on the map; name it in geometry.fuel_materials"))
    for name in sorted(standing):
        one = core.materials[name]
        multiplies = one.k_infinity(core.buckling)
        if name not in core.fuel and one.fissile:
            raise sheet.refuse(
                _("material {name} is no fuel and multiplies by {k:.3f}; a reflector has no fission").format(
                    name=name, k=multiplies
                )
            )
        if name in core.fuel and not 0 < multiplies < _MOST_K:
            raise sheet.refuse(
                _("fuel {name} multiplies by {k:.3f} in an endless lattice; check its cross sections and their units").format(
                    name=name, k=multiplies
                )
            )
