"""The command line as a person meets it: whole campaigns, interrupts, terminals, faults of disks, journals and code."""

from __future__ import annotations

import json
import os
import pty
import random
import re
import select
import signal
import sqlite3
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from dure.campaign import Campaign, make_plan
from tests.slow.drivers import DURE, bowl, dure, environment, events, gone, holds, refusal, start, sums, told, wait_for


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with bowl.py and a concluded campaign in ``out``, told by the command that made it."""
    home = tmp_path_factory.mktemp("finished")
    done = dure("run", bowl(home), "--strategy", "sobol", "--out", home / "out")
    assert done.returncode == 0, done.stderr
    (home / "said.txt").write_text(done.stdout)
    return home


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished campaign's folder, to be spoiled."""
    for name, data in sums(finished / "out").items():
        (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "copy" / name).write_bytes(data)
    return tmp_path / "copy"


def begun(home: Path, **kind: float) -> Path:
    """A campaign that has its plan and nothing else, in ``home/out``."""
    with Campaign.begin(home / "out", make_plan(str(bowl(home, **kind)), strategy_name="sobol")):  # type: ignore[arg-type]
        pass
    return home / "out"


# --------------------------------------------------------------------------------------------------- the whole way
def test_a_run_says_plan_progress_verdict_and_leaves_everything(finished: Path):
    said = (finished / "said.txt").read_text()
    order = ["Where is the bottom?", "8 runs", "sobol:", "   1  full", "Supported: ", "Margins", "Do not fall in.", "Report: "]
    places = [said.index(text) for text in order]
    assert places == sorted(places)
    answered = [event for event in events(finished / "out") if event.kind in ("told", "failed")]
    assert len(re.findall(r"^ +\d+  full, ", said, re.MULTILINE)) == len(answered)
    assert {"journal.sqlite", "claims.json", "report.html", "results"} <= {one.name for one in (finished / "out").iterdir()}
    assert said.rstrip().endswith(str(finished / "out/report.html"))


def test_json_is_the_whole_of_standard_output(finished: Path):
    for command in ("report", "resume"):
        done = dure(command, finished / "out", "--json")
        said = json.loads(done.stdout)
        assert done.returncode == 0
        assert said["verdict"] == "supported"
        values = {claim["id"]: claim["value"] for claim in said["claims"]}
        assert said["best"] == {"x": values["winner.input.x"], "y": values["winner.input.y"]}
        assert Path(said["report"]) == finished / "out/report.html"
    done = dure("verify", finished / "out", "--json")
    assert (done.returncode, json.loads(done.stdout)["verified"]) == (0, True)


def test_quiet_says_verdict_and_path_only(finished: Path):
    done = dure("resume", finished / "out", "--quiet", COLUMNS="300")
    verdict, path = done.stdout.splitlines()
    assert verdict.startswith("Supported: ")
    assert path.endswith("report.html")


def test_the_same_folder_reuses_every_answer_for_other_limits(finished: Path, copy: Path):
    before = [event.kind for event in events(copy)]
    done = dure("run", finished / "bowl.py", "--strategy", "sobol", "--limit", "slack=0.2", "--out", copy, "--json")
    assert done.returncode in (0, 3), done.stderr
    after = events(copy)
    assert [event.kind for event in after[: len(before)]] == before
    assert [event.kind for event in after].count("planned") == 2
    asked = Counter(str(event.payload["key"]) for event in after if event.kind == "asked")
    assert max(asked.values()) == 1
    claims = {claim["id"]: claim["value"] for claim in json.loads(done.stdout)["claims"]}
    assert claims["limit.slack.low"] == 0.2
    # the search goes on beside what is known, the comparison is known already
    assert (claims["count.search.reused"], claims["count.control.reused"]) == (0, 3)
    assert claims["winner.goal.height"] <= min(value["height"] for value in told(after).values() if value["slack"] >= 0.2)
    assert dure("verify", copy).returncode == 0


