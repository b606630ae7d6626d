"""Real ``dure`` processes for the slow tests, and how to see what they leave behind."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from dure import cli, i18n
from dure.campaign import Campaign, make_plan
from dure.journal import Event, Journal
from tests.slow.execute_jobs import MARK, marked

DURE = [sys.executable, "-c", "from dure.cli import main; main()"]

BOWL = '''
"""A bowl, whose simulator notes every trial it answers in a file beside it."""
import os
import time
from pathlib import Path

from dure import Answer, Check, Curve, Fidelity, Problem, at_least, design, minimise, outcome, real

NOTES = Path(__file__).with_suffix(".notes")
SECONDS, POINTS = {seconds}, {points}


@design
class Point:
    x: float = real(-1, 1)
    y: float = real(-1, 1)


@outcome
class Value:
    height: float = minimise(unit="m")
    slack: float = at_least(0.0)


def simulate(point: Point) -> Answer:
    time.sleep(SECONDS)
    note = os.open(NOTES, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(note, f"{{point.x!r}} {{point.y!r}}\\n".encode())
    os.close(note)
    value = Value(height=(point.x - 0.3) ** 2 + (point.y + 0.2) ** 2, slack=point.x)
    steps = tuple(float(step) for step in range(POINTS))
    return Answer(value, [Curve("way", "time", "s", "height", "m", steps, steps)] if POINTS else [])


problem = Problem(name="mine/bowl", version="1", question="Where is the bottom?", design=Point, outcome=Value, simulate=simulate,
                  runs={runs}, starts=(Point(x=0.5, y=0.5),), control_runs=3, hazards=("Do not fall in.",),
                  beyond=(Fidelity("finer", 2.0),), checks=(Check("again", "finer", required=True, fresh_process=True),))
'''


def bowl(folder: Path, *, runs: int = 8, seconds: float = 0.0, points: int = 0) -> Path:
    """A problem file in ``folder``; its notes lie beside it."""
    file = folder / "bowl.py"
    file.write_text(BOWL.format(runs=runs, seconds=seconds, points=points), encoding="utf-8")
    return file


def environment(mark: str = "") -> dict[str, str]:
    """This process's environment without a screen, in English; ``mark`` is inherited by whatever is started."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "DURE_DEBUG")}
    return kept | {"DURE_LANG": "en", "OMP_NUM_THREADS": "1", MARK: mark or uuid.uuid4().hex}


def finish(home: Path) -> Path:
    """Conclude a campaign in ``home/out``; what the command said goes into ``home/said.txt``."""
    done = dure("run", bowl(home), "--strategy", "sobol", "--out", home / "out")
    if done.returncode:
        raise RuntimeError(done.stderr)
    (home / "said.txt").write_text(done.stdout)
    return home


def begun(home: Path, **kind: float) -> Path:
    """A campaign that has its plan and nothing else, in ``home/out``."""
    with Campaign.begin(home / "out", make_plan(str(bowl(home, **kind)), strategy_name="sobol")):  # type: ignore[arg-type]
        pass
    return home / "out"


def dure(*arguments: object, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [*DURE, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment() | more, capture_output=True, text=True, check=False, timeout=300)


def start(*arguments: object, mark: str, cwd: Path | None = None) -> subprocess.Popen[str]:
    """Start a command; its output goes to pipes that are read by ``communicate``."""
    return subprocess.Popen(
        [*DURE, *map(str, arguments)],
        cwd=cwd,
        env=environment(mark),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Fork:
    """A ``dure`` process forked from one that has imported everything, so that hundreds of them can begin and die."""

    def __init__(self, *arguments: object, mark: str, log: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__, "dure.cli.campaigns", "dure.report", "matplotlib.figure"])
        self._process = context.Process(target=_be_driver, args=([str(one) for one in arguments], environment(mark), log))
        self._process.start()

    @property
    def code(self) -> int | None:
        """Exit code; None while it runs, negative when a signal ended it."""
        return self._process.exitcode

    def kill(self) -> None:
        """SIGKILL, and wait for it."""
        self._process.kill()
        self._process.join()


def _be_driver(arguments: list[str], wanted: dict[str, str], log: Path) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(wanted)
    i18n.use("en")
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(output, stream)
    cli.main(arguments)


def gone(mark: str, patience: float) -> list[psutil.Process]:
    """Marked processes that are still there after ``patience`` seconds; returns at once when none is."""
    deadline = time.monotonic() + patience
    while (left := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def events(folder: Path) -> list[Event]:
    """All events so far, checked against their hashes; none while there is no journal."""
    if not (folder / "journal.sqlite").exists():
        return []
    with Journal.open(folder, write=False) as journal:
        return list(journal.events())


def wait_for(folder: Path, kind: str, number: int = 1, *, seconds: float = 60.0) -> None:
    """Wait until the journal has ``number`` events of a kind."""
    deadline = time.monotonic() + seconds
    while sum(event.kind == kind for event in events(folder)) < number:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{kind} in {folder}: {Counter(event.kind for event in events(folder))}")
        time.sleep(0.02)


def told(found: Sequence[Event]) -> dict[str, Any]:
    """Outcome by key; a key told twice is an error."""
    keys = Counter(str(event.payload["key"]) for event in found if event.kind == "told")
    twice = [key for key, times in keys.items() if times > 1]
    if twice:
        raise AssertionError(f"told twice: {twice}")
    return {str(event.payload["key"]): event.payload["outcome"] for event in found if event.kind == "told"}


def sums(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` and its bytes; not the lock, in which a driver leaves its name."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file() and file.name != "driver.lock")
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def holds(folder: Path) -> tuple[list[Event], dict[str, bytes]]:
    """What a campaign's folder says: the journal by its events, for SQLite counts its openings, other files by their bytes."""
    return events(folder), {name: data for name, data in sums(folder).items() if not name.startswith("journal.sqlite")}


def refusal(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The error of a command run with ``--json``."""
    error: dict[str, str] = json.loads(done.stdout)["error"]
    return error
