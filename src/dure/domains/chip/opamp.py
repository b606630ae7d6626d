"""chip/opamp: how little current does an amplifier need to keep its specs at every corner, supply and temperature?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dure.domains.chip.bench import Point
from dure.domains.chip.devices import Amplifier
from dure.domains.chip.export import netlist
from dure.domains.chip.measure import LARGER_IS_WORSE, Run, bench_run, threshold_sigma, worst
from dure.domains.chip.ngspice import NGSPICE
from dure.domains.chip.pdk import CORNERS, GF180, PROCESSES, SKY130
from dure.domains.chip.theory import TOKENS, expected, first_stage
from dure.domains.chip.topologies import GRID, TOPOLOGIES, USED, build
from dure.domains.chip.views import views
from dure.domains.chip.yields import yield_views
from dure.i18n import N_
from dure.problem import (
    Answer,
    Check,
    Fan,
    Fidelity,
    Problem,
    Rule,
    Sheet,
    Tokens,
    at_least,
    at_most,
    choice,
    design,
    integer,
    minimise,
    outcome,
    real,
    rule,
    setting,
)

__all__ = ["SAMPLES", "Measured", "Sizing", "Use", "export", "problem", "pvt", "samples"]


@design
class Sizing:
    """Sizes by role: width of one finger, length, how many fingers; a topology has those it needs."""

    w_pair: float = real(0.5, 20.0, unit="um", log=True, grid=GRID, help=N_("width of one finger, input pair"))
    l_pair: float = real(0.15, 4.0, unit="um", log=True, grid=GRID, help=N_("length, input pair"))
    m_pair: int = integer(1, 16, help=N_("fingers of each side of the input pair"))
    w_load: float = real(0.5, 20.0, unit="um", log=True, grid=GRID, help=N_("width of one finger, load and driver"))
    l_load: float = real(0.15, 4.0, unit="um", log=True, grid=GRID, help=N_("length, load and driver"))
    w_mirror: float = real(0.5, 20.0, unit="um", log=True, grid=GRID, help=N_("width of one finger, current mirrors"))
    l_mirror: float = real(0.15, 4.0, unit="um", log=True, grid=GRID, help=N_("length, current mirrors"))
    m_tail: int = integer(1, 16, help=N_("fingers of the tail; the bias diode has one"))
    m_sink: int = integer(1, 32, help=N_("fingers of the output's current sink; of mirror and cascodes when folded"))
    m_drive: int = integer(1, 32, help=N_("fingers of the output's driver; of the current sources when folded"))
    r_bias: float = real(20.0, 1000.0, unit="kohm", log=True, help=N_("bias resistor"))
    r_zero: float = real(0.1, 30.0, unit="kohm", log=True, help=N_("resistor in series with the compensation capacitor"))
    c_comp: float = real(0.2, 8.0, unit="pF", log=True, help=N_("compensation capacitor"))
    w_ncas: float = real(1.0, 20.0, unit="um", log=True, grid=GRID, help=N_("width of one finger, NMOS cascodes"))
    w_pcas: float = real(1.0, 20.0, unit="um", log=True, grid=GRID, help=N_("width of one finger, PMOS cascodes"))
    l_cas: float = real(0.15, 2.0, unit="um", log=True, grid=GRID, help=N_("length, cascodes"))


@design
class LongSizing(Sizing):
    """Sizes on GF180, whose shortest channel is 0.28 um."""

    l_pair: float = real(0.28, 4.0, unit="um", log=True, grid=GRID, help=N_("length, input pair"))
    l_load: float = real(0.28, 4.0, unit="um", log=True, grid=GRID, help=N_("length, load and driver"))
    l_mirror: float = real(0.28, 4.0, unit="um", log=True, grid=GRID, help=N_("length, current mirrors"))
    l_cas: float = real(0.28, 2.0, unit="um", log=True, grid=GRID, help=N_("length, cascodes"))


_DESIGNS: Mapping[str, type[Sizing]] = {SKY130.name: Sizing, GF180.name: LongSizing}


@setting
class Use:
    """Which amplifier, on which process, and what it is used for."""

    pdk: str = choice(*PROCESSES, default=SKY130.name, help=N_("open process"))
    topology: str = choice(*TOPOLOGIES, default="miller_n", help=N_("which amplifier"))
    load: float = real(0.5, 20.0, unit="pF", default=5.0, help=N_("load capacitor"))
    supply: float = real(0.85, 1.1, default=1.0, help=N_("nominal supply, relative to that of the process, 1.8 or 3.3 V"))
    temperature: float = real(-20.0, 100.0, unit="degC", default=27.0, help=N_("nominal temperature"))
    resistance: float = real(0.7, 1.3, default=1.0, help=N_("resistors, relative to their nominal value"))
    capacitance: float = real(0.7, 1.3, default=1.0, help=N_("compensation capacitor, relative to its nominal value"))

    def point(self, share: float = 1.0, temperature: float | None = None) -> Point:
        """At a share of the nominal supply, and at the nominal temperature unless another is given."""
        supply = round(self.supply * share * PROCESSES[self.pdk].supply, 9)
        return Point(supply, self.temperature if temperature is None else temperature)


@outcome
class Measured:
    """The worst of every figure over the points of a rung."""

    current: float = minimise(unit="uA", positive=True, help=N_("supply current, bias included"))
    gain: float = at_least(30.0, unit="dB", help=N_("open-loop gain, at 10 Hz"))
    gbw: float = at_least(1.0, unit="MHz", positive=True, help=N_("unity-gain frequency"))
    phase_margin: float = at_least(55.0, unit="degree", help=N_("phase margin"))
    gain_margin: float = at_least(6.0, unit="dB", help=N_("gain margin"))
    slew: float = at_least(0.5, unit="V/us", positive=True, help=N_("slew rate, 10 to 90 percent of a 0.2 V step in unity gain"))
    settling: float = at_most(5000.0, unit="ns", positive=True, help=N_("settling time, to 1 percent of that step"))
    cmrr: float = at_least(30.0, unit="dB", help=N_("common-mode rejection, at 10 Hz and without mismatch"))
    psrr: float = at_least(30.0, unit="dB", help=N_("supply rejection, at 10 Hz and without mismatch"))
    offset: float = at_most(30.0, unit="mV", positive=True, help=N_("input offset, systematic and three sigma of mismatch"))
    swing: float = at_least(30.0, unit="percent", help=N_("output swing, of the supply, where gain 1 keeps nine tenths"))
    noise: float = at_most(2000.0, unit="nV/Hz**0.5", positive=True, help=N_("input noise, at 10 kHz"))
    saturation: float = at_least(-500.0, unit="mV", help=N_("saturation margin, of the transistor that has least"))
    area: float = at_most(50000.0, unit="um**2", positive=True, help=N_("area, of devices without wiring"))


@rule
def folded_current(sizing: Sizing) -> float:
    """The folding sources carry more than their half of the tail, so that current is left for the cascodes."""
    return sizing.m_drive - sizing.m_tail / 2 - 0.5


_RULES: Mapping[str, tuple[Rule, ...]] = {"folded": (folded_current,)}

_IDLE: Mapping[str, Any] = {"m_sink": 4, "m_drive": 4, "r_zero": 1.0, "c_comp": 1.0, "w_ncas": 5.0, "w_pcas": 5.0, "l_cas": 0.5}
"""What stands for the inputs that a topology does not have."""


_TEXTBOOK: Mapping[str, Any] = {
    **{"w_pair": 10.0, "l_pair": 0.5, "m_pair": 4, "w_load": 5.0, "l_load": 0.5, "w_mirror": 4.0, "l_mirror": 0.5, "m_tail": 4},
    **{"r_bias": 150.0},
}
_MILLER: Mapping[str, Any] = {"m_sink": 10, "m_drive": 10, "r_zero": 3.0, "c_comp": 2.0}
_CASCODES: Mapping[str, Any] = {"m_sink": 4, "m_drive": 5, "w_ncas": 5.0, "w_pcas": 10.0, "l_cas": 0.5}


def _start(kind: type[Sizing] = Sizing, **sizes: Any) -> Sizing:
    return kind(**{**_IDLE, **_TEXTBOOK, **sizes})


def _long(**sizes: Any) -> Sizing:
    return _start(LongSizing, **{"l_pair": 0.7, "l_load": 0.7, "l_mirror": 0.7, "l_cas": 0.5, "r_bias": 300.0, **sizes})


_STARTS: Mapping[str, Mapping[str, tuple[Sizing, ...]]] = {
    SKY130.name: {
        "miller_n": (
            _start(**_MILLER),
            _start(**{**_MILLER, "l_pair": 1.0, "l_load": 1.0, "w_mirror": 5.0, "l_mirror": 1.0, "m_sink": 16, "m_drive": 16}),
        ),
        "ota5": (
            _start(r_bias=120.0, m_tail=5, l_mirror=1.0),
            _start(r_bias=100.0, m_tail=5, l_mirror=1.0, l_load=1.0, m_pair=6),
        ),
        "miller_p": (
            _start(**_MILLER, w_pair=20.0, m_pair=6, w_load=3.0, w_mirror=10.0),
            _start(**{**_MILLER, "m_sink": 16, "m_drive": 16}, w_pair=20.0, m_pair=8, w_load=5.0, l_load=1.0, w_mirror=10.0),
        ),
        "folded": (
            _start(**_CASCODES, w_load=10.0, w_mirror=5.0, l_mirror=1.0),
            _start(**{**_CASCODES, "m_sink": 6}, w_load=15.0, l_load=1.0, w_mirror=8.0, l_mirror=1.0),
        ),
    },
    GF180.name: {
        "miller_n": (
            _long(**_MILLER, w_load=8.0),
            _long(**{**_MILLER, "m_sink": 16, "m_drive": 16}, l_pair=1.0, w_load=10.0, l_load=1.0, l_mirror=1.0),
        ),
        "ota5": (
            _long(m_tail=5, l_mirror=1.0, w_load=8.0),
            _long(m_tail=6, l_mirror=1.0, l_load=1.0, m_pair=8, w_load=10.0),
        ),
        "miller_p": (
            _long(**_MILLER, w_pair=20.0, m_pair=6, w_load=4.0, w_mirror=10.0),
            _long(**{**_MILLER, "m_sink": 16, "m_drive": 16}, w_pair=20.0, m_pair=8, w_load=6.0, l_load=1.0, w_mirror=10.0),
        ),
        "folded": (
            _long(**_CASCODES, w_load=15.0, w_mirror=8.0, l_mirror=1.0),
            _long(**{**_CASCODES, "m_sink": 6}, w_load=20.0, l_load=1.0, w_mirror=10.0, l_mirror=1.0),
        ),
    },
}
"""Overdrives of about 0.1 V, lengths of two to six times the least, currents doubled from stage to stage."""


@cache
def _limits() -> Mapping[str, Any]:
    """Spec sets by process and topology, as benchmarks/chip_limits.py froze them."""
    found: Mapping[str, Any] = json.loads(Path(__file__).with_name("limits.json").read_text("utf-8"))
    return found


def sets_of(use: Use) -> Mapping[str, Mapping[str, float]]:
    """The frozen spec sets of an amplifier by name; none where none were frozen."""
    found: Mapping[str, Mapping[str, float]] = _limits().get(use.pdk, {}).get(use.topology, {}).get("limits", {})
    return found


def members(use: Use) -> dict[str, Any]:
    """What a topology has on a process: its inputs, textbook starts, rules and frozen spec sets."""
    return {
        "design": _DESIGNS[use.pdk],
        "held": {name: value for name, value in _IDLE.items() if name not in USED[use.topology]},
        "starts": _STARTS[use.pdk][use.topology],
        "rules": _RULES.get(use.topology, ()),
        "limits": sets_of(use),
        "needs": (NGSPICE, PROCESSES[use.pdk].need),
    }


Rung = Literal["typical", "corners", "pvt", "mismatch", "signoff"]
SAMPLES = 59
"""So many samples that, when all keep a limit, 95 % of chips do with 95 % confidence (Wilks1941)."""


_PATIENCE = 600.0
"""Seconds for a corner with the PDK's own files, which takes four: a busy machine must not refute an amplifier."""


