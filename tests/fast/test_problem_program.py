"""A program as evaluator: what it is given, what is read back, and what is said when it fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from dure.errors import InputError, ProblemError, SimulationFailed
from dure.problem import (
    Answer,
    Problem,
    at_most,
    choice,
    design,
    find,
    json_file,
    minimise,
    outcome,
    program,
    real,
    setting,
    text_values,
)

PYTHON = sys.executable


@design
class Beam:
    width: float = real(1.0, 10.0, unit="mm")
    metal: str = choice("steel", "copper")


@setting
class Site:
    load: float = real(0.5, 2.0, default=1.5)


@outcome
class Measured:
    mass: float = minimise()
    bend: float = at_most(5.0)


BOTH = text_values({"mass": r"mass = (\S+)", "bend": r"bend = (\S+)"})


def run(simulate: Any, **design_: Any) -> Answer:
    problem = Problem(name="toy/p", version="1", question="?", design=Beam, setting=Site, outcome=Measured, simulate=simulate)
    made = Beam(**{"width": 2.5, "metal": "steel"} | design_)
    return problem.answer(made, Site(), fidelity="full", seed=7)


def shell(script: str, reads: Any = BOTH, files: dict[str, str] | None = None) -> Any:
    return program(["sh", "-c", script], reads=reads, files=files)


def test_words_and_files_are_filled_in_and_the_last_match_counts():
    answer = run(
        shell(
            "echo mass = 0; echo mass = $width; echo bend = $load; cat deck/input.txt; [ $seed = 7 ] && [ $fidelity = full ]",
            files={"deck/input.txt": "metal $metal, price $$5\n"},
        )
    )
    assert (answer.outcome.mass, answer.outcome.bend) == (2.5, 1.5)


def test_what_the_program_prints_is_passed_on(capfd: pytest.CaptureFixture[str]):
    run(shell("echo mass = 1; echo bend = 1; cat deck; echo careful >&2", files={"deck": "metal $metal, price $$5\n"}))
    told = capfd.readouterr().out
    assert "metal steel, price $5" in told
    assert "careful" in told


def test_an_outcome_is_read_from_json():
    script = "import json, sys; json.dump({'mass': float(sys.argv[1]) * 2, 'bend': 1}, open('result.json', 'w'))"
    assert run(program([PYTHON, "-c", script, "$width"], reads=json_file("result.json"))).outcome.mass == 5.0


def test_an_outcome_is_read_from_a_file_of_text():
    reads = text_values({"mass": "m=(.*)", "bend": "b=(.*)"}, file="out/log.txt")
    assert run(shell("mkdir out; printf 'm=1e-3\\nb=2\\n' > out/log.txt", reads)).outcome.mass == 1e-3


def test_each_run_has_an_empty_folder_that_is_gone_afterwards(capfd: pytest.CaptureFixture[str]):
    script = "pwd; ls; touch left; echo mass = 1; echo bend = 1"
    for _time in range(2):
        run(shell(script, files={"deck": ""}))
        folder, deck, *_rest = capfd.readouterr().out.splitlines()
        assert deck == "deck"
        assert not Path(folder).exists()


def test_a_program_beside_the_problem_is_found_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    solver = tmp_path / "solver"
    solver.write_text('#!/bin/sh\necho mass = $1; echo bend = $(cat "$2")\n', encoding="utf-8")
    solver.chmod(0o755)
    (tmp_path / "table.txt").write_text("4.0", encoding="utf-8")
    (tmp_path / "mine.py").write_text(
        "from dure import *\n"
        "@design\nclass Beam:\n    width: float = real(1.0, 10.0)\n"
        "@outcome\nclass Measured:\n    mass: float = minimise()\n    bend: float = at_most(5.0)\n"
        "simulate = program(['./solver', '$width', '$here/table.txt'],\n"
        "                   reads=text_values({'mass': 'mass = (.*)', 'bend': 'bend = (.*)'}))\n"
        "problem = Problem(name='mine/p', version='1', question='?', design=Beam, outcome=Measured, simulate=simulate)\n",
        encoding="utf-8",
    )
    monkeypatch.chdir("/")
    problem = find(str(tmp_path / "mine.py"))
    answer = problem.answer(Beam(width=3, metal="steel"), problem.setting(), fidelity="full", seed=0)
    assert (answer.outcome.mass, answer.outcome.bend) == (3.0, 4.0)


@pytest.mark.parametrize(
    ("simulate", "says"),
    [
        (shell("echo unstable mesh >&2; exit 3"), "^sh ended with code 3: unstable mesh$"),
        (shell("echo no licence; exit 1"), "^sh ended with code 1: no licence$"),
        (shell("kill -9 $$$$"), "^sh ended with SIGKILL$"),
        (shell("exit 4"), "^sh ended with code 4$"),
        (program(["no-such-solver-here"], reads=BOTH), "no-such-solver-here did not start: No such file"),
        (program(["./no-such-solver"], reads=BOTH), f"{Path(__file__).parent}/no-such-solver did not start"),
        (shell("true", json_file("result.json")), "sh did not write result.json"),
        (shell("true", text_values({"mass": "(.)"}, file="log.txt")), "sh did not write log.txt"),
        (shell("echo '{' > r.json", json_file("r.json")), "output of sh cannot be read: .*line"),
        (shell("echo 3 > r.json", json_file("r.json")), "r.json holds no JSON object"),
        (shell("echo mass = 1"), "nothing in the output matches the pattern of bend"),
        (shell("echo mass = heavy; echo bend = 1"), "cannot be read: .*'heavy'"),
    ],
)
def test_a_program_that_fails_says_how(simulate: Any, says: str):
    with pytest.raises(SimulationFailed, match=says):
        run(simulate)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"mass": 1}, "lacks bend"),
        ({"mass": 1, "bend": 1, "sag": 1}, "outcome 'sag'"),
        ({"mass": 1, "bend": "1"}, "not a number"),
        ({"mass": 1, "bend": float("nan")}, "not finite"),
    ],
)
def test_what_a_program_writes_is_checked_like_any_outcome(told: dict[str, Any], says: str):
    with pytest.raises(InputError, match=says):
        run(shell(f"echo '{json.dumps(told)}' > r.json", json_file("r.json")))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: program("solve $width", reads=BOTH), "list of words"),
        (lambda: program([], reads=BOTH), "list of words"),
        (lambda: program(["solve", 3], reads=BOTH), "list of words"),  # type: ignore[list-item]
        (lambda: program(["solve"], reads=BOTH, files={"../deck": ""}), r"'../deck' lies outside"),
        (lambda: program(["solve"], reads=BOTH, files={"/etc/deck": ""}), "lies outside"),
        (lambda: program(["solve"], reads=BOTH, files={"": ""}), "lies outside"),
        (lambda: json_file("../result.json"), "lies outside"),
        (lambda: text_values({"mass": "(.)"}, file="/tmp/log"), "lies outside"),
        (lambda: text_values({"mass": "mass = .*"}), "exactly one group"),
        (lambda: text_values({"mass": "(.*) (.*)"}), "exactly one group"),
        (lambda: text_values({"mass": "(.*"}), r"pattern '\(\.\*' of mass cannot be read"),
        (lambda: run(shell("echo $widht")), r"\$widht; an input is one of .*\$width"),
        (lambda: run(shell("true", files={"deck": "${load"})), r"is written \$\$"),
    ],
)
def test_a_program_that_cannot_work_is_refused_when_it_is_stated(make: Any, says: str):
    with pytest.raises(ProblemError, match=says) as refused:
        make()
    assert refused.value.file == __file__
