"""The state of a campaign: a fold over the events of its journal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dure.journal.store import Event

__all__ = ["History", "Tally", "TrialState", "fold"]

_FOLDERS = re.compile(r"(?<![\w.:/\\])(?:[A-Za-z]:|~)?[\\/](?:[^\\/\s'\":]+[\\/])*(?=[^\\/\s'\":])")
_WORDS = 200


@dataclass(frozen=True)
class TrialState:
    """What is known of one trial.

    ``purpose`` is "start", "search", "control", "check: NAME" or "given" (past data, never simulated here).
    ``outcome`` is None until the trial is told; ``reason`` is set when it failed for good.
    ``predicted`` maps a goal to mean, low and high of a 90 % interval stated before the run.
    """

    key: str
    trial: Mapping[str, Any]
    purpose: str
    plan: int
    seq: int
    why: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    predicted: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    gain: float | None = None
    prospect: float | None = None
    attempts: int = 0
    outcome: Mapping[str, Any] | None = None
    views: str | None = None
    reason: str | None = None
    detail: str = ""
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    answered: int | None = None

    @property
    def is_open(self) -> bool:
        """Asked, and neither told nor failed for good."""
        return self.outcome is None and self.reason is None

    @property
    def why_failed(self) -> str | None:
        """The reason, or the first line of what a simulator without an answer said, folders left out; None if answered."""
        said = [line for line in self.detail.strip().splitlines() if line.strip()]
        return _FOLDERS.sub("", said[0].strip())[:_WORDS] if self.reason == "no answer" and said else self.reason

    @property
    def fidelity(self) -> str:
        """The rung the trial was asked at."""
        return str(self.trial["fidelity"])


@dataclass
class Tally:
    """How many trials were asked, and what they cost; a trial counts one attempt even before it starts."""

    trials: int = 0
    attempts: int = 0
    cpu_seconds: float = 0.0


class History:
    """Plans, trials and decisions so far; ``apply`` adds one event, in order.

    Of the newest plan, ``tallies`` holds by purpose and fidelity what it asked for itself, and ``forecast`` the search
    trials whose gain was stated, since the last guard. Both save a look at every trial at every step.
    """

    def __init__(self) -> None:
        self.trials: dict[str, TrialState] = {}
        self.environments: set[str] = set()
        self.used: list[dict[str, str]] = []
        self.plans: list[dict[str, Any]] = []
        self.guards: list[dict[str, float]] = []
        self.guard_rounds = 0
        self.asked_in_plan: set[str] = set()
        self.tallies: dict[tuple[str, str], Tally] = {}
        self.forecast: list[str] = []
        self.failures_in_a_row = 0
        self.decisions: list[dict[str, Any]] = []
        self.conclusion: dict[str, Any] | None = None
        self.head = ""
        self.concluded_head = ""
        self.reported: dict[str, Any] | None = None
        self._unanswered: dict[str, None] = {}

    def apply(self, event: Event) -> None:
        """Take one more event into account; kinds this version does not know change nothing."""
        handler = getattr(self, f"_on_{event.kind}", None)
        if handler is not None:
            handler(event, event.payload)
        self.head = event.hash

    def _on_planned(self, _event: Event, payload: Mapping[str, Any]) -> None:
        self.plans.append(dict(payload))
        self.used.append({})
        self.guards.append({})
        self.decisions.append({})
        self.guard_rounds = 0
        self.asked_in_plan, self.tallies, self.forecast = set(), {}, []
        self.failures_in_a_row = 0
        self.conclusion = None

    def _on_given(self, event: Event, payload: Mapping[str, Any]) -> None:
        for row in payload["rows"]:
            self.trials.setdefault(
                row["key"],
                TrialState(
                    key=row["key"],
                    trial=row["trial"],
                    purpose="given",
                    plan=len(self.plans) - 1,
                    seq=event.seq,
                    outcome=row["outcome"],
                    answered=event.seq,
                ),
            )

    def _on_asked(self, event: Event, payload: Mapping[str, Any]) -> None:
        key, purpose = payload["key"], payload["purpose"]
        self.trials[key] = TrialState(
            key=key,
            trial=payload["trial"],
            purpose=purpose,
            plan=len(self.plans) - 1,
            seq=event.seq,
            why=payload.get("why", ""),
            numbers=payload.get("numbers", {}),
            predicted={name: (low[0], low[1], low[2]) for name, low in payload.get("predicted", {}).items()},
            gain=payload.get("gain"),
            prospect=payload.get("prospect"),
        )
        self.used[-1][key] = purpose
        self.asked_in_plan.add(key)
        self._unanswered[key] = None
        self._count(self.trials[key], trials=1, attempts=1)
        if purpose == "search" and self.trials[key].gain is not None:
            self.forecast.append(key)

    def _on_reused(self, _event: Event, payload: Mapping[str, Any]) -> None:
        self.used[-1][payload["key"]] = payload["purpose"]

    def _on_started(self, _event: Event, payload: Mapping[str, Any]) -> None:
        state = self._change(payload["key"], attempts=payload["attempt"])
        self._count(state, attempts=int(state.attempts > 1))

    def _on_told(self, event: Event, payload: Mapping[str, Any]) -> None:
        self._end(event, payload, outcome=payload["outcome"], views=payload.get("views"))

    def _on_failed(self, event: Event, payload: Mapping[str, Any]) -> None:
        if payload["final"]:
            self._end(event, payload, reason=payload["reason"], detail=payload.get("detail", ""))
        else:
            self._pay(payload)

    def _on_environment(self, _event: Event, payload: Mapping[str, Any]) -> None:
        self.environments.add(payload["hash"])

    def _on_guarded(self, _event: Event, payload: Mapping[str, Any]) -> None:
        for name, amount in payload["guard"].items():
            self.guards[-1][name] = max(amount, self.guards[-1].get(name, 0.0))
        self.guard_rounds += 1
        self.forecast = []
        self.decisions[-1].pop("search", None)  # what was decided under looser limits is open again

    def _on_decided(self, _event: Event, payload: Mapping[str, Any]) -> None:
        self.decisions[-1][payload["stage"]] = dict(payload)

    def _on_concluded(self, event: Event, payload: Mapping[str, Any]) -> None:
        self.conclusion = dict(payload)
        self.concluded_head = event.hash

    def _on_reported(self, _event: Event, payload: Mapping[str, Any]) -> None:
        self.reported = dict(payload)

    def _end(self, event: Event, payload: Mapping[str, Any], **answer: Any) -> None:
        self.failures_in_a_row = self.failures_in_a_row + 1 if "reason" in answer else 0
        self._pay(payload, answered=event.seq, **answer)
        self._unanswered.pop(payload["key"], None)

    def _pay(self, payload: Mapping[str, Any], **changes: Any) -> None:
        state, cpu, wall = self.trials[payload["key"]], payload.get("cpu_seconds", 0.0), payload.get("wall_seconds", 0.0)
        self._change(state.key, cpu_seconds=state.cpu_seconds + cpu, wall_seconds=state.wall_seconds + wall, **changes)
        self._count(state, cpu_seconds=cpu)

    def _change(self, key: str, **changes: Any) -> TrialState:
        self.trials[key] = state = replace(self.trials[key], **changes)
        return state

    def _count(self, state: TrialState, *, trials: int = 0, attempts: int = 0, cpu_seconds: float = 0.0) -> None:
        if state.key in self.asked_in_plan:
            tally = self.tallies.setdefault((state.purpose, state.fidelity), Tally())
            tally.trials += trials
            tally.attempts += attempts
            tally.cpu_seconds += cpu_seconds

    @property
    def plan(self) -> dict[str, Any]:
        """The newest plan."""
        return self.plans[-1]

    def in_plan(self, *purposes: str) -> list[TrialState]:
        """Trials the newest plan asked for or was answered from, in order; all purposes when none is named."""
        return [self.trials[key] for key, purpose in self.used[-1].items() if not purposes or purpose in purposes]

    def unanswered(self, *purposes: str) -> list[TrialState]:
        """Those of ``in_plan`` that are open, in the order they were asked; costs no look at the others."""
        used = self.used[-1]
        return [self.trials[key] for key in self._unanswered if key in used and (not purposes or used[key] in purposes)]

    def left_open(self, *purposes: str) -> list[TrialState]:
        """Open trials of earlier plans, asked for one of ``purposes``, that the newest plan has not taken over."""
        used = self.used[-1]
        return [self.trials[key] for key in self._unanswered if key not in used and self.trials[key].purpose in purposes]

    def is_control(self, state: TrialState) -> bool:
        """Whether the newest plan drew the trial itself, only to compare its search with; what was known before is evidence."""
        return state.key in self.asked_in_plan and state.purpose == "control"

    def purpose(self, key: str) -> str:
        """What the newest plan wanted the trial for; "given" when it came from elsewhere."""
        return self.used[-1].get(key, "given")


def fold(events: Iterable[Event]) -> History:
    """The history that ``events`` add up to."""
    history = History()
    for event in events:
        history.apply(event)
    return history
