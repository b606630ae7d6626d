"""chip/synthesis: which recipe of ABC's passes makes a circuit small and shallow in look-up tables of six inputs?"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dure.domains.chip.circuits import ABC, CELLS, EPFL, OWN, TO_AIGER, YOSYS, as_aiger, called, circuit_file, foreign, path_of
from dure.domains.chip.ngspice import BUBBLEWRAP
from dure.errors import SimulationFailed
from dure.i18n import N_
from dure.problem import Check, Fidelity, Problem, choice, design, minimise, outcome, reported, sequence, setting

__all__ = ["PASSES", "RESYN2", "Circuit", "Mapped", "Recipe", "map_circuit", "map_to_cells", "problem"]

PASSES = (
    *("balance", "rewrite", "rewrite -z", "refactor", "refactor -z"),
    *("resub -K 8", "resub -K 8 -z", "resub -K 12", "dc2"),
)
"""What one step of a recipe may be, as ABC calls it (Abc2022)."""

RESYN2 = (
    *("balance", "rewrite", "refactor", "balance", "rewrite"),
    *("rewrite -z", "balance", "refactor -z", "rewrite -z", "balance"),
)
"""ABC's own recipe of that name."""

STEPS = 20
_TIMEOUT = 120.0
_STATS = re.compile(r"and\s*=\s*(\d+).*?lev\s*=\s*(\d+)")
_UNDRIVEN = re.compile(r"Constant-0 drivers added to (\d+) non-driven nets[^\n]*?:\s*([^\n]*)")
_LEVELS = re.compile(r"\bnd\s*=\s*\d+.*?lev\s*=\s*(\d+)")
_TIMED = re.compile(r"Area\s*=\s*([\d.]+).*?Delay\s*=\s*([\d.]+)")
_TO_CELLS = ("map -B 0.9", "topo", "buffer -c", "topo", "upsize", "dnsize", "stime")
"""Unbuffered and unsized, a netlist's delay says nothing."""


@design
class Recipe:
    """Passes in order, twenty at most."""

    passes: tuple[str, ...] = sequence(*PASSES, most=STEPS, help=N_("passes of the recipe, made in order"))


@setting
class Circuit:
    """Which circuit."""

    circuit: str = choice(
        *OWN,
        *(f"epfl-{name}" for name in EPFL),
        others=circuit_file,
        default="alu",
        help=N_("one of ours or of the EPFL suite, or a file of one's own: Verilog, BLIF or AIGER"),
    )


@outcome
class Mapped:
    """The circuit in look-up tables, equivalent to the one given."""

    luts: float = minimise(unit="1", positive=True, help=N_("look-up tables, of two to six inputs"))
    levels: float = minimise(unit="1", positive=True, help=N_("levels, tables on the longest path"))
    nodes: float = reported(unit="1", help=N_("nodes as ABC counts them, with constants, buffers and inverters"))
    ands: float = reported(unit="1", help=N_("AND gates before mapping"))
    depth: float = reported(unit="1", help=N_("levels before mapping"))
    area: float | None = reported(unit="um**2", default=None, help=N_("area of standard cells, where they were mapped to"))
    delay: float | None = reported(unit="ps", default=None, help=N_("delay of standard cells, buffered and sized, without wires"))


def map_circuit(path: Path, passes: Sequence[str], *, timeout: float = _TIMEOUT, shut: bool = False) -> Mapped:
    """Apply ``passes``, map, and prove the result equivalent to the circuit in ``path``, inputs and outputs matched by order.

    Raises:
        SimulationFailed: a program failed or took too long, or equivalence was not proven.
    """
    return _mapped(path, passes, timeout=timeout, shut=shut)[0]


def _mapped(path: Path, passes: Sequence[str], *, timeout: float = _TIMEOUT, shut: bool = False) -> tuple[Mapped, str]:
    """See ``map_circuit``; and the tables as BLIF."""
    source = as_aiger(path, shut=shut)
    with tempfile.TemporaryDirectory(prefix="dure-") as scratch:
        folder = Path(scratch)
        given = f"given{source.suffix}"
        shutil.copyfile(source, folder / given)
        steps = [f"read {given}", "strash", *passes, "print_stats", "if -K 6", "print_stats", "write_blif mapped.blif"]
        text = called(["berkeley-abc", "-q", "; ".join(steps)], folder, timeout, shut=shut)
        if undriven := _UNDRIVEN.search(text):
            raise SimulationFailed(f"nothing drives {undriven[1]} of the circuit's nets: {undriven[2].strip()}")
        before, levels = _STATS.search(text), _LEVELS.search(text)
        if before is None or levels is None or not (folder / "mapped.blif").exists():
            raise SimulationFailed(f"berkeley-abc mapped nothing: {(text.strip().splitlines() or ['nothing said'])[-1]}")
        proof = called(["berkeley-abc", "-q", f"cec -n {given} mapped.blif"], folder, timeout, shut=shut)
        if "Networks are equivalent" not in proof:
            raise SimulationFailed(f"equivalence was not proven: {(proof.strip().splitlines() or ['nothing said'])[-1]}")
        blif = (folder / "mapped.blif").read_text("utf-8")
    inputs = inputs_of_nodes(blif)
    luts = sum(count >= 2 for count in inputs)
    if not luts:
        raise SimulationFailed("nothing is left to map: every output is a constant, an input or its inverse")
    return Mapped(luts=luts, levels=int(levels[1]), nodes=len(inputs), ands=int(before[1]), depth=int(before[2])), blif


