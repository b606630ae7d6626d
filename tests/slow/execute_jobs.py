"""What the runner's tests run, and how they look at what is left. Workers import this file, so it stays light."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

MARK = "DURE_TEST_MARK"


def double(number: int) -> int:
    return 2 * number


def sign_in(here: Path) -> None:
    here.touch()
    time.sleep(600)


def crash() -> None:
    ctypes.string_at(0)


def hang_up() -> None:
    """The worker's pipe is gone, its process is not."""
    os.closerange(3, 64)
    time.sleep(600)


def eat(gigabytes: float) -> int:
    return len(bytearray(int(gigabytes * 1e9)))


def abort_starved() -> None:
    """As a C++ extension in the worker's own process ends."""
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def say(lines: int) -> None:
    for number in range(lines):
        print(f"word {number}")


def say_and_fail(lines: int) -> None:
    say(lines)
    raise ValueError("said too much")


def shell(script: str) -> int:
    return subprocess.run(["sh", "-c", script], check=True).returncode


def leave_behind(script: str) -> int:
    subprocess.Popen(["sh", "-c", script])
    return os.getpid()


def spin(seconds: float) -> None:
    """CPU time in a child that the worker starts and waits for."""
    subprocess.run(
        [sys.executable, "-c", f"import time\nwhile time.process_time() < {seconds}: pass"],
        check=True,
    )


_cache: dict[str, int] = {}


def build_once() -> tuple[int, int]:
    """Who built the simulator of this process, and how often it was used."""
    _cache.setdefault("builder", os.getpid())
    _cache["uses"] = _cache.get("uses", 0) + 1
    return _cache["builder"], _cache["uses"]


class LocalOnly(Exception):
    def __init__(self) -> None:
        super().__init__("keeps an open file")
        self.file = open(os.devnull)  # noqa: SIM115 - what makes it impossible to pickle


class TwoArguments(Exception):
    """Can be pickled, cannot be unpickled: a well-known trap."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


def fail_unsendably(kind: type[Exception], *args: str) -> None:
    raise kind(*args)


def marked(mark: str) -> list[psutil.Process]:
    """Every living process that inherited the mark, whatever its parent, group or session."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark:
                found.append(process)
    return found


def named(processes: list[psutil.Process], name: str) -> list[psutil.Process]:
    found = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.name() == name or name in process.cmdline():
                found.append(process)
    return found


def eventually(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def hanging(mark: str) -> str:
    """A simulator that starts two children and waits for them."""
    return f"echo started; sleep 600 & sleep 600 & wait # {mark}"


def sleepers(mark: str) -> list[psutil.Process]:
    return named(marked(mark), "sleep")
