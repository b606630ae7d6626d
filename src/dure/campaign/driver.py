"""The campaign: the one mutable object. It turns steps into journal entries and answers into history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

from dure.campaign.course import Step, Wanted, next_step
from dure.campaign.given import given_by
from dure.campaign.leaders import ranked
from dure.campaign.plan import task_of
from dure.errors import InputError, JournalNotFound, SimulatorChanged
from dure.execute import Dispatch, LocalRunner
from dure.execute.attempt import load, simulator_code
from dure.i18n import _
from dure.journal import Event, History, Journal, TrialState, fold
from dure.models import weights_of
from dure.problem import Problem, find
from dure.strategy import Strategy, Task, informed, strategy

__all__ = ["Campaign", "Watcher"]

Watcher = Callable[[Event, History], None]


class Campaign:
    """A question under way, held in ``folder``; its whole state is a fold over its journal.

    Use as a context manager; one driver at a time holds a folder.
    """

    def __init__(self, journal: Journal, watcher: Watcher | None = None) -> None:
        self.journal = journal
        self.history = fold(journal.events())
        self._watcher = watcher

    @classmethod
    def begin(
        cls,
        folder: Path,
        plan: Mapping[str, Any],
        *,
        data: Path | None = None,
        prior: Path | None = None,
        watcher: Watcher | None = None,
    ) -> Self:
        """Write ``plan`` into a new journal, or after what an existing journal of the same problem holds.

        A plan that differs only in limits, budget or strategy then starts from every answer the journal has. The weights of the
        plan's model, in the folder ``prior``, are kept in the journal, so that resuming needs no other place.

        Raises:
            InputError: ``data``, a table or another journal's folder, is no past data of the problem, or the journal is not its.
            SimulatorChanged: the journal's answers come from other code under the same version.
            JournalError: the folder cannot be used.
        """
        problem = find(plan["reference"])
        given = given_by(problem, plan, data) if data else None
        weights = weights_of(prior) if prior is not None and "model" in plan else None
        exists = (folder / "journal.sqlite").exists()
        journal = Journal.open(folder) if exists else Journal.create(folder)
        try:
            campaign = cls(journal, watcher)
            _refuse_pool(campaign.history, folder)
            known = {former["problem"]["name"] for former in campaign.history.plans} - {problem.name}
            if known:
                raise InputError(
                    _("{folder} holds a campaign of {known}, not of {problem}; choose another folder").format(
                        folder=folder, known=", ".join(sorted(known)), problem=problem.name
                    )
                )
            for former in campaign.history.plans:
                if former["problem"]["version"] == problem.version and former["code"] != plan["code"]:
                    raise SimulatorChanged(
                        _(
                            "{folder} holds answers of other code than {problem} has now, under the same version {version}; "
                            "raise the version, restore the code, or choose another folder"
                        ).format(folder=folder, problem=problem.name, version=problem.version)
                    )
            # The plan comes last: a journal with a plan is complete, and can be resumed.
            if given:
                campaign._record("given", given)
            if weights is not None:
                journal.put(weights)
            campaign._record("planned", plan)
        except BaseException:
            journal.close()
            raise
        return campaign

    @classmethod
    def resume(cls, folder: Path, *, accept_changed_code: bool = False, watcher: Watcher | None = None) -> Self:
        """Go on where the journal ends.

        Raises:
            SimulatorChanged: the problem's code is not the one the plan was made with, and that was not accepted.
            JournalError: the folder holds no usable journal.
        """
        journal = Journal.open(folder)
        try:
            campaign = cls(journal, watcher)
            if not campaign.history.plans:
                raise JournalNotFound(
                    _("{folder} holds a journal without a plan: the campaign ended before it began. Begin it again").format(
                        folder=folder
                    )
                )
            _refuse_pool(campaign.history, folder)
            plan = campaign.history.plan
            code = simulator_code(find(plan["reference"]))
            if code != plan["code"] and not accept_changed_code:
                raise SimulatorChanged(
                    _(
                        "the code of {problem} changed since this campaign was planned ({old} then, {new} now); "
                        "answers may not be comparable. Restore it, start a new campaign, or add --accept-changed-code"
                    ).format(problem=plan["reference"], old=plan["code"][:12], new=code[:12])
                )
        except BaseException:
            journal.close()
            raise
        return campaign

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.journal.close()

    @property
    def problem(self) -> Problem:
        """The problem the newest plan asks about."""
        return self.task.problem

    @cached_property
    def task(self) -> Task:
        """The task the newest plan describes, guards included."""
        return task_of(self.history, find(self.history.plan["reference"]))

    @cached_property
    def _strategy(self) -> Strategy:
        plan = self.history.plan
        if "model" not in plan:
            return strategy(plan["strategy"])
        return informed(plan["strategy"], plan["model"], self.journal.get(plan["model"]["sha256"]))

    def run(self, *, workers: int = 1, executor: Executor | None = None) -> dict[str, Any]:
        """Go on until the conclusion, and return it.

        Args:
            workers: trials under way at once.
            executor: where attempts run instead of a local runner made for this call.

        An interrupt leaves a journal that ``resume`` continues; trials under way are asked again.
        """
        problem = self.problem
        dispatch = Dispatch(self.history.plan["reference"], self.history, self.journal, self._record)
        runner = executor or LocalRunner(
            workers,
            timeout=problem.timeout,
            memory_gb=problem.memory_gb,
            initializer=partial(load, self.history.plan["reference"]),
        )
        try:
            while self.history.conclusion is None:
                self._advance(dispatch, runner, workers)
        except BaseException:
            if executor is None and isinstance(runner, LocalRunner):
                dispatch.abandon(runner)
            raise
        if executor is None:
            runner.shutdown()
        return self.history.conclusion

    def _advance(self, dispatch: Dispatch, runner: Executor, workers: int) -> None:
        for state in self.history.unanswered():
            if state.key not in dispatch:
                dispatch.start(state, runner, fresh=self._is_fresh(self.history.purpose(state.key)))
        # One more than there are workers is asked for ahead, so that nobody waits while a proposal is computed.
        most = workers + (workers > 1 and self.problem.retry_safe)
        room = most - len(dispatch)
        step = next_step(self.history, self.task, self._strategy, room) if room > 0 else Step()
        if step.event:
            self._record(*step.event)
        for wanted in step.wanted:
            self._ask(dispatch, runner, wanted)
        if len(dispatch) and not step.event:
            dispatch.collect(timeout=0 if step.wanted and len(dispatch) < most else None)

    def _ask(self, dispatch: Dispatch, runner: Executor, wanted: Wanted) -> None:
        key = wanted.trial.key
        if key in self.history.trials:
            self._record("reused", {"key": key, "purpose": wanted.purpose})
            return
        predicted = {name: list(values) for name, values in wanted.predicted.items()}
        stated = {"numbers": dict(wanted.numbers), "predicted": predicted, "gain": wanted.gain, "prospect": wanted.prospect}
        state = dispatch.ask(wanted.trial, wanted.purpose, wanted.why, **stated)
        dispatch.start(state, runner, fresh=self._is_fresh(wanted.purpose))

    def _is_fresh(self, purpose: str) -> bool:
        """Whether a trial for ``purpose`` is to run in a process of its own."""
        return any(purpose == f"check: {check.name}" and check.fresh_process for check in self.problem.checks)

    def _record(self, kind: str, payload: Mapping[str, Any]) -> None:
        event = self.journal.append(kind, payload)
        self.history.apply(event)
        if kind in ("planned", "guarded"):
            vars(self).pop("task", None)
        if self._watcher:
            self._watcher(event, self.history)

    def best(self) -> TrialState | None:
        """The best answered top-rung trial that keeps every limit so far."""
        found = ranked(self.history, self.task)
        return found[0] if found else None


def _refuse_pool(history: History, folder: Path) -> None:
    if any("pool" in plan for plan in history.plans):
        raise InputError(_("{folder} holds a pool, not a campaign; choose another folder").format(folder=folder))
