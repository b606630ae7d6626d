"""Previews of tables: what they say, that they end where files end, and that a table is looked into by something harmless."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fast import hub_home
from tests.fast.hub_people import Caller, person

pytestmark = pytest.mark.needs("django", "ninja", "pyarrow")

TABLE = "temperature,yield,이름\n300,0.5,a\n310,0.75,나\n320,,<b>\n".encode()


@pytest.fixture(autouse=True)
def hub() -> Iterator[None]:
    hub_home.ready()
    with hub_home.undone():
        yield


def preview(who: Caller, handle: str, path: str = "a.csv") -> Any:
    return who.get(f"records/{handle}/versions/1/previews/{path}")


def test_first_rows_and_columns_of_a_table():
    who = person("kim")
    told = preview(who, who.publish(data=TABLE)).json()
    assert (told["counted"], told["whole"], told["problem"]) == (3, True, "")
    assert told["rows"] == [["300", "0.5", "a"], ["310", "0.75", "나"], ["320", "", "<b>"]]
    temperature, produced, names = told["columns"]
    assert [temperature[key] for key in ("type", "least", "mean", "most", "missing")] == ["int64", "300", "310", "320", 0]
    assert [produced[key] for key in ("type", "least", "mean", "most", "missing")] == ["double", "0.5", "0.625", "0.75", 1]
    assert [names[key] for key in ("name", "least", "mean")] == ["이름", "", ""]


def test_a_parquet_table():
    import pyarrow
    from pyarrow import parquet

    made = io.BytesIO()
    parquet.write_table(pyarrow.table({"x": list(range(5_000))}), made)
    who = person("kim")
    told = preview(who, who.publish(data=made.getvalue(), path="b.parquet"), "b.parquet").json()
    assert (told["counted"], len(told["rows"]), told["columns"][0]["mean"]) == (5_000, 10, "2499.5")


def test_a_preview_ends_with_a_grant_and_with_the_version():
    who, other = person("kim"), person("lee")
    handle = who.publish(data=TABLE, level="open", files_level="private")
    assert preview(who, handle).status_code == 200
    shut, nothing = preview(other, handle), preview(other, "0" * 12)
    assert (shut.status_code, shut.content) == (nothing.status_code, nothing.content) == (404, nothing.content)
    who.call("POST", f"records/{handle}/versions/1/withdrawal", {"reason": "a mistake"})
    assert preview(who, handle).status_code == 404


def test_what_is_no_table_has_no_preview():
    who = person("kim")
    handle = who.publish(data=b'{"a": 1}', path="a.json")
    assert preview(who, handle, "a.json").status_code == 404
    broken = who.publish(data=b"a,b\n1\n2,3,4\n")
    assert preview(who, broken).json()["problem"] == "ArrowInvalid"


TRIES = {
    "reads a file": "open('/etc/passwd')",
    "writes a file": "import os; os.write(1, b'x'); open('/tmp/dure-escaped', 'w')",
    "starts a program": "import subprocess; subprocess.run(['true'])",
    "calls somebody": "import socket; socket.create_connection(('127.0.0.1', 1))",
    "takes memory": "bytearray(3 << 30)",
}


@pytest.mark.parametrize("attempt", TRIES)
def test_after_it_gave_up_what_it_does_not_need_it_can_do_no_harm(attempt: str):
    """What code that a table smuggled in would try, in the process that has given up its rights."""
    ready = "import os, socket, subprocess\nfrom durehub.catalogue import looking\nlooking._give_up()"
    code = f"{ready}\n{TRIES[attempt]}\nprint('done')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "done" not in done.stdout
    assert "PermissionError" in done.stderr or "MemoryError" in done.stderr
