"""Amplifiers against other optimisers: runs at the nominal point until a design keeps the spec set tight.

    python -m benchmarks.chip_peers [--quick] [--resume DIR] [--json FILE]
    .venv-peers/bin/python -m benchmarks.chip_peers collect PEER... [--seeds N] [--tasks NAME...] [--minutes 50]

The first plays Dure, with the author's formulas and without, and compares it with what is kept of its peers under
benchmarks/results/peers; the second plays peers and keeps what they got. The nominal point is where the set was frozen; at all 45
it may be beyond what an amplifier can do. Everyone begins with the textbook designs. The first mark is the set, for amplifiers
whose textbook designs do not keep it already; the second, for all, a tenth above the least current that anybody reached. A
search that does not get there counts as its budget and one; Dure with formulas is given half the budget, because choosing costs
it processor time, and counts as others do. Ten seeds with formulas, two without. Quick: one amplifier, one seed, with
formulas.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from statistics import median
from typing import Any

from benchmarks.figures import Figure, Options, Row, present
from benchmarks.peers.collect import collect
from benchmarks.peers.players import ABLATED, OURS, PEERS, Entry
from benchmarks.peers.scores import across_seeds, across_tasks, log_ratios
from benchmarks.peers.tasks import Array, Task
from benchmarks.peers.trajectories import Run, append, load, play, whole
from dure.domains.chip.opamp import Use, problem
from dure.problem import Fidelity

AMPLIFIERS = ("folded", "miller_n", "miller_p")
BUDGET = 60
_HALF = BUDGET // 2
_MARKS = ("the spec set tight", "a tenth above the least current")
_SEEDS, _BLACKBOX_SEEDS, _QUICK_SEEDS = 10, 2, 1
_BLACKBOX = next(one for one in ABLATED if one.strategy == "blackbox")


def tasks() -> list[Task]:
    """An amplifier each, on SKY130."""
    found = []
    for name in AMPLIFIERS:
        member, setting = problem.under(Use(topology=name)), {"topology": name}
        member = replace(member, fidelities=(Fidelity("typical"),), beyond=(), checks=())
        limits: Any = member.limits["tight"]
        found.append(Task("amplifiers", member, BUDGET, declared=f"opamp-{name}-tight", setting=setting, limited=limits))
    return found


def answers(run: Run, task: Task) -> list[tuple[float, float]]:
    """Runs used up and current, of each answer that keeps the set."""
    full = whole(run, task)
    spent = full.get("spent") or range(1, len(full["y"]) + 1)
    return [(float(used), y) for used, y in zip(spent, full["y"], strict=True) if y is not None]


def runs_until(found: Mapping[int, list[tuple[float, float]]], current: float) -> dict[int, float]:
    """By seed, runs until a design that keeps the set takes no more than ``current``."""
    return {seed: min((used for used, y in some if y <= current), default=BUDGET + 1.0) for seed, some in found.items()}


def own(options: Options, entry: Entry, task: Task, seeds: int) -> dict[int, list[tuple[float, float]]]:
    """Dure's answers by seed; what is missing is played."""
    task = replace(task, budget=_HALF) if entry.name == OURS.name else task
    known = (task.name, task.definition)
    kept = {run["seed"]: run for run in load(entry, "here", options.folder) if (run["task"], run["definition"]) == known}
    for seed in range(seeds):
        if seed not in kept:
            options.say(f"{entry.name}, {task.name}, seed {seed}")
            kept[seed] = play(entry, task, seed)
            append(kept[seed], entry, "here", options.folder)
    return {seed: answers(run, task) for seed, run in kept.items()}


def others(entry: Entry, task: Task) -> dict[int, list[tuple[float, float]]]:
    """A peer's answers by seed, as far as they were collected for the task as it is now."""
    runs = [run for run in load(entry, entry.pinned) if (run["task"], run["definition"]) == (task.name, task.definition)]
    return {run["seed"]: answers(run, task) for run in runs}


