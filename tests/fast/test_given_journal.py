"""Past data from another campaign's journal: its answers serve under their own keys, and nothing of it is taken on trust."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dure.campaign import Campaign, make_plan
from dure.campaign.given import rows_from_journal
from dure.errors import InputError, JournalCorrupted, JournalNotFound, SimulatorChanged
from dure.execute.attempt import simulator_code
from dure.journal import Journal
from dure.problem import Problem, find
from tests.fast.bowls import BOWL


@pytest.fixture
def bowl(tmp_path: Path) -> Problem:
    file = tmp_path / "bowl.py"
    file.write_text(BOWL, encoding="utf-8")
    return find(str(file))


def answered(folder: Path, problem: Problem, reference: Path, **changed: Any) -> Path:
    """A journal in ``folder`` with two answers and one failure."""
    plan = make_plan(str(reference), strategy_name="sobol", control_runs=0) | changed
    with Journal.create(folder) as journal:
        journal.append("planned", plan)
        for number, share in enumerate((0.25, 0.5, 0.75)):
            inputs = {name: spec.low + share * (spec.high - spec.low) for name, spec in problem.inputs.items()}
            trial = problem.trial(problem.make_design(inputs), problem.make_setting({}), problem.top.name)
            journal.append("asked", {"key": trial.key, "trial": trial.plain(), "purpose": "search"})
            journal.append("started", {"key": trial.key, "attempt": 1})
            if number == 2:
                journal.append("failed", {"key": trial.key, "attempt": 1, "reason": "no answer", "final": True})
            else:
                outcome = dict.fromkeys(problem.measures, 1.5)
                journal.append(
                    "told", {"key": trial.key, "attempt": 1, "outcome": outcome, "cpu_seconds": 0.1, "wall_seconds": 0.1}
                )
    return folder


def test_answers_are_taken_and_failures_are_not(bowl: Problem, tmp_path: Path):
    folder = answered(tmp_path / "theirs", bowl, tmp_path / "bowl.py")
    told = rows_from_journal(bowl, simulator_code(bowl), folder)
    assert told["source"] == "theirs"
    assert len(told["rows"]) == 2
    with Campaign.begin(tmp_path / "ours", make_plan(str(tmp_path / "bowl.py"), strategy_name="sobol"), data=folder) as campaign:
        states = list(campaign.history.trials.values())
    assert {state.purpose for state in states} == {"given"}
    assert [state.key for state in states] == [row["key"] for row in told["rows"]]


def test_answers_of_other_code_under_the_same_version_are_refused(bowl: Problem, tmp_path: Path):
    folder = answered(tmp_path / "theirs", bowl, tmp_path / "bowl.py", code="0" * 64)
    with pytest.raises(SimulatorChanged, match="theirs"):
        rows_from_journal(bowl, simulator_code(bowl), folder)


def test_a_folder_without_a_journal_or_with_a_broken_one_is_refused(bowl: Problem, tmp_path: Path):
    with pytest.raises(JournalNotFound):
        rows_from_journal(bowl, "", tmp_path)
    folder = answered(tmp_path / "theirs", bowl, tmp_path / "bowl.py")
    data = (folder / "journal.sqlite").read_bytes()
    place = data.rindex(b'"bowl', 0, len(data)) if b'"bowl' in data else data.rindex(b"told")
    (folder / "journal.sqlite").write_bytes(data[:place] + b"X" + data[place + 1 :])
    with pytest.raises(JournalCorrupted):
        rows_from_journal(bowl, simulator_code(bowl), folder)


def test_a_journal_of_another_problem_has_nothing_to_give(bowl: Problem, tmp_path: Path):
    folder = answered(tmp_path / "theirs", bowl, tmp_path / "bowl.py")
    other = tmp_path / "other.py"
    other.write_text(BOWL.replace("mine/bowl", "mine/dish"), encoding="utf-8")
    with pytest.raises(InputError, match="no answers"):
        rows_from_journal(find(str(other)), "", folder)
