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

    return pint.UnitRegistry()


@cache
def check_unit(unit: str) -> str:
    """Return ``unit`` when it can be read as one ("1" is dimensionless).

    Raises:
        ValueRefused: ``unit`` names nothing that can be measured in.
    """
    import pint

    try:
        _registry().Unit(unit if unit != "1" else "")
    except (pint.errors.UndefinedUnitError, pint.errors.DefinitionSyntaxError, ValueError, TypeError, AttributeError):
        raise ValueRefused(
            _('unit {unit!r} is not known; write it like "V", "1/h", "degC", "W/(m*K)" or "1" for none').format(unit=unit)
        ) from None
    return unit


def convert(value: float, unit: str, to: str) -> float:
    """``value`` in ``unit`` expressed in ``to``.

    Raises:
        ValueRefused: the two units measure different things.
    """
    import pint

    registry = _registry()
    try:
        return float(registry.Quantity(value, check_unit(unit) if unit != "1" else "").to(to if to != "1" else "").magnitude)
    except pint.errors.DimensionalityError:
        raise ValueRefused(_("{unit!r} cannot be expressed in {to!r}: they measure different things").format(unit=unit, to=to)) from None


_SIGNS = {"degC": "°C", "1": "", "ohm": "Ω", "um": "µm", "percent": "%"}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def label(unit: str) -> str:
    """``unit`` as it stands beside a number on a page; empty for dimensionless."""
    if unit in _SIGNS:
        return _SIGNS[unit]
    text = re.sub(r"^1/(\w+)$", r"\1**-1", unit)
    return re.sub(r"\*\*(-?\d+)", lambda power: power[1].translate(_RAISED), text).replace("*", "·")
