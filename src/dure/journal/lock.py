"""One driver at a time."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from dure.errors import JournalBusy
from dure.i18n import _
from dure.journal.sqlite import faults

__all__ = ["hold"]


def hold(folder: Path) -> BaseFileLock:
    """Take the exclusive lock on driver.lock in ``folder``, which is made if need be; the kernel frees it when this process ends.

    Raises:
        JournalBusy: another driver has it.
        JournalReadOnly: the folder or the lock file cannot be written.
    """
    file = folder / "driver.lock"
    lock = FileLock(file)
    with faults(file):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise JournalBusy(
                _("{folder} is being driven by {holder}; stop that driver first, or open the journal for reading.").format(
                    folder=folder, holder=_holder(file)
                )
            ) from None
        try:
            file.write_text(f"{os.getpid()} {platform.node()}", encoding="utf-8")
        except OSError:
            lock.release()
            raise
    return lock


def _holder(file: Path) -> str:
    try:
        pid, host = file.read_text(encoding="utf-8").split(maxsplit=1)
    except (OSError, ValueError):
        return _("another process")
    return _("process {pid} on {host}").format(pid=pid, host=host)
