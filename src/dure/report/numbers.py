"""How a claim is printed, and how a printed number is read back to be compared with its claim."""

from __future__ import annotations

import math
import re
from typing import Any

from markupsafe import Markup

from dure.campaign import Claim, shortened
from dure.units import label

__all__ = ["NONE", "Printed", "agrees", "full", "prefix_of", "printed", "shown", "word"]

NONE = "–"
"""What stands where there is no number."""

_THIN = "\N{NARROW NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PREFIXED = ("V", "A", "W", "J", "N", "Pa", "Hz", "m", "s", "g")
_PREFIXES = {"m": 1e3, "µ": 1e6, "n": 1e9}
_NUMBER = re.compile(rf"([+{_MINUS}]?)([\d{_THIN}]+)(?:\.(\d+))?(?:×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?(?:{_THIN}(\S.*))?")


def full(value: float | str | None) -> str:
    """A claim's value without loss, as it stands in the attribute of its element."""
    return "" if value is None else value if isinstance(value, str) else repr(value)


def shown(
    value: float,
    unit: str,
    digits: int = 4,
    *,
    sign: bool = False,
    percent: bool = False,
    bare: bool = False,
    near: float | None = None,
) -> str:
    """``value`` rounded to ``digits`` significant ones, with its unit unless ``bare``; zeros that say nothing are left out.

    Small values of simple units get a prefix, chosen by the size of ``near`` for values that stand side by side. Shares may be
    shown in percent.
    """
    scale, name = 1.0, label(unit)
    if percent:
        scale, name = 100.0, "%"
    elif not bare and (prefix := prefix_of(abs(value) if near is None else near, unit)):
        scale, name = _PREFIXES[prefix], prefix + name
    number = _rounded(value * scale, digits)
    plus = "+" if sign and value > 0 else ""
    return f"{plus}{number}{_THIN}{name}" if name and not bare else f"{plus}{number}"


def prefix_of(size: float, unit: str) -> str:
    """The prefix that makes a small ``size`` readable in a simple unit; empty where none is needed."""
    if unit not in _PREFIXED or not 0 < size < 0.1:
        return ""
    return next((prefix for prefix, scale in _PREFIXES.items() if size * scale >= 0.01), "n")


def _rounded(value: float, digits: int) -> str:
    size = math.floor(math.log10(abs(value))) if value else 0
    if value and not -5 <= size < 7:
        factor, _e, power = f"{value:.{digits - 1}e}".partition("e")
        return f"{factor}×10{str(int(power)).translate(_RAISED)}".replace("-", _MINUS)
    text = _fixed(value, max(0, digits - 1 - size))
    short = text.rstrip("0").rstrip(".") if "." in text else text
    return short if math.isclose(_value(short), value, rel_tol=1e-12) else text


def _fixed(value: float, decimals: int) -> str:
    whole, _point, rest = f"{value:.{decimals}f}".partition(".")
    grouped = f"{int(whole.lstrip('-')):,}".replace(",", _THIN) if len(whole.lstrip("-")) > 4 else whole.lstrip("-")
    return (_MINUS if value < 0 else "") + grouped + (f".{rest}" if rest else "")


def _value(text: str) -> float:
    return float(text.replace(_MINUS, "-").replace(_THIN, ""))


def agrees(text: str, value: float, unit: str) -> bool:
    """Whether ``text`` is ``value`` in ``unit``, correctly rounded to the digits and the unit that the text has."""
    match = _NUMBER.fullmatch(text)
    scale = _scale(match.group(5), unit) if match else None
    if match is None or scale is None:
        return False
    sign, _whole, rest, power, _unit = match.groups()
    number = text.partition(_THIN + (_unit or "\0"))[0].lstrip("+")
    if (sign == "+") > (value > 0):
        return False
    if power is not None:
        factor, _e, exponent = f"{value * scale:.{len(rest or '')}e}".partition("e")
        return number == f"{factor}×10{str(int(exponent)).translate(_RAISED)}".replace("-", _MINUS)
    return number == _fixed(value * scale, len(rest or ""))


def _scale(name: str | None, unit: str) -> float | None:
    if name is None or name == label(unit):
        return 1.0
    if name == "%" and unit == "1":
        return 100.0
    return _PREFIXES.get(name[0]) if unit in _PREFIXED and name[1:] == unit else None


def _element(claim: Claim, text: str) -> Markup:
    return Markup('<data class="claim" data-claim="{}" value="{}">{}</data>').format(claim.id, full(claim.value), text)


def printed(claim: Claim, digits: int = 4, **form: Any) -> Markup:
    """A claim as it stands on the page: rounded for the reader, in full for whoever checks; ``form`` as in ``shown``."""
    value = claim.value
    if isinstance(value, str) or value is None:
        return _element(claim, NONE if value is None else shortened(value))
    return _element(claim, shown(value, claim.unit, digits, **form))


class Printed:
    """A claim inside a sentence that names the unit itself; the place's format only says whether it is a share in percent."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim

    def __html_format__(self, spec: str) -> str:
        percent = spec.endswith("%")
        return printed(self.claim, 2 if percent else 3, percent=percent, bare=not percent)


def word(claim: Claim, text: str) -> Markup:
    """A claim whose value is a word, shown as ``text`` in the reader's language."""
    return _element(claim, text)