def test_what_an_interrupted_plan_left_open_is_taken_over_by_the_next(tmp_path: Path):
    folder = begun(tmp_path)
    with Campaign.resume(folder) as campaign:
        for purpose, x in (("start", 0.5), ("search", 0.25), ("control", -0.5)):
            trial = campaign.problem.trial(campaign.problem.design(x=x, y=0.5), campaign.task.setting)
            campaign.journal.append("asked", {"key": trial.key, "trial": trial.plain(), "purpose": purpose, "why": ""})
    done = dure("run", tmp_path / "bowl.py", "--strategy", "sobol", "--out", folder, "--json")
    assert done.returncode in (0, 3), done.stderr
    values = told(events(folder)).values()
    assert {0.5, 0.25} < {value["slack"] for value in values}
    # nobody wants a random design of another plan
    assert -0.5 not in {value["slack"] for value in values}


def test_a_folder_of_another_problem_or_of_somebody_is_refused(finished: Path, copy: Path, tmp_path: Path):
    other = tmp_path / "other.py"
    other.write_text((finished / "bowl.py").read_text().replace("mine/bowl", "mine/other"))
    before = holds(copy)
    done = dure("run", other, "--strategy", "sobol", "--out", copy)
    assert done.returncode == 2
    assert "mine/bowl" in done.stderr
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "report.html").write_text("mine")
    done = dure("run", other, "--strategy", "sobol", "--out", tmp_path / "home")
    assert done.returncode == 2
    assert "report.html" in done.stderr
    assert (holds(copy), sums(tmp_path / "home")) == (before, {"report.html": b"mine"})


@pytest.mark.parametrize("kind", [[], ["--program"]], ids=["function", "program"])
def test_the_files_of_dure_new_run_as_they_are(tmp_path: Path, kind: list[str]):
    assert dure("new", "beam", *kind, cwd=tmp_path).returncode == 0
    done = dure("run", "./beam.py", "--strategy", "sobol", "--runs", 6, "--out", "out", "--json", cwd=tmp_path)
    said = json.loads(done.stdout)
    assert done.returncode in (0, 3)
    # the campaign's numbers are Euler-Bernoulli's: see tests/fast/test_cli.py
    width, height = said["best"]["width"] / 1e3, said["best"]["height"] / 1e3
    reached = said["outcomes"]["full"]["goals"]
    assert reached["bend"] == pytest.approx(1e3 / (3 * 70e9 * width * height**3 / 12) * 1e3, rel=1e-4)
    assert reached["mass"] == pytest.approx(2700 * width * height, rel=1e-4)
    assert reached["bend"] <= 5.0
    assert dure("verify", "out", cwd=tmp_path).returncode == 0


def test_a_pool_is_filled_once_and_is_no_campaign(tmp_path: Path):
    file = bowl(tmp_path)
    arguments = ("pool", "generate", file, "--tasks", 1, "--designs", 5, "--out", tmp_path / "pool", "--json")
    first, second = (json.loads(dure(*arguments).stdout) for _time in range(2))
    assert (first["answered"], first["ran"]) == (5, 5)
    assert (second["answered"], second["ran"]) == (5, 0)
    assert len((tmp_path / "bowl.notes").read_text().splitlines()) == 5
    before = holds(tmp_path / "pool")
    for command in (("resume", tmp_path / "pool"), ("run", file, "--strategy", "sobol", "--out", tmp_path / "pool")):
        done = dure(*command)
        assert done.returncode == 2
        assert "pool" in done.stderr
    assert holds(tmp_path / "pool") == before


def test_the_page_opens_only_where_somebody_could_see_it(finished: Path, tmp_path: Path):
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/opened\n')
    browser.chmod(0o755)
    screen = {"DISPLAY": ":0", "BROWSER": f"{browser} %s", "CI": ""}
    for more, options in (({}, ["--quiet"]), ({}, ["--json"]), ({"CI": "true"}, []), ({"DISPLAY": ""}, [])):
        assert dure("resume", finished / "out", *options, **(screen | more)).returncode == 0
    assert not (tmp_path / "opened").exists()
    assert dure("resume", finished / "out", **screen).returncode == 0
    assert (tmp_path / "opened").read_text().strip() == (finished / "out/report.html").as_uri()


