"""Long search for the fastest plating-free charge of OKane2022: the reference optimum other methods are measured against.

Differential evolution over the whole box (scipy's feasibility rules), then COBYQA from its best distinct designs, all at
DFN. Every run is appended to a table; started again with the same table, the search replays it and goes on.

    python -m benchmarks.fast_charge_references --task 55 --out reference_55.csv
"""

import argparse
import csv
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, NonlinearConstraint, differential_evolution, minimize
from scipy.stats import qmc

from dure.domains.energy.protocol import ChargeRun, run_protocol
from dure.errors import SimulationFailed

LOWER = np.array([0.3, 0.3, 0.3, 0.3, 10.0])
UPPER = np.array([4.0, 4.0, 4.0, 4.0, 45.0])
"""Design box: four C-rates, then the start temperature in °C. The searches work in the unit box."""
UNIT_BOX = Bounds(np.zeros(len(LOWER)), np.ones(len(LOWER)))

POPULATION = 64
GENERATIONS = 31
STARTS = 12
RUNS_PER_START = 110
RUNS_PER_FINISH = 100
DISTANCE = 0.15
"""Least distance of two polishing starts in the unit box."""

HEADER = (
    *("rate_1", "rate_2", "rate_3", "rate_4", "start_c"),
    *("minutes", "vmin", "tmax"),
    *(f"dip_{k}" for k in range(1, 5)),
    *(f"end_{k}" for k in range(1, 5)),
    *(f"tmax_{k}" for k in range(1, 5)),
    "failure",
)

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Row:
    """One run: design, total minutes, the eight half-stage potentials in V, the four stage temperatures in °C."""

    design: tuple[float, ...]
    minutes: float
    potentials: tuple[float, ...]
    temperatures: tuple[float, ...]
    failure: str

    @property
    def vmin(self) -> float:
        return min(self.potentials)

    @property
    def tmax(self) -> float:
        return max(self.temperatures)

    def slack(self, limit_c: float) -> Array:
        """Constraints as values >= 0, in tens of mV and of K so that one is as hard as another."""
        return np.array([*(100 * v for v in self.potentials), *((limit_c - t) / 10 for t in self.temperatures)])

    def cells(self) -> list[str]:
        numbers = (*self.design, self.minutes, self.vmin, self.tmax, *self.potentials, *self.temperatures)
        return [*(repr(float(number)) for number in numbers), self.failure]


def row_from_cells(cells: list[str]) -> Row:
    numbers = [float(cell) for cell in cells[:-1]]
    return Row(tuple(numbers[:5]), numbers[5], tuple(numbers[8:16]), tuple(numbers[16:20]), cells[-1])


class Ledger:
    """Runs each design once, keeping every run in the table; opened on an old table, it answers from it first.

    Only designs asked for since the start count as rows, so that a resumed search takes the same decisions again.
    """

    def __init__(self, path: Path, limit_c: float) -> None:
        self.limit_c = limit_c
        self.rows: dict[tuple[float, ...], Row] = {}
        self._path = path
        if not path.exists():
            path.write_text(",".join(HEADER) + "\n", encoding="utf-8")
        with path.open(encoding="utf-8", newline="") as file:
            whole = [cells for cells in list(csv.reader(file))[1:] if len(cells) == len(HEADER)]
        self._known = {row.design: row for row in map(row_from_cells, whole)}

    def __call__(self, unit: Array) -> Row:
        """The run of a design given in the unit box."""
        design = tuple(float(value) for value in LOWER + np.clip(unit, 0, 1) * (UPPER - LOWER))
        if design not in self.rows:
            self.rows[design] = self._known.get(design) or self._run(design)
            if len(self.rows) % 25 == 0:
                best = self.best()
                print(len(self.rows), "runs", best and (best.minutes, best.vmin, best.tmax, best.design), flush=True)
        return self.rows[design]

    def _run(self, design: tuple[float, ...]) -> Row:
        row = simulate(design)
        with self._path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow(row.cells())
        return row

    def feasible(self) -> list[Row]:
        return [row for row in self.rows.values() if not row.failure and row.slack(self.limit_c).min() >= 0]

    def best(self) -> Row | None:
        return min(self.feasible(), key=lambda row: row.minutes, default=None)


