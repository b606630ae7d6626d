"""What a designer would expect before simulating: tables of the transistors and small-signal formulas of each topology.

Every function works on arrays over designs. Currents follow from the bias resistor, each transistor is looked up at its current,
and the loop is a ladder of nodes solved on a grid of frequencies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.domains.chip.bench import STEP, Point
from dure.domains.chip.gmid import Look, Table, table
from dure.domains.chip.measure import Specs

__all__ = ["expected"]

Array = NDArray[np.float64]

_GRID = np.logspace(3, 10, 127)
_S = 2j * np.pi * _GRID
_JUNCTION = 0.8e-15
"""Drain with overlap, F per um of width."""
_SLOPES = {"nfet": 3.356e-3, "pfet": 5.856e-3}
"""Threshold mismatch, V um."""
_KT4 = 4 * 1.380649e-23


@dataclass(frozen=True)
class _Stage:
    """What every topology has: bias, tail, pair and the mirror that loads it, each looked up."""

    current: Array
    tail: Look
    pair: Look
    load: Look
    half: Array


def expected(topology: str, sizing: Any, *, corner: str, point: Point, load: float) -> Specs:
    """The figures of many sizings at one point, each an array; ``load`` in F."""
    kind = "pfet" if topology == "miller_p" else "nfet"
    own, across = (table(one, corner, point.temperature) for one in (kind, "nfet" if kind == "pfet" else "pfet"))
    maker: Mapping[str, Callable[..., Specs]] = {"ota5": _ota, "miller_n": _miller, "miller_p": _miller, "folded": _folded}
    sized = {name: np.asarray(value, dtype=float) for name, value in vars(sizing).items()}
    with np.errstate(all="ignore"):
        return maker[topology](sized, own, across, point, load, kind)


def _bias(sized: Mapping[str, Array], own: Table, supply: float) -> Array:
    """The current of the diode in series with the bias resistor."""
    current = (supply - 0.7) / (sized["r_bias"] * 1e3)
    for _step in range(4):
        drop = own.look(current, sized["w_mirror"], sized["l_mirror"], 0.7).vgs
        current = np.maximum(supply - drop, 0.05) / (sized["r_bias"] * 1e3)
    return current


def _first_stage(sized: Mapping[str, Array], own: Table, across: Table, point: Point, kind: str) -> _Stage:
    current = _bias(sized, own, point.supply)
    half = current * sized["m_tail"] / 2
    headroom = (0.5 if kind == "nfet" else 0.75) * point.supply - (0.65 if kind == "nfet" else 1.0)
    tail = own.look(2 * half, sized["w_mirror"] * sized["m_tail"], sized["l_mirror"], max(0.1, headroom))
    pair = own.look(half, sized["w_pair"] * sized["m_pair"], sized["l_pair"], 0.4)
    load = across.look(half, sized["w_load"] * 2, sized["l_load"], 0.8)
    return _Stage(current, tail, pair, load, half)


def _loop(response: Array) -> tuple[Array, Array, Array]:
    """Unity-gain frequency in Hz, phase margin and gain margin of (n, frequencies) complex gains."""
    size = 20 * np.log10(np.abs(response))
    phase = np.degrees(np.unwrap(np.angle(response), axis=1))
    phase = phase - 360 * np.round(phase[:, :1] / 360)
    at = _crossing(size, 0.0)
    margin = 180 + _interpolated(phase, at)
    return (
        10 ** _interpolated(np.broadcast_to(np.log10(_GRID), size.shape), at),
        margin,
        -_interpolated(size, _crossing(phase, -180.0)),
    )


def _crossing(rows: Array, level: float) -> Array:
    """Where each row first falls through ``level``, in steps of the grid; its end where it never does."""
    below = rows < level
    index = np.where(below.any(axis=1), below.argmax(axis=1), rows.shape[1] - 1).clip(1)
    high, low = (np.take_along_axis(rows, one[:, None], 1)[:, 0] for one in (index - 1, index))
    return np.asarray(index - 1 + np.where(below.any(axis=1), np.clip((high - level) / (high - low), 0.0, 1.0), 1.0))


def _interpolated(rows: Array, at: Array) -> Array:
    index = np.clip(at.astype(int), 0, rows.shape[1] - 2)
    first, second = (np.take_along_axis(rows, one[:, None], 1)[:, 0] for one in (index, index + 1))
    return np.asarray(first + (at - index) * (second - first))


def _column(values: Array) -> Array:
    return np.atleast_1d(values)[:, None]


def _mirror(look: Look, extra: Array) -> Array:
    """What the mirror does to half of the pair's current: a pole and a zero at twice its frequency."""
    slow = _S * _column((2 * look.cgg + extra) / look.gm)
    return (1 + slow / 2) / (1 + slow)


