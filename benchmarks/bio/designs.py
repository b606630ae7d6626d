"""Campaigns of bio/dock-design on the published task F2, filters on, beside the published searches after as many docks."""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks.figures import Figure, Options, Row, SittingOver
from dure.journal import Journal, fold
from dure.problem import find

__all__ = ["BUDGET", "course", "designed", "designs"]

BUDGET = 100
_WANTED = 8.9


def designs(options: Options, seeds: int, budget: int = BUDGET) -> list[Row]:
    """A campaign a seed, without labelled molecules to start from; one that a sitting's end interrupts goes on in the next."""
    return [options.row(f"F2, {budget} docks, seed {seed}", partial(_designed, options, seed, budget)) for seed in range(seeds)]


def _designed(options: Options, seed: int, budget: int) -> Row:
    folder = options.folder / f"dock-design-{budget}-{seed}"
    what = ["bio/dock-design", "--setting", "task=F2", "--runs", str(budget), "--control", "0", "--seed", str(seed)]
    dure = str(Path(sys.executable).with_name("dure"))
    begun = (folder / "journal.sqlite").exists()
    command = [dure, "resume", str(folder)] if begun else [dure, "run", *what, "--out", str(folder)]
    with subprocess.Popen([*command, "--workers", "1", "--quiet"]) as campaign:
        while campaign.poll() is None:
            try:
                options.say(f"seed {seed}: {len(course(folder))} default docks")
                campaign.wait(timeout=300)
            except subprocess.TimeoutExpired:
                continue
            except (KeyboardInterrupt, SittingOver):
                campaign.send_signal(signal.SIGINT)
                campaign.wait()
                raise
    if campaign.returncode not in (0, 3):
        raise RuntimeError(f"{' '.join(command)} ended with {campaign.returncode}")
    return {"seed": seed, "budget": budget, "course": course(folder), **_winner(folder)}


def course(folder: Path) -> list[tuple[float, float]]:
    """What was spent when each default dock was answered, in default docks, and the best value so far, larger is better.

    Docks in haste and docks that failed are part of what was spent, repeats of the winner are not.
    """
    if not folder.is_dir():
        return []
    problem, spent, best, found = find("bio/dock-design"), 0.0, -float("inf"), []
    with Journal.open(folder, write=False) as journal:
        history = fold(list(journal.events()))
    ended = [one for one in history.in_plan("start", "search") if one.outcome is not None or one.reason]
    for state in ended:  # one worker: they ended in the order in which they were asked
        spent += problem.rung(state.fidelity).cost
        if state.fidelity == problem.top.name and state.outcome is not None:
            best = max(best, -sum(state.outcome["value"]))
            found.append((spent, best))
    return found


def _winner(folder: Path) -> dict[str, Any]:
    with Journal.open(folder, write=False) as journal:
        history = fold(list(journal.events()))
    ends: Any = history.conclusion
    winner = history.trials.get(ends["winner"])
    found = {
        "because": history.decisions[-1]["search"]["because"],
        "cpu_s": sum(one.cpu_seconds for one in history.trials.values()),
    }
    if winner is None:
        return found | {"smiles": None, "outcome": {}}
    return found | {"smiles": winner.trial["design"]["smiles"], "outcome": dict(winner.outcome or {})}


def designed(rows: list[Row], published: list[Row]) -> list[Figure]:
    """The mean over seeds beside each published search after the same number of docks."""
    if not rows:
        return []
    ends = [row["course"][-1][1] if row["course"] else 0.0 for row in rows]  # as failed calls count in the published courses
    budget = rows[0]["budget"]
    whole = budget == BUDGET
    spread = stdev(ends) if len(ends) > 1 else 0.0
    name = f"F2 after {budget} default docks, filters on, {len(ends)} seeds: mean, between worst and best"
    found = [Figure(name, mean(ends), min(ends), max(ends), target=_WANTED if whole else None)]
    found.append(Figure("  standard deviation over seeds", spread))
    found.append(
        Figure("  campaigns that used their budget", sum(row["because"] == "budget" for row in rows), unit=f"of {len(rows)}")
    )
    for row in published:
        if row["task"].startswith("published F2") and str(budget) in row["after"]:
            found.append(Figure("  the same, published, filters off", row["after"][str(budget)], peer=row["task"].split(", ")[1]))
    return found
