"""Units are checked where they are written, and shown as people write them."""

from __future__ import annotations

import pytest

from dure.errors import ValueRefused
from dure.problem import Answer, Curve
from dure.units import check_unit, label


@pytest.mark.parametrize(
    "unit", ["1", "V", "1/h", "degC", "W/(m*K)", "percent", "kW*h/kg", "cm**2/s", "ohm*cm", "µm", "dB", "mol/L"]
)
def test_units_of_the_field_are_known(unit: str):
    assert check_unit(unit) == unit


@pytest.mark.parametrize("unit", ["", "volt per", "xyz", "5 V", "1e-3", "m/", "(", "V)", "kg m/ s s)", 3])
def test_what_nothing_is_measured_in_is_refused(unit: str):
    with pytest.raises(ValueRefused, match=r"is not known; write it like"):
        check_unit(unit)


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("1", ""),
        ("degC", "°C"),
        ("percent", "%"),
        ("1/h", "h⁻¹"),
        ("cm**2/s", "cm²/s"),
        ("W/(m*K)", "W/(m·K)"),
        ("V", "V"),
        ("ohm*cm^2", "Ω·cm²"),
        ("um/(m*K)", "µm/(m·K)"),
    ],
)
def test_units_are_shown_as_people_write_them(unit: str, shown: str):
    assert label(unit) == shown


CURVE = {"name": "current", "x_name": "time", "x_unit": "s", "y_name": "current", "y_unit": "A"}


def test_a_curve_is_plain_data_and_back():
    curve = Curve(**CURVE, x=(0, 1), y=(2.0, 3.0))
    assert Curve.from_plain(curve.plain()) == curve
    assert curve.plain()["view"] == "curve"
    assert Answer(outcome=None).views == ()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"x_unit": "sec onds"}, "sec onds"),
        ({"y_unit": ""}, "is not known"),
        ({"y": (1.0,)}, "2 and 1 points"),
        ({"x": (), "y": ()}, "0 and 0 points"),
        ({"y": (1.0, float("nan"))}, "curve 'current' has a value of y that is not finite"),
        ({"x": (1.0, float("inf"))}, "value of x that is not finite"),
    ],
)
def test_a_curve_that_cannot_be_drawn_is_refused(changed: dict[str, object], says: str):
    with pytest.raises(ValueRefused, match=says):
        Curve(**CURVE | {"x": (0.0, 1.0), "y": (2.0, 3.0)} | changed)  # type: ignore[arg-type]


def test_a_curve_takes_arrays():
    import numpy as np

    curve = Curve(**CURVE, x=np.arange(3), y=np.float32([1, 2, 3]))  # type: ignore[arg-type]
    assert curve.plain()["y"] == [1.0, 2.0, 3.0]
    assert all(type(value) is float for value in curve.x + curve.y)