def simulate(sizing: Sizing, use: Use, *, fidelity: Rung) -> Answer:
    """The bench at every point of a rung, with ngspice (Ngspice2023)."""
    amplifier = _built(sizing, use)
    corners = CORNERS if fidelity in ("corners", "pvt", "signoff") else CORNERS[:1]
    points = [use.point()]
    if fidelity in ("pvt", "signoff"):
        points = pvt(use)
    elif fidelity == "mismatch":
        points = samples(amplifier, points[0])
    load, whole = use.load * 1e-12, fidelity == "signoff"
    curves = fidelity in ("pvt", "corners", "typical")
    runs: dict[str, Run] = {}
    for corner in corners:
        patience = _PATIENCE if whole else _PATIENCE / 4
        runs[corner] = bench_run(amplifier, corner, points, load=load, curves=curves, unflattened=whole, timeout=patience)
    specs = worst([spec for run in runs.values() for spec in run.specs])
    shown: tuple[Fan | Sheet, ...] = views(amplifier, runs, points) if curves else ()
    if fidelity == "mismatch":
        shown = yield_views(runs["tt"].specs, sets_of(use))
    drawn = build(use.topology, sizing, pdk=use.pdk)  # what is drawn does not move with the process
    return Answer(Measured(area=drawn.area, **vars(specs)), shown)


