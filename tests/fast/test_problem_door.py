"""A wrong problem file is refused when it is loaded: the message points at the author's line and says what to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dure.errors import InputError, ProblemError, SimulationFailed, UnknownName, ValueRefused
from dure.problem import Problem, find

GOOD = '''
"""A beam."""
from dure import (
    Axis, Check, Fidelity, Noise, Parts, Problem, at_least, at_most, choice, design, integer, max_over, maximise, minimise,
    ordered, outcome, program, real, reported, rule, setting, sum_over, text_values, weighted_over, within,
)

CASE = Axis("case", ("wind", "snow"))


@design
class Beam:
    width: float = real(10, 100, unit="mm")
    holes: int = integer(0, 5)
    metal: str = choice("steel", "copper")
    sheet: float = ordered(0.5, 1.0, 2.0, unit="mm")


@setting
class Site:
    load: float = real(0.5, 2.0, unit="kN", default=1.0)
    soil: str = choice("rock", "sand", default="rock")


@outcome
class Measured:
    mass: float = minimise(unit="kg", positive=True)
    bend: Parts = at_most(5.0, max_over(CASE), unit="mm")
    tilt: float = within(-1.0, 1.0, unit="deg")
    sound: float | None = reported(unit="dB", default=None)


@rule
def wide(beam):
    """Wider than twice the sheet."""
    return beam.width - 2 * beam.sheet


def simulate(beam, site, *, fidelity):
    return Measured(mass=beam.width * beam.sheet, bend=(site.load, site.load), tilt=0.0)


START = Beam(width=50, holes=0, metal="steel", sheet=1.0)

problem = Problem(
    name="toy/beam",
    version="1",
    question="How light?",
    design=Beam, setting=Site, outcome=Measured, simulate=simulate,
    rules=(wide,),
    starts=(START,),
    fidelities=(Fidelity("coarse", 0.1, trust=("mass",)), Fidelity("fine")),
    beyond=(Fidelity("finest", 8.0),),
    checks=(Check("finer", "finest", shift={"load": 0.1}, replace={"soil": "sand"}, slack={"bend": 0.1}),),
    limits={"stiff": {"bend": 1.0}},
    cites=("Sobol1967", "doi:10.1038/nature12373"),
)
'''


def load(folder: Path, text: str = GOOD) -> Problem:
    folder.mkdir(exist_ok=True)
    file = folder / "beam.py"
    file.write_text(text, encoding="utf-8")
    return find(str(file))


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_the_right_file_is_accepted(tmp_path: Path):
    problem = load(tmp_path)
    assert problem.name == "toy/beam"
    assert problem.source == (tmp_path / "beam.py").resolve()
    assert problem.answer(problem.starts[0], problem.make_setting({}), fidelity="fine", seed=0).outcome.mass == 50.0


DESIGN = {
    "empty range": ("real(10, 100,", "real(100, 10,", ["Beam.width", "[100, 10]", "the smaller first"]),
    "range of text": ("real(10, 100,", "real('10', 100,", ["Beam.width", "two numbers"]),
    "unknown unit": ('real(10, 100, unit="mm")', 'real(10, 100, unit="milimetre")', ["Beam.width", "milimetre", '"1" for none']),
    "no unit": ('real(10, 100, unit="mm")', 'real(10, 100, unit="")', ["Beam.width", "''", '"1" for none']),
    "log at zero": ('real(10, 100, unit="mm")', "real(0, 100, log=True)", ["Beam.width", "above 0"]),
    "default outside": ('real(10, 100, unit="mm")', 'real(10, 100, unit="mm", default=5)', ["Beam.width", "5.0", "[10, 100] mm"]),
    "repeated option": ('choice("steel", "copper")', 'choice("steel", "steel")', ["Beam.metal", "repeat"]),
    "options in a list": ('choice("steel", "copper")', 'choice(["steel", "copper"])', ["Beam.metal", 'choice("a", "b")']),
    "levels out of order": ("ordered(0.5, 1.0, 2.0,", "ordered(2.0, 1.0,", ["Beam.sheet", "rising order"]),
    "half an integer": ("integer(0, 5)", "integer(0.5, 5)", ["Beam.holes", "whole numbers", "real(...)"]),
    "no specifier": ("holes: int = integer(0, 5)", "holes: int", ["Beam.holes", "integer(...)"]),
    "a number for a specifier": ("holes: int = integer(0, 5)", "holes: int = 3", ["Beam.holes", "integer(...)"]),
    "an outcome in a design": ("integer(0, 5)", "minimise()", ["Beam.holes", "integer(...)"]),
    "no type": ("holes: int = integer(0, 5)", "holes = integer(0, 5)", ["Beam.holes", "holes: float ="]),
    "multi-line": ("integer(0, 5)", "integer(\n        5, 0,\n    )", ["Beam.holes", "[5, 0]"]),
    "no default in a setting": (', unit="kN", default=1.0)', ', unit="kN")', ["Site.load", "default="]),
    "wrong default in a setting": ('default="rock"', 'default="rok"', ["Site.soil", "'rok'", "'rock', 'sand'"]),
}

OUTCOME = {
    "limits reversed": ("within(-1.0, 1.0,", "within(1.0, -1.0,", ["Measured.tilt", "[1.0, -1.0]", "smaller first"]),
    "limit not finite": ("at_most(5.0,", 'at_most(float("inf"),', ["Measured.bend", "inf", "finite"]),
    "limit of text": ("at_most(5.0,", 'at_most("5",', ["Measured.bend", "'5'", "finite"]),
    "axis for a reduction": ("at_most(5.0, max_over(CASE)", "at_most(5.0, CASE", ["Measured.bend", "sum_over(axis)"]),
    "unit of an outcome": ('minimise(unit="kg"', 'minimise(unit="kilograms per metr"', ["Measured.mass", "kilograms per metr"]),
    "an input in an outcome": ('reported(unit="dB", default=None)', "real(0, 1)", ["Measured.sound", "reported(...)"]),
    "repeated label": ('Axis("case", ("wind", "snow"))', 'Axis("case", ("wind", "wind"))', ["axis 'case'", "each of them once"]),
    "a default for what was not measured": ("default=None", "default=0.0", ["default=0.0", "default=None"]),
    "a weight too few": ("max_over(CASE)", "weighted_over(CASE, (1.0,))", ["axis 'case'", "one finite number a label"]),
}

LADDER = {
    "no cost": ('Fidelity("finest", 8.0)', 'Fidelity("finest", 0.0)', ["'finest'", "0.0", "above 0"]),
    "cost not a number": ('Fidelity("finest", 8.0)', 'Fidelity("finest", "8")', ["'finest'", "'8'"]),
    "noise of no kind": ("rules=(wide,)", 'noise=Noise("some"), rules=(wide,)', ["'some'", '"unknown"']),
    "noise without size": ("rules=(wide,)", 'noise=Noise("known"), rules=(wide,)', ["'known'", "deviations above 0"]),
    "noise below zero": ("rules=(wide,)", 'noise=Noise("known", {"mass": -1}), rules=(wide,)', ["-1", "above 0"]),
    "rule not callable": ("rules=(wide,)", "rules=(rule(3.0),)", ["3.0", "function of a design"]),
}

PROBLEM = {
    "name": ('name="toy/beam"', 'name="Toy Beam"', ["'Toy Beam'", "lower-case"]),
    "version": ('version="1"', "version=1", ["version is 1", "text"]),
    "question": ('question="How light?"', 'question=" "', ["question"]),
    "an outcome for a design": ("design=Beam", "design=Measured", ["design=", "@design"]),
    "a plain class for a setting": ("setting=Site", "setting=dict", ["setting=", "@setting"]),
    "no objective": ("minimise(unit=", "at_least(0.0, unit=", ["minimise()"]),
    "four objectives": (
        '    tilt: float = within(-1.0, 1.0, unit="deg")',
        "    tilt: float = maximise()\n    twist: float = minimise()\n    sway: float = minimise()",
        ["mass, tilt, twist, sway", "at most three", "reported()"],
    ),
    "a name taken twice": ("    tilt: float =", "    sheet: float =", ["'sheet'", "taken twice"]),
    "a reserved name": ("    load: float =", "    seed: float =", ["'seed'", "taken twice"]),
    "simulate is no function": ("simulate=simulate", "simulate=4", ["simulate", "function of the design and the setting"]),
    "simulate wants more": ("simulate=simulate", "simulate=lambda beam, site, mesh: None", ["simulate", "fidelity and seed"]),
    "theory takes nothing": ("rules=(wide,)", "theory=lambda: {}, rules=(wide,)", ["theory"]),
    "a rule without @rule": ("rules=(wide,)", "rules=(lambda beam: 1.0,)", ["rules=", "@rule"]),
    "a forgotten comma": ("starts=(START,)", "starts=(START)", ["starts=", "tuple"]),
    "cites as text": ('cites=("Sobol1967", "doi:10.1038/nature12373")', 'cites="Sobol1967"', ["cites=", "tuple"]),
    "start of another class": ("starts=(START,)", "starts=(START, Site())", ["starts=", "Site(load=1.0", "designs"]),
    "start breaks a rule": ("return beam.width - 2 * beam.sheet", "return beam.width - 60", ["width=50.0", "'wide'"]),
    "unknown citation": ('"Sobol1967"', '"Sobol1976"', ["citation 'Sobol1976'", "Sobol1967"]),
    "not a DOI": ('"doi:10.1038/nature12373"', '"doi:nature12373"', ["doi:nature12373", "doi:10.1038/"]),
    "costs out of order": ('Fidelity("coarse", 0.1,', 'Fidelity("coarse", 1.5,', ["[1.5, 1.0]", "cheapest rung first"]),
    "top rung not 1": ('Fidelity("fine")', 'Fidelity("fine", 0.9)', ["[0.1, 0.9]", "rise to 1.0"]),
    "rung twice": ('Fidelity("finest", 8.0)', 'Fidelity("fine", 8.0)', ["'fine'", "twice"]),
    "no rungs": (
        'fidelities=(Fidelity("coarse", 0.1, trust=("mass",)), Fidelity("fine"))',
        "fidelities=()",
        ["fidelities", "empty"],
    ),
    "trust in nothing": ('trust=("mass",)', 'trust=("weight",)', ["outcome 'weight'", "mass"]),
    "check at no rung": ('Check("finer", "finest"', 'Check("finer", "finset"', ["fidelity 'finset'", "finest"]),
    "check of no setting": ('shift={"load": 0.1}', 'shift={"laod": 0.1}', ["setting 'laod'", "load"]),
    "check shifts a choice": ('shift={"load": 0.1}', 'shift={"soil": 0.1}', ["'finer'", "soil", "replace"]),
    "check shifts by text": ('shift={"load": 0.1}', 'shift={"load": "0.1"}', ["'finer'", "load", "'0.1'"]),
    "check replaces by what cannot be": ('replace={"soil": "sand"}', 'replace={"soil": "snad"}', ["'finer'", "soil", "'snad'"]),
    "slack for an objective": ('slack={"bend": 0.1}', 'slack={"mass": 0.1}', ["'mass'", "bend, tilt"]),
    "slack below zero": ('slack={"bend": 0.1}', 'slack={"bend": -0.1}', ["'finer'", "at least 0"]),
    "check of what is known": (
        '"finest", shift={"load": 0.1}, replace={"soil": "sand"}, ',
        "",
        ["'finer'", "another fidelity", "move a setting"],
    ),
    "check twice": ("checks=(", 'checks=(Check("finer"), ', ["check 'finer'", "twice"]),
    "set of limits of nothing": ('limits={"stiff": {"bend"', 'limits={"stiff": {"bned"', ["goal 'bned'", "bend"]),
    "set of limits on an objective": ('limits={"stiff": {"bend"', 'limits={"stiff": {"mass"', ["mass", "objective"]),
    "no runs": ("rules=(wide,)", "runs=0, rules=(wide,)", ["runs is 0", "above 0"]),
    "time that runs backwards": ("rules=(wide,)", "timeout=-1, rules=(wide,)", ["timeout is -1"]),
    "tolerance of everything": ("rules=(wide,)", "tolerance=1.0, rules=(wide,)", ["tolerance is 1.0", "below 1"]),
    "half a control": ("rules=(wide,)", "control_runs=0.5, rules=(wide,)", ["control_runs is 0.5"]),
    "deviation of nothing": ("rules=(wide,)", 'noise=Noise("known", {"mas": 1.0}), rules=(wide,)', ["outcome 'mas'", "mass"]),
    "family of nothing": ("rules=(wide,)", 'family=("lode",), rules=(wide,)', ["setting 'lode'", "load"]),
    "program with an unknown input": (
        "simulate=simulate",
        'simulate=program(["solve", "$widht"], reads=text_values({"mass": "(.*)"}))',
        ["$widht", "$width", "$$"],
    ),
    "program with a stray dollar": (
        "simulate=simulate",
        'simulate=program(["solve", "5 $"], reads=text_values({"mass": "(.*)"}))',
        ["written $$"],
    ),
}

PYTHON = {
    "a line that is no Python": ("holes: int = integer(0, 5)", "holes: int = integer(0, 5", ["never closed"]),
    "a name that is not there": ("integer(0, 5)", "integr(0, 5)", ["NameError", "integr"]),
    "a rule that misspells an input": ("return beam.width - 2 * beam.sheet", "return beam.widht", ["rule 'wide' fails", "widht"]),
    "a module that is not there": ('CASE = Axis("case"', "import no_such_module\nCASE = Axis('case'", ["no_such_module"]),
    "a file that ends the process": ("START = Beam(", "raise SystemExit('bye')\nSTART = Beam(", ["SystemExit", "bye"]),
    "a start outside its range": ("Beam(width=50", "Beam(width=5", ["Beam.width", "5.0", "[10, 100] mm"]),
    "an argument Problem does not have": ("rules=(wide,)", "ruels=(wide,)", ["ruels"]),
}


def refusals(table: dict[str, Any]) -> Any:
    return pytest.mark.parametrize(("old", "new", "says"), table.values(), ids=list(table))


def refused(folder: Path, old: str, new: str, says: list[str], at: str | None = None) -> None:
    text = GOOD.replace(old, new, 1)
    assert text != GOOD
    with pytest.raises(ProblemError) as error:
        load(folder, text)
    message = str(error.value)
    assert message.startswith(f"{(folder / 'beam.py').resolve()}:{line_of(text, at or new)}: "), message
    missing = [part for part in says if part not in message]
    assert not missing, message


@refusals(
    {name: case for name, case in DESIGN.items() if name not in ("no specifier", "a number for a specifier")} | OUTCOME | LADDER
)
def test_a_wrong_declaration_is_refused_at_its_own_line(tmp_path: Path, old: str, new: str, says: list[str]):
    at = "integer(\n" if "\n" in new else None
    if "minimise()" in new or "real(0, 1)" in new:  # of the wrong kind: the class is at fault
        at = "@design" if "minimise" in new else "@outcome"
    refused(tmp_path, old, new, says, at)


@refusals({name: DESIGN[name] for name in ("no specifier", "a number for a specifier")})
def test_a_field_that_is_not_declared_is_refused_at_its_class(tmp_path: Path, old: str, new: str, says: list[str]):
    refused(tmp_path, old, new, says, at="@design")


@refusals(PROBLEM)
def test_a_statement_that_contradicts_itself_is_refused_at_the_problem(tmp_path: Path, old: str, new: str, says: list[str]):
    refused(tmp_path, old, new, ["Problem(", *says], at="problem = Problem(")


@refusals(PYTHON)
def test_a_file_that_python_stumbles_over_is_refused_where_it_stumbles(tmp_path: Path, old: str, new: str, says: list[str]):
    refused(tmp_path, old, new, says, at=new if new != "ruels=(wide,)" else "problem = Problem(")


@pytest.mark.parametrize("decorator", ["design", "setting", "outcome"])
def test_a_class_without_fields_and_one_that_checks_itself_are_refused(tmp_path: Path, decorator: str):
    for body, says in (("pass", "no fields"), ("def __post_init__(self): ...", "check designs with a rule")):
        with pytest.raises(ProblemError, match=f"beam.py:2: .*{says}"):
            load(tmp_path / says[:2], f"from dure import *\n@{decorator}\nclass Empty:\n    {body}\n")


@pytest.mark.parametrize(
    ("returns", "error", "says"),
    [
        ('{"mas": 1.0, "bend": (1.0, 1.0), "tilt": 0.0}', UnknownName, "outcome 'mas'.*mass"),
        ('{"mass": 1.0, "tilt": 0.0}', ValueRefused, "lacks bend"),
        ('{"mass": 1.0, "bend": (1.0,), "tilt": 0.0}', ValueRefused, "wind, snow"),
        ('{"mass": 1.0, "bend": (1.0, float("nan")), "tilt": 0.0}', ValueRefused, "not finite"),
        ('{"mass": 0.0, "bend": (1.0, 1.0), "tilt": 0.0}', ValueRefused, "positive"),
        ("None", ValueRefused, "gave None; it must give a Measured"),
        ("beam", ValueRefused, "gave Beam.*must give a Measured"),
        ("1.0", ValueRefused, "gave 1.0"),
    ],
)
def test_what_simulate_gives_is_checked_when_it_runs(tmp_path: Path, returns: str, error: type[InputError], says: str):
    old = "return Measured(mass=beam.width * beam.sheet, bend=(site.load, site.load), tilt=0.0)"
    for given in (returns, f"Answer({returns})"):
        text = GOOD.replace(old, f"return {given}").replace("import (", "import (Answer,")
        problem = load(tmp_path / given[:3], text)
        with pytest.raises(error, match=says):
            problem.answer(problem.starts[0], problem.make_setting({}), fidelity="fine", seed=0)


def test_values_from_outside_are_read_as_the_fields_type(tmp_path: Path):
    problem = load(tmp_path)
    made = problem.make_design({"width": "20", "holes": "3", "metal": "copper", "sheet": "0.5"})
    assert (made.width, made.holes, made.metal, made.sheet) == (20.0, 3, "copper", 0.5)
    assert problem.make_setting({"load": "1.5"}).load == 1.5
    for given, says in (
        ({"widht": "20"}, "Unknown input 'widht'.*width"),
        ({"width": "twenty"}, "width = 'twenty' is not a number"),
        ({"width": "nan", "holes": 1, "metal": "steel", "sheet": 1.0}, r"Beam\.width = nan is not a number"),
        ({"width": "20"}, "design lacks holes, metal, sheet"),
    ):
        with pytest.raises(InputError, match=says):
            problem.make_design(given)
    with pytest.raises(InputError, match=r"Unknown setting 'lode'.*load"):
        problem.make_setting({"lode": 1.0})


def test_functions_are_given_what_they_take(tmp_path: Path):
    old = "def simulate(beam, site, *, fidelity):\n    return Measured(mass=beam.width * beam.sheet,"
    for head, mass in (
        ("def simulate(beam):", "1.0"),
        ("def simulate(beam, site):", "site.load"),
        ("def simulate(beam, site, *, seed):", "1.0 + seed"),
        ("def simulate(beam, site, fidelity, seed):", "1.0 + seed + (fidelity == 'fine')"),
        ("def simulate(beam, site, **more):", "1.0 + more['seed']"),
    ):
        text = GOOD.replace(old, f"{head}\n    site = Site()\n    return Measured(mass={mass},")
        problem = load(tmp_path / str(len(head)), text)
        answer = problem.answer(problem.starts[0], problem.make_setting({}), fidelity="fine", seed=0)
        assert answer.outcome.mass >= 1.0


def test_a_default_argument_is_not_taken_for_a_place_of_the_setting(tmp_path: Path):
    text = GOOD.replace("setting=Site, ", "").replace('shift={"load": 0.1}, replace={"soil": "sand"}, ', "")
    text = text.replace("def simulate(beam, site, *, fidelity):", "def simulate(beam, mesh=7, *, fidelity):")
    text = text.replace("bend=(site.load, site.load)", "bend=(mesh, mesh)")
    problem = load(tmp_path, text)
    assert problem.answer(problem.starts[0], problem.setting(), fidelity="fine", seed=0).outcome.bend == (7.0, 7.0)


def test_a_simulation_that_has_no_answer_says_so(tmp_path: Path):
    text = GOOD.replace(
        "    return Measured(",
        "    from dure.errors import SimulationFailed\n    raise SimulationFailed('cracked')\n    Measured(",
    )
    problem = load(tmp_path, text)
    with pytest.raises(SimulationFailed, match="cracked"):
        problem.answer(problem.starts[0], problem.make_setting({}), fidelity="fine", seed=0)
