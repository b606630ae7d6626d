"""The journal under drivers that are killed, that come in twos, that are read while they write, and on a full disk."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dure.errors import JournalBusy, JournalReadOnly
from dure.journal import Journal

DRIVER = """
import os, sys
from pathlib import Path
from dure.journal import Journal

folder, trials = Path(sys.argv[1]), int(sys.argv[2])
os.write(1, b"ready\\n")
attempts, answered = {}, set()
there = (folder / "journal.sqlite").exists()
with (Journal.open if there else Journal.create)(folder) as journal:
    for event in journal.events():
        match event.kind:
            case "asked":
                attempts[event.payload["key"]] = 0
            case "started":
                attempts[event.payload["key"]] = event.payload["attempt"]
            case "told":
                answered.add(event.payload["key"])
    for n in range(trials):
        key = f"trial-{n}"
        if key in answered:
            continue
        if key not in attempts:
            journal.append("asked", {"key": key, "design": {"x": n / 7}})
        attempt = attempts.get(key, 0) + 1
        journal.append("started", {"key": key, "attempt": attempt})
        curve = journal.put(b"a curve of " + key.encode())
        journal.append("told", {"key": key, "attempt": attempt, "outcome": {"y": n / 3}, "views": curve})
        os.write(1, f"told {key}\\n".encode())
"""


def drive(folder: Path, trials: int) -> subprocess.Popen[str]:
    """A driver answering trials; it says "ready", and "told KEY" once the append has returned."""
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(folder), str(trials)], stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    assert driver.stdout.readline() == "ready\n"
    return driver


def test_nothing_told_is_lost_or_doubled_by_killing_the_driver(tmp_path: Path):
    folder, dice, said, kills = tmp_path / "campaign", random.Random(20261122), [], 0
    while kills < 60:
        driver = drive(folder, trials=10**6)
        time.sleep(dice.uniform(0.02, 0.2))
        driver.send_signal(signal.SIGKILL)
        output, _ = driver.communicate()
        assert driver.returncode == -signal.SIGKILL, "the driver ended on its own"
        said += [line.split()[1] for line in output.splitlines()]
        kills += 1
        if (folder / "journal.sqlite").exists():
            with Journal.open(folder, write=False) as journal:
                journal.verify()
                told = Counter(str(event.payload["key"]) for event in journal.events() if event.kind == "told")
            assert set(said) <= told.keys()
            assert max(told.values(), default=1) == 1
    assert len(said) == len(set(said)) > kills

    driver = drive(folder, trials=len(told) + 10)
    output, _ = driver.communicate()
    assert driver.returncode == 0
    with Journal.open(folder) as journal:
        journal.verify()
        events = list(journal.events())
    asked = [event.payload["key"] for event in events if event.kind == "asked"]
    told = Counter(str(event.payload["key"]) for event in events if event.kind == "told")
    assert sorted(asked) == sorted(told.elements()) == sorted(f"trial-{n}" for n in range(len(asked)))
    # the only extra work is one attempt, at most, for every kill
    assert sum(event.kind == "started" for event in events) <= len(asked) + kills


def test_a_second_driver_is_told_who_drives_and_may_after_the_first_is_killed(tmp_path: Path):
    driver = drive(tmp_path, trials=10**6)
    assert driver.stdout is not None
    driver.stdout.readline()
    with pytest.raises(JournalBusy, match=f"process {driver.pid} on "):
        Journal.open(tmp_path)
    second = subprocess.run([sys.executable, "-c", DRIVER, str(tmp_path), "5"], capture_output=True, text=True, check=False)
    assert "JournalBusy" in second.stderr
    assert second.stdout == "ready\n"
    driver.kill()
    driver.communicate()
    with Journal.open(tmp_path) as journal:
        journal.verify()


def test_a_child_that_outlives_its_driver_does_not_hold_the_journal(tmp_path: Path):
    with Journal.create(tmp_path):
        pass
    code = f"""
import os, time
from pathlib import Path
from dure.journal import Journal
journal = Journal.open(Path({str(tmp_path)!r}))
if os.fork() == 0:
    print(os.getpid(), flush=True)
    time.sleep(600)
time.sleep(600)
"""
    driver = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    child = int(driver.stdout.readline())
    try:
        with pytest.raises(JournalBusy):
            Journal.open(tmp_path)
        driver.kill()
        driver.wait()
        os.kill(child, 0)
        with Journal.open(tmp_path) as journal:
            journal.append("noted", {})
    finally:
        os.kill(child, signal.SIGKILL)
        driver.stdout.close()


def test_readers_read_a_sound_journal_while_a_driver_writes(tmp_path: Path):
    driver = drive(tmp_path, trials=10**6)
    assert driver.stdout is not None
    driver.stdout.readline()
    seen = 0
    with Journal.open(tmp_path, write=False) as follower:
        while seen < 4000:  # beyond 1000 pages of WAL, so across SQLite's checkpoints
            before = seen
            for event in follower.events(after=seen):
                seen += 1
                assert event.seq == seen
            with Journal.open(tmp_path, write=False) as newcomer:
                newcomer.verify(head=follower.head)
            assert seen > before or driver.poll() is None
        driver.kill()
        driver.communicate()
        follower.verify()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """An own file system of 512 kB at ``tmp_path``; called, it takes back the room that was kept free for this."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(tmp_path)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a small disk needs the right to mount: {done.stderr.strip()}")
    ballast = tmp_path / "ballast"
    ballast.write_bytes(bytes(200_000))
    yield ballast.unlink
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_stops_the_journal_and_spoils_nothing(tmp_path: Path, small_disk: Callable[[], None]):
    folder = tmp_path / "campaign"
    with Journal.create(folder) as journal:
        written = []

        def until_full() -> None:
            for n in itertools.count():
                written.append(journal.append("noted", {"n": n, "text": "x" * 100}))

        with pytest.raises(JournalReadOnly, match="full"):
            until_full()
        assert written
        with pytest.raises(JournalReadOnly, match="full"):
            journal.put(bytes(5000))
        assert list(journal.events()) == written
        journal.verify()
    with Journal.open(folder, write=False) as reader:
        assert list(reader.events()) == written
    with pytest.raises(JournalReadOnly):
        Journal.create(tmp_path / "other")
    small_disk()
    with Journal.open(folder) as journal:
        journal.verify(head=written[-1].hash)
        written.append(journal.append("noted", {}))
        assert list(journal.events()) == written
