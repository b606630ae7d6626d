"""Faults of disks, journals and code as the command line meets them: a clear refusal, nothing overwritten."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.slow.drivers import begun, bowl, dure, events, finish, holds, refusal, start, sums, told, wait_for


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with bowl.py, a concluded campaign in ``out``, and what the command that made it said in said.txt."""
    return finish(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished campaign's folder, to be spoiled."""
    return shutil.copytree(finished / "out", tmp_path / "copy")


COMMANDS = ("resume", "report", "verify")


def spoil_newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE meta SET format = 99")


def spoil_cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def spoil_empty(file: Path) -> None:
    file.write_bytes(b"")


def spoil_text(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"height":', b'"heigth":'))


def spoil_noise(file: Path) -> None:
    data, dice = bytearray(file.read_bytes()), random.Random(7)
    for place in range(100, len(data), 997):
        data[place] = dice.randrange(256)
    file.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (spoil_newer, "JournalTooNew"),
        (spoil_cut, "JournalCorrupted"),
        (spoil_empty, "JournalCorrupted"),
        (spoil_text, "JournalCorrupted"),
        (spoil_noise, "JournalCorrupted"),
    ],
)
def test_a_journal_that_is_not_what_was_written_is_refused_and_left_alone(
    finished: Path, copy: Path, spoil: Callable[[Path], None], kind: str
):
    spoil(copy / "journal.sqlite")
    before = sums(copy)
    run = ("run", finished / "bowl.py", "--strategy", "sobol", "--out", copy)
    for command in (*((name, copy) for name in COMMANDS), run):
        done = dure(*command, "--json")
        assert done.returncode == 1
        assert refusal(done)["kind"] in {kind, "VerificationFailed" if command[0] == "verify" else kind}
        assert str(copy) in refusal(done)["message"]
        assert sums(copy) == before, command


def test_changed_code_is_refused_until_it_is_accepted(tmp_path: Path):
    folder = begun(tmp_path)
    file = tmp_path / "bowl.py"
    file.write_text(file.read_text().replace("+ (point.y + 0.2)", "+ (point.y + 0.3)"))
    before = holds(folder)
    done = dure("resume", folder)
    assert done.returncode == 1
    assert "--accept-changed-code" in done.stderr
    assert holds(folder) == before
    assert dure("resume", folder, "--accept-changed-code").returncode in (0, 3)
    assert dure("verify", folder).returncode == 0


def test_a_second_driver_is_turned_away(tmp_path: Path):
    mark, folder = uuid.uuid4().hex, tmp_path / "out"
    driver = start("run", bowl(tmp_path, seconds=60), "--strategy", "sobol", "--out", folder, mark=mark)
    wait_for(folder, "started")
    done = dure("resume", folder)
    driver.terminate()
    driver.communicate(timeout=60)
    assert done.returncode == 1
    assert str(driver.pid) in done.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB that can fill up and be made read-only."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk needs the right to mount: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_stops_cleanly_and_loses_nothing(small_disk: Path, tmp_path: Path):
    (small_disk / "ballast").write_bytes(bytes(1_200_000))
    folder = small_disk / "out"
    done = dure("run", bowl(tmp_path, runs=30, points=1500), "--strategy", "sobol", "--workers", 2, "--out", folder)
    assert done.returncode == 1, done.stdout
    assert str(folder) in done.stderr
    assert "free some space" in done.stderr
    assert "Traceback" not in done.stderr
    kept = told(events(folder))
    assert 0 < len(kept) < 30
    for command in COMMANDS[:2]:
        assert dure(command, folder).returncode == 1
    assert told(events(folder)) == kept
    (small_disk / "ballast").unlink()
    done = dure("resume", folder)
    assert done.returncode in (0, 3), done.stderr
    after = told(events(folder))
    assert {key: after[key] for key in kept} == kept
    assert dure("verify", folder).returncode == 0


def test_a_read_only_folder_is_read_and_never_written(small_disk: Path, finished: Path, copy: Path):
    for name, data in sums(copy).items():
        (small_disk / "done" / name).parent.mkdir(parents=True, exist_ok=True)
        (small_disk / "done" / name).write_bytes(data)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for command in (("resume", small_disk / "done"), ("report", small_disk / "done")):
        done = dure(*command, "--json")
        assert done.returncode == 1
        assert refusal(done)["kind"] == "JournalReadOnly"
    for folder in (small_disk / "new", small_disk / "done"):
        done = dure("run", finished / "bowl.py", "--strategy", "sobol", "--out", folder)
        assert done.returncode == 1
        assert str(folder) in done.stderr
        assert "Traceback" not in done.stderr
    done = dure("verify", small_disk / "done")
    assert done.returncode == 0, done.stderr
    done = dure("new", "beam", cwd=small_disk)
    assert done.returncode == 1
    assert "beam.py" in done.stderr


def test_verify_fails_when_a_number_is_not_what_the_journal_says(copy: Path):
    claims = copy / "claims.json"
    before = claims.read_text()
    number = next(one for one in re.findall(r'"value": ?(\d+\.\d{3,})', before))
    claims.write_text(before.replace(number, number[:-1] + ("1" if number[-1] != "1" else "2"), 1))
    done = dure("verify", copy, "--json")
    assert (done.returncode, refusal(done)["kind"]) == (1, "VerificationFailed")
