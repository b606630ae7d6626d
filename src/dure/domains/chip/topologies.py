"""Four amplifiers, each built from one sizing: roles and nodes as in Razavi's textbook figures.

All take their currents from a diode in series with a resistor across the supply, so that supply, temperature and corner move the
bias as they do on a chip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from dure.domains.chip.devices import Amplifier, Device
from dure.domains.chip.pdk import SKY130, Kind

__all__ = ["GRID", "TOPOLOGIES", "USED", "build", "guesses"]

GRID = 0.005
"""The manufacturing grid of both processes in micrometres."""

_COMMON = ("w_pair", "l_pair", "m_pair", "w_load", "l_load", "w_mirror", "l_mirror", "m_tail", "r_bias")
_SECOND = ("m_sink", "m_drive", "r_zero", "c_comp")
_CASCODES = ("m_sink", "m_drive", "w_ncas", "w_pcas", "l_cas")

USED: Mapping[str, tuple[str, ...]] = {
    "miller_n": _COMMON + _SECOND,
    "ota5": _COMMON,
    "miller_p": _COMMON + _SECOND,
    "folded": _COMMON + _CASCODES,
}
"""Which fields of a sizing each topology has."""

_OTHER: Mapping[Kind, Kind] = {"nfet": "pfet", "pfet": "nfet"}
_RAIL: Mapping[Kind, str] = {"nfet": "0", "pfet": "vdd"}


def _device(name: str, role: str, kind: Kind, size: tuple[float, float], nodes: str, multiplier: int = 1) -> Device:
    """A transistor of one finger; ``nodes`` are drain, gate and source, the bulk is the kind's own rail."""
    drain, gate, source = nodes.split()
    width, length = size
    return Device(name, role, kind, width, length, (drain, gate, source, _RAIL[kind]), 1, multiplier)


def _first_stage(sizing: Any, kind: Kind, *, diode_side: str, other_side: str, output: str) -> list[Device]:
    """Bias diode, tail, differential pair of ``kind`` and the mirror that loads it; "r" is the rail of the pair's kind."""
    own, across = _RAIL[kind], _RAIL[_OTHER[kind]]
    pair, load, mirror = ((getattr(sizing, f"w_{role}"), getattr(sizing, f"l_{role}")) for role in ("pair", "load", "mirror"))
    return [
        _device("m8", "bias", kind, mirror, f"nb nb {own}"),
        _device("m5", "tail", kind, mirror, f"tail nb {own}", sizing.m_tail),
        _device("m1", "pair", kind, pair, f"d1 {diode_side} tail", sizing.m_pair),
        _device("m2", "pair", kind, pair, f"{output} {other_side} tail", sizing.m_pair),
        _device("m3", "load", _OTHER[kind], load, f"d1 d1 {across}", 2),
        _device("m4", "load", _OTHER[kind], load, f"{output} d1 {across}", 2),
    ]


def _bias(sizing: Any, kind: Kind) -> dict[str, tuple[str, str, float]]:
    return {"rbias": (_RAIL[_OTHER[kind]], "nb", sizing.r_bias * 1e3)}


def _ota5(sizing: Any) -> Amplifier:
    """Five-transistor OTA with an NMOS pair."""
    devices = _first_stage(sizing, "nfet", diode_side="inp", other_side="inm", output="out")
    return Amplifier("ota5", tuple(devices), _bias(sizing, "nfet"), 0.5)


def _miller(sizing: Any, kind: Kind) -> Amplifier:
    """Two stages with Miller compensation, the resistor in series with the capacitor moves the zero."""
    devices = _first_stage(sizing, kind, diode_side="inm", other_side="inp", output="d2")
    mirror, load = (sizing.w_mirror, sizing.l_mirror), (sizing.w_load, sizing.l_load)
    devices += [
        _device("m6", "driver", _OTHER[kind], load, f"out d2 {_RAIL[_OTHER[kind]]}", sizing.m_drive),
        _device("m7", "sink", kind, mirror, f"out nb {_RAIL[kind]}", sizing.m_sink),
    ]
    passives = _bias(sizing, kind) | {
        "rzero": ("d2", "nz", sizing.r_zero * 1e3),
        "ccomp": ("nz", "out", sizing.c_comp * 1e-12),
    }
    name = "miller_n" if kind == "nfet" else "miller_p"
    return Amplifier(name, tuple(devices), passives, 0.5 if kind == "nfet" else 0.25)


