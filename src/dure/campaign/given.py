"""Past data in the same space, from a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dure.errors import InputError
from dure.i18n import _
from dure.problem import Problem, read_table, values_of

__all__ = ["rows_from_table"]


def rows_from_table(problem: Problem, setting: Mapping[str, Any], table: Path) -> dict[str, Any]:
    """Read a table whose columns are the design's inputs, the outcome's outputs and, if not the top rung, ``fidelity``.

    Parts stand in one column each, named ``output.label``. The setting is the campaign's.

    Raises:
        InputError: the file cannot be read, has no rows, a column is missing, unknown or there twice, a value is refused, a
            design is none of the candidates, or two rows answer one question differently; names line and column.
    """
    read = read_table(table)
    rows: dict[str, dict[str, Any]] = {}
    made = problem.make_setting(setting)
    problem = problem.under(made)
    try:
        _check_columns(problem, read.columns)
    except InputError as error:
        raise read.refused(error) from None
    for number, row in enumerate(read.rows):
        try:
            found = _row(problem, made, row)
            if rows.setdefault(found["key"], found) != found:
                raise InputError(_("this design was answered differently in an earlier line"))
        except InputError as error:
            raise read.refused(error, number) from None
    if not rows:
        raise InputError(_("{table} holds no rows").format(table=table))
    return {"source": table.name, "sha256": read.sha256, "rows": list(rows.values())}


def _columns(problem: Problem) -> dict[str, list[str]]:
    return {
        name: [f"{name}.{label}" for label in measure.axis.labels] if measure.axis else [name]
        for name, measure in problem.measures.items()
    }


def _check_columns(problem: Problem, given: Sequence[str]) -> None:
    columns = _columns(problem)
    optional = {"fidelity"} | {one for name, names in columns.items() if problem.measures[name].optional for one in names}
    wanted = (set(problem.inputs) | {one for names in columns.values() for one in names}) - optional
    for complaint, names in (
        (_("columns {names} are missing"), wanted - set(given)),
        (_("columns {names} are nobody's; remove or rename them"), set(given) - wanted - optional),
    ):
        if names:
            raise InputError(complaint.format(names=", ".join(sorted(names))))


def _row(problem: Problem, setting: Any, row: Mapping[str, str]) -> dict[str, Any]:
    design = problem.make_design({name: row[name] for name in problem.inputs})
    problem.check_candidate(design)
    outcome: dict[str, Any] = {}
    for name, columns in _columns(problem).items():
        cells = {column: row.get(column, "").strip() for column in columns}
        if problem.measures[name].optional and not any(cells.values()):
            continue
        values = [_number(column, cell) for column, cell in cells.items()]
        outcome[name] = values if problem.measures[name].axis else values[0]
    fidelity = row.get("fidelity", "").strip() or problem.top.name
    trial = problem.trial(design, setting, problem.rung(fidelity).name)
    return {"key": trial.key, "trial": trial.plain(), "outcome": values_of(problem.make_outcome(outcome))}


def _number(column: str, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise InputError(_("{name} = {value!r} is not a number").format(name=column, value=cell)) from None
