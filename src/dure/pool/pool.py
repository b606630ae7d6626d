"""A pool as models read it: its tasks, and of each task the designs and what came of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dure.canonical import digest
from dure.errors import InputError, PoolError, ValueRefused
from dure.i18n import _
from dure.models import strictest
from dure.pool.columns import arrow, columns_of, other_unit
from dure.pool.rows import META, Source
from dure.problem import Integer, Problem, Real, find

__all__ = ["Answers", "Pool", "Task", "keeps"]

Array = NDArray[np.float64]
_FIRST = 5


@dataclass(frozen=True)
class Answers:
    """The n trials of one task at one fidelity, as numbers.

    ``cube`` is (n, columns) in [0, 1], by the space of the task's own problem. ``outcomes`` has an (n, width) array for each
    outcome, in its unit; NaN where the trial failed or nothing was measured. ``failures`` has a reason or None for each.
    """

    keys: Sequence[str]
    designs: Sequence[Any]
    cube: Array
    outcomes: Mapping[str, Array]
    failures: Sequence[str | None]
    seeds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def failed(self) -> NDArray[np.bool_]:
        """(n,) which trials failed."""
        return np.array([reason is not None for reason in self.failures], dtype=bool)


@dataclass(frozen=True, eq=False)
class Task:
    """One task of a pool: its setting, and the rows ``start`` to ``stop`` of the table. Rows are read when they are asked for."""

    id: str
    setting: Any
    start: int
    stop: int
    fidelities: tuple[str, ...]
    pool: Pool = field(repr=False)

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def problem(self) -> Problem:
        """The problem as it is stated under the task's setting."""
        return self.pool.problem.under(self.setting)

    @property
    def held_out(self) -> bool:
        """Whether the family's author keeps the task for evaluation."""
        return self.pool.problem.holds_out(self.setting)

    def at(self, fidelity: str = "") -> Answers:
        """What came of the trials at one fidelity; the top rung unless named.

        Raises:
            UnknownName: the problem has no such fidelity.
        """
        problem = self.problem
        wanted = problem.rung(fidelity or problem.top.name).name
        pa = arrow()
        table = self.pool.rows(self.start, self.stop)
        table = table.filter(pa.compute.equal(table["fidelity"], wanted))
        designs, cube = self.pool.designs(table, problem)
        return Answers(
            keys=table["key"].to_pylist(),
            designs=designs,
            cube=cube,
            outcomes={name: _numbers(table, name, measure.width) for name, measure in problem.measures.items()},
            failures=table["failure"].to_pylist(),
            seeds=table["seed"].to_numpy(),
        )


def _numbers(table: Any, name: str, width: int) -> Array:
    column = table[f"outcome.{name}"]
    if not str(column.type).startswith("list"):
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=float)[:, None]
    nothing = [np.nan] * width
    return np.array([nothing if row is None else row for row in column.to_pylist()], dtype=float).reshape(-1, width)


def _counts(column: Any) -> dict[str, int]:
    return dict(sorted((one["values"], one["counts"]) for one in arrow().compute.value_counts(column).to_pylist()))


def _range(column: Any) -> dict[str, Any]:
    """Smallest and largest number, or how many different texts there are and the first of them; and how many rows have none."""
    pa = arrow()
    empty = column.null_count
    if str(column.type).startswith("list"):
        column = pa.compute.list_flatten(column)
    if pa.types.is_string(column.type):
        found = pa.compute.unique(pa.compute.drop_null(column))
        return {"values": len(found), "first": found.slice(0, _FIRST).to_pylist(), "empty": empty}
    ends = pa.compute.min_max(column).as_py()
    return {"low": ends["min"], "high": ends["max"], "empty": empty}


def keeps(problem: Problem, name: str, text: Any, share: Any) -> bool:
    """Whether the kin of an input's value belong to the share of them, drawn by their hashes, that is kept for evaluation."""
    spec = problem.inputs[name]
    kin = spec.kin(spec.accept(name, spec.read(name, text) if isinstance(text, str) else text))
    return kin is not None and int(digest(kin)[:8], 16) < share * 2**32


