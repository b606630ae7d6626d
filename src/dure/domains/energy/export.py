"""A found protocol in the field's own formats: a step table for a cycler, and a script for PyBaMM alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import pybamm

__all__ = ["protocol_files"]

_COLUMNS = (
    "step",
    "mode",
    "current_A",
    "c_rate_per_h",
    "voltage_V",
    "until_charge_Ah",
    "or_until_voltage_V",
    "start_temperature_degC",
)

_SCRIPT = '''"""Four-stage charge of {cell}; runs with pybamm alone."""

import pybamm

values = pybamm.ParameterValues("{cell}")
capacity = values["Nominal cell capacity [A.h]"]
limit = values["Upper voltage cut-off [V]"]
values["Initial temperature [K]"] = {preheat!r} + 273.15
values["Ambient temperature [K]"] = {ambient!r} + 273.15
values["Upper voltage cut-off [V]"] = limit + 0.05


def charged(share):
    return pybamm.step.CustomTermination(f"{{share:.0%}}", lambda v: v["Discharge capacity [A.h]"] + share * capacity)


steps = [
    pybamm.step.current(-rate * capacity, duration=43200, period=5, termination=[f"> {{limit}} V", charged(share)])
    for rate, share in {stages!r}
]
steps.append(pybamm.step.voltage(limit, duration=43200, period=5, termination=[charged({end_soc!r})]))
simulation = pybamm.Simulation(
    pybamm.lithium_ion.DFN({options!r}), parameter_values=values, experiment=pybamm.Experiment([tuple(steps)])
)
solution = simulation.solve(initial_soc=0.0)
print("minutes", solution["Time [min]"].entries[-1])
print("highest temperature, degC", solution["Volume-averaged cell temperature [C]"].entries.max())
anode = solution["Negative electrode surface potential difference at separator interface [V]"]
print("lowest anode potential, V", anode.entries.min())
'''


def protocol_files(
    rates: tuple[float, ...],
    preheat: float,
    *,
    cell: str,
    ambient: float,
    end_soc: float,
    thickness: float,
    options: Mapping[str, Any],
) -> dict[str, str]:
    """Files by name for C-rates ``rates`` (1/h) in stages of equal charge, start and air temperatures in degC.

    The script takes the parameter set as published, so it is left out (``options`` empty) where the campaign scaled it.
    """
    values = pybamm.ParameterValues(cell)
    capacity, limit = values["Nominal cell capacity [A.h]"] * thickness, values["Upper voltage cut-off [V]"]
    shares = [end_soc * stage / len(rates) for stage in range(1, len(rates) + 1)]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_COLUMNS)
    for number, (rate, share) in enumerate(zip(rates, shares, strict=True), start=1):
        start = preheat if number == 1 else ""
        table.writerow(
            [number, "constant current", round(rate * capacity, 6), rate, "", round(share * capacity, 6), limit, start]
        )
    table.writerow([len(rates) + 1, "constant voltage", "", "", limit, round(end_soc * capacity, 6), "", ""])
    if not options:
        return {"protocol.csv": text.getvalue()}
    stages = [(rate, round(share, 12)) for rate, share in zip(rates, shares, strict=True)]
    script = _SCRIPT.format(cell=cell, preheat=preheat, ambient=ambient, stages=stages, end_soc=end_soc, options=dict(options))
    return {"protocol.csv": text.getvalue(), "protocol_pybamm.py": script}
