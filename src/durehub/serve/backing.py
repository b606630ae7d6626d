"""Backup and restore: everything a hub keeps as one archive, from a hub that goes on serving.

The receipts are read first and the files last, because the log goes on growing, and bytes are never changed.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from dure.errors import DureError, InputError, MissingPart
from dure.i18n import _
from durehub.catalogue.models import Blob
from durehub.catalogue.store import LocalStore
from durehub.policy.audit import RECEIPTS, verify
from durehub.serve.archive import DUMP, FILES, SECRET, SQLITE, begin

__all__ = ["backup", "check_files", "restore"]


def backup(target: Path) -> int:
    """Write the archive; how many files of records are in it.

    Raises:
        InputError: ``target`` is there already.
        MissingPart: PostgreSQL's own programs are not installed.
    """
    if target.exists():
        raise InputError(_("{file} is there already; a backup goes into a new file").format(file=target))
    home, draft = Path(settings.HOME), target.with_name(f"{target.name}.draft")
    try:
        with tempfile.TemporaryDirectory(dir=home) as folder, begin(draft) as archive:
            receipts = Path(folder) / RECEIPTS
            receipts.write_bytes((home / RECEIPTS).read_bytes() if (home / RECEIPTS).exists() else b"")
            archive.add(receipts, RECEIPTS)
            archive.add(home / SECRET, SECRET)
            database = _copied(Path(folder))
            archive.add(database, database.name)
            count = 0
            for path in _stored(home):
                archive.add(path, str(path.relative_to(home)))
                count += 1
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return count


def _stored(home: Path) -> Iterator[Path]:
    """Bytes that are whole; what is still arriving is not kept."""
    for blob in Blob.objects.order_by("pk").iterator():
        yield LocalStore(home / FILES).path(blob.owner_id, blob.sha256)


def _copied(folder: Path) -> Path:
    """The database at one moment."""
    if connection.vendor == "sqlite":
        with (
            closing(sqlite3.connect(str(connection.settings_dict["NAME"]))) as source,
            closing(sqlite3.connect(folder / SQLITE)) as copy,
        ):
            source.backup(copy)
        return folder / SQLITE
    _postgres("pg_dump", "--format=custom", "--no-owner", "--file", str(folder / DUMP))
    return folder / DUMP


def _postgres(program: str, *arguments: str) -> None:
    """One of PostgreSQL's programs on this hub's database; the password is told by the environment, where nobody reads it."""
    if shutil.which(program) is None:
        raise MissingPart(_("{program} is not installed; it comes with PostgreSQL's client").format(program=program))
    given: dict[str, Any] = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    told = {name: str(given[key]) for name, key in names.items() if given.get(key)}
    done = subprocess.run([program, *arguments], env=os.environ | told, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DureError(_("{program} failed: {cause}").format(program=program, cause=done.stderr.strip()[-2000:]))


def restore() -> int:
    """Fill the database of a home that was unpacked, and check everything; how many entries its audit log has.

    Raises:
        InputError: the archive is of the other kind of database, or the database holds something.
        VerificationFailed: audit log, receipts or a file are not what was backed up.
    """
    dump = Path(settings.HOME) / DUMP
    if dump.exists() != (connection.vendor == "postgresql"):
        raise InputError(_("this backup is of another kind of database; DUREHUB_DATABASE says which one is filled"))
    if dump.exists():
        if connection.introspection.table_names():
            raise InputError(_("the database is not empty; a hub is restored into a new one"))
        _postgres("pg_restore", "--no-owner", "--exit-on-error", "--dbname", connection.settings_dict["NAME"], str(dump))
        dump.unlink()
    check_files()
    return verify()


def check_files() -> None:
    """Read every file that the database knows against its hash.

    Raises:
        VerificationFailed: one is missing, or is not what was uploaded.
    """
    kept = LocalStore(Path(settings.HOME) / FILES)
    for blob in Blob.objects.order_by("pk").iterator():
        kept.check(blob.owner_id, blob.sha256)
