"""Cases: a task, what happened in it so far, and an ask, drawn by hypothesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import strategies as st

from dure.errors import InputError, PlanError, SimulationFailed
from dure.journal import Event, History, Journal, fold
from dure.problem import Problem, Trial, values_of
from dure.strategy import Proposal, Task, space_filling
from dure.testing.problems import problems

__all__ = ["Case", "cases"]

Happened = tuple[str, Mapping[str, Any]]
"""Kind and payload of an event."""

_FILLING = 256
_SEEDS = st.sampled_from((0, 1, 7, 2**32 + 1, 2**53 - 1))
_LIVES = ("told", "told", "pending", "given", "elsewhere", "control")
_STATED = (None, None, 0.0, 1.0, 1e30)
"""Half-widths of the intervals that were stated for earlier trials."""


@dataclass(frozen=True, repr=False)
class Case:
    """A strategy is asked for ``n`` designs under ``seed``, in a task of which ``events`` are the journal."""

    task: Task
    events: tuple[Happened, ...]
    n: int
    seed: int

    def history(self) -> History:
        """The fold over the events."""
        return fold(Event(number, kind, "", payload, "", "") for number, (kind, payload) in enumerate(self.events, 1))

    def read_back(self) -> History:
        """The fold over the events after they were written to a journal on disk."""
        with TemporaryDirectory() as folder, Journal.create(Path(folder)) as journal:
            for kind, payload in self.events:
                journal.append(kind, payload)
            return fold(journal.events())

    def trial(self, proposal: Proposal) -> Trial:
        """What a proposal asks for."""
        return self.task.problem.trial(proposal.design, self.task.setting, proposal.fidelity, self.seed)

    def after(self, proposals: Sequence[Proposal]) -> Case:
        """The case once ``proposals`` are asked for and answered."""
        lives = [_life(self.task.problem, self.trial(one), one.purpose, "told", one.predicted) for one in proposals]
        return replace(self, events=(*self.events, *(event for life in lives for event in life)))

    @cached_property
    def designs(self) -> tuple[Any, ...]:
        """Some designs that keep the rules, each once: all of them where there are few, none where the rules leave none."""
        try:
            return tuple(dict.fromkeys(islice(space_filling(self.task.problem, 3), _FILLING)))
        except PlanError:
            return ()

    def __repr__(self) -> str:
        problem = self.task.problem
        inputs = "\n".join(f"  {name}: {spec!r}" for name, spec in problem.inputs.items())
        measures = "\n".join(f"  {name}: {measure!r}" for name, measure in problem.measures.items())
        events = "\n".join(f"  {kind} {dict(payload)}" for kind, payload in self.events)
        stated = (
            f"rules {[one.name for one in problem.rules]}, {len(problem.candidates)} candidates, {len(problem.starts)} starts, "
            f"rungs {[rung.name for rung in problem.fidelities]}, noise {problem.noise.kind}, "
            f"theory {problem.theory is not None}, guard {dict(self.task.guard)}"
        )
        return f"Case of n={self.n}, seed={self.seed}\n{inputs}\n{measures}\n  {stated}\n{events}"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Problems of every kind, after histories of every kind.

    Inputs are real, on a linear or a logarithmic scale, whole, named, ordered, molecules, arrangements or sequences, of sizes
    from 1e-30 to 1e30, with one value or many; or there is a list of candidates. Rules may leave nothing. There are up to three
    objectives, limits that all, some or no designs keep, outputs that are constant or span decades, noise, cheaper rungs, theory
    that is wrong. Trials were told, failed (also by NaN), are pending, were given as past data, belong to another setting, or are
    controls.
    """
    problem = draw(problems())
    limits = [name for name, goal in problem.goals.items() if not goal.is_objective]
    guard = dict.fromkeys(limits, 0.1) if draw(st.booleans()) else {}
    seed = draw(_SEEDS)
    return Case(Task(problem, problem.make_setting({}), problem.goals, guard), draw(_events(problem, seed)), draw(_ASKED), seed)


_ASKED = st.integers(1, 3)


@st.composite
def _events(draw: st.DrawFn, problem: Problem, seed: int) -> tuple[Happened, ...]:
    width = draw(st.sampled_from(_STATED))
    predicted = {} if width is None else dict.fromkeys(problem.goals, (0.0, -width, width))
    rows: dict[str, dict[str, Any]] = {}
    lives: dict[str, list[Happened]] = {}
    for design in _tried(problem, draw(st.sampled_from(("filling", "random", "anywhere"))), draw(st.integers(0, 9)), seed):
        rung, life = draw(st.sampled_from(problem.fidelities)).name, draw(st.sampled_from(_LIVES))
        moved = {"warmth": 0.75} if life == "elsewhere" and problem.inputs_of_setting else {}
        trial = problem.trial(design, problem.make_setting(moved), rung, seed if life != "given" else 0)
        if trial.key in rows or trial.key in lives:
            continue
        answer = _answer(problem, trial)
        if life == "given" and answer is not None:
            rows[trial.key] = {"key": trial.key, "trial": trial.plain(), "outcome": answer}
        else:
            lives[trial.key] = _life(problem, trial, "control" if life == "control" else "search", life, predicted)
    given: list[Happened] = [("given", {"source": "past", "sha256": "", "rows": list(rows.values())})] if rows else []
    return (*given, ("planned", {}), *(event for life in lives.values() for event in life))


def _tried(problem: Problem, source: str, count: int, seed: int) -> list[Any]:
    """Designs of an earlier search, by the same sequence a strategy may open with or by another; or from anywhere."""
    try:
        if source != "anywhere" or problem.candidates:
            return list(islice(space_filling(problem, seed, uniform=source == "random"), count))
    except PlanError:
        pass
    return problem.space.designs(np.random.default_rng(count).uniform(size=(count, problem.space.columns)))


def _life(problem: Problem, trial: Trial, purpose: str, life: str, predicted: Mapping[str, Any]) -> list[Happened]:
    """The events of one trial, from its asking to its answer."""
    stated = {name: list(interval) for name, interval in predicted.items()} if trial.fidelity == problem.top.name else {}
    asked = {"key": trial.key, "trial": trial.plain(), "purpose": purpose, "predicted": stated}
    happened: list[Happened] = [("asked", asked)]
    if life == "pending":
        return happened
    attempt = {"key": trial.key, "attempt": 1}
    answer = _answer(problem, trial)
    told = {"outcome": answer} if answer is not None else {"reason": "no answer", "final": True}
    return [*happened, ("started", attempt), ("told" if answer is not None else "failed", attempt | told)]


def _answer(problem: Problem, trial: Trial) -> dict[str, Any] | None:
    """What the problem's simulator says; None where it fails, also by an outcome that cannot be used."""
    design, setting = problem.make_design(trial.design), problem.make_setting(trial.setting)
    try:
        return values_of(problem.answer(design, setting, fidelity=trial.fidelity, seed=trial.seed).outcome)
    except (InputError, SimulationFailed):
        return None
