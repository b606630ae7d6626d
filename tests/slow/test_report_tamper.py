"""Property: on a finished campaign no single digit of any file and no byte of the journal's events can be changed unnoticed.

The campaign is a real one: engine, workers, report. Each example changes one character, verifies, and puts it back.
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.campaign import Budget, Campaign, make_plan
from dure.errors import JournalError, VerificationFailed
from dure.report import verify, write_report
from tests.fast.report_campaigns import BEAM

pytestmark = pytest.mark.needs("botorch", "matplotlib")

EXAMPLES = 400
"""For each file and for the journal."""

DATA = st.data()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("beam") / "run"
    with Campaign.begin(folder, make_plan(str(BEAM), budget=Budget(runs=8))) as campaign:
        campaign.run(workers=2)
    write_report(folder, language="ko")
    return folder


@contextmanager
def with_byte(file: Path, offset: int, value: int) -> Iterator[None]:
    """``file`` with one byte changed for the time of the block."""
    with file.open("r+b", buffering=0) as stream:
        stream.seek(offset)
        former = stream.read(1)
        try:
            stream.seek(offset)
            stream.write(bytes([value]))
            yield
        finally:
            stream.seek(offset)
            stream.write(former)


def passes(folder: Path) -> bool:
    try:
        verify(folder)
    except (VerificationFailed, JournalError):
        return False
    return True


def digits(data: bytes) -> list[int]:
    return [match.start() for match in re.finditer(rb"[0-9]", data)]


def altered_digit(folder: Path, name: str, places: list[int], data: st.DataObject) -> None:
    file = folder / name
    offset = data.draw(st.sampled_from(places), label="offset")
    former = file.read_bytes()[offset]
    digit = data.draw(st.sampled_from([one for one in b"0123456789" if one != former]), label="digit")
    with with_byte(file, offset, digit):
        assert not passes(folder)


def test_untouched_it_passes(finished: Path):
    assert verify(finished)


@settings(max_examples=EXAMPLES)
@given(DATA)
def test_any_digit_of_the_page(finished: Path, data: st.DataObject):
    altered_digit(finished, "report.html", digits((finished / "report.html").read_bytes()), data)


@settings(max_examples=EXAMPLES)
@given(DATA)
def test_any_digit_of_the_text_a_reader_sees(finished: Path, data: st.DataObject):
    page = (finished / "report.html").read_bytes()
    page = re.sub(rb"<style>.*?</style>|<svg.*?</svg>", lambda found: b"." * len(found[0]), page, flags=re.DOTALL)
    page = re.sub(rb"<[^>]*>", lambda found: b"." * len(found[0]), page)
    altered_digit(finished, "report.html", digits(page), data)


@settings(max_examples=EXAMPLES)
@given(DATA)
def test_any_digit_of_the_drawings(finished: Path, data: st.DataObject):
    page = (finished / "report.html").read_bytes()
    drawn = [match.span() for match in re.finditer(rb"<svg.*?</svg>", page, re.DOTALL)]
    altered_digit(
        finished,
        "report.html",
        [offset for start, end in drawn for offset in range(start, end) if chr(page[offset]).isdigit()],
        data,
    )


@settings(max_examples=EXAMPLES)
@given(DATA)
def test_any_digit_of_the_claims(finished: Path, data: st.DataObject):
    altered_digit(finished, "claims.json", digits((finished / "claims.json").read_bytes()), data)


@settings(max_examples=EXAMPLES // 4)
@given(st.sampled_from(["results/winner.json", "results/beam.csv"]), DATA)
def test_any_digit_of_the_results(finished: Path, name: str, data: st.DataObject):
    altered_digit(finished, name, digits((finished / name).read_bytes()), data)


def rows(folder: Path) -> list[tuple[bytes, ...]]:
    """Every event's row as the bytes that stand in the file."""
    with closing(sqlite3.connect(f"file:{folder / 'journal.sqlite'}?mode=ro&immutable=1", uri=True)) as db:
        db.text_factory = bytes
        return db.execute("SELECT seq, kind, time, payload, prev, hash FROM events ORDER BY seq").fetchall()


@pytest.fixture(scope="module")
def event_bytes(finished: Path) -> list[int]:
    """Offsets of all bytes of the rows that stand in one piece; SQLite puts the rest of long ones on pages of their own."""
    data, known = (finished / "journal.sqlite").read_bytes(), rows(finished)
    found: list[int] = []
    for _seq, *texts in known:
        row = b"".join(texts)
        start = data.find(row)
        if start >= 0 and data.find(row, start + 1) < 0:
            found += range(start, start + len(row))
    assert len(found) > 0.5 * sum(len(b"".join(texts)) for _seq, *texts in known)
    return found


@settings(max_examples=EXAMPLES)
@given(DATA)
def test_any_byte_of_the_events(finished: Path, event_bytes: list[int], data: st.DataObject):
    file = finished / "journal.sqlite"
    offset = data.draw(st.sampled_from(event_bytes), label="offset")
    former = file.read_bytes()[offset]
    value = data.draw(st.integers(0, 255).filter(lambda one: one != former), label="byte")
    with with_byte(file, offset, value):
        assert not passes(finished)


@settings(max_examples=EXAMPLES // 4)
@given(st.integers(min_value=1), DATA)
def test_any_event_left_out(finished: Path, number: int, data: st.DataObject):
    file = finished / "journal.sqlite"
    former = file.read_bytes()
    try:
        with closing(sqlite3.connect(file)) as db, db:
            (count,) = db.execute("SELECT count(*) FROM events").fetchone()
            db.execute("DELETE FROM events WHERE seq = ?", (1 + number % count,))
        assert not passes(finished)
    finally:
        file.write_bytes(former)


def test_another_process_with_another_hash_seed_makes_the_same_bytes(finished: Path):
    code = (
        "import hashlib, sys; from pathlib import Path; from dure.journal import Journal\n"
        "from dure.report.dossier import Dossier; from dure.report.writing import made\n"
        "journal = Journal.open(Path(sys.argv[1]), write=False)\n"
        "for name, data in sorted(made(Dossier.read(journal), 'ko').items()): print(name, hashlib.sha256(data).hexdigest())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code, str(finished)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(said) == 1
    assert said.pop().count("\n") == 4
