"""Looks into one table and prints what it holds as JSON: run as a program of its own, because tables come from strangers.

python -I -m durehub.catalogue.looking csv|parquet < TABLE

Before the first byte is read it gives up what it will not need: memory, time, writing, opening files, starting programs, the
network. Whoever starts it takes the network away as well, where the system lets it.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

__all__ = ["MOST_ROWS", "SHOWN"]

SHOWN = 10
MOST_ROWS = 1_000_000
_MOST_COLUMNS = 100
_LONGEST = 100
_MEMORY, _SECONDS = 2 << 30, 20
_FORBIDDEN = ("open", "os.", "socket.", "subprocess.", "shutil.", "ctypes.", "import", "pty.", "fcntl.")


def _look(form: str) -> dict[str, Any]:
    import pyarrow
    import pyarrow.compute
    from pyarrow import csv, parquet

    source = pyarrow.PythonFile(sys.stdin.buffer, mode="r")
    pyarrow.compute.sum(pyarrow.array([1]))  # loads what is loaded late
    _give_up()
    if form == "csv":
        batches = csv.open_csv(source, csv.ReadOptions(use_threads=False))
    else:
        batches = parquet.ParquetFile(source, pre_buffer=False).iter_batches(use_threads=False)
    rows: list[Any] = []
    columns: dict[str, _Column] = {}
    count, whole = 0, True
    for batch in batches:
        if not columns:
            columns = {name: _Column(str(batch.schema.field(name).type)) for name in batch.schema.names[:_MOST_COLUMNS]}
        if len(rows) < SHOWN:
            shown = batch.slice(0, SHOWN - len(rows))
            rows += zip(*([_word(one.as_py()) for one in shown.column(name)] for name in columns), strict=True)
        for name, column in columns.items():
            column.take(batch.column(name))
        count += batch.num_rows
        if count >= MOST_ROWS:
            whole = False
            break
    return {
        "columns": [{"name": name[:_LONGEST]} | column.said() for name, column in columns.items()],
        "rows": rows,
        "counted": count,
        "whole": whole,
    }


class _Column:
    """What is known of a column so far."""

    def __init__(self, kind: str) -> None:
        self.kind, self.missing, self.count, self.sum = kind, 0, 0, 0.0
        self.least: Any = None
        self.most: Any = None

    def take(self, values: Any) -> None:
        """Count a batch in."""
        import pyarrow.compute as pc
        from pyarrow import types

        self.missing += values.null_count
        kind = values.type
        if not (types.is_integer(kind) or types.is_floating(kind) or types.is_temporal(kind)) or len(values) == values.null_count:
            return
        ends = pc.min_max(values).as_py()
        self.least = ends["min"] if self.least is None else min(self.least, ends["min"])
        self.most = ends["max"] if self.most is None else max(self.most, ends["max"])
        if not types.is_temporal(kind):
            self.count += len(values) - values.null_count
            self.sum += float(pc.sum(values).as_py())

    def said(self) -> dict[str, Any]:
        """As JSON."""
        told = {"type": self.kind[:_LONGEST], "missing": self.missing, "mean": _word(self.sum / self.count) if self.count else ""}
        return told | {"least": _word(self.least), "most": _word(self.most)}


def _word(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:_LONGEST]


def _give_up() -> None:
    for what, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _SECONDS), (resource.RLIMIT_FSIZE, 0)):
        resource.setrlimit(what, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    sys.addaudithook(_refuse)


def _refuse(event: str, _arguments: Any) -> None:
    if event.startswith(_FORBIDDEN):
        raise PermissionError(event)


if __name__ == "__main__":
    try:
        print(json.dumps(_look(sys.argv[1])))
    except Exception as error:  # whatever a stranger's file does to the reader is said in one word
        print(json.dumps({"problem": type(error).__name__}))
