"""``verify`` finds what was altered, also by somebody who rewrites the journal's hashes to match."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dure.problem.registry as registry
from dure.canonical import digest
from dure.errors import ProblemError, VerificationFailed
from dure.journal import Journal
from dure.report import verify, write_report
from tests.fast.report_campaigns import BEAM, campaign

Change = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = campaign(tmp_path_factory.mktemp("beam") / "run", patch)
        write_report(folder, language="en")
        yield folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "run"))


def forged(folder: Path, target: Path, change: Change) -> Path:
    """The same journal, its events changed and chained anew; without a report."""
    with Journal.open(folder, write=False) as old, Journal.create(target) as new:
        for event in old.events():
            payload: Any = json.loads(json.dumps(event.payload))
            if event.kind == "artefact":
                new.put(old.get(payload["sha256"]))
            elif event.kind != "reported":
                new.append(event.kind, change(event.kind, payload))
    return target


def recorded_anew(folder: Path, **changes: Any) -> None:
    """As if the files had been written as they are now."""
    hashes = {
        name: hashlib.sha256((folder / file).read_bytes()).hexdigest()
        for name, file in (("report", "report.html"), ("claims", "claims.json"))
    }
    with Journal.open(folder) as journal:
        newest: Any = [event.payload for event in journal.events() if event.kind == "reported"][-1]
        journal.append("reported", dict(newest) | hashes | changes)


def refused(folder: Path) -> str:
    with pytest.raises(VerificationFailed) as caught:
        verify(folder)
    return str(caught.value)


# ------------------------------------------------------------------------------------------------ what is right
def test_a_report_as_it_was_written_passes(folder: Path):
    lines = verify(folder)
    assert lines[-1] == "Made again from the journal, every file comes out the same to the byte."
    assert not any("not made again" in line for line in lines)


def test_a_journal_forged_without_changes_passes(written: Path, tmp_path: Path):
    # so that the tests below fail for their changes only
    assert verify(forged(written, tmp_path / "new", lambda _kind, payload: payload))[-1] == "No report was written yet."


def test_a_report_stays_valid_when_the_campaign_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch):
    campaign(folder, monkeypatch, runs=3, limits={"deflection": 0.03})
    assert "older than the journal's newest plan" in verify(folder)[-1]
    write_report(folder)
    assert "older" not in verify(folder)[-1]


# ------------------------------------------------------------------------------------------------ altered files
@pytest.mark.parametrize("name", ["report.html", "claims.json", "results/winner.json", "results/beam.csv"])
def test_an_altered_or_missing_file_is_named(folder: Path, name: str):
    file = folder / name
    data = file.read_bytes()
    file.write_bytes(data + b" ")
    assert f"{name} is not the file that was written" in refused(folder)
    file.unlink()
    assert f"{name} cannot be read" in refused(folder)


def claims(folder: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    found = json.loads((folder / "claims.json").read_bytes())
    change(found["claims"])
    (folder / "claims.json").write_text(json.dumps(found))
    recorded_anew(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda claims: claims[5].update(value=0.125), "recomputed it is"),
        (lambda claims: claims[5].update(value=None), "recomputed it is"),
        (lambda claims: claims[5].update(unit="kg*m"), "asks for something else"),
        (lambda claims: claims[5].update(statement="better"), "asks for something else"),
        (lambda claims: claims[5]["query"].update(op="eval"), "not one of the expressions"),
        (lambda claims: claims[5]["query"].update(trial="0" * 64), "cannot be evaluated|does not have"),
        (lambda claims: claims.pop(5), "is missing"),
        (lambda claims: claims.append(claims[5] | {"id": "winner.bonus"}), "winner.bonus does not follow"),
        (lambda claims: claims.append(claims[5]), "another plan or another state"),
    ],
)
def test_a_claim_that_is_not_the_journals_is_found(folder: Path, change: Callable[[Any], object], words: str):
    claims(folder, change)
    assert re.search(words, refused(folder))


def test_claims_of_another_state_are_found(folder: Path):
    text = (folder / "claims.json").read_text()
    (folder / "claims.json").write_text(re.sub(r'"head": "....', '"head": "0000', text))
    recorded_anew(folder)
    assert "another state of the journal" in refused(folder)


def page(folder: Path, old: str, new: str, **changes: Any) -> None:
    text = (folder / "report.html").read_text()
    assert re.search(old, text, re.DOTALL)
    (folder / "report.html").write_text(re.sub(old, new, text, count=1, flags=re.DOTALL))
    recorded_anew(folder, **changes)


OTHER = {"versions": {"dure": "0"}}
"""As if another version of Dure had made the page, so that it cannot be drawn again to compare."""


@pytest.mark.parametrize("others", [{}, OTHER])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"(>\d+\.\d)(\d)(\N{NARROW NO-BREAK SPACE}kg<)", r"\g<1>x\g<3>"),
        (r'(value="\d+\.\d)(\d)', r"\g<1>x"),
        (r'data-claim="winner\.goal\.mass"', 'data-claim="baseline.goal.mass"'),
        (r">Supported</data>", ">Refuted</data>"),
        (r"<h2", "<p>12 kg at most</p><h2"),
    ],
)
def test_a_number_of_the_page_is_held_to_its_claim(folder: Path, old: str, new: str, others: dict[str, Any]):
    page(folder, old, new, **others)
    assert re.search("is not claim|holds a number that is no claim", refused(folder))


def test_a_drawing_is_held_to_the_journal(folder: Path):
    page(folder, r'(<path d="M [\d.]+ )\d', r"\g<1>7")
    assert refused(folder) == "report.html: made again from the journal it comes out differently"


def test_another_version_is_said_and_not_drawn_again(folder: Path):
    recorded_anew(folder, **OTHER)
    assert verify(folder)[-1].startswith("The files were not made again: another version")


# ------------------------------------------------------------------------------------------------ altered journals
def test_a_tail_that_was_cut_off_leaves_files_nobody_recorded(folder: Path):
    with sqlite3.connect(folder / "journal.sqlite") as db:
        db.execute("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)")
    db.close()
    assert "the journal knows of no report" in refused(folder)


def _verdict(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"verdict": "refuted"} if kind == "concluded" else payload


def _runner_up(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"winner": payload["runners_up"][0]} if kind == "concluded" else payload


def _lighter(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The first answer that was not the best becomes it, with its hash."""
    if kind == "told" and payload["outcome"]["mass"] > 20:
        outcome = payload["outcome"] | {"mass": 0.5, "deflection": [0.001, 0.001], "slender": 1.0}
        return payload | {"outcome": outcome, "output_hash": digest(outcome)}
    return payload