def _seeds(entry: Entry, quick: bool) -> int:
    if quick:
        return _QUICK_SEEDS
    return _SEEDS if entry.name == OURS.name else _BLACKBOX_SEEDS


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Play what is missing and sum it up."""
    figures: list[Figure] = []
    rows: list[Row] = []
    players = (OURS,) if options.quick else (OURS, _BLACKBOX)
    ratios: dict[str, dict[str, dict[str, list[Array]]]] = {mark: {entry.name: {} for entry in players} for mark in _MARKS}
    for task in tasks()[: 1 if options.quick else None]:
        peers = {name: found for name, entry in PEERS.items() if (found := others(entry, task))}
        mine = {entry.name: own(options, entry, task, _seeds(entry, options.quick)) for entry in players}
        everyone: dict[str, Any] = mine | peers
        least = min((y for found in everyone.values() for some in found.values() for _used, y in some), default=math.nan)
        for mark, current in zip(_MARKS, (math.inf, 1.1 * least), strict=True):
            runs = {name: runs_until(found, current) for name, found in everyone.items()}
            if max(max(of.values()) for of in runs.values()) <= len(task.problem.starts):
                continue
            rows += [
                {"task": f"{task.name}, {mark}", "player": name, "seed": seed, "runs": used}
                for name, found in runs.items()
                for seed, used in found.items()
            ]
            stated = mark if math.isinf(current) else f"{mark} ({current:.3g} uA)"
            figures += _of_a_mark(f"{task.name}, runs until {stated}", runs, list(mine), peers)
            for name, logs in ratios[mark].items():
                for peer in peers:
                    logs.setdefault(peer, []).append(log_ratios(runs[peer], runs[name]))
    overall = [figure for mark, of in ratios.items() for figure in _over_all(mark, of, options.quick)]
    return [*overall, *figures], rows


def _over_all(mark: str, ratios: Mapping[str, Mapping[str, list[Array]]], quick: bool) -> list[Figure]:
    """Against the single peer that is best over all amplifiers that it was collected for, of those that have most."""
    found = []
    for name, of in ratios.items():
        label, aim = ("with theory", 5.0) if name == OURS.name else ("as a black box", 1.3)
        most = max((len(logs) for logs in of.values()), default=0)
        spans = {peer: across_tasks(logs) for peer, logs in of.items() if len(logs) == most}
        if spans:
            best = min(spans, key=lambda peer: spans[peer][0])
            figure = f"runs to {mark} at the nominal point, {label} against the best cold peer"
            found.append(Figure(figure, *spans[best], unit="times fewer", target=None if quick else aim, peer=best))
    return found


def _of_a_mark(
    label: str, runs: Mapping[str, Mapping[int, float]], mine: Collection[str], peers: Collection[str]
) -> list[Figure]:
    found = []
    for name in mine:
        spans = {peer: across_seeds([log_ratios(runs[peer], runs[name])]) for peer in peers}
        if spans:
            best = min(spans, key=lambda peer: spans[peer][0])
            found.append(Figure(f"{label}: {name} against the best peer", *spans[best], unit="times fewer", peer=best))
    for name, of in runs.items():
        found.append(Figure(f"  {name}: runs, median", median(of.values()), unit="runs"))
        found.append(Figure("    did not get there", sum(used > BUDGET for used in of.values()), unit=f"of {len(of)}"))
    return found


def kept() -> str:
    """What is kept of each peer, as a Markdown table: median runs until the set, and how many seeds did not get there."""
    lines = ["| peer | " + " | ".join(AMPLIFIERS) + " |", "| --- " * (len(AMPLIFIERS) + 1) + "|"]
    for name, entry in PEERS.items():
        cells = []
        for task in tasks():
            runs = list(runs_until(others(entry, task), math.inf).values())
            middle = median(runs) if runs else math.inf
            missed = sum(used > BUDGET for used in runs)
            cells.append(f"{'none' if middle > BUDGET else f'{middle:g}'}, {missed} of {len(runs)}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def gather(arguments: list[str]) -> None:
    """The second command; ends with a table of all that is kept."""
    parser = argparse.ArgumentParser("python -m benchmarks.chip_peers collect")
    parser.add_argument("peers", nargs="+", choices=list(PEERS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tasks", nargs="*", default=[])
    parser.add_argument("--minutes", type=float, default=50.0)
    given = parser.parse_args(arguments)
    chosen = [task for task in tasks() if not given.tasks or task.name in given.tasks]
    done = [collect(PEERS[name], chosen, given.seeds, time.monotonic() + 60 * given.minutes) for name in given.peers]
    print(kept())
    sys.exit(0 if all(done) else 3)


if __name__ == "__main__":
    if sys.argv[1:2] == ["collect"]:
        gather(sys.argv[2:])
    present("chip_peers", __doc__, study)
