"""A campaign's progress as a screen wants it: kept event by event, so that looking costs nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from dure.campaign import front_of, ranked, spent, task_of
from dure.cli.screen import spoken
from dure.i18n import _
from dure.journal import Event, History, TrialState
from dure.problem import find
from dure.units import label

__all__ = ["Progress", "Running", "aim"]

_SEARCH = ("start", "search")


@dataclass(frozen=True)
class Running:
    """A trial under way; ``since`` is None while it waits for a worker."""

    what: str
    since: float | None


class Progress:
    """What to show of a campaign under way with ``workers`` workers; takes events as a campaign's watcher.

    ``front`` are the answered trials that keep every limit and that none dominates, ``best`` is their knee, ``course`` the first
    objective of each best so far, ``runs`` and ``cpu_seconds`` what the search has cost.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.stopping = False

    def stop(self) -> None:
        """A person interrupted; what follows is shutting down."""
        self.stopping = True

    def begin(self, history: History) -> None:
        """Take in all that happened before the campaign goes on."""
        self.history = history
        self.problem = find(history.plan["reference"])
        self.why = ""
        self.running: dict[str, Running] = {}
        self.answered = sum(state.outcome is not None for state in history.in_plan())
        self.failed = sum(state.reason is not None for state in history.in_plan())
        self._look_again()
        self._add_up()

    def __call__(self, event: Event, history: History) -> None:
        """One more event; those before ``begin`` are taken in there."""
        if not hasattr(self, "history"):
            return
        handler = getattr(self, f"_on_{event.kind}", None)
        if handler is not None:
            handler(event.payload, history)
            self._add_up()
        self.show(event, history)

    def show(self, event: Event, history: History) -> None:
        """What a view does about an event that was taken in; here nothing."""

    @property
    def left(self) -> tuple[float | None, float | None]:
        """Runs and CPU seconds left; one follows from the other at the price so far, None while there is none."""
        budget = self.history.plan["budget"]
        price = self.cpu_seconds / self.runs if self.runs and self.cpu_seconds else None
        if budget["runs"] is not None:
            runs = max(0.0, budget["runs"] - self.runs)
            return runs, None if price is None else runs * price
        seconds = max(0.0, budget["cpu_seconds"] - self.cpu_seconds)
        return None if price is None else seconds / price, seconds

    @property
    def share(self) -> float:
        """How much of the budget is spent, 0 to 1."""
        budget = self.history.plan["budget"]
        used = self.runs / budget["runs"] if budget["runs"] is not None else self.cpu_seconds / budget["cpu_seconds"]
        return float(min(1.0, used))

    def values(self, state: TrialState) -> tuple[dict[str, float], dict[str, float]]:
        """Goal values and margins of an answered trial, guards included."""
        values = self.task.goal_values(state.outcome or {})
        return values, self.task.margins(values)

    def _add_up(self) -> None:
        used = spent(self.history, self.task, *_SEARCH)
        self.runs, self.cpu_seconds = used["runs"], used["cpu_seconds"]

    def _look_again(self) -> None:
        """Find best and course from the whole history, as after a limit was tightened."""
        self.task = task_of(self.history, self.problem)
        self.front: list[TrialState] = []
        self.best: TrialState | None = None
        self.course: list[float] = []
        for state in sorted(ranked(self.history, self.task), key=lambda one: one.answered or 0):
            self._compare(state)

    def _compare(self, state: TrialState) -> None:
        """Let a design that keeps every limit at the top rung join the front, if nothing there dominates it."""
        if ranked(self.history, self.task, [state]):
            self.front = front_of(self.history, self.task, [*self.front, state])
            self.best = ranked(self.history, self.task, self.front)[0]
            self.course.append(self.values(self.best)[0][self.task.objective.name])

    def _on_asked(self, payload: Any, history: History) -> None:
        stated = dict(payload.get("numbers", {}))
        for name, worded in (("check", spoken), ("unit", label)):
            stated |= {name: worded(stated[name])} if name in stated else {}
        self.why = " ".join(spoken(payload["why"]).format(**stated).split())

    def _on_started(self, payload: Any, history: History) -> None:
        state = history.trials[payload["key"]]
        self.running = self.running | {state.key: Running(f"{state.fidelity}, {aim(history.purpose(state.key))}", None)}
        self._hand_out()

    def _on_told(self, payload: Any, history: History) -> None:
        self._ended(payload)
        self.answered += 1
        self._compare(history.trials[payload["key"]])

    def _on_failed(self, payload: Any, history: History) -> None:
        self._ended(payload)
        self.failed += bool(payload["final"])

    def _on_guarded(self, payload: Any, history: History) -> None:
        self._look_again()

    def _ended(self, payload: Any) -> None:
        self.running = {key: one for key, one in self.running.items() if key != payload["key"]}
        self._hand_out()

    def _hand_out(self) -> None:
        """Workers take trials first in, first out; their clocks start here. The screen's thread sees whole values only."""
        now = time.monotonic()
        self.running = {
            key: Running(one.what, now) if one.since is None and place < self.workers else one
            for place, (key, one) in enumerate(self.running.items())
        }


def aim(purpose: str) -> str:
    """What a trial is for, in words."""
    if purpose.startswith("check: "):
        return _("check: {name}").format(name=spoken(purpose.removeprefix("check: ")))
    known = {
        "start": _("opening"),
        "search": _("search"),
        "baseline": _("baseline"),
        "control": _("comparison"),
        "replicate": _("repeat"),
        "given": _("past data"),
    }
    return known[purpose]
