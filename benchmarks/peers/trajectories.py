"""One player on one task with one seed: playing it, and keeping what came of it.

A trajectory is one line of JSON: "y" the objective of each answer after the starting designs (a list of two on a front, None
where it failed or broke a limit; on a noisy task the true value of the design the player would have handed over), "failed" the
numbers of crashed runs, "worst" the worst violation of those that broke a limit, "cpu" the seconds of each ask. What the starting
designs gave is computed again, because everyone has the same; but a player that makes its own start, and may ask cheaper rungs,
leaves "spent", the budget used up at each answer of the top one, from the first.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers.players import Entry
from benchmarks.peers.players.base import Player
from benchmarks.peers.tasks import Answer, Design, Task

__all__ = ["FOLDER", "append", "forget", "load", "play", "whole"]

FOLDER = Path(__file__).parents[1] / "results" / "peers"

Run = dict[str, Any]


def play(entry: Entry, task: Task, seed: int) -> Run:
    """The whole budget of one player; shorter where it has nothing left to ask."""
    player, starts = entry.make(task, seed), [] if entry.opens(task) else task.starts(seed)
    sitting = _Sitting(task, seed)
    for design in starts:
        player.tell(task.flat(design), sitting.run(design))
    y: list[Any] = []
    cpu: list[float] = []
    failed: list[int] = []
    worst: dict[str, float] = {}
    used = float(len(starts))
    spent: list[float] = []
    while used < task.budget - 1e-9:
        began = time.process_time()
        asked = player.ask()
        if asked is None:
            break
        cpu.append(float(f"{time.process_time() - began:.2g}"))
        design = task.snapped(asked, sitting.rows)
        rung = player.rung or task.problem.top.name
        answer = sitting.run(design, rung)
        player.tell(task.flat(design), answer)
        used += task.problem.rung(rung).cost
        if rung != task.problem.top.name:
            continue
        spent.append(round(used, 6))
        if answer is None:
            failed.append(len(y))
        elif answer.worst > 0:
            worst[str(len(y))] = float(f"{answer.worst:.3g}")
        y.append(_recommended(task, player) if task.noisy else _objective(answer))
    run: Run = {"task": task.name, "definition": task.definition, "seed": seed}
    run |= {"y": y, "failed": failed, "worst": worst, "cpu": cpu}
    return run | dict(player.notes) | ({"spent": spent} if entry.opens(task) else {})


class _Sitting:
    """Answers of one task under one seed; a design that is run again meets new noise, the same for every player."""

    def __init__(self, task: Task, seed: int) -> None:
        self.task, self.seed = task, seed
        self.rows: set[int] = set()
        self._times: dict[str, int] = {}

    def run(self, design: Design, rung: str = "") -> Answer | None:
        key = str(design)
        times = self._times[key] = self._times.get(key, -1) + 1
        if self.task.problem.candidates:
            self.rows.add(self.task.row_of[tuple(design.values())])
        return self.task.run(design, self.seed + (1000 * times if self.task.noisy else 0), rung)


def _objective(answer: Answer | None) -> Any:
    if answer is None or answer.worst > 0:
        return None
    values = [float(f"{one:.7g}") for one in answer.objectives]
    return values if len(values) > 1 else values[0]


def _recommended(task: Task, player: Player) -> float:
    return float(f"{task.truth(task.snapped(player.recommended())).objectives[0]:.7g}")


def whole(run: Mapping[str, Any], task: Task) -> Run:
    """A trajectory with the starting designs before it, as ``scores.qualities`` wants it.

    On a noisy task the starting designs' recommendation is the best of what was seen.
    """
    if "spent" in run:
        return {**run, "noisy": task.noisy, "starts": 0}
    sitting = _Sitting(task, run["seed"])
    starts = task.starts(run["seed"])
    answers = [sitting.run(one) for one in starts]
    if not task.noisy:
        before = [_objective(one) for one in answers]
    else:
        seen = [one.objectives[0] if one is not None else float("inf") for one in answers]
        best = [min(range(number + 1), key=seen.__getitem__) for number in range(len(seen))]
        before = [task.truth(starts[number]).objectives[0] for number in best]
    return {**run, "y": before + list(run["y"]), "noisy": task.noisy, "starts": len(starts)}


def _file(entry: Entry, version: str, folder: Path) -> Path:
    return folder / f"{entry.name}-{version}.jsonl"


def load(entry: Entry, version: str, folder: Path = FOLDER) -> Iterator[Run]:
    """Every trajectory kept of a player."""
    file = _file(entry, version, folder)
    if file.exists():
        yield from (json.loads(line) for line in file.read_text("utf-8").splitlines())


def forget(stale: Collection[tuple[str, str]], entry: Entry, version: str, folder: Path = FOLDER) -> None:
    """Drop the trajectories of tasks with those names and definitions."""
    kept = [run for run in load(entry, version, folder) if (run["task"], run["definition"]) not in stale]
    draft = _file(entry, version, folder).with_suffix(".new")
    draft.write_text("".join(_line(run) for run in kept), "utf-8")
    draft.replace(_file(entry, version, folder))


def append(run: Run, entry: Entry, version: str, folder: Path = FOLDER) -> None:
    """Keep a trajectory; a line is written at once or not at all."""
    with _file(entry, version, folder).open("a", encoding="utf-8") as file:
        file.write(_line(run))


def _line(run: Mapping[str, Any]) -> str:
    return json.dumps(run, separators=(",", ":")) + "\n"
