"""Units of measurement. The only module that knows pint."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from dure.errors import ValueRefused
from dure.i18n import _

__all__ = ["check_unit", "convert", "label"]


@cache
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry()
    registry.define("pcm = 1e-5")  # per cent mille, the unit of reactivity
    return registry


@cache
def check_unit(unit: str) -> str:
    """Return ``unit`` when it can be read as one ("1" is dimensionless).

    Raises:
        ValueRefused: ``unit`` names nothing that can be measured in.
    """
    try:
        known = bool(unit) and _registry().Unit(unit if unit != "1" else "") is not None
    except Exception:  # whatever the parser stumbles over: pint lets its tokenizer's and its own assertion errors through
        known = False
    if not known:
        raise ValueRefused(
            _('unit {unit!r} is not known; write it like "V", "1/h", "degC", "W/(m*K)" or "1" for none').format(unit=unit)
        )
    return unit


def convert(value: float, given: str, wanted: str) -> float:
    """``value`` in the unit ``given`` as a number in the unit ``wanted``.

    Raises:
        ValueRefused: one of them is no unit, or they do not measure the same quantity.
    """
    if given == wanted:
        return value
    units = [one if one != "1" else "" for one in (check_unit(given), check_unit(wanted))]
    try:
        return float(_registry().Quantity(value, units[0]).to(units[1]).magnitude)
    except Exception:  # pint's own, of several bases: dimensions that differ, offsets that cannot be multiplied
        raise ValueRefused(_("{given} cannot be turned into {wanted}").format(given=given, wanted=wanted)) from None


_SIGNS = {
    "degC": "°C",
    "1": "",
    "ohm": "Ω",
    "kohm": "kΩ",
    "uH": "µH",
    "uF": "µF",
    "us": "µs",
    "um": "µm",
    "percent": "%",
    "degree": "°",
    "uA": "µA",
    "V/us": "V/µs",
    "um**2": "µm²",
    "nV/Hz**0.5": "nV/√Hz",
}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def label(unit: str) -> str:
    """``unit`` as it stands beside a number on a page; empty for dimensionless."""
    if unit in _SIGNS:
        return _SIGNS[unit]
    text = re.sub(r"^1/(\w+)$", r"\1**-1", unit.replace("^", "**"))
    text = re.sub(r"[A-Za-z_]+", lambda word: _SIGNS.get(word[0], word[0]), text)
    return re.sub(r"\*\*(-?\d+)(?![\d.])", lambda power: power[1].translate(_RAISED), text).replace("*", "·")
