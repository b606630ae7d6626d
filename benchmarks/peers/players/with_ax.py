"""Ax through its client, with its fast strategy."""

from __future__ import annotations

import logging
from typing import Any

from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

from benchmarks.peers.players.base import Kept, plain
from benchmarks.peers.tasks import Answer, Design, Task
from dure.problem import Choice, Field, Integer, Ordered, Real

__all__ = ["Ax"]

for _name in ("ax", "botorch"):
    logging.getLogger(_name).setLevel(logging.ERROR)


def _parameter(name: str, spec: Field) -> Any:
    match spec:
        case Real(low=low, high=high, log=log):
            scale = "log" if log else "linear"
            return RangeParameterConfig(name=name, parameter_type="float", bounds=(low, high), scaling=scale)
        case Integer(low=low, high=high):
            return RangeParameterConfig(name=name, parameter_type="int", bounds=(low, high))
        case Ordered(levels=levels):
            return ChoiceParameterConfig(name=name, parameter_type="float", values=list(levels), is_ordered=True)
        case Choice(options=options):
            return ChoiceParameterConfig(name=name, parameter_type="str", values=list(options), is_ordered=False)
    raise TypeError(f"no parameter for {spec}")


class Ax(Kept):
    """Starting designs are attached and count as its initial trials; crashes are abandoned trials, from which it learns."""

    def __init__(self, task: Task, seed: int) -> None:
        super().__init__(task, seed)
        self._client = Client(random_seed=seed)
        self._client.configure_experiment(parameters=[_parameter(name, spec) for name, spec in task.fields.items()])
        names = [goal.name for goal in task.goals]
        bounds = [f"{name} <= 0" for name in task.limits]
        if task.corner:
            bounds += [f"{name} <= {end}" for name, end in zip(names, task.corner, strict=True)]
        self._client.configure_optimization(objective=", ".join(f"-{name}" for name in names), outcome_constraints=bounds or None)
        self._number: int | None = None
        self.nodes: list[str] = []

    def ask(self) -> Design | None:
        """See ``Player``. ``nodes`` says which step made each proposal: all but Sobol's are a model's."""
        if not self.nodes:
            self._begin()
        ((self._number, parameters),) = self._client.get_next_trials(max_trials=1).items()
        trial = self._client._experiment.trials[self._number]  # noqa: SLF001 - the client does not tell
        self.nodes.append(str(trial.generator_runs[0]._generation_node_name))  # noqa: SLF001
        return dict(parameters)

    def _begin(self) -> None:
        """The starting designs that answered are all its initial trials, so that a model makes the first proposal."""
        self._client.configure_generation_strategy(
            method="fast",
            initialization_budget=max(1, sum(answer is not None for _design, answer in self.told)),
            initialization_random_seed=self.seed,
            initialize_with_center=False,
            min_observed_initialization_trials=1,
        )

    def tell(self, design: Design, answer: Answer | None) -> None:
        """See ``Player``."""
        super().tell(design, answer)
        number, self._number = self._number, None
        if number is not None and self.task.problem.candidates:
            self._client.mark_trial_failed(number)  # the design measured is another one, attached below
            number = None
        if number is None:
            number = self._client.attach_trial(parameters=plain(design))
        if answer is None:
            self._client.mark_trial_abandoned(number)
            return
        names = (*(goal.name for goal in self.task.goals), *self.task.limits)
        values = dict(zip(names, (*answer.objectives, *answer.violations), strict=True))
        self._client.complete_trial(number, raw_data=values)

    def recommended(self) -> Design:
        """See ``Player``."""
        parameters, _predicted, _number, _arm = self._client.get_best_parameterization()
        return dict(parameters)
