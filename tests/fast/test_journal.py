"""The journal keeps every event and admits only a sensible life of a trial."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dure.canonical import canonical, parse
from dure.errors import (
    JournalError,
    Refused,
    ValueRefused,
)
from dure.journal import Journal, store
from dure.journal.store import GENESIS
from tests.fast.journals import FILE, MEMORY, sha256, small


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small(tmp_path / "campaign")


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
        try:
            self.journal.verify()
        finally:
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
