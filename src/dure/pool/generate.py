"""Run designs over tasks of a family and journal them: the first rows of its pool."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import qmc

from dure.errors import PlanError, SimulatorChanged, ValueRefused
from dure.execute import Dispatch, LocalRunner
from dure.execute.attempt import load, simulator_code
from dure.i18n import N_, _
from dure.journal import History, Journal, fold
from dure.problem import Problem, Trial, find, lasting, values_of
from dure.problem.fields import Choice, Field
from dure.strategy import space_filling

__all__ = ["Summary", "draw_settings", "generate"]

Progress = Callable[[int, int], None]

_WHY = N_("A space-filling design for one task of the family.")
_MOST_DRAWS = 64
_SPARE_DESIGNS = 1000
_AHEAD = 2
"""Trials a worker is given at once: one waits at its door while it runs the other."""
_WORTH_SHARING = 24
"""Trials left in a task for which a second worker is sent: building a simulator may cost as much as solving it twenty times."""


@dataclass(frozen=True)
class Summary:
    """What a pool's folder holds after all calls, and what the last call did.

    ``ran`` trials ended within the ``wall_seconds`` of the last call; the other numbers are of the whole folder.
    """

    tasks: int
    designs: int
    answered: int
    failed: int
    cpu_seconds: float
    ran: int
    wall_seconds: float

    @property
    def throughput(self) -> float:
        """Trials per second of wall time in the last call."""
        return self.ran / self.wall_seconds


def generate(
    reference: str,
    folder: Path,
    *,
    tasks: int,
    designs: int = 48,
    fidelity: str | None = None,
    workers: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
) -> Summary:
    """Simulate ``designs`` Sobol designs for each of ``tasks`` tasks of a problem's family, into the journal in ``folder``.

    The same call goes on where an earlier one was interrupted, with any number of workers. Trials are journaled as a
    campaign's are. Where designs repeat, because there are not that many, a task has fewer.

    Args:
        fidelity: the cheapest of the ladder when none is given.
        progress: called with how many trials are done, and how many there are.

    Raises:
        InputError: unknown names, numbers below one, a family with fewer tasks, or a folder with another plan.
        SimulatorChanged: the problem's code is not the one the pool was begun with.
        JournalError: the folder cannot be used.
    """
    for name, number in {"tasks": tasks, "designs": designs, "workers": workers}.items():
        if number < 1:
            raise ValueRefused(_("{name} must be at least 1, not {value}").format(name=name, value=number))
    problem, began = find(reference), time.monotonic()
    rung = problem.rung(fidelity or problem.fidelities[0].name).name
    settings = draw_settings(problem, tasks, seed)
    for setting in settings:
        problem.under(setting).check_needs()
    trials = [_trials(problem.under(setting), setting, designs, rung, (seed, number)) for number, setting in enumerate(settings)]
    plan = _plan(problem, reference, settings, designs=designs, fidelity=rung, seed=seed)
    there = (folder / "journal.sqlite").exists()
    with (Journal.open if there else Journal.create)(folder) as journal:
        history = fold(journal.events())

        def record(kind: str, payload: Mapping[str, Any]) -> None:
            history.apply(journal.append(kind, payload))

        if history.plans:
            _check_same(history.plan, plan, folder)
        else:
            record("planned", plan)
        run = _Run(problem, history, Dispatch(plan["reference"], history, journal, record), trials, progress)
        ran = run.go(workers)
    states = history.trials.values()
    return Summary(
        tasks=tasks,
        designs=designs,
        answered=sum(state.outcome is not None for state in states),
        failed=sum(state.reason is not None for state in states),
        cpu_seconds=sum(state.cpu_seconds for state in states),
        ran=ran,
        wall_seconds=time.monotonic() - began,
    )


def draw_settings(problem: Problem, count: int, seed: int) -> list[Any]:
    """``count`` different settings of a problem's family, by scrambled Sobol points; more points keep the first ones.

    Each setting takes one dimension, also a choice, so that its options come about equally often.

    Raises:
        ValueRefused: the family has fewer.
    """
    fields = {name: problem.inputs_of_setting[name] for name in problem.family or problem.inputs_of_setting}
    sobol = qmc.Sobol(max(1, len(fields)), rng=np.random.default_rng(seed))
    found: dict[Any, None] = {}
    for _draw in range(_MOST_DRAWS):
        for point in sobol.random(2 ** (count - 1).bit_length()):
            values = {name: _at(spec, float(u)) for (name, spec), u in zip(fields.items(), point, strict=False)}
            found[problem.make_setting(values)] = None
        if len(found) >= count:
            return list(found)[:count]
    raise ValueRefused(
        _("the family of {problem} has {found} tasks; ask for no more than that, not {count}").format(
            problem=problem.name, found=len(found), count=count
        )
    )


def _at(spec: Field, u: float) -> Any:
    if isinstance(spec, Choice):
        return spec.options[int(u * len(spec.options))]
    return spec.snap(spec.decode(np.array([[u]]))[0])


def _trials(problem: Problem, setting: Any, designs: int, fidelity: str, seed: tuple[int, int]) -> deque[Trial]:
    found: dict[str, Trial] = {}
    problem = problem.under(setting)
    for design in islice(space_filling(problem, seed), designs + _SPARE_DESIGNS):
        trial = problem.trial(design, setting, fidelity, seed[0])
        found.setdefault(trial.key, trial)
        if len(found) == designs:
            break
    return deque(found.values())


def _plan(problem: Problem, reference: str, settings: list[Any], **arguments: Any) -> dict[str, Any]:
    return {
        "problem": problem.describe(),
        "reference": lasting(reference),
        "pool": arguments | {"tasks": len(settings)},
        "settings": [values_of(setting) for setting in settings],
        "code": simulator_code(problem),
    }


def _check_same(held: Mapping[str, Any], wanted: Mapping[str, Any], folder: Path) -> None:
    if "pool" not in held:
        raise PlanError(_("{folder} holds a campaign, not a pool; choose another folder").format(folder=folder))
    there, here = ({"problem": plan["reference"], **plan["pool"]} for plan in (held, wanted))
    if different := [name for name in here if here[name] != there.get(name)]:
        raise PlanError(
            _("{folder} holds a pool with {held}, not {wanted}; give the same arguments, or another folder").format(
                folder=folder,
                held=", ".join(f"{name} {there.get(name)}" for name in different),
                wanted=", ".join(f"{name} {here[name]}" for name in different),
            )
        )
    if held["code"] != wanted["code"]:
        raise SimulatorChanged(
            _("the code of {problem} changed since this pool was begun; restore it, or choose another folder").format(
                problem=held["reference"]
            )
        )


class _Run:
    """One call's work: every worker goes through one task at a time, so what it has built serves until that task is done."""

    def __init__(
        self, problem: Problem, history: History, dispatch: Dispatch, tasks: list[deque[Trial]], progress: Progress | None
    ) -> None:
        self._problem, self._history, self._dispatch = problem, history, dispatch
        self._progress = progress or (lambda _done, _total: None)
        self._tasks = [deque(trial for trial in trials if self._is_open(trial)) for trials in tasks]
        self._total = sum(map(len, tasks))
        self._before = self._done = self._total - sum(map(len, self._tasks))
        self._untouched = deque(trials for trials in self._tasks if trials)
        self._at: dict[LocalRunner, deque[Trial]] = {}
        self._where: dict[str, tuple[LocalRunner, Trial]] = {}

    def go(self, workers: int) -> int:
        """Until every trial is done; how many were."""
        timeout, memory_gb = self._problem.timeout, self._problem.memory_gb
        workers = min(workers, self._total - self._before)
        prepare = partial(load, self._history.plan["reference"])
        runners = [LocalRunner(timeout=timeout, memory_gb=memory_gb, initializer=prepare) for _worker in range(workers)]
        try:
            for runner in runners * _AHEAD:
                self._feed(runner)
            while len(self._dispatch):
                for key in self._dispatch.collect():
                    self._take_back(key)
        except BaseException:
            for runner in runners:
                self._dispatch.abandon(runner)
            raise
        for runner in runners:
            runner.shutdown()
        return self._done - self._before

    def _take_back(self, key: str) -> None:
        runner, trial = self._where.pop(key)
        if self._is_open(trial):
            self._at[runner].appendleft(trial)
        else:
            self._count()
        self._feed(runner)

    def _count(self) -> None:
        self._done += 1
        self._progress(self._done, self._total)

    def _feed(self, runner: LocalRunner) -> None:
        """Start one more trial on a worker, of the task it is at."""
        while (trial := self._next(runner)) is not None:
            state = self._history.trials.get(trial.key) or self._dispatch.ask(trial, "pool", _WHY)
            self._dispatch.start(state, runner)
            if trial.key in self._dispatch:
                self._where[trial.key] = runner, trial
                return
            self._count()

    def _next(self, runner: LocalRunner) -> Trial | None:
        """From the worker's task; else from one that nobody has begun; else from that with most left, if it is worth it."""
        mine = self._at.get(runner)
        if not mine and self._untouched:
            mine = self._at[runner] = self._untouched.popleft()
        elif not mine and len(most := max(self._tasks, key=len)) >= _WORTH_SHARING:
            mine = self._at[runner] = most
        return mine.popleft() if mine else None

    def _is_open(self, trial: Trial) -> bool:
        state = self._history.trials.get(trial.key)
        return state is None or state.is_open
