"""Whatever is changed in a journal, verifying it shows."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.errors import (
    JournalCorrupted,
    JournalError,
)
from dure.journal import Event, Journal
from dure.journal.store import GENESIS
from tests.fast.journals import FILE, contents, copy_of, sha256, small, verify


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small(tmp_path / "campaign")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small(tmp_path_factory.mktemp("original"))


@given(event=st.integers(0, 6), place=st.integers(0, 10**6), byte=st.integers(1, 255))
@settings(max_examples=100)
def test_any_changed_byte_of_an_event_is_found_and_the_event_named(original: Path, event: int, place: int, byte: int):
    with closing(sqlite3.connect(original / FILE)) as db:
        (row,) = db.execute("SELECT kind || time || payload || prev || hash FROM events WHERE seq = ?", (event + 1,)).fetchone()
    data = bytearray((original / FILE).read_bytes())
    assert data.count(row.encode()) == 1, "a row's texts lie side by side in the file"
    data[data.index(row.encode()) + place % len(row)] ^= byte
    with copy_of(original) as folder:
        (folder / FILE).write_bytes(data)
        with pytest.raises(JournalCorrupted, match=f"event {event + 1} "):
            verify(folder)
        with pytest.raises(JournalCorrupted, match=f"event {event + 1} "):
            Journal.open(folder)
        assert (folder / FILE).read_bytes() == data


@given(place=st.integers(0, 10**6), byte=st.integers(1, 255))
@settings(max_examples=100)
def test_whatever_byte_of_the_file_changes_nothing_else_is_ever_read(original: Path, place: int, byte: int):
    data = bytearray((original / FILE).read_bytes())
    data[place % len(data)] ^= byte
    with Journal.open(original, write=False) as journal:
        written = list(journal.events())
    with copy_of(original) as folder:
        (folder / FILE).write_bytes(data)
        try:
            with Journal.open(folder, write=False) as journal:
                journal.verify()
                read = list(journal.events())
                assert journal.get(sha256(b"a table")) == b"a table"
        except JournalError:
            return
        assert read == written


@pytest.fixture(scope="module")
def under_way(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    """What a driver killed after 12 events would leave, all of them in the WAL, and these events."""
    folder = tmp_path_factory.mktemp("under-way")
    with Journal.create(folder / "live") as journal:
        written = [journal.append("noted", {"n": n, "text": "x" * 100}) for n in range(12)]
        shutil.copytree(folder / "live", folder / "left")
    return folder / "left", written


@given(place=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_wal_can_only_cost_the_newest_events(under_way: tuple[Path, list[Event]], place: int, byte: int, cut: bool):
    left, written = under_way
    data = bytearray((left / f"{FILE}-wal").read_bytes())
    place %= len(data)
    data[place] ^= byte
    with copy_of(left) as folder:
        (folder / f"{FILE}-wal").write_bytes(data[:place] if cut else data)
        with Journal.open(folder) as journal:
            found = list(journal.events())
            assert found == written[: len(found)]
            assert byte or cut or len(found) == 12
            if len(found) < 12:
                with pytest.raises(JournalCorrupted, match="no event with hash"):
                    journal.verify(head=written[-1].hash)
            journal.append("noted", {})
        verify(folder)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("DELETE FROM events WHERE seq = 1", "event 1 .*missing"),
        ("DELETE FROM events WHERE seq = 3", "event 3 .*missing"),
        ("DELETE FROM events WHERE seq = 3; UPDATE events SET seq = seq - 1 WHERE seq > 3", "event 3 .*does not follow"),
        (
            "UPDATE events SET seq = -seq WHERE seq IN (2, 3); UPDATE events SET seq = seq + 5 WHERE seq < 0",
            "event 2 .*does not follow",
        ),
        ("UPDATE events SET seq = 9 WHERE seq = 7", "event 7 .*missing"),
        ("UPDATE events SET time = '2026-01-01T00:00:00.000Z' WHERE seq = 5", "event 5 .*its hash"),
        ("UPDATE events SET kind = 'noted', hash = '' WHERE seq = 7", "event 7 .*its hash"),
        ("UPDATE events SET payload = CAST(payload AS BLOB) WHERE seq = 4", "damaged|event 4"),
        ("DELETE FROM artefacts", "artefact .*missing"),
        ("UPDATE artefacts SET data = x'00'", "artefact .*no longer has that hash"),
        ("UPDATE artefacts SET data = CAST(data AS TEXT)", "artefact .*no longer has that hash"),
        ("UPDATE artefacts SET data = 5", "artefact .*no longer has that hash"),
        (
            "INSERT INTO artefacts VALUES ('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', x'')",
            "no event records",
        ),
        ("DROP INDEX answered_once", "indexes are not those"),
        ("DROP TABLE artefacts", "indexes are not those"),
        ("CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events; END", "indexes are not those"),
        ("DELETE FROM meta", "not those of format"),
        ("UPDATE meta SET format = 0", "not those of format"),
    ],
)
def test_an_altered_journal_is_found_out(folder: Path, change: str, found: str):
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as db:
        db.executescript(change)
    before = contents(folder)
    with pytest.raises(JournalCorrupted, match=found):
        verify(folder)
    assert contents(folder) == before


def test_a_text_moved_from_one_field_to_another_is_found(tmp_path: Path):
    """Alterations under which the text that is hashed stays the same, byte for byte."""
    with Journal.create(tmp_path) as journal:
        journal.append("noted", {"a": "x", "payload": 7})
        head = journal.head
        journal.append("noted", {"a": 1, "prev": head, "seq": 2, "time": "z"})
        journal.append("noted", {"a": "\ufffd"})
    for seq, changes in [
        (1, {"kind": 'noted","payload":{"a":"x', "payload": "7}"}),
        (2, {"payload": '{"a":1', "time": f'z"}},"prev":"{head}","seq":2,"time":"TIME'}),
        (3, {"payload": '{"a":"BYTE"}'}),
    ]:
        with copy_of(tmp_path) as folder:
            with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as db:
                (time,) = db.execute("SELECT time FROM events WHERE seq = ?", (seq,)).fetchone()
                for field, text in changes.items():
                    # 0xFF is no UTF-8; decoded carelessly it becomes U+FFFD, which the event does contain
                    data = text.replace("TIME", time).encode().replace(b"BYTE", b"\xff")
                    db.execute(f"UPDATE events SET {field} = CAST(? AS TEXT) WHERE seq = ?", (data, seq))
            with pytest.raises(JournalCorrupted, match=f"event {seq} .*its hash"):
                verify(folder)


def test_an_index_that_disagrees_with_its_rows_is_found(folder: Path):
    # the only place outside the table where a key stands alone is the entry of an index
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'answered_once'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    data = bytearray((folder / FILE).read_bytes())
    place = data.rindex(b"a", (page - 1) * size, page * size)
    data[place] = ord("z")
    (folder / FILE).write_bytes(data)
    for open_it in (Journal.open, verify):
        with pytest.raises(JournalCorrupted, match="answered_once"):
            open_it(folder)
    assert (folder / FILE).read_bytes() == data


def test_a_tail_cut_off_is_found_by_the_anchor_kept_elsewhere(folder: Path):
    with Journal.open(folder) as journal:
        anchor = journal.head
        journal.append("noted", {})
    verify(folder, head=anchor)
    verify(folder, head=GENESIS)
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as db:
        db.execute("DELETE FROM events WHERE seq >= 7")
    verify(folder)
    with pytest.raises(JournalCorrupted, match=f"no event with hash {anchor}"):
        verify(folder, head=anchor)
