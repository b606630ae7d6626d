"""A journal's SQLite file: its form, the ways to connect to it, and its faults in plain words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from dure.errors import JournalBusy, JournalCorrupted, JournalError, JournalReadOnly, JournalTooNew, Refused
from dure.i18n import _

__all__ = ["FORMAT", "faults", "new", "reading", "writing"]

FORMAT = 1

_KEY = "json_extract(payload, '$.key')"
_FORM = (
    "CREATE TABLE meta (format INTEGER NOT NULL)",
    "CREATE TABLE events (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, time TEXT NOT NULL, "
    "payload TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL)",
    "CREATE TABLE artefacts (sha256 TEXT PRIMARY KEY NOT NULL, data BLOB NOT NULL)",
    f"CREATE UNIQUE INDEX asked_once ON events ({_KEY}) WHERE kind = 'asked'",
    f"CREATE UNIQUE INDEX started_once ON events ({_KEY}, json_extract(payload, '$.attempt')) WHERE kind = 'started'",
    f"CREATE UNIQUE INDEX answered_once ON events ({_KEY}) "
    "WHERE kind = 'told' OR (kind = 'failed' AND json_extract(payload, '$.final'))",
)

_FAULTS: dict[int, type[JournalError]] = {
    sqlite3.SQLITE_ERROR: JournalCorrupted,
    sqlite3.SQLITE_CORRUPT: JournalCorrupted,
    sqlite3.SQLITE_NOTADB: JournalCorrupted,
    sqlite3.SQLITE_FULL: JournalReadOnly,
    sqlite3.SQLITE_IOERR: JournalReadOnly,
    sqlite3.SQLITE_READONLY: JournalReadOnly,
    sqlite3.SQLITE_CANTOPEN: JournalReadOnly,
    sqlite3.SQLITE_PERM: JournalReadOnly,
    sqlite3.SQLITE_BUSY: JournalBusy,
    sqlite3.SQLITE_CONSTRAINT: Refused,
}


def new(file: Path) -> None:
    """Write an empty journal at ``file``, complete or not at all."""
    draft = file.with_name("new.sqlite")
    with faults(file):
        draft.unlink(missing_ok=True)
        with closing(sqlite3.connect(draft, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = MEMORY")
            db.execute("BEGIN")
            for statement in _FORM:
                db.execute(statement)
            db.execute("INSERT INTO meta VALUES (?)", (FORMAT,))
            db.execute("COMMIT")
        draft.rename(file)


def reading(file: Path) -> sqlite3.Connection:
    """A connection that changes and creates nothing.

    Raises:
        JournalTooNew: the file's format is newer than ``FORMAT``.
        JournalCorrupted: it is no journal, or its tables and indexes are not those of its format.
    """
    with faults(file):
        # SQLite would make a WAL beside a file that names one; without one the file is all there is.
        if _names_wal(file) and not file.with_name(f"{file.name}-wal").exists():
            return _checked(file, "mode=ro&immutable=1")
        try:
            return _checked(file, "mode=ro")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise
            # A driver died while it switched the WAL on or off: all that a roll-back would change is the header.
            return _checked(file, "mode=ro&immutable=1")


def writing(file: Path) -> sqlite3.Connection:
    """A connection for the one driver, who holds the lock and has found the journal sound.

    A commit survives the death of the process at once, the loss of power once the WAL is synchronised.
    """
    with faults(file):
        db = _connect(file, "mode=rw")
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            db.close()
            raise
        return db


@contextmanager
def faults(file: Path) -> Iterator[None]:
    """Turn SQLite's and the system's errors into the journal's own."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except OSError as error:
        raise JournalReadOnly(_advice(JournalReadOnly).format(file=file, cause=error.strerror)) from error
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter when SQLite quotes damaged bytes in its message
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        kind = _FAULTS.get(code, JournalError)
        raise kind(_advice(kind).format(file=file, cause=error)) from error


def _advice(kind: type[JournalError]) -> str:
    if kind is JournalCorrupted:
        return _("{file} is damaged: {cause}. It was left as it is; go on from a copy of it.")
    if kind is JournalReadOnly:
        return _(
            "{file} cannot be opened or written: {cause}. What was recorded before is safe; free some space or make the "
            "folder writable, then resume."
        )
    if kind is JournalBusy:
        return _("{file} is in use: {cause}. Try again when the other program is done.")
    return _("{file}: {cause}")


def _connect(file: Path, options: str) -> sqlite3.Connection:
    db = sqlite3.connect(f"{file.resolve().as_uri()}?{options}", uri=True, isolation_level=None)
    # Bytes that are no text must reach the hash as they are, not end in an error without an event's number.
    db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    return db


def _names_wal(file: Path) -> bool:
    """Whether bytes 18 and 19 of the header, the file format's versions, say that changes go to a WAL."""
    with file.open("rb") as stream:
        return stream.read(20)[18:] == b"\2\2"


def _checked(file: Path, options: str) -> sqlite3.Connection:
    db = _connect(file, options)
    try:
        _check_form(db, file)
    except BaseException:
        db.close()
        raise
    return db


def _check_form(db: sqlite3.Connection, file: Path) -> None:
    (version,) = db.execute("SELECT max(format) FROM meta").fetchone()
    if isinstance(version, int) and version > FORMAT:
        raise JournalTooNew(
            _("{file} has format {version}, this Dure reads up to format {known}; install a newer Dure.").format(
                file=file, version=version, known=FORMAT
            )
        )
    form = {sql for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
    if version != FORMAT or form != set(_FORM):
        raise JournalCorrupted(
            _("{file} is damaged: its tables and indexes are not those of format {known}.").format(file=file, known=FORMAT)
        )
