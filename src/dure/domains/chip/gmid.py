"""gm/Id tables: what a transistor of each length does at each current density, by DC sweeps made once and kept in the cache.

A designer reads such tables instead of a square law, which no short transistor follows.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

from dure.cache import cache
from dure.domains.chip.bench import flat_models
from dure.domains.chip.devices import Device
from dure.domains.chip.ngspice import run
from dure.domains.chip.pdk import Kind, Process

__all__ = ["Look", "Table", "table", "together"]

Array = NDArray[np.float64]

WIDTH = 5.0
_LENGTHS = (0.15, 0.18, 0.22, 0.28, 0.36, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
_DRAINS = np.array([0.1, 0.2, 0.4, 0.8, 1.3]) / 1.8
"""Shares of the supply."""
_LEAST_GATE, _GATE_STEP = 0.1, 0.02
_DENSITIES = np.linspace(-9.0, -3.3, 96)
"""Decimal logarithm of A per um of width."""
_READ = ("id", "gm", "gds", "vdsat", "cgg")


@dataclass(frozen=True)
class Look:
    """One transistor at its current, each an array: gm and gds in S, vgs and vdsat in V, the gate's capacitance in F."""

    gm: Array
    gds: Array
    vgs: Array
    vdsat: Array
    cgg: Array


@dataclass(frozen=True)
class Table:
    """A kind of transistor at each of p corners and temperatures; ``which`` of them holds for each row that is looked up.

    ``values`` (p, lengths, drains, densities, 5) has axes of um, V and the logarithm of A per um; ``flicker`` (p,) is the gate's
    noise at 10 kHz times area, V2 um2/Hz.
    """

    lengths: Array
    drains: Array
    values: Array
    flicker: Array
    which: NDArray[np.intp]

    def at(self, which: NDArray[np.intp]) -> Table:
        """The same with other corners for its rows."""
        found = replace(self, which=which)
        found.__dict__["_read"] = self._read  # made once
        return found

    @property
    def noise(self) -> Array:
        """``flicker`` of each row."""
        return self.flicker[self.which]

    def look(self, current: Array, width: Array, length: Array, drain: Array | float) -> Look:
        """At ``current`` (A) through ``width`` (um, all fingers) of ``length`` (um), with ``drain`` volts across."""
        density = np.log10(np.maximum(current / width, 1e-12))
        about = np.broadcast_arrays(self.which, np.log(length), np.log(np.maximum(drain, 1e-3)), density)
        found = self._read(np.stack(about if len(self.values) > 1 else about[1:], axis=-1))
        gm, gds, vgs, vdsat, cgg = (found[..., index] for index in range(5))
        return Look(gm * current, gds * current, vgs, vdsat, cgg * width)

    @cached_property
    def _read(self) -> RegularGridInterpolator:
        axes = (np.arange(len(self.values)), np.log(self.lengths), np.log(self.drains), _DENSITIES)
        if len(self.values) == 1:
            return RegularGridInterpolator(axes[1:], self.values[0], bounds_error=False, fill_value=None)
        return RegularGridInterpolator(axes, self.values, bounds_error=False, fill_value=None)


@lru_cache(maxsize=64)
def together(process: Process, kind: Kind, places: tuple[tuple[str, float], ...]) -> Table:
    """The tables of several corners and temperatures as one, in that order."""
    found = [table(process, kind, corner, temperature) for corner, temperature in places]
    values, flicker = (np.concatenate([getattr(one, name) for one in found]) for name in ("values", "flicker"))
    return replace(found[0], values=values, flicker=flicker)


