"""The sandbox that looks into tables: what runs in it reaches nothing, and what is wrong with a table stays within it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from dure.client import Hub
from tests.slow.hubs import PASSWORD, dure, serving

pytestmark = pytest.mark.needs("bwrap", "django", "pyarrow")

PROBE = """
import os, socket, sys

def tried(what):
    try:
        return repr(what())
    except Exception as error:
        return type(error).__name__

def written():
    with open("/program.py", "w"):
        pass

print(tried(lambda: open(PATH).read()))
print(tried(lambda: socket.create_connection(("127.0.0.1", PORT), 2)))
print(tried(lambda: os.kill(PID, 0)))
print(tried(written))
print(sorted(os.environ))
print(sys.stdin.read())
"""


def test_what_runs_in_the_sandbox_reaches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from durehub.lib import sandbox

    monkeypatch.setenv("SECRET", "of the hub")
    secret, table = tmp_path / "secret", tmp_path / "table.csv"
    secret.write_text("secret")
    table.write_text("a,b")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        known = f"PATH, PORT, PID = {str(secret)!r}, {listening.getsockname()[1]}, {os.getpid()}\n"
        program = tmp_path / "probe.py"
        program.write_text(known + PROBE)
        with table.open("rb") as stream:
            said = sandbox.shut_in(program, stdin=stream)
    assert said is not None
    read, connected, killed, written, environment, table_text = said.decode().splitlines()
    assert read == "FileNotFoundError"
    assert connected in ("ConnectionRefusedError", "OSError")  # a network of its own, where nobody listens
    assert killed == "ProcessLookupError"
    assert written in ("OSError", "PermissionError")
    assert "SECRET" not in environment
    assert table_text == "a,b"


@pytest.mark.parametrize(("kind", "data"), [("parquet", b"PAR1 and nothing more PAR1"), ("csv", b"a,b\n1,2,3\n"), ("csv", b"")])
def test_what_is_no_table_tells_nothing(tmp_path: Path, kind: str, data: bytes):
    from durehub.lib import sandbox, summary

    (tmp_path / "table").write_bytes(data)
    with (tmp_path / "table").open("rb") as stream:
        assert sandbox.shut_in(Path(str(summary.__file__)), kind, stdin=stream) == b"null"


def test_what_takes_too_much_ends(tmp_path: Path):
    from durehub.lib import sandbox, summary

    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n")
    bounded = Path(str(summary.__file__)).read_text("utf-8").replace('if __name__ == "__main__":\n    main()\n', "")
    for greed in ("x = bytearray(5 << 30)", "while True: pass", "print('x' * (2 << 20))", "import os; os.abort()"):
        program = tmp_path / "greedy.py"
        program.write_text(
            bounded.replace("SECONDS = 3 << 30, 30", "SECONDS = 3 << 30, 2").replace(
                "    json.dump(", f"    {greed}\n    json.dump("
            )
            + "main()\n"
        )
        with table.open("rb") as stream:
            assert sandbox.shut_in(program, "csv", stdin=stream) is None, greed


@pytest.mark.needs("cheroot", "requests", "rocrate", "mlcroissant")
def test_a_table_is_looked_into_by_who_may_read_it(tmp_path: Path):
    import requests

    with serving(tmp_path) as hub:
        email = hub.join("Kim Member", hub.invitation)
        dure("login", hub.url, "--email", email, "--password", PASSWORD, cwd=tmp_path, who="member")
        (tmp_path / "table.csv").write_text("temperature,yield\n300,0.5\n310,0.7\n", encoding="utf-8")
        (tmp_path / "about.toml").write_text(ABOUT, encoding="utf-8")
        dure(
            "publish",
            "table.csv",
            "--describe",
            "about.toml",
            "--level",
            "open",
            "--files",
            "private",
            cwd=tmp_path,
            who="member",
        )
        with Hub(hub.url, Hub(hub.url).token(email, PASSWORD, name="test")) as mine:
            (hit,) = mine.search("").records
            at = f"{hub.url}/api/v1/records/{hit.id.removeprefix('dure:')}/versions/1/previews"
            owner = {"Authorization": mine._session.headers["Authorization"]}
        found = requests.get(f"{at}/table.csv", headers=owner, timeout=90).json()
        assert found["first"] == [["300", "0.5"], ["310", "0.7"]]
        assert [(one["name"], one["unit"], one["mean"]) for one in found["about"]] == [
            ("temperature", "K", 305.0),
            ("yield", "1", 0.6),
        ]
        assert requests.get(f"{at}/table.csv", timeout=90).status_code == 404


ABOUT = """
title = "A table"
description = "Measured."
licence = "CC-BY-4.0"
[[creators]]
name = "Kim, Minji"
[[columns]]
file = "table.csv"
name = "temperature"
unit = "K"
[[columns]]
file = "table.csv"
name = "yield"
unit = "1"
"""
