"""Circuits to synthesise: some of our own in Verilog, the EPFL suite through DURE_DATA, anybody's file by its path."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from dure.cache import cache as cache_folder
from dure.domains.chip.ngspice import shut_in
from dure.errors import MissingPart, SimulationFailed, ValueRefused
from dure.i18n import _
from dure.problem import Need

__all__ = ["ABC", "CELLS", "EPFL", "OWN", "TO_AIGER", "YOSYS", "as_aiger", "called", "circuit_file", "foreign", "path_of"]

OWN = ("adder", "multiplier", "priority_encoder", "sorter", "alu", "fir_tap")
"""Circuits that come with the package, as Verilog."""

EPFL = ("adder", "cavlc", "dec", "i2c", "int2float", "max", "priority", "router", "sqrt")
"""Circuits of the EPFL suite (Amaru2015) that the folder chip/epfl of DURE_DATA holds, as AIGER."""


def _there(program: str) -> str:
    return shutil.which(program) or ""


YOSYS = Need("yosys", lambda: _there("yosys"), fix="apt-get install yosys")
ABC = Need("berkeley-abc", lambda: _there("berkeley-abc"), fix="apt-get install berkeley-abc")

KINDS = (".v", ".blif", ".aig")
"""Endings of the files that are read."""

_CHECKED = "proc; flatten; tribuf; select -assert-none t:$tribuf; select -assert-none t:$*ff* t:$*latch* t:$sr t:$mem*"
TO_AIGER = f"hierarchy -auto-top; {_CHECKED}; synth -flatten -auto-top; abc -g AND; opt_clean; aigmap; write_aiger -symbols"
"""What yosys does to Verilog, before the name of the AIGER file."""
_COMBINATIONAL = "the circuit has {what}, and recipes are for logic without memory; cut it at its registers"
_TRISTATE = "the circuit has tri-state logic (1'bz), which look-up tables have not; write it with multiplexers"

CELLS = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")
"""Standard cells of 0.18 um (Qflow2019), as Debian installs them; their terms do not let them be shipped."""


def path_of(circuit: str) -> Path:
    """The file of a circuit by its name, ``epfl-`` before those of the suite, or as ``circuit_file`` names one of the user's own.

    Raises:
        MissingPart: a circuit of the suite is not in DURE_DATA.
        ValueRefused: a file is no longer what its hash says.
    """
    if foreign(circuit):
        return Path(circuit_file(circuit).rpartition("#")[0])
    if not circuit.startswith("epfl-"):
        return Path(__file__).parent / "circuits" / f"{circuit}.v"
    name = circuit.removeprefix("epfl-")
    path = Path(os.environ.get("DURE_DATA", "")) / "chip/epfl" / f"{name}.aig"
    if not path.is_file():
        raise MissingPart(
            _("{circuit} is not in {folder}. Fix: export DURE_DATA=DIR, with the suite's files in DIR/chip/epfl").format(
                circuit=circuit, folder=path.parent
            )
        )
    return path


def foreign(circuit: str) -> bool:
    """Whether a circuit is a file of somebody's own, as ``circuit_file`` names it."""
    return circuit.rpartition("#")[0].endswith(KINDS)


def circuit_file(given: str) -> str:
    """A file as a setting names it for good: its path and a hash of what it holds.

    Raises:
        ValueRefused: there is no such file, it is of none of the kinds, or it is not what the hash in ``given`` says.
    """
    text, sign, known = given.rpartition("#") if foreign(given) else (given, "", "")
    path = Path(text).resolve()
    if sign and not path.is_file():
        raise ValueRefused(_("{path} is gone; put the file of {known} back there").format(path=path, known=known))
    if path.suffix in KINDS and not path.is_file():
        raise ValueRefused(_("there is no file {path}").format(path=path))
    if path.suffix not in KINDS:
        raise ValueRefused(
            _("{given!r} is neither one of {names} nor a file that ends in {kinds}").format(
                given=given, names=", ".join((*OWN, *(f"epfl-{name}" for name in EPFL))), kinds=", ".join(KINDS)
            )
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    if sign and known != digest:
        raise ValueRefused(
            _("{path} is no longer the file of {known}; restore it, or begin a new campaign").format(path=path, known=known)
        )
    return f"{path}#{digest}"


def called(command: list[str], folder: Path, timeout: float, *, shut: bool = False) -> str:
    """What a program prints, run in ``folder``; ``shut`` in there, without network and without any other file but the system's.

    Raises:
        SimulationFailed: it is not there, took longer than ``timeout`` seconds, was killed or ended with another code than 0.
        MissingPart: bubblewrap is not installed.
    """
    words = shut_in(command, folder) if shut else command
    try:
        done = subprocess.run(
            words, cwd=folder, capture_output=True, encoding="utf-8", errors="replace", timeout=timeout, check=False
        )
    except FileNotFoundError:
        raise SimulationFailed(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise SimulationFailed(f"{command[0]} was killed: not done after {timeout:g} s") from None
    text = done.stdout + done.stderr
    if done.returncode != 0:
        lines = text.strip().splitlines() or ["nothing said"]
        said = next((line for line in lines if "ERROR:" in line), lines[-1])
        raise SimulationFailed(f"{command[0]} ended with code {done.returncode}: {said}")
    return text


def as_aiger(path: Path, *, shut: bool = False) -> Path:
    """The circuit as an AIGER file: AIGER and BLIF as they are, Verilog by yosys once for each content.

    Verilog can read other files and call functions of the program that reads it: what is not ours is read ``shut`` in.

    Raises:
        SimulationFailed: yosys cannot read it, in its last words, or it is not logic alone: registers, latches, tri-state.
    """
    content = path.read_bytes()
    if path.suffix != ".v":
        if latches := _latches(content, path.suffix):
            raise SimulationFailed(_COMBINATIONAL.format(what=f"{latches} latches"))
        return path
    if b"module" not in content:
        raise SimulationFailed(f"{path.name} holds no module")
    kept = cache_folder() / "aiger" / f"{path.stem}-{hashlib.sha256(content + TO_AIGER.encode()).hexdigest()[:16]}.aig"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="new-", dir=kept.parent) as scratch:
            script = f"read_verilog circuit.v; {TO_AIGER} circuit.aig"
            shutil.copyfile(path, Path(scratch) / "circuit.v")
            try:
                called(["yosys", "-q", "-p", script], Path(scratch), 120.0, shut=shut)
            except SimulationFailed as error:
                if "selection is not empty" not in str(error):
                    raise
                tristate = "$tribuf" in str(error)
                raise SimulationFailed(
                    _TRISTATE if tristate else _COMBINATIONAL.format(what="registers, latches or memories")
                ) from None
            os.replace(Path(scratch) / "circuit.aig", kept)
    return kept


def _latches(content: bytes, kind: str) -> int:
    """How many an AIGER file's header counts, or a BLIF file declares."""
    if kind == ".blif":
        return sum(line.split()[:1] == [b".latch"] for line in content.splitlines())
    head = content.split(b"\n", 1)[0].split()
    return int(head[3]) if len(head) > 3 and head[3].isdigit() else 0
