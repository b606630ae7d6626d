"""What is declared beside a netlist: read, changed in place, hashed, and refused with a word on why."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("platformdirs", reason="pip install 'dure[chip]'")

from dure.domains.chip.netlist import Circuit, problem
from dure.domains.chip.stated import netlist_file, read_netlist, with_values
from dure.errors import InputError

NETLIST = "* own\n.PARAM a=10u rload = 2k\n+ c=1.5meg\nr1 x 0 {rload}\n.end\n"
STATED = """question = "How large?"
netlist = "own.sp"
[parameters.a]
low = 1.0
high = 20.0
unit = "um"
factor = 1e-6
[measures.y]
goal = "maximise"
"""


def stated(folder: Path, text: str = STATED, netlist: str = NETLIST) -> str:
    (folder / "own.sp").write_text(netlist, "utf-8")
    (folder / "own.toml").write_text(text, "utf-8")
    return str(folder / "own.toml")


def test_the_netlists_own_value_is_the_start(tmp_path: Path):
    setting = problem.make_setting({"netlist": stated(tmp_path)})
    member = problem.under(setting)
    assert member.question == "How large?"
    assert member.starts[0].a == 10.0
    assert list(member.measures) == ["y"]


def test_only_numbers_of_parameters_change():
    changed = with_values(NETLIST, {"a": 2e-6, "c": 3.0})
    assert changed.splitlines() == ["* own", ".PARAM a=2e-06 rload = 2k", "+ c=3", "r1 x 0 {rload}", ".end"]


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_a_value_that_is_written_is_read_again(value: float):
    text = with_values(".param a=1 b=2\nr1 x 0 {a}\n", {"b": value})
    assert text.startswith(".param a=1 b=")
    assert float(text.splitlines()[0].rpartition("=")[2]) == pytest.approx(value, rel=1e-11)


def test_remarks_are_no_values(tmp_path: Path):
    text = "* a\n.param b=2 ; a=5 was before\n* in between\n+ a=10u $ a=3\nr1 x 0 {a}\n.end\n"
    changed = with_values(text, {"a": 7.0})
    assert changed.splitlines()[1:4] == [".param b=2 ; a=5 was before", "* in between", "+ a=7 $ a=3"]
    named = netlist_file(stated(tmp_path, netlist=text))
    assert read_netlist(named).parameters["a"].start == 10.0  # in um


def test_a_changed_netlist_is_another_task(tmp_path: Path):
    named = netlist_file(stated(tmp_path))
    assert netlist_file(named) == named
    (tmp_path / "own.sp").write_text(NETLIST + "* changed\n", "utf-8")
    with pytest.raises(InputError, match="no longer the file of"):
        netlist_file(named)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('question = "How large?"', "", "question is missing"),
        ("How large?", "How large", "question mark"),
        ("low = 1.0", "low = 15.0", "lies outside 15 to 20"),
        ("factor = 1e-6", "factor = 1e-3", "is the factor right"),
        ("factor = 1e-6", "factor = 0", "factor is 0"),
        ("[parameters.a]", "[parameters.b]", r"gives b 0 times.*\.param b=1"),
        ("parameters.a", "parameters.x-y", "use letters"),
        ("low = 1.0", 'low = "small"', "parameters.a.low = 'small' is of the wrong kind"),
        ("low = 1.0\n", "", "parameters.a.low is missing"),
        ("low = 1.0", "lowest = 1.0", "parameters.a.lowest"),
        ('goal = "maximise"', 'goal = "biggest"', "measures.y.goal 'biggest'"),
        ('goal = "maximise"', 'goal = "at_least"', "takes limit = 1.5"),
        ('goal = "maximise"', 'goal = "maximise"\nlimit = 3', "takes no limit"),
        ('netlist = "own.sp"', 'netlist = "other.sp"', "cannot be read"),
        ('netlist = "own.sp"', 'netlist = "own.sp"\nfiles = ["../secret"]', "plain name"),
        ('netlist = "own.sp"', 'netlist = "own.sp"\nsky130 = "tf"', "tf"),
        ("[measures.y]", "[points.hot]\nparameters = { q = 1 }\n[measures.y]", "gives q 0 times"),
        ("question", "question question", "cannot be read"),
        ('unit = "um"', 'unit = "umm"', r"own\.toml: parameters\.a\.unit: unit 'umm' is not known"),
        ('goal = "maximise"', 'goal = "maximise"\nunit = "dBB"', r"own\.toml: measures\.y\.unit: unit 'dBB' is not known"),
    ],
)
def test_a_file_that_states_no_problem_says_why(tmp_path: Path, old: str, new: str, said: str):
    assert old in STATED
    with pytest.raises(InputError, match=said) as raised:
        problem.make_setting({"netlist": stated(tmp_path, STATED.replace(old, new))})
    assert "own" in str(raised.value)


@pytest.mark.parametrize("given", ["'2*b'", "{b}", "abc"])
def test_an_expression_cannot_be_varied(tmp_path: Path, given: str):
    with pytest.raises(InputError, match="no plain number"):
        netlist_file(stated(tmp_path, netlist=NETLIST.replace("10u", given)))


def test_a_name_that_is_no_file_is_refused():
    with pytest.raises(InputError, match="neither one of filter nor a TOML file"):
        Circuit(netlist="amplifier")


def test_the_packages_netlist_states_a_problem():
    assert set(read_netlist("filter").measures) == {"ripple", "leak"}
