"""The journal keeps every event, admits only a sensible life of a trial, shows every alteration and spoils nothing."""

from __future__ import annotations

import hashlib
import json
import math
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dure.errors import (
    JournalBusy,
    JournalCorrupted,
    JournalError,
    JournalNotFound,
    JournalReadOnly,
    JournalTooNew,
    Refused,
    ValueRefused,
)
from dure.journal import Event, Journal, code_hash, environment, store
from dure.journal.store import GENESIS
from dure.problem.canonical import canonical, parse

FILE = "journal.sqlite"
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # the properties make hundreds of journals


def sha256(data: bytes | str) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file with its bytes, without the lock and SQLite's shared memory, which carry no events."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in {"driver.lock", f"{FILE}-shm"}}


def told(journal: Journal, key: str, **outcome: Any) -> None:
    journal.append("asked", {"key": key})
    journal.append("started", {"key": key, "attempt": 1})
    journal.append("told", {"key": key, "attempt": 1, "outcome": outcome})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed journal with two told trials and an artefact: 7 events."""
    with Journal.create(tmp_path / "campaign") as journal:
        told(journal, "a", volts=0.25)
        journal.put(b"a table")
        told(journal, "b", volts=0.5)
    return tmp_path / "campaign"


@pytest.fixture
def frozen() -> Iterator[Callable[[Path], None]]:
    """Make a folder read-only: by permission, or by a read-only mount for root, whom permissions do not stop."""
    mounted: list[Path] = []

    def freeze(folder: Path) -> None:
        if os.geteuid() != 0:
            for path in (*folder.iterdir(), folder):
                path.chmod(0o555 if path.is_dir() else 0o444)
            return
        for options in (["--bind", str(folder)], ["-o", "remount,bind,ro"]):
            done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"root without the right to mount cannot make a folder read-only: {done.stderr.strip()}")
            mounted[:] = [folder]

    yield freeze
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


# ------------------------------------------------------------------------------------------------- canonical encoding


def test_the_encoding_is_that_of_the_standard():
    # RFC 8785, section 3.2.2: the sample input and its canonical form
    sample = json.loads(
        r"""{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"""
    )
    assert canonical(sample).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        r'"string":"€$\u000f\nA' + "'" + r'B\"\\\\\"/"}'
    )


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(values)
def test_a_value_read_back_is_equal_and_encodes_the_same(value: Any):
    text = canonical(value)
    assert parse(text.decode()) == value
    assert canonical(parse(text.decode())) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2**53, object(), {1: 2}, {"\ud800": 1}, "\ud800"])
def test_what_has_no_encoding_is_refused(value: Any):
    with pytest.raises(ValueRefused, match="cannot be recorded"):
        canonical([value])


def test_the_hashes_of_a_small_journal_never_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    times = iter(["2026-11-02T03:04:05.678Z", "2026-11-02T03:04:06.000Z", "2026-11-02T03:04:07.000Z"])
    monkeypatch.setattr(store, "_now", lambda: next(times))
    with Journal.create(tmp_path) as journal:
        first = journal.append("asked", {"key": "k", "design": {"b": 1.0, "a": 1e20}, "note": "급속 충전"})
        second = journal.append("started", {"key": "k", "attempt": 1})
        journal.put(b"")
        head = journal.head
    # written by hand after RFC 8785 and hashed with coreutils' sha256sum
    text = (
        '{"kind":"asked","payload":{"design":{"a":100000000000000000000,"b":1},"key":"k","note":"급속 충전"},'
        f'"prev":"{"0" * 64}","seq":1,"time":"2026-11-02T03:04:05.678Z"}}'
    )
    assert first.hash == sha256(text) == "86748e0273a7f6f8fc9312ed4a003085791708825fd183b1b4a7a6af2b4556b2"
    text = (
        '{"kind":"started","payload":{"attempt":1,"key":"k"},'
        f'"prev":"{first.hash}","seq":2,"time":"2026-11-02T03:04:06.000Z"}}'
    )
    assert second.hash == sha256(text) == "c5df514e28b94ebe885941fcb6ff15a46c0805c20583be83d7ace839d604450e"
    text = (
        '{"kind":"artefact","payload":{"bytes":0,"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},'
        f'"prev":"{second.hash}","seq":3,"time":"2026-11-02T03:04:07.000Z"}}'
    )
    assert head == sha256(text) == "8e24fe1904f2af00333bd7cd244469437cd718e23e90964450c63c358582da03"


# ---------------------------------------------------------------------------------------------------------- its content


@given(st.lists(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), values, max_size=4), max_size=4))
@settings(max_examples=30)
def test_what_is_appended_is_read_back(payloads: list[dict[str, Any]]):
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        with Journal.create(Path(name)) as journal:
            written = [journal.append("noted", payload) for payload in payloads]
        with Journal.open(Path(name), write=False) as journal:
            assert list(journal.events()) == written
            assert [event.payload for event in written] == payloads
            assert [event.prev for event in written] == [GENESIS, *(event.hash for event in written)][: len(written)]
            assert journal.head == (written[-1].hash if written else GENESIS)
            for n in range(len(written) + 2):
                assert list(journal.events(after=n)) == written[n:]


def test_events_longer_than_a_batch_are_read_in_order(tmp_path: Path):
    with Journal.create(tmp_path) as journal:
        hashes = [journal.append("noted", {"n": n}).hash for n in range(2 * store._BATCH + 1)]
        assert [event.hash for event in journal.events()] == hashes
        assert [event.seq for event in journal.events(after=store._BATCH)] == list(range(store._BATCH + 1, 2 * store._BATCH + 2))


@pytest.mark.parametrize("kind", ["", "Told", "two words", 'x"', "artefact", "판"])
def test_a_kind_that_cannot_be_one_is_refused(folder: Path, kind: str):
    with Journal.open(folder) as journal, pytest.raises(ValueRefused, match="kind"):
        journal.append(kind, {})


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("asked", {}),
        ("asked", {"key": ""}),
        ("asked", {"key": 5}),
        ("asked", {"key": "a\0b"}),
        ("started", {"key": "a"}),
        ("told", {"key": "a", "attempt": True}),
        ("told", {"key": "a", "attempt": 1.0}),
        ("failed", {"key": "a", "attempt": 1}),
        ("failed", {"key": "a", "attempt": 1, "final": 1}),
    ],
)
def test_an_event_of_a_trial_without_its_fields_is_refused(folder: Path, kind: str, payload: dict[str, Any]):
    with Journal.open(folder) as journal:
        head = journal.head
        with pytest.raises(ValueRefused, match="needs"):
            journal.append(kind, payload)
        assert journal.head == head


def test_an_artefact_is_kept_once_and_recorded(folder: Path):
    with Journal.open(folder) as journal:
        head = journal.head
        name = journal.put(b"a table")
        assert name == sha256(b"a table")
        assert journal.head == head
        assert journal.get(name) == b"a table"
        other = journal.put(bytes(range(256)) * 100)
        assert [event.payload for event in journal.events(after=7)] == [{"sha256": other, "bytes": 25600}]
        with pytest.raises(JournalError, match="no artefact"):
            journal.get("0" * 64)


def test_the_indexes_refuse_a_second_question_start_or_answer(folder: Path):
    # past the library, as another program would write
    with closing(sqlite3.connect(folder / FILE)) as db:
        for kind, payload in [
            ("asked", {"key": "a"}),
            ("started", {"key": "a", "attempt": 1}),
            ("told", {"key": "a"}),
            ("failed", {"key": "a", "final": True}),
        ]:
            with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
                db.execute("INSERT INTO events VALUES (8, ?, '', ?, '', '')", (kind, json.dumps(payload)))


@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        ("asked", {"key": "open"}, "was asked before"),
        ("asked", {"key": "a"}, "was asked before"),
        ("started", {"key": "new", "attempt": 1}, "never asked"),
        ("started", {"key": "open", "attempt": 2}, "attempt 2 .* after attempt 2"),
        ("started", {"key": "open", "attempt": 4}, "attempt 4 .* after attempt 2"),
        ("started", {"key": "a", "attempt": 2}, "attempt 2 came too late"),
        ("told", {"key": "new", "attempt": 1}, "never asked"),
        ("told", {"key": "open", "attempt": 1}, "attempt 1 .* not the newest of the 2 started"),
        ("told", {"key": "open", "attempt": 3}, "attempt 3 .* not the newest of the 2 started"),
        ("told", {"key": "fresh", "attempt": 0}, "attempt 0 .* not the newest of the 0 started"),
        ("told", {"key": "a", "attempt": 1}, "attempt 1 came too late"),
        ("failed", {"key": "open", "attempt": 1, "final": False}, "not the newest of the 2 started"),
        ("failed", {"key": "a", "attempt": 1, "final": False}, "came too late"),
        ("failed", {"key": "a", "attempt": 1, "final": True}, "came too late"),
    ],
)
def test_what_makes_no_sense_in_the_life_of_a_trial_is_refused(folder: Path, kind: str, payload: dict[str, Any], reason: str):
    with Journal.open(folder) as journal:
        for key in ("open", "fresh"):
            journal.append("asked", {"key": key})
        journal.append("started", {"key": "open", "attempt": 1})
        journal.append("failed", {"key": "open", "attempt": 1, "reason": "lost", "final": False})
        journal.append("started", {"key": "open", "attempt": 2})
        head = journal.head
        with pytest.raises(Refused, match=reason):
            journal.append(kind, payload)
        assert journal.head == head
        journal.append("told", {"key": "open", "attempt": 2})


class Life(RuleBasedStateMachine):
    """The journal against a dictionary: attempts and answer of every key, and the events that went in."""

    keys = st.sampled_from(["k0", "k1"])

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        self.journal = Journal.create(self.folder)
        self.started: dict[str, int] = {}
        self.answered: set[str] = set()
        self.written: list[tuple[str, dict[str, Any]]] = []

    def teardown(self) -> None:
        self.journal.verify()
        self.journal.close()
        shutil.rmtree(self.folder)

    def attempt(self, kind: str, payload: dict[str, Any], *, allowed: bool) -> bool:
        if allowed:
            event = self.journal.append(kind, payload)
            self.written.append((kind, payload))
            assert (event.seq, event.hash) == (len(self.written), self.journal.head)
        else:
            head = self.journal.head
            with pytest.raises(Refused):
                self.journal.append(kind, payload)
            assert self.journal.head == head
        return allowed

    @rule(key=keys)
    def ask(self, key: str) -> None:
        if self.attempt("asked", {"key": key, "seed": 1}, allowed=key not in self.started):
            self.started[key] = 0

    @rule(key=keys, step=st.sampled_from([0, 1, 1, 2]))
    def start(self, key: str, step: int) -> None:
        attempt = self.started.get(key, 0) + step
        allowed = key in self.started and key not in self.answered and step == 1
        if self.attempt("started", {"key": key, "attempt": attempt}, allowed=allowed):
            self.started[key] += 1

    @rule(key=keys, step=st.sampled_from([-1, 0, 0, 1]), final=st.sampled_from([None, False, True]))
    def answer(self, key: str, step: int, final: bool | None) -> None:
        attempt = self.started.get(key, 0) + step
        kind, payload = ("told", {}) if final is None else ("failed", {"reason": "timeout", "final": final})
        allowed = key not in self.answered and step == 0 and attempt > 0
        if self.attempt(kind, {"key": key, "attempt": attempt, **payload}, allowed=allowed) and final is not False:
            self.answered.add(key)

    @rule(key=keys, kind=st.sampled_from(["decided", "guarded", "asked.for"]))
    def note(self, key: str, kind: str) -> None:
        self.attempt(kind, {"key": key}, allowed=True)

    @rule(data=st.binary(max_size=2))
    def keep(self, data: bytes) -> None:
        payload = {"bytes": len(data), "sha256": sha256(data)}
        if ("artefact", payload) not in self.written:
            self.written.append(("artefact", payload))
        assert self.journal.put(data) == payload["sha256"]
        assert self.journal.get(sha256(data)) == data

    @rule()
    def reopen(self) -> None:
        self.journal.close()
        self.journal = Journal.open(self.folder)

    @invariant()
    def a_reader_finds_what_was_written(self) -> None:
        with Journal.open(self.folder, write=False) as reader:
            assert [(event.kind, event.payload) for event in reader.events()] == self.written


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=25)


# ----------------------------------------------------------------------------------------------------------- alterations


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    with Journal.create(folder) as journal:
        told(journal, "a", volts=0.25)
        journal.put(b"a table of numbers")
        told(journal, "b", volts=0.5)
    return folder


@contextmanager
def copy_of(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        shutil.copy(folder / FILE, name)
        yield Path(name)


def verify(folder: Path, **anchor: str) -> None:
    with Journal.open(folder, write=False) as journal:
        journal.verify(**anchor)


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
                assert journal.get(sha256(b"a table of numbers")) == b"a table of numbers"
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


# ---------------------------------------------------------------------------------------------------------------- faults


def newer(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("UPDATE meta SET format = 99")


def a_table_lost(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("DROP TABLE meta")


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size * 2 // 3)


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize(
    ("spoil", "error", "found"),
    [
        (newer, JournalTooNew, "format 99.* format 1;"),
        (a_table_lost, JournalCorrupted, "meta"),
        (cut, JournalCorrupted, "damaged"),
        # SQLite quotes the name in its message, and the name is no text
        (lambda file: file.write_bytes(file.read_bytes().replace(b"tablemeta", b"tablem\xe5ta")), JournalCorrupted, "damaged"),
        (lambda file: os.truncate(file, 0), JournalCorrupted, "damaged"),
        (lambda file: file.write_bytes(b"not a journal" * 1000), JournalCorrupted, "damaged"),
    ],
)
def test_a_spoiled_file_is_named_and_left_as_it_is(folder: Path, spoil: Any, error: type[JournalError], found: str, write: bool):
    spoil(folder / FILE)
    before = contents(folder)

    def use() -> None:
        with Journal.open(folder, write=write) as journal:
            journal.verify()

    with pytest.raises(error, match=found):
        use()
    assert contents(folder) == before


def test_an_altered_journal_with_a_wal_keeps_both(folder: Path, tmp_path: Path):
    left = tmp_path / "left"
    with Journal.open(folder) as journal:
        journal.append("noted", {"n": 1})
        with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as db:
            db.execute("UPDATE events SET payload = '{\"n\":2}' WHERE seq = 8")
            shutil.copytree(folder, left)  # as a driver killed now would leave it
    before = contents(left)
    assert before[f"{FILE}-wal"]
    with pytest.raises(JournalCorrupted, match="event 8 "):
        Journal.open(left)
    assert contents(left) == before


def test_no_journal_and_one_too_many(folder: Path, tmp_path: Path):
    for write in (True, False):
        with pytest.raises(JournalNotFound, match="no journal"):
            Journal.open(tmp_path, write=write)
    assert list(tmp_path.iterdir()) == [folder], "looking for a journal leaves nothing behind"
    before = contents(folder)
    with pytest.raises(JournalError, match="holds a journal already"):
        Journal.create(folder)
    assert contents(folder) == before
    (folder / FILE).rename(folder / f"{FILE}-wal")
    with pytest.raises(JournalError, match="or a part of one"):
        Journal.create(folder)


def test_a_driver_killed_while_making_a_journal_does_not_stop_the_next(tmp_path: Path):
    (tmp_path / "new.sqlite").write_bytes(b"half a journal")
    (tmp_path / "new.sqlite-journal").write_bytes(b"and more")
    with Journal.create(tmp_path) as journal:
        journal.append("noted", {})
    verify(tmp_path)


@pytest.mark.parametrize("header_written", [False, True])
def test_a_driver_killed_while_switching_the_wal_stops_neither_readers_nor_drivers(folder: Path, header_written: bool):
    # the roll-back journal of that moment: sqlite.org/fileformat2.html, section 3; the first page is all that is in it
    data = bytearray((folder / FILE).read_bytes())
    size = int.from_bytes(data[16:18], "big")
    checksum = sum(data[place] for place in range(size - 200, 0, -200))
    head = [1, 0, len(data) // size, 512, size]  # records, nonce, pages, sector, page
    journal = bytes.fromhex("d9d505f920a163d7") + b"".join(number.to_bytes(4, "big") for number in head)
    record = (1).to_bytes(4, "big") + data[:size] + checksum.to_bytes(4, "big")
    (folder / f"{FILE}-journal").write_bytes(journal.ljust(512, b"\0") + record)
    if header_written:
        data[18:20] = b"\2\2"
        (folder / FILE).write_bytes(data)
    before = contents(folder)
    verify(folder)
    assert contents(folder) == before
    with Journal.open(folder) as driver:
        assert len(list(driver.events())) == 7
        driver.append("noted", {})
    assert list(contents(folder)) == [FILE]
    verify(folder)


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    for use in (Journal.create, Journal.open):
        with pytest.raises(JournalError, match="file"):
            use(tmp_path / "file" / "sub")
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(JournalError, match="loop"):
        Journal.create(loop)


def test_one_driver_at_a_time(folder: Path):
    with Journal.open(folder) as journal:
        for second in (Journal.open, Journal.create):
            with pytest.raises(JournalBusy, match=f"process {os.getpid()} on "):
                second(folder)
        journal.append("noted", {})
    with Journal.open(folder) as journal:
        assert len(list(journal.events())) == 8


def test_a_driver_that_could_not_open_leaves_the_lock(folder: Path):
    good = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(b"")
    with pytest.raises(JournalCorrupted):
        Journal.open(folder)
    (folder / FILE).write_bytes(good)
    Journal.open(folder).close()


def test_a_reader_follows_drivers_that_come_and_go(folder: Path):
    with Journal.open(folder, write=False) as reader:
        assert len(list(reader.events())) == 7
        for n in range(8, 11):
            with Journal.open(folder) as driver:
                driver.append("noted", {"n": n})
                assert reader.head == driver.head
                reader.verify()
            assert [event.seq for event in reader.events()] == list(range(1, n + 1))
            with copy_of(folder) as alone:  # the reader keeps the WAL from going, not from being emptied
                verify(alone, head=reader.head)


def test_a_closed_journal_is_one_file(folder: Path):
    assert sorted(path.name for path in folder.iterdir()) == ["driver.lock", FILE]
    with copy_of(folder) as other, Journal.open(other, write=False) as journal:
        assert len(list(journal.events())) == 7
        journal.verify()
        assert list(contents(other)) == [FILE]


def test_closing_twice_is_closing_once_and_closed_is_closed(folder: Path):
    journal = Journal.open(folder)
    journal.close()
    with Journal.open(folder):
        journal.close()
        with pytest.raises(JournalBusy):
            Journal.open(folder)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        journal.append("noted", {})


def test_a_reader_cannot_write(folder: Path):
    before = contents(folder)
    with Journal.open(folder, write=False) as reader:
        with pytest.raises(JournalReadOnly, match="readonly"):
            reader.append("noted", {})
        with pytest.raises(JournalReadOnly, match="readonly"):
            reader.put(b"x")
    assert contents(folder) == before


def test_a_read_only_folder_can_be_read_and_is_not_written(folder: Path, frozen: Callable[[Path], None]):
    frozen(folder)
    before = contents(folder)
    verify(folder)
    with pytest.raises(JournalReadOnly, match="cannot be opened or written"):
        Journal.open(folder)
    with pytest.raises(JournalReadOnly, match="cannot be opened or written"):
        Journal.create(folder / "sub")
    assert contents(folder) == before


@pytest.mark.parametrize("without_wal", [False, True])
def test_what_a_killed_driver_left_is_read_in_a_read_only_folder(
    folder: Path, tmp_path: Path, frozen: Callable[[Path], None], without_wal: bool
):
    left = tmp_path / "left"
    with Journal.open(folder) as journal:
        journal.append("noted", {})
        shutil.copytree(folder, left)
    if without_wal:  # somebody copied the one file out of a campaign under way
        for suffix in ("-wal", "-shm"):
            (left / f"{FILE}{suffix}").unlink()
    frozen(left)
    before = contents(left)
    with Journal.open(left, write=False) as journal:
        assert len(list(journal.events())) == (7 if without_wal else 8)
        journal.verify()
    assert contents(left) == before


def test_reading_the_one_file_of_a_campaign_under_way_creates_no_other(folder: Path):
    with Journal.open(folder) as journal:
        journal.append("noted", {})
        with copy_of(folder) as other:
            verify(other)
            assert list(contents(other)) == [FILE]


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """What a quota does: the kernel refuses to let a file of this process grow on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_an_event_that_does_not_fit_is_not_there_and_nothing_else_is_lost(folder: Path):
    with Journal.open(folder) as journal:
        head = journal.head
        with no_file_larger_than(100_000):
            with pytest.raises(JournalReadOnly, match="cannot be opened or written"):
                journal.append("noted", {"text": "x" * 200_000})
            with pytest.raises(JournalReadOnly, match="cannot be opened or written"):
                journal.put(bytes(200_000))
        assert journal.head == head
        journal.verify()
        journal.append("noted", {"text": "x" * 200_000})
    with Journal.open(folder) as journal:
        assert len(list(journal.events())) == 8


# ------------------------------------------------------------------------------------------------------------ provenance


def test_the_environment_names_what_ran():
    found = environment(("Hypothesis", "no-such-distribution"))
    import hypothesis

    assert found["versions"] == {"Hypothesis": hypothesis.__version__, "no-such-distribution": None}
    assert found["python"] == sys.version.split()[0]
    assert all(isinstance(found[name], str) and found[name] for name in ("host", "platform", "cpu", "lock"))
    assert canonical(found)


def test_the_lock_is_that_of_the_installed_packages(tmp_path: Path):
    for name, version in [("Zz_Top", "1.0"), ("aa.bb", "2")]:
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    code = f"""
import sys
from dure.journal.provenance import environment
sys.path[:] = [{str(tmp_path)!r}]
print(environment()["lock"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == sha256("aa-bb==2\nzz-top==1.0")


def test_the_hash_of_code_changes_with_the_code_and_only_with_it(tmp_path: Path):
    def write(home: str, *, body: str = "x = 1\n", name: str = "b.py") -> Path:
        package = tmp_path / home / "package"
        (package / "sub").mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "sub" / name).write_text(body)
        return package

    first = write("one")
    value = code_hash(first)
    (first / "table.csv").write_text("1,2\n")
    assert code_hash(first) == value == code_hash(first / "__init__.py") == code_hash(write("two"))
    others = {code_hash(write("three", body="x = 2\n")), code_hash(write("four", name="c.py"))}
    assert len(others | {value}) == 3
    assert code_hash(first / "sub" / "b.py") == sha256("x = 1\n")


def test_a_module_is_hashed_by_its_source():
    import dure.journal

    assert code_hash(store) == sha256(Path(store.__file__).read_bytes())
    assert code_hash(dure.journal) == code_hash(Path(store.__file__).parent)


@pytest.mark.parametrize("source", [sys, Path("no/such.py"), Path(__file__).with_name("no.csv")])
def test_code_that_cannot_be_found_is_refused(source: Any):
    with pytest.raises(ValueRefused, match="no Python source"):
        code_hash(source)
