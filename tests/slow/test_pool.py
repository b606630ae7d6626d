"""A real pool whose driver and workers are killed: nothing is lost, nothing doubled, nobody stays behind."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import pytest

from dure.journal import History, Journal, fold
from dure.pool import generate
from tests.slow.execute_jobs import MARK, eventually, marked

pytestmark = pytest.mark.needs("pybamm")

TASKS, DESIGNS, KILLS = 2, 4, 2
DRIVER = """
import sys
from pathlib import Path
from dure.pool import generate
say = lambda *numbers: print(*numbers, flush=True)
generate("energy/fast-charge", Path(sys.argv[1]), tasks={tasks}, designs={designs}, workers=2, progress=say)
"""


@contextmanager
def driver(folder: Path, mark: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A driver, and what it says: how many trials are done after each. It does not outlive the test."""
    command = [sys.executable, "-c", DRIVER.format(tasks=TASKS, designs=DESIGNS), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {MARK: mark}) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.kill()


def read(folder: Path) -> tuple[Counter[str], History, list[Any]]:
    """How often each trial was answered, the history, and its events."""
    with Journal.open(folder, write=False) as journal:
        journal.verify()
        events = list(journal.events())
    ends = [one for one in events if one.kind == "told" or (one.kind == "failed" and one.payload["final"])]
    return Counter(str(one.payload["key"]) for one in ends), fold(events), events


def test_a_killed_driver_loses_and_doubles_nothing(tmp_path: Path):
    mark, dice, done = uuid4().hex, random.Random(20261122), 0
    for _kill in range(KILLS):
        with driver(tmp_path, mark) as (process, said):
            for _answer in range(dice.randint(1, 3)):
                done = int(said.readline().split()[0])
            process.kill()
        answered, _history, _events = read(tmp_path)
        assert answered.total() >= done
        assert set(answered.values()) == {1}
        assert eventually(lambda: not marked(mark), seconds=6), "a process outlived the driver"
    summary = generate("energy/fast-charge", tmp_path, tasks=TASKS, designs=DESIGNS)
    answered, history, _events = read(tmp_path)
    assert summary.answered + summary.failed == answered.total() == len(history.trials) == TASKS * DESIGNS
    assert set(answered.values()) == {1}
    assert {state.reason for state in history.trials.values()} <= {None, "no answer"}


def test_a_killed_worker_costs_one_attempt(tmp_path: Path):
    mark = uuid4().hex
    with driver(tmp_path, mark) as (process, said):
        said.readline()
        next(one for one in marked(mark) if "dure.execute.worker" in one.cmdline()).kill()
        said.read()
        assert process.wait() == 0
    answered, history, events = read(tmp_path)
    assert answered.total() == TASKS * DESIGNS
    assert set(answered.values()) == {1}
    losses = [one.payload for one in events if one.kind == "failed" and not one.payload["final"]]
    assert [one["reason"] for one in losses] == ["signal SIGKILL"]
    assert history.trials[str(losses[0]["key"])].attempts == 2
    assert sum(state.attempts for state in history.trials.values()) == TASKS * DESIGNS + 1
