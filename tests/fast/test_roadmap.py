"""Roadmaps: statuses come from committed figures alone, say who ran them, and cannot be stated by hand."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dure.cli.roadmaps import roadmap as command
from dure.errors import InputError, ProblemError
from dure.i18n import use
from dure.roadmap import RESULTS, Milestone, found, read

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    subprocess.run(["git", "-C", str(ROOT), "rev-parse"], capture_output=True, check=False).returncode != 0,
    reason="no git repository here: git clone Dure's",
)

TOML = """
domain = "toys"
[vision]
en = "All toys roll."
ko = "모든 장난감이 구른다."
[[milestone]]
id = "toys-roll"
command = "python -m benchmarks.toys"
result = "toys.json"
metric = "metres rolled"
target = 5
unit = "m"
due = 2027-06-30
owner = "toy makers"
budget = { person_months = 1, cpu_hours = 2, won_millions = 3 }
[milestone.capability]
en = "Roll 5 m"
ko = "5 m 구르기"
"""


def git(folder: Path, *arguments: str, who: str = "one") -> None:
    config = ["-c", f"user.name={who}", "-c", f"user.email={who}@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *config, *arguments], check=True, capture_output=True)


def result(folder: Path, value: float, *, who: str = "one", file: str = "toys.json", commit: bool = True, **more: Any) -> None:
    figure = {"name": "metres rolled", "value": value, "low": value - 1, "high": value + 1, "unit": "m"}
    path = folder / RESULTS / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"figures": [figure], "quick": False, "date": "2026-11-26", "machine": {"cpu": "x"}} | more), "utf-8"
    )
    if commit:
        git(folder, "add", ".")
        git(folder, "commit", "-m", "result", who=who)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init")
    (tmp_path / "roadmap").mkdir()
    (tmp_path / "roadmap" / "toys.toml").write_text(TOML, "utf-8")
    (tmp_path / RESULTS).mkdir(parents=True)
    (tmp_path / RESULTS / "other.json").write_text("{}", "utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "begin")
    return tmp_path


def only(repository: Path) -> Milestone:
    (road,) = read(repository)
    (milestone,) = road.milestones
    return milestone


def test_without_a_committed_result_nothing_is_measured(repository: Path):
    assert only(repository).status == "not measured"
    result(repository, 9.0, commit=False)
    assert only(repository).status == "not measured"  # what is only in the folder does not count
    git(repository, "add", ".")
    git(repository, "commit", "-m", "result")
    assert only(repository).status == "met"
    result(repository, 1.0, commit=False)
    assert only(repository).status == "met"


@pytest.mark.parametrize(("value", "status"), [(5.0, "met"), (4.99, "not met"), (7.0, "met")])
def test_the_figure_decides_and_is_said(repository: Path, value: float, status: str):
    result(repository, value)
    one = only(repository)
    assert (one.status, one.judged) == (status, value)
    assert one.found is not None
    assert re.fullmatch("[0-9a-f]{7,}", one.found.commit)
    assert one.found.by == ""


def test_a_bound_and_a_most_are_judged_as_they_are_stated(repository: Path):
    result(repository, 5.5)
    file = repository / "roadmap" / "toys.toml"
    file.write_text(TOML.replace("target = 5", 'target = 5\nbound = "low"'), "utf-8")
    assert (only(repository).judged, only(repository).status) == (4.5, "not met")
    file.write_text(TOML.replace("target = 5", "target = 5\nat_most = true"), "utf-8")
    assert only(repository).status == "not met"


@pytest.mark.parametrize(
    "more", [{"quick": True}, {"figures": []}, {"figures": [{"name": "metres rolled", "value": 9, "unit": "km"}]}]
)
def test_quick_runs_other_figures_and_other_units_measure_nothing(repository: Path, more: dict[str, Any]):
    result(repository, 9.0, **more)
    assert only(repository).status == "not measured"
    assert "toys.json" in only(repository).why


def test_a_re_run_by_somebody_else_decides_and_one_s_own_confirms_nothing(repository: Path):
    result(repository, 9.0)
    result(repository, 2.0, file="re-run/institute/toys.json")  # committed by the same hand
    assert (only(repository).status, only(repository).found.by) == ("met", "")  # type: ignore[union-attr]
    result(repository, 3.0, file="re-run/institute/toys.json", who="other")
    assert (only(repository).status, only(repository).found.by) == ("not met", "institute")  # type: ignore[union-attr]


def test_overdue_is_what_was_due_and_is_not_met(repository: Path):
    assert only(repository).overdue(date(2027, 7, 1))
    assert not only(repository).overdue(date(2027, 6, 30))
    result(repository, 9.0)
    assert not only(repository).overdue(date(2030, 1, 1))


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("target = 5", 'target = 5\nstatus = "met"', "never stated"),
        ("target = 5", 'target = "five"', "target"),
        ('metric = "metres rolled"\n', "", "metric"),
        ('ko = "5 m 구르기"\n', "", "both languages"),
        ("cpu_hours = 2, ", "", "cpu_hours"),
        ("due = 2027-06-30", 'due = "soon"', "due"),
        ("target = 5", 'target = 5\nbound = "best"', "bound"),
    ],
)
def test_a_roadmap_that_says_too_much_or_too_little_is_refused(repository: Path, old: str, new: str, match: str):
    file = repository / "roadmap" / "toys.toml"
    file.write_text(TOML.replace(old, new), "utf-8")
    with pytest.raises(ProblemError, match=match) as caught:
        read(repository)
    assert "toys.toml" in str(caught.value)


def test_outside_a_repository_it_says_where_the_roadmap_stands(tmp_path: Path):
    with pytest.raises(InputError, match="--repository"):
        found(tmp_path)


@pytest.mark.parametrize("code", ["en", "ko"])
def test_the_command_shows_all_four_domains_in_both_languages(code: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "130")
    use(code)
    try:
        done = CliRunner().invoke(command, ["--repository", str(ROOT)], catch_exceptions=False)
    finally:
        use("en")
    for domain in ("bio", "chip", "energy", "reactor"):
        assert re.search(rf"^{domain}  .*[●◐○]", done.output, re.MULTILINE)
    assert ("self-reported" in done.output) == (code == "en")
    assert re.search("[가-힣]", done.output) is not None or code == "en"


def test_the_four_roadmaps_are_read_and_dated_and_their_commands_write_their_results():
    for road in read(ROOT):
        assert road.domain in ("bio", "chip", "energy", "reactor")
        for one in road.milestones:
            assert date(2027, 1, 1) <= one.due <= date(2030, 12, 31)
            assert one.id.startswith(road.domain)
            assert one.result in one.command
