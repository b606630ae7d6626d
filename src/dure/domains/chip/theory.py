"""What a designer would expect before simulating: tables of the transistors and small-signal formulas of each topology.

Every function works on arrays over designs. Currents follow from the bias resistor, each transistor is looked up at its current,
and the loop is a ladder of nodes solved on a grid of frequencies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.domains.chip.bench import STEP, Point
from dure.domains.chip.gmid import Look, Table, together
from dure.domains.chip.pdk import SKY130, Kind, Process

__all__ = ["TOKENS", "expected", "first_stage"]

Array = NDArray[np.float64]

_GRID = np.logspace(3, 10, 127)
_S = 2j * np.pi * _GRID
_JUNCTION = 0.8e-15
"""Drain with overlap, F per um of width."""
_KT4 = 4 * 1.380649e-23


@dataclass(frozen=True)
class _Stage:
    """What every topology has: bias, tail, pair and the mirror that loads it, each looked up."""

    current: Array
    tail: Look
    pair: Look
    load: Look
    half: Array


@dataclass(frozen=True)
class _Place:
    """Where each row is looked at: tables of the pair's own kind of transistor and of the other, supply in V, load in F."""

    process: Process
    kind: Kind
    own: Table
    across: Table
    supply: Array
    load: float

    def volts(self, at_1v8: float) -> float:
        """A drop across a transistor that is ``at_1v8`` where the nominal supply is 1.8 V."""
        return at_1v8 * self.process.supply / 1.8

    @property
    def middle(self) -> Array:
        """From the rail of the pair's tail to the inputs, V."""
        return (0.5 if self.kind == "nfet" else 0.75) * self.supply


Corner = tuple[str, Point]


def expected(topology: str, sizing: Any, places: Sequence[Corner], *, load: float, process: Process = SKY130) -> dict[str, Array]:
    """The figures of ``Specs`` for n sizings at p corners and points, each (p, n); ``load`` in F."""
    maker: Mapping[str, Callable[..., dict[str, Array]]] = {
        "ota5": _ota,
        "miller_n": _miller,
        "miller_p": _miller,
        "folded": _folded,
    }
    at, sized = _rows(topology, sizing, places, load, process)
    with np.errstate(all="ignore"):
        return {name: value.reshape(len(places), -1) for name, value in maker[topology](sized, at).items()}


def _rows(topology: str, sizing: Any, places: Sequence[Corner], load: float, process: Process) -> tuple[_Place, dict[str, Array]]:
    """All sizings at the first place, then at the next: many short calls would cost more than one long one."""
    kind: Kind = "pfet" if topology == "miller_p" else "nfet"
    other: Kind = "nfet" if kind == "pfet" else "pfet"
    given = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value, dtype=float)) for value in vars(sizing).values()))
    sized = {name: np.tile(value, len(places)) for name, value in zip(vars(sizing), given, strict=True)}
    which = np.repeat(np.arange(len(places)), len(given[0]))
    at = tuple((corner, point.temperature) for corner, point in places)
    own, across = (together(process, one, at).at(which) for one in (kind, other))
    return _Place(process, kind, own, across, np.array([point.supply for _corner, point in places])[which], load), sized


def _bias(sized: Mapping[str, Array], at: _Place) -> Array:
    """The current of the diode in series with the bias resistor."""
    drop: Array = np.full_like(at.supply, at.process.vgs[at.kind])
    current: Array = (at.supply - drop) / (sized["r_bias"] * 1e3)
    for _step in range(4):
        drop = at.own.look(current, sized["w_mirror"], sized["l_mirror"], drop).vgs
        current = np.maximum(at.supply - drop, 0.05) / (sized["r_bias"] * 1e3)
    return current


def _first_stage(sized: Mapping[str, Array], at: _Place) -> _Stage:
    current = _bias(sized, at)
    half = current * sized["m_tail"] / 2
    headroom = np.maximum(0.1, at.middle - at.process.vgs[at.kind])
    tail = at.own.look(2 * half, sized["w_mirror"] * sized["m_tail"], sized["l_mirror"], headroom)
    pair = at.own.look(half, sized["w_pair"] * sized["m_pair"], sized["l_pair"], at.volts(0.4))
    load = at.across.look(half, sized["w_load"] * 2, sized["l_load"], at.volts(0.8))
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


