"""Past data in the same space, from a table or from another campaign's journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from dure.errors import InputError, SimulatorChanged
from dure.i18n import _
from dure.journal import Journal, fold
from dure.problem import Problem, read_table, values_of

__all__ = ["given_by", "rows_from_journal", "rows_from_table"]


def given_by(problem: Problem, plan: Mapping[str, Any], data: Path) -> dict[str, Any]:
    """What the event ``given`` holds: the answers in a folder's journal, or the rows of a table.

    Raises:
        InputError: see ``rows_from_journal`` and ``rows_from_table``.
        SimulatorChanged: the journal's answers come from other code under the same version.
    """
    if data.is_dir():
        return rows_from_journal(problem, plan["code"], data)
    return rows_from_table(problem, plan["setting"], data)


def rows_from_journal(problem: Problem, code: str, folder: Path) -> dict[str, Any]:
    """The answers that the journal in ``folder``, of a campaign or a pulled record, holds to trials of ``problem``.

    Under whatever setting: a trial's key decides what it answers. The journal is verified, and every trial and outcome is built
    anew by the problem, as if a stranger had written it.

    Raises:
        InputError: there is no journal, it holds no such answers, or one of them is not the problem's.
        SimulatorChanged: they come from other code under the same version.
        JournalCorrupted: the journal is not what was written.
    """
    with Journal.open(folder, write=False) as journal:
        journal.verify()
        history = fold(journal.events())
    for plan in history.plans:
        if (plan["problem"]["name"], plan["problem"]["version"]) == (problem.name, problem.version) and plan["code"] != code:
            raise SimulatorChanged(
                _("{folder} holds answers of other code than {problem} has now, under the same version {version}").format(
                    folder=folder, problem=problem.name, version=problem.version
                )
            )
    rows = []
    for state in history.trials.values():
        asked = state.trial
        if state.outcome is None or (asked["problem"], asked["version"]) != (problem.name, problem.version):
            continue
        design, setting = problem.make_design(asked["design"]), problem.make_setting(asked["setting"])
        trial = problem.trial(design, setting, problem.rung(asked["fidelity"]).name, asked["seed"])
        if trial.key != state.key:
            raise InputError(_("{folder}: trial {key} is not the one its journal names").format(folder=folder, key=state.key))
        rows.append({"key": trial.key, "trial": trial.plain(), "outcome": values_of(problem.make_outcome(state.outcome))})
    if not rows:
        raise InputError(
            _("{folder} holds no answers to trials of {problem}, version {version}").format(
                folder=folder, problem=problem.name, version=problem.version
            )
        )
    return {"source": folder.resolve().name, "sha256": sha256((folder / "journal.sqlite").read_bytes()).hexdigest(), "rows": rows}


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
