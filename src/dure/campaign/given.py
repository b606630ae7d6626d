"""Past data in the same space, from a table."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from dure.errors import InputError
from dure.i18n import _
from dure.problem import Problem, values_of

__all__ = ["rows_from_table"]


def rows_from_table(problem: Problem, setting: Mapping[str, Any], table: Path) -> dict[str, Any]:
    """Read a CSV whose columns are the design's inputs, the outcome's outputs and, if not the top rung, ``fidelity``.

    Parts stand in one column each, named ``output.label``. The setting is the campaign's.

    Raises:
        InputError: the file cannot be read, a column is missing or unknown, or a value is refused; names line and column.
    """
    try:
        text = table.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(_("{table} cannot be read as a UTF-8 table: {error}").format(table=table, error=error)) from None
    reader = csv.DictReader(text.splitlines())
    columns = set(reader.fieldnames or ())
    wanted = set(problem.inputs) | {name for names in _columns(problem).values() for name in names}
    optional = {"fidelity"} | {
        name for output, names in _columns(problem).items() if problem.measures[output].optional for name in names
    }
    if missing := wanted - optional - columns:
        raise InputError(_("{table} lacks columns {names}").format(table=table, names=", ".join(sorted(missing))))
    if unknown := columns - wanted - optional:
        raise InputError(
            _("{table} has columns nobody asked for: {names}; remove or rename them").format(
                table=table, names=", ".join(sorted(unknown))
            )
        )
    rows, made = [], problem.make_setting(setting)
    for line, row in enumerate(reader, start=2):
        try:
            rows.append(_row(problem, made, row))
        except (InputError, ValueError) as error:
            raise InputError(_("{table}, line {line}: {error}").format(table=table, line=line, error=error)) from None
    return {"source": table.name, "sha256": sha256(text.encode()).hexdigest(), "rows": rows}


def _columns(problem: Problem) -> dict[str, list[str]]:
    return {
        name: [f"{name}.{label}" for label in measure.axis.labels] if measure.axis else [name]
        for name, measure in problem.measures.items()
    }


def _row(problem: Problem, setting: Any, row: Mapping[str, str]) -> dict[str, Any]:
    design = problem.make_design({name: row[name] for name in problem.inputs})
    outcome: dict[str, Any] = {}
    for name, columns in _columns(problem).items():
        if all(row.get(column) for column in columns):
            values = [float(row[column]) for column in columns]
            outcome[name] = values if problem.measures[name].axis else values[0]
    fidelity = row.get("fidelity") or problem.top.name
    trial = problem.trial(design, setting, problem.rung(fidelity).name)
    return {"key": trial.key, "trial": trial.plain(), "outcome": values_of(problem.make_outcome(outcome))}
