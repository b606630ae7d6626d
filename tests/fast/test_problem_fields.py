"""Fields map values to the unit cube and back, and refuse what they cannot hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dure.errors import InputError, ProblemError, ValueRefused
from dure.problem import Choice, Field, Integer, Ordered, Real, Space, choice, design, integer, ordered, real

magnitudes = st.floats(-280, 280).map(lambda power: 10.0**power)
"""Scales from far below the Planck length to far above anything: units are the author's own."""


@st.composite
def linear(draw: st.DrawFn) -> Real:
    scale = draw(magnitudes)
    low, width = draw(st.floats(-2, 2)) * scale, draw(st.sampled_from([0.0, 1e-3, 1.0, 1e3])) * scale
    return Real(low=low, high=low + width)


@st.composite
def logarithmic(draw: st.DrawFn) -> Real:
    low, factor = draw(magnitudes), draw(st.sampled_from([1.0, 1.001, 2.0, 1e6, 1e20]))
    return Real(low=low, high=low * factor, log=True)


@st.composite
def whole(draw: st.DrawFn) -> Integer:
    low = draw(st.integers(-(2**49), 2**49))
    return Integer(low=low, high=low + draw(st.sampled_from([0, 1, 7, 10**6, 2**48])))


names = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=6, unique=True).map(
    lambda all_: Choice(options=tuple(all_))
)
levels = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=6, unique_by=lambda level: level + 0.0).map(
    lambda all_: Ordered(levels=tuple(sorted(all_)))
)
kinds = st.one_of(linear(), logarithmic(), whole(), names, levels)


def decoded(spec: Field, cube: Any) -> Any:
    return spec.decode(np.asarray(cube, dtype=float).reshape(1, -1))[0]


@given(kinds, st.data())
def test_every_column_stands_for_a_value_the_field_accepts(spec: Field, data: st.DataObject):
    spec.validate()
    cube = data.draw(st.lists(st.floats(0, 1), min_size=spec.columns, max_size=spec.columns))
    value = spec.snap(decoded(spec, cube))
    assert spec.accept("x", value) == value
    assert ((spec.encode(value) >= 0) & (spec.encode(value) <= 1)).all()
    assert spec.snap(value) == value  # what a person has written down once stays


@given(st.one_of(whole(), names, levels), st.data())
def test_values_that_can_be_counted_survive_the_cube_exactly(spec: Field, data: st.DataObject):
    match spec:
        case Integer():
            value: Any = data.draw(st.integers(spec.low, spec.high))
        case Choice():
            value = data.draw(st.sampled_from(spec.options))
        case Ordered():
            value = data.draw(st.sampled_from(spec.levels))
    assert spec.snap(decoded(spec, spec.encode(value))) == value


@given(st.one_of(linear(), logarithmic()), st.floats(0, 1))
def test_real_values_survive_the_cube_to_rounding(spec: Real, share: float):
    value = decoded(spec, [share])
    back = decoded(spec, spec.encode(value))
    slack = 1e-10 * max(abs(spec.low), abs(spec.high)) if not spec.log else 1e-10 * value * max(1.0, abs(math.log(spec.high)))
    assert math.isclose(back, value, rel_tol=0.0, abs_tol=slack)


@given(st.one_of(linear(), logarithmic()), st.floats(0, 1))
def test_a_snapped_value_is_the_same_design_to_the_eye(spec: Real, share: float):
    # a hundred thousandth of the range, or of the value (of the range too where that is narrow) on a log scale
    value = decoded(spec, [share])
    width = spec.high - spec.low
    step = 1e-5 * (min(width, value * math.log(spec.high / spec.low)) if spec.log and spec.low < spec.high else width)
    assert abs(spec.snap(value) - value) <= step + 1e-15 * abs(value)


@pytest.mark.parametrize(
    ("spec", "value", "written"),
    [
        (Real(low=0.3, high=4.0), 1.2345678901, "1.23457"),
        (Real(low=1549.5, high=1550.5), 1550.123456789, "1550.12346"),  # a narrow range far from zero keeps its resolution
        (Real(low=0.0, high=2e-9), 1.23456789e-9, "1.23457e-09"),
        (Real(low=1e-3, high=1e3, log=True), 0.00123456789, "0.00123457"),
        (Real(low=5.0, high=5.0), 5.0, "5.0"),
        (Real(low=0.0, high=1.0), 0.999999999, "1.0"),
    ],
)
def test_values_are_written_down_with_as_many_figures_as_matter(spec: Real, value: float, written: str):
    assert repr(spec.snap(np.float64(value))) == written


@given(
    st.one_of(linear(), logarithmic(), whole()),
    st.sampled_from(["3", None, True, math.nan, math.inf, -math.inf, [1.0], 1 + 2j]),
)
def test_numbers_are_numbers(spec: Field, value: object):
    with pytest.raises(ValueRefused, match=r"^x = "):
        spec.accept("x", value)


@given(linear(), st.sampled_from([-1.0, 1.0]))
def test_what_lies_outside_is_refused_with_name_value_and_range(spec: Real, side: float):
    outside = (spec.low if side < 0 else spec.high) + side * max(abs(spec.low), abs(spec.high), 1e-290)
    assume(math.isfinite(outside))
    with pytest.raises(ValueRefused) as refused:
        spec.accept("thickness", outside)
    assert all(part in str(refused.value) for part in ("thickness", str(outside), str(spec.low), str(spec.high)))


