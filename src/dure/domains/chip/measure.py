"""What one run of the bench says of an amplifier, in the units a designer reads, and every way it can say nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dure.domains.chip.bench import OPERATING, STEP, Point, deck, flat_models
from dure.domains.chip.devices import Amplifier, Device
from dure.domains.chip.flatten import cards
from dure.domains.chip.ngspice import Printed, run
from dure.domains.chip.pdk import Process
from dure.errors import SimulationFailed

__all__ = ["LARGER_IS_WORSE", "Run", "Specs", "bench_run", "offset_sigma", "read", "threshold_sigma", "worst"]

LARGER_IS_WORSE = frozenset({"current", "settling", "offset", "noise"})
_MOST_CPU, _MOST_CPU_WHOLE = 1.5, 15.0
"""Seconds of processor time a point, thirty times what it takes: a step of no length ends, however busy the machine is."""
_ARTEFACT = 170.0
"""A phase margin above this belongs to a sizing whose output does not follow its input at all."""


@dataclass(frozen=True)
class Specs:
    """One amplifier at one point.

    Attributes:
        current: from the supply, bias included, uA.
        gain: at 10 Hz, dB. gbw: unity-gain frequency, MHz.
        phase_margin: degrees. gain_margin: dB; where the phase never reaches -180 degrees, down to 10 GHz.
        slew: 10-90 % rate of a 0.2 V step in unity gain, the slower edge, V/us. settling: to 1 % of the step, ns.
        cmrr, psrr: at 10 Hz, dB. offset: systematic plus three standard deviations of threshold mismatch, mV; where the
            thresholds are shifted already, what it comes to.
        swing: of the output, percent of the supply. noise: at the input at 10 kHz, nV/sqrt(Hz). saturation: headroom of the
            transistor that has least, mV.
    """

    current: float
    gain: float
    gbw: float
    phase_margin: float
    gain_margin: float
    slew: float
    settling: float
    cmrr: float
    psrr: float
    offset: float
    swing: float
    noise: float
    saturation: float


@dataclass(frozen=True)
class Run:
    """``specs`` by point, the transistors' operating points at the first one, and what was printed."""

    specs: tuple[Specs, ...]
    devices: Mapping[str, Mapping[str, float]]
    printed: Printed


def bench_run(
    amplifier: Amplifier,
    corner: str,
    points: Sequence[Point],
    *,
    load: float,
    transient: bool = True,
    curves: bool = False,
    unflattened: bool = False,
    timeout: float = 120.0,
) -> Run:
    """Measure ``amplifier`` at one corner with the models cut to what it uses, or ``unflattened``; ``load`` in F.

    Without the ``transient`` slew and settling are not known, and NaN.

    Raises:
        SimulationFailed: at some point there was no convergence, no crossing, or a figure is missing; says which.
    """
    process = amplifier.process
    models = process.whole(corner) if unflattened else flat_models(process, amplifier.devices, corner)
    text = deck(amplifier, models, points, load=load, transient=transient, curves=curves, unflattened=unflattened)
    cpu = math.ceil((_MOST_CPU_WHOLE if unflattened else _MOST_CPU) * len(points))
    printed = run(text, tables=("bode.txt", "step.txt") if curves else (), timeout=timeout, cpu=cpu)
    return read(amplifier, corner, points, printed, transient=transient)


def read(amplifier: Amplifier, corner: str, points: Sequence[Point], printed: Printed, *, transient: bool = True) -> Run:
    """What a run of the bench printed, as figures; raises SimulationFailed as ``bench_run`` does."""
    specs = []
    for number, point in enumerate(points):
        try:
            specs.append(_specs(amplifier, corner, number, point, printed, transient=transient))
        except SimulationFailed as failed:
            place = f"{corner}, {point.supply:g} V, {point.temperature:g} degC"
            raise SimulationFailed(f"{failed} ({place})") from None
    devices = {
        one.name: {name: printed.figures.get(f"{one.name}_{name}_0", math.nan) for name in OPERATING} for one in amplifier.devices
    }
    return Run(tuple(specs), devices, printed)


