"""What a worker process runs: take a job from the pipe, run it, sweep up behind it, answer.

Only the standard library is imported until a job needs more, so a worker starts quickly.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import pickle
import resource
import sys
import time
import traceback
from multiprocessing import spawn
from multiprocessing.connection import Connection
from typing import Any

from dure.execute import traces

__all__ = ["cpu_total", "main", "run"]

_LOG = 1
_PATIENCE = 5.0


def main(pipe: int, memory_bytes: int) -> None:
    """Serve jobs until the driver closes the pipe; ``memory_bytes`` limits the address space of each process, 0 is no limit."""
    os.set_inheritable(pipe, False)
    adopts = _adopt_orphans()
    if memory_bytes:
        _limit_memory(memory_bytes)
    connection: Connection[Any, Any] = Connection(pipe)
    with contextlib.suppress(EOFError, ConnectionError):
        sys.path[:], script = connection.recv()
        connection.send(cpu_total())
        while True:
            payload, kills_before = connection.recv()
            reset = _reset_peak()
            kind, body = run(payload, script, kills_before)
            del payload
            _sweep(adopts)
            connection.send((kind, body, cpu_total(), _peak_mb(reset)))
            del body


def run(payload: bytes, script: dict[str, str], kills_before: int) -> tuple[str, bytes]:
    """One job: ("returned", value), ("raised", (exception, traceback)) or ("starved", traceback), the second part pickled.

    ``script`` says where the driver's ``__main__`` is, for jobs that refer to it; ``kills_before`` is ``traces.oom_kills()``
    as the driver handed the job over.
    SystemExit and KeyboardInterrupt end the worker, as they would end any program.
    """
    try:
        if b"__main__" in payload:
            _load_script(script)
        call = pickle.loads(payload)
        return "returned", pickle.dumps(call(), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        trace = "".join(traceback.format_exception(error))
        if traces.starved(error, _LOG, kills_before):
            return "starved", pickle.dumps(trace)
        return "raised", _pickled(error, trace)


def cpu_total() -> float:
    """CPU seconds of this process and of the children it has reaped, since it started."""
    use = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in use)


def _pickled(error: Exception, trace: str) -> bytes:
    try:
        body = pickle.dumps((error, trace))
        pickle.loads(body)
    except Exception:
        text = traceback.format_exception_only(error)[-1].strip()
        body = pickle.dumps((RuntimeError(text), trace))
    return body


def _load_script(script: dict[str, str]) -> None:
    """Make the driver's ``__main__`` importable here, once, as multiprocessing's spawn does.

    The mark makes a script without ``if __name__ == "__main__"`` fail with multiprocessing's own explanation.
    """
    process = multiprocessing.current_process()
    setattr(process, "_inheriting", True)  # noqa: B010 - not in the type stubs
    try:
        spawn.prepare(script)
    finally:
        delattr(process, "_inheriting")


def _adopt_orphans() -> bool:
    """Become the parent of descendants whose own parent ends (Linux), so that none can be overlooked."""
    pr_set_child_subreaper = 36
    return sys.platform == "linux" and not ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def _limit_memory(wanted: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _sweep(adopts: bool) -> None:
    """Kill and reap whatever the job left running in this group or below this process.

    A process list is no proof, since its last process may have forked in the meantime; that no child is left is one,
    where orphans are adopted.
    """
    me = os.getpid()
    deadline = time.monotonic() + _PATIENCE
    while _reap() or not adopts:
        from dure.execute import group

        left = [process for process in group.members(me) if process.pid != me and group.alive(process)]
        group.kill(left)
        group.wait_gone(left, patience=0.1)
        if not (left or adopts) or time.monotonic() > deadline:
            break


def _reap() -> bool:
    """Reap children that have ended; whether any is still running."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _reset_peak() -> bool:
    """Start the kernel's high-water mark of resident memory afresh, where it lets us (Linux)."""
    try:
        with open("/proc/self/clear_refs", "w") as mark:
            mark.write("5")
    except OSError:
        return False
    return True


def _peak_mb(reset: bool) -> float:
    """Largest resident memory of this process since the reset, MB; since its start where there is no reset."""
    if reset:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
