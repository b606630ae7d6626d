"""A backup taken from a hub that serves, restored elsewhere: same records, same files, same log, on both databases."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.hub.servers import postgresql
from tests.slow.beams import DURE, run
from tests.slow.hubs import PASSWORD, dure, serving

pytestmark = pytest.mark.needs("django", "cheroot", "psycopg", "postgres", "rocrate", "mlcroissant", "requests")


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Settings of the hub that is backed up, and of the one it is restored to."""
    if request.param == "sqlite":
        yield {}, {}
        return
    with postgresql() as here, postgresql() as there:
        yield {"DUREHUB_DATABASE": here}, {"DUREHUB_DATABASE": there}


def _publish(cwd: Path, title: str) -> str:
    (cwd / "table.csv").write_text(f"a,b\n1,{len(title)}\n", encoding="utf-8")
    said = ("--title", title, "--description", "Numbers", "--licence", "CC0-1.0", "--creator", "Kim")
    return str(json.loads(dure("publish", "table.csv", *said, "--json", cwd=cwd, who="kim"))["id"])


def test_what_was_backed_up_is_there_after_a_restore(databases: tuple[dict[str, str], dict[str, str]], tmp_path: Path):
    here, there = databases
    home, other, folder = tmp_path / "hub", tmp_path / "other", tmp_path / "backup"
    home.mkdir()
    with serving(home, **here) as hub:
        email = hub.join("Kim", hub.invitation)
        dure("login", hub.url, "--email", email, "--password", PASSWORD, cwd=tmp_path, who="kim")
        first = _publish(tmp_path, "The first")
        run("backup", folder, "--home", home, cwd=tmp_path, **here)
        second = _publish(tmp_path, "The second one")
        run("backup", folder, "--home", home, cwd=tmp_path, **here)
    third_folder = {one.name for one in (folder / "files").rglob("*") if one.is_file()}
    assert len(third_folder) >= 2

    told = run("restore", folder, "--home", other, cwd=tmp_path, **there).stdout
    assert "verifies" in told
    assert "in order" in run("serve", "--check", "--home", other, cwd=tmp_path, **there).stdout
    assert (other / "secret").read_bytes() == (home / "secret").read_bytes()
    with serving(other, restored=True, **there) as hub:
        dure("login", hub.url, "--email", email, "--password", PASSWORD, cwd=tmp_path, who="kim")
        for number, one in enumerate((first, second)):
            dure("pull", one, "--out", f"back{number}", cwd=tmp_path, who="kim")
            dure("verify", f"back{number}", cwd=tmp_path, who="kim")


def test_a_backup_that_lost_a_file_is_found_out(tmp_path: Path):
    home, folder = tmp_path / "hub", tmp_path / "backup"
    home.mkdir()
    with serving(home) as hub:
        email = hub.join("Kim", hub.invitation)
        dure("login", hub.url, "--email", email, "--password", PASSWORD, cwd=tmp_path, who="kim")
        _publish(tmp_path, "The first")
        run("backup", folder, "--home", home, cwd=tmp_path)
    (one, *_more) = [file for file in (folder / "files").rglob("*") if file.is_file()]
    one.write_bytes(b"others")
    command = [*DURE, "restore", str(folder), "--home", str(tmp_path / "other")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert "missing or are others" in done.stderr
    again = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "is not empty" in again.stderr
