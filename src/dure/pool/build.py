"""One pool of many sources: every trial once, with all the sources that hold it; and again without one that is withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dure.errors import PoolError, UnknownName
from dure.i18n import _
from dure.models import ACCESS
from dure.pool.columns import FIXED, Column, arrow, arrow_type
from dure.pool.pool import Pool
from dure.pool.rows import Source, assembled, said_of, write
from dure.pool.sources import UNSTATED, table_of
from dure.problem import find, lasting

__all__ = ["build", "with_counts"]


def build(
    reference: str,
    places: Sequence[Path],
    file: Path,
    *,
    licence: str = UNSTATED,
    access: str = "private",
    without: Iterable[str] = (),
) -> Pool:
    """Write what is known of a problem's family at ``places`` into one pool.

    Args:
        licence, access: terms of journals that state none; a record states its licence, a pool both.
        without: sources to leave out, by identifier, the beginning of one, or name. Rows that another source holds too stay. The
            pool says their identifiers as ``said["withdrawn"]``.

    Raises:
        PoolError: nothing is left, or places hold different things under one name.
        UnknownName: no source is called what ``without`` says.
        InputError: a place holds no journal, record or pool of the problem.
    """
    problem = find(reference)
    tables = [table_of(problem, place, licence=licence, access=access) for place in places]
    sources = {one["id"]: Source(**one) for table in tables for one in said_of(table)["sources"]}
    gone = {_called(name, sources) for name in without}
    columns = _columns(tables)
    table = _once(_stacked(tables, columns), {name: one for name, one in sources.items() if name not in gone})
    if not len(table):
        raise PoolError(_("no rows are left for {file}").format(file=file))
    kept = with_counts(table, [one for name, one in sources.items() if name not in gone])
    write(assembled(problem, columns, table, kept, reference=lasting(reference), withdrawn=sorted(gone)), file)
    return Pool.read(file, problem)


def with_counts(table: Any, sources: Iterable[Source]) -> list[Source]:
    """``sources`` with how many rows of ``table`` each of them holds."""
    found = arrow().compute.value_counts(_flat(table)).flatten()
    counts = dict(zip(*(one.to_pylist() for one in found), strict=True))
    return [replace(one, rows=counts.get(one.id, 0)) for one in sources]


def _called(name: str, sources: dict[str, Source]) -> str:
    found = [one.id for one in sources.values() if name == one.name] or [one for one in sources if one.startswith(name)]
    if len(found) != 1:
        raise UnknownName(_("source"), name, [text for one in sources.values() for text in (one.name, one.id)])
    return found[0]


def _columns(tables: Sequence[Any]) -> list[Column]:
    found: dict[str, Column] = {}
    for table in tables:
        for one in table.schema:
            if one.name in FIXED:
                continue
            said = {key.decode(): value.decode() for key, value in one.metadata.items() if not key.startswith(b"PARQUET")}
            column = Column(one.name, **said)
            known = found.setdefault(one.name, column)
            if (known.kind, known.unit) != (column.kind, column.unit):
                raise PoolError(
                    _("{name} is {kind} in {unit} in one source and {other} in {another} in the next").format(
                        name=one.name, kind=known.kind, unit=known.unit, other=column.kind, another=column.unit
                    )
                )
    return sorted(found.values(), key=lambda one: ("setting", "design", "outcome").index(one.name.partition(".")[0]))


def _stacked(tables: Sequence[Any], columns: Sequence[Column]) -> Any:
    pa = arrow()
    kinds = {**FIXED, **{one.name: one.kind for one in columns}}
    filled = []
    for table in tables:
        arrays = [
            table[name] if name in table.column_names else pa.nulls(len(table), arrow_type(kind)) for name, kind in kinds.items()
        ]
        filled.append(pa.table(dict(zip(kinds, arrays, strict=True))))
    return pa.concat_tables(filled)


def _once(table: Any, sources: dict[str, Source]) -> Any:
    """One row a key, that of the first source that is left; its provenance is all of them, its terms those of the freest."""
    pa = arrow()
    rows = pa.compute.list_parent_indices(table["provenance"]).to_numpy()
    ids = _flat(table).to_numpy(zero_copy_only=False)
    stays = np.isin(ids, list(sources)) if len(ids) else np.zeros(0, dtype=bool)
    rows, ids = rows[stays], ids[stays]
    keys = table["key"].to_numpy(zero_copy_only=False)
    first: dict[str, int] = {}
    found: dict[str, list[str]] = {}
    for row, name in zip(rows.tolist(), ids.tolist(), strict=True):
        first.setdefault(keys[row], row)
        names = found.setdefault(keys[row], [])
        if name not in names:
            names.append(name)
    table = table.take(pa.array(list(first.values()), pa.int64()))
    freest = [min((sources[name] for name in names), key=lambda one: ACCESS.index(one.access)) for names in found.values()]
    for name, values in {
        "provenance": list(found.values()),
        "licence": [one.licence for one in freest],
        "access": [one.access for one in freest],
    }.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values, arrow_type(FIXED[name])))
    return table


def _flat(table: Any) -> Any:
    return arrow().compute.list_flatten(table["provenance"]).combine_chunks()
