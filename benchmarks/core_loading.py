"""Campaigns on a core that was enumerated: do they find the best of all its loadings within a tenth of their number?

python -m benchmarks.core_loading [--quick] [--resume DIR] [--json FILE]

Costs are in solves on six elements a side, as the problem states them; a solve on a coarser mesh counts as its share, and theory,
which is asked thousands of times, as nothing: processor seconds are in the rows, what choosing took included. Quick: one seed.
"""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

from benchmarks.core_loading_references import RESULTS, SMALL, problem_of
from benchmarks.figures import Figure, Options, Row, present
from dure.campaign import Loop

_SEEDS = 10


class Search:
    """A campaign's loop, stopped by cost: the best top-rung answer that keeps the limit."""

    def __init__(self, core: str, seed: int) -> None:
        self.problem, self.setting = problem_of(core)
        self.loop = Loop("reactor/core-loading", setting={"core": core}, strategy="structured", seed=seed)
        self.cost, self.cpu = 0.0, 0.0
        self.best: tuple[float, Any] | None = None

    def go(self, budget: float, goal: Any = None, together: int = 1) -> bool:
        """Up to a cost, or until ``goal`` was answered at the top rung; whether it was."""
        began = time.process_time()
        try:
            return self._go(budget, goal, together)
        finally:
            self.cpu += time.process_time() - began

    def _go(self, budget: float, goal: Any, together: int) -> bool:
        while wishes := self.loop.ask(together):
            for wish in wishes:
                rung = self.problem.rung(wish.fidelity)
                if self.cost + rung.cost > budget + 1e-9:
                    return False
                self.cost += rung.cost
                outcome = self.problem.answer(wish.design, self.setting, fidelity=rung.name, seed=0).outcome
                self.loop.tell(wish, outcome)
                if rung.name != self.problem.top.name:
                    continue
                if outcome.reserve >= 0 and (self.best is None or max(outcome.power) < self.best[0]):
                    self.best = max(outcome.power), wish.design
                if wish.design == goal:
                    return True
        return False


def of_the_enumerated(seed: int) -> Row:
    """Whether, and at what cost, a campaign answers the best of all loadings of the small core."""
    truth = json.loads((RESULTS / "core_loading_enumerate.json").read_text("utf-8"))
    search = Search(str(SMALL), seed)
    found = search.go(truth["loadings"] / 10, search.problem.make_design(truth["best"][0]["design"]))
    best = search.best[0] if search.best else None
    return {
        "found": found,
        "loadings": truth["loadings"],
        "cost": search.cost,
        "best": best,
        "truth": truth["best"][0]["power"],
        "cpu_s": search.cpu,
    }


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Every seed; a sitting ends between two of them."""
    seeds = range(1 if options.quick else _SEEDS)
    rows = [options.row(f"enumerated, seed {seed}", partial(of_the_enumerated, seed)) for seed in seeds]
    found = sum(row["found"] for row in rows)
    target = None if options.quick else 9.0
    name = "enumerated core: seeds that find the optimum within a tenth of its size"
    figures = [
        Figure(name, found, unit=f"of {len(seeds)}", target=target),
        Figure("  the dearest of them, as a share of its size", max(row["cost"] / row["loadings"] for row in rows), unit="1"),
    ]
    return figures, rows


if __name__ == "__main__":
    present("core_loading", __doc__, study)
