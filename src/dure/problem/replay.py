"""A labelled replay: what is asked of a design is looked up among the rows of a table that have it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from dure.errors import SimulationFailed
from dure.i18n import N_, _
from dure.problem.table import Table

__all__ = ["LABEL", "RUNG", "Replay"]

RUNG = N_("a labelled replay: measurements are looked up in a table, nothing is simulated")
LABEL = N_(
    "A labelled replay of a table: what was measured earlier was looked up in it, and nothing was simulated or measured anew."
)


@dataclass(frozen=True, eq=False)
class Replay:
    """Answers from ``table``: which of its rows have a design, and what each row measured of each outcome, None where nothing.

    Rows that share a design are repeats: their median answers, or where ``draws`` one of them, drawn by the trial's seed.
    ``code`` stands for everything that decides an answer; ``label`` is the column that names a row for people, if any.
    """

    table: Table
    rows: Mapping[Any, Sequence[int]]
    measured: Mapping[str, Sequence[float | None]]
    needed: frozenset[str]
    draws: bool
    code: str
    label: str = ""

    def __call__(self, design: Any, *, seed: int) -> Mapping[str, float]:
        """What was measured of ``design``.

        Raises:
            SimulationFailed: no row has it, or no row that does measured an outcome that is needed.
        """
        rows = self.rows.get(design, ())
        if not rows:
            raise SimulationFailed(_("no row of {table} has this design").format(table=self.table.path.name))
        whole = [row for row in rows if all(self.measured[name][row] is not None for name in self.needed)]
        if self.draws and whole:
            drawn = np.random.default_rng([seed, rows[0]]).integers(len(whole))
            return self._medians([whole[drawn]])
        answer = self._medians(rows)
        if lacking := sorted(self.needed - answer.keys()):
            raise SimulationFailed(
                _("{names} was not measured: {rows}").format(names=", ".join(lacking), rows=", ".join(map(self._name, rows)))
            )
        return answer

    def _medians(self, rows: Sequence[int]) -> dict[str, float]:
        found = {name: [value for row in rows if (value := values[row]) is not None] for name, values in self.measured.items()}
        return {name: median(values) for name, values in found.items() if values}

    def _name(self, row: int) -> str:
        named = self.table.rows[row][self.label] if self.label else ""
        return named or _("row in line {line}").format(line=self.table.lines[row])

    def export(self, design: Any, _setting: Any, _outcome: Any) -> Mapping[str, str]:
        """The rows of a design as they stand in the table, with the line of each."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["line", *self.table.columns])
        for row in self.rows[design]:
            writer.writerow([self.table.lines[row], *self.table.rows[row].values()])
        return {"rows.csv": text.getvalue()}
