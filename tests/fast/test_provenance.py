"""Provenance names what ran: the environment, and the code by its hash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dure.canonical import canonical
from dure.errors import (
    ValueRefused,
)
from dure.journal import code_hash, environment, store
from tests.fast.journals import sha256


def test_the_environment_names_what_ran():
    found = environment(("Hypothesis", "no-such-distribution"))
    import hypothesis

    assert found["versions"] == {"Hypothesis": hypothesis.__version__, "no-such-distribution": None}
    assert found["python"] == sys.version.split()[0]
    assert all(isinstance(found[name], str) and found[name] for name in ("host", "platform", "cpu", "lock"))
    assert canonical(found)


def test_the_lock_is_that_of_the_installed_packages(tmp_path: Path):
    for name, version in [("Zz_Top", "1.0"), ("aa.bb", "2")]:
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    code = f"""
import sys
from dure.journal.provenance import environment
sys.path[:] = [{str(tmp_path)!r}]
print(environment()["lock"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == sha256("aa-bb==2\nzz-top==1.0")


def test_the_hash_of_code_changes_with_the_code_and_only_with_it(tmp_path: Path):
    def write(home: str, *, body: str = "x = 1\n", name: str = "b.py") -> Path:
        package = tmp_path / home / "package"
        (package / "sub").mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "sub" / name).write_text(body)
        return package

    first = write("one")
    value = code_hash(first)
    (first / "notes.txt").write_text("1,2\n")
    assert code_hash(first) == value == code_hash(first / "__init__.py") == code_hash(write("two"))
    others = {code_hash(write("three", body="x = 2\n")), code_hash(write("four", name="c.py"))}
    assert len(others | {value}) == 3
    assert code_hash(first / "sub" / "b.py") == sha256("x = 1\n")
    (first / "table.csv").write_text("1,2\n")  # what code reads from its own package decides what it computes
    with_table = code_hash(first)
    assert with_table not in others | {value}
    (first / "table.csv").write_text("1,3\n")
    assert code_hash(first) != with_table


def test_a_module_is_hashed_by_its_source():
    import dure.journal

    assert code_hash(store) == sha256(Path(store.__file__).read_bytes())
    assert code_hash(dure.journal) == code_hash(Path(store.__file__).parent)


@pytest.mark.parametrize("source", [sys, Path("no/such.py"), Path(__file__).with_name("no.csv")])
def test_code_that_cannot_be_found_is_refused(source: Any):
    with pytest.raises(ValueRefused, match="no Python source"):
        code_hash(source)
