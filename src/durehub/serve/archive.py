"""The archive of a backup: a tar file that holds a hub's home as it is laid out, the database in a form of its own.

It knows nothing of Django, whose settings need the home that is unpacked here.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dure.errors import InputError
from dure.i18n import _

__all__ = ["DUMP", "FILES", "SECRET", "SQLITE", "begin", "unpack"]

SQLITE, DUMP, FILES, SECRET = "hub.sqlite", "hub.dump", "files", "secret"


@contextmanager
def begin(path: Path) -> Iterator[tarfile.TarFile]:
    """A new archive that only its owner may read; it is on the disk when the block ends."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w") as archive:
            yield archive
        stream.flush()
        os.fsync(stream.fileno())


def unpack(source: Path, home: Path) -> None:
    """Lay an archive out as the home of a hub, before anything else of the hub is touched.

    Raises:
        InputError: ``home`` holds something, or ``source`` is no backup.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise InputError(_("{folder} is not empty; a hub is restored into a new folder").format(folder=home))
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with tarfile.open(source, "r:") as archive:
            archive.extractall(home, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise InputError(_("{file} is no backup of a hub: {cause}").format(file=source, cause=error)) from None
    if not (home / SECRET).is_file():
        raise InputError(_("{file} is no backup of a hub: {cause}").format(file=source, cause=SECRET))
