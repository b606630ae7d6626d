"""A database's password is told to PostgreSQL's programs where other people on the machine cannot read it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

PROGRAM = f"""#!{sys.executable}
import json, os, sys
from pathlib import Path
known = {{name: os.environ.get(name) for name in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD")}}
Path(__file__).with_name("told").write_text(json.dumps([sys.argv[1:], known]))
"""


def test_a_restore_keeps_the_password_off_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from durehub.serve.files import restore

    folder, programs = tmp_path / "backup", tmp_path / "programs"
    folder.mkdir()
    programs.mkdir()
    (folder / "secret").write_text("key")
    (folder / "hub.pgdump").write_text("database")
    (programs / "pg_restore").write_text(PROGRAM)
    (programs / "pg_restore").chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DUREHUB_DATABASE", "postgresql://keeper:p%40ss%3Aword@127.0.0.1:5433/dure")
    restore(folder, tmp_path / "home")
    arguments, known = json.loads((programs / "told").read_text())
    assert arguments[-3:] == ["--dbname", "dure", str(folder / "hub.pgdump")]
    assert known == {"PGHOST": "127.0.0.1", "PGPORT": "5433", "PGUSER": "keeper", "PGPASSWORD": "p@ss:word"}
    assert not any("word" in one for one in arguments)
