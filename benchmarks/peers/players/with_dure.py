"""Dure itself, through ask and tell."""

from __future__ import annotations

from benchmarks.peers.tasks import Answer, Design, Task
from dure.campaign import Loop
from dure.campaign.loop import Wish
from dure.problem import values_of

__all__ = ["Dure", "plays"]


class Dure:
    """A strategy of that name; "auto" is what a user gets."""

    def __init__(self, task: Task, seed: int, strategy: str = "auto") -> None:
        self._task = task
        self._loop = Loop(task.problem, strategy_name=strategy, seed=seed)
        self._wish: Wish | None = None

    def ask(self) -> Design | None:
        """See ``Player``."""
        wishes = self._loop.ask()
        self._wish = wishes[0] if wishes else None
        return values_of(self._wish.design) if self._wish else None

    def tell(self, design: Design, answer: Answer | None) -> None:
        """See ``Player``."""
        wish, self._wish = self._wish, None
        what = wish if wish is not None else self._task.problem.make_design(self._task.whole(design))
        self._loop.tell(what, None if answer is None else dict(answer.outcome))

    def recommended(self) -> Design:
        """See ``Player``."""
        return values_of(self._loop.best())


def plays(task: Task) -> bool:
    """Whether this version of Dure keeps to the candidates of a table."""
    return not task.problem.candidates or Loop(task.problem).ask()[0].design in task.problem.candidates