def _folded(sizing: Any) -> Amplifier:
    """Folded cascode with an NMOS pair and a wide-swing mirror; both cascode biases come from diodes a sixth as wide."""
    mirror, load, pair = ((getattr(sizing, f"w_{role}"), getattr(sizing, f"l_{role}")) for role in ("mirror", "load", "pair"))
    ncas, pcas = ((width, sizing.l_cas) for width in (sizing.w_ncas, sizing.w_pcas))
    narrow_n, narrow_p = (
        (np.maximum(SKY130.narrowest, np.round(width / 6 / GRID) * GRID), sizing.l_cas) for width, _length in (ncas, pcas)
    )
    devices = (
        _device("m8", "bias", "nfet", mirror, "nb nb 0"),
        _device("m5", "tail", "nfet", mirror, "tail nb 0", sizing.m_tail),
        _device("m1", "pair", "nfet", pair, "f1 inp tail", sizing.m_pair),
        _device("m2", "pair", "nfet", pair, "f2 inm tail", sizing.m_pair),
        _device("m3", "source", "pfet", load, "f1 vbp vdd", sizing.m_drive),
        _device("m4", "source", "pfet", load, "f2 vbp vdd", sizing.m_drive),
        _device("m6", "pcascode", "pfet", pcas, "o1 vcp f1", sizing.m_sink),
        _device("m7", "pcascode", "pfet", pcas, "out vcp f2", sizing.m_sink),
        _device("m9", "ncascode", "nfet", ncas, "o1 vcn s1", sizing.m_sink),
        _device("m10", "ncascode", "nfet", ncas, "out vcn s2", sizing.m_sink),
        _device("m11", "load", "nfet", mirror, "s1 o1 0", sizing.m_sink),
        _device("m12", "load", "nfet", mirror, "s2 o1 0", sizing.m_sink),
        _device("m13", "bias", "nfet", mirror, "vbp nb 0"),
        _device("m14", "bias", "pfet", load, "vbp vbp vdd"),
        _device("m15", "bias", "nfet", mirror, "vcp nb 0"),
        _device("m16", "bias", "pfet", narrow_p, "vcp vcp vdd"),
        _device("m17", "bias", "pfet", load, "vcn vbp vdd"),
        _device("m18", "bias", "nfet", narrow_n, "vcn vcn 0"),
    )
    return Amplifier("folded", devices, _bias(sizing, "nfet"), 0.5)


TOPOLOGIES: Mapping[str, Callable[[Any], Amplifier]] = {
    "miller_n": lambda sizing: _miller(sizing, "nfet"),
    "ota5": _ota5,
    "miller_p": lambda sizing: _miller(sizing, "pfet"),
    "folded": _folded,
}


def build(topology: str, sizing: Any, *, pdk: str = SKY130.name, resistance: float = 1.0, capacitance: float = 1.0) -> Amplifier:
    """The amplifier of a topology with these sizes, its resistors and capacitors off their values by a factor."""
    made = TOPOLOGIES[topology](sizing)
    factors = {"r": resistance, "c": capacitance}
    passives = {name: (one, two, value * factors[name[0]]) for name, (one, two, value) in made.passives.items()}
    return replace(made, passives=passives, pdk=pdk)


def guesses(amplifier: Amplifier, supply: float) -> dict[str, float]:
    """Where the inner nodes will be about, so that the solver need not step its way there; V by node."""
    middle, vgs = amplifier.common_mode * supply, amplifier.process.vgs
    up, down = vgs["nfet"], supply - vgs["pfet"]
    if amplifier.topology == "miller_p":
        found = {"nb": down, "tail": middle + vgs["pfet"], "d1": up, "d2": up, "nz": up}
    else:
        found = {"nb": up, "tail": middle - vgs["nfet"], "d1": down, "d2": down, "nz": down}
        found |= {
            "f1": supply - 0.3,
            "f2": supply - 0.3,
            "o1": up,
            "s1": 0.2,
            "s2": 0.2,
            "vbp": down,
            "vcp": down - 0.3,
            "vcn": up + 0.3,
        }
    nodes = {node for one in amplifier.devices for node in one.nodes}
    nodes |= {node for first, second, _value in amplifier.passives.values() for node in (first, second)}
    return {"out": middle, "inm": middle, "xfb": middle} | {node: value for node, value in found.items() if node in nodes}
