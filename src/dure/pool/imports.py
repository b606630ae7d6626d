"""A table as a pool: which columns are whose, which rows were taken, and what was not and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dure.errors import InputError, PoolError, ValueRefused
from dure.i18n import _
from dure.pool.headers import Headers, part_names
from dure.pool.pool import Pool
from dure.pool.rows import Rows, Source, write
from dure.pool.sources import UNSTATED
from dure.problem import Problem, Table, find, lasting, read_table
from dure.problem.held import Held
from dure.problem.table import NOTHING

__all__ = ["Imported", "import_table"]

_REASONS = 50
"""Reasons that a pool itself remembers; all of them are said when a table is imported."""


@dataclass(frozen=True)
class Imported:
    """What became of a table.

    ``matched`` has the name that each header was taken for; ``columns`` why others were not, and ``rows`` why some rows, or
    cells of a wide table, were not, with the line of each. ``assumed`` are settings of which nothing was said, at their defaults.
    """

    pool: Pool
    matched: Mapping[str, str]
    columns: Mapping[str, str]
    rows: Mapping[str, tuple[int, ...]]
    assumed: Mapping[str, Any]


def import_table(
    reference: str,
    path: Path,
    file: Path,
    *,
    columns: Mapping[str, str] | None = None,
    setting: Mapping[str, str] | None = None,
    fidelity: str = "",
    across: tuple[str, str] | None = None,
    licence: str = UNSTATED,
    access: str = "private",
) -> Imported:
    """Write the rows of a table, CSV or Parquet, as a pool of a problem's family.

    A header is a name of the problem's, with "[unit]" behind it where the numbers are to be converted; parts stand in one column
    each, ``outcome.label``. "fidelity", "seed" and "failure" are names too. A row may lack some of the outcomes.

    Args:
        columns: the header of a name, where it is called otherwise.
        setting: settings that are the same in all rows; others that have no column keep their defaults.
        fidelity: of all rows, where there is no such column; the top rung unless given.
        across: a setting and an outcome, in a wide table: its other headers are values of that setting, its cells that outcome.

    Raises:
        InputError: the table cannot be read, no row of it can be taken, or what was said of it does not fit the problem.
    """
    problem, table = find(reference), read_table(path)
    headers = Headers(problem, table, columns or {}, setting or {}, across)
    taken = _Taken(problem, table, headers, problem.rung(fidelity or problem.top.name).name, across[1] if across else "")
    for row in range(len(table.rows)):
        taken.take(row)
    rows = {why: tuple(table.lines[row] for row in found) for why, found in taken.refused.items()}
    if not len(taken.rows):
        why = next(iter(rows), _("it has none"))
        told = _("{table}: no row can be taken: {why}").format(table=path, why=why)
        if headers.left:
            told += _("; not understood: {headers}. Say --column NAME=HEADER where one is called otherwise").format(
                headers=", ".join(headers.left)
            )
        raise PoolError(told)
    counts = {why: len(found) for why, found in list(rows.items())[:_REASONS]}
    counts |= {_("column {name}: {why}").format(name=name, why=why): _filled(table, name) for name, why in headers.left.items()}
    source = Source(f"sha256:{table.sha256}", path.name, licence, access, len(taken.rows), counts)
    write(taken.rows.table(source, reference=lasting(reference)), file)
    return Imported(Pool.read(file, problem), headers.said(), headers.left, rows, headers.assumed)


def _filled(table: Table, name: str) -> int:
    """Cells of a column in which something stands."""
    return sum(row[name].strip().lower() not in NOTHING for row in table.rows)


class _Taken:
    """The rows taken so far, and the others by the reason why not."""

    def __init__(self, problem: Problem, table: Table, headers: Headers, fidelity: str, outcome: str) -> None:
        self.rows = Rows(problem)
        self.refused: dict[str, list[int]] = defaultdict(list)
        self._problem, self._table, self._headers = problem, table, headers
        self._fidelity, self._across = fidelity, outcome
        self._designs: dict[tuple[Any, ...], Any] = {}

    def take(self, row: int) -> None:
        """One row: a trial, or in a wide table one for each of its tasks."""
        cells = self._table.rows[row]
        for setting, header in self._headers.tasks(cells):
            try:
                if isinstance(setting, InputError):
                    raise setting
                self._add(cells, setting, header)
            except InputError as error:
                self.refused[str(error)].append(row)

    def _add(self, cells: Mapping[str, str], setting: Any, header: str) -> None:
        member = self._problem.under(setting)
        design = self._design(cells, member)
        failure = self._headers.text(cells, "failure") or None
        outcome = self._outcome(cells, member, header)
        if failure and outcome:
            raise ValueRefused(_("it failed ({failure}) and was measured; keep one of them").format(failure=failure))
        if not (outcome or failure):
            raise ValueRefused(_("nothing was measured"))
        fidelity = member.rung(self._headers.text(cells, "fidelity") or self._fidelity).name
        seed = self._headers.text(cells, "seed") or ""
        if seed and not seed.isdecimal():
            raise ValueRefused(_("seed {text!r} is no whole number").format(text=seed))
        trial = member.trial(design, setting, fidelity, int(seed or 0))
        while self.rows.holds(trial.key):
            if seed or member.noise.kind == "none":
                same = self.rows.outcome(trial.key) == outcome
                raise ValueRefused(
                    _("it stands there before")
                    if same
                    else _("it was answered differently before; a problem whose answers vary states its noise")
                )
            trial = member.trial(design, setting, fidelity, trial.seed + 1)  # one more repeat
        self.rows.add(trial, setting, design, outcome, failure)

    def _design(self, cells: Mapping[str, str], member: Problem) -> Any:
        texts = tuple(self._headers.text(cells, name) for name in member.inputs)
        at = (member.design, *texts)
        if at not in self._designs:
            given = {name: text for name, text in zip(member.inputs, texts, strict=True) if text}
            held = {name: spec.value for name, spec in member.inputs.items() if isinstance(spec, Held)}
            design = member.make_design({**held, **given})
            member.check_candidate(design)
            self._designs[at] = design
        return self._designs[at]

    def _outcome(self, cells: Mapping[str, str], member: Problem, header: str) -> dict[str, Any]:
        """What was measured, by name; what was not is left out."""
        found: dict[str, Any] = {}
        for name, measure in member.measures.items():
            if header and name == self._across:
                texts: list[str | None] = [cells[header].strip()]
            else:
                texts = [self._headers.text(cells, one) for one in part_names(name, measure)]
            if all(not text or text.lower() in NOTHING for text in texts):
                continue
            values = [_number(name, text or "") for text in texts]
            found[name] = measure.accept(f"outcome.{name}", values if measure.axis else values[0])
        return found


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueRefused(_("{name} = {value!r} is not a number").format(name=name, value=text)) from None
