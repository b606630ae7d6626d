"""Constrained Bayesian optimisation that uses all an author stated: parts, theory, starts and cheaper rungs."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import torch
from botorch.exceptions.warnings import BotorchWarning
from botorch.utils.sampling import manual_seed
from linear_operator.utils.warnings import NumericalWarning
from threadpoolctl import threadpool_limits

from dure.i18n import N_
from dure.journal import History
from dure.problem import Problem
from dure.strategy.base import START, Proposal, Review, space_filling
from dure.strategy.evidence import Evidence, Task
from dure.strategy.search import Search
from dure.surrogate import Past

__all__ = ["Structured", "calmly"]

_FEW, _LEAST = 4, 2
"""Space-filling points by which a theory is calibrated, and answers that textbook starts have to give where no rung is cheap."""
_FILL = N_("A space-filling point: the trend is learned before a model is trusted.")


@dataclass(frozen=True)
class Structured:
    """Every piece can be left out, to measure what it is worth; without any it is black-box Bayesian optimisation.

    Surrogates follow Kennedy & O'Hagan (kennedy2000), acquisition is the logarithm of noisy expected improvement under
    constraints (letham2019, ament2023).
    """

    name: str = "structured"
    parts: bool = True
    theory: bool = True
    starts: bool = True
    rungs: bool = True

    def explain(self, task: Task) -> tuple[str, ...]:
        """See ``Strategy``."""
        problem = task.problem
        pieces = (
            (N_("The parts of each outcome are modelled."), self.parts and any(one.axis for one in problem.measures.values())),
            (N_("The author's theory, calibrated, is the mean."), self.theory and problem.theory is not None),
            (N_("Textbook starts come first."), self.starts and bool(problem.starts)),
            (N_("Cheaper rungs are asked where they are worth their cost."), self.rungs and len(problem.fidelities) > 1),
        )
        return (*self._method(task), *(text for text, used in pieces if used))

    def _method(self, task: Task) -> Iterator[str]:
        """What is expected to improve, and how the designs to try are found."""
        problem = task.problem
        if len(task.objectives) > 1:
            yield N_("Expected growth of the front over Gaussian processes, limits kept.")
        else:
            yield N_("Constrained expected improvement over Gaussian processes.")
        if problem.short_list > 1:
            yield N_("Improvement is over the last of the short list that is wanted.")
        if problem.candidates:
            yield N_("The designs to try are those of the list.")
        elif problem.space.stepped:
            yield N_("Real inputs are moved by gradient and the others step by step, in turns.")
        if problem.noise.kind != "none":
            yield N_("What was seen is taken as noisy.")

    def ask(self, task: Task, history: History, n: int, seed: int) -> list[Proposal]:
        """See ``Strategy``."""
        evidence = Evidence(task, history)
        opening = self.opening(task, evidence, seed, n)
        if opening:
            return opening[:n]
        with calmly(seed + len(evidence.keys)):
            search = self.search(task, evidence, seed)
            return search.propose(n, certified=bool(history.plan.get("stopping", {}).get("certificate")))

    def review(self, task: Task, history: History, seed: int) -> Review:
        """See ``Strategy``."""
        evidence = Evidence(task, history)
        with calmly(seed + len(evidence.keys)):
            search = self.search(task, evidence, seed)
            return Review(tuple(search.worth()), search.prospect)

    def search(self, task: Task, evidence: Evidence, seed: int, past: Past | None = None) -> Search:
        """The fitted search, with what past tasks of the family say or without; to be made ``calmly``."""
        return Search(task, evidence, seed, ladder=self.ladder_of(task), parts=self.parts, theory=self.theory, past=past)

    def ladder_of(self, task: Task) -> tuple[str, ...]:
        """Names of the fidelities used, cheapest first."""
        names = tuple(rung.name for rung in task.problem.fidelities)
        return names if self.rungs else names[-1:]

    def opening(self, task: Task, evidence: Evidence, seed: int, n: int) -> list[Proposal]:
        """Starts and space-filling points not asked for yet; none once answers are many, from wherever.

        While hardly anything has come back there is nothing to learn from, and more space-filling points follow.
        """
        problem, rung = task.problem, self.ladder_of(task)[0]
        answered = {design for rows in evidence.rungs.values() for design in rows.designs}
        failed = {design for rows in evidence.rungs.values() for design in rows.failed}
        starts = [design for design in problem.starts if problem.broken_rule(design) is None]
        good = [design for design in starts if design not in failed and (self.starts or design in answered)]
        filling = self._filling(problem, len(good), cheap=problem.rung(rung).cost < problem.top.cost)
        points = (Proposal(design, rung, "start", _FILL) for design in space_filling(problem, seed))
        planned = [Proposal(design, rung, "start", START) for design in starts if self.starts]
        planned += islice(points, filling)
        if len(evidence.rungs[rung].designs) >= max(len(planned), problem.space.columns + 1):
            return []
        left = self._not_asked(planned, task, evidence, seed)
        if left or failed or len(answered) >= _LEAST:
            return left
        return self._not_asked(islice(points, len(evidence.keys) + n), task, evidence, seed)

    def _filling(self, problem: Problem, starts: int, *, cheap: bool) -> int:
        """How many space-filling points: as the columns ask for, but fewer where an author's designs or theory say more.

        After textbook starts more of them are worth asking where they are ``cheap``.
        """
        columns = problem.space.columns
        most = max(_LEAST, columns - 1) if starts else columns + 1
        if self.theory and problem.theory is not None:
            return min(most, _FEW) if cheap or not starts else max(0, _LEAST - starts)
        return most if cheap or not starts else min(most, max(_LEAST, starts), max(0, columns + 1 - starts))

    def _not_asked(self, planned: Iterable[Proposal], task: Task, evidence: Evidence, seed: int) -> list[Proposal]:
        unique = {task.problem.trial(one.design, task.setting, one.fidelity, seed).key: one for one in planned}
        return [one for key, one in unique.items() if key not in evidence.keys]


@contextmanager
def calmly(seed: int) -> Iterator[None]:
    """What is drawn at random within depends on ``seed`` alone; one thread, and no warnings of what is wanted so."""
    # These models are small: more threads, of torch or of SciPy's linear algebra, cost four times the processor time.
    with threadpool_limits(limits=1), _unwarned(), torch.random.fork_rng(devices=[]), manual_seed(seed):
        yield


@contextmanager
def _unwarned() -> Iterator[None]:
    """The libraries warn of samples in which no incumbent keeps the limits, and of rounding; what they then do is wanted."""
    with warnings.catch_warnings():
        for kind in (BotorchWarning, NumericalWarning):
            warnings.simplefilter("ignore", kind)
        yield
