"""The hub with 1,000,000 records, on SQLite and on PostgreSQL: how long its questions take; and its transfers.

python -m benchmarks.hub [--quick] [--resume DIR] [--json FILE]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from statistics import quantiles
from typing import Any

from benchmarks.figures import Figure, Options, Row, present
from benchmarks.hub.queries import SHAPES
from benchmarks.hub.servers import postgresql

RECORDS, QUICK = 1_000_000, 20_000
DATABASES = ("SQLite", "PostgreSQL")
TUNED = "-c fsync=off -c shared_buffers=1GB -c work_mem=32MB -c maintenance_work_mem=512MB -c random_page_cost=1.1 -c jit=off"
TARGETS = {
    "newest 20": {"SQLite": 50.0, "PostgreSQL": 50.0},
    "first page of a search": {"SQLite": 100.0, "PostgreSQL": 200.0},
    "capped count and facets, no words": {"SQLite": 300.0, "PostgreSQL": 300.0},
    "capped count and facets, words": {"SQLite": 300.0, "PostgreSQL": 300.0},
}
"""Milliseconds, for the 95th percentile."""
SHEET = {
    ("newest 20", "SQLite"): "0.1, query alone",
    ("newest 20", "PostgreSQL"): "2.7, query alone",
    ("first page of a search", "SQLite"): "0.2 to 1.2, query alone, one tier",
    ("first page of a search", "PostgreSQL"): "113 to 507, query alone, one tier",
    ("capped count and facets, no words", "SQLite"): "4830 uncapped",
    ("capped count and facets, no words", "PostgreSQL"): "5298 uncapped",
    ("capped count and facets, words", "SQLite"): "1.6 to 25, count alone",
    ("capped count and facets, words", "PostgreSQL"): "87 to 320, count alone",
}
"""Medians of the pilot in facts/hub.md 2, in milliseconds, on a busy machine with other texts."""


def asked(database: str, records: int, repeats: int) -> Row:
    """A database filled and asked in a process of its own."""
    server = postgresql(settings=TUNED) if database == "PostgreSQL" else nullcontext("")
    with server as address, tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"DUREHUB_HOME": home, "DUREHUB_DATABASE": address}
        command = [sys.executable, "-m", "benchmarks.hub.queries", str(records), str(repeats)]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout))


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Both databases."""
    records, repeats = (QUICK, 2) if options.quick else (RECORDS, 5)
    rows, figures = [], []
    for database in DATABASES:
        row = options.row(f"{database}, {records:,} records", partial(asked, database, records, repeats))
        rows.append(row)
        figures += [_figure(shape, database, row["ms"][shape]) for shape in SHAPES]
        figures.append(Figure(f"database, {database}", row["bytes"] / 1e6, unit="MB"))
    return figures, rows


def _figure(shape: str, database: str, times: Sequence[Any]) -> Figure:
    """The 95th percentile over all questions, between the median and the worst."""
    taken = sorted(time for _asked, time in times)
    low, high = quantiles(taken, n=20)[9], taken[-1]
    target = TARGETS.get(shape, {}).get(database)
    return Figure(
        f"{shape}, {database}, p95",
        quantiles(taken, n=20)[18],
        low,
        high,
        unit="ms",
        target=target,
        at_most=True,
        peer=SHEET.get((shape, database)),
    )


if __name__ == "__main__":
    present("hub", __doc__, study)