@lru_cache(maxsize=64)
def table(process: Process, kind: Kind, corner: str, temperature: float) -> Table:
    """The table, from the cache or by two runs of ngspice.

    Raises:
        MissingPart: the models were not fetched. SimulationFailed: ngspice could not sweep.
    """
    lengths = [process.shortest, *(one for one in _LENGTHS if one > process.shortest)]
    devices = [Device(f"m{n}", "swept", kind, WIDTH, length, ("d", "g", "0", "0")) for n, length in enumerate(lengths)]
    models = flat_models(process, devices, corner)
    key = hashlib.sha256(f"{Path(__file__).read_text('utf-8')}{models}{temperature!r}".encode()).hexdigest()[:16]
    kept = cache() / "gmid" / f"{process.name}-{kind}-{corner}-{key}.npz"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        swept = _swept(process, devices, models, temperature)
        with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as draft:
            np.savez(draft, values=swept, flicker=_flicker(process, kind, models, temperature))
        os.replace(draft.name, kept)
    with np.load(kept) as data:
        nothing = np.zeros(1, dtype=np.intp)
        drains, values, flicker = _DRAINS * process.supply, data["values"][None], np.array([float(data["flicker"])])
        return Table(np.array(lengths), drains, values, flicker, nothing)


def _swept(process: Process, devices: list[Device], models: str, temperature: float) -> Array:
    """(lengths, drains, densities, 5): gm/Id, gds/Id, vgs, vdsat, cgg per width."""
    kind = devices[0].kind
    sign, drains = (-1 if kind == "pfet" else 1), _DRAINS * process.supply
    gates = np.arange(_LEAST_GATE, process.supply + _GATE_STEP / 2, _GATE_STEP)
    sizes = f"w={WIDTH}u nf=1 ad=0 as=0 pd=0 ps=0"
    lines = [f"{one.name} d g 0 0 {process.card(kind)} l={one.length}u {sizes}" for one in devices]
    names = " ".join(f"@{one.name}[{quantity}]" for one in devices for quantity in _READ)
    script = []
    for number, drain in enumerate(drains):
        script += [
            f"alter vd dc={sign * drain:.6g}",
            f"dc vg {sign * gates[0]:.6g} {sign * gates[-1]:.6g} {sign * _GATE_STEP:.6g}",
        ]
        script += [f"wrdata {number}.txt {names}", f"print length(@{devices[0].name}[id])"]
    text = ["* gm/Id", f".temp {temperature:g}", models, "vg g 0 0", "vd d 0 0", *lines, ".control", "set num_threads=1"]
    files = [f"{number}.txt" for number in range(len(drains))]
    read = run("\n".join([*text, f"save {names}", *script, ".endc", ".end", ""]), tables=files).tables
    made = np.empty((len(devices), len(drains), len(_DENSITIES), 5))
    for number, name in enumerate(files):
        columns = np.abs(read[name][:, 1::2]).reshape(len(gates), len(devices), len(_READ))
        for index in range(len(devices)):
            made[index, number] = _by_density(gates, columns[:, index])
    return made


def _by_density(gates: Array, rows: Array) -> Array:
    current, gm, gds, vdsat, cgg = rows.T
    density = np.maximum.accumulate(np.log10(np.maximum(current, 1e-15) / WIDTH)) + 1e-9 * np.arange(len(current))
    columns = (np.log(gm / current), np.log(gds / current), gates, vdsat, cgg / WIDTH)
    found = [np.interp(_DENSITIES, density, column) for column in columns]
    return np.stack([np.exp(found[0]), np.exp(found[1]), *found[2:]], axis=-1)


def _flicker(process: Process, kind: Kind, models: str, temperature: float) -> float:
    """From the input noise of one transistor in moderate inversion; the channel's own noise is a twentieth there."""
    sign, length = (-1 if kind == "pfet" else 1), 0.5
    gate, drain = sign * process.vgs[kind], sign * process.supply / 2
    text = ["* flicker", f".temp {temperature:g}", models, f"vg g 0 dc {gate} ac 1", f"vd v 0 {drain:.6g}", "rd v d 1k"]
    text += [f"m0 d g 0 0 {process.card(kind)} w={WIDTH}u l={length}u nf=1 ad=0 as=0 pd=0 ps=0"]
    text += [".control", "noise v(d) vg lin 1 10k 10k", "setplot noise1", "print inoise_spectrum", ".endc", ".end", ""]
    return run("\n".join(text)).figure("inoise_spectrum", "no noise was measured") ** 2 * WIDTH * length