def _built(sizing: Sizing, use: Use) -> Amplifier:
    return build(use.topology, sizing, pdk=use.pdk, resistance=use.resistance, capacitance=use.capacitance)


def pvt(use: Use) -> list[Point]:
    """Nine points, the nominal one first: supply less and more by a tenth, -40 and 125 degC."""
    return [use.point(share, at) for share in (1.0, 0.9, 1.1) for at in (None, -40.0, 125.0)]


def samples(amplifier: Amplifier, nominal: Point) -> list[Point]:
    """The nominal point with the thresholds of every transistor drawn anew, the same draws for every design."""
    generator = np.random.default_rng(SAMPLES)
    sigma = np.array([threshold_sigma(amplifier.process, one, "tt") for one in amplifier.devices])
    drawn = generator.normal(size=(SAMPLES, len(sigma))) * sigma
    names = [one.name for one in amplifier.devices]
    return [Point(nominal.supply, nominal.temperature, dict(zip(names, row.tolist(), strict=True))) for row in drawn]


_EXPECTED: tuple[tuple[str, float, float | None], ...] = (
    ("tt", 1.0, None),
    ("ss", 0.9, 125.0),
    ("ff", 1.1, 125.0),
    ("ss", 0.9, -40.0),
)
"""Where theory looks for the worst of 45 points: corner, share of the supply, temperature in degC (None: the nominal one)."""


