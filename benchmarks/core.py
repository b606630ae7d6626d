"""What the machinery itself costs, beside the simulations it runs.

python -m benchmarks.core [--quick] [--resume DIR] [--json FILE]
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import psutil

from benchmarks.figures import Figure, Options, Row, present, repeated
from benchmarks.pooling import children_s, pooled, throughput
from dure.campaign import Budget, Campaign, make_plan
from dure.execute import LocalRunner
from dure.journal import Event, History
from dure.problem import find

TOYS = Path(__file__).parent / "toys"
NOOP, ONE_SECOND = str(TOYS / "noop.py"), str(TOYS / "one_second.py")
CHARGE = "energy/fast-charge"
TRIALS = 10_000


def loop_and_resume() -> Row:
    """CPU ms a trial, driver and worker together, from the first answer to the last; CPU s to open and fold the journal."""
    marks: list[float] = []

    def watch(event: Event, history: History) -> None:
        if event.kind == "told" and len(history.trials) in (1, TRIALS):
            worker = psutil.Process(int(str(event.payload["pid"]))).cpu_times()
            marks.append(time.process_time() + worker.user + worker.system)

    with tempfile.TemporaryDirectory() as folder:
        plan = make_plan(NOOP, budget=Budget(runs=TRIALS), strategy_name="sobol")
        with Campaign.begin(Path(folder), plan, watcher=watch) as campaign:
            campaign.run()
        del campaign
        gc.collect()
        began = time.process_time()
        with Campaign.resume(Path(folder)) as again:
            resumed = time.process_time() - began
            trials = len(again.history.trials)
    return {"loop_ms": 1e3 * (marks[1] - marks[0]) / (TRIALS - 1), "resume_s": resumed, "trials": trials}


def evaluations(fidelity: str, designs: int) -> Row:
    """CPU seconds a design: with a simulation built for it, and with the one already built."""
    from dure.domains.energy.cell import charger

    problem = find(CHARGE)
    setting = problem.make_setting({})
    built: list[float] = []
    warm: list[float] = []
    for design in problem.starts[:designs]:
        for times in (built, warm):
            if times is built:
                charger.cache_clear()
            began = time.process_time()
            problem.answer(design, setting, fidelity=fidelity, seed=0)
            times.append(time.process_time() - began)
    return {"built_s": built, "warm_s": warm}


def utilisation(strategy: str, by: str, runs: int) -> Row:
    """Share of the time that two workers are busy while there is something left to be asked."""
    marks: list[tuple[float, float]] = []

    def watch(event: Event, _history: History) -> None:
        if event.kind == "asked":
            marks.append((runner.busy, runner.elapsed))

    plan = make_plan(ONE_SECOND, setting={"by": by}, budget=Budget(runs=runs), strategy_name=strategy)
    with tempfile.TemporaryDirectory() as folder, LocalRunner(2) as runner:
        for started in [runner.submit(time.sleep, 0.5) for _worker in range(2)]:
            started.result()
        with Campaign.begin(Path(folder), plan, watcher=watch) as campaign:
            campaign.run(workers=2, executor=runner)
    (busy_before, began), (busy, ended) = marks[0], marks[-1]
    return {"share": (busy - busy_before) / (2 * (ended - began))}


def help_text() -> Row:
    """CPU ms of ``dure --help``, and of an interpreter that does nothing."""

    def cost(*arguments: str) -> float:
        before = children_s()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        return 1e3 * (children_s() - before)

    return {"help_ms": cost("-c", "from dure.cli import main; main()", "--help"), "nothing_ms": cost("-c", "pass")}


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """All of it; figures of wall time carry no target when quick, because a busy machine stretches them."""
    quick = options.quick
    times = 1 if quick else 3
    loops = [options.row(f"loop {number}", loop_and_resume) for number in range(times)]
    starts = [options.row(f"help {number}", help_text) for number in range(5 if quick else 15)]
    pools = [options.row(f"pool {number}", partial(pooled, CHARGE, 2 if quick else 4, 24)) for number in range(times)]
    costs = {name: options.row(f"evaluations {name}", partial(evaluations, name, 2 if quick else 6)) for name in ("spme", "dfn")}
    busy = {
        f"{by}, {strategy}": [
            options.row(f"utilisation {by}, {strategy}, {number}", partial(utilisation, strategy, by, 16 if quick else 40))
            for number in range(times)
        ]
        for by in ("sleep", "work")
        for strategy in ("sobol", "structured")
    }
    figures = [
        repeated(
            "loop without a model, driver and worker",
            [row["loop_ms"] for row in loops],
            unit="CPU ms a trial",
            target=1.0,
            at_most=True,
        ),
        repeated("resume of 10,000 trials", [row["resume_s"] for row in loops], unit="CPU s", target=1.0, at_most=True),
        repeated(
            "dure --help beyond an empty program",
            [row["help_ms"] - row["nothing_ms"] for row in starts],
            unit="CPU ms",
            target=150.0,
            at_most=True,
            peer="python -c pass",
        ),
        *(_warm(name, costs[name], target) for name, target in (("spme", 30.0), ("dfn", 8.0))),
        *(throughput(unit, pools, None if quick and unit == "wall" else 0.7) for unit in ("cpu", "wall")),
        *(
            repeated(f"two workers busy, runs of 1 s of {name}", [row["share"] for row in rows], target=None if quick else 0.95)
            for name, rows in busy.items()
        ),
    ]
    return figures, [*loops, *starts, *pools, *costs.values(), *(row for rows in busy.values() for row in rows)]


def _warm(fidelity: str, row: Row, target: float) -> Figure:
    """How many times dearer a design is when its simulation is built for it."""
    ratios = [built / warm for built, warm in zip(row["built_s"], row["warm_s"], strict=True)]
    return repeated(f"{fidelity} kept built", ratios, unit="times cheaper (CPU)", target=target, peer="built for each design")


if __name__ == "__main__":
    present("core", __doc__, study)