def _specs(stage: _Stage, sized: Mapping[str, Array], own: Table, across: Table, **found: Array) -> Specs:
    """The figures all topologies share the formulas of."""
    kind = found.pop("kind")
    ratio = stage.load.gm / stage.pair.gm
    noisy = found.pop("noisy", ratio)
    width, length = sized["w_pair"] * sized["m_pair"], sized["l_pair"]
    loads, across_length = sized["w_load"] * found.pop("loads", np.asarray(2.0)), sized["l_load"]
    slopes = (_SLOPES["nfet"], _SLOPES["pfet"]) if str(kind) == "nfet" else (_SLOPES["pfet"], _SLOPES["nfet"])
    random = np.sqrt(2 * slopes[0] ** 2 / (width * length) + 2 * (ratio * slopes[1]) ** 2 / (loads * across_length))
    thermal = 2 * _KT4 * 300 * 0.8 / stage.pair.gm * (1 + noisy)
    flicker = 2 * own.flicker / (width * length) + 2 * ratio**2 * across.flicker / (loads * across_length)
    gbw, swiftest = found.pop("gbw"), found.pop("swiftest")
    linear = 2.2 / (2 * math.pi * gbw)
    quick = np.clip(found["phase_margin"] / 70, 0.1, 1.0)
    return Specs(
        gbw=1e-6 * gbw,
        slew=1e-6 * 0.16 / np.hypot(linear, 0.16 / swiftest),
        settling=1e9 * (4.6 / (2 * math.pi * gbw * quick) + 2 * STEP / swiftest),
        offset=1e3 * (np.abs(found.pop("systematic")) + 3 * random),
        noise=1e9 * np.sqrt(thermal + flicker),
        **found,
    )


def _ota(sized: Mapping[str, Array], own: Table, across: Table, point: Point, load: float, kind: str) -> Specs:
    stage = _first_stage(sized, own, across, point, kind)
    conductance = stage.pair.gds + stage.load.gds
    width = sized["w_pair"] * sized["m_pair"] + 2 * sized["w_load"]
    total = load + _JUNCTION * width
    response = _column(stage.pair.gm) * _mirror(stage.load, _JUNCTION * width) / (_column(conductance) + _S * _column(total))
    gbw, margin, beyond = _loop(response)
    gain = stage.pair.gm / conductance
    middle = 0.5 * point.supply
    body = stage.pair.vgs + 0.04
    rest = point.supply - stage.load.vgs
    return _specs(
        stage,
        sized,
        own,
        across,
        kind=np.asarray(kind),
        gbw=gbw,
        phase_margin=margin,
        gain_margin=beyond,
        gain=20 * np.log10(gain),
        current=1e6 * stage.current * (1 + sized["m_tail"]),
        swiftest=2 * stage.half / total,
        cmrr=20 * np.log10(gain * 2 * stage.load.gm / stage.tail.gds),
        psrr=20 * np.log10(gain),
        systematic=(rest - middle) / gain,
        swing=100 * np.maximum(0.0, point.supply - stage.load.vdsat - (middle - body + stage.pair.vdsat)) / point.supply,
        saturation=1e3 * np.minimum(middle - body - stage.tail.vdsat, rest - (middle - body) - stage.pair.vdsat),
    )


def _miller(sized: Mapping[str, Array], own: Table, across: Table, point: Point, load: float, kind: str) -> Specs:
    stage = _first_stage(sized, own, across, point, kind)
    output = stage.current * sized["m_sink"]
    driver = across.look(output, sized["w_load"] * sized["m_drive"], sized["l_load"], 0.8)
    sink = own.look(output, sized["w_mirror"] * sized["m_sink"], sized["l_mirror"], 0.8)
    first, second = stage.pair.gds + stage.load.gds, driver.gds + sink.gds
    pair_width = sized["w_pair"] * sized["m_pair"]
    inner = driver.cgg + _JUNCTION * (pair_width + 2 * sized["w_load"])
    outer = load + _JUNCTION * (sized["w_load"] * sized["m_drive"] + sized["w_mirror"] * sized["m_sink"])
    farads = sized["c_comp"] * 1e-12
    coupled = _S * _column(farads) / (1 + _S * _column(farads * sized["r_zero"] * 1e3))
    coupled = coupled + _S * _column(0.3 * _JUNCTION * sized["w_load"] * sized["m_drive"])
    at_out = _column(second) + _S * _column(outer) + coupled
    forward = _column(driver.gm) - coupled
    mirror = _mirror(stage.load, _JUNCTION * (pair_width + 2 * sized["w_load"]))
    response = (
        _column(stage.pair.gm)
        * mirror
        * forward
        / ((_column(first) + _S * _column(inner) + coupled) * at_out + coupled * forward)
    )
    gbw, margin, beyond = _loop(response)
    one, two = stage.pair.gm / first, driver.gm / second
    slope = 1 / (sized["r_bias"] * 1e3)
    from_supply = np.abs(driver.gds + slope * (driver.gm / stage.load.gm * sized["m_tail"] / 2 - sized["m_sink"])) / second
    middle = (0.5 if kind == "nfet" else 0.75) * point.supply
    body = stage.pair.vgs + 0.04
    drain = point.supply - stage.load.vgs
    return _specs(
        stage,
        sized,
        own,
        across,
        kind=np.asarray(kind),
        gbw=gbw,
        phase_margin=margin,
        gain_margin=beyond,
        gain=20 * np.log10(one * two),
        current=1e6 * stage.current * (1 + sized["m_tail"] + sized["m_sink"]),
        swiftest=np.minimum(2 * stage.half / farads, output / (outer + farads)),
        cmrr=20 * np.log10(one * 2 * stage.load.gm / stage.tail.gds),
        psrr=20 * np.log10(one * two / (0.02 + from_supply)),
        systematic=(driver.vgs - stage.load.vgs) / one,
        swing=100 * np.maximum(0.0, point.supply - driver.vdsat - sink.vdsat) / point.supply,
        saturation=1e3
        * np.minimum.reduce(
            [middle - body - stage.tail.vdsat, drain - (middle - body) - stage.pair.vdsat, driver.vgs - stage.load.vdsat]
        ),
    )


