"""Rows on their way into a pool, and the one form its table has."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dure.canonical import digest
from dure.errors import InputError, PoolError
from dure.i18n import _
from dure.models import ACCESS
from dure.pool.columns import FIXED, Column, arrow, arrow_type, columns_of
from dure.problem import Problem, Trial, inputs_of, values_of

__all__ = ["META", "Rows", "Source", "assembled", "said_of", "saying", "task_of", "write"]

META = b"dure"
"""The key of the schema's metadata under which a pool says, as JSON, of which problem and from what it is."""

_ROW_GROUP = 16_384


@dataclass(frozen=True)
class Source:
    """Where rows came from, under what terms, and how many rows of it were not taken, by reason.

    ``id`` is "journal:" and the hash of its newest event, or "sha256:" and the hash of a table; ``name`` is for people.
    """

    id: str
    name: str
    licence: str
    access: str
    rows: int = 0
    not_taken: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.licence.strip():
            raise PoolError(_("{source} has no licence; say which, or NOASSERTION where nobody knows").format(source=self.name))
        if self.access not in ACCESS:
            raise PoolError(
                _("{access!r} is no level of access; there are {known}").format(access=self.access, known=", ".join(ACCESS))
            )


def task_of(setting: Any) -> str:
    """The hash that names a task: that of its setting."""
    return digest(values_of(setting))


class Rows:
    """Trials of one source: settings and designs are kept once, however often they come."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.not_taken: Counter[str] = Counter()
        self._tasks: dict[Any, int] = {}
        self._designs: dict[Any, int] = {}
        self._keys: dict[str, int] = {}
        self._at: list[tuple[int, int, str, int, Mapping[str, Any], str | None]] = []

    def __len__(self) -> int:
        return len(self._at)

    def holds(self, key: str) -> bool:
        """Whether a row has that key already."""
        return key in self._keys

    def outcome(self, key: str) -> Mapping[str, Any]:
        """What the row with that key says."""
        return self._at[self._keys[key]][4]

    def add(self, trial: Trial, setting: Any, design: Any, outcome: Mapping[str, Any], failure: str | None) -> None:
        """One more trial: what was measured of it, by name and in part, or why it failed."""
        self._keys[trial.key] = len(self._at)
        task = self._tasks.setdefault(setting, len(self._tasks))
        at = self._designs.setdefault(design, len(self._designs))
        self._at.append((task, at, trial.fidelity, trial.seed, outcome, failure))

    def table(self, source: Source, **said: Any) -> Any:
        """All of them as an Arrow table in the form of a pool."""
        pa = arrow()
        members = {self.problem.under(setting): None for setting in self._tasks}
        columns = columns_of(self.problem, members)
        tasks, designs = (pa.array([row[which] for row in self._at], pa.int32()) for which in (0, 1))
        made = {
            "key": pa.array(list(self._keys), pa.string()),
            "task": pa.array([task_of(setting) for setting in self._tasks], pa.string()).take(tasks),
            "fidelity": pa.array([row[2] for row in self._at], pa.string()),
            "seed": pa.array([row[3] for row in self._at], pa.int64()),
            "failure": pa.array([row[5] for row in self._at], pa.string()),
            **_constant(len(self), source),
        }
        for column in columns:
            part, _dot, name = column.name.partition(".")
            kind = arrow_type(column.kind)
            if part == "outcome":
                made[column.name] = pa.array([row[4].get(name) for row in self._at], kind)
            else:
                once, rows = (self._tasks, tasks) if part == "setting" else (self._designs, designs)
                made[column.name] = pa.array([_written(one, name) for one in once], kind).take(rows)
        return assembled(self.problem, columns, made, [source], **said)


def _constant(count: int, source: Source) -> dict[str, Any]:
    pa = arrow()
    zeros = pa.array([0] * count, pa.int32())
    return {
        "provenance": pa.array([[source.id]], arrow_type("texts")).take(zeros),
        "licence": pa.array([source.licence]).take(zeros),
        "access": pa.array([source.access]).take(zeros),
    }


def _written(value: Any, name: str) -> Any:
    spec = inputs_of(type(value)).get(name)
    return None if spec is None else spec.write(getattr(value, name))


def assembled(problem: Problem, columns: Sequence[Column], made: Any, sources: Sequence[Source], **more: Any) -> Any:
    """An Arrow table with the columns and the metadata of a pool; ``made`` has the columns by name."""
    pa = arrow()
    fields = [pa.field(name, arrow_type(kind)) for name, kind in FIXED.items()]
    fields += [pa.field(one.name, arrow_type(one.kind), metadata=one.metadata()) for one in columns]
    said = {
        "problem": problem.name,
        "version": problem.version,
        "sources": [asdict(one) for one in sources],
        **more,
    }
    schema = pa.schema(fields, metadata={META: json.dumps(said, ensure_ascii=False)})
    return pa.Table.from_arrays([made[one.name] for one in schema], schema=schema)


def said_of(table: Any) -> dict[str, Any]:
    """What a pool's schema says of it: problem, version, sources."""
    said: dict[str, Any] = json.loads((table.schema.metadata or {})[META])
    return said


def saying(table: Any, **said: Any) -> Any:
    """``table`` with other things said of it."""
    return table.replace_schema_metadata({META: json.dumps(said, ensure_ascii=False)})


def write(table: Any, file: Path) -> None:
    """Write a pool, each task's rows together, at once or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    pa = arrow()
    tasks = pa.compute.dictionary_encode(table["task"]).combine_chunks()
    table = table.take(pa.array(np.argsort(tasks.indices.to_numpy(), kind="stable")))
    draft = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        pa.parquet.write_table(table, draft, compression="zstd", row_group_size=_ROW_GROUP)
        draft.replace(file)
    except OSError as error:
        raise InputError(_("{file} cannot be written: {error}").format(file=file, error=error)) from None
