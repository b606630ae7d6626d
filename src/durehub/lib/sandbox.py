"""A child process that sees one open file, Python and nothing else, behind the library's walls."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from dure.sandbox import there, walls

__all__ = ["shut_in", "there"]

_SECONDS = 60
_WAIT = 3
"""Seconds to wait for another child: whoever waits longer would keep a thread of the hub from its other readers."""
_MOST = 1 << 20
_ONE = threading.Lock()


def shut_in(program: Path, *arguments: str, stdin: BinaryIO) -> bytes | None:
    """What ``program``, one file of Python, prints about ``stdin``; None when it fails, must wait or cannot be shut in.

    One runs at a time, so that a hub's readers cannot use up its machine.
    """
    if there() is None:
        return None
    python = os.path.abspath(sys.executable)
    command = [*walls(python=True, read={program: "/program.py"}), python, "-I", "/program.py", *arguments]
    if not _ONE.acquire(timeout=_WAIT):
        return None
    try:
        done = subprocess.run(
            command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_SECONDS, check=False
        )
    except (subprocess.TimeoutExpired, OSError):
        return None
    finally:
        _ONE.release()
    return done.stdout if done.returncode == 0 and len(done.stdout) <= _MOST else None
