"""Printed numbers: correctly rounded, readable, and read back so that no altered digit passes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.report.numbers import agrees, shown
from dure.units import label

THIN = "\N{NARROW NO-BREAK SPACE}"
VALUES = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False).filter(lambda value: value == 0 or abs(value) > 1e-12)
UNITS = st.sampled_from(["1", "V", "degC", "min", "1/h", "kg", "W/(m*K)", "percent", "m"])
DIGITS = st.integers(2, 6)


@pytest.mark.parametrize(
    ("value", "unit", "digits", "options", "text"),
    [
        (22.581559314082586, "min", 4, {}, f"22.58{THIN}min"),
        (6.716250435171009e-05, "V", 2, {"sign": True}, f"+0.067{THIN}mV"),
        (-0.023809006325433837, "V", 2, {"sign": True}, f"−24{THIN}mV"),
        (-2.5047252083135163, "K", 2, {"sign": True}, f"−2.5{THIN}K"),
        (0.5310311141166292, "1", 3, {"percent": True}, f"53.1{THIN}%"),
        (-6.911141637188331e-05, "1", 2, {"percent": True}, f"−0.0069{THIN}%"),
        (1.0, "1/h", 4, {"bare": True}, "1"),
        (2.82, "1/h", 4, {}, f"2.82{THIN}h⁻¹"),
        (54.93822437567394, "degC", 4, {}, f"54.94{THIN}°C"),
        (0.0, "V", 4, {}, f"0{THIN}V"),
        (123456.0, "s", 3, {}, f"123{THIN}456{THIN}s"),
        (1.25e9, "1", 3, {}, "1.25×10⁹"),
        (3.4e-9, "kg", 2, {}, f"3.4×10⁻⁹{THIN}kg"),
        (19.000000000000004, "1", 3, {}, "19"),
    ],
)
def test_numbers_as_a_reader_expects_them(value: float, unit: str, digits: int, options: dict[str, bool], text: str):
    assert shown(value, unit, digits, **options) == text


@given(VALUES, UNITS, DIGITS, st.booleans(), st.booleans())
def test_what_is_printed_agrees_and_is_near(value: float, unit: str, digits: int, sign: bool, bare: bool):
    text = shown(value, unit, digits, sign=sign, bare=bare)
    assert agrees(text, value, unit)
    read = _read(text, unit)
    # rounding to n significant digits errs by at most half a unit of the last one
    assert abs(read - value) <= 0.5000001 * 10 ** (1 - digits) * abs(value)


@given(st.floats(-10, 10), DIGITS)
def test_shares_in_percent_agree(value: float, digits: int):
    assert agrees(shown(value, "1", digits, percent=True), value, "1")


@given(VALUES, UNITS, DIGITS, st.data())
def test_no_altered_character_passes(value: float, unit: str, digits: int, data: st.DataObject):
    text = shown(value, unit, digits)
    place = data.draw(st.sampled_from([index for index, letter in enumerate(text) if letter in "0123456789−+."]))
    other = data.draw(st.sampled_from("0123456789−+.").filter(lambda letter: letter != text[place]))
    assert not agrees(text[:place] + other + text[place + 1 :], value, unit)


@given(VALUES, DIGITS)
def test_another_unit_does_not_pass(value: float, digits: int):
    text = shown(value, "V", digits)
    if value:
        assert not agrees(text, value, "A")
        assert not agrees(text.replace("V", "W"), value, "V")


def _read(text: str, unit: str) -> float:
    """An independent reading, by Python's own float()."""
    match = re.fullmatch(rf"([+−\d.{THIN}]+?)(?:×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?(?:{THIN}(\D.*))?", text)
    assert match
    number, power, name = match.groups()
    plain = number.replace(THIN, "").replace("−", "-")
    exponent = (power or "⁰").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    prefix = {"m": 1e-3, "µ": 1e-6, "n": 1e-9}
    return float(f"{plain}e{exponent}") * (prefix[name[0]] if name and name != label(unit) else 1.0)
