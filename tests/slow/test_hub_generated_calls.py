"""Calls that schemathesis makes up from the API's own description: none may break the hub.

    DURE_GENERATED_S=600 python -m pytest -s tests/slow/test_hub_generated_calls.py

goes on for ten minutes; in the suite it is a short run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dure.client import Hub
from tests.slow.hubs import PASSWORD, Running, dure, serving

pytestmark = [
    pytest.mark.needs("django", "waitress", "requests", "rocrate", "mlcroissant", "schemathesis"),
    pytest.mark.timeout(2_000),
]

SECONDS = int(os.environ.get("DURE_GENERATED_S", "40"))


SAID = ("--title", "A table", "--description", "Measured.", "--licence", "CC-BY-4.0", "--creator", "Kim, Minji")


@pytest.mark.parametrize("known", [False, True], ids=["anything", "a record that is there"])
def test_no_generated_call_breaks_the_hub(tmp_path: Path, known: bool):
    with serving(tmp_path) as hub:
        email = hub.join("Kim Member", hub.invitation)
        with Hub(hub.url) as visitor:
            token = visitor.token(email, PASSWORD, name="test")
        if known:
            (tmp_path / "schemathesis.toml").write_text(
                f'[parameters]\nhandle = "{_published(hub, email)}"\nnumber = 1\n', "utf-8"
            )
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{hub.url}/api/v1/openapi.json"),
            *("--header", f"Authorization:Bearer {token}", "--header", "Tus-Resumable:1.0.0"),
            *("--checks", "not_a_server_error", "--max-time", str(SECONDS // 2), "--max-examples", "100000", "--no-color"),
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    print(done.stdout[-600:])
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert re.search(r"[1-9]\d+ generated", done.stdout), done.stdout


def _published(hub: Running, email: str) -> str:
    """A record of one file; its handle."""
    (hub.home / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    dure("login", hub.url, "--email", email, "--password", PASSWORD, cwd=hub.home, who="member")
    found = re.search(r"dure:([0-9a-z]{12})/v1", dure("publish", "table.csv", *SAID, cwd=hub.home, who="member"))
    assert found
    return found[1]
