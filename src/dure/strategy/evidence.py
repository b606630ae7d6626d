"""A history as strategies read it: designs, outcomes, failures and pending trials of one task, by fidelity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.journal import History, TrialState
from dure.problem import Goal, Molecule, Problem, values_of
from dure.strategy.calibration import Prediction

__all__ = ["Evidence", "Task"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """A problem with its setting fixed and its limits chosen.

    ``guard`` tightens limits, by goal and in the goal's unit, by what a failed check showed.
    """

    problem: Problem
    setting: Any
    goals: Mapping[str, Goal]
    guard: Mapping[str, float] = field(default_factory=dict)

    def asks(self, plain: Mapping[str, Any]) -> bool:
        """Whether a trial belongs to this task; a part of the setting that it does not know yet stands as it usually does."""
        return bool({**self._usual, **plain["setting"]} == self._plain_setting and plain["version"] == self.problem.version)

    @cached_property
    def _usual(self) -> dict[str, Any]:
        return values_of(self.problem.setting())

    @cached_property
    def _plain_setting(self) -> dict[str, Any]:
        return values_of(self.setting)

    def goal_values(self, outcome: Mapping[str, Any]) -> dict[str, float]:
        """Each goal's value in an outcome."""
        return {name: float(goal.value(np.asarray(outcome[name], dtype=float))) for name, goal in self.goals.items()}

    def margins(self, values: Mapping[str, float]) -> dict[str, float]:
        """Distance to each limit, guards included; negative when broken."""
        return {
            name: goal.margin(values[name]) - self.guard.get(name, 0.0)
            for name, goal in self.goals.items()
            if not goal.is_objective
        }

    @cached_property
    def of_molecules(self) -> bool:
        """Whether a design is one molecule and nothing else."""
        return [type(spec) for spec in self.problem.inputs.values()] == [Molecule]

    @property
    def objectives(self) -> tuple[Goal, ...]:
        """What is optimised, in the order of the outcome class."""
        return tuple(goal for goal in self.goals.values() if goal.is_objective)

    @property
    def objective(self) -> Goal:
        """The first objective."""
        return self.objectives[0]


@dataclass
class _Rows:
    keys: list[str] = field(default_factory=list)
    designs: list[Any] = field(default_factory=list)
    outcomes: list[Mapping[str, Any]] = field(default_factory=list)
    failed: list[Any] = field(default_factory=list)
    pending: list[Any] = field(default_factory=list)


class Evidence:
    """What one task's history says, by fidelity of the ladder."""

    def __init__(self, task: Task, history: History) -> None:
        self.task = task
        self.rungs = {rung.name: _Rows() for rung in task.problem.fidelities}
        self.keys = set(history.trials)
        self._stated: list[tuple[TrialState, dict[str, float]]] = []
        self._told: list[tuple[int, Mapping[str, Any]]] = []
        for state in history.trials.values():
            if state.fidelity not in self.rungs or not task.asks(state.trial):
                continue
            rows, design = self.rungs[state.fidelity], task.problem.make_design(state.trial["design"])
            if history.is_control(state):
                continue
            if state.outcome is not None:
                rows.keys.append(state.key)
                rows.designs.append(design)
                rows.outcomes.append(state.outcome)
                if state.fidelity == task.problem.top.name:
                    self._told.append((state.answered or 0, state.outcome))
                if state.predicted:
                    self._stated.append((state, task.goal_values(state.outcome)))
            elif state.reason is not None:
                rows.failed.append(design)
            else:
                rows.pending.append(design)

    @cached_property
    def predictions(self) -> list[Prediction]:
        """Intervals stated for goals of the top rung, and the answers, where there are any."""
        return [
            Prediction(name, state.seq, state.answered or 0, interval, values[name])
            for state, values in self._stated
            for name, interval in state.predicted.items()
        ]

    def values(self, goal: str) -> list[tuple[int, float]]:
        """When each answer of the top rung came, as the number of its event, and its value of a goal."""
        return [(told, self.task.goal_values(outcome)[goal]) for told, outcome in self._told]

    def cube(self, fidelity: str, which: str = "designs") -> Array:
        """(n, columns) unit-cube rows of the answered, "failed" or "pending" designs of a fidelity."""
        return self.task.problem.space.encode(getattr(self.rungs[fidelity], which))

    def outputs(self, fidelity: str, names: tuple[str, ...]) -> Array:
        """(n, total width) raw outputs, parts side by side."""
        outcomes, measures = self.rungs[fidelity].outcomes, self.task.problem.measures
        columns = [[outcome[name] for outcome in outcomes] for name in names]
        return np.concatenate(
            [
                np.array(column, dtype=float).reshape(len(outcomes), measures[name].width)
                for name, column in zip(names, columns, strict=True)
            ],
            axis=1,
        )

    def listed(self, fidelity: str) -> tuple[str, dict[str, float]] | None:
        """The last of the short list that the problem wants: as ``best`` where it wants one; of fewer answers the worst.

        A design answered more than once stands there once, by its best answer.
        """
        rows = self.rungs[fidelity]
        design = dict(zip(rows.keys, rows.designs, strict=True))
        once: dict[Any, tuple[str, dict[str, float]]] = {}
        for found in self._kept(fidelity):
            once.setdefault(design[found[0]], found)
        return next(reversed([*once.values()][: self.task.problem.short_list]), None)

    def best(self, fidelity: str) -> tuple[str, dict[str, float]] | None:
        """Key and goal values of the best design that keeps every limit, guards included; None when there is none."""
        return next(iter(self._kept(fidelity)), None)

    def _kept(self, fidelity: str) -> list[tuple[str, dict[str, float]]]:
        """Those that keep every limit, the best first, of equals the earliest."""
        rows, goal = self.rungs[fidelity], self.task.objective
        told = zip(rows.keys, map(self.task.goal_values, rows.outcomes), strict=True)
        kept = [(key, values) for key, values in told if min(self.task.margins(values).values(), default=0.0) >= 0]
        return sorted(kept, key=lambda one: goal.better(0.0, one[1][goal.name]))
