"""chip/netlist in ngspice: a filter of the textbooks, walls around foreign netlists, and errors that say what is wrong."""

from __future__ import annotations

import math
import os
import socket
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("platformdirs", reason="pip install 'dure[chip]'")

from dure.domains.chip.netlist import Circuit, problem
from dure.domains.chip.ngspice import run_foreign
from dure.errors import MissingPart, SimulationFailed

pytestmark = pytest.mark.needs("ngspice", "bwrap")

FILTER = Path(__file__).parents[2] / "src/dure/domains/chip/netlists"
STAGE = """* common source on SKY130
.param w=10u rd=20k supply=1.8 vin=0.8
.include sky130.sp
vdd vdd 0 {supply}
vin in 0 dc {vin} ac 1
rd vdd out {rd}
m1 out in 0 0 sky130_fd_pr__nfet_01v8__model w={w} l=0.5u nf=1 ad=0 as=0 pd=0 ps=0
.control
set num_threads=1
op
let current = -i(vdd)
print current
ac lin 1 1k 1k
let gain = vdb(out)
print gain
.endc
.end
"""
STATED = """question = "How little current does this stage need?"
netlist = "stage.sp"
sky130 = "tt"
[parameters.w]
low = 2.0
high = 40.0
unit = "um"
factor = 1e-6
[parameters.rd]
low = 5.0
high = 100.0
unit = "kohm"
factor = 1e3
[measures.current]
goal = "minimise"
unit = "uA"
factor = 1e-6
[measures.gain]
goal = "at_least"
limit = 10.0
unit = "dB"
[points.slow]
sky130 = "ss"
parameters = { supply = 1.62 }
"""


def test_the_chebyshev_filter_has_the_loss_of_the_formula():
    """Element values for 0.5 dB and five elements: Matthaei, Young and Jones, table 4.05-2(a); the loss is in closed form."""
    g1, g2, g3 = 1.7058, 1.2296, 2.5408
    inductance, capacitance = 1e6 * 50 / (2e6 * math.pi), 1e9 / 50 / (2e6 * math.pi)
    values = {"l1": g1 * inductance, "l3": g3 * inductance, "l5": g1 * inductance, "c2": g2 * capacitance, "c4": g2 * capacitance}
    member = problem.under(Circuit())
    found = member.answer(member.design(**values), Circuit(), fidelity="points", seed=0).outcome
    polynomial = 16 * 2**5 - 20 * 2**3 + 5 * 2
    assert found.ripple == pytest.approx(0.5, abs=1e-3)
    assert found.leak == pytest.approx(-10 * math.log10(1 + (10**0.05 - 1) * polynomial**2), abs=2e-3)


@pytest.mark.needs("sky130")
def test_a_stage_is_measured_at_its_points_and_exported_as_it_was_simulated(tmp_path: Path):
    (tmp_path / "stage.sp").write_text(STAGE, "utf-8")
    (tmp_path / "stage.toml").write_text(STATED, "utf-8")
    setting = problem.make_setting({"netlist": str(tmp_path / "stage.toml")})
    member = problem.under(setting)
    (start,) = member.starts
    answer = member.answer(start, setting, fidelity="points", seed=0)
    (sheet,) = answer.views
    rows = {row[0]: dict(zip(sheet.columns[1:], row[1:], strict=True)) for row in sheet.rows}
    assert rows["slow"]["current"] < rows["stated"]["current"] == answer.outcome.current
    assert answer.outcome.gain == min(row["gain"] for row in rows.values())
    files = problem.export(start, setting, answer.outcome)
    again = run_foreign(files["winner.sp"], {"sky130.sp": files["sky130.sp"]}, ["current"], timeout=30)
    assert 1e6 * again["current"] == pytest.approx(rows["stated"]["current"])