def theory(sizing: Sizing, use: Use, *, fidelity: Rung = "pvt") -> dict[str, Any]:
    """gm/Id tables and small-signal formulas, at the nominal point or the worst of a few."""
    places = [(corner, use.point(share, at)) for corner, share, at in (_EXPECTED[:1] if fidelity == "typical" else _EXPECTED)]
    said = expected(use.topology, sizing, places, load=use.load * 1e-12, process=PROCESSES[use.pdk])
    found: dict[str, Any] = {
        name: (np.max if name in LARGER_IS_WORSE else np.min)(values, axis=0) for name, values in said.items()
    }
    return found | {"area": build(use.topology, sizing, pdk=use.pdk).area}


_SAID = tuple(f"said {name}" for name in ("current", "gain", "gbw", "phase_margin", "gain_margin", "slew", "settling", "swing"))


def tokens(sizing: Sizing, use: Use) -> dict[str, Any]:
    """Of any topology on any process: its first stage at the nominal point, and what formulas say of the whole amplifier."""
    place = (CORNERS[0], use.point())
    about: Any = {"load": use.load * 1e-12, "process": PROCESSES[use.pdk]}
    said = {name: value[0] for name, value in expected(use.topology, sizing, [place], **about).items()}
    found = {f"said {name}": np.log(np.maximum(value, 1e-3)) for name, value in said.items()}
    return found | {"said saturation": said["saturation"]} | first_stage(use.topology, sizing, place, **about)


