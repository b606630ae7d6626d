"""One batch run of ngspice: a deck in, figures and curves out, every way of failing told apart."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dure.errors import MissingPart, SimulationFailed
from dure.i18n import _
from dure.problem import Need
from dure.sandbox import there, walls

__all__ = ["BUBBLEWRAP", "NGSPICE", "Printed", "run", "run_foreign", "shut_in"]

_FIGURE = re.compile(r"^(\S+) = ([-+]?\d\S*)\s*$", re.MULTILINE)
_FOREIGN = re.compile(r"^[ \t]*(\w+)[ \t]*=[ \t]*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(?=\s|$)", re.MULTILINE | re.IGNORECASE)
_NO_CONVERGENCE = re.compile(
    r"singular matrix|timestep too small|iteration limit|no convergence|op simulation\(s\) aborted|simulation\(s\) aborted", re.I
)
_ERROR = re.compile(r"^\s*(?:fatal )?error.*$", re.I | re.MULTILINE)
_COMPLAINT = re.compile(r"^.*(?:error|failed|unknown|undefined|unable|could not|can't|no such|not found).*$", re.I | re.MULTILINE)
_START = "set num_threads=1\n"
_MOST_SAID = 4 << 20
"""Letters of a run's output that are read."""
_BOUNDS = ("prlimit", "--as=4294967296", "--fsize=33554432", "--core=0", "--")


@cache
def _version() -> str:
    program = shutil.which("ngspice")
    if program is None:
        return ""
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"ngspice-(\S+)", text)
    return f"ngspice {found[1]} ({program})" if found else program


NGSPICE = Need("ngspice", _version, fix="apt-get install ngspice")
BUBBLEWRAP = Need("bubblewrap", lambda: there() or "", fix="apt-get install bubblewrap")


@dataclass(frozen=True)
class Printed:
    """What a run printed: ``figures`` by name, tables of numbers by file, and the whole text."""

    figures: Mapping[str, float]
    tables: Mapping[str, NDArray[np.float64]]
    text: str

    def figure(self, name: str, reason: str) -> float:
        """The figure ``name``.

        Raises:
            SimulationFailed: it is not there, or no number; says ``reason``, or that there was no convergence.
        """
        value = self.figures.get(name)
        if value is None or not np.isfinite(value):
            if stuck := _NO_CONVERGENCE.search(self.text):
                raise SimulationFailed(f"no convergence: {stuck[0].lower()}")
            raise SimulationFailed(reason)
        return value


def shut_in(command: Sequence[str], folder: Path) -> list[str]:
    """A command on somebody's file, behind walls and within bounds, with ``folder`` as the only place it may write to.

    Raises:
        MissingPart: bubblewrap is not installed.
    """
    return [*_BOUNDS, *walls(write=folder), *command]


def run(deck: str, *, tables: Sequence[str] = (), timeout: float = 60.0, cpu: int = 60) -> Printed:
    """Run ``deck`` in a folder of its own and read the ``tables`` it writes.

    Raises:
        SimulationFailed: ngspice could not start, was killed, took longer than ``timeout`` seconds or ``cpu`` seconds of
            processor time, where the system can bound them, or refused the deck.
    """
    with tempfile.TemporaryDirectory(prefix="dure-") as scratch:
        folder = Path(scratch)
        _write(folder, {"deck.sp": deck, ".spiceinit": _START})
        if shutil.which("ngspice") is None:
            raise SimulationFailed("ngspice is not installed")
        bound = ("prlimit", f"--cpu={cpu}:{cpu + 5}", "--") if shutil.which("prlimit") else ()
        text = _said([*bound, "ngspice", "-b", "deck.sp"], folder, timeout)
        figures = {name: float(value) for name, value in _FIGURE.findall(text)}
        if not figures:
            said = _ERROR.search(text)
            stuck = _NO_CONVERGENCE.search(text)
            reason = f"no convergence: {stuck[0].lower()}" if stuck else (said[0].strip() if said else "it printed nothing")
            raise SimulationFailed(reason if stuck else f"ngspice gave no figures: {reason}")
        read = {name: np.loadtxt(folder / name, ndmin=2) for name in tables if (folder / name).exists()}
    return Printed(figures, read, text)


def run_foreign(deck: str, files: Mapping[str, str], wanted: Sequence[str], *, timeout: float) -> Mapping[str, float]:
    """Run somebody's deck behind walls, without network and with no file but its own, and read the ``wanted`` figures.

    A netlist may run commands and read any file its user can; looking for that in its text is no defence.

    Raises:
        SimulationFailed: as ``run``, or a figure is missing; ends in what ngspice complained about.
        MissingPart: bubblewrap is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="dure-") as scratch:
        folder = Path(scratch)
        _write(folder, {"netlist.sp": deck, ".spiceinit": _START, **files})
        text = _said(shut_in(["ngspice", "-b", "netlist.sp"], folder), folder, timeout)
    figures = {name.lower(): float(value) for name, value in _FOREIGN.findall(text)}
    missing = [name for name in wanted if not np.isfinite(figures.get(name.lower(), np.nan))]
    if missing:
        lines = dict.fromkeys(" ".join(line.split()) for line in _COMPLAINT.findall(text))
        said = sorted((one for one in lines if not one.endswith("ignored")), key=lambda one: not one.lower().startswith("error"))
        # That a simulation was aborted follows any complaint, and is the reason only where there is no other.
        stuck = next((one for one in _NO_CONVERGENCE.finditer(text) if "abort" not in one[0].lower() or not said), None)
        why = f"no convergence: {stuck[0].lower()}" if stuck else "; ".join(said[:3])[:400] or "ngspice said nothing about it"
        raise SimulationFailed(f"missing measure: {', '.join(missing)} ({why})")
    return {name: figures[name.lower()] for name in wanted}


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def _said(command: Sequence[str], folder: Path, timeout: float) -> str:
    """What a command printed, as far as it is read; kept in files, so that a flood of output takes no memory."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            done = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, timeout=timeout, check=False
            )
        except FileNotFoundError:
            raise SimulationFailed(f"{command[0]} is not installed") from None
        except subprocess.TimeoutExpired:
            raise SimulationFailed(f"ngspice was killed: not done after {timeout:g} s") from None
        said = []
        for stream in (output, errors):
            stream.seek(0)
            said.append(stream.read(_MOST_SAID).decode("utf-8", errors="replace"))
    # Bubblewrap tells of a signal as shells do.
    number = -done.returncode if done.returncode < 0 else done.returncode - 128
    if number in set(signal.Signals):
        raise SimulationFailed(f"ngspice was killed by {signal.Signals(number).name}")
    text = "".join(said)
    if done.returncode and not said[0] and text.startswith("bwrap:"):
        raise MissingPart(_("bubblewrap cannot shut anything in here: {said}").format(said=text.splitlines()[0]))
    return text
