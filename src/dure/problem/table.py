"""A table on disk, read as text: CSV as people write it, or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from dure.errors import InputError, MissingPart
from dure.i18n import _

__all__ = ["NOTHING", "Table", "read_table"]

NOTHING = ("", "na", "n/a", "nan", "none", "null", "-")
"""What stands, in small letters, where nothing was measured."""


@dataclass(frozen=True)
class Table:
    """``rows`` hold a text for each of ``columns``, empty where nothing stands; ``sha256`` is that of the file.

    ``lines`` says where each row ends: its line in a CSV, its number in a Parquet file.
    """

    path: Path
    sha256: str
    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, str]]
    lines: Sequence[int]

    def refused(self, why: object, row: int | None = None) -> InputError:
        """The error for what is wrong in a row, or in the first line."""
        line = 1 if row is None else self.lines[row]
        if self.path.suffix == ".parquet":
            return InputError(_("{table}, row {row}: {error}").format(table=self.path, row=line, error=why))
        return InputError(_("{table}, line {line}: {error}").format(table=self.path, line=line, error=why))


def read_table(path: Path) -> Table:
    """Read a CSV with one line of column names, in UTF-8, or a Parquet file (``.parquet``).

    What stands between cells is a comma, a semicolon or a tab: that which makes most columns of the first line.

    Raises:
        InputError: it cannot be read, a column stands there twice, or a line has more or fewer cells than the first.
        MissingPart: Parquet, and pyarrow is not installed.
    """
    try:
        data = path.read_bytes()
        read = _parquet if path.suffix == ".parquet" else _csv
        return read(path, sha256(data).hexdigest(), data)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(_("{table} cannot be read as a UTF-8 table: {error}").format(table=path, error=error)) from None


def _csv(path: Path, digest: str, data: bytes) -> Table:
    text = data.decode("utf-8-sig")
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=_between(text))
    rows, lines = [], []
    try:
        _check_once(reader.fieldnames or ())
        for row in reader:
            if None in row or None in row.values():
                raise InputError(_("it has more or fewer cells than the first line"))
            rows.append(row)
            lines.append(reader.reader.line_num)
    except (InputError, csv.Error) as error:
        here = Table(path, digest, (), (), (max(reader.reader.line_num, 1),))
        raise here.refused(error, 0) from None
    return Table(path, digest, tuple(reader.fieldnames or ()), rows, lines)


def _between(text: str) -> str:
    first = text.lstrip("\r\n").splitlines()[:1]
    try:
        return max(",;\t", key=lambda mark: len(next(csv.reader(first, delimiter=mark), [])))
    except csv.Error:
        return ","  # what is wrong with the line is said when it is read


def _parquet(path: Path, digest: str, data: bytes) -> Table:
    try:
        import pyarrow
        from pyarrow.parquet import read_table as read
    except ModuleNotFoundError:
        raise MissingPart(_('{table} needs pyarrow: pip install "dure[tables]"').format(table=path)) from None
    try:
        found = read(io.BytesIO(data))
    except pyarrow.ArrowException as error:
        raise InputError(_("{table} cannot be read as a Parquet table: {error}").format(table=path, error=error)) from None
    columns = tuple(map(str, found.column_names))
    table = Table(path, digest, columns, (), ())
    try:
        _check_once(columns)
    except InputError as error:
        raise table.refused(error) from None
    rows = [{name: _text(value) for name, value in row.items()} for row in found.to_pylist()]
    return Table(path, digest, columns, rows, range(1, len(rows) + 1))


def _check_once(columns: Iterable[str]) -> None:
    given = list(columns)
    if twice := sorted({name for name in given if given.count(name) > 1}):
        raise InputError(_("columns {names} stand there twice").format(names=", ".join(twice)))


def _text(value: Any) -> str:
    return "" if value is None else str(value)
