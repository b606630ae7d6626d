"""The append-only, hash-chained event log of a campaign."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from filelock import BaseFileLock

from dure.canonical import JSON, canonical, parse
from dure.errors import JournalCorrupted, JournalError, JournalNotFound, Refused, ValueRefused
from dure.i18n import _
from dure.journal import sqlite
from dure.journal.lock import hold

__all__ = ["GENESIS", "Event", "Journal"]

GENESIS = "0" * 64
"""What stands for the hash before the first event."""

_FILE = "journal.sqlite"
_BATCH = 1000
_KIND = re.compile(r"[a-z][a-z0-9_.-]*")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_ARTEFACT = "artefact"
_LIFE = ("asked", "started", "told", "failed")

_Row = tuple[int, str, str, str, str, str]
_ROWS = "SELECT seq, kind, time, payload, prev, hash FROM events"
_KEY = "json_extract(payload, '$.key') = :key"
# The conditions are those of the partial indexes, word for word, so that each part is one look into an index.
_STATE = f"""
SELECT EXISTS (SELECT 1 FROM events WHERE kind = 'asked' AND {_KEY}),
(SELECT coalesce(max(json_extract(payload, '$.attempt')), 0) FROM events WHERE kind = 'started' AND {_KEY}),
EXISTS (SELECT 1 FROM events WHERE (kind = 'told' OR (kind = 'failed' AND json_extract(payload, '$.final'))) AND {_KEY})
"""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    ``seq`` counts from 1; ``time`` is UTC in ISO 8601 to the millisecond; ``hash`` is the SHA-256 of the canonical
    encoding of all other fields, ``prev`` the hash of the event before or ``GENESIS``. Whole numbers in the payload come
    back as integers, however they went in: JSON has one kind of number.
    """

    seq: int
    kind: str
    time: str
    payload: Mapping[str, JSON]
    prev: str
    hash: str


