"""The hub's fast tests once more on PostgreSQL: the same filter, search and life of a record in the database of production."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.hub.servers import postgresql

ROOT = Path(__file__).parents[2]
TESTS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/fast").glob("test_hub_*.py"))
FURTHER = ["tests/fast/test_access.py", "tests/fast/test_korean_search.py"]


@pytest.fixture
def database() -> Iterator[str]:
    with postgresql() as address:
        yield address


@pytest.mark.needs("django", "psycopg", "postgres")
def test_everything_that_holds_on_sqlite_holds_on_postgresql(database: str):
    environment = os.environ | {"DUREHUB_DATABASE": database}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TESTS, *FURTHER]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout
