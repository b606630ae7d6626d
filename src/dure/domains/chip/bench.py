"""The bench: what is measured of an amplifier, as one deck that any ngspice runs.

One copy of the amplifier serves every analysis, by altering what surrounds it. In open loop an inductor and a capacitor of 1 TH
and 1 TF hold the operating point and let no signal back; as 1 pH and nothing they close unity gain for the step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dure.domains.chip.devices import Amplifier, Device
from dure.domains.chip.flatten import cut
from dure.domains.chip.pdk import Kind, Process
from dure.domains.chip.topologies import guesses

__all__ = ["OPERATING", "STEP", "Point", "circuit", "deck", "flat_models"]

STEP = 0.1
"""Half the height of the step in unity gain, in V."""

OPERATING = ("id", "gm", "gds", "vgs", "vds", "vth", "vdsat", "cgg")
"""What is read of each transistor at the operating point."""


@dataclass(frozen=True)
class Point:
    """Supply in V, temperature in degC, and what mismatch adds to the thresholds of transistors, V by name."""

    supply: float
    temperature: float = 27.0
    shifts: Mapping[str, float] = field(default_factory=dict)


def flat_models(process: Process, devices: Iterable[Device], corner: str) -> str:
    """The model cards these devices need at a corner."""
    sizes: dict[Kind, set[tuple[float, float]]] = {}
    for one in devices:
        sizes.setdefault(one.kind, set()).add((one.width * 1e-6, one.length * 1e-6))
    return "\n".join(cut(process, kind, corner, used) for kind, used in sorted(sizes.items()))


def _line(amplifier: Amplifier, one: Device, *, unflattened: bool) -> str:
    """A transistor; some PDKs' own wrappers take micrometres without a suffix."""
    process = amplifier.process
    u, p = ("", "") if unflattened and process.micrometres else ("u", "p")
    areas = one.junctions(process.drain) if amplifier.junctions else dict.fromkeys(("ad", "as", "pd", "ps"), 0.0)
    written = " ".join(f"{name}={value:.6g}{p if name.startswith('a') else u}" for name, value in areas.items())
    name, model = (f"x{one.name}", process.wrapper(one.kind)[0]) if unflattened else (one.name, process.card(one.kind))
    sizes = f"w={one.width * one.fingers:.6g}{u} l={one.length:.6g}{u} nf={one.fingers} m={one.multiplier} {written}"
    return f"{name} {' '.join(one.nodes)} {model} {sizes}"


def circuit(amplifier: Amplifier, *, unflattened: bool = False) -> str:
    """The amplifier's own lines between the nodes inp, inm, out, vdd and 0."""
    lines = [_line(amplifier, one, unflattened=unflattened) for one in amplifier.devices]
    lines += [f"{name} {first} {second} {value:.9g}" for name, (first, second, value) in amplifier.passives.items()]
    return "\n".join(lines)


def deck(
    amplifier: Amplifier,
    models: str,
    points: Sequence[Point],
    *,
    load: float,
    transient: bool = True,
    curves: bool = False,
    unflattened: bool = False,
    title: str = "amplifier",
) -> str:
    """A deck that prints every figure of ``amplifier`` at each point, each with the point's number and a dot before its name.

    Args:
        models: text that defines the transistors' models; ``load`` in F.
        transient: whether the step is simulated as well. curves: write bode.txt and step.txt at the first point.
        unflattened: the models are the PDK's own files.
    """
    first = points[0]
    middle = amplifier.common_mode * first.supply
    sets = " ".join(f"v({node})={value:.3g}" for node, value in guesses(amplifier, first.supply).items())
    script: list[str] = []
    for number, point in enumerate(points):
        script += _point(amplifier, number, point, transient=transient, curves=curves and number == 0, unflattened=unflattened)
    return "\n".join(
        [
            f"* {title}",
            ".option reltol=1e-5" + (" scale=1e-6" if unflattened and amplifier.process.micrometres else ""),
            f".temp {first.temperature:g}",
            models,
            circuit(amplifier, unflattened=unflattened),
            f"vdd vdd 0 dc {first.supply:g} ac 0",
            f"vinp inp 0 dc {middle:g} ac 1 pulse({middle:g} {middle:g} 0 1n 1n 1 2)",
            "vcmn cmn 0 dc 0 ac 0",
            "vswp swp 0 dc 0",
            f"cload out 0 {load:g}",
            "lfb out xfb 1e12",
            "rl xfb inm 1",
            "cfb inm cmn 1e12",
            "rfb out inm 1e18",
            "rsw swp inm 1e18",
            f".nodeset {sets}",
            ".control",
            "set num_threads=1",
            "set numdgt=9",
            *script,
            ".endc",
            ".end",
            "",
        ]
    )


def _say(name: str, number: int, expression: str) -> list[str]:
    """Print a figure under a name of its own: where its expression fails, no older value can take its place."""
    return [f"let {name}_{number} = {expression}", f"print {name}_{number}"]