class Journal:
    """A campaign's journal in a folder, for one thread: many readers, one driver.

    Of the events of a trial, which carry its ``key``, the journal takes only those that make sense: one ``asked``; a
    ``started`` with the next number as its ``attempt`` while there is no answer; one answer, ``told`` or ``failed`` with
    ``final`` true, and failures, by the newest attempt. All other kinds pass.
    """

    def __init__(self, folder: Path, db: sqlite3.Connection, lock: BaseFileLock | None) -> None:
        self.folder = folder
        self._file = folder / _FILE
        self._db = db
        self._lock = lock
        # Known while this driver, the only one, has written it last.
        self._own: tuple[int, str] | None = None

    @classmethod
    def create(cls, folder: Path) -> Self:
        """An empty journal in ``folder``, which is made if need be, open for writing.

        Raises:
            JournalError: there is a journal already.
            JournalBusy: another driver works in the folder.
            JournalReadOnly: the folder cannot be written.
        """
        file, lock = folder / _FILE, hold(folder)
        try:
            # A WAL left without its file would be taken for the new journal's own.
            if any(folder.glob(f"{_FILE}*")):
                raise JournalError(
                    _("{folder} holds a journal already, or a part of one; resume it, or choose another folder.").format(
                        folder=folder
                    )
                )
            sqlite.new(file)
            return cls(folder, sqlite.writing(file), lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, folder: Path, *, write: bool = True) -> Self:
        """The journal in ``folder``. For writing the chain is verified first; reading changes and creates no file.

        Raises:
            JournalNotFound: there is none.
            JournalTooNew: a newer Dure wrote it.
            JournalCorrupted: it is not what was written.
            JournalBusy: another driver holds it.
            JournalReadOnly: the folder or the file cannot be written.
        """
        file = folder / _FILE
        with sqlite.faults(file):
            found = file.is_file()
        if not found:
            raise JournalNotFound(_("{folder} holds no journal ({file}).").format(folder=folder, file=_FILE))
        if not write:
            return cls(folder, sqlite.reading(file), None)
        lock = hold(folder)
        try:
            with cls(folder, sqlite.reading(file), None) as journal:
                journal._verify_chain(None)
                journal._check_pages("events")
            return cls(folder, sqlite.writing(file), lock)
        except BaseException:
            lock.release()
            raise

    @property
    def head(self) -> str:
        """Hash of the newest event, ``GENESIS`` before the first: what to keep elsewhere as an anchor."""
        return self._newest()[1]

    def append(self, kind: str, payload: Mapping[str, JSON]) -> Event:
        """Record an event; once this returns, the death of the process cannot undo it.

        Raises:
            Refused: the life of the trial does not allow it: asked twice, answered twice, a stale attempt.
            ValueRefused: the kind or a value cannot be recorded, or a trial's event lacks its key or attempt.
            JournalReadOnly: opened for reading, disk full, or not writable.
        """
        if not _KIND.fullmatch(kind) or kind == _ARTEFACT:
            raise ValueRefused(
                _("{kind!r} cannot be the kind of an event: use small letters, digits and _.-, and put() for artefacts").format(
                    kind=kind
                )
            )
        with self._transaction("BEGIN IMMEDIATE"):
            if kind in _LIFE:
                self._admit(kind, payload)
            return self._insert(kind, payload)

    def events(self, after: int = 0) -> Iterator[Event]:
        """Events with ``seq`` above ``after`` in order, each checked against its hash and the one before.

        Raises:
            JournalCorrupted: at the first event that is not what was written.
        """
        for seq, kind, time, payload, prev, hash_ in self._chain(after):
            try:
                value = cast("Mapping[str, JSON]", parse(payload))
            except ValueError:
                raise self._broken(seq, _("its payload is no JSON")) from None
            yield Event(seq, kind, time, value, prev, hash_)

    def put(self, data: bytes) -> str:
        """Keep ``data`` and an event ``artefact {sha256, bytes}``, unless it is kept already; its SHA-256 in hexadecimal."""
        sha256 = hashlib.sha256(data).hexdigest()
        with self._transaction("BEGIN IMMEDIATE"):
            added = self._db.execute("INSERT OR IGNORE INTO artefacts VALUES (?, ?)", (sha256, data)).rowcount
            if added:
                self._insert(_ARTEFACT, {"sha256": sha256, "bytes": len(data)})
        return sha256

    def get(self, sha256: str) -> bytes:
        """The artefact with that hash.

        Raises:
            JournalError: there is none.
            JournalCorrupted: it no longer has that hash.
        """
        with sqlite.faults(self._file):
            row = self._db.execute("SELECT data FROM artefacts WHERE sha256 = ?", (sha256,)).fetchone()
        if row is None:
            raise JournalError(_("{folder} holds no artefact {sha256}.").format(folder=self.folder, sha256=sha256))
        return self._checked(sha256, row[0])

    def verify(self, head: str | None = None) -> None:
        """Check every event, every artefact and the indexes.

        The chain alone cannot show that its newest events were cut off; ``head``, an earlier ``Journal.head`` kept
        elsewhere, shows it: the event with that hash must be there.

        Raises:
            JournalCorrupted: naming the first event, or the artefact, that is not what was written.
        """
        with self._transaction("BEGIN"):
            self._verify_chain(head)
            self._verify_artefacts()
            self._check_pages()

    def close(self) -> None:
        """Leave everything in the one file and let the next driver in. Closing twice is closing once."""
        if self._lock is None or not self._lock.is_locked:
            self._db.close()
            return
        try:
            # A full disk or a reader may prevent it; then the WAL stays beside the file and nothing is lost.
            with closing(self._db), suppress(sqlite3.OperationalError):
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                # Without a WAL, reading a closed journal needs no other file and no writable folder.
                self._db.execute("PRAGMA journal_mode = DELETE")
        finally:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        with sqlite.faults(self._file):
            self._db.execute(begin)
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._own = None
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _newest(self) -> tuple[int, str]:
        if self._own:
            return self._own
        with sqlite.faults(self._file):
            row: tuple[int, str] | None = self._db.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        return row or (0, GENESIS)

    def _insert(self, kind: str, payload: Mapping[str, JSON]) -> Event:
        seq, prev = self._newest()
        time = _now()
        text = canonical(dict(payload)).decode()
        hash_ = _sealed(seq + 1, kind, time, text, prev)
        self._db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", (seq + 1, kind, time, text, prev, hash_))
        self._own = seq + 1, hash_
        return Event(seq + 1, kind, time, cast("Mapping[str, JSON]", parse(text)), prev, hash_)

    def _admit(self, kind: str, payload: Mapping[str, JSON]) -> None:
        """Refuse what the life of a trial does not allow; the unique indexes stand behind it."""
        key, attempt = _trial(kind, payload)
        asked, newest, answered = self._db.execute(_STATE, {"key": key}).fetchone()
        if kind == "asked":
            refusal = _("trial {key} was asked before") if asked else None
        elif not asked:
            refusal = _("trial {key} was never asked")
        elif answered:
            refusal = _("trial {key} has its answer; attempt {attempt} came too late")
        elif kind == "started":
            refusal = None if attempt == newest + 1 else _("attempt {attempt} of trial {key} cannot start after attempt {newest}")
        else:
            current = attempt == newest > 0
            refusal = None if current else _("attempt {attempt} of trial {key} is not the newest of the {newest} started")
        if refusal:
            raise Refused(refusal.format(key=key, attempt=attempt, newest=newest))

    def _chain(self, after: int = 0) -> Iterator[_Row]:
        """Rows above ``after``, each checked; a batch at a time, so that no reader holds up a checkpoint."""
        seq, prev = after, GENESIS
        if after:
            with sqlite.faults(self._file):
                row = self._db.execute("SELECT hash FROM events WHERE seq = ?", (after,)).fetchone()
            if row is None:
                return
            (prev,) = row
        while rows := self._rows(seq):
            for row in rows:
                if row[0] != seq + 1:
                    raise self._broken(seq + 1, _("it is missing"))
                if row[4] != prev:
                    raise self._broken(row[0], _("it does not follow the event before"))
                # Kind and time stand in the hashed text unescaped: without quotes no other event can have the same text.
                plain = _KIND.fullmatch(str(row[1])) and _TIME.fullmatch(str(row[2]))
                if not plain or row[5] != _sealed(*row[:5]):
                    raise self._broken(row[0], _("it does not agree with its hash"))
                seq, prev = row[0], row[5]
                yield row

    def _rows(self, after: int) -> list[_Row]:
        try:
            with sqlite.faults(self._file):
                return self._db.execute(f"{_ROWS} WHERE seq > ? ORDER BY seq LIMIT {_BATCH}", (after,)).fetchall()
        except JournalCorrupted as error:
            raise JournalCorrupted(_("{error} Events up to {seq} can be read.").format(error=error, seq=after)) from error

    def _verify_chain(self, head: str | None) -> None:
        anchored = head in (None, GENESIS)
        for row in self._chain():
            anchored = anchored or row[5] == head
        if not anchored:
            raise JournalCorrupted(
                _("{folder} holds no event with hash {head}: events were cut off, or it is another journal.").format(
                    folder=self.folder, head=head
                )
            )

    def _verify_artefacts(self) -> None:
        recorded = self._db.execute("SELECT json_extract(payload, '$.sha256') FROM events WHERE kind = ?", (_ARTEFACT,))
        missing = {sha256 for (sha256,) in recorded}
        for sha256, data in self._db.execute("SELECT sha256, data FROM artefacts"):
            self._checked(sha256, data)
            if sha256 not in missing:
                raise JournalCorrupted(
                    _("{folder}: no event records artefact {sha256}.").format(folder=self.folder, sha256=sha256)
                )
            missing.remove(sha256)
        for sha256 in missing:
            raise JournalCorrupted(_("{folder}: artefact {sha256} is missing.").format(folder=self.folder, sha256=sha256))

    def _check_pages(self, table: str | None = None) -> None:
        """Let SQLite compare its pages and indexes with the rows, of one table or of all."""
        with sqlite.faults(self._file):
            (finding,) = self._db.execute(f"PRAGMA integrity_check{f'({table})' if table else ''}").fetchone()
        if finding != "ok":
            raise JournalCorrupted(_("{file} is damaged: {cause}.").format(file=self._file, cause=finding))

    def _checked(self, sha256: str, data: object) -> bytes:
        if not isinstance(data, bytes) or hashlib.sha256(data).hexdigest() != sha256:
            raise JournalCorrupted(
                _("{folder}: artefact {sha256} no longer has that hash.").format(folder=self.folder, sha256=sha256)
            )
        return data

    def _broken(self, seq: int, cause: str) -> JournalCorrupted:
        return JournalCorrupted(
            _("{file}: event {seq} is not what was written: {cause}.").format(file=self._file, seq=seq, cause=cause)
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _sealed(seq: int, kind: str, time: str, payload: str, prev: str) -> str:
    """SHA-256 of the canonical encoding of an event, put together from the payload's canonical text."""
    text = f'{{"kind":"{kind}","payload":{payload},"prev":"{prev}","seq":{seq},"time":"{time}"}}'
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _trial(kind: str, payload: Mapping[str, JSON]) -> tuple[str, int]:
    """Key and attempt of an event in a trial's life, checked; the attempt of an ``asked`` is 0."""
    key, attempt = payload.get("key"), 0 if kind == "asked" else payload.get("attempt")
    if not (isinstance(key, str) and key and key.isprintable()):
        raise ValueRefused(_("an event {kind!r} needs a printable text as its key, not {key!r}").format(kind=kind, key=key))
    if not isinstance(attempt, int) or isinstance(attempt, bool):
        raise ValueRefused(
            _("an event {kind!r} needs a whole number as its attempt, not {attempt!r}").format(kind=kind, attempt=attempt)
        )
    if kind == "failed" and not isinstance(payload.get("final"), bool):
        raise ValueRefused(_("an event 'failed' needs true or false as final, not {final!r}").format(final=payload.get("final")))
    return key, attempt
