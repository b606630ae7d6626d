"""SMAC's black-box facade: its own Gaussian process. Its random forest needs a compiler to install, and is not here."""

from __future__ import annotations

import logging
import tempfile
from typing import Any

from ConfigSpace import Categorical, Configuration, ConfigurationSpace, Float, OrdinalHyperparameter
from ConfigSpace import Integer as WholeNumber
from smac import BlackBoxFacade, Scenario
from smac.runhistory import StatusType, TrialInfo, TrialValue

from benchmarks.peers.players.base import Kept, penalised, plain, skipped
from benchmarks.peers.tasks import Answer, Design, Task
from dure.problem import Choice, Field, Integer, Ordered, Real

__all__ = ["Smac"]

logging.getLogger("smac").setLevel(logging.ERROR)


def _parameter(name: str, spec: Field) -> Any:
    match spec:
        case Real(low=low, high=high, log=log):
            return Float(name, (low, high), log=log)
        case Integer(low=low, high=high):
            return WholeNumber(name, (low, high))
        case Ordered(levels=levels):
            return OrdinalHyperparameter(name, list(levels))
        case Choice(options=options):
            return Categorical(name, list(options))
    raise TypeError(f"no parameter for {spec}")


class Smac(Kept):
    """It has no limits on outcomes: broken ones are penalised, and so are crashes, but those at random are told as such."""

    def __init__(self, task: Task, seed: int) -> None:
        super().__init__(task, seed)
        self._space = ConfigurationSpace(seed=seed)
        self._space.add(*(_parameter(name, spec) for name, spec in task.fields.items()))
        self._folder = tempfile.TemporaryDirectory()
        scenario = Scenario(
            self._space, deterministic=not task.noisy, n_trials=task.budget, seed=seed, output_directory=self._folder.name
        )
        self._facade = BlackBoxFacade(
            scenario,
            _nobody,
            initial_design=BlackBoxFacade.get_initial_design(scenario, n_configs=0, max_ratio=1.0),
            logging_level=False,
            overwrite=True,
        )
        self._asked: TrialInfo | None = None

    def ask(self) -> Design | None:
        """See ``Player``."""
        self._asked = self._facade.ask()
        return dict(self._asked.config)

    def tell(self, design: Design, answer: Answer | None) -> None:
        """See ``Player``; in a table it is told the row that was measured."""
        super().tell(design, answer)
        asked, self._asked = self._asked, None
        if asked is None or self.task.problem.candidates:
            asked = TrialInfo(Configuration(self._space, values=plain(design)), seed=0)
        status = StatusType.CRASHED if skipped(self.task, answer) else StatusType.SUCCESS
        self._facade.tell(asked, TrialValue(cost=penalised(self.told)[-1][0], status=status))


def _nobody(config: Configuration, seed: int = 0) -> float:
    raise NotImplementedError("answers are told")
