"""The hub's fast tests once more on PostgreSQL: the same filter, search and life of a record in the database of production."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/fast").glob("test_hub_*.py"))
FURTHER = ["tests/fast/test_access.py", "tests/fast/test_korean_search.py"]


def _as_somebody(command: list[str]) -> list[str]:
    """PostgreSQL does not run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def database() -> Iterator[str]:
    tools = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    home, port = Path(tempfile.mkdtemp(prefix="dure-pg-")), _free_port()
    home.chmod(0o700)
    if os.geteuid() == 0:
        shutil.chown(home, "postgres", "postgres")
    data = str(home / "data")
    try:
        initdb = [str(tools / "initdb"), "-D", data, "-A", "trust", "-U", "dure", "-E", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run(_as_somebody(initdb), check=True, capture_output=True, cwd="/")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off"
        start = [str(tools / "pg_ctl"), "-D", data, "-w", "-t", "120", "-o", options, "-l", str(home / "log"), "start"]
        subprocess.run(_as_somebody(start), check=True, capture_output=True, cwd="/")
        try:
            yield f"postgresql://dure@127.0.0.1:{port}/postgres"
        finally:
            stop = [str(tools / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop"]
            subprocess.run(_as_somebody(stop), check=True, capture_output=True, cwd="/")
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.mark.needs("django", "psycopg", "postgres")
def test_everything_that_holds_on_sqlite_holds_on_postgresql(database: str):
    environment = os.environ | {"DUREHUB_DATABASE": database}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TESTS, *FURTHER]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout
