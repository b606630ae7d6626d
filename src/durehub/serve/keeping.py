"""Backup: the database as it is at one moment, every file, the secret and the receipts, in one folder.

Files are named by their hash and never change, so a second backup into the same folder copies only what is new.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from dure.errors import VerificationFailed
from dure.i18n import _
from durehub.catalogue.models import Blob
from durehub.catalogue.store import store
from durehub.policy.audit import receipt, verify
from durehub.serve.files import DATABASES, SMALL, run

__all__ = ["back_up", "check"]


def back_up(folder: Path) -> None:
    """Copy everything to ``folder``; the hub may go on serving.

    The receipts come first, so that none is of an entry later than the database; the files come last, because whatever the
    database names was stored before.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    receipt()
    for name in SMALL:
        if (settings.HOME / name).exists():
            shutil.copy2(settings.HOME / name, folder / f"{name}.draft")
    database = folder / DATABASES[connection.vendor]
    draft = database.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as here, closing(sqlite3.connect(draft)) as there:
            here.backup(there)
    else:
        _postgres("pg_dump", "--format", "custom", "--file", str(draft))
    shutil.copytree(settings.HOME / "files", folder / "files", copy_function=_copied, dirs_exist_ok=True, ignore=_UNFINISHED)
    draft.replace(database)
    for one in SMALL:
        if (kept := folder / f"{one}.draft").exists():
            kept.replace(folder / one)


_UNFINISHED = shutil.ignore_patterns("*.draft", "*.part")


def _copied(source: str, target: str) -> str:
    if not os.path.exists(target):
        draft = f"{target}.draft"
        shutil.copy2(source, draft)
        os.replace(draft, target)
    return target


def check() -> tuple[int, int]:
    """Read every file and the audit log; how many files and entries there are.

    Raises:
        VerificationFailed: a file or entry is missing or is not what was kept.
    """
    count = 0
    for blob in Blob.objects.order_by("pk").iterator():
        count += 1
        try:
            with store().open(blob.owner_id, blob.sha256) as stream:
                there = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type] # opened for reading bytes
        except FileNotFoundError:
            there = ""
        if there != blob.sha256:
            raise VerificationFailed(_("the bytes {sha256} are missing or are others").format(sha256=blob.sha256))
    return count, verify()


def _postgres(program: str, *arguments: str) -> None:
    known: dict[str, Any] = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    run([program, *arguments], {name: str(known[key]) for name, key in names.items() if known.get(key)})
