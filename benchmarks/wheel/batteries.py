"""energy/fast-charge: a prior of six published cells, and charges of two cells that it never saw.

    python -m benchmarks.wheel.batteries [--quick] [--resume DIR] [--json FILE]

Everyone has the problem's parts, theory and textbook starts, so that what is measured is what the past adds to them. As stated a
search has the cheap rung too; on dear rungs alone it has not. Controls: a past whose answers are shuffled, and one that is told
of another cell than the one that is charged. Counted is the cost, in runs of the dear rung, until a charge that keeps the limits
takes at most 2 % longer than the fastest that anybody found for that cell; a search that does not get there counts as its budget
and one. The pool, at the cheap rung, is drawn first. Quick: a small pool, one charge, one seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figure, Options, Row, present
from benchmarks.peers.scores import across_seeds
from benchmarks.wheel.past import drawn, player_of
from benchmarks.wheel.rows import COLD, SHUFFLED, WARM, logs_of
from dure.campaign import Loop
from dure.domains.energy.fast_charge import problem
from dure.errors import SimulationFailed
from dure.problem import Fidelity, values_of
from dure.strategy import Strategy, Task
from dure.strategy.informed import Informed
from dure.surrogate import Past

__all__ = ["study"]

_SEEDS, _BUDGET, _WITHIN = 5, 30.0, 1.02
_TASKS, _DESIGNS = 24, 48
_WRONG = "dure, told of another cell"
_OTHER = "Chen2020"
"""A cell of the past, which the wrong descriptors are of."""
_PLAYERS = (COLD, WARM, SHUFFLED, _WRONG)


@dataclass(frozen=True)
class _Regime:
    """A way to ask, its label in figures, what the past is to save at least, over all and on the worst cell."""

    label: str
    dear: bool
    target: float | None
    worst: float | None


_REGIMES = (
    _Regime("energy/fast-charge, held-out cells", dear=False, target=0.95, worst=0.8),
    _Regime("energy/fast-charge, dear rungs, held-out cells", dear=True, target=1.3, worst=0.8),
)


@dataclass(frozen=True)
class _Misled(Informed):
    """Has the past, but is told that another cell is charged; the best designs of past tasks come in another order."""

    def _past(self, task: Task) -> Past:
        return super()._past(replace(task, setting=replace(task.setting, cell=_OTHER)))


def _player(name: str, pool: Path) -> Strategy:
    if name != _WRONG:
        return player_of(name, pool)
    warm = player_of(WARM, pool)
    if not isinstance(warm, Informed):
        raise TypeError(warm)
    return _Misled(warm.plain, warm.prior, name)


def search(setting: Mapping[str, Any], dear: bool, name: str, pool: Path, seed: int) -> Row:
    """What was spent, and how long the charge took, at each answer of the dear rung that keeps the limits."""
    asked = replace(problem, fidelities=(Fidelity("dfn"),), checks=()) if dear else problem
    loop = Loop(asked, setting=setting, strategy=_player(name, pool), seed=seed)
    spent, course, failed = 0.0, [], 0
    while spent < _BUDGET and (wishes := loop.ask()):
        (wish,) = wishes
        spent += asked.rung(wish.fidelity).cost
        if spent > _BUDGET + 1e-9:
            break
        try:
            outcome = asked.answer(wish.design, loop.task.setting, fidelity=wish.fidelity, seed=wish.seed).outcome
        except SimulationFailed:
            outcome, failed = None, failed + 1
        loop.tell(wish, outcome)
        if outcome is None or wish.fidelity != asked.top.name:
            continue
        values = loop.task.goal_values(values_of(outcome))
        if all(goal.margin(values[name]) >= 0 for name, goal in loop.task.goals.items() if not goal.is_objective):
            course.append((spent, values["minutes"]))
    return {"course": course, "failed": failed}


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Search charges of cells that the family keeps for evaluation, with its past and without."""
    pool = drawn(problem.name, options.folder, tasks=8 if options.quick else _TASKS, designs=16 if options.quick else _DESIGNS)
    cells = problem.held_out["cell"]
    if not isinstance(cells, tuple):
        raise TypeError(cells)
    rows: list[Row] = []
    for seed in range(1 if options.quick else _SEEDS):
        for regime in _REGIMES[:1] if options.quick else _REGIMES:
            for cell in cells[:1] if options.quick else cells:
                for name in _PLAYERS:
                    play = partial(search, {"cell": cell}, regime.dear, name, pool, seed)
                    row = options.row(f"{cell}, {'dear' if regime.dear else 'both'} rungs, {name}, seed {seed}", play)
                    rows.append(row | {"family": regime.label, "target": cell, "player": name, "seed": seed})
    return _figures(marked(rows), quick=options.quick), rows


def marked(rows: Sequence[Row]) -> list[Row]:
    """With the cost until a charge within 2 % of the fastest that any search found for the same cell."""
    fastest = {
        cell: min((minutes for row in rows if row["target"] == cell for _spent, minutes in row["course"]), default=math.nan)
        for cell in {row["target"] for row in rows}
    }
    return [
        row
        | {
            "cost": min(
                (spent for spent, minutes in row["course"] if minutes <= _WITHIN * fastest[row["target"]]), default=_BUDGET + 1
            )
        }
        for row in rows
    ]


def _figures(rows: Sequence[Row], *, quick: bool) -> list[Figure]:
    figures = []
    for regime in _REGIMES:
        some = [row for row in rows if row["family"] == regime.label]
        if not some:
            continue
        for label, player, wanted, least in (
            ("warm against structure alone", WARM, regime.target, regime.worst),
            ("with a shuffled past", SHUFFLED, 0.95, None),
            ("told of another cell", _WRONG, 0.95, None),
        ):
            logs = logs_of(some, COLD, player, "cost")
            target = None if quick else wanted
            middle, low, high = across_seeds(logs)
            figures.append(Figure(f"{regime.label}: {label}", middle, low, high, unit="times fewer", target=target, peer=COLD))
            if player == WARM and not regime.dear:
                figures.append(Figure("  lower end of that interval", low, unit="times fewer", target=target, peer=COLD))
            worst = float(np.exp(min(one.mean() for one in logs)))
            figures.append(Figure("  worst cell", worst, unit="times fewer", target=None if quick else least, peer=COLD))
        for player in _PLAYERS:
            mine = [row for row in some if row["player"] == player]
            costs = [row["cost"] for row in mine]
            figures.append(Figure(f"  {player}: cost, median", float(np.median(costs)), min(costs), max(costs), unit="runs"))
            missed = sum(cost > _BUDGET for cost in costs)
            figures.append(Figure("    did not get there", missed, unit=f"of {len(mine)}"))
    return figures


if __name__ == "__main__":
    present("wheel.batteries", __doc__, study)
