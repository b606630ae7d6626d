"""The program that looks into a table: its first rows and what its columns hold, as JSON. It runs in ``sandbox`` alone.

    python summary.py csv|tsv|parquet < TABLE

It imports nothing of Dure's, so that nothing of Dure's is within its reach.
"""

import json
import math
import resource
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

ROWS, COLUMNS, LETTERS = 10, 100, 100
MEMORY, SECONDS = 3 << 30, 30


def main() -> None:
    """Bound this process before a byte is read, then read; null about what is no table."""
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_FSIZE, 0)):
        resource.setrlimit(what, (most, most))
    try:
        told: dict[str, Any] | None = summary(sys.stdin.buffer, sys.argv[1])
    except Exception:  # whatever a stranger's table makes of its reader
        told = None
    json.dump(told, sys.stdout, allow_nan=False)


def summary(stream: BinaryIO, kind: str) -> dict[str, Any]:
    """The first rows as text, how many there are, and of each column its type, gaps, least, largest and mean."""
    from pyarrow import ArrowInvalid

    try:
        return _summed(_batches(stream, kind, as_text=False))
    except ArrowInvalid:  # a column that begins with numbers and goes on with words
        if kind == "parquet":
            raise
        stream.seek(0)
        return _summed(_batches(stream, kind, as_text=True))


def _batches(stream: BinaryIO, kind: str, *, as_text: bool) -> Iterator[Any]:
    import pyarrow as pa

    if kind == "parquet":
        from pyarrow.parquet import ParquetFile

        file = ParquetFile(stream)
        yield pa.RecordBatch.from_pylist([], schema=file.schema_arrow)
        yield from file.iter_batches(batch_size=10_000)
        return
    from pyarrow import csv

    parse, names = csv.ParseOptions(delimiter="\t" if kind == "tsv" else ","), []
    if as_text:
        names = csv.open_csv(stream, parse_options=parse).schema.names
        stream.seek(0)
    convert = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True)
    reader = csv.open_csv(stream, parse_options=parse, convert_options=convert)
    yield pa.RecordBatch.from_pylist([], schema=reader.schema)
    yield from reader


def _summed(batches: Iterator[Any]) -> dict[str, Any]:
    schema, rows = next(batches).schema, 0
    first: list[list[str]] = []
    columns = [_Column(field) for field in list(schema)[:COLUMNS]]
    for batch in batches:
        if len(first) < ROWS:
            first += [[_text(value) for value in row.values()] for row in _rows(batch, len(columns), ROWS - len(first))]
        rows += batch.num_rows
        for column, values in zip(columns, batch.columns, strict=False):
            column.take(values)
    return {"rows": rows, "columns": len(schema), "first": first, "about": [one.plain() for one in columns]}


def _rows(batch: Any, columns: int, most: int) -> list[dict[int, Any]]:
    """By number, because names may stand twice."""
    head = [column.slice(0, most).to_pylist() for column in batch.columns[:columns]]
    return [dict(enumerate(values)) for values in zip(*head, strict=True)]


def _text(value: Any) -> str:
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"


class _Column:
    """What was seen of a column so far."""

    def __init__(self, field: Any) -> None:
        import pyarrow.types as types

        kind = field.type
        self.name, self.type = field.name, str(kind)
        self.numeric = types.is_integer(kind) or types.is_floating(kind)
        self.count, self.sum = 0, 0.0
        self.least, self.largest = math.inf, -math.inf

    def take(self, values: Any) -> None:
        """A further part of the column; what is not a number counts as missing."""
        import pyarrow as pa
        from pyarrow import compute

        if self.numeric:
            values = values.cast(pa.float64(), safe=False)
            values = values.filter(compute.is_finite(values).fill_null(False)) if len(values) else values
        numbers = len(values) - values.null_count
        self.count += numbers
        if self.numeric and numbers:
            ends = compute.min_max(values).as_py()
            self.least, self.largest = min(self.least, ends["min"]), max(self.largest, ends["max"])
            self.sum += compute.sum(values).as_py()

    def plain(self) -> dict[str, Any]:
        """As data; least, largest and mean of numbers alone."""
        told: dict[str, Any] = {"name": _text(self.name), "type": _text(self.type), "count": self.count}
        told |= dict.fromkeys(("least", "largest", "mean"))
        if self.numeric and self.count:
            mean = self.sum / self.count
            told |= {"least": self.least, "largest": self.largest, "mean": mean if math.isfinite(mean) else None}
        return told


if __name__ == "__main__":
    main()
