"""What players did on tasks, by seed: Dure's runs made or read, its peers' read, and both as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
from scipy.stats import binomtest

from benchmarks.figures import Figure, Options, Row
from benchmarks.peers.players import OURS, Entry
from benchmarks.peers.scores import MARKS, qualities, runs_to
from benchmarks.peers.tasks import Task
from benchmarks.peers.trajectories import Run, append, load, play, whole

__all__ = ["MARK", "Standing", "covered", "ours", "tasks_table", "theirs"]

MARK = 0.95


@dataclass
class Standing:
    """What one player did on one task, by seed."""

    player: str
    task: Task
    runs: dict[float, dict[int, float]] = field(default_factory=lambda: {mark: {} for mark in MARKS})
    answered: dict[int, int] = field(default_factory=dict)
    final: list[float] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    held: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, run: Run) -> None:
        """One more seed."""
        full = whole(run, self.task)
        course = qualities(full, self.task.reference, self.task.corner)
        course += course[-1:] * (self.task.budget - len(course))
        spent = full.get("spent", range(1, self.task.budget + 1))
        for mark in MARKS:
            answers = runs_to(mark, course)
            self.runs[mark][run["seed"]] = spent[answers - 1] if answers <= len(spent) else self.task.budget + 1
            if mark == MARK:
                self.answered[run["seed"]] = sum(y is not None for y in full["y"][:answers])
        self.final.append(course[-1])
        self.failures.append(len(run["failed"]))
        self.cpu += run["cpu"]
        self.held = [before + now for before, now in zip(self.held, run.get("held", (0, 0)), strict=True)]

    @property
    def censored(self) -> int:
        """Seeds that did not get to 95 %."""
        return sum(runs > self.task.budget for runs in self.runs[MARK].values())

    def row(self) -> Row:
        """For the table of tasks: medians over seeds; regret in units of the task's middle less its best."""
        found: Row = {"suite": self.task.suite, "task": self.task.name, "player": self.player, "budget": self.task.budget}
        found |= {f"runs to {mark:.0%}": median(self.runs[mark].values()) for mark in MARKS}
        found |= {"seeds": len(self.final), "not reached": self.censored, "failures": median(self.failures)}
        share = median(self.final)
        regret = None if np.isinf(share) else 1 - share
        found["regret"] = None if self.task.corner else regret
        found["hypervolume"] = share if self.task.corner else None
        return found | {"cpu s per ask": median(self.cpu) if self.cpu else None}


def ours(options: Options, tasks: Iterable[Task], seeds: int, entry: Entry = OURS) -> dict[str, Standing]:
    """Play what is missing of Dure's own runs, seed by seed, and read them all."""
    kept = {(run["task"], run["definition"], run["seed"]): run for run in load(entry, "here", options.folder)}
    standings: dict[str, Standing] = {}
    for seed in range(seeds):
        for task in tasks:
            key = (task.name, task.definition, seed)
            if key not in kept:
                options.say(f"{entry.name}, {task.name}, seed {seed}")
                kept[key] = play(entry, task, seed)
                append(kept[key], entry, "here", options.folder)
            standings.setdefault(task.name, Standing(entry.name, task)).add(kept[key])
    return standings


def theirs(entry: Entry, tasks: Iterable[Task]) -> dict[str, Standing]:
    """What is kept of a peer, on the tasks as they are defined now; nothing of those it cannot take."""
    by_name = {task.name: task for task in tasks}
    standings: dict[str, Standing] = {}
    for run in load(entry, entry.pinned):
        task = by_name.get(run["task"])
        if task is not None and run["definition"] == task.definition:
            standings.setdefault(task.name, Standing(entry.name, task)).add(run)
    return standings


def covered(mine: Mapping[str, Standing]) -> list[Figure]:
    """How often the 90 % intervals stated with each proposal held the answer, suite by suite."""
    found = []
    for suite in dict.fromkeys(standing.task.suite for standing in mine.values()):
        held, stated = np.sum([one.held for one in mine.values() if one.task.suite == suite], axis=0)
        if stated:
            span = binomtest(int(held), int(stated)).proportion_ci(method="wilson")
            share, ends = float(held / stated), (float(span.low), float(span.high))
            found.append(Figure(f"{suite}: 90 % intervals that held", share, *ends, target=0.85))
            found.append(Figure("  and no more than", share, target=0.95, at_most=True))
    return found


def tasks_table(rows: list[dict[str, Any]]) -> str:
    """Every task and player as a Markdown table."""
    names = [name for name in rows[0] if name != "suite"] if rows else []
    cells = [names, ["-" * len(name) for name in names], *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    lines = ("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in cells)
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:.3g}"
