"""What a strategy is: a function of the history and a seed that says what to try next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count, takewhile
from typing import Any, Protocol, runtime_checkable

import numpy as np
from scipy.stats import qmc

from dure.errors import PlanError
from dure.i18n import N_, _
from dure.journal import History
from dure.problem import Problem
from dure.strategy.evidence import Task

__all__ = ["HAS_A_PAST", "START", "PastWorth", "Proposal", "Review", "Strategy", "Worth", "space_filling"]

HAS_A_PAST = N_("The past of the family has a say, between dear starts too, as far as its forecasts are the better ones.")
START = N_("A textbook start given by the problem's author.")
_BLOCK, _MOST_REFUSED = 64, 10_000


@dataclass(frozen=True)
class Proposal:
    """One design worth a trial.

    ``why`` is one sentence with named places for ``numbers``, translated when it is shown; ``predicted`` maps a goal to median,
    low and high of a 90 % interval; ``gain`` is the expected improvement of the objective, in its unit, at a top-rung proposal,
    and ``prospect`` that of ``Review`` just before it, stated only where the plan wants a certificate.
    """

    design: Any
    fidelity: str
    purpose: str
    why: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    predicted: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    gain: float | None = None
    prospect: float | None = None


@dataclass(frozen=True)
class Worth:
    """What one thing that the author stated was worth for one goal.

    ``piece`` is "theory" or the name of a cheaper rung; ``explained`` the share of the goal's variance among the answers that it
    explains, each answer left out once, negative where a constant does better; ``used`` the share of the goal's parts for which
    it was kept.
    """

    piece: str
    goal: str
    explained: float
    used: float


@dataclass(frozen=True)
class PastWorth:
    """What the past was worth to one campaign of ``answers`` answers.

    ``weight`` is what it has now, from 0 to 1. ``saved`` is how many answers its absence would have cost: those after which
    forecasts without it were as good as with it, with a 90 % interval. ``ignored`` is the number of answers after which it stayed
    out of use, None where it did not.
    """

    name: str
    answers: int
    weight: float
    saved: tuple[float, float, float]
    ignored: int | None


@dataclass(frozen=True)
class Review:
    """What a strategy says when it is asked for its view instead of a design.

    ``worth`` has what of the author's it uses; ``prospect`` is the probability that more runs would gain more than the
    problem's tolerance, None where it has no idea; ``past`` what the family's past was worth, None without any.
    """

    worth: tuple[Worth, ...] = ()
    prospect: float | None = None
    past: PastWorth | None = None


@runtime_checkable
class Strategy(Protocol):
    """Asks for designs. The same task, history and seed give the same proposals on the same machine."""

    @property
    def name(self) -> str:
        """What ``--strategy`` calls it."""

    def explain(self, task: Task) -> tuple[str, ...]:
        """Sentences on why this strategy suits the task, for plan and report; translated when they are shown.

        Raises:
            PlanError: it does not suit the task at all.
        """

    def ask(self, task: Task, history: History, n: int, seed: int) -> list[Proposal]:
        """Up to ``n`` proposals; pending trials are those of the history that have no answer."""

    def review(self, task: Task, history: History, seed: int) -> Review:
        """What this strategy makes of all that was answered; an empty one where it makes nothing of it."""


def space_filling(problem: Problem, seed: int | tuple[int, ...], *, uniform: bool = False, start: int = 0) -> Iterator[Any]:
    """Designs that keep the rules, from number ``start`` on: scrambled Sobol points, or independent uniform ones, endlessly.

    Of a problem with candidates it is those, each once, and then no more: always the one nearest to the next Sobol point, or in
    a random order.

    Raises:
        PlanError: ten thousand designs in a row broke a rule.
    """
    points = _points(problem, seed, uniform)
    designs = (points.at(number) for number in count(start))
    return takewhile(lambda design: design is not None, designs)


class _Listed:
    """The candidates that keep the rules in such an order, found as far as it is asked for."""

    def __init__(self, problem: Problem, seed: int | tuple[int, ...], uniform: bool) -> None:
        generator, self._space = np.random.default_rng(seed), problem.space
        self._designs = [one for one in problem.candidates if problem.broken_rule(one) is None]
        self._order: list[int] = generator.permutation(len(self._designs)).tolist() if uniform else []
        self._sobol = qmc.Sobol(problem.space.columns, rng=generator)
        self._cube = problem.space.encode(self._designs)
        self._taken = np.zeros(len(self._designs))

    def at(self, number: int) -> Any:
        """The design, or None past the last."""
        while len(self._order) <= min(number, len(self._designs) - 1):
            for point in self._space.designs(self._sobol.random(_BLOCK))[: len(self._designs) - len(self._order)]:
                nearest = int((self._space.distances(point, self._cube) + self._taken).argmin())
                self._order.append(nearest)
                self._taken[nearest] = np.inf
        return self._designs[self._order[number]] if number < len(self._designs) else None


class _Points:
    """One such sequence, drawn in blocks and remembered, so that a campaign does not draw it again for every proposal."""

    def __init__(self, problem: Problem, seed: int | tuple[int, ...], uniform: bool) -> None:
        generator, columns = np.random.default_rng(seed), problem.space.columns
        sobol = None if uniform else qmc.Sobol(columns, rng=generator)
        self._draw = sobol.random if sobol else lambda rows: generator.uniform(size=(rows, columns))
        self._problem = problem
        self._known: list[Any] = []

    def at(self, number: int) -> Any:
        while len(self._known) <= number:
            self._known += self._block()
        return self._known[number]

    def _block(self) -> list[Any]:
        broken = None
        for _attempt in range(_MOST_REFUSED // _BLOCK):
            designs = self._problem.space.designs(self._draw(_BLOCK))
            kept = [design for design in designs if (broken := self._problem.broken_rule(design)) is None]
            if kept:
                return kept
        raise PlanError(
            _("10,000 designs in a row broke rule {name!r}; the rules leave next to nothing").format(
                name=broken.name if broken else ""
            )
        )


@lru_cache(maxsize=4)
def _points(problem: Problem, seed: int | tuple[int, ...], uniform: bool) -> _Points | _Listed:
    return (_Listed if problem.candidates else _Points)(problem, seed, uniform)
