"""A worker's process group and its descendants, seen from outside through psutil."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Sequence

import psutil

__all__ = ["alive", "cpu_seconds", "kill", "members", "resident_mb", "wait_gone"]


def members(leader: int) -> list[psutil.Process]:
    """The leader, every process of its group and every descendant of it; zombies too, their CPU time still counts."""
    found: set[psutil.Process] = set()
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, psutil.Error):
            if os.getpgid(pid) == leader:
                found.add(psutil.Process(pid))
    with contextlib.suppress(psutil.Error):
        found.update(psutil.Process(leader).children(recursive=True))
    return list(found)


def alive(process: psutil.Process) -> bool:
    """Whether a process still runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """User and system time of the processes and of the children they have already reaped."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def resident_mb(processes: Iterable[psutil.Process]) -> float:
    """Resident memory of the processes together, in MB; shared pages count once for each process."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total / 1e6


def kill(processes: Iterable[psutil.Process]) -> None:
    """SIGKILL to each process that is still there and ours to kill."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


def wait_gone(processes: Sequence[psutil.Process], patience: float) -> bool:
    """Whether none of the processes is alive any more, at once or within ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while left := any(map(alive, processes)):
        if time.monotonic() > deadline:
            break
        time.sleep(0.002)
    return not left
