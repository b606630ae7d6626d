"""Finished and unfinished campaigns on the toy beam, answered in this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import dure.campaign.driver as driver
from dure.campaign import Budget, Campaign, make_plan
from dure.journal import History
from dure.strategy import Proposal, Review, Task, Worth, space_filling

BEAM = Path(__file__).with_name("report_beam.py")


class Here(Executor):
    """Runs each attempt at once; ends as Ctrl-C does after ``most``."""

    def __init__(self, most: int = 10**6) -> None:
        self.left = most

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        future: Future[Any] = Future()
        future.set_result(function(*args, **kwargs))
        return future


class Outspoken:
    """Space-filling designs, with explanations and predictions as a strategy that learns would give them."""

    name = "outspoken"

    def explain(self, task: Task) -> tuple[str, ...]:
        return ("Says what it expects.",)

    def ask(self, task: Task, history: History, n: int, seed: int) -> list[Proposal]:
        number = len(history.in_plan("search", "start"))
        design = next(space_filling(task.problem, seed, start=number))
        if number < 5:
            why = "Promising, but uncertain: {fidelity} removes {share:.0%} of the doubt at {cost:.0%} of the cost."
            numbers = {"fidelity": "rough", "share": 0.875 - 0.01 * number, "cost": 0.25}
            return [Proposal(design, "rough", "search", why, numbers)]
        why = "Largest expected gain: {gain:.3g} {unit} over the best so far; keeps all limits with probability {feasible:.0%}."
        predicted = {"mass": (20.0, 1.0, 60.0), "deflection": (0.02, 0.0, 0.03), "slender": (1.0, 0.9, 1.1)}
        numbers = {"gain": 2.5 / number, "unit": "kg", "feasible": 0.625}
        return [Proposal(design, "fine", "search", why, numbers, predicted, 2.5 / number, 2.5 / number**2)]

    def review(self, task: Task, history: History, seed: int) -> Review:
        return Review((Worth("rough", "mass", 0.75, 1.0), Worth("rough", "deflection", -0.25, 0.0)), 0.03125)


def campaign(folder: Path, patch: pytest.MonkeyPatch, *, most: int = 10**6, problem: Path = BEAM, **plan: Any) -> Path:
    """A campaign in ``folder``, as far as ``most`` attempts bring it."""
    patch.setattr(driver, "strategy", lambda _name: Outspoken())
    made = make_plan(
        str(problem), strategy_name=plan.pop("strategy_name", "sobol"), budget=Budget(runs=plan.pop("runs", 12)), **plan
    )
    with Campaign.begin(folder, made) as begun, suppress(KeyboardInterrupt):
        begun.run(executor=Here(most))
    return folder
