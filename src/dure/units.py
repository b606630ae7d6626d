"""Units of measurement. The only module that knows pint."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from dure.errors import ValueRefused
from dure.i18n import _

__all__ = ["check_unit", "label"]


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


_SIGNS = {"degC": "°C", "1": "", "ohm": "Ω", "um": "µm", "percent": "%"}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def label(unit: str) -> str:
    """``unit`` as it stands beside a number on a page; empty for dimensionless."""
    if unit in _SIGNS:
        return _SIGNS[unit]
    text = re.sub(r"^1/(\w+)$", r"\1**-1", unit)
    return re.sub(r"\*\*(-?\d+)", lambda power: power[1].translate(_RAISED), text).replace("*", "·")
