"""An amplifier as one netlist that runs in anybody's ngspice and prints the figures of the bench."""

from __future__ import annotations

from dure.domains.chip.bench import Point, deck, flat_models
from dure.domains.chip.devices import Amplifier

__all__ = ["netlist"]

_NOTICE = """\
* Run: ngspice -b winner.sp
* The amplifier lies between the nodes inp, inm, out, vdd and 0; the rest is its bench. Figures end in _0: idd (A), offset (V),
* gain (dB), ugf (Hz), phase (degrees, at unity gain), beyond (dB, where the phase is -180), rise_time and fall_time (s),
* settled (s), supply_gain and common_gain (dB), noise (V/sqrt(Hz), at 10 kHz), swing (V), and each transistor at rest.
* Errors about dbm and beyond say that the phase does not reach -180 degrees at any frequency of the bench.
* Model cards: {notice}, Apache License 2.0
* (https://www.apache.org/licenses/LICENSE-2.0); changed: cut to the bins used here, expressions worked out, mismatch left out.
"""


def netlist(amplifier: Amplifier, point: Point, *, load: float) -> str:
    """The deck at the typical corner, models and all; ``load`` in F."""
    process = amplifier.process
    models = _NOTICE.format(notice=process.notice) + flat_models(process, amplifier.devices, "tt")
    return deck(amplifier, models, [point], load=load, title=f"{amplifier.topology}, sized by Dure; typical corner")