@dataclass(frozen=True, eq=False)
class Pool:
    """A pool's file. Only what says which rows belong to which task is in memory."""

    path: Path
    problem: Problem
    sources: tuple[Source, ...]
    said: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path, problem: Problem | None = None) -> Self:
        """The pool in a file; ``problem`` is found by its name unless given.

        Raises:
            PoolError: the file is no pool, or one of another problem or version.
            UnknownName: the problem is not installed.
            MissingPart: pyarrow is not installed.
        """
        pa = arrow()
        try:
            schema = pa.parquet.read_schema(path)
            said = json.loads((schema.metadata or {})[META])
            sources = tuple(Source(**one) for one in said["sources"])
            name, version = said["problem"], said["version"]
        except (OSError, pa.ArrowException) as error:
            raise InputError(_("{file} cannot be read as a pool: {error}").format(file=path, error=error)) from None
        except (KeyError, TypeError, ValueError):
            raise PoolError(_("{file} is no pool; make one with dure pool build or dure pool import").format(file=path)) from None
        reference = said.get("reference", name)
        if problem is None and Path(reference).is_absolute() and not Path(reference).is_file():
            raise PoolError(
                _(
                    "{reference}, the problem of {file}, is not there; say where it is: dure pool build PROBLEM {file} --out NEW"
                ).format(reference=reference, file=path)
            )
        problem = problem or find(reference)
        if (name, version) != (problem.name, problem.version):
            raise PoolError(
                _("{file} is a pool of {name}, version {version}, not of {problem}, version {wanted}").format(
                    file=path, name=name, version=version, problem=problem.name, wanted=problem.version
                )
            )
        return cls(path, problem, sources, said)

    @property
    def licences(self) -> tuple[str, ...]:
        """Licences of the rows, each once."""
        return tuple(sorted({one.licence for one in self.sources if one.rows}))

    @property
    def access(self) -> str:
        """The strictest level of the rows: that of whatever is made from all of them."""
        return strictest(one.access for one in self.sources if one.rows)

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """In the order of the table.

        Raises:
            PoolError: a task's rows do not stand together, or its setting is none of the problem's.
        """
        names = list(self.problem.inputs_of_setting)
        table = self._file.read(columns=["task", "fidelity", *(f"setting.{name}" for name in names)])
        ids = table["task"].to_numpy(zero_copy_only=False)
        rungs = table["fidelity"].to_numpy(zero_copy_only=False)
        edges = [0, *(np.flatnonzero(ids[1:] != ids[:-1]) + 1).tolist(), len(ids)] if len(ids) else [0]
        found = []
        for start, stop in pairwise(edges):
            row = table.slice(start, 1).to_pylist()[0]
            given = {name: row[f"setting.{name}"] for name in names}
            fidelities = tuple(dict.fromkeys(rungs[start:stop].tolist()))
            found.append(Task(ids[start], self.problem.setting(**given), start, stop, fidelities, self))
        if len({one.id for one in found}) < len(found):
            raise PoolError(_("{file}: rows of one task do not stand together; build the pool again").format(file=self.path))
        self._check_stated({self.problem.under(one.setting): None for one in found})
        return tuple(found)

    def _check_stated(self, members: Mapping[Problem, None]) -> None:
        """Refuse what was written under another statement of the problem, though its version is the same (PoolError)."""
        known = {one.name: one for one in columns_of(self.problem, members)}
        for one in self._file.schema_arrow:
            part, _dot, name = one.name.partition(".")
            if part not in ("design", "setting", "outcome"):
                continue
            now, unit = known.pop(one.name, None), one.metadata[b"unit"].decode()
            if now is None and part != "outcome" and not self._is_empty(one.name):
                raise PoolError(
                    _("{file} has {name}, which {problem} does not state; build the pool from its sources again").format(
                        file=self.path, name=one.name, problem=self.problem.name
                    )
                )
            if now is not None and now.unit != unit:
                raise PoolError(other_unit(self.path, one.name, unit, self.problem, now.unit))
            if part == "design" and self.problem.members is None:
                self._check_range(name)
        if lacking := [name for name in known if not name.startswith("outcome.")]:
            raise PoolError(
                _("{file} has no {name}, which {problem} states; build the pool from its sources again").format(
                    file=self.path, name=lacking[0], problem=self.problem.name
                )
            )

    def _is_empty(self, column: str) -> bool:
        """Whether nothing stands in a column, as in a part of a pool whose members lack it."""
        return bool(self._file.read(columns=[column])[column].null_count == self._file.metadata.num_rows)

    def _check_range(self, name: str) -> None:
        """Refuse numbers of an input that the problem does not allow any more, by what the file says of each row group."""
        spec, metadata = self.problem.inputs[name], self._file.metadata
        if not isinstance(spec, Real | Integer):
            return
        at = self._file.schema_arrow.names.index(f"design.{name}")
        said = [metadata.row_group(group).column(at).statistics for group in range(metadata.num_row_groups)]
        ends = [end for one in said if one is not None and one.has_min_max for end in (one.min, one.max)]
        for end in ends:
            try:
                spec.accept(name, end)
            except ValueRefused as error:
                raise PoolError(_("{file}: {error}").format(file=self.path, error=error)) from None

    def describe(self) -> dict[str, Any]:
        """What it holds, as plain data: tasks, rows by fidelity, failures by reason, the range of every number in its unit."""
        pa = arrow()
        table = self._file.read()
        columns = []
        for one in self._file.schema_arrow:
            if one.name.partition(".")[0] in ("design", "setting", "outcome"):
                said = {name: one.metadata[name.encode()].decode() for name in ("unit", "kind", "help")}
                columns.append({"name": one.name, **said, **_range(table[one.name])})
        return {
            "file": str(self.path),
            "problem": self.problem.name,
            "version": self.problem.version,
            "tasks": len(self.tasks),
            "held_out": sum(one.held_out for one in self.tasks),
            "rows": len(table),
            "fidelities": _counts(table["fidelity"]),
            "failures": _counts(pa.compute.drop_null(table["failure"])),
            "columns": columns,
            "licences": list(self.licences),
            "access": self.access,
            "sources": [asdict(one) for one in self.sources],
        }

    def check_training(self) -> None:
        """Refuse a pool that holds tasks the family's author keeps for evaluation.

        Raises:
            PoolError: naming one of them.
        """
        kept = [one for one in self.tasks if one.held_out]
        if kept:
            raise PoolError(
                _(
                    "{file} holds {count} tasks that {problem} keeps for evaluation, such as {setting}; "
                    "train on the part that dure pool split writes as train.parquet"
                ).format(file=self.path, count=len(kept), problem=self.problem.name, setting=kept[0].setting)
            )

        for name, share in self.problem.held_out.items():
            if name in self.problem.inputs:
                texts = arrow().compute.unique(self._file.read(columns=[f"design.{name}"])[f"design.{name}"]).to_pylist()
                if found := [text for text in texts if keeps(self.problem, name, text, share)]:
                    raise PoolError(
                        _("{file} holds {count} values of {name} that {problem} keeps for evaluation, such as {value}").format(
                            file=self.path, count=len(found), name=name, problem=self.problem.name, value=found[0]
                        )
                    )

    @cached_property
    def _file(self) -> Any:
        return arrow().parquet.ParquetFile(self.path, memory_map=True)

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        """After which row each row group ends."""
        metadata = self._file.metadata
        return np.cumsum([metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)])

    def rows(self, start: int, stop: int, columns: Sequence[str] | None = None) -> Any:
        """Rows of the table as an Arrow table; only the row groups that hold them are read."""
        first, last = np.searchsorted(self._ends, [start, max(start, stop - 1)], side="right").tolist()
        before = int(self._ends[first - 1]) if first else 0
        table = self._file.read_row_groups(list(range(first, last + 1)), columns=columns)
        return table.slice(start - before, stop - start)

    def designs(self, table: Any, problem: Problem) -> tuple[list[Any], Array]:
        """The n designs of rows of one task and their (n, columns) cube; each is built once, however many tasks share it."""
        made, specs = self._made.setdefault(problem.design, {}), problem.inputs
        rows = list(zip(*(table[f"design.{name}"].to_pylist() for name in specs), strict=True))
        new = [values for values in dict.fromkeys(rows) if values not in made]
        built = []
        for values in new:
            cells = zip(specs.items(), values, strict=True)
            built.append(
                problem.design(**{name: spec.read(name, one) if isinstance(one, str) else one for (name, spec), one in cells})
            )
        made |= zip(new, zip(built, problem.space.encode(built), strict=True), strict=True)
        found = [made[values] for values in rows]
        return [design for design, _row in found], np.array([row for _design, row in found]).reshape(-1, problem.space.columns)

    @cached_property
    def _made(self) -> dict[type, dict[tuple[Any, ...], tuple[Any, Array]]]:
        return {}
