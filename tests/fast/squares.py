"""A constrained quadratic with known optimum, and a campaign in memory, for the tests of strategies."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from dure.journal import Event, History
from dure.problem import (
    Axis,
    Fidelity,
    Parts,
    Problem,
    at_most,
    design,
    max_over,
    minimise,
    outcome,
    real,
    rule,
    sum_over,
    values_of,
)
from dure.strategy import Evidence, Proposal, Strategy, Task

CORNER = Axis("corner", ("left", "right"))


@design
class Square:
    x: float = real(0.0, 1.0)
    y: float = real(0.0, 1.0)


@outcome
class Measured:
    cost: Parts = minimise(sum_over(CORNER))
    stress: Parts = at_most(0.6, max_over(CORNER))


OPTIMUM = 0.46**2 + 0.4**2
"""Both limits hold with equality, x + y/10 = y = 0.6, with multipliers 0.92 and 0.708, both above 0 (KKT)."""


def simulate(point: Square, *, fidelity: str) -> Measured:
    off = 0.05 * point.x if fidelity == "coarse" else 0.0
    return Measured(cost=((1 - point.x) ** 2 + off, (1 - point.y) ** 2), stress=(point.x + 0.1 * point.y + off, point.y))


def theory(point: Square) -> dict[str, Any]:
    return {"cost": (1.2 - point.x, 1.2 - point.y), "stress": (point.x, point.y)}


@rule
def below(point: Square) -> float:
    """Not too far up."""
    return 1.5 - point.x - point.y


def square(**changed: Any) -> Problem:
    told: dict[str, Any] = {"name": "toy/square", "version": "1", "question": "?", "design": Square, "outcome": Measured}
    return Problem(**told | {"simulate": simulate} | changed)


LADDER = (Fidelity("coarse", 0.2), Fidelity("fine"))
STARTS = (Square(x=0.2, y=0.2), Square(x=0.4, y=0.4))
RICH = {"theory": theory, "starts": STARTS, "rules": (below,), "fidelities": LADDER}


class Run:
    """A campaign in memory: asks, answers and keeps the history."""

    def __init__(self, problem: Problem, fails: Callable[[Any], bool] = lambda _design: False) -> None:
        self.problem, self.fails = problem, fails
        self.task = Task(problem, problem.setting(), problem.goals)
        self.history = History()
        self._numbers = itertools.count(1)
        self.add("planned", {})

    def add(self, kind: str, payload: dict[str, Any]) -> None:
        self.history.apply(Event(next(self._numbers), kind, "", payload, "", ""))

    def asked(self, proposal: Proposal, seed: int = 0, purpose: str | None = None) -> str:
        trial = self.problem.trial(proposal.design, self.task.setting, proposal.fidelity, seed)
        key = trial.key
        assert key not in self.history.trials, "asked twice"
        stated = {"gain": proposal.gain, "prospect": proposal.prospect}
        self.add("asked", {"key": key, "trial": trial.plain(), "purpose": purpose or proposal.purpose, **stated})
        self.add("started", {"key": key, "attempt": 1})
        return key

    def answered(self, proposal: Proposal, seed: int = 0, purpose: str | None = None) -> None:
        key = self.asked(proposal, seed, purpose)
        if self.fails(proposal.design):
            self.add("failed", {"key": key, "reason": "no answer", "final": True})
            return
        told = self.problem.answer(proposal.design, self.task.setting, fidelity=proposal.fidelity, seed=seed).outcome
        self.add("told", {"key": key, "outcome": values_of(told)})

    def go(self, asker: Strategy, runs: int, seed: int = 0, n: int = 1) -> Iterator[Proposal]:
        for _number in range(runs):
            for proposal in asker.ask(self.task, self.history, n, seed):
                self.answered(proposal, seed)
                yield proposal

    def filled(self, designs: list[Any], fidelity: str = "") -> Run:
        for one in designs:
            self.answered(Proposal(one, fidelity or self.problem.top.name, "search", ""))
        return self

    def best(self) -> float | None:
        found = Evidence(self.task, self.history).best(self.problem.top.name)
        return found[1][self.task.objective.name] if found else None
