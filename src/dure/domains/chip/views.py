"""What a run of the bench shows beside its figures: curves over corners, specs by corner, transistors at rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.domains.chip.bench import Point
from dure.domains.chip.devices import Amplifier
from dure.domains.chip.measure import LARGER_IS_WORSE, Run, worst
from dure.i18n import N_
from dure.problem import Fan, Sheet

__all__ = ["titled", "views"]

_MOST_POINTS = 91
_SPECS = {
    "current": N_("supply current (µA)"),
    "gain": N_("gain (dB)"),
    "gbw": N_("unity-gain frequency (MHz)"),
    "phase_margin": N_("phase margin (°)"),
    "gain_margin": N_("gain margin (dB)"),
    "slew": N_("slew rate (V/µs)"),
    "settling": N_("settling time (ns)"),
    "cmrr": N_("common-mode rejection (dB)"),
    "psrr": N_("supply rejection (dB)"),
    "offset": N_("offset (mV)"),
    "swing": N_("output swing (%)"),
    "noise": N_("input noise (nV/√Hz)"),
    "saturation": N_("saturation margin (mV)"),
}
_ROLES = {
    "bias": N_("bias"),
    "tail": N_("tail"),
    "pair": N_("input pair"),
    "load": N_("load"),
    "driver": N_("driver"),
    "sink": N_("sink"),
    "source": N_("source"),
    "ncascode": N_("NMOS cascode"),
    "pcascode": N_("PMOS cascode"),
}


def views(amplifier: Amplifier, runs: Mapping[str, Run], points: Sequence[Point]) -> tuple[Fan | Sheet, ...]:
    """Bode and step plots with a line a corner at the first point, the worst specs of each corner, and the transistors."""
    return (*_fans(runs), _specs(runs, points), _devices(amplifier, runs))


def _fans(runs: Mapping[str, Run]) -> list[Fan]:
    bode = {corner: run.printed.tables["bode.txt"] for corner, run in runs.items() if "bode.txt" in run.printed.tables}
    step = {corner: run.printed.tables["step.txt"] for corner, run in runs.items() if "step.txt" in run.printed.tables}
    made = []
    for name, unit, column in ((N_("open-loop gain"), "dB", 1), (N_("open-loop phase"), "degree", 3)) if bode else ():
        lines = tuple((corner, *_thinned(table[:, 0], table[:, column])) for corner, table in bode.items())
        made.append(Fan(name=name, x_name=N_("frequency"), x_unit="Hz", y_name=name, y_unit=unit, lines=lines, x_log=True))
    if step:
        lines = tuple((corner, *_thinned(1e9 * table[:, 0], table[:, 1])) for corner, table in step.items())
        name = N_("output, step in unity gain")
        made.append(Fan(name=name, x_name=N_("time"), x_unit="ns", y_name=name, y_unit="V", lines=lines))
    return made


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """At most 91 points, those where the curve bends most: the ends, and equal shares of its length as drawn."""
    if len(x) <= _MOST_POINTS:
        keep = np.arange(len(x))
    else:
        drawn = np.hypot(np.diff(x) / np.ptp(x), np.diff(y) / (np.ptp(y) or 1.0))
        length = np.concatenate([[0.0], np.cumsum(drawn)])
        keep = np.unique(np.searchsorted(length, np.linspace(0.0, length[-1], _MOST_POINTS)).clip(0, len(x) - 1))
    return tuple(map(_short, x[keep])), tuple(map(_short, y[keep]))


def _short(value: Any) -> float:
    return float(f"{value:.6g}")


def _specs(runs: Mapping[str, Run], points: Sequence[Point]) -> Sheet:
    nominal = next(iter(runs.values())).specs[0]
    rows: list[tuple[str | float, ...]] = []
    for name in _SPECS:
        by_corner = [getattr(worst(run.specs), name) for run in runs.values()]
        pick = max if name in LARGER_IS_WORSE else min
        _value, corner, point = pick(
            (getattr(spec, name), corner, number) for corner, run in runs.items() for number, spec in enumerate(run.specs)
        )
        at = points[point]
        where = f"{corner}, {at.supply:g} V, {at.temperature:g} °C"
        rows.append((titled(name), _short(getattr(nominal, name)), *map(_short, by_corner), where))
    columns = (N_("spec"), N_("nominal"), *runs, N_("worst at"))
    return Sheet(N_("The worst of each spec, corner by corner"), columns, tuple(rows))


def titled(spec: str) -> str:
    """A spec's name with its unit."""
    return _SPECS[spec]


def _devices(amplifier: Amplifier, runs: Mapping[str, Run]) -> Sheet:
    found = next(iter(runs.values())).devices
    rows: list[tuple[str | float, ...]] = []
    for one in amplifier.devices:
        at = found[one.name]
        overdrive, margin = abs(at["vgs"]) - abs(at["vth"]), abs(at["vds"]) - abs(at["vdsat"])
        region = N_("saturation") if margin > 0 else N_("triode")
        if overdrive < 0:
            region = N_("weak inversion") if margin > 0 else N_("weak inversion, triode")
        size = f"{one.total_width:g}/{one.length:g} µm"
        values = (1e6 * abs(at["id"]), at["gm"] / abs(at["id"]), 1e3 * overdrive, 1e3 * abs(at["vds"]), 1e3 * margin)
        rows.append((one.name.upper(), _ROLES[one.role], size, *map(_short, values), region))
    head = (N_("transistor"), N_("role"), "W/L", "Id (µA)", "gm/Id (1/V)", N_("overdrive (mV)"), "Vds (mV)", N_("margin (mV)"))
    return Sheet(N_("Transistors at rest, typical corner"), (*head, N_("region")), tuple(rows))
