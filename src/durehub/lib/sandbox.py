"""A child process that sees one open file, Python and nothing else: no network, no other file, no other process.

Bubblewrap (https://github.com/containers/bubblewrap) makes it. Without it nothing is run: a child that is not shut in is not a
lesser sandbox, it is none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

__all__ = ["shut_in", "there"]

_SECONDS = 60
_WAIT = 3
"""Seconds to wait for another child: whoever waits longer would keep a thread of the hub from its other readers."""
_MOST = 1 << 20
_ONE = threading.Lock()


def there() -> str | None:
    """Where bubblewrap is; None when it is not installed."""
    return shutil.which("bwrap")


def shut_in(program: Path, *arguments: str, stdin: BinaryIO) -> bytes | None:
    """What ``program``, one file of Python, prints about ``stdin``; None when it fails, must wait or cannot be shut in.

    One runs at a time, so that a hub's readers cannot use up its machine.
    """
    bwrap = there()
    if bwrap is None:
        return None
    command = [
        bwrap,
        *_walls(),
        "--ro-bind",
        str(program),
        "/program.py",
        "--",
        os.path.abspath(sys.executable),
        "-I",
        "/program.py",
        *arguments,
    ]
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


def _walls() -> list[str]:
    walls = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    walls += ["--setenv", "OMP_NUM_THREADS", "1", "--proc", "/proc", "--dev", "/dev"]
    system = [Path("/usr"), Path("/lib"), Path("/lib64"), Path("/bin"), Path(sys.base_prefix), Path(sys.prefix)]
    for one in dict.fromkeys(one for one in system if one.exists()):
        walls += ["--symlink", str(one.readlink()), str(one)] if one.is_symlink() else ["--ro-bind", str(one), str(one)]
    return walls
