"""LocalRunner: the standard library's Executor on this machine, with processes that are really ended.

What sets it apart from ``ProcessPoolExecutor``: a job that crashes, hangs or eats the memory fails alone and with its
reason, and takes every process it started with it. Nothing is ever run twice. Whatever a job leaves running in the
background is killed when the job ends, so a simulator kept alive between jobs must live in the worker's own process.
Simulators that move themselves to a new session while the driver or the worker is being killed cannot be reached:
run those in a container.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, wait
from functools import partial
from multiprocessing import spawn
from typing import Any, NamedTuple, ParamSpec, TypeVar

from dure.errors import ValueRefused
from dure.execute.process import WorkerLost, WorkerProcess, value_or_error
from dure.execute.watchdog import Watchdog
from dure.i18n import _

__all__ = ["LocalFuture", "LocalRunner", "WorkerLost"]

P = ParamSpec("P")
T = TypeVar("T")

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class LocalFuture(Future[T]):
    """A Future that also carries measurements, set before it resolves. Another Executor's futures lack them.

    ``cpu_seconds``: of the job with every process it started. ``wall_seconds``: from hand-over to answer.
    ``peak_mb``: the larger of the worker's own high-water mark and the whole group's memory at the moments it was looked
    at (after 0.05 s, later every second). ``pid``: of the worker, known as soon as the job starts.
    ``output_tail``: the last lines written to standard output and error.
    """

    cpu_seconds: float | None = None
    wall_seconds: float | None = None
    peak_mb: float | None = None
    pid: int | None = None
    output_tail: str = ""


class LocalRunner(Executor):
    """Runs jobs first in, first out, in ``workers`` long-lived processes that start when first needed.

    ``timeout``: wall seconds a job may take. ``memory_gb``: address space in GB of each process, worker or simulator.
    ``initializer``: called in each process before its first job, outside that job's time.
    ``env``: added to this process's environment; numerical libraries get one thread unless either says otherwise.

    A future resolves to what the function returned, or raises what it raised (a RuntimeError with its text if that cannot
    be pickled), with ``output_tail`` and notes telling its story; or it raises ``WorkerLost``. As with any process pool,
    functions and values must be importable by name, and a script must guard its own start with ``__name__``.

    Raises:
        ValueRefused: fewer than one worker, or a limit that is not positive.
        RuntimeError: made by a script that a worker is just importing, because that script lacks the guard.
    """

    def __init__(
        self,
        workers: int = 1,
        *,
        timeout: float | None = None,
        memory_gb: float | None = None,
        env: Mapping[str, str] | None = None,
        initializer: Callable[[], object] | None = None,
    ) -> None:
        for name, value in {"workers": workers, "timeout": timeout, "memory_gb": memory_gb}.items():
            if value is not None and not value > 0:
                raise ValueRefused(_("{name} must be above 0, not {value!r}.").format(name=name, value=value))
        # Asked here because a main script's own path is forgotten as soon as its last line has run.
        known = spawn.get_preparation_data("dure")
        script = {key: known[key] for key in known if key.startswith("init_main")}
        self._lock = threading.Lock()
        self._closed = False
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._born = time.monotonic()
        self._watchdog = Watchdog()
        start = partial(WorkerProcess, self._watchdog, {**_ONE_THREAD, **os.environ, **(env or {})}, memory_gb, script)
        prepare = pickle.dumps(partial(initializer), pickle.HIGHEST_PROTOCOL) if initializer else None
        self._slots = [_Slot(start, timeout, prepare) for _number in range(workers)]
        self._serving = workers
        self._threads = [threading.Thread(target=self._serve, args=(slot,), daemon=True) for slot in self._slots]
        for thread in self._threads:
            thread.start()
        atexit.register(self.shutdown)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> LocalFuture[T]:
        """Queue ``fn(*args, **kwargs)``; what it is called with is copied at once.

        Raises:
            RuntimeError: the runner is shut down.
        """
        return self._enqueue(partial(fn, *args, **kwargs), fresh=False)

    def submit_fresh(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> LocalFuture[T]:
        """As ``submit``, in a process started for this job only, so that nothing an earlier job left behind can matter."""
        return self._enqueue(partial(fn, *args, **kwargs), fresh=True)

    def kill(self, future: Future[Any]) -> bool:
        """End a job now, with every process it started; return when that is done.

        A running job's future raises ``WorkerLost("cancelled")``, a waiting one is cancelled as usual. False: it was already
        done.
        """
        if future.cancel():
            return True
        if not any(slot.kill(future) for slot in self._slots):
            return False
        wait([future])
        error = future.exception()
        return isinstance(error, WorkerLost) and error.reason == "cancelled"

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more jobs; with ``wait``, finish the queued ones and return when no process of this runner is left.

        Without ``wait`` the same happens in the background, at the latest when the program ends.
        """
        with self._lock:
            self._closed = True
            if cancel_futures:
                self._drain()
            self._jobs.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    @property
    def busy(self) -> float:
        """Seconds that jobs have been running, summed over the workers; running ones count up to now."""
        return sum(slot.busy for slot in self._slots)

    @property
    def elapsed(self) -> float:
        """Seconds since this runner was made; busy / (elapsed * workers) is its utilisation."""
        return time.monotonic() - self._born

    def _enqueue(self, call: partial[T], *, fresh: bool) -> LocalFuture[T]:
        future: LocalFuture[T] = LocalFuture()
        try:
            payload = pickle.dumps(call, pickle.HIGHEST_PROTOCOL)
        except Exception as error:  # whatever an argument's own pickling raises
            payload = b""
            future.set_exception(error)
        with self._lock:
            if self._closed:
                raise RuntimeError(_("This runner is shut down and takes no more jobs; make a new LocalRunner."))
            if payload:
                self._jobs.put(_Job(future, payload, fresh))
        return future

    def _drain(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                job = self._jobs.get_nowait()
                if job is not None and job.future.cancel():
                    # Wakes those who wait for it, which cancel() alone does not.
                    job.future.set_running_or_notify_cancel()

    def _serve(self, slot: _Slot) -> None:
        while (job := self._jobs.get()) is not None:
            slot.serve(job)
            del job
        self._jobs.put(None)
        slot.retire()
        with self._lock:
            self._serving -= 1
            if not self._serving:
                self._watchdog.close()
                atexit.unregister(self.shutdown)


class _Job(NamedTuple):
    future: LocalFuture[Any]
    payload: bytes
    fresh: bool


class _Slot:
    """Room for one job at a time, in a worker kept warm or in a fresh one."""

    def __init__(self, start: Callable[[], WorkerProcess], timeout: float | None, prepare: bytes | None) -> None:
        self._prepare = prepare
        self._start = start
        self._timeout = timeout
        self._lock = threading.Lock()
        self._warm: WorkerProcess | None = None
        self._now: tuple[Future[Any], WorkerProcess] | None = None
        self._since: float | None = None
        self._busy = 0.0

    @property
    def busy(self) -> float:
        since = self._since
        return self._busy + (time.monotonic() - since if since is not None else 0.0)

    def serve(self, job: _Job) -> None:
        """Run a job and resolve its future, whatever happens."""
        value = worker = None
        error: Exception | None = None
        try:
            worker = self._begin(job)
            if worker is None:
                return
            value, error = self._run(job, worker)
        except Exception as broken:  # nobody may wait for ever
            error = worker.end("lost", str(broken)) if worker else WorkerLost("lost", str(broken), 0.0, 0.0)
        self._finish()
        if error is None:
            job.future.set_result(value)
        else:
            job.future.set_exception(error)
        if job.fresh and worker is not None:
            worker.retire()

    def kill(self, future: Future[Any]) -> bool:
        with self._lock:
            if self._now is None or self._now[0] is not future:
                return False
            self._now[1].end("cancelled")
            return True

    def retire(self) -> None:
        if self._warm is not None:
            self._warm.retire()

    def _begin(self, job: _Job) -> WorkerProcess | None:
        """The worker for a job that is now running; None if it was cancelled before."""
        with self._lock:
            if not job.future.set_running_or_notify_cancel():
                return None
            self._since = time.monotonic()
            worker = self._start() if job.fresh else self._keep_warm()
            job.future.pid = worker.pid
            self._now = (job.future, worker)
            return worker

    def _keep_warm(self) -> WorkerProcess:
        if self._warm is not None and not self._warm.idle:
            self._warm.retire()
            self._warm = None
        if self._warm is None:
            self._warm = self._start()
        return self._warm

    def _run(self, job: _Job, worker: WorkerProcess) -> tuple[Any, Exception | None]:
        future = job.future
        try:
            if self._prepare is not None and not worker.prepared:
                worker.run(self._prepare, None)
                worker.prepared = True
            reply = worker.run(job.payload, self._timeout)
        except WorkerLost as lost:
            future.cpu_seconds, future.wall_seconds, future.peak_mb = lost.cpu_seconds, lost.wall_seconds, worker.peak_mb
            future.output_tail = lost.detail
            return None, lost
        future.cpu_seconds, future.wall_seconds, future.peak_mb = reply.cpu_seconds, reply.wall_seconds, reply.peak_mb
        future.output_tail = worker.tail()
        return value_or_error(reply, worker.pid, future.output_tail)

    def _finish(self) -> None:
        with self._lock:
            self._now = None
            if self._since is not None:
                self._busy += time.monotonic() - self._since
                self._since = None
