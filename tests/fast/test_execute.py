"""The runner's contract, as far as it can be seen in a second; crashes, hangs and kills are in tests/slow."""

from __future__ import annotations

import operator
import os
import pickle
import subprocess
import sys
import tempfile
import time

import pytest

from dure.errors import DureError, ValueRefused
from dure.execute import LocalRunner, WorkerLost, traces
from dure.execute.watchdog import Watchdog


def test_a_worker_adds_only_the_standard_library_to_the_package():
    code = "import dure, sys; before = set(sys.modules); import dure.execute.worker; print(*(sys.modules.keys() - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    added = {name for name in done.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names}
    assert added <= {"__mp_main__", "dure.execute", "dure.execute.traces", "dure.execute.worker"}


def test_futures_carry_values_exceptions_and_measurements():
    with LocalRunner() as runner:
        good, bad = runner.submit(operator.mul, 6, 7), runner.submit(int, "six")
        assert good.result() == 42
        with pytest.raises(ValueError, match="invalid literal") as caught:
            bad.result()
    assert caught.value.output_tail == ""
    assert any("Traceback" in note for note in caught.value.__notes__)
    for future in (good, bad):
        assert future.wall_seconds > 0
        assert future.cpu_seconds >= 0
        assert future.peak_mb > 0
        assert future.pid not in (None, os.getpid())
    assert 0 < runner.busy <= runner.elapsed


def test_jobs_keep_their_order_and_the_worker_stays():
    with LocalRunner() as runner:
        assert list(runner.map(abs, range(0, -5, -1))) == [0, 1, 2, 3, 4]
        pids = {runner.submit(os.getpid).result() for _job in range(3)}
        assert len(pids) == 1
        assert runner.submit_fresh(os.getpid).result() not in pids
        assert {runner.submit(os.getpid).result()} == pids


def test_arguments_are_copied_when_they_are_submitted():
    numbers = [1, 2, 3]
    with LocalRunner() as runner:
        future = runner.submit(sum, numbers)
        numbers.append(100)
        assert future.result() == 6


def test_what_cannot_be_sent_fails_alone():
    with LocalRunner() as runner:
        sent = runner.submit(lambda: 1)
        returned = runner.submit(eval, "lambda: 1")
        assert sent.exception() is not None
        assert returned.exception() is not None
        assert runner.submit(abs, -1).result() == 1


def test_nothing_is_taken_after_shutdown():
    # concurrent.futures: "Calls to Executor.submit() ... made after shutdown will raise RuntimeError."
    runner = LocalRunner()
    runner.shutdown()
    runner.shutdown()
    for submit in (runner.submit, runner.submit_fresh):
        with pytest.raises(RuntimeError, match="shut down"):
            submit(abs, -1)


def test_waiting_jobs_can_be_cancelled():
    runner = LocalRunner()
    first = runner.submit(time.sleep, 0.2)
    while not first.running():
        time.sleep(0.001)
    waiting = [runner.submit(abs, -1) for _job in range(3)]
    assert runner.kill(waiting[0])
    assert waiting[1].cancel()
    runner.shutdown(cancel_futures=True)
    assert first.result() is None
    assert all(future.cancelled() for future in waiting)
    assert not runner.kill(first)


@pytest.mark.parametrize("limits", [{"workers": 0}, {"timeout": 0.0}, {"memory_gb": -1.0}, {"timeout": float("nan")}])
def test_a_limit_below_or_at_zero_is_refused_by_name(limits: dict[str, float]):
    with pytest.raises(ValueRefused, match=next(iter(limits))):
        LocalRunner(**limits)


def test_a_loss_can_be_pickled_and_says_what_happened():
    lost = pickle.loads(pickle.dumps(WorkerLost("timeout", "last line", 1.5, 2.0)))
    assert isinstance(lost, DureError)
    assert (lost.reason, lost.detail, lost.cpu_seconds, lost.wall_seconds) == ("timeout", "last line", 1.5, 2.0)
    assert "timeout" in str(lost)
    assert "last line" in str(lost)


def _chained(cause: Exception) -> Exception:
    try:
        raise RuntimeError("the simulator failed") from cause
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (_chained(MemoryError()), True),
        (OSError(12, os.strerror(12)), True),  # ENOMEM
        (RuntimeError("std::bad_alloc"), True),
        (subprocess.CalledProcessError(-6, "solver", stderr=b"what(): std::bad_alloc"), True),
        (subprocess.CalledProcessError(-9, "solver"), False),  # somebody's SIGKILL, not the kernel's
        (_chained(ValueError("no convergence")), False),
    ],
)
def test_want_of_memory_is_told_from_other_failures(error: Exception, expected: bool):
    with tempfile.TemporaryFile() as log:
        assert traces.starved(error, log.fileno(), kills_before=traces.oom_kills()) is expected


def test_the_tail_is_the_last_twenty_lines():
    with tempfile.TemporaryFile(buffering=0) as log:
        log.write("".join(f"line {number} {'é' * 100}\n" for number in range(1000)).encode())
        lines = traces.tail(log.fileno()).splitlines()
    assert [line.split()[1] for line in lines] == [str(number) for number in range(980, 1000)]


@pytest.fixture
def sleepers():
    """Two process groups that would sleep for a minute."""
    started = [subprocess.Popen(["sleep", "60"], start_new_session=True) for _one in range(2)]
    yield started
    for one in started:
        one.kill()
        one.wait()


def test_the_watchdog_kills_what_it_watches_and_nothing_it_was_told_to_forget(sleepers: list[subprocess.Popen[bytes]]):
    watched, forgotten = sleepers
    dog = Watchdog()
    dog.watch(watched.pid)
    dog.watch(forgotten.pid)
    dog.forget(forgotten.pid)
    dog.close()
    assert watched.wait(5) == -9
    assert forgotten.poll() is None


def test_a_killed_watchdog_is_replaced(sleepers: list[subprocess.Popen[bytes]]):
    dog = Watchdog()
    dog.watch(sleepers[0].pid)
    dog._shell.kill()
    dog._shell.wait()
    dog.watch(sleepers[1].pid)
    dog.close()
    assert [one.wait(5) for one in sleepers] == [-9, -9]
