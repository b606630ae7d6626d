"""What a job leaves behind in its worker's log, and whether it says that memory ran out. Standard library only."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import traceback

__all__ = ["oom_kills", "says_starved", "starved", "tail"]

_LINES = 20
_BYTES = 16_384
_KILLS = re.compile(rb"^oom_kill (\d+)$", re.MULTILINE)
_SIGNS = re.compile(r"MemoryError|bad_alloc|annot allocate memory|ut of memory")


def tail(log: int) -> str:
    """The last lines of an open log file; its offset stays where it is."""
    size = os.fstat(log).st_size
    text = os.pread(log, _BYTES, max(0, size - _BYTES)).decode(errors="replace")
    return "\n".join(text.splitlines()[-_LINES:])


def oom_kills() -> int:
    """How many processes the kernel of this machine has killed for want of memory; 0 where it does not tell."""
    try:
        with open("/proc/vmstat", "rb", buffering=0) as counters:
            found = _KILLS.search(counters.read())
    except OSError:
        return 0
    return int(found[1]) if found else 0


def says_starved(text: str) -> bool:
    """Whether a program's last words are those of one that got no memory."""
    return _SIGNS.search(text) is not None


def starved(error: BaseException, log: int, kills_before: int) -> bool:
    """Whether an exception, or one it arose from, means that memory ran out.

    ``kills_before`` is ``oom_kills()`` at the start of the job.
    """
    link: BaseException | None = error
    while link is not None:
        if _is_shortage(link, log, kills_before):
            return True
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return False


def _is_shortage(error: BaseException, log: int, kills_before: int) -> bool:
    words = "".join(traceback.format_exception_only(error))
    if isinstance(error, subprocess.CalledProcessError):
        if error.returncode == -signal.SIGKILL and oom_kills() > kills_before:
            return True
        words += f"{error.stderr!r} {error.stdout!r} {tail(log)}"
    return isinstance(error, MemoryError) or says_starved(words)
