"""energy/fast-charge against its reference optima: runs needed, by strategy and seed.

    python -m benchmarks.fast_charge [--quick] [--resume DIR] [--json FILE]

Every row is a whole campaign with its journal under DIR, so an interrupted run goes on where it stopped; two run at a time.
Quick: one task, two seeds, Dure alone. Full: 55 and 45 degC; ten seeds of Dure, five of the same engine as a black box (no parts,
theory, starts or cheap rung) and of random search; and the best plain constant current. Winners must keep the limits on the finer
mesh as well.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from scipy.optimize import brentq

from benchmarks.figures import Figure, Options, present
from dure.campaign import Budget, Campaign, make_plan, ranked
from dure.domains.energy.fast_charge import Cell, Charge, problem
from dure.journal import History, Journal, fold
from dure.strategy import Task

NAME = "energy/fast-charge"
LIMITS = (55.0, 45.0)
RUNS = 30.0
WITHIN = 1.02
REFERENCES = Path(__file__).parent / "references" / "fast_charge.json"
SEEDS = {"structured": 10, "blackbox": 5, "random": 5}


def campaign(folder: Path, limit: float, strategy: str, seed: int) -> Path:
    """Run or resume one campaign; only the required checks, no control designs."""
    place = folder / f"{strategy}-{limit:.0f}-{seed}"
    if (place / "journal.sqlite").exists():
        opened = Campaign.resume(place)
    else:
        plan = make_plan(
            NAME,
            limits={"t_max": limit},
            budget=Budget(runs=RUNS),
            seed=seed,
            strategy_name=strategy,
            control_runs=0,
            required_checks_only=True,
        )
        opened = Campaign.begin(place, plan)
    with opened as running:
        running.run()
    return place


def course(place: Path, reference: float) -> dict[str, Any]:
    """What one campaign's journal says: cost until within the mark, and the end."""
    history, reached = History(), None
    spent, task = 0.0, None
    with Journal.open(place, write=False) as journal:
        for event in journal.events():
            history.apply(event)
            if event.kind == "planned":
                task = task_from(history)
            if event.kind not in ("told", "failed") or task is None:
                continue
            state = history.trials[str(event.payload["key"])]
            if history.purpose(state.key) in ("start", "search"):
                spent += problem.rung(state.fidelity).cost
            best = ranked(history, task)
            if reached is None and best and minutes(task, best[0].outcome) <= WITHIN * reference:
                reached = spent
        whole = fold(journal.events())
    ends = whole.conclusion or {}
    winner = whole.trials[ends["winner"]] if ends.get("winner") else None
    final = minutes(task, winner.outcome) if winner and task else None
    return {
        "cost_to_mark": reached,
        "cost": spent,
        "minutes": final,
        "ratio": final / reference if final else None,
        "verdict": ends.get("verdict"),
        "fine_mesh": (ends.get("checks") or {}).get("finer mesh", {}).get("holds"),
        "guards": whole.guards[-1],
    }


def task_from(history: History) -> Task:
    """The newest plan's task without guards."""
    from dure.campaign import task_of

    made = task_of(history, problem)
    return Task(made.problem, made.setting, made.goals)


def minutes(task: Task | None, outcome: Mapping[str, Any] | None) -> float:
    """Minutes to the end of charge."""
    if task is None or outcome is None:
        raise ValueError("no answer to read")
    return task.goal_values(outcome)["minutes"]


def constant_current(limit: float, cache: Path) -> dict[str, Any]:
    """The fastest plain constant-current, constant-voltage charge from 25 degC that keeps the limits, by root finding."""
    if cache.exists():
        return dict(json.loads(cache.read_text("utf-8")))
    runs = 0

    def worst(rate: float) -> float:
        """The nearest limit's margin, 10 mV and 1 K counting the same."""
        nonlocal runs
        runs += 1
        charge = Charge(c1=rate, c2=rate, c3=rate, c4=rate, preheat=25.0)
        outcome = problem.answer(charge, Cell(), fidelity="dfn", seed=0).outcome
        return float(min(min(outcome.anode_potential) / 0.01, limit - max(outcome.t_max)))

    rate = float(brentq(worst, 0.5, 3.0, xtol=1e-3))
    while worst(rate) < 0:
        rate -= 1e-3
    charge = Charge(c1=rate, c2=rate, c3=rate, c4=rate, preheat=25.0)
    total = sum(problem.answer(charge, Cell(), fidelity="dfn", seed=0).outcome.minutes)
    found = {"c_rate": rate, "minutes": total, "runs": runs}
    cache.write_text(json.dumps(found), "utf-8")
    return found


def study(options: Options) -> tuple[list[Figure], list[dict[str, Any]]]:
    """Run what is missing and sum it up."""
    declared = json.loads(REFERENCES.read_text("utf-8"))["tasks"]
    references = {one["limits"]["t_max"]: one["best"] for one in declared}
    limits, seeds = (LIMITS[:1], {"structured": 2}) if options.quick else (LIMITS, SEEDS)
    wanted = [(limit, strategy, seed) for limit in limits for strategy, count in seeds.items() for seed in range(count)]
    rows: list[dict[str, Any]] = []
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        started = [processes.submit(campaign, options.folder, *one) for one in wanted]
        try:
            for (limit, strategy, seed), future in zip(wanted, started, strict=True):
                options.say(f"{strategy}, {limit:.0f} degC, seed {seed}")
                row = course(future.result(), references[limit])
                rows.append({"limit": limit, "strategy": strategy, "seed": seed, **row})
        except BaseException:
            processes.shutdown(cancel_futures=True)
            raise
    if not options.quick:
        for limit in limits:
            plain = constant_current(limit, options.folder / f"constant-{limit:.0f}.json")
            ratio = plain["minutes"] / references[limit]
            rows.append({"limit": limit, "strategy": "constant current", "seed": None, "ratio": ratio, **plain})
    return figures(rows, options.quick), rows


def figures(rows: list[dict[str, Any]], quick: bool) -> list[Figure]:
    """Counts and medians by task and strategy."""
    made = []
    for limit in sorted({row["limit"] for row in rows}, reverse=True):
        for strategy in SEEDS:
            mine = [row for row in rows if row["limit"] == limit and row["strategy"] == strategy]
            if not mine:
                continue
            hits = [row for row in mine if row["cost_to_mark"] is not None and row["fine_mesh"] and row["ratio"] <= WITHIN]
            target = 9.0 if strategy == "structured" and not quick else None
            label = f"{strategy}, {limit:.0f} degC"
            made.append(
                Figure(
                    f"{label}: seeds within 2 % of the reference at 30 runs, holding on the finer mesh",
                    len(hits),
                    unit=f"of {len(mine)}",
                    target=target,
                )
            )
            costs = [row["cost_to_mark"] if row["cost_to_mark"] is not None else RUNS for row in mine]
            unit = "runs (30 where not reached)"
            made.append(
                Figure(f"{label}: median cost to within 2 %", statistics.median(costs), min(costs), max(costs), unit=unit)
            )
            ratios = [row["ratio"] for row in mine if row["ratio"] is not None]
            if ratios:
                made.append(
                    Figure(
                        f"{label}: minutes over the reference's", statistics.median(ratios), min(ratios), max(ratios), unit="1"
                    )
                )
    for row in rows:
        if row["strategy"] == "constant current":
            made.append(
                Figure(f"constant current, {row['limit']:.0f} degC: minutes over the reference's", row["ratio"], unit="1")
            )
    return made


if __name__ == "__main__":
    present("fast_charge", __doc__, study)