def _specs(amplifier: Amplifier, corner: str, number: int, point: Point, printed: Printed, *, transient: bool) -> Specs:
    def figure(name: str, reason: str = "") -> float:
        return printed.figure(f"{name}_{number}", reason or f"missing measure: {name}")

    current, offset = figure("idd", "no operating point"), figure("offset", "no operating point")
    gain = figure("gain")
    if gain <= 0:
        raise SimulationFailed("no unity-gain crossing: the gain is below 0 dB")
    frequency = figure("ugf", "no unity-gain crossing")
    margin = 180.0 + figure("phase", "no unity-gain crossing")
    if margin > _ARTEFACT:
        raise SimulationFailed("no unity-gain crossing with the output following the input")
    least = printed.figures.get(f"beyond_{number}", figure("floor"))
    slew, settling = _step(printed, number) if transient else (math.nan, math.nan)
    margins = [abs(figure(f"{one.name}_vds")) - abs(figure(f"{one.name}_vdsat")) for one in amplifier.devices]
    conductances = {one.name: figure(f"{one.name}_gm") for one in amplifier.devices}
    return Specs(
        current=1e6 * current,
        gain=gain,
        gbw=1e-6 * frequency,
        phase_margin=margin,
        gain_margin=-least,
        slew=slew,
        settling=settling,
        cmrr=gain - figure("common_gain"),
        psrr=gain - figure("supply_gain"),
        offset=1e3 * (abs(offset) + (0.0 if point.shifts else 3 * offset_sigma(amplifier, corner, conductances))),
        swing=100 * max(0.0, figure("swing")) / point.supply,
        noise=1e9 * figure("noise"),
        saturation=1e3 * min(margins),
    )


def _step(printed: Printed, number: int) -> tuple[float, float]:
    """Slew in V/us and settling in ns, of the slower edge."""
    lost = "the step was not followed"
    height = printed.figure(f"height_{number}", lost)
    edges = [printed.figure(f"{edge}_time_{number}", lost) for edge in ("rise", "fall")]
    settled = [printed.figure(f"{edge}_settled_{number}", "the step did not settle") for edge in ("rise", "fall")]
    if height < STEP or min(edges) <= 0 or min(settled) <= 0:
        raise SimulationFailed(lost)
    return 1e-6 * 0.8 * height / max(edges), 1e9 * max(settled)


def offset_sigma(amplifier: Amplifier, corner: str, conductances: Mapping[str, float]) -> float:
    """Standard deviation of the input offset in V, from the thresholds of the first stage's pairs (Pelgrom1989).

    The slopes are those of the models' own mismatch terms; oxide and subthreshold terms are left out.
    """
    pair = conductances[amplifier.role("pair").name]
    variance = 0.0
    for one in amplifier.devices:
        if one.role in ("pair", "load", "source"):
            variance += (conductances[one.name] / pair * threshold_sigma(amplifier.process, one, corner)) ** 2
    return math.sqrt(variance)


def threshold_sigma(process: Process, one: Device, corner: str) -> float:
    """Standard deviation of a transistor's threshold in V."""
    width, length = one.width * 1e-6 * (1 + 1e-9), one.length * 1e-6 * (1 + 1e-9)
    card = next(card for card in cards(process, one.kind, corner) if card.covers(width, length))
    area = (one.length * 1e-6 - card.lost) * (one.width * one.fingers * 1e-6 + card.gained) * one.multiplier
    return card.slope / math.sqrt(area)


def worst(specs: Sequence[Specs]) -> Specs:
    """The worst value of each figure over some points."""
    found = {name: (max if name in LARGER_IS_WORSE else min)(getattr(one, name) for one in specs) for name in vars(specs[0])}
    return replace(specs[0], **found)
