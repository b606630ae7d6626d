"""A backup taken while the hub serves, and the hub made from it: everything is there, and nothing that was altered passes."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from benchmarks.hub.servers import postgresql
from tests.slow.beams import DURE, run
from tests.slow.hubs import PASSWORD, Running, dure, serving

pytestmark = pytest.mark.needs("django", "waitress", "rocrate", "mlcroissant")

TABLE = "temperature,yield\n300,0.5\n"
SAID = (
    "--title",
    "A table",
    "--description",
    "Measured.",
    "--licence",
    "CC-BY-4.0",
    "--creator",
    "Kim, Minji",
    "--level",
    "open",
)


def filled(home: Path, running: Running) -> str:
    """A published record; its identifier."""
    member = running.join("Kim Member", running.invitation)
    dure("login", running.url, "--email", member, "--password", PASSWORD, cwd=home, who="member")
    (home / "table.csv").write_text(TABLE, encoding="utf-8")
    told = dure("publish", "table.csv", *SAID, cwd=home, who="member")
    found = re.search(r"dure:[0-9a-z]{12}/v1", told)
    assert found, told
    return found[0]


def comes_back(tmp_path: Path, **environment: str) -> None:
    """What was published on one hub is pulled, checked, from the hub that was made from its backup; accounts hold as well."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    before = {name: environment[name] for name in environment if name != "DUREHUB_RESTORED"}
    after = {"DUREHUB_DATABASE": environment["DUREHUB_RESTORED"]} if environment else {}
    with serving(first, **before) as running:
        identifier = filled(first, running)
        run("backup", tmp_path / "hub.tar", "--home", first, cwd=tmp_path, **before)
        dure("publish", "table.csv", *SAID, cwd=first, who="member")  # later than the backup
    assert (tmp_path / "hub.tar").stat().st_mode & 0o077 == 0
    run("restore", tmp_path / "hub.tar", "--home", second, cwd=tmp_path, **after)
    assert "verifies" in run("audit", "verify", "--home", second, cwd=tmp_path, **after).stdout
    with serving(second, fresh=False, **after) as running:
        dure("login", running.url, "--email", "member@example.org", "--password", PASSWORD, cwd=second, who="member")
        assert "1 of 1" in dure("search", "table", cwd=second, who="member")
        dure("pull", identifier, "--out", "pulled", cwd=second, who="member")
        assert (second / "pulled" / "table.csv").read_text("utf-8") == TABLE


def test_a_hub_comes_back_from_its_backup(tmp_path: Path):
    comes_back(tmp_path)


@pytest.mark.needs("psycopg", "postgres")
def test_a_hub_on_postgresql_comes_back_too(tmp_path: Path):
    with postgresql() as database:
        for name in ("first", "second"):
            make = ["psql", "--no-psqlrc", "--command", f"CREATE DATABASE {name}", database]
            subprocess.run(make, check=True, capture_output=True)
        server = database.rpartition("/")[0]
        comes_back(tmp_path, DUREHUB_DATABASE=f"{server}/first", DUREHUB_RESTORED=f"{server}/second")


def test_an_altered_backup_is_not_taken(tmp_path: Path):
    home = tmp_path / "hub"
    home.mkdir()
    with serving(home) as running:
        filled(home, running)
        run("backup", tmp_path / "hub.tar", "--home", home, cwd=tmp_path)
    with tarfile.open(tmp_path / "hub.tar") as archive:
        archive.extractall(tmp_path / "open", filter="data")
    (file,) = (path for path in (tmp_path / "open/files").glob("*/*/*") if path.read_bytes() == TABLE.encode())
    file.write_bytes(TABLE.replace("0.5", "0.6").encode())
    with tarfile.open(tmp_path / "altered.tar", "w") as archive:
        for path in (tmp_path / "open").iterdir():
            archive.add(path, path.name)
    said = refused(tmp_path, "restore", "altered.tar", "--home", "other")
    assert "not what was uploaded" in said
    assert "not empty" in refused(tmp_path, "restore", "hub.tar", "--home", "hub")
    (tmp_path / "no.tar").write_bytes(b"nothing")
    assert "no backup" in refused(tmp_path, "restore", "no.tar", "--home", "third")
    assert "there already" in refused(tmp_path, "backup", "hub.tar", "--home", "hub")


def refused(folder: Path, *arguments: str) -> str:
    done = subprocess.run([*DURE, *arguments], cwd=folder, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    return done.stderr
