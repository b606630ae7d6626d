"""Players that learn nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from benchmarks.peers.players.base import Kept
from benchmarks.peers.tasks import Answer, Design, Task
from dure.problem import values_of
from dure.strategy import space_filling

__all__ = ["Random", "Sobol"]


class Random(Kept):
    """Independent uniform designs."""

    uniform = True

    def __init__(self, task: Task, seed: int) -> None:
        super().__init__(task, seed)
        self._next = self._designs()

    def _designs(self) -> Iterator[Design]:
        problem = self.task.problem
        if problem.candidates:
            return iter(self.task.sample((self.seed, 2), len(problem.candidates)))
        return (values_of(one) for one in space_filling(problem, (self.seed, 2), uniform=self.uniform))

    def ask(self) -> Design | None:
        """See ``Player``."""
        return next(self._next, None)


class Sobol(Random):
    """The rest of the sequence that the starting designs come from."""

    uniform = False

    def _designs(self) -> Iterator[Design]:
        if self.task.problem.candidates:
            return super()._designs()
        return (values_of(one) for one in space_filling(self.task.problem, (self.seed, 1)))

    def tell(self, design: Design, answer: Answer | None) -> None:
        """See ``Player``; starting designs are passed over in the sequence."""
        if len(self.told) < len(self.task.starts(self.seed)) and not self.task.problem.candidates:
            list(islice(self._next, 1))
        super().tell(design, answer)