def export(sizing: Sizing, use: Use, measured: Measured) -> Mapping[str, str]:
    """The amplifier with its bench and the models it needs, for any ngspice."""
    return {"winner.sp": netlist(_built(sizing, use), use.point(), load=use.load * 1e-12)}


_CLOSE: Mapping[str, float] = {
    **{"gain": 0.01, "gbw": 0.01, "phase_margin": 0.02, "gain_margin": 0.02, "slew": 0.02, "settling": 1.0, "cmrr": 0.05},
    **{"psrr": 0.05, "offset": 0.005, "swing": 0.1, "noise": 0.05, "saturation": 0.05, "area": 1e-6},
}
"""How far the sign-off may lie from the cut models, each in its own unit; measured, they agree to six figures."""

problem = Problem(
    name="chip/opamp",
    version="3",
    question=N_("How little current does this amplifier need to keep its specs at every corner?"),
    design=Sizing,
    setting=Use,
    family=("pdk", "topology", "load", "supply", "temperature"),
    held_out={"topology": ("folded",), "pdk": (GF180.name,)},
    outcome=Measured,
    simulate=simulate,
    theory=theory,
    tokens=Tokens((*_SAID, "said saturation", *TOKENS), tokens),
    members=members,
    needs=(NGSPICE, SKY130.need, replace(GF180.need, optional=True)),
    starts=_STARTS[SKY130.name]["miller_n"],
    fidelities=(Fidelity("pvt", help=N_("five corners, three supplies, -40, nominal and 125 degC")),),
    beyond=(
        Fidelity("typical", 0.02, help=N_("typical corner, nominal supply and temperature")),
        Fidelity("corners", 0.11, help=N_("five corners at nominal supply and temperature")),
        Fidelity("mismatch", 3.5, help=N_("59 samples of threshold mismatch, the worst of each spec")),
        Fidelity("signoff", 6.0, help=N_("as pvt, with the PDK's own device files")),
    ),
    checks=(
        Check(
            N_("sign-off"),
            "signoff",
            required=True,
            fresh_process=True,
            slack=_CLOSE,
            help=N_("the limits hold with the PDK's own files at all 45 points"),
        ),
        Check(
            N_("mismatch yield"),
            "mismatch",
            help=N_(
                "all 59 samples keep the limits, at the typical corner and the nominal point: then at least 95 percent of chips "
                "do there, with 95 percent confidence"
            ),
        ),
        Check(N_("resistors -15 %"), replace={"resistance": 0.85}, help=N_("the low edge of the process's resistors")),
        Check(N_("resistors +15 %"), replace={"resistance": 1.15}, help=N_("the other edge")),
        Check(N_("capacitor -11 %"), replace={"capacitance": 0.89}, help=N_("the low edge of the process's capacitors")),
    ),
    runs=60,
    control_runs=20,
    timeout=3000.0,
    cites=("SkyWater2020", "GlobalFoundries2022", "Ngspice2023", "Pelgrom1989", "Clopper1934"),
    hazards=(
        N_("A schematic-level result: layout parasitics, supply wires and electrostatic protection were not looked at."),
        N_(
            "Mismatch is that of thresholds alone, at the typical corner and the nominal point; resistors and capacitors are "
            "ideal but for the checks that move them."
        ),
    ),
    export=export,
)
