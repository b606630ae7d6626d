"""The strategy of problems whose family has a past: two beliefs, with it and without, and a trial of which to listen to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from dure.i18n import N_
from dure.journal import History
from dure.models.prior import FamilyPrior
from dure.strategy.base import HAS_A_PAST, START, Proposal, Review
from dure.strategy.evidence import Evidence, Task
from dure.strategy.peak import listed
from dure.strategy.search import Search
from dure.strategy.structured import Structured, calmly
from dure.strategy.worth import LEAST_COLD, forecasts, share_of_past, worth_of
from dure.surrogate import Past, differentiable

__all__ = ["Informed"]

_BEST_BEFORE = N_("The best design of a past task of the family.")
_NEXT_TO_IT = N_("Of the list what comes nearest to the best design of a past task of the family.")
_SAME = 1e-6


@dataclass(frozen=True)
class Informed:
    """``plain`` and, beside it, the same with a family prior; each proposal is one of theirs, drawn by their forecasts' record.

    Before any answer the odds are those of tasks that the prior's training left out. At least a tenth of the proposals are
    made without the past. In an opening, unless there is theory, its proposals are the best designs of past tasks, those
    first that it likes best here; the others are textbook starts and space-filling points. At a cheaper rung starts come
    first: they cost little there and calibrate what is stated.
    """

    plain: Structured
    prior: FamilyPrior
    label: str

    @property
    def name(self) -> str:
        """See ``Strategy``."""
        return self.plain.name

    def explain(self, task: Task) -> tuple[str, ...]:
        """See ``Strategy``."""
        return (*self.plain.explain(task), HAS_A_PAST)

    def ask(self, task: Task, history: History, n: int, seed: int) -> list[Proposal]:
        """See ``Strategy``."""
        evidence = Evidence(task, history)
        opening = self.plain.opening(task, evidence, seed, n)
        rung = task.problem.rung(self.plain.ladder_of(task)[0])
        starts = [one for one in opening if one.why == START]
        if starts and rung.cost < task.problem.top.cost:
            return starts[:n]
        with calmly(seed + len(evidence.keys)):
            without, informed = (self.plain.search(task, evidence, seed, past) for past in (None, self._past(task)))
            weight = share_of_past(forecasts(informed.model), forecasts(without.model), float(self.prior.helped))
            drawn = np.random.default_rng([seed, len(evidence.keys)]).uniform(size=n) < min(weight, 1 - LEAST_COLD)
            count = int(drawn.sum())
            certified = bool(history.plan.get("stopping", {}).get("certificate"))
            proposed = list(islice(self._best_before(task, informed), count)) if opening else []
            proposed += informed.propose(count - len(proposed), certified=certified, besides=proposed)
            listened = [replace(one, numbers={**one.numbers, "past": weight}) for one in proposed]
            if opening:
                known = {(one.design, one.fidelity) for one in listened}
                rest = [one for one in opening if (one.design, one.fidelity) not in known][: n - count]
            else:
                rest = without.propose(n - count, certified=certified, besides=listened)
        return listened + rest

    def _best_before(self, task: Task, informed: Search) -> Iterator[Proposal]:
        """The best designs of past tasks that were not asked for, or what a list of numbers has next to them."""
        problem, rung = task.problem, self.plain.ladder_of(task)[0]
        asked, every = set(informed.evidence.keys), listed(problem)
        if problem.theory is not None or not len(self.prior.best) or (every is not None and not every[0]):
            return
        for point in self.prior.best[informed.aims.best_first(informed.model.mean(self.prior.best))].numpy():
            (design,) = problem.space.designs(point[None])
            why = _BEST_BEFORE
            if every is not None:
                away = problem.space.distances(design, every[1])
                if away.min() >= 1:  # rows beside it in a list of names say nothing of it
                    continue
                why = _BEST_BEFORE if away.min() < _SAME else _NEXT_TO_IT
                design = every[0][int(away.argmin())]
            key = problem.trial(design, task.setting, rung, informed.seed).key
            if key not in asked and problem.broken_rule(design) is None:
                asked.add(key)
                yield Proposal(design, rung, "search", why)

    def review(self, task: Task, history: History, seed: int) -> Review:
        """See ``Strategy``."""
        evidence = Evidence(task, history)
        with calmly(seed + len(evidence.keys)):
            without, informed = (self.plain.search(task, evidence, seed, past) for past in (None, self._past(task)))
            past = worth_of(self.label, forecasts(informed.model), forecasts(without.model), seed, float(self.prior.helped))
            better = informed if past.weight > 0.5 else without
            return Review(tuple(without.worth()), better.prospect, past)

    def _past(self, task: Task) -> Past:
        problem, setting = task.problem, task.setting
        tokens = differentiable(problem.tokens.of(problem, setting)) if problem.tokens else None
        return Past.of(self.prior, self.prior.shift.new_tensor(problem.descriptors(setting)), tokens)