def _folded(sized: Mapping[str, Array], own: Table, across: Table, point: Point, load: float, kind: str) -> Specs:
    stage = _first_stage(sized, own, across, point, kind)
    legs = stage.current * np.maximum(sized["m_drive"] - sized["m_tail"] / 2, 0.1)
    source = across.look(stage.current * sized["m_drive"], sized["w_load"] * sized["m_drive"], sized["l_load"], 0.2)
    p_cascode = across.look(legs, sized["w_pcas"] * sized["m_sink"], sized["l_cas"], 0.5)
    n_cascode = own.look(legs, sized["w_ncas"] * sized["m_sink"], sized["l_cas"], 0.5)
    mirror = own.look(legs, sized["w_mirror"] * sized["m_sink"], sized["l_mirror"], 0.2)
    p_diode = across.look(stage.current, np.maximum(sized["w_pcas"] / 6, 0.42), sized["l_cas"], 1.0)
    n_diode = own.look(stage.current, np.maximum(sized["w_ncas"] / 6, 0.42), sized["l_cas"], 0.8)
    up = p_cascode.gds * (source.gds + stage.pair.gds) / (p_cascode.gm + p_cascode.gds)
    down = n_cascode.gds * mirror.gds / (n_cascode.gm + n_cascode.gds)
    pair_width = sized["w_pair"] * sized["m_pair"]
    fold = p_cascode.cgg * 0.7 + _JUNCTION * (pair_width + sized["w_load"] * sized["m_drive"] + sized["w_pcas"] * sized["m_sink"])
    total = load + _JUNCTION * (sized["w_pcas"] + sized["w_ncas"]) * sized["m_sink"]
    poles = (1 + _S * _column(fold / p_cascode.gm)) / _mirror(mirror, _JUNCTION * sized["w_pcas"] * sized["m_sink"])
    response = _column(stage.pair.gm) / poles / (_column(up + down) + _S * _column(total))
    gbw, margin, beyond = _loop(response)
    gain = stage.pair.gm / (up + down)
    above, below = p_diode.vgs - p_cascode.vgs, n_diode.vgs - n_cascode.vgs
    body = stage.pair.vgs + 0.04
    ratio = (source.gm + mirror.gm) / stage.pair.gm
    return _specs(
        _Stage(stage.current, stage.tail, stage.pair, source, stage.half),
        sized,
        own,
        across,
        kind=np.asarray(kind),
        noisy=ratio,
        loads=sized["m_drive"],
        gbw=gbw,
        phase_margin=margin,
        gain_margin=beyond,
        gain=20 * np.log10(gain),
        current=1e6 * (stage.current * 4 + 2 * stage.current * sized["m_drive"]),
        swiftest=np.minimum(2 * stage.half, stage.current * sized["m_drive"]) / total,
        cmrr=20 * np.log10(gain * 2 * mirror.gm / stage.tail.gds),
        psrr=20 * np.log10(gain),
        systematic=(0.5 * point.supply - mirror.vgs) / gain,
        swing=100 * np.maximum(0.0, point.supply - above - below - p_cascode.vdsat - n_cascode.vdsat) / point.supply,
        saturation=1e3
        * np.minimum.reduce([0.5 * point.supply - body - stage.tail.vdsat, above - source.vdsat, below - mirror.vdsat]),
    )