@pytest.mark.parametrize("change", [_verdict, _runner_up, _lighter])
def test_a_conclusion_must_follow(written: Path, tmp_path: Path, change: Change):
    assert "does not follow from the answers" in refused(forged(written, tmp_path / "new", change))


def _plan(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"seed": 7} if kind == "planned" else payload


def _answer(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"outcome": payload["outcome"] | {"mass": 1.0}} if kind == "told" else payload


def _input(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"input_hash": "0" * 64} if kind == "started" else payload


def _machine(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"environment": payload["environment"] | {"host": "elsewhere"}} if kind == "environment" else payload


def _trial(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"trial": payload["trial"] | {"seed": 7}} if kind == "asked" else payload


@pytest.mark.parametrize("change", [_plan, _answer, _input, _machine, _trial])
def test_what_names_its_hash_must_have_it(written: Path, tmp_path: Path, change: Change):
    assert "does not have the hash it names" in refused(forged(written, tmp_path / "new", change))


def test_events_that_contradict_one_another_are_found(written: Path, tmp_path: Path):
    def nowhere(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        return payload | {"winner": "0" * 64} if kind == "concluded" else payload

    assert "contradict one another" in refused(forged(written, tmp_path / "new", nowhere))


# ------------------------------------------------------------------------------------------------ the problem
def test_a_problem_that_is_gone_is_said_apart_from_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    own = tmp_path / "own_beam.py"
    shutil.copy(BEAM, own)
    folder = campaign(tmp_path / "run", monkeypatch, problem=own, runs=2)
    own.unlink()
    registry._load_file.cache_clear()
    with pytest.raises(ProblemError, match=r"The journal is sound, but .*own_beam.py does not exist"):
        verify(folder)


def test_a_problem_that_changed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    own = tmp_path / "own_beam.py"
    shutil.copy(BEAM, own)
    folder = campaign(tmp_path / "run", monkeypatch, problem=own, runs=2)
    write_report(folder)
    own.write_text(BEAM.read_text().replace("DENSITY[beam.material] * beam.width", "DENSITY[beam.material] * 2 * beam.width"))
    registry._load_file.cache_clear()
    from dure.execute import attempt

    attempt._hash.cache_clear()
    assert "the problem's code has changed since the plan" in verify(folder)[-1]
    own.write_text(
        BEAM.read_text()
        .replace("at_most(6.0", "at_most(5.0")
        .replace("max_over(CASE)", "min_over(CASE)")
        .replace("max_over,", "max_over, min_over,")
    )
    registry._load_file.cache_clear()
    assert "The problem is not stated today as it was in the plan: outcome" in refused(folder)