# ------------------------------------------------------------------------------------------------------ interrupts
@pytest.mark.parametrize("delay", [0.0, 0.3, 1.5])
def test_ctrl_c_twice_keeps_everything_and_leaves_nobody(tmp_path: Path, delay: float):
    mark, folder = uuid.uuid4().hex, tmp_path / "out"
    driver = start("run", bowl(tmp_path, runs=12, seconds=0.4), "--strategy", "sobol", "--workers", 2, "--out", folder, mark=mark)
    wait_for(folder, "told")
    time.sleep(delay)
    driver.send_signal(signal.SIGINT)
    time.sleep(0.1)
    with suppress(ProcessLookupError):
        driver.send_signal(signal.SIGINT)
    _, errors = driver.communicate(timeout=60)
    assert driver.returncode == 130, errors
    assert f"dure resume {folder}" in errors
    assert "Traceback" not in errors
    assert gone(mark, 6.0) == []
    kept = told(events(folder))
    assert kept
    done = dure("resume", folder, "--json")
    assert done.returncode in (0, 3), done.stderr
    after = told(events(folder))
    assert {key: after[key] for key in kept} == kept
    assert dure("verify", folder).returncode == 0


def test_sigterm_is_a_ctrl_c_and_json_says_so(tmp_path: Path):
    mark, folder = uuid.uuid4().hex, tmp_path / "out"
    driver = start("run", bowl(tmp_path, seconds=60), "--strategy", "sobol", "--out", folder, "--json", mark=mark)
    wait_for(folder, "started")
    driver.terminate()
    output, _ = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert f"dure resume {folder}" in json.loads(output)["error"]["message"]
    assert gone(mark, 6.0) == []


def test_an_interrupt_before_anything_began_is_no_traceback(tmp_path: Path):
    dice, home = random.Random(20261122), tmp_path / "out"
    for _try in range(4):
        driver = start("run", bowl(tmp_path, seconds=60), "--out", home, mark=uuid.uuid4().hex)
        deadline = time.monotonic() + 60
        while b"torch" not in Path(f"/proc/{driver.pid}/maps").read_bytes() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.3))
        driver.send_signal(signal.SIGINT)
        _, errors = driver.communicate(timeout=60)
        assert driver.returncode == 130, errors
        assert "Traceback" not in errors


# ------------------------------------------------------------------------------------------------------- terminals
def on_a_terminal(arguments: list[str], *, until: str = "", columns: int = 80) -> tuple[int, str]:
    """Exit code and everything a command writes to a terminal; Ctrl-C is pressed when ``until`` is seen."""
    mine, theirs = pty.openpty()
    size = {"COLUMNS": str(columns), "LINES": "40", "TERM": "xterm-256color"}
    driver = subprocess.Popen(
        [*DURE, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment() | size, start_new_session=True
    )
    os.close(theirs)
    seen, pressed = b"", not until
    with suppress(OSError):  # how a terminal whose other side is closed says so
        while True:
            if select.select([mine], [], [], 120)[0]:
                seen += os.read(mine, 65536)
            if not pressed and until.encode() in seen:
                driver.send_signal(signal.SIGINT)
                pressed = True
    os.close(mine)
    return driver.wait(timeout=60), seen.decode()


def test_a_terminal_shows_the_live_view_and_gets_its_cursor_back(tmp_path: Path):
    file, folder = str(bowl(tmp_path, runs=6, seconds=0.3)), str(tmp_path / "out")
    arguments = ["run", file, "--strategy", "sobol", "--workers", "2", "--out", folder]
    code, seen = on_a_terminal(arguments, until="answered")
    assert code == 130
    assert f"dure resume {folder}" in re.sub(r"\s+", " ", seen)
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l")
    code, seen = on_a_terminal(["resume", folder])
    assert code in (0, 3)
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l")
    for shown in ("best", "course", "full, search, ", "Sobol points fill the space evenly", " runs, ", "answered", "█"):
        assert shown in seen


# ---------------------------------------------------------------------------------------------------------- faults
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
def test_a_journal_that_is_not_what_was_written_is_refused_and_left_alone(finished: Path, copy: Path, spoil, kind: str):
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
