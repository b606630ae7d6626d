"""Dure itself, through ask and tell."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.tasks import Answer, Design, Task
from dure.campaign import Loop
from dure.campaign.loop import Wish
from dure.problem import values_of

__all__ = ["Dure", "plays"]

_WITHOUT = "without "


class Dure:
    """A strategy of that name; "auto" is what a user gets, "without parts" is the same less a piece.

    Its notes say how many intervals held the answer, of how many it stated.
    """

    def __init__(self, task: Task, seed: int, strategy: str = "auto") -> None:
        self._task = task
        by: Any = strategy
        if strategy.startswith(_WITHOUT):
            from dure.strategy.structured import Structured

            pieces: Any = {strategy.removeprefix(_WITHOUT): False}
            by = Structured(**pieces)
        self._loop = Loop(task.problem, setting=task.setting, limits=task.limited, strategy=by, seed=seed)
        self._wish: Wish | None = None
        self._held: list[bool] = []

    def ask(self) -> Design | None:
        """See ``Player``."""
        wishes = self._loop.ask()
        self._wish = wishes[0] if wishes else None
        return values_of(self._wish.design) if self._wish else None

    @property
    def rung(self) -> str:
        """See ``Player``."""
        return self._wish.fidelity if self._wish else ""

    @property
    def notes(self) -> dict[str, object]:
        """See ``Player``."""
        return {"held": [sum(self._held), len(self._held)]}

    def tell(self, design: Design, answer: Answer | None) -> None:
        """See ``Player``."""
        wish, self._wish = self._wish, None
        what = wish if wish is not None else self._task.problem.make_design(self._task.whole(design))
        self._loop.tell(what, None if answer is None else dict(answer.outcome))
        if wish is not None and answer is not None:
            values = self._loop.task.goal_values(answer.outcome)
            stated = self._loop.history.trials[wish.trial.key].predicted
            self._held += [low <= values[name] <= high for name, (_middle, low, high) in stated.items()]

    def recommended(self) -> Design:
        """See ``Player``."""
        return values_of(self._loop.best())


def plays(task: Task) -> bool:
    """Whether this version of Dure keeps to the candidates of a table."""
    return not task.problem.candidates or Loop(task.problem).ask()[0].design in task.problem.candidates
