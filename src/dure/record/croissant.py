"""The tables of a record described in Croissant, so that programs can load them column by column."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from dure.errors import InputError, MissingPart
from dure.i18n import _
from dure.record.about import About, Column
from dure.record.formats import File
from dure.record.identifiers import licence

__all__ = ["CROISSANT", "columns_of", "croissant"]

CROISSANT = "croissant.json"
_TABLES = (".csv", ".parquet")
_ROWS = 10_000


def columns_of(root: Path, files: Iterable[File]) -> list[Column]:
    """The columns of the tables among ``files``, in order, without units.

    Raises:
        InputError: one of them is no table.
    """
    return [Column(one.path, name) for one in files if one.path.endswith(_TABLES) for name in _kinds(root / one.path)]


def croissant(root: Path, about: About, files: Iterable[File], made: str) -> bytes | None:
    """Croissant 1.0 in JSON-LD for the tables among ``files``; None when there are none.

    Raises:
        InputError: a table cannot be read, or the result would not be valid Croissant.
    """
    tables = [one for one in files if one.path.endswith(_TABLES)]
    if not tables:
        return None
    import mlcroissant as mlc

    units = {(one.file, one.name): one.unit for one in about.columns}
    objects, sets = [], []
    for one in tables:
        objects.append(
            mlc.FileObject(id=one.path, name=one.path, content_url=one.path, encoding_formats=[one.format], sha256=one.sha256)
        )
        sets.append(_record_set(mlc, root, one, units))
    context = mlc.Context(is_live_dataset=False)
    metadata = mlc.Metadata(
        ctx=context,
        name=re.sub(r"[^\w-]+", "-", about.title)[:100].strip("-") or "record",
        description=about.description,
        date_published=datetime.fromisoformat(made),
        license=[licence(about.licence).url],
        creators=[mlc.Person(name=one.name, url=one.orcid or None) for one in about.creators],
        cite_as=", ".join(one.name for one in about.creators),
        version="1.0.0",
        distribution=objects,
        record_sets=sets,
    )
    if metadata.issues.errors:
        raise InputError(
            _("the tables cannot be described in Croissant: {cause}").format(cause="; ".join(sorted(metadata.issues.errors)))
        )
    return (json.dumps(metadata.to_json(), indent=1, ensure_ascii=False, default=str) + "\n").encode()


def _record_set(mlc: Any, root: Path, table: File, units: dict[tuple[str, str], str]) -> Any:
    fields = []
    for name, kind in _kinds(root / table.path).items():
        unit = units.get((table.path, name), "")
        source = mlc.Source(file_object=table.path, extract=mlc.Extract(column=name))
        kinds = {"number": mlc.DataType.FLOAT, "whole": mlc.DataType.INTEGER, "text": mlc.DataType.TEXT}
        fields.append(
            mlc.Field(
                id=f"{table.path}#{name}",
                name=name,
                description=unit and f"unit: {unit}",
                data_types=[kinds[kind]],
                source=source,
            )
        )
    return mlc.RecordSet(id=f"{table.path}#rows", name=f"{table.path}#rows", fields=fields)


def _kinds(table: Path) -> dict[str, str]:
    """Column names and what stands in them: "number", "whole" or "text"; of a CSV by its first rows."""
    try:
        import pyarrow
        from pyarrow import csv, parquet
    except ModuleNotFoundError:
        raise MissingPart(_('{table} needs pyarrow: pip install "dure[tables]"').format(table=table)) from None
    try:
        if table.suffix == ".parquet":
            schema = parquet.read_schema(table)
        else:
            with csv.open_csv(table) as reader:
                schema = reader.schema
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(_("{table} cannot be read as a table: {error}").format(table=table, error=error)) from None
    types = pyarrow.types
    return {
        field.name: "whole" if types.is_integer(field.type) else "number" if types.is_floating(field.type) else "text"
        for field in schema
    }
