"""Trials on their way: from a history to an executor, and what became of them back into the journal."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any

from dure.canonical import canonical, digest
from dure.execute.attempt import attempt
from dure.execute.local import LocalRunner
from dure.execute.process import WorkerLost
from dure.i18n import _
from dure.journal import History, Journal, TrialState
from dure.problem import Trial, find

__all__ = ["Dispatch"]

_MOST_ATTEMPTS = 3
_RETRIED = ("lost", "cancelled", "signal SIGKILL", "signal SIGTERM", "signal SIGHUP", "signal SIGINT")
_DETAIL = 4000


class Dispatch:
    """Asks, starts and answers trials of one problem; each step is an event before it takes effect.

    ``record`` writes an event and brings ``history`` up to date. A trial whose worker was lost without its own fault is left
    open: whoever drives starts it again.
    """

    def __init__(
        self, reference: str, history: History, journal: Journal, record: Callable[[str, Mapping[str, Any]], None]
    ) -> None:
        self._reference = reference
        self._problem = find(reference)
        self._history = history
        self._journal = journal
        self._record = record
        self._under_way: dict[Future[Any], TrialState] = {}
        self._environment: tuple[str, Mapping[str, Any]] = ("", {})

    def __len__(self) -> int:
        """How many trials are under way."""
        return len(self._under_way)

    def __contains__(self, key: object) -> bool:
        """Whether the trial with that key is under way."""
        return any(state.key == key for state in self._under_way.values())

    def ask(self, trial: Trial, purpose: str, why: str, **stated: Any) -> TrialState:
        """Write down that ``trial`` is wanted; ``stated`` is what else is known of it before it runs, empty values left out."""
        payload = {"key": trial.key, "trial": trial.plain(), "purpose": purpose, "why": why}
        self._record("asked", payload | {name: value for name, value in stated.items() if value not in (None, {})})
        return self._history.trials[trial.key]

    def start(self, state: TrialState, executor: Executor, *, fresh: bool = False) -> None:
        """Hand an open trial over; ``fresh``: to a process of its own, where the executor can do that."""
        if state.attempts and not self._problem.retry_safe:
            self._fail(state, "lost", _("the driver ended while it ran; it is not repeated unasked"), final=True)
            return
        number = state.attempts + 1
        self._record("started", {"key": state.key, "attempt": number, "host": platform.node(), "driver": os.getpid()})
        submit = getattr(executor, "submit_fresh", executor.submit) if fresh else executor.submit
        self._under_way[submit(attempt, self._reference, dict(state.trial))] = self._history.trials[state.key]

    def collect(self, timeout: float | None = None) -> list[str]:
        """Write down the answers that are there, or the first to come within ``timeout`` seconds; keys in the order of start."""
        done = wait(self._under_way, timeout=timeout, return_when=FIRST_COMPLETED).done
        ended = [(state, future) for future, state in self._under_way.items() if future in done]
        for state, future in ended:
            del self._under_way[future]
            self._tell(state, future)
        return [state.key for state, _future in ended]

    def abandon(self, runner: LocalRunner) -> None:
        """End what is under way on ``runner``, and it; the trials stay open."""
        self.collect(timeout=0)
        for future in self._under_way:
            runner.kill(future)
        runner.shutdown(cancel_futures=True)

    def _tell(self, state: TrialState, future: Future[Any]) -> None:
        try:
            answer = future.result()
        except WorkerLost as lost:
            final = lost.reason not in _RETRIED or state.attempts >= _MOST_ATTEMPTS or not self._problem.retry_safe
            cost = {"cpu_seconds": round(lost.cpu_seconds, 6), "wall_seconds": round(lost.wall_seconds, 6)}
            self._fail(state, lost.reason, lost.detail, final=final, **cost)
            return
        except Exception as error:  # another executor than ours has errors of its own for a lost worker
            final = state.attempts >= _MOST_ATTEMPTS or not self._problem.retry_safe
            self._fail(state, "lost", repr(error), final=final)
            return
        ran = {name: answer[name] for name in ("cpu_seconds", "wall_seconds")}
        ran |= {name: getattr(future, name, None) for name in ("peak_mb", "pid")} | self._provenance(answer["provenance"])
        if "reason" in answer:
            detail = "\n".join(filter(None, (answer["detail"], getattr(future, "output_tail", ""))))
            self._fail(state, answer["reason"], detail, final=True, **ran)
            return
        if answer["views"]:
            ran["views"] = self._journal.put(canonical(answer["views"]))
        told = {"key": state.key, "attempt": state.attempts, "outcome": answer["outcome"], "output_hash": answer["output_hash"]}
        self._record("told", told | ran)

    def _fail(self, state: TrialState, reason: str, detail: str, *, final: bool, **ran: Any) -> None:
        failed = {"key": state.key, "attempt": state.attempts, "reason": reason, "detail": detail[-_DETAIL:], "final": final}
        self._record("failed", failed | ran)

    def _provenance(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if given["environment"] != self._environment[1]:
            name = digest(given["environment"])
            if name not in self._history.environments:
                self._record("environment", {"hash": name, "environment": given["environment"]})
            self._environment = name, given["environment"]
        return {"code": given["code"], "environment": self._environment[0], "input_hash": given["input_hash"]}
