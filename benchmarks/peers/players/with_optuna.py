"""Optuna: tree-structured Parzen estimator, Gaussian process, CMA-ES."""

from __future__ import annotations

import warnings
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, TPESampler
from optuna.trial import Trial, TrialState

from benchmarks.peers.players.base import Kept, penalised, skipped
from benchmarks.peers.tasks import Answer, Design, Task
from dure.problem import Choice, Field, Integer, Ordered, Real

__all__ = ["CmaEs", "GaussianProcess", "Tpe"]

optuna.logging.set_verbosity(optuna.logging.WARNING)
for _category in (optuna.exceptions.ExperimentalWarning, FutureWarning, UserWarning):
    warnings.filterwarnings("ignore", category=_category, module="optuna")


def _distribution(spec: Field) -> BaseDistribution:
    match spec:
        case Real(low=low, high=high, log=log):
            return FloatDistribution(low, high, log=log)
        case Integer(low=low, high=high):
            return IntDistribution(low, high)
        case Ordered(levels=levels):
            return IntDistribution(0, len(levels) - 1)
        case Choice(options=options):
            return CategoricalDistribution(options)
    raise TypeError(f"no distribution for {spec}")


class _Optuna(Kept):
    """Starting designs are enqueued, so that the sampler meets them as trials of its own.

    Optuna ignores failed trials. ``table_rows``: it is told the row of a table that was measured, not its own proposal.
    ``crashes_break``: a crash is told as breaking each limit as badly as any answer did, for a sampler that wants limits of all.
    """

    table_rows = True
    crashes_break = False

    def __init__(self, task: Task, seed: int) -> None:
        super().__init__(task, seed)
        self._space = {name: _distribution(spec) for name, spec in task.fields.items()}
        self._study = optuna.create_study(directions=["minimize"] * len(task.goals), sampler=self.sampler())
        self._trial: Trial | None = None

    def sampler(self) -> BaseSampler:
        """The one this player stands for."""
        raise NotImplementedError

    def ask(self) -> Design | None:
        """See ``Player``."""
        self._trial = self._study.ask(self._space)
        return {name: self._value(name, value) for name, value in self._trial.params.items()}

    def tell(self, design: Design, answer: Answer | None) -> None:
        """See ``Player``."""
        super().tell(design, answer)
        if self._trial is not None and self.table_rows and self.task.problem.candidates:
            self._study.tell(self._trial, state=TrialState.FAIL)  # the row measured is another design, told instead
            self._trial = None
        if self._trial is None:
            self._study.enqueue_trial({name: self._level(name, value) for name, value in design.items()})
            self._trial = self._study.ask(self._space)
        trial, self._trial = self._trial, None
        if skipped(self.task, answer):
            self._study.tell(trial, state=TrialState.FAIL)
            return
        for name, violation in self._violations(answer).items():
            trial.set_constraint(name, violation)
        self._study.tell(trial, list(penalised(self.told)[-1] if answer is None else self.objectives(answer)))

    def _violations(self, answer: Answer | None) -> dict[str, float]:
        """By limit; of a crash that is to break them the worst that was seen, at least 1."""
        if answer is not None:
            return dict(zip(self.task.limits, answer.violations, strict=True))
        if not self.crashes_break:
            return {}
        seen = [told.violations for _design, told in self.told if told is not None]
        return {name: max((1.0, *(one[number] for one in seen))) for number, name in enumerate(self.task.limits)}

    def objectives(self, answer: Answer) -> tuple[float, ...]:
        """What the study is told."""
        return answer.objectives

    def _value(self, name: str, value: Any) -> Any:
        spec = self.task.fields[name]
        return spec.levels[value] if isinstance(spec, Ordered) else value

    def _level(self, name: str, value: Any) -> Any:
        spec = self.task.fields[name]
        return spec.levels.index(value) if isinstance(spec, Ordered) else value


class Tpe(_Optuna):
    """Multivariate; constraints are its own."""

    def sampler(self) -> BaseSampler:
        """See above."""
        return TPESampler(multivariate=True, n_startup_trials=1, seed=self.seed)


class GaussianProcess(_Optuna):
    """Constraints are its own; told whether the objective is free of noise."""

    crashes_break = True

    def sampler(self) -> BaseSampler:
        """See above."""
        return GPSampler(seed=self.seed, n_startup_trials=1, deterministic_objective=not self.task.noisy)


class CmaEs(_Optuna):
    """Begins at the best starting design. It knows no constraints: broken limits are penalised. Choices are drawn apart.

    It learns from designs of its own only, so that in a table it is told those and not the nearest row.
    """

    table_rows = False

    def sampler(self) -> BaseSampler:
        """See above; made anew once the starting designs are known."""
        return CmaEsSampler(seed=self.seed, warn_independent_sampling=False)

    def ask(self) -> Design | None:
        """See ``Player``."""
        if len(self.told) == len(self.task.starts(self.seed)):
            self._begin()
        return super().ask()

    def _begin(self) -> None:
        best = self.recommended()
        numbers = {
            name: self._level(name, value) for name, value in best.items() if not isinstance(self.task.fields[name], Choice)
        }
        self._study.sampler = CmaEsSampler(
            x0=numbers, seed=self.seed, n_startup_trials=0, with_margin=self._has_steps(), warn_independent_sampling=False
        )

    def _has_steps(self) -> bool:
        return any(isinstance(spec, (Integer, Ordered)) for spec in self.task.fields.values())

    def objectives(self, answer: Answer) -> tuple[float, ...]:
        """See above."""
        return penalised(self.told)[-1]
