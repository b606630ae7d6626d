"""Strategies that learn nothing: Sobol points and uniform random designs, at the top rung."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import chain, islice

from dure.i18n import N_
from dure.journal import History
from dure.strategy.base import Proposal, Review, space_filling
from dure.strategy.evidence import Task

__all__ = ["Sampling"]

_TEXTS = {
    "sobol": N_("Sobol points fill the space evenly; nothing is learned from the answers."),
    "random": N_("Uniform random designs; nothing is learned from the answers."),
}


@dataclass(frozen=True)
class Sampling:
    """``name`` is "sobol" or "random"."""

    name: str

    def explain(self, task: Task) -> tuple[str, ...]:
        """See ``Strategy``."""
        return (_TEXTS[self.name],)

    def ask(self, task: Task, history: History, n: int, seed: int) -> list[Proposal]:
        """See ``Strategy``; designs already asked for are passed over."""
        problem = task.problem
        tally = history.tallies.get(("search", problem.top.name))
        asked = tally.trials if tally else 0
        sequence = partial(space_filling, problem, seed, uniform=self.name == "random")
        onwards = islice(sequence(start=asked), None if problem.candidates else n + 1000)
        proposals: list[Proposal] = []
        taken: set[str] = set()
        for design in chain(onwards, islice(sequence(), asked)):  # of a list, what others asked for may have been passed over
            key = problem.trial(design, task.setting, seed=seed).key
            if key not in history.trials and key not in taken:
                taken.add(key)
                proposals.append(Proposal(design, problem.top.name, "search", _TEXTS[self.name]))
            if len(proposals) == n:
                break
        return proposals

    def review(self, task: Task, history: History, seed: int) -> Review:
        """See ``Strategy``."""
        return Review()