def _point(amplifier: Amplifier, number: int, point: Point, *, transient: bool, curves: bool, unflattened: bool) -> list[str]:
    middle = amplifier.common_mode * point.supply
    lines = [
        f"option temp={point.temperature:g}",
        f"alter vdd dc={point.supply:g}",
        f"alter vinp dc={middle:.9g}",
        *(f"alter @{name}[delvto]={shift:.6g}" for name, shift in point.shifts.items()),
        "op",
        *_say("idd", number, "-i(vdd)"),
        *_say("offset", number, "v(out)-v(inp)"),
    ]
    for one in amplifier.devices:
        inner = f"m.x{one.name}.{amplifier.process.wrapper(one.kind)[1]}" if unflattened else one.name
        for quantity in OPERATING if number == 0 else ("gm", "vds", "vdsat"):
            lines += _say(f"{one.name}_{quantity}", number, f"@{inner}[{quantity}]")
    lines += _open_loop(number, curves=curves)
    if transient:
        lines += _step(number, middle, curves=curves)
    return [*lines, *_rejections(number), *_swing(number, middle, point.supply), "destroy all"]


def _open_loop(number: int, *, curves: bool) -> list[str]:
    return [
        "ac dec 20 10 10g",
        "let db = vdb(out)",
        "let ph = 180/pi*cph(v(out))",
        *_say("gain", number, "db[0]"),
        *_say("floor", number, "db[length(db)-1]"),
        "meas ac ugf when db=0 fall=1",
        "meas ac php find ph when db=0 fall=1",
        "meas ac dbm find db when ph=-180 fall=1",
        *_say("ugf", number, "ugf"),
        *_say("phase", number, "php"),
        *_say("beyond", number, "dbm"),
        *(["wrdata bode.txt db ph"] if curves else []),
    ]


def _step(number: int, middle: float, *, curves: bool) -> list[str]:
    """A step up and down again in unity gain, each watched for ten periods of the unity-gain frequency.

    It follows the sweep, in whose plot that frequency is, here as the first point below 0 dB: there always is one. Times refer to
    where the output rests before and after each edge, so that a finite gain or an offset is not taken for slowness.
    """
    low, high = middle - STEP, middle + STEP
    lines = [
        "let window = 20/(1e5+vecmin(abs(frequency)+1e15*(db ge 0)))",
        "let begin = window/100",
        "let edge = window/2000",
        "let hold = window/2",
        "let stride = window/500",
        "alter lfb=1e-12",
        "alter cfb=1e-18",
        f"alter @vinp[pulse] = [ {low:.9g} {high:.9g} $&begin $&edge $&edge $&hold 1e3 ]",
        "tran $&stride $&window",
        "let ends = time[length(time)-1]",
        "let up = time lt 0.51*ends",
        "let rests = v(out)[0]",
        "let top = v(out)[vecmax(up*vector(length(time)))]",
        "let after = v(out)[length(time)-1]",
        *_say("height", number, "top-rests"),
        *(["wrdata step.txt v(out) v(inp)"] if curves else []),
    ]
    lines += ["let later = 0.505*ends"]  # an output that rings falls before the step does
    for edge, first, last, mask, starts, since in (
        ("rise", "rests", "top", "up", 0.01, ""),
        ("fall", "top", "after", "(1-up)", 0.5105, " td=$&later"),
    ):
        lines += [
            f"let {edge}l = {first}+0.1*({last}-{first})",
            f"let {edge}h = {first}+0.9*({last}-{first})",
            f"let {edge}e = {mask}*abs(v(out)-{last})",
            f"meas tran {edge}a when v(out)=$&{edge}l{since} {edge}=1",
            f"meas tran {edge}b when v(out)=$&{edge}h{since} {edge}=1",
            f"meas tran {edge}s when {edge}e={0.02 * STEP:.9g} fall=last",
            *_say(f"{edge}_time", number, f"{edge}b-{edge}a"),
            *_say(f"{edge}_settled", number, f"{edge}s-{starts}*ends"),
        ]
    return [*lines, "alter lfb=1e12", "alter cfb=1e12"]


def _rejections(number: int) -> list[str]:
    """What comes from the supply and from both inputs together, at 10 Hz, and the noise at 10 kHz."""
    return [
        "alter vdd ac=1",
        "alter vinp ac=0",
        "ac lin 1 10 10",
        *_say("supply_gain", number, "vdb(out)"),
        "alter vdd ac=0",
        "alter vinp ac=1",
        "alter vcmn ac=1",
        "ac lin 1 10 10",
        *_say("common_gain", number, "vdb(out)"),
        "alter vcmn ac=0",
        "noise v(out) vinp lin 1 10k 10k",
        *_say("noise", number, "inoise_spectrum"),
    ]


def _swing(number: int, middle: float, supply: float) -> list[str]:
    """Where an inverting amplifier of gain 1 still has nine tenths of it, the inputs at rest."""
    return [
        "alter rfb=1e9",
        "alter rsw=1e9",
        "alter rl=1e18",
        f"dc vswp {2 * middle - supply:.9g} {2 * middle:.9g} {supply / 90:.9g}",
        "let outside = abs(deriv(v(out))) lt 0.9",
        *_say("swing", number, "vecmax(v(out)-10*outside)-vecmin(v(out)+10*outside)"),
        "alter rfb=1e18",
        "alter rsw=1e18",
        "alter rl=1",
    ]
