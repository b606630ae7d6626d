"""What a family keeps for evaluation, apart from what may be trained on, and nothing leaking from one into the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dure.errors import PoolError
from dure.i18n import N_, _
from dure.pool.build import with_counts
from dure.pool.columns import arrow
from dure.pool.pool import Pool, Task, keeps
from dure.pool.rows import saying, write
from dure.problem import Choice, Problem

__all__ = ["HELD_OUT", "NEAR", "TRAIN", "Leak", "leaks", "split"]

TRAIN: Final = "train.parquet"
HELD_OUT: Final = "held-out.parquet"

_SAME, _NEARLY, _RENAMED = N_("the same trial"), N_("nearly the same trial"), N_("the same answers under another name")

NEAR: Final = 1e-3
"""Rows nearer than that, in every input and number of the setting as a share of its range, are the same question."""
_ENOUGH = 5
"""Designs answered alike from which two tasks are one under two names."""


@dataclass(frozen=True)
class Leak:
    """Something of a task kept for evaluation that stands in the training part too."""

    kind: str
    held_out: Any
    train: Any
    rows: int


def split(file: Path, folder: Path) -> tuple[Pool, Pool]:
    """Write the two parts of a pool into ``folder``; the training part first.

    Raises:
        PoolError: the family keeps nothing for evaluation, one of the parts would be empty, or something leaks.
    """
    pool = Pool.read(file)
    if not pool.problem.held_out:
        raise PoolError(
            _('{problem} keeps nothing for evaluation; its author says what, such as held_out={{"cell": ("A", "B")}}').format(
                problem=pool.problem.name
            )
        )
    parts = [[one for one in pool.tasks if one.held_out is kept] for kept in (False, True)]
    if found := next(leaks(*parts), None):
        raise PoolError(
            _("{rows} rows of {held} leak into training: {kind} in {train}").format(
                rows=found.rows, held=found.held_out, kind=_(found.kind), train=found.train
            )
        )
    whole = arrow().parquet.read_table(file)
    for part, kept, name in zip(parts, (False, True), (TRAIN, HELD_OUT), strict=True):
        rows = _with_kin(pool.problem, whole.take(arrow().array(_numbers(part))), held_out=kept)
        if not len(rows):
            if kept and not pool.problem.held_out:
                raise PoolError(
                    _("{problem} keeps nothing for evaluation; say held_out={{...}}").format(problem=pool.problem.name)
                )
            missing = _("kept for evaluation") if kept else _("to train on")
            raise PoolError(_("{file} has no rows {part}").format(file=file, part=missing))
        sources = [asdict(one) for one in with_counts(rows, pool.sources)]
        write(saying(rows, **{**pool.said, "sources": sources}), folder / name)
    train, held_out = (Pool.read(folder / name, pool.problem) for name in (TRAIN, HELD_OUT))
    return train, held_out


def _numbers(tasks: Sequence[Task]) -> NDArray[np.int64]:
    return np.concatenate([np.arange(0), *(np.arange(one.start, one.stop) for one in tasks)])


def _with_kin(problem: Problem, table: Any, *, held_out: bool) -> Any:
    """The rows whose kin belong to that part; those of a task's that do not are in neither."""
    pa = arrow()
    for name, kept in problem.held_out.items():
        if name in problem.inputs:
            texts = pa.compute.unique(table[f"design.{name}"]).to_pylist()
            ours = [text for text in texts if keeps(problem, name, text, kept) is held_out]
            table = table.filter(pa.compute.is_in(table[f"design.{name}"], pa.array(ours)))
    return table


def leaks(train: Sequence[Task], held_out: Sequence[Task]) -> Iterator[Leak]:
    """Tasks kept for evaluation that are in the training part too: by key, nearly, or whole under another name."""
    known, answers = _keys(train), {one.id: _answers(one) for one in (*train, *held_out)}
    for kept in held_out:
        if shared := _keys([kept]) & known:
            yield Leak(_SAME, kept.setting, train[0].setting, len(shared))
        for other in train:
            if _settings_apart(kept, other) < NEAR and (near := _near(kept, other)):
                yield Leak(_NEARLY, kept.setting, other.setting, near)
            if alike := _alike(answers[kept.id], answers[other.id]):
                yield Leak(_RENAMED, kept.setting, other.setting, alike)


def _keys(tasks: Sequence[Task]) -> set[str]:
    return {key for one in tasks for key in one.pool.rows(one.start, one.stop, ["key"])["key"].to_pylist()}


def _settings_apart(one: Task, other: Task) -> float:
    """The largest difference of two settings, as a share of a range; 1 where names differ."""
    apart = 0.0
    for name, spec in one.pool.problem.inputs_of_setting.items():
        values = getattr(one.setting, name), getattr(other.setting, name)
        if isinstance(spec, Choice):
            apart = max(apart, float(values[0] != values[1]))
        else:
            apart = max(apart, float(np.abs(spec.encode(values[0]) - spec.encode(values[1])).max()))
    return apart


def _near(one: Task, other: Task) -> int:
    """How many trials of ``one`` have a design within ``NEAR`` of one of ``other``'s, at the same fidelity."""
    from scipy.spatial import KDTree

    found = 0
    for fidelity in set(one.fidelities) & set(other.fidelities):
        near = KDTree(other.at(fidelity).cube).query(one.at(fidelity).cube, p=np.inf)[0]
        found += int(np.count_nonzero(near < NEAR))
    return found


def _answers(task: Task) -> dict[tuple[str, Any], int]:
    """A number that stands for the outcome of each design that was answered, by fidelity and design."""
    found: dict[tuple[str, Any], int] = {}
    for fidelity in task.fidelities:
        answers = task.at(fidelity)
        measured = np.concatenate(list(answers.outcomes.values()), axis=1)
        found |= {
            (fidelity, design): hash(row.tobytes())
            for design, row, failed in zip(answers.designs, measured, answers.failed, strict=True)
            if not failed
        }
    return found


def _alike(one: dict[tuple[str, Any], int], other: dict[tuple[str, Any], int]) -> int:
    """How many designs two tasks share, if enough and all of them were answered alike; else 0."""
    shared = one.keys() & other.keys()
    return len(shared) if len(shared) >= _ENOUGH and all(one[design] == other[design] for design in shared) else 0
