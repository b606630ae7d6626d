"""What a pool costs beside the plain loop that somebody without Dure would write."""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Row, repeated
from dure.errors import SimulationFailed
from dure.journal import Journal, fold
from dure.pool import generate
from dure.problem import find

__all__ = ["bare", "children_s", "pooled", "throughput"]


def pooled(reference: str, tasks: int, designs: int, fidelity: str | None = None) -> Row:
    """CPU and wall seconds of a pool with one worker, and of the same trials in a plain loop in one process."""
    with tempfile.TemporaryDirectory() as folder:
        cpu, began = time.process_time() + children_s(), time.monotonic()
        summary = generate(reference, Path(folder), tasks=tasks, designs=designs, fidelity=fidelity)
        pool = time.process_time() + children_s() - cpu, time.monotonic() - began
        with Journal.open(Path(folder), write=False) as journal:
            trials = [dict(state.trial) for state in fold(journal.events()).trials.values()]
    cpu, began = children_s(), time.monotonic()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        process.submit(bare, reference, trials).result()
    alone = children_s() - cpu, time.monotonic() - began
    seconds = {"pool_cpu_s": pool[0], "pool_wall_s": pool[1], "bare_cpu_s": alone[0], "bare_wall_s": alone[1]}
    return {"trials": len(trials), "failed": summary.failed, **seconds}


def bare(reference: str, trials: Sequence[dict[str, Any]]) -> None:
    """Every trial in turn."""
    problem = find(reference)
    for trial in trials:
        setting = problem.make_setting(trial["setting"])
        member = problem.under(setting)
        if member.simulate is None:
            raise RuntimeError
        # A design without an answer has cost its time either way.
        with contextlib.suppress(SimulationFailed):
            member.simulate(member.make_design(trial["design"]), setting, fidelity=trial["fidelity"])


def children_s() -> float:
    """CPU seconds of child processes that have ended."""
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def throughput(unit: str, rows: Sequence[Row], target: float | None) -> Figure:
    """Trials per second of ``unit`` (cpu or wall) in a pool, as a share of the loop's."""
    ratios = [row[f"bare_{unit}_s"] / row[f"pool_{unit}_s"] for row in rows]
    return repeated(f"pool, trials per {unit} second", ratios, target=target, peer="the simulator in a plain loop")
