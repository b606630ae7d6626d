"""What one ask costs: processor time after many answers, and memory where the choices have very many products.

python -m benchmarks.ask [--quick] [--resume DIR] [--json FILE]
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import PackageNotFoundError
from itertools import islice, pairwise
from statistics import median
from typing import Any

import torch

from benchmarks.figures import Figure, Options, Row, present, repeated
from benchmarks.peers.players import OURS, PEERS, Entry
from benchmarks.peers.suites import all_tasks
from benchmarks.peers.tasks import Task, designs_of, outcomes_of
from dure.problem import Problem, choice, minimise, values_of
from dure.strategy import space_filling

TASK = "hartmann-6"
TARGETS = {100: 0.3, 1_000: 0.5, 3_000: None}
SLOW = ("botorch", "optuna-gp")
"""Peers that are asked once a seed."""
CHOICES, FEW, MANY = 8, 3, 20
"""Fields of an all-choice problem, and how many options each has."""


def apart(measure: Callable[[], Row]) -> Row:
    """What is measured in a fresh process with one thread, and how busy the machine was."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(measure).result() | {"load": os.getloadavg()[0]}


def asks(entry: Entry, answers: int, seed: int, times: int) -> Row:
    """CPU seconds of asks, each answered before the next, once that many random designs are answered.

    One ask comes before, of few answers, and is not counted: it loads libraries.
    """
    torch.set_num_threads(1)
    task = next(one for one in all_tasks() if one.name == TASK)
    player, spent = entry.make(task, seed), []
    designs = [values_of(one) for one in islice(space_filling(task.problem, seed, uniform=True), answers)]
    for number, design in enumerate(designs, 1):
        player.tell(design, task.run(design))
        if number == 20:
            _asked(task, player)
    for _time in range(times):
        spent.append(_asked(task, player))
    return {"ask_s": spent}


def _asked(task: Task, player: Any) -> float:
    began = time.process_time()
    design = player.ask()
    spent = time.process_time() - began
    player.tell(design, task.run(task.snapped(design)))
    return spent


def choices(options: int, answers: int, times: int) -> Row:
    """CPU seconds of asks over eight choices with that many options each, and the process's peak memory."""
    labels = [f"kind {number}" for number in range(options)]
    problem = Problem(
        name="bench/choices",
        version="1",
        question="Which kinds go together?",
        design=designs_of(**{f"x{number}": choice(*labels) for number in range(1, CHOICES + 1)}),
        outcome=outcomes_of(y=minimise()),
        simulate=_mismatch,
    )
    task = Task("choices", problem, answers)
    player, spent = OURS.make(task, 0), []
    for design in task.sample((0,), answers):
        player.tell(design, task.run(design))
    for _time in range(times):
        spent.append(_asked(task, player))
    return {"ask_s": spent, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _mismatch(design: Any) -> dict[str, float]:
    numbers = [int(value.split()[1]) for value in values_of(design).values()]
    return {"y": float(sum((7 * one + 3 * other) % 11 for one, other in pairwise(numbers)))}


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """All of it; peers that are not installed are left out."""
    seeds, times = (1, 3) if options.quick else (3, 5)
    entries = [OURS, *(PEERS[name] for name in ("botorch", "optuna-gp", "optuna-tpe") if _installed(PEERS[name]))]
    rows: dict[tuple[str, int], list[Row]] = {}
    for answers in TARGETS:
        for entry in entries if answers <= 1_000 else [OURS]:
            for seed in range(seeds):
                measure = partial(asks, entry, answers, seed, 1 if entry.name in SLOW else times)
                row = options.row(f"{entry.name}, {answers} answers, seed {seed}", partial(apart, measure))
                rows.setdefault((entry.name, answers), []).append(row)
    products = {
        count: options.row(f"{CHOICES} choices of {count}", partial(apart, partial(choices, count, 60, times)))
        for count in (FEW, MANY)
    }
    figures = [_spent(answers, rows[OURS.name, answers], target) for answers, target in TARGETS.items()]
    figures += [_cheaper(*key, theirs, rows[OURS.name, key[1]]) for key, theirs in rows.items() if key[0] != OURS.name]
    figures += _grown(products[FEW], products[MANY])
    return figures, [*(row for some in rows.values() for row in some), *products.values()]


def _spent(answers: int, rows: list[Row], target: float | None) -> Figure:
    times = [time for row in rows for time in row["ask_s"]]
    return repeated(f"ask after {answers:,} answers, 6 inputs", times, unit="CPU s", target=target, at_most=True)


def _cheaper(name: str, answers: int, theirs: list[Row], ours: list[Row]) -> Figure:
    """Seed by seed, the middle of each."""
    ratios = [median(one["ask_s"]) / median(other["ask_s"]) for one, other in zip(theirs, ours, strict=True)]
    peer = f"{name} {PEERS[name].installed}"
    return repeated(f"ask after {answers:,} answers", ratios, unit="times cheaper (CPU)", peer=peer)


def _grown(few: Row, many: Row) -> list[Figure]:
    about, peer = (
        f"{CHOICES} choices of {MANY} options ({MANY**CHOICES:.1e} designs)",
        f"{FEW} options ({FEW**CHOICES:,} designs)",
    )
    return [
        Figure(f"peak memory, {about}", many["peak_mb"] / few["peak_mb"], unit="times", target=1.1, at_most=True, peer=peer),
        repeated(f"ask, {about}", many["ask_s"], unit="CPU s"),
    ]


def _installed(entry: Entry) -> bool:
    try:
        return bool(entry.installed)
    except PackageNotFoundError:
        return False


if __name__ == "__main__":
    present("ask", __doc__, study)