def map_to_cells(path: Path, passes: Sequence[str], *, timeout: float = _TIMEOUT, shut: bool = False) -> tuple[float, float]:
    """Area in um2 and delay in ps after ``passes``, in standard cells that were buffered, sized and proven equivalent.

    Raises:
        SimulationFailed: as ``map_circuit``, or the cells are not installed.
    """
    if not CELLS.is_file():
        raise SimulationFailed(f"{CELLS} is not there. Fix: apt-get install qflow-tech-osu018")
    source = as_aiger(path, shut=shut)
    with tempfile.TemporaryDirectory(prefix="dure-") as scratch:
        given = f"given{source.suffix}"
        shutil.copyfile(source, Path(scratch) / given)
        steps = [f"read_lib {CELLS}", f"read {given}", "strash", *passes, *_TO_CELLS, f"cec -n {given}"]
        text = called(["berkeley-abc", "-q", "; ".join(steps)], Path(scratch), timeout, shut=shut)
    timed = _TIMED.findall(text)
    if "Networks are equivalent" not in text or not timed:
        raise SimulationFailed(f"equivalence was not proven: {(text.strip().splitlines() or ['nothing said'])[-1]}")
    return float(timed[-1][0]), float(timed[-1][1])


def inputs_of_nodes(blif: str) -> list[int]:
    """How many inputs each node of a BLIF text has: those of none or one are constants, buffers and inverters, no tables."""
    lines = blif.replace("\\\n", " ").splitlines()
    return [len(line.split()) - 2 for line in lines if line.startswith(".names")]


def simulate(recipe: Recipe, circuit: Circuit, *, fidelity: str) -> Mapped:
    """One recipe on one circuit."""
    path, shut = path_of(circuit.circuit), foreign(circuit.circuit)
    mapped = map_circuit(path, recipe.passes, shut=shut)
    if fidelity == "cells":
        area, delay = map_to_cells(path, recipe.passes, shut=shut)
        return replace(mapped, area=area, delay=delay)
    return mapped


def export(recipe: Recipe, circuit: Circuit, _answer: Mapped) -> Mapping[str, str]:
    """The recipe as a script for ABC, and the circuit in look-up tables."""
    passes = "\n".join(recipe.passes)
    path = path_of(circuit.circuit)
    read = f"read {path.name}"
    head = [f"# {circuit.circuit}: berkeley-abc -q '{read}; strash; source recipe.abc'"]
    if path.suffix == ".v":
        read = f"read {path.stem}.aig"
        head = [
            f"# yosys -p 'read_verilog {path.name}; {TO_AIGER} {path.stem}.aig'",
            f"# berkeley-abc -q '{read}; strash; source recipe.abc'",
        ]
    _same, blif = _mapped(path, recipe.passes, shut=foreign(circuit.circuit))
    lines = [line for line in blif.splitlines() if not line.startswith("#")]  # which say when it was written
    return {"recipe.abc": "\n".join([*head, passes, "if -K 6", "print_stats", ""]), "circuit.blif": "\n".join([*lines, ""])}


def members(circuit: Circuit) -> dict[str, Any]:
    """A file of one's own is read behind walls."""
    return {"needs": (YOSYS, ABC, BUBBLEWRAP) if foreign(circuit.circuit) else (YOSYS, ABC)}


problem = Problem(
    name="chip/synthesis",
    version="3",
    question=N_("Which recipe makes this circuit small and shallow in look-up tables of six inputs?"),
    design=Recipe,
    setting=Circuit,
    outcome=Mapped,
    simulate=simulate,
    members=members,
    needs=(YOSYS, ABC, replace(BUBBLEWRAP, optional=True)),
    starts=(Recipe(passes=RESYN2), Recipe(passes=RESYN2 * 2), Recipe(passes=())),
    fidelities=(Fidelity("lut6", help=N_("passes, mapping to six inputs, and the proof of equivalence")),),
    beyond=(Fidelity("cells", 2.0, help=N_("as lut6, and mapped to standard cells of 0.18 um, buffered and sized")),),
    checks=(Check(N_("standard cells"), "cells", help=N_("area and delay in cells of osu018, proven equivalent as well")),),
    runs=60,
    control_runs=20,
    timeout=600.0,
    cites=("Abc2022", "Amaru2015", "Qflow2019"),
    hazards=(N_("Look-up tables, cells and levels come before placement and routing, which may rank recipes otherwise."),),
    export=export,
)
