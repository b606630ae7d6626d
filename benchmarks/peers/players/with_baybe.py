"""BayBE with its BoTorch recommender."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from baybe.objectives import SingleTargetObjective
from baybe.parameters import CategoricalParameter, NumericalContinuousParameter, NumericalDiscreteParameter
from baybe.recommenders import BotorchRecommender
from baybe.searchspace import SearchSpace, SearchSpaceType
from baybe.targets import NumericalTarget
from baybe.utils.random import temporary_seed

from benchmarks.peers.players.base import Kept, penalised, plain, skipped
from benchmarks.peers.tasks import Design, Task
from dure.problem import Choice, Field, Integer, Ordered, Real

__all__ = ["BayBe"]

_MOST_COMBINATIONS = 25


def _parameter(name: str, spec: Field) -> Any:
    match spec:
        case Real(low=low, high=high):
            return NumericalContinuousParameter(name=name, bounds=(low, high))
        case Integer(low=low, high=high):
            return NumericalDiscreteParameter(name=name, values=list(range(low, high + 1)))
        case Ordered(levels=levels):
            return NumericalDiscreteParameter(name=name, values=list(levels))
        case Choice(options=options):
            return CategoricalParameter(name=name, values=list(options), encoding="OHE")
    raise TypeError(f"no parameter for {spec}")


class BayBe(Kept):
    """It has no limits on outcomes and no crashes: both are penalised. Of many combinations it draws 25 an ask."""

    def __init__(self, task: Task, seed: int) -> None:
        super().__init__(task, seed)
        if task.problem.candidates:
            rows = pd.DataFrame([dict(zip(task.fields, row, strict=True)) for row in task.row_of])
            parameters = [
                NumericalDiscreteParameter(name=name, values=sorted(set(rows[name])), tolerance=0.0) for name in task.fields
            ]
            self._space = SearchSpace.from_dataframe(rows, parameters=parameters)
        else:
            self._space = SearchSpace.from_product([_parameter(name, spec) for name, spec in task.fields.items()])
        self._objective = SingleTargetObjective(NumericalTarget(name="y", minimize=True))
        # Real inputs are optimised for each combination of the others: hours an ask where these are thousands.
        share = min(1.0, _MOST_COMBINATIONS / max(1, len(self._space.discrete.exp_rep)))
        mixed = self._space.type is SearchSpaceType.HYBRID and share < 1
        self._recommender = BotorchRecommender(**({"hybrid_sampler": "Random", "sampling_percentage": share} if mixed else {}))

    def ask(self) -> Design | None:
        """See ``Player``."""
        with temporary_seed(1000 * self.seed + len(self.told)):
            found = self._recommender.recommend(1, self._space, self._objective, self._measured())
        row = found.iloc[0].to_dict()
        return {name: int(row[name]) if isinstance(spec, Integer) else row[name] for name, spec in self.task.fields.items()}

    def recommended(self) -> Design:
        """See ``Player``; the best posterior mean of what was told."""
        rows = self._measured()
        mean = self._recommender.get_surrogate(self._space, self._objective, rows).posterior_stats(rows)["y_mean"]
        return self.told[int(np.argmin(mean))][0]

    def _measured(self) -> pd.DataFrame:
        told = [(design, answer) for design, answer in self.told if not skipped(self.task, answer)]
        rows = pd.DataFrame([plain(design) for design, _answer in told])
        return rows.assign(y=[one[0] for one in penalised(told)])
