"""The state of a campaign: a fold over the events of its journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dure.journal.store import Event

__all__ = ["History", "TrialState", "fold"]


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
    def fidelity(self) -> str:
        """The rung the trial was asked at."""
        return str(self.trial["fidelity"])


class History:
    """Plans, trials and decisions so far; ``apply`` adds one event, in order."""

    def __init__(self) -> None:
        self.trials: dict[str, TrialState] = {}
        self.used: list[dict[str, str]] = []
        self.plans: list[dict[str, Any]] = []
        self.guards: list[dict[str, float]] = []
        self.guard_rounds = 0
        self.guarded_at = 0
        self.asked_in_plan: set[str] = set()
        self.decisions: list[dict[str, Any]] = []
        self.conclusion: dict[str, Any] | None = None
        self.head = ""
        self.concluded_head = ""
        self.reported: dict[str, Any] | None = None

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
        self.guard_rounds, self.guarded_at = 0, 0
        self.asked_in_plan = set()
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
        self.trials[payload["key"]] = TrialState(
            key=payload["key"],
            trial=payload["trial"],
            purpose=payload["purpose"],
            plan=len(self.plans) - 1,
            seq=event.seq,
            why=payload.get("why", ""),
            numbers=payload.get("numbers", {}),
            predicted={name: (low[0], low[1], low[2]) for name, low in payload.get("predicted", {}).items()},
            gain=payload.get("gain"),
        )
        self.used[-1][payload["key"]] = payload["purpose"]
        self.asked_in_plan.add(payload["key"])

    def _on_reused(self, _event: Event, payload: Mapping[str, Any]) -> None:
        self.used[-1][payload["key"]] = payload["purpose"]

    def _on_started(self, _event: Event, payload: Mapping[str, Any]) -> None:
        self._change(payload["key"], attempts=payload["attempt"])

    def _on_told(self, event: Event, payload: Mapping[str, Any]) -> None:
        self._spend(payload)
        self._change(payload["key"], outcome=payload["outcome"], views=payload.get("views"), answered=event.seq)

    def _on_failed(self, event: Event, payload: Mapping[str, Any]) -> None:
        self._spend(payload)
        if payload["final"]:
            self._change(payload["key"], reason=payload["reason"], detail=payload.get("detail", ""), answered=event.seq)

    def _on_guarded(self, event: Event, payload: Mapping[str, Any]) -> None:
        self.guards[-1].update(payload["guard"])
        self.guard_rounds += 1
        self.guarded_at = event.seq
        self.decisions[-1].pop("search", None)  # what was decided under looser limits is open again

    def _on_decided(self, _event: Event, payload: Mapping[str, Any]) -> None:
        self.decisions[-1][payload["stage"]] = dict(payload)

    def _on_concluded(self, event: Event, payload: Mapping[str, Any]) -> None:
        self.conclusion = dict(payload)
        self.concluded_head = event.hash

    def _on_reported(self, _event: Event, payload: Mapping[str, Any]) -> None:
        self.reported = dict(payload)

    def _change(self, key: str, **changes: Any) -> None:
        self.trials[key] = replace(self.trials[key], **changes)

    def _spend(self, payload: Mapping[str, Any]) -> None:
        state = self.trials[payload["key"]]
        self._change(
            payload["key"],
            cpu_seconds=state.cpu_seconds + payload.get("cpu_seconds", 0.0),
            wall_seconds=state.wall_seconds + payload.get("wall_seconds", 0.0),
        )

    @property
    def plan(self) -> dict[str, Any]:
        """The newest plan."""
        return self.plans[-1]

    def in_plan(self, *purposes: str) -> list[TrialState]:
        """Trials the newest plan asked for or was answered from, in order; all purposes when none is named."""
        return [self.trials[key] for key, purpose in self.used[-1].items() if not purposes or purpose in purposes]

    def purpose(self, key: str) -> str:
        """What the newest plan wanted the trial for; "given" when it came from elsewhere."""
        return self.used[-1].get(key, "given")


def fold(events: Iterable[Event]) -> History:
    """The history that ``events`` add up to."""
    history = History()
    for event in events:
        history.apply(event)
    return history