def _specs(stage: _Stage, sized: Mapping[str, Array], at: _Place, **found: Array) -> dict[str, Array]:
    """The figures all topologies share the formulas of."""
    ratio = stage.load.gm / stage.pair.gm
    noisy = found.pop("noisy", ratio)
    width, length = sized["w_pair"] * sized["m_pair"], sized["l_pair"]
    loads, across_length = sized["w_load"] * found.pop("loads", np.asarray(2.0)), sized["l_load"]
    of_kind = at.process.slopes
    slopes = (of_kind["nfet"], of_kind["pfet"]) if at.kind == "nfet" else (of_kind["pfet"], of_kind["nfet"])
    random = np.sqrt(2 * slopes[0] ** 2 / (width * length) + 2 * (ratio * slopes[1]) ** 2 / (loads * across_length))
    thermal = 2 * _KT4 * 300 * 0.8 / stage.pair.gm * (1 + noisy)
    flicker = 2 * at.own.noise / (width * length) + 2 * ratio**2 * at.across.noise / (loads * across_length)
    gbw, swiftest = found.pop("gbw"), found.pop("swiftest")
    linear = 2.2 / (2 * math.pi * gbw)
    quick = np.clip(found["phase_margin"] / 70, 0.1, 1.0)
    return found | {
        "gbw": 1e-6 * gbw,
        "slew": 1e-6 * 0.16 / np.hypot(linear, 0.16 / swiftest),
        "settling": 1e9 * (4.6 / (2 * math.pi * gbw * quick) + 2 * STEP / swiftest),
        "offset": 1e3 * (np.abs(found.pop("systematic")) + 3 * random),
        "noise": 1e9 * np.sqrt(thermal + flicker),
    }


def _ota(sized: Mapping[str, Array], at: _Place) -> dict[str, Array]:
    stage = _first_stage(sized, at)
    conductance = stage.pair.gds + stage.load.gds
    width = sized["w_pair"] * sized["m_pair"] + 2 * sized["w_load"]
    total = at.load + _JUNCTION * width
    response = _column(stage.pair.gm) * _mirror(stage.load, _JUNCTION * width) / (_column(conductance) + _S * _column(total))
    gbw, margin, beyond = _loop(response)
    gain = stage.pair.gm / conductance
    body = stage.pair.vgs + 0.04
    rest = at.supply - stage.load.vgs
    return _specs(
        stage,
        sized,
        at,
        gbw=gbw,
        phase_margin=margin,
        gain_margin=beyond,
        gain=20 * np.log10(gain),
        current=1e6 * stage.current * (1 + sized["m_tail"]),
        swiftest=2 * stage.half / total,
        cmrr=20 * np.log10(gain * 2 * stage.load.gm / stage.tail.gds),
        psrr=20 * np.log10(gain),
        systematic=(rest - at.middle) / gain,
        swing=100 * np.maximum(0.0, at.supply - stage.load.vdsat - (at.middle - body + stage.pair.vdsat)) / at.supply,
        saturation=1e3 * np.minimum(at.middle - body - stage.tail.vdsat, rest - (at.middle - body) - stage.pair.vdsat),
    )


def _miller(sized: Mapping[str, Array], at: _Place) -> dict[str, Array]:
    stage = _first_stage(sized, at)
    output = stage.current * sized["m_sink"]
    driver = at.across.look(output, sized["w_load"] * sized["m_drive"], sized["l_load"], at.volts(0.8))
    sink = at.own.look(output, sized["w_mirror"] * sized["m_sink"], sized["l_mirror"], at.volts(0.8))
    first, second = stage.pair.gds + stage.load.gds, driver.gds + sink.gds
    pair_width = sized["w_pair"] * sized["m_pair"]
    inner = driver.cgg + _JUNCTION * (pair_width + 2 * sized["w_load"])
    outer = at.load + _JUNCTION * (sized["w_load"] * sized["m_drive"] + sized["w_mirror"] * sized["m_sink"])
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
    body = stage.pair.vgs + 0.04
    drain = at.supply - stage.load.vgs
    return _specs(
        stage,
        sized,
        at,
        gbw=gbw,
        phase_margin=margin,
        gain_margin=beyond,
        gain=20 * np.log10(one * two),
        current=1e6 * stage.current * (1 + sized["m_tail"] + sized["m_sink"]),
        swiftest=np.minimum(2 * stage.half / farads, output / (outer + farads)),
        cmrr=20 * np.log10(one * 2 * stage.load.gm / stage.tail.gds),
        psrr=20 * np.log10(one * two / (0.02 + from_supply)),
        systematic=(driver.vgs - stage.load.vgs) / one,
        swing=100 * np.maximum(0.0, at.supply - driver.vdsat - sink.vdsat) / at.supply,
        saturation=1e3
        * np.minimum.reduce(
            [at.middle - body - stage.tail.vdsat, drain - (at.middle - body) - stage.pair.vdsat, driver.vgs - stage.load.vdsat]
        ),
    )


