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

from dure.errors import SimulationFailed
from dure.problem import Need

__all__ = ["NGSPICE", "Printed", "run"]

_FIGURE = re.compile(r"^(\S+) = ([-+]?\d\S*)\s*$", re.MULTILINE)
_NO_CONVERGENCE = re.compile(
    r"singular matrix|timestep too small|iteration limit|no convergence|op simulation\(s\) aborted|simulation\(s\) aborted", re.I
)
_ERROR = re.compile(r"^\s*(?:fatal )?error.*$", re.I | re.MULTILINE)
_START = "set num_threads=1\n"


@cache
def _version() -> str:
    program = shutil.which("ngspice")
    if program is None:
        return ""
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"ngspice-(\S+)", text)
    return f"ngspice {found[1]} ({program})" if found else program


NGSPICE = Need("ngspice", _version, fix="apt-get install ngspice")


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


def run(deck: str, *, files: Mapping[str, str] | None = None, tables: Sequence[str] = (), timeout: float = 60.0) -> Printed:
    """Run ``deck`` in a folder of its own, with ``files`` beside it, and read the ``tables`` it writes.

    Raises:
        SimulationFailed: ngspice could not start, was killed, took longer than ``timeout`` seconds or refused the deck.
    """
    with tempfile.TemporaryDirectory(prefix="dure-") as scratch:
        folder = Path(scratch)
        for name, text in {"deck.sp": deck, ".spiceinit": _START, **(files or {})}.items():
            (folder / name).write_text(text, encoding="utf-8")
        try:
            done = subprocess.run(
                ["ngspice", "-b", "deck.sp"],
                cwd=folder,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError:
            raise SimulationFailed("ngspice is not installed") from None
        except subprocess.TimeoutExpired:
            raise SimulationFailed(f"ngspice was killed: not done after {timeout:g} s") from None
        text = done.stdout + done.stderr
        if done.returncode < 0:
            raise SimulationFailed(f"ngspice was killed by {signal.Signals(-done.returncode).name}")
        figures = {name: float(value) for name, value in _FIGURE.findall(text)}
        if not figures:
            said = _ERROR.search(text)
            stuck = _NO_CONVERGENCE.search(text)
            reason = f"no convergence: {stuck[0].lower()}" if stuck else (said[0].strip() if said else "it printed nothing")
            raise SimulationFailed(reason if stuck else f"ngspice gave no figures: {reason}")
        read = {name: np.loadtxt(folder / name, ndmin=2) for name in tables if (folder / name).exists()}
    return Printed(figures, read, text)
