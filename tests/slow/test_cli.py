"""The command line as a person meets it: whole campaigns, interrupts, terminals."""

from __future__ import annotations

import json
import os
import pty
import random
import re
import select
import shutil
import signal
import subprocess
import time
import uuid
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from dure.campaign import Campaign
from tests.slow.drivers import DURE, begun, bowl, dure, environment, events, finish, gone, holds, start, sums, told, wait_for


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with bowl.py, a concluded campaign in ``out``, and what the command that made it said in said.txt."""
    return finish(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished campaign's folder, to be spoiled."""
    return shutil.copytree(finished / "out", tmp_path / "copy")


# --------------------------------------------------------------------------------------------------- the whole way
def test_a_run_says_plan_progress_verdict_and_leaves_everything(finished: Path):
    said = (finished / "said.txt").read_text()
    order = ["Where is the bottom?", "8 runs", "sobol:", "   1  full", "Supported: ", "Margins", "Do not fall in.", "Report: "]
    places = [said.index(text) for text in order]
    assert places == sorted(places)
    answered = [event for event in events(finished / "out") if event.kind in ("told", "failed")]
    assert len(re.findall(r"^ +\d+  (?:full|finer), ", said, re.MULTILINE)) == len(answered)
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
    known = told(after).values()
    assert claims["winner.goal.height"] == min(value["height"] for value in known if value["slack"] >= 0.2)
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


def test_past_data_is_known_before_the_plan_and_never_simulated(tmp_path: Path):
    table, folder = tmp_path / "past.csv", tmp_path / "out"
    table.write_text("x,y,height,slack\n0.3,-0.2,0.0,0.3\n-0.5,0.5,1.13,-0.5\n")
    done = dure("run", bowl(tmp_path), "--strategy", "sobol", "--data", table, "--out", folder, "--json")
    assert done.returncode in (0, 3), done.stderr
    kinds = [event.kind for event in events(folder)]
    assert kinds.index("given") < kinds.index("planned")
    # the bottom of the bowl was in the table
    assert json.loads(done.stdout)["best"] == {"x": 0.3, "y": -0.2}
    # what is known is not simulated; only its check on the finer rung is
    assert (tmp_path / "bowl.notes").read_text().splitlines().count("0.3 -0.2") == 1
    assert dure("verify", folder).returncode == 0


def test_a_campaign_under_way_has_a_report_and_no_verdict(tmp_path: Path):
    done = dure("report", begun(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] is None
    assert dure("verify", tmp_path / "out").returncode == 0


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