def _folded(sized: Mapping[str, Array], at: _Place) -> dict[str, Array]:
    stage = _first_stage(sized, at)
    legs = stage.current * np.maximum(sized["m_drive"] - sized["m_tail"] / 2, 0.1)
    source = at.across.look(stage.current * sized["m_drive"], sized["w_load"] * sized["m_drive"], sized["l_load"], at.volts(0.2))
    p_cascode = at.across.look(legs, sized["w_pcas"] * sized["m_sink"], sized["l_cas"], at.volts(0.5))
    n_cascode = at.own.look(legs, sized["w_ncas"] * sized["m_sink"], sized["l_cas"], at.volts(0.5))
    mirror = at.own.look(legs, sized["w_mirror"] * sized["m_sink"], sized["l_mirror"], at.volts(0.2))
    p_diode = at.across.look(stage.current, np.maximum(sized["w_pcas"] / 6, at.process.narrowest), sized["l_cas"], at.volts(1.0))
    n_diode = at.own.look(stage.current, np.maximum(sized["w_ncas"] / 6, at.process.narrowest), sized["l_cas"], at.volts(0.8))
    up = p_cascode.gds * (source.gds + stage.pair.gds) / (p_cascode.gm + p_cascode.gds)
    down = n_cascode.gds * mirror.gds / (n_cascode.gm + n_cascode.gds)
    pair_width = sized["w_pair"] * sized["m_pair"]
    fold = p_cascode.cgg * 0.7 + _JUNCTION * (pair_width + sized["w_load"] * sized["m_drive"] + sized["w_pcas"] * sized["m_sink"])
    total = at.load + _JUNCTION * (sized["w_pcas"] + sized["w_ncas"]) * sized["m_sink"]
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
        at,
        noisy=ratio,
        loads=sized["m_drive"],
        gbw=gbw,
        phase_margin=margin,
        gain_margin=beyond,
        gain=20 * np.log10(gain),
        current=1e6 * (stage.current * 4 + 2 * stage.current * sized["m_drive"]),
        # No side of the pair can take more than its source gives: the rest of the tail's current stays with the other side.
        swiftest=stage.current * np.maximum(np.minimum(sized["m_tail"], 2 * sized["m_drive"] - sized["m_tail"]), 0.1) / total,
        cmrr=20 * np.log10(gain * 2 * mirror.gm / stage.tail.gds),
        psrr=20 * np.log10(gain),
        systematic=(0.5 * at.supply - mirror.vgs) / gain,
        swing=100 * np.maximum(0.0, at.supply - above - below - p_cascode.vdsat - n_cascode.vdsat) / at.supply,
        saturation=1e3 * np.minimum.reduce([at.middle - body - stage.tail.vdsat, above - source.vdsat, below - mirror.vdsat]),
    )


TOKENS = (
    *("pair gm/Id", "load gm/Id", "tail gm/Id", "pair overdrive", "load overdrive", "tail overdrive"),
    *("pair gain", "load gain", "tail gain", "pair length", "load length", "tail length", "pair area", "load area"),
    *("bias current", "tail share", "load capacitor", "supply share"),
)
"""What every topology has: its first stage, transistor by transistor and at its current, and what it is used for."""


def first_stage(topology: str, sizing: Any, place: Corner, *, load: float, process: Process) -> dict[str, Array]:
    """``TOKENS`` of n sizings at one corner and point, (n,); lengths, areas, currents and conductances as logarithms."""
    at, sized = _rows(topology, sizing, (place,), load, process)
    with np.errstate(all="ignore"):
        stage = _first_stage(sized, at)
        found: dict[str, Any] = {}
        lengths = {"pair": sized["l_pair"], "load": sized["l_load"], "tail": sized["l_mirror"]}
        looked = {"pair": (stage.pair, stage.half), "load": (stage.load, stage.half), "tail": (stage.tail, 2 * stage.half)}
        for name, (look, current) in looked.items():
            found[f"{name} gm/Id"] = look.gm / current
            found[f"{name} overdrive"] = look.vdsat
            found[f"{name} gain"] = np.log(look.gm / look.gds)
            found[f"{name} length"] = np.log(lengths[name] / process.shortest)
        found["pair area"] = np.log(sized["w_pair"] * sized["m_pair"] * sized["l_pair"])
        found["load area"] = np.log(sized["w_load"] * 2 * sized["l_load"])
        found["bias current"] = np.log(stage.current)
        found["tail share"] = np.log(sized["m_tail"])
    found["load capacitor"] = math.log(load)
    found["supply share"] = at.supply / process.supply
    return found
