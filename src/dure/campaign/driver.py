"""The campaign: the one mutable object. It turns steps into journal entries and answers into history."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path
from typing import Any, Self

from dure.campaign.course import Step, Wanted, next_step, ranked
from dure.campaign.given import rows_from_table
from dure.campaign.plan import task_of
from dure.errors import SimulatorChanged
from dure.execute import LocalRunner, WorkerLost
from dure.execute.attempt import attempt, simulator_code
from dure.i18n import _
from dure.journal import Event, History, Journal, TrialState, fold
from dure.problem import Problem, find
from dure.problem.canonical import canonical, digest
from dure.strategy import Task, strategy

__all__ = ["Campaign", "Watcher"]

Watcher = Callable[[Event, History], None]
_MOST_ATTEMPTS = 3
_RETRIED = ("lost", "cancelled", "signal SIGKILL", "signal SIGTERM", "signal SIGHUP", "signal SIGINT")


class Campaign:
    """A question under way, held in ``folder``; its whole state is a fold over its journal.

    Use as a context manager; one driver at a time holds a folder.
    """

    def __init__(self, journal: Journal, watcher: Watcher | None = None) -> None:
        self.journal = journal
        self.history = fold(journal.events())
        self._watcher = watcher
        self._environments: set[str] = {
            event.payload["hash"] for event in journal.events() if event.kind == "environment"  # type: ignore[misc]
        }

    @classmethod
    def begin(
        cls, folder: Path, plan: Mapping[str, Any], *, data: Path | None = None, watcher: Watcher | None = None
    ) -> Self:
        """Write ``plan`` into a new journal, or after what an existing journal of the same problem holds.

        A plan that differs only in limits, budget or strategy then starts from every answer the journal has.

        Raises:
            InputError: ``data`` cannot be read as past data of the problem.
            JournalError: the folder cannot be used.
        """
        problem = find(plan["reference"])
        given = rows_from_table(problem, plan["setting"], data) if data else None
        exists = (folder / "journal.sqlite").exists()
        campaign = cls(Journal.open(folder) if exists else Journal.create(folder), watcher)
        campaign._record("planned", plan)
        if given:
            campaign._record("given", given)
        return campaign

    @classmethod
    def resume(cls, folder: Path, *, accept_changed_code: bool = False, watcher: Watcher | None = None) -> Self:
        """Go on where the journal ends.

        Raises:
            SimulatorChanged: the problem's code is not the one the plan was made with, and that was not accepted.
            JournalError: the folder holds no usable journal.
        """
        campaign = cls(Journal.open(folder), watcher)
        code = simulator_code(find(campaign.history.plan["reference"]))
        if code != campaign.history.plan["code"] and not accept_changed_code:
            campaign.journal.close()
            raise SimulatorChanged(
                _(
                    "the code of {problem} changed since this campaign was planned ({old} then, {new} now); "
                    "answers may not be comparable. Restore it, start a new campaign, or add --accept-changed-code"
                ).format(problem=campaign.history.plan["reference"], old=campaign.history.plan["code"][:12], new=code[:12])
            )
        return campaign

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.journal.close()

    @property
    def problem(self) -> Problem:
        """The problem the newest plan asks about."""
        return find(self.history.plan["reference"])

    @property
    def task(self) -> Task:
        """The task the newest plan describes, guards included."""
        return task_of(self.history, self.problem)

    def run(self, *, workers: int = 1, executor: Executor | None = None) -> dict[str, Any]:
        """Go on until the conclusion, and return it.

        Args:
            workers: trials under way at once.
            executor: where attempts run instead of a local runner made for this call.

        An interrupt leaves a journal that ``resume`` continues; trials under way are asked again.
        """
        problem = self.problem
        runner = executor or LocalRunner(workers, timeout=problem.timeout, memory_gb=problem.memory_gb)
        under_way: dict[Future[Any], TrialState] = {}
        try:
            while self.history.conclusion is None:
                self._advance(runner, under_way, workers)
        except BaseException:
            self._abandon(runner, under_way, owned=executor is None)
            raise
        if executor is None:
            runner.shutdown()
        return self.history.conclusion

    def _advance(self, runner: Executor, under_way: dict[Future[Any], TrialState], workers: int) -> None:
        active = {state.key for state in under_way.values()}
        for state in self.history.in_plan():
            if state.is_open and state.key not in active:
                self._start(runner, under_way, state, fresh=False)
        # One more than there are workers is asked for ahead, so that nobody waits while a proposal is computed.
        room = workers + (workers > 1) - len(under_way)
        step = next_step(self.history, self.task, strategy(self.history.plan["strategy"]), room) if room > 0 else Step()
        if step.event:
            self._record(*step.event)
        for wanted in step.wanted:
            self._ask(runner, under_way, wanted)
        if under_way and not step.event:
            done, _pending = wait(under_way, timeout=None if not step.wanted else 0, return_when=FIRST_COMPLETED)
            for future in done:
                self._tell(under_way.pop(future), future)

    def _ask(self, runner: Executor, under_way: dict[Future[Any], TrialState], wanted: Wanted) -> None:
        key = wanted.trial.key
        if key in self.history.trials:
            self._record("reused", {"key": key, "purpose": wanted.purpose})
            return
        payload: dict[str, Any] = {"key": key, "trial": wanted.trial.plain(), "purpose": wanted.purpose, "why": wanted.why}
        if wanted.numbers:
            payload["numbers"] = dict(wanted.numbers)
        if wanted.predicted:
            payload["predicted"] = {name: list(values) for name, values in wanted.predicted.items()}
        if wanted.gain is not None:
            payload["gain"] = wanted.gain
        self._record("asked", payload)
        self._start(runner, under_way, self.history.trials[key], fresh=wanted.fresh_process)

    def _start(self, runner: Executor, under_way: dict[Future[Any], TrialState], state: TrialState, *, fresh: bool) -> None:
        if state.attempts and not self.problem.retry_safe:
            self._fail(state, state.attempts, "lost", _("the driver ended while it ran; it is not repeated unasked"), final=True)
            return
        number = state.attempts + 1
        self._record(
            "started", {"key": state.key, "attempt": number, "host": platform.node(), "driver": os.getpid(), "input_hash": digest(dict(state.trial))}
        )
        submit = getattr(runner, "submit_fresh", runner.submit) if fresh else runner.submit
        future = submit(attempt, self.history.plan["reference"], dict(state.trial))
        under_way[future] = self.history.trials[state.key]

    def _tell(self, state: TrialState, future: Future[Any]) -> None:
        try:
            answer = future.result()
        except WorkerLost as lost:
            final = lost.reason not in _RETRIED or state.attempts >= _MOST_ATTEMPTS or not self.problem.retry_safe
            cost = {"cpu_seconds": round(lost.cpu_seconds, 6), "wall_seconds": round(lost.wall_seconds, 6)}
            self._fail(state, state.attempts, lost.reason, lost.detail, final=final, **cost)
            return
        payload = {
            "key": state.key,
            "attempt": state.attempts,
            "cpu_seconds": answer["cpu_seconds"],
            "wall_seconds": answer["wall_seconds"],
            "peak_mb": getattr(future, "peak_mb", None),
            "pid": getattr(future, "pid", None),
            **self._provenance(answer["provenance"]),
        }
        if "reason" in answer:
            tail = getattr(future, "output_tail", "")
            detail = "\n".join(filter(None, (answer["detail"], tail)))
            self._record("failed", payload | {"reason": answer["reason"], "detail": detail[-4000:], "final": True})
            return
        if answer["views"]:
            payload["views"] = self.journal.put(canonical(answer["views"]))
        self._record("told", payload | {"outcome": answer["outcome"], "output_hash": answer["output_hash"]})

    def _provenance(self, given: Mapping[str, Any]) -> dict[str, Any]:
        name = digest(given["environment"])
        if name not in self._environments:
            self._record("environment", {"hash": name, "environment": given["environment"]})
            self._environments.add(name)
        return {"code": given["code"], "environment": name, "input_hash": given["input_hash"]}

    def _fail(self, state: TrialState, number: int, reason: str, detail: str, *, final: bool, **cost: float) -> None:
        payload = {"key": state.key, "attempt": number, "reason": reason, "detail": detail[-4000:], "final": final, **cost}
        self._record("failed", payload)

    def _abandon(self, runner: Executor, under_way: dict[Future[Any], TrialState], *, owned: bool) -> None:
        if not owned:
            return
        for future in under_way:
            if isinstance(runner, LocalRunner):
                runner.kill(future)
        runner.shutdown(cancel_futures=True)

    def _record(self, kind: str, payload: Mapping[str, Any]) -> None:
        event = self.journal.append(kind, payload)
        self.history.apply(event)
        if self._watcher:
            self._watcher(event, self.history)

    def best(self) -> TrialState | None:
        """The best answered top-rung trial that keeps every limit so far."""
        found = ranked(self.history, self.task)
        return found[0] if found else None
