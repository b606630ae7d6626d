"""An amplifier as devices with roles, so that tables, models of the past and readers need not know its topology."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dure.domains.chip.pdk import PROCESSES, SKY130, Kind, Process

__all__ = ["Amplifier", "Device"]


@dataclass(frozen=True)
class Device:
    """One transistor: ``width`` and ``length`` of a finger in micrometres, ``fingers`` side by side, ``multiplier`` times.

    ``nodes`` are drain, gate, source and bulk. ``role`` is what it is there for, such as "pair" or "load".
    """

    name: str
    role: str
    kind: Kind
    width: float
    length: float
    nodes: tuple[str, str, str, str]
    fingers: int = 1
    multiplier: int = 1

    @property
    def total_width(self) -> float:
        """In micrometres, over all fingers and multiples."""
        return self.width * self.fingers * self.multiplier

    @property
    def gate_area(self) -> float:
        """In square micrometres."""
        return self.total_width * self.length

    def layout_area(self, drain: float) -> float:
        """In square micrometres: gates with a drain and a source each, of that length in micrometres, no wiring."""
        return self.total_width * (self.length + 2 * drain)

    def junctions(self, drain: float) -> dict[str, float]:
        """Areas (um2) and perimeters (um) of drain and source of one multiple; neighbouring fingers share one."""
        drains, sources = (self.fingers + 1) // 2, (self.fingers + 2) // 2
        return {
            "ad": drains * self.width * drain,
            "as": sources * self.width * drain,
            "pd": 2 * drains * (self.width + drain),
            "ps": 2 * sources * (self.width + drain),
        }


@dataclass(frozen=True)
class Amplifier:
    """Transistors and passive parts between the nodes inp, inm, out, vdd and 0.

    ``passives`` has netlist lines by name: (letter and node names, value). ``common_mode`` is the share of the supply that the
    inputs rest at. With ``junctions`` False drains and sources have no area, as in the PDK's own wrapper.
    """

    topology: str
    devices: tuple[Device, ...]
    passives: Mapping[str, tuple[str, str, float]] = field(default_factory=dict)
    common_mode: float = 0.5
    junctions: bool = True
    pdk: str = SKY130.name

    @property
    def process(self) -> Process:
        """The open process it is made in."""
        return PROCESSES[self.pdk]

    def role(self, role: str) -> Device:
        """The first device of a role."""
        return next(one for one in self.devices if one.role == role)

    @property
    def area(self) -> float:
        """In square micrometres: transistors, capacitors at 2 fF/um2, resistors at 2 kohm a square of 0.35 um; no wiring."""
        total = sum(one.layout_area(self.process.drain) for one in self.devices)
        for name, (_first, _second, value) in self.passives.items():
            total += value / 2e-15 if name.startswith("c") else value / 2e3 * 0.35**2 if name.startswith("r") else 0.0
        return total
