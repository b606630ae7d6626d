"""One worker process as the driver sees it: start, hand over a job, wait, end it with everything it started."""

from __future__ import annotations

import contextlib
import fcntl
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from dure.errors import DureError
from dure.execute import group, traces
from dure.execute.watchdog import Watchdog
from dure.i18n import _

__all__ = ["Reply", "WorkerLost", "WorkerProcess", "value_or_error"]

_LOG_LIMIT = 64_000_000
_FIRST_LOOK, _LAST_LOOK = 0.05, 1.0
_GRACE = 2.0
_START_LIMIT = 300.0


class WorkerLost(DureError):
    """The worker ended before its job did.

    ``reason`` is one of "timeout", "out of memory", "signal SIGxxx", "exit N", "cancelled", "lost" (none of these could be
    told). ``detail``: the last lines the job wrote. ``cpu_seconds``: of the whole process tree; ``wall_seconds``: of the job.
    """

    def __init__(self, reason: str, detail: str, cpu_seconds: float, wall_seconds: float) -> None:
        super().__init__(reason, detail, cpu_seconds, wall_seconds)
        self.reason = reason
        self.detail = detail
        self.cpu_seconds = cpu_seconds
        self.wall_seconds = wall_seconds

    def __str__(self) -> str:
        text = _("The worker was lost after {seconds:.1f} s: {reason}.").format(seconds=self.wall_seconds, reason=self.reason)
        return f"{text}\n{self.detail}" if self.detail else text


class Reply(NamedTuple):
    """A worker's answer and what it cost; ``body`` is pickled, see ``worker.run``."""

    kind: str
    body: bytes
    cpu_seconds: float
    wall_seconds: float
    peak_mb: float


