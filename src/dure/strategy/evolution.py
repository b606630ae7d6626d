"""Generations that evolve, for runs so cheap that a model of their answers would cost more than they do.

A strategy keeps nothing between two asks, and a population that evolves is memory. So it is replayed: the optimiser begins from
the seed, and is told one generation after the other what the history says of it. By whom and in which order designs were answered
makes no difference, and neither does an interruption.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy.stats import iqr

from dure.errors import PlanError
from dure.i18n import N_, _
from dure.journal import History, TrialState
from dure.problem import Space
from dure.strategy.base import START, Proposal, Review, space_filling
from dure.strategy.evidence import Task

__all__ = ["Evolution", "Judged", "Line"]

Array = NDArray[np.float64]

_KNOWN = N_("One of the best designs known before; the first generation begins with them.")
_FIRST = N_("A space-filling point of a first generation.")
_BRED = N_("Bred from the best of the generations before it; this is generation {generation}.")

_MOST_STALE = 20
"""So many generations in a row without a design that is new, and another line of descent begins."""

_MOST_TRIED = 1000


@dataclass(frozen=True)
class Judged:
    """What came of n designs: ``objectives`` (n, k), small is better, and ``shortfalls`` (n, m), 0 or less where a limit is kept.

    ``answered`` (n,) is False where a design failed or breaks a rule; its numbers then mean nothing.
    """

    objectives: Array
    shortfalls: Array
    answered: NDArray[np.bool_]

    @property
    def missed(self) -> Array:
        """(n,) sum of the shortfalls above 0; infinite without an answer."""
        return np.where(self.answered, np.maximum(self.shortfalls, 0.0).sum(1), np.inf)

    @property
    def best_first(self) -> list[int]:
        """Rows in order: what misses least, then what is best in the objective it is best in."""
        ranks = self.objectives.argsort(0, kind="stable").argsort(0, kind="stable").min(1)
        order: list[int] = np.lexsort((ranks, self.missed)).tolist()
        return order

    def over(self, spread: tuple[Array, Array]) -> Judged:
        """The same in other units."""
        return Judged(self.objectives / spread[0], self.shortfalls / spread[1], self.answered)

    @property
    def spread(self) -> tuple[Array, Array]:
        """(k,) and (m,) ranges of the middle half of what was answered: no goal counts for its unit, or for its worst values."""
        return _spread(self.objectives[self.answered]), _spread(self.shortfalls[self.answered])


def _spread(values: Array) -> Array:
    if not len(values):
        return np.ones(values.shape[1])
    size = np.abs(values).max(0)
    found = iqr(values, axis=0)
    return np.where(found > 1e-9 * size, found, np.where(size > 0, size, 1.0))


class Line(Protocol):
    """One line of descent in the unit cube, as a library breeds it."""

    def ask(self) -> Array:
        """(n, columns) points of the next generation."""

    def tell(self, judged: Judged) -> None:
        """What came of them."""

    @property
    def ended(self) -> bool:
        """Whether it has converged, so that another line should begin."""


Begin = Callable[[Array, Judged, Space, Sequence[int]], Line]
"""A line from its first generation, (n, columns) and judged, the space it lives in, and a seed."""


@dataclass(frozen=True)
class Evolution:
    """A strategy of generations: the first covers the space, and a library breeds the others.

    ``size`` gives how many designs the first generation has, from the number of columns and that of the line of descent.
    """

    name: str
    method: str
    limits: str
    size: Callable[[int, int], int]
    begin: Begin
    one_objective: bool = False

    def explain(self, task: Task) -> tuple[str, ...]:
        """See ``Strategy``."""
        self._refuse(task)
        limited = len(task.objectives) < len(task.goals)
        return (self.method, *([self.limits] if limited else []))

    def ask(self, task: Task, history: History, n: int, seed: int) -> list[Proposal]:
        """See ``Strategy``; fewer than ``n``, or none, while a generation waits for its last answers."""
        self._refuse(task)
        course = self._course(task, history, seed)
        top = task.problem.top.name
        return [
            Proposal(design, top, "start" if why == START else "search", why, {"generation": course.generation})
            for design, why in islice(course.wanted(history), n)
        ]

    def review(self, task: Task, history: History, seed: int) -> Review:
        """See ``Strategy``."""
        return Review()

    def _course(self, task: Task, history: History, seed: int) -> _Course:
        """The one replayed for the last ask of this history, which only grows, as long as it is the same course."""
        known = _courses.get(history)
        terms = (self, task, seed, len(history.plans))
        if known is None or known.terms != terms:
            known = _Course(*terms, before=_before(task, history))
            if history.asked_in_plan:  # until then more may become known of what was asked before this plan
                _courses[history] = known
        return known

    def _refuse(self, task: Task) -> None:
        if task.problem.candidates:
            raise PlanError(
                _(
                    "strategy {name} breeds new designs, and the problem has only its candidates; use auto, sobol or random"
                ).format(name=self.name)
            )
        if self.one_objective and len(task.objectives) > 1:
            raise PlanError(
                _("strategy {name} serves one objective, and the problem has {count}; use auto or nsga-ii").format(
                    name=self.name, count=len(task.objectives)
                )
            )


def _before(task: Task, history: History) -> list[TrialState]:
    """Answers of the top rung that were there before the newest plan asked for anything."""
    first = min((history.trials[key].seq for key in history.asked_in_plan), default=math.inf)
    return [
        state
        for state in history.trials.values()
        if state.outcome is not None
        and (state.answered or 0) < first
        and state.fidelity == task.problem.top.name
        and task.asks(state.trial)
    ]


class _Course:
    """The lines of descent of one task, as far as a history has answered them."""

    def __init__(self, strategy: Evolution, task: Task, seed: int, plans: int, before: Sequence[TrialState]) -> None:
        self.terms = (strategy, task, seed, plans)
        self._strategy, self._task, self._seed = strategy, task, seed
        self.generation = 0
        self._lines = self._stale = 0
        self._seen: set[str] = set()
        self._fresh = space_filling(task.problem, seed)
        self._open(self._first(before))

    def wanted(self, history: History) -> list[tuple[Any, str]]:
        """Designs that the present generation still has to ask for, each with its reason; none while it waits for answers."""
        while self._designs:
            states = [history.trials.get(key) for key in self._keys]
            missing = {key: row for row, key in enumerate(self._keys) if key and states[row] is None}
            if missing:
                return [(self._designs[row], self._reasons[row]) for row in missing.values()]
            if any(state is not None and state.is_open for state in states):
                break
            self._go_on(self._judged(states))
        return []

    def _first(self, before: Sequence[TrialState]) -> dict[Any, str]:
        """Textbook starts, and as half a generation the best of what was known before."""
        problem, judged = self._task.problem, self._judged(before)
        best = judged.over(judged.spread).best_first[: self._size // 2]
        known = [problem.make_design(before[row].trial["design"]) for row in best]
        return dict.fromkeys(problem.starts, START) | dict.fromkeys(known, _KNOWN)

    @property
    def _size(self) -> int:
        return self._strategy.size(self._task.problem.space.columns, self._lines)

    def _open(self, known: Mapping[Any, str]) -> None:
        """A new line of descent: what is known, filled up with designs that no line had; empty once there are none."""
        self._line: Line | None = None
        reasons = {design: why for design, why in known.items() if self._task.problem.broken_rule(design) is None}
        for design in islice(self._fresh, _MOST_TRIED):
            if len(reasons) >= self._size:
                break
            if self._key(design) not in self._seen:
                reasons.setdefault(design, _FIRST)
        designs = list(reasons)
        self._enter(designs, self._task.problem.space.encode(designs), list(reasons.values()))

    def _enter(self, designs: list[Any], cube: Array, reasons: list[str]) -> None:
        problem = self._task.problem
        self.generation += 1
        self._designs, self._cube, self._reasons = designs, cube, reasons
        self._keys = ["" if problem.broken_rule(one) else self._key(one) for one in designs]
        new = set(self._keys) - self._seen - {""}
        self._stale = 0 if new else self._stale + 1
        self._seen |= new

    def _key(self, design: Any) -> str:
        return self._task.problem.trial(design, self._task.setting, seed=self._seed).key

    def _judged(self, states: Sequence[TrialState | None]) -> Judged:
        task = self._task
        signs = [1.0 if goal.measure.sense == "minimise" else -1.0 for goal in task.objectives]
        limits = [name for name, goal in task.goals.items() if not goal.is_objective]
        objectives, shortfalls = np.zeros((len(states), len(signs))), np.zeros((len(states), len(limits)))
        answered = np.array([state is not None and state.outcome is not None for state in states], dtype=bool)
        for row, state in enumerate(states):
            if state is not None and state.outcome is not None:
                values = task.goal_values(state.outcome)
                margins = task.margins(values)
                objectives[row] = [sign * values[goal.name] for sign, goal in zip(signs, task.objectives, strict=True)]
                shortfalls[row] = [-margins[name] for name in limits]
        return Judged(objectives, shortfalls, answered)

    def _go_on(self, judged: Judged) -> None:
        """To the next generation, now that this one is answered."""
        space = self._task.problem.space
        if self._line is None:
            self._spread = judged.spread
            self._line = self._strategy.begin(self._cube, judged.over(self._spread), space, (self._seed, self._lines))
            self._lines += 1
        else:
            self._line.tell(judged.over(self._spread))
        if not self._line.ended and self._stale < _MOST_STALE and len(cube := self._line.ask()):
            self._enter(space.designs(cube), cube, [_BRED] * len(cube))
        else:
            self._open({})


_courses: WeakKeyDictionary[History, _Course] = WeakKeyDictionary()