def test_minus_zero_is_zero():
    assert math.copysign(1.0, Real(low=-1.0, high=1.0).accept("x", -0.0)) == 1.0


def test_whole_numbers_come_in_any_type_but_whole():
    spec = Integer(low=0, high=10)
    assert [spec.accept("n", value) for value in (3, 3.0, np.int64(3), np.float32(3))] == [3] * 4
    assert all(type(spec.accept("n", value)) is int for value in (3.0, np.int64(3)))
    with pytest.raises(ValueRefused, match="not a whole number"):
        spec.accept("n", 3.5)


def test_text_is_a_choice_and_no_other():
    spec = Choice(options=("steel", "copper"))
    assert type(spec.accept("m", np.str_("steel"))) is str
    with pytest.raises(ValueRefused, match=r"m = 'tin' is not one of \['steel', 'copper'\]"):
        spec.accept("m", "tin")


@pytest.mark.parametrize(
    "spec",
    [
        Real(low=2.0, high=1.0),
        Real(low=math.nan, high=1.0),
        Real(low=0.0, high=math.inf),
        Real(low=-1e308, high=1e308),  # the width overflows
        Real(low="a", high=1.0),  # type: ignore[arg-type]
        Real(low=0.0, high=1.0, log=True),
        Real(low=-1.0, high=1.0, log=True),
        Real(low=0.0, high=1.0, default=2.0),
        Real(low=0.0, high=1.0, default="half"),
        Integer(low=3, high=1),
        Integer(low=0.5, high=3),  # type: ignore[arg-type]
        Integer(low=0, high=2**60),
        Integer(low=0, high=3, default=1.5),
        Choice(options=()),
        Choice(options=("a", "a")),
        Choice(options=("a", 1)),  # type: ignore[arg-type]
        Choice(options=(["a", "b"],)),  # type: ignore[arg-type]
        Choice(options=("a", "b"), default="c"),
        Ordered(levels=()),
        Ordered(levels=(1.0, 1.0)),
        Ordered(levels=(2.0, 1.0)),
        Ordered(levels=(1.0, math.nan)),
        Ordered(levels=(1.0, "2")),  # type: ignore[arg-type]
        Ordered(levels=(1.0, 2.0), default=1.5),
    ],
    ids=repr,
)
def test_a_field_that_can_hold_nothing_or_not_its_default_is_refused(spec: Field):
    with pytest.raises(InputError):
        spec.validate()


def test_refusals_say_what_usually_helps():
    with pytest.raises(ProblemError, match="the smaller first"):
        Real(low=2.0, high=1.0).validate()
    with pytest.raises(ProblemError, match=r"use ordered|ordered\(\.\.\.\) for numbers"):
        Choice(options=("a", 1)).validate()  # type: ignore[arg-type]


@design
class Mixed:
    length: float = real(0.1, 10.0, unit="m", log=True)
    angle: float = real(-45, 45, unit="deg")
    holes: int = integer(0, 12)
    metal: str = choice("steel", "copper", "tin")
    sheet: float = ordered(0.5, 0.8, 1.0, 1.5, unit="mm")
    fixed: float = real(3.0, 3.0)


mixed = Space(Mixed)


@given(st.lists(st.lists(st.floats(0, 1), min_size=mixed.columns, max_size=mixed.columns), max_size=4))
def test_designs_of_mixed_fields_survive_the_cube(rows: list[list[float]]):
    cube = np.array(rows).reshape(len(rows), mixed.columns)
    made = mixed.designs(cube)
    encoded = mixed.encode(made)
    assert encoded.shape == cube.shape
    assert mixed.designs(encoded) == made
    np.testing.assert_allclose(mixed.snap(encoded), encoded, atol=1e-12)


def test_the_columns_of_a_space_are_those_of_its_fields():
    assert mixed.columns == len(mixed.fields) == 6
    one = Mixed(length=1.0, angle=0.0, holes=6, metal="copper", sheet=0.8, fixed=3.0)
    # log midpoint of [0.1, 10]; middles of the seventh of thirteen, second of three and second of four cells; no width
    np.testing.assert_allclose(mixed.encode([one])[0], [0.5, 0.5, 0.5, 0.5, 0.375, 0.0], atol=1e-15)


def test_points_outside_the_cube_become_designs_at_its_walls():
    low, high = mixed.designs(np.vstack([np.full(mixed.columns, -3.0), np.full(mixed.columns, 3.0)]))
    assert (low.length, low.angle, low.holes, low.sheet) == (0.1, -45.0, 0, 0.5)
    assert (high.length, high.angle, high.holes, high.sheet) == (10.0, 45.0, 12, 1.5)


def test_many_designs_at_once_read_like_one():
    many = mixed.decode(np.random.default_rng(0).uniform(size=(5, mixed.columns)))
    assert isinstance(many, Mixed)
    assert many.length.shape == many.metal.shape == (5,)  # type: ignore[attr-defined]


def test_designs_are_frozen_values():
    one = Mixed(length=1, angle=0, holes=6.0, metal="tin", sheet=1, fixed=3)  # type: ignore[arg-type]
    assert one == Mixed(length=1.0, angle=-0.0, holes=6, metal="tin", sheet=1.0, fixed=3.0)
    assert hash(one) == hash(Mixed(length=1.0, angle=0.0, holes=6, metal="tin", sheet=1.0, fixed=3.0))
    with pytest.raises(AttributeError):
        one.length = 2.0  # type: ignore[misc]
