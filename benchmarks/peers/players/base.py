"""What a player is to the bench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from benchmarks.peers.tasks import Answer, Design, Task

__all__ = ["Kept", "Player", "penalised", "plain", "skipped"]


class Player(Protocol):
    """Made of a task and a seed. Told the starting designs first, then asked and told in turn.

    Told designs are by ``Task.fields``; those it gives may be by the problem's own inputs. ``rung`` names the fidelity of the
    design asked last, empty for the top; ``notes`` is what else is to be kept of the whole run.
    """

    rung: str
    notes: Mapping[str, object]

    def ask(self) -> Design | None:
        """The next design, as values by name; None when there is none left."""

    def tell(self, design: Design, answer: Answer | None) -> None:
        """What a design gave; None where it crashed."""

    def recommended(self) -> Design:
        """Which design it would hand over now; asked of noisy tasks only."""


class Kept:
    """What a player was told, in order, and the best answer as its recommendation."""

    rung = ""
    notes: Mapping[str, object] = {}

    def __init__(self, task: Task, seed: int) -> None:
        self.task, self.seed = task, seed
        self.told: list[tuple[Design, Answer | None]] = []

    def tell(self, design: Design, answer: Answer | None) -> None:
        """See ``Player``."""
        self.told.append((design, answer))

    def recommended(self) -> Design:
        """See ``Player``."""
        answered = [(answer, design) for design, answer in self.told if answer is not None]
        return min(answered, key=lambda one: (one[0].worst, one[0].objectives[0]))[1]


def skipped(task: Task, answer: Answer | None) -> bool:
    """Whether a crash is kept from players that have no way with crashes.

    Where they come at random that serves a player best; in a region it would go back there for ever, so it is told a penalty.
    Knowing which is which is more than its user would.
    """
    return answer is None and task.lottery


def penalised(told: list[tuple[Design, Answer | None]]) -> list[tuple[float, ...]]:
    """Objectives for players that know neither limits nor crashes.

    A design that breaks limits gets the worst objectives of those that keep them, and a tenth to one times their spread on top,
    growing with the share of limits' spread it is off; a crash gets the most.
    """
    kept = [answer for _design, answer in told if answer is not None and answer.worst <= 0]
    usable = kept or [answer for _design, answer in told if answer is not None]
    width = len(usable[0].objectives) if usable else 1
    values = np.array([one.objectives for one in usable]) if usable else np.zeros((1, width))
    worst, spread = values.max(0), np.maximum(np.ptp(values, axis=0), 1e-9)
    found: list[tuple[float, ...]] = []
    for _design, answer in told:
        if answer is not None and answer.worst <= 0:
            found.append(answer.objectives)
            continue
        off = 1.0 if answer is None else 0.1 + 0.9 * answer.worst / (1.0 + answer.worst)
        found.append(tuple(float(one) for one in worst + off * spread))
    return found


def plain(row: Mapping[str, object]) -> dict[str, object]:
    """Values of NumPy as Python's own."""
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in row.items()}
