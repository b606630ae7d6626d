"""Journals to try things on."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dure.journal import Journal

FILE = "journal.sqlite"
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where properties make their hundreds of journals."""


def sha256(data: bytes | str) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file with its bytes, without the lock and SQLite's shared memory, which carry no events."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in {"driver.lock", f"{FILE}-shm"}}


def told(journal: Journal, key: str, **outcome: Any) -> None:
    journal.append("asked", {"key": key})
    journal.append("started", {"key": key, "attempt": 1})
    journal.append("told", {"key": key, "attempt": 1, "outcome": outcome})


def small(folder: Path) -> Path:
    """A closed journal with two told trials, "a" and "b", and the artefact b"a table" between them: 7 events."""
    with Journal.create(folder) as journal:
        told(journal, "a", volts=0.25)
        journal.put(b"a table")
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
