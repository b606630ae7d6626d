"""What a report is made of: a journal up to its newest conclusion, and the claims that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from dure.campaign import Claim, claims_of, conclude, task_of
from dure.canonical import parse
from dure.errors import InputError, JournalError
from dure.i18n import _
from dure.journal import Event, History, Journal, TrialState, fold
from dure.problem import Complex, Curve, Fan, Map, Sheet, View, find, view_of
from dure.strategy import Task

__all__ = ["Dossier"]

ROLES = ("winner", "baseline", "runner_up.1", "runner_up.2")


V = TypeVar("V", Complex, Curve, Fan, Map, Sheet)


def _state_of_the_question(events: Iterable[Event]) -> list[Event]:
    """Events up to the newest plan's conclusion, all of them while there is none; never the reports'.

    Raises:
        JournalError: no plan was recorded yet.
    """
    kept = [event for event in events if event.kind != "reported"]
    newest: dict[str, int] = {event.kind: index for index, event in enumerate(kept)}
    if "planned" not in newest:
        raise JournalError(_("the journal holds no plan yet; there is nothing to report"))
    if newest.get("concluded", -1) > newest["planned"]:
        return kept[: newest["concluded"] + 1]
    return kept


@dataclass(frozen=True)
class Dossier:
    """A pure function of a journal's events; ``views`` has those of each role's trial, and of each check's as "check.NAME"."""

    events: Sequence[Event]
    history: History
    task: Task
    claims: Mapping[str, Claim]
    views: Mapping[str, Sequence[View]]

    @classmethod
    def read(cls, journal: Journal, before: int | None = None) -> Dossier:
        """The newest state of the question, or the one before event number ``before``.

        Raises:
            JournalError: no plan was recorded yet, or an event or artefact is not what was written.
            InputError: the problem cannot be loaded here, or the journal is a pool's.
        """
        known = journal.events() if before is None else (event for event in journal.events() if event.seq < before)
        events = _state_of_the_question(known)
        history = fold(events)
        if "pool" in history.plan:
            raise InputError(_("{folder} holds a pool, not a campaign; choose another folder").format(folder=journal.folder))
        task = task_of(history, find(history.plan["reference"]))
        shown = _roles(history, task) | _checked(history, task)
        views = {role: _views(journal, history.trials[key]) for role, key in shown.items()}
        return cls(events, history, task, claims_of(history, task), views)

    @property
    def plan(self) -> Mapping[str, Any]:
        """The newest plan."""
        return self.history.plan

    @property
    def head(self) -> str:
        """Hash of the last event the report rests on."""
        return self.events[-1].hash

    @property
    def concluded(self) -> bool:
        """Whether there is a verdict."""
        return self.history.conclusion is not None

    @cached_property
    def ends(self) -> Mapping[str, Any]:
        """The conclusion, or what it would rest on if the campaign ended now."""
        return self.history.conclusion or conclude(self.history, self.task)

    @cached_property
    def roles(self) -> Mapping[str, TrialState]:
        """Winner, baseline and runners-up, as far as there are any, in this order."""
        return {role: self.history.trials[key] for role, key in _roles(self.history, self.task).items()}

    def shown(self, kind: type[V], role: str = "winner") -> list[V]:
        """The views of a kind that a role's trial shows."""
        return [view for view in self.views.get(role, ()) if isinstance(view, kind)]

    def of_checks(self, kind: type[V]) -> list[V]:
        """The views of a kind that a check of the winner shows and the top rung does not."""
        known = {view.name for view in self.shown(kind)}
        return [view for check in self.checks for view in self.shown(kind, f"check.{check}") if view.name not in known]

    @cached_property
    def checks(self) -> Mapping[str, Any]:
        """What became of each check that applies, in the problem's order."""
        names, known = [check["name"] for check in self.plan["problem"]["checks"]], self.ends["checks"]
        return {name: known[name] for name in names if name in known}

    def measured(self, role: str) -> dict[str, Any]:
        """The outcome of a role's trial, or the mean of its repeats."""
        keys = self.ends.get("repeats", {}).get(role) or [self.ends[role]]
        rows: list[Mapping[str, Any]] = [self.history.trials[key].outcome or {} for key in keys]
        found = {name: [row[name] for row in rows] for name in rows[0]}
        return {name: None if None in values else np.mean(values, axis=0).tolist() for name, values in found.items()}

    def of_kind(self, kind: str) -> list[Event]:
        """Events of one kind, in order."""
        return [event for event in self.events if event.kind == kind]


def _roles(history: History, task: Task) -> dict[str, str]:
    ends = history.conclusion or conclude(history, task)
    keys = (ends["winner"], ends["baseline"], *ends["runners_up"])
    return {role: key for role, key in zip(ROLES, keys, strict=False) if key}


def _checked(history: History, task: Task) -> dict[str, str]:
    checks = (history.conclusion or conclude(history, task))["checks"]
    return {f"check.{name}": check["key"] for name, check in checks.items() if check["answered"]}


def _views(journal: Journal, state: TrialState) -> list[View]:
    if state.views is None:
        return []
    found: Any = parse(journal.get(state.views).decode())
    return [view for data in found if (view := view_of(data))]