def simulate(design: tuple[float, ...]) -> Row:
    first, second, third, fourth, start_c = design
    try:
        run: ChargeRun = run_protocol((first, second, third, fourth), start_c, fidelity="dfn")
    except SimulationFailed as failure:
        return Row(design, 1e3, (-1.0,) * 8, (200.0,) * 4, str(failure))
    return Row(design, run.total_minutes, (*run.potential_dip_v, *run.potential_end_v), run.t_max_c, "")


def explore(ledger: Ledger) -> None:
    """Differential evolution with a fixed seed and a fixed number of generations."""

    def minutes(unit: Array) -> float:
        return ledger(unit).minutes

    def worst_slack(unit: Array) -> Array:
        return np.array([ledger(unit).slack(ledger.limit_c).min()])

    differential_evolution(
        minutes,
        bounds=UNIT_BOX,
        constraints=NonlinearConstraint(worst_slack, 0.0, np.inf),
        init=_sobol_population(),
        maxiter=GENERATIONS - 1,
        tol=0.0,
        atol=0.0,
        polish=False,
        rng=np.random.default_rng(1),
    )


def polish(ledger: Ledger, start: Array, radius: float, runs: int) -> None:
    """COBYQA on the separate stage constraints: their minimum has kinks, they have few."""

    def minutes(unit: Array) -> float:
        return ledger(unit).minutes

    def slack(unit: Array) -> Array:
        return ledger(unit).slack(ledger.limit_c)

    options: Any = {"maxfev": runs, "initial_tr_radius": radius, "final_tr_radius": 1e-5}
    minimize(
        minutes,
        start,
        method="COBYQA",
        bounds=UNIT_BOX,
        # Asked 0.02 mV and 0.002 K inside the limit, the last iterates are feasible without any tolerance.
        constraints=NonlinearConstraint(slack, 2e-3, np.inf),
        options=options,
    )


def distinct_starts(ledger: Ledger) -> Iterator[Array]:
    """The best designs that lie apart: the feasible by their time, then the others by their violation."""

    def rank(row: Row) -> tuple[float, float]:
        return (max(0.0, -float(row.slack(ledger.limit_c).min())), row.minutes)

    taken: list[Array] = []
    for row in sorted(ledger.rows.values(), key=rank):
        unit = _to_unit(row.design)
        if all(np.linalg.norm(unit - other) > DISTANCE for other in taken):
            taken.append(unit)
            yield unit


def _sobol_population() -> Array:
    return qmc.Sobol(len(LOWER), rng=np.random.default_rng(0)).random(POPULATION)


def _to_unit(design: tuple[float, ...]) -> Array:
    unit: Array = (np.array(design) - LOWER) / (UPPER - LOWER)
    return unit


def summary(ledger: Ledger) -> dict[str, Any]:
    best = ledger.best()
    return {
        "limit_c": ledger.limit_c,
        "runs": len(ledger.rows),
        "failures": sum(bool(row.failure) for row in ledger.rows.values()),
        "feasible": len(ledger.feasible()),
        "best": dataclasses.asdict(best) | {"vmin": best.vmin, "tmax": best.tmax} if best else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--task", type=float, required=True, help="temperature limit in °C, 55 or 45")
    parser.add_argument("--out", type=Path, required=True, help="table of runs; the result is written beside it as JSON")
    arguments = parser.parse_args()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(arguments.out, arguments.task)
    explore(ledger)
    starts = [unit for unit, _ in zip(distinct_starts(ledger), range(STARTS), strict=False)]
    for number, start in enumerate(starts, start=1):
        print(f"polish {number} of {len(starts)}", flush=True)
        polish(ledger, start, radius=0.05, runs=RUNS_PER_START)
    for start in [unit for unit, _ in zip(distinct_starts(ledger), range(2), strict=False)]:
        polish(ledger, start, radius=0.01, runs=RUNS_PER_FINISH)
    arguments.out.with_suffix(".json").write_text(json.dumps(summary(ledger), indent=2) + "\n", encoding="utf-8")
    print(json.dumps(summary(ledger)), flush=True)


if __name__ == "__main__":
    main()
