"""Nevergrad's NGOpt."""

from __future__ import annotations

import warnings
from typing import Any

import nevergrad as ng

from benchmarks.peers.players.base import Kept, penalised
from benchmarks.peers.tasks import Answer, Design, Task
from dure.problem import Choice, Field, Integer, Ordered, Real

__all__ = ["NgOpt"]

for _module in ("nevergrad", "cma", "scipy"):
    warnings.filterwarnings("ignore", module=_module)


def _parameter(spec: Field) -> Any:
    match spec:
        case Real(low=low, high=high, log=True):
            return ng.p.Log(lower=low, upper=high)
        case Real(low=low, high=high):
            return ng.p.Scalar(lower=low, upper=high)
        case Integer(low=low, high=high):
            return ng.p.Scalar(lower=low, upper=high).set_integer_casting()
        case Ordered(levels=levels):
            return ng.p.TransitionChoice(list(levels))
        case Choice(options=options):
            return ng.p.Choice(list(options))
    raise TypeError(f"no parameter for {spec}")


class NgOpt(Kept):
    """Chooses its own algorithm from the budget; violations are told its own way, crashes are penalised.

    Random ones too: some of its algorithms wait for the answer to each of their questions, for ever.
    """

    def __init__(self, task: Task, seed: int) -> None:
        super().__init__(task, seed)
        space = ng.p.Dict(**{name: _parameter(spec) for name, spec in task.fields.items()})
        space.random_state.seed(seed)
        self._optimizer = ng.optimizers.NGOpt(parametrization=space, budget=task.budget, num_workers=1)
        if task.corner:
            self._optimizer.tell(ng.p.MultiobjectiveReference(), list(task.corner))
        self._candidate: Any = None

    def ask(self) -> Design | None:
        """See ``Player``."""
        self._candidate = self._optimizer.ask()
        return dict(self._candidate.value)

    def tell(self, design: Design, answer: Answer | None) -> None:
        """See ``Player``."""
        super().tell(design, answer)
        if self._candidate is None:
            self._optimizer.suggest(dict(design))
            self._candidate = self._optimizer.ask()
        candidate, self._candidate = self._candidate, None
        objectives = penalised(self.told)[-1] if answer is None else answer.objectives
        value = list(objectives) if len(objectives) > 1 else objectives[0]
        if answer is None or not answer.violations:
            self._optimizer.tell(candidate, value)
        else:
            self._optimizer.tell(candidate, value, constraint_violation=[max(0.0, one) for one in answer.violations])
