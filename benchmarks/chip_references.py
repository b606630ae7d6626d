"""Long searches for the least current of an amplifier at all 45 points: what campaigns on chip/opamp are measured by.

    python -m benchmarks.chip_references --rows FOLDER [--pdk NAME] [--topology NAME ...] [--runs 5000]

Two searches of different kinds, differential evolution over the whole box and CMA-ES with restarts from a textbook design, of
as many different sizings each. A sizing is simulated in stages, as most fail early: at the nominal point, at the few that are
mostly the worst, and at all 45 only where it would be the best so far; one that fails a stage counts as worse than all that
pass it. So of the sizings that count as keeping the limits some were not looked at everywhere, but the best ones always were.
FOLDER keeps how good each was, and a search that was stopped replays it and goes on. What the two found is written to
references/opamp.json.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cma
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, differential_evolution

from dure.canonical import digest
from dure.domains.chip.bench import Point
from dure.domains.chip.devices import Amplifier
from dure.domains.chip.measure import LARGER_IS_WORSE, bench_run
from dure.domains.chip.opamp import Use, problem, pvt
from dure.domains.chip.pdk import CORNERS, PROCESSES, SKY130
from dure.domains.chip.topologies import TOPOLOGIES, build
from dure.errors import SimulationFailed
from dure.problem import values_of

FILE = Path(__file__).parent / "references" / "opamp.json"
SET = "mid"
BUDGET = 60
"""Of the task in the bench of peers, in runs at 45 points."""

_HARD: Mapping[str, tuple[tuple[float, float], ...]] = {"ss": ((0.9, 125.0), (0.9, -40.0)), "ff": ((1.1, 125.0), (1.1, -40.0))}
"""By corner the points, share of the supply and degC, of the second stage."""
_FAILED = 1e3
"""What a sizing without an answer is off the limits, in limits."""
_STAGE = 1e5
_PEOPLE = 60

Array = NDArray[np.float64]


class Enough(Exception):
    """The runs are used up."""


@dataclass
class Ledger:
    """Scores each sizing once: current in uA where the limits are kept, more than any current where they are not."""

    use: Use
    file: Path
    runs: int
    scores: dict[str, float] = field(default_factory=dict)
    best: tuple[float, Any] = (math.inf, None)

    def __post_init__(self) -> None:
        self.member = problem.under(self.use)
        self.limits: Any = self.member.limits[SET]
        lines = self.file.read_text("utf-8").splitlines() if self.file.exists() else []
        self._known: dict[str, float] = dict(map(json.loads, lines))

    def __call__(self, cube: Array) -> float:
        """The score of the sizing at a place of the unit cube."""
        sizing = self.member.space.designs(np.clip(cube, 0.0, 1.0)[None, :])[0]
        if (broken := self.member.broken_rule(sizing)) is not None:
            return _STAGE * (4 + min(_FAILED, -float(broken.function(sizing))) / _FAILED)
        key = json.dumps(values_of(sizing))
        if key in self.scores:
            return self.scores[key]
        if len(self.scores) >= self.runs:
            raise Enough
        score = self._known.get(key)
        if score is None:
            score = self._scored(sizing)
            with self.file.open("a", encoding="utf-8") as file:
                file.write(json.dumps([key, score]) + "\n")
        self.scores[key] = score
        if score < min(_STAGE, self.best[0]):
            self.best = score, sizing
        if len(self.scores) % 250 == 0:
            print(self.file.stem, len(self.scores), "runs, best", self.best[0], flush=True)
        return score

    def _scored(self, sizing: Any) -> float:
        amplifier = build(self.use.topology, sizing, pdk=self.use.pdk)
        current = 0.0
        hard = {corner: [self.use.point(share, at) for share, at in points] for corner, points in _HARD.items()}
        for left, stage in ((3, {CORNERS[0]: [self.use.point()]}), (2, hard), (1, dict.fromkeys(CORNERS, pvt(self.use)))):
            if left == 1 and current >= self.best[0]:
                return current  # what it takes at all points is no less
            off, most = self._measured(amplifier, stage)
            if off > 0:
                return _STAGE * (left + min(off, _FAILED) / _FAILED)
            current = max(current, most)
        return current

    def _measured(self, amplifier: Amplifier, stage: Mapping[str, Sequence[Point]]) -> tuple[float, float]:
        """By how much limits are missed in all, each in shares of itself, and the current, at the worst of some points."""
        try:
            runs = [bench_run(amplifier, corner, points, load=self.use.load * 1e-12) for corner, points in stage.items()]
        except SimulationFailed:
            return _FAILED, math.inf
        specs = [spec for run in runs for spec in run.specs]
        off = max(0.0, amplifier.area / self.limits["area"] - 1)
        for name, limit in self.limits.items():
            if name != "area":
                sign = 1 if name in LARGER_IS_WORSE else -1
                off += max(0.0, *(sign * (getattr(spec, name) - limit) for spec in specs)) / (abs(limit) or 100.0)
        return off, max(spec.current for spec in specs)


def evolved(ledger: Ledger) -> None:
    """Differential evolution over the whole box, until the runs are used up."""
    columns = ledger.member.space.columns
    differential_evolution(
        ledger,
        Bounds(np.zeros(columns), np.ones(columns)),
        init=np.random.default_rng(5).uniform(size=(_PEOPLE, columns)),
        maxiter=ledger.runs,
        tol=0.0,
        atol=-1.0,
        polish=False,
        rng=np.random.default_rng(5),
    )


def adapted(ledger: Ledger) -> None:
    """CMA-ES from a textbook design, and again with up to eight times the people when it settles, until the runs are used up."""
    start = ledger.member.space.encode([ledger.member.starts[0]])[0]
    for number in range(100):
        options: dict[str, Any] = {"bounds": [0.0, 1.0], "verbose": -9, "seed": 11 + number, "popsize": 12 * 2 ** min(number, 3)}
        search = cma.CMAEvolutionStrategy(start, 0.15, options)
        while not search.stop():
            places = search.ask()
            search.tell(places, [ledger(np.asarray(place)) for place in places])


SEARCHES: Mapping[str, Callable[[Ledger], None]] = {"evolution": evolved, "cma": adapted}


def searched(use: Use, runs: int, folder: Path) -> Iterator[tuple[str, Ledger]]:
    """Each search by name, at its end."""
    member = problem.under(use)
    stated = digest({"version": member.version, "limits": dict(member.limits[SET])})[:8]
    for name, search in SEARCHES.items():
        ledger = Ledger(use, folder / f"{use.pdk}-{use.topology}-{name}-{stated}.jsonl", runs)
        with suppress(Enough):
            search(ledger)
        yield name, ledger


def reference(use: Use, ledgers: Mapping[str, Ledger]) -> dict[str, Any]:
    """The entry of references/opamp.json; ``middle``, a typical sizing that keeps the limits, is not looked for."""
    best, sizing = min((one.best for one in ledgers.values()), key=lambda one: one[0])
    if sizing is None:
        raise SystemExit(f"no sizing of {use.topology} on {use.pdk} keeps the set {SET}; give more --runs")
    runs = " and ".join(f"{len(one.scores)} runs of {name} ({one.best[0]:.4g} uA)" for name, one in ledgers.items())
    command = f"python -m benchmarks.chip_references --rows FOLDER --pdk {use.pdk} --topology {use.topology}"
    first = next(iter(ledgers.values()))
    return {
        "name": f"opamp-{use.pdk}-{use.topology}-{SET}",
        "setting": {"pdk": use.pdk, "topology": use.topology},
        "limits": dict(first.limits),
        "budget": BUDGET,
        "best": best,
        "middle": None,
        "design": values_of(sizing),
        "source": f"{runs}: {command} --runs {first.runs}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pdk", choices=list(PROCESSES), default=SKY130.name)
    parser.add_argument("--topology", nargs="+", choices=list(TOPOLOGIES), default=list(TOPOLOGIES))
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--rows", type=Path, required=True)
    given = parser.parse_args()
    given.rows.mkdir(parents=True, exist_ok=True)
    for topology in given.topology:
        use = Use(pdk=given.pdk, topology=topology)
        found = reference(use, dict(searched(use, given.runs, given.rows)))
        kept: dict[str, Any] = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {"problem": problem.name, "tasks": []}
        others = [one for one in kept["tasks"] if one["name"] != found["name"]]
        kept["tasks"] = sorted([*others, found], key=lambda one: str(one["name"]))
        FILE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        print(found["name"], found["best"], found["source"], flush=True)


if __name__ == "__main__":
    main()
