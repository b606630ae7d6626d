"""The strategy where any molecule may be tried: a pool is bred anew for every ask, and searched as any pool is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from dure.errors import PlanError
from dure.i18n import N_, _
from dure.journal import History
from dure.problem import Molecule, Problem, bred, design, drawn, fingerprints, molecule, tanimoto, values_of
from dure.strategy.base import Proposal, Review
from dure.strategy.evidence import Evidence, Task
from dure.strategy.structured import Structured

__all__ = ["Generated", "least_likeness"]

_DRAWN = N_("Drawn from a library of purchasable molecules: something has to be known before anything is bred.")
_BRED = N_("A pool is bred from the best molecules so far, near them, and searched by likeness.")
_OPENING, _LIBRARY, _CHILDREN = 20, 2_000, 300
_CENTRES = 5
_WIDEST, _FIRST, _TIGHTEST, _STEP = 0.2, 0.3, 0.6, 0.1
_SUCCESSES, _FAILURES = 2, 6


@dataclass(frozen=True)
class Generated:
    """Children of molecules already answered make a pool, with the trust region of TuRBO (Eriksson2019) in terms of likeness.

    A child is kept if it is at least so like one of the five best as the region's edge; the edge widens after two improvements in
    a row, tightens after six answers without one, and begins anew once it is as tight as it gets.
    """

    name: str = "generated"
    plain: Structured = field(default_factory=Structured)

    def explain(self, task: Task) -> tuple[str, ...]:
        """See ``Strategy``."""
        _input_of(task)
        return (_BRED, *self.plain.explain(task))

    def ask(self, task: Task, history: History, n: int, seed: int) -> list[Proposal]:
        """See ``Strategy``."""
        name, evidence = _input_of(task), Evidence(task, history)
        rows = evidence.rungs[task.problem.fidelities[0].name]
        opened = len(rows.designs) + len(rows.failed) + len(rows.pending)
        if opened < _OPENING or not rows.designs:
            left = max(_OPENING - opened, n if not rows.designs else 0)
            opening = self._opening(task, name, evidence, min(n, left), seed)
            if opening or not rows.designs:  # where few of the library keep the rules, those few are bred from
                return opening
        dropped: Counter[str] = Counter()
        pool = (*_seen(name, evidence), *self._children(task, name, evidence, seed, dropped))
        made = self.plain.ask(_pooled(task, name, pool), history, n, seed)
        found = [replace(one, design=task.problem.design(**values_of(one.design))) for one in made]
        return _counted(found, dropped)

    def review(self, task: Task, history: History, seed: int) -> Review:
        """See ``Strategy``; of what was tried, since nobody can look at all molecules."""
        name, evidence = _input_of(task), Evidence(task, history)
        if not evidence.rungs[task.problem.top.name].designs:
            return Review()
        return Review(self.plain.review(_pooled(task, name, _seen(name, evidence)), history, seed).worth)

    def _opening(self, task: Task, name: str, evidence: Evidence, n: int, seed: int) -> list[Proposal]:
        known, rung = set(_seen(name, evidence)), task.problem.fidelities[0].name
        library = drawn(_LIBRARY, seed)
        # What stands before the last one asked was looked at then, and counted.
        first = max((number for number, one in enumerate(library, start=1) if one in known), default=0)
        dropped: Counter[str] = Counter()
        kept = islice(_keeping(task, name, library[first:], dropped), n)
        found = [Proposal(task.problem.design(**{name: smiles}), rung, "start", _DRAWN) for smiles in kept]
        return _counted(found, dropped)

    def _children(self, task: Task, name: str, evidence: Evidence, seed: int, dropped: Counter[str]) -> list[str]:
        """New molecules that keep the rules and lie in the region around the best; counts what broke which rule."""
        ranked = _ranked(task, name, evidence)
        parents = [(-float(number), smiles) for number, smiles in enumerate(ranked)]
        known, asked = set(_seen(name, evidence)), len(evidence.keys)

        def new(molecules: Iterable[str]) -> list[str]:
            return list(_keeping(task, name, (one for one in dict.fromkeys(molecules) if one not in known), dropped))

        # A brood without a new molecule that keeps the rules is no reason to end: some are drawn as at the beginning.
        kept = new(bred(parents, _CHILDREN, seed + asked)) or new(drawn(_LIBRARY, seed + asked))
        if not kept:
            return []
        likeness = tanimoto(fingerprints(kept), fingerprints(ranked[:_CENTRES])).max(1)
        least = least_likeness(_course(task, evidence))
        inside = [one for one, alike in zip(kept, likeness, strict=True) if alike >= least]
        return inside or [kept[int(likeness.argmax())]]


def least_likeness(improved: Sequence[bool]) -> float:
    """The edge of the region after answers of which each improved on all before it, or did not."""
    least, good, bad = _FIRST, 0, 0
    for better in improved:
        good, bad = (good + 1, 0) if better else (0, bad + 1)
        if good == _SUCCESSES:
            least, good = max(_WIDEST, least - _STEP), 0
        if bad == _FAILURES:
            least, bad = least + _STEP, 0
        if least > _TIGHTEST + 1e-9:
            least = _FIRST
    return least


def _input_of(task: Task) -> str:
    """The one input, a molecule without a pool."""
    (name, spec), *more = task.problem.inputs.items()
    if more or not isinstance(spec, Molecule) or spec.pool or task.problem.candidates or len(task.objectives) > 1:
        raise PlanError(
            _("strategy 'generated' is for problems with one objective whose only input is any molecule; leave the strategy out")
        )
    return name


def _keeping(task: Task, name: str, molecules: Iterable[str], dropped: Counter[str]) -> Iterator[str]:
    """Those that keep all rules; of the others, ``dropped`` counts the first rule that each breaks."""
    for smiles in molecules:
        broken = task.problem.broken_rule(task.problem.design(**{name: smiles}))
        if broken is None:
            yield smiles
        else:
            dropped[broken.name] += 1


def _counted(proposals: list[Proposal], dropped: Counter[str]) -> list[Proposal]:
    """The first states how many molecules were left out of its pool by which rule."""
    first, rest = proposals[:1], proposals[1:]
    stated = {f"dropped.{name}": float(count) for name, count in sorted(dropped.items())}
    return [*(replace(one, numbers={**one.numbers, **stated}) for one in first), *rest]


def _seen(name: str, evidence: Evidence) -> tuple[str, ...]:
    rows = evidence.rungs.values()
    return tuple(dict.fromkeys(getattr(one, name) for some in rows for one in (*some.designs, *some.failed, *some.pending)))


def _answers(task: Task, name: str, evidence: Evidence) -> Iterator[tuple[str, bool, float]]:
    """Molecule, whether it breaks a limit, and how bad it is; what the top rung says replaces what cheaper ones said."""
    goal = task.objective
    sign = 1.0 if goal.measure.sense == "minimise" else -1.0
    for rung in task.problem.fidelities:
        rows = evidence.rungs[rung.name]
        for one, outcome in zip(rows.designs, rows.outcomes, strict=True):
            values = task.goal_values(outcome)
            broken = min(task.margins(values).values(), default=0.0) < 0
            yield getattr(one, name), broken, sign * values[goal.name]


def _ranked(task: Task, name: str, evidence: Evidence) -> list[str]:
    """Answered molecules, the best first."""
    worth = {smiles: (broken, value) for smiles, broken, value in _answers(task, name, evidence)}
    return sorted(worth, key=lambda one: worth[one])


def _course(task: Task, evidence: Evidence) -> list[bool]:
    """For each answer of the top rung in the order they came whether it improved on all before."""
    goal = task.objective
    sign = 1.0 if goal.measure.sense == "minimise" else -1.0
    values = np.array([sign * value for _number, value in sorted(evidence.values(goal.name))])
    return [] if not len(values) else (np.minimum.accumulate(values)[:-1] > values[1:]).tolist()


def _pooled(task: Task, name: str, pool: tuple[str, ...]) -> Task:
    """The task with that pool for its only molecules."""
    problem: Problem = task.problem
    own: Any = problem.inputs[name]
    body = {name: molecule(*pool, help=own.help), "__annotations__": {name: str}, "__doc__": problem.design.__doc__}
    made: Any = design(type(problem.design.__name__, (), body))
    candidates = tuple(made(**{name: smiles}) for smiles in pool)
    return replace(task, problem=replace(problem, design=made, candidates=candidates, starts=()))