def test_a_netlist_reaches_neither_the_home_folder_nor_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    secret, left = tmp_path / "secret", tmp_path / "left"
    secret.write_text("13")
    monkeypatch.setenv("SECRET", "17")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        tries = [
            f"shell test -e {secret} && echo seen = 1",
            f"shell test -e {Path.home()} && echo home = 1",
            'shell test -n "$SECRET" && echo environment = 1',
            f"shell touch {left} 2>/dev/null && test -e {secret} && echo wrote = 1",
            f"shell bash -c 'echo > /dev/tcp/127.0.0.1/{port}' 2>/dev/null && echo network = 1",
            f"shell kill -0 {os.getpid()} 2>/dev/null && echo process = 1",
            "shell touch /outside 2>/dev/null && echo outside = 1",
            "shell touch /dev/shm/outside 2>/dev/null && echo shared = 1",
            "shell read -t 1 line && echo input = 1",
            "shell echo bwrap: not from there",
            "shell echo version = 1.2.3",
            "shell echo alive = 1",
        ]
        deck = "\n".join(["* hostile", "v1 a 0 1", "r1 a 0 1", ".control", *tries, ".endc", ".end", ""])
        assert run_foreign(deck, {}, ["alive"], timeout=20) == {"alive": 1.0}
        for name in ("seen", "home", "environment", "wrote", "network", "process", "outside", "shared", "input", "version"):
            with pytest.raises(SimulationFailed, match=f"missing measure: {name}"):
                run_foreign(deck, {}, [name], timeout=20)
    assert not left.exists()


LOW_PASS = """* an RC low-pass
v1 in 0 dc 0 ac 1
r1 in out 1k
c1 out 0 1n
{save}
.ac dec 50 10 100meg
.meas ac corner when vdb(out)=-3.0103 fall=1
.end
"""


def test_what_ngspice_has_not_kept_is_told_and_no_matter_of_convergence():
    with pytest.raises(SimulationFailed, match="no data saved") as failed:
        run_foreign(LOW_PASS.format(save=""), {}, ["corner"], timeout=20)
    assert "convergence" not in str(failed.value)
    found = run_foreign(LOW_PASS.format(save=".save v(out)"), {}, ["corner"], timeout=20)
    assert found["corner"] == pytest.approx(1 / (2 * math.pi * 1e3 * 1e-9), rel=1e-3)  # 1 / (2 pi R C)


def test_without_walls_nothing_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(MissingPart, match="apt-get install bubblewrap"):
        run_foreign("* any\n.end\n", {}, ["x"], timeout=5)


LOOP = "* a\nv1 a 0 1\n.control\nlet k = 0\nwhile k < 1\nprint k\nend\n.endc\n.end\n"


@pytest.mark.parametrize(
    ("deck", "said"),
    [
        ("* a\n.include nothing.sp\nv1 a 0 1\n.end\n", "Could not find include file nothing.sp"),
        ("* a\nv1 a 0 1\nv2 a 0 2\n.control\nop\nprint v(a)\n.endc\n.end\n", "no convergence: singular matrix"),
        ("* a\nm1 a a 0 0 nomodel\nv1 a 0 1\n.control\nop\n.endc\n.end\n", "can't find model 'nomodel'"),
        ("* a\nr1 a 0 {zz}\nv1 a 0 1\n.control\nop\n.endc\n.end\n", r"Undefined parameter \[zz\]"),
        ("* a\nx1 1 2 3 amp\n.end\n", "unknown subckt: x1 1 2 3 amp"),
        (
            "* a\nv1 a 0 ac 1\nr1 a 0 1\n.control\nac lin 1 1 1\nmeas ac y when vdb(a)=40\n.endc\n.end\n",
            "(?i)out of interval|failed",
        ),
        (LOOP, r"ngspice was killed"),
    ],
)
def test_ngspices_own_words_come_back(deck: str, said: str):
    with pytest.raises(SimulationFailed, match=said):
        run_foreign(deck, {}, ["y"], timeout=3)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_fuzzed_netlist_fails_clearly_or_answers(data: st.DataObject, tmp_path: Path):
    """Bytes of a working netlist changed, lines doubled or dropped: figures, or a reason of one line."""
    lines = (FILTER / "filter.sp").read_text("utf-8").splitlines()
    row = data.draw(st.integers(0, len(lines) - 1))
    what = data.draw(st.sampled_from(["drop", "double", "noise", "cut"]))
    noise = data.draw(st.text(max_size=20))
    changed = {"drop": [], "double": [lines[row]] * 2, "noise": [noise], "cut": [lines[row][: len(lines[row]) // 2]]}[what]
    deck = "\n".join([*lines[:row], *changed, *lines[row + 1 :], ""])
    try:
        said = ""
        found = list(run_foreign(deck, {}, ["ripple", "leak"], timeout=5).values())
    except SimulationFailed as error:
        said, found = str(error), []
    assert np.isfinite(found).all()
    assert found or 10 < len(said) < 600