class WorkerProcess:
    """A started worker, leader of a session and process group of its own.

    One thread starts it and runs jobs; any thread may ``end`` it. ``script`` is explained at ``worker.run``.

    Raises:
        OSError: no process, pipe or temporary file could be had.
    """

    def __init__(self, watchdog: Watchdog, env: Mapping[str, str], memory_gb: float | None, script: Mapping[str, str]) -> None:
        self._watchdog = watchdog
        self._script = script
        self._lock = threading.Lock()
        self._loss: WorkerLost | None = None
        self._began = time.monotonic()
        self._cpu_before = self.peak_mb = 0.0
        self._ready = self.prepared = False
        self._kills_before = traces.oom_kills()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the worker is
        fcntl.fcntl(self._log, fcntl.F_SETFL, os.O_APPEND)
        self._pipe, theirs = multiprocessing.Pipe()
        with theirs:
            command = [sys.executable, "-P", "-u", "-X", "faulthandler", "-m", "dure.execute.worker"]
            self._popen = subprocess.Popen(
                [*command, str(theirs.fileno()), str(int((memory_gb or 0) * 1e9))],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                env=env,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._watchdog.watch(self.pid)

    @property
    def pid(self) -> int:
        """Process number, also that of the group and the session."""
        return self._popen.pid

    @property
    def idle(self) -> bool:
        """Whether it can be given a job; an idle worker writes nothing, so a readable pipe is a closed one."""
        return self._loss is None and not self._pipe.poll()

    def run(self, payload: bytes, timeout: float | None) -> Reply:
        """The worker's answer to a pickled call; ``timeout`` in seconds.

        Raises:
            WorkerLost: there is none. Nothing of the worker's group is left.
        """
        if not self._ready:
            self._greet()
        os.ftruncate(self._log.fileno(), 0)
        self._began = time.monotonic()
        self._kills_before = traces.oom_kills()
        self.peak_mb = 0.0
        self._send((payload, self._kills_before))
        kind, body, cpu_total, peak_mb = self._receive(timeout)
        self.peak_mb = max(self.peak_mb, peak_mb)
        if kind == "starved":
            raise self.end("out of memory", pickle.loads(body))
        cpu = cpu_total - self._cpu_before
        self._cpu_before = cpu_total
        return Reply(kind, body, cpu, time.monotonic() - self._began, self.peak_mb)

    def tail(self) -> str:
        """The last lines written during the latest job."""
        return traces.tail(self._log.fileno())

    def end(self, reason: str | None = None, last_words: str = "") -> WorkerLost:
        """Kill the group and everything below the worker, reap it, and say why; the first caller's reason stays.

        Without a reason the worker is taken to have ended by itself, and its exit status tells.
        """
        with self._lock:
            if self._loss is None:
                self._loss = self._end(reason, last_words)
            return self._loss

    def retire(self) -> None:
        """Let an idle worker leave by itself, end it if it does not; nothing else may be asked of it."""
        self._pipe.close()
        if self._loss is None:
            self._await_exit()
            self.end("cancelled")
        self._log.close()

    def _greet(self) -> None:
        # The clock of the first job starts when the worker has started.
        self._send((sys.path, self._script))
        self._cpu_before = self._receive(_START_LIMIT)
        self._ready = True

    def _send(self, message: Any) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            raise self.end() from None

    def _receive(self, timeout: float | None) -> Any:
        deadline = self._began + timeout if timeout is not None else float("inf")
        pause = _FIRST_LOOK
        try:
            while not self._pipe.poll(max(0.0, min(pause, deadline - time.monotonic()))):
                if time.monotonic() >= deadline:
                    raise self.end("timeout")
                if not self._look():
                    raise self.end()
                pause = min(2 * pause, _LAST_LOOK)
            return self._pipe.recv()
        except (EOFError, OSError):
            raise self.end() from None

    def _look(self) -> bool:
        """Note the memory in use and keep the log small; whether the worker lives (a leaked pipe would hide its end)."""
        processes = group.members(self.pid)
        self.peak_mb = max(self.peak_mb, group.resident_mb(processes))
        if os.fstat(self._log.fileno()).st_size > _LOG_LIMIT:
            os.ftruncate(self._log.fileno(), 0)
        return any(one.pid == self.pid and group.alive(one) for one in processes)

    def _end(self, reason: str | None, last_words: str) -> WorkerLost:
        exited = reason is None and self._await_exit()
        wall = time.monotonic() - self._began
        processes = group.members(self.pid)
        cpu = max(0.0, group.cpu_seconds(processes) - self._cpu_before)
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        group.kill(processes)
        # Before reaping: until then nobody else can get this group number.
        self._watchdog.forget(self.pid)
        status = self._popen.wait()
        group.wait_gone(processes, _GRACE)
        detail = "\n".join(filter(None, [self.tail(), last_words]))
        return WorkerLost(reason or (self._cause(status, detail) if exited else "lost"), detail, cpu, wall)

    def _await_exit(self) -> bool:
        """Whether the worker ends within the grace time; it stays a zombie, so its numbers remain ours."""
        return group.wait_gone([one for one in group.members(self.pid) if one.pid == self.pid], _GRACE)

    def _cause(self, status: int, detail: str) -> str:
        starved = traces.says_starved(detail) or (status == -signal.SIGKILL and traces.oom_kills() > self._kills_before)
        if status and starved:
            return "out of memory"
        if status >= 0:
            return f"exit {status}"
        known = {number.value: number.name for number in signal.Signals}
        return f"signal {known.get(-status, f'SIG{-status}')}"


def value_or_error(reply: Reply, pid: int, tail: str) -> tuple[Any, Exception | None]:
    """What a reply stands for: the value, or the exception with its story told."""
    try:
        content = pickle.loads(reply.body)
    except Exception as unreadable:
        return None, unreadable
    if reply.kind == "returned":
        return content, None
    raised, trace = content
    return None, _retold(raised, trace, pid, tail)


def _retold(error: Exception, trace: str, pid: int, tail: str) -> Exception:
    """The exception with ``output_tail``, and notes that show the worker's traceback and the job's last lines."""
    # An exception may be frozen; the future carries the tail as well.
    with contextlib.suppress(AttributeError, TypeError):
        error.output_tail = tail  # type: ignore[attr-defined]
        error.add_note(_("In worker {pid}:\n{trace}").format(pid=pid, trace=trace))
        if tail:
            error.add_note(_("Its last lines:\n{tail}").format(tail=tail))
    return error
