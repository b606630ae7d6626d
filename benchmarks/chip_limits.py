"""The spec sets of chip/opamp, by one rule: what few random sizings meet.

    python -m benchmarks.chip_limits --rows FOLDER [--pdk NAME] [--topology NAME ...] [--tight NAME ...] [--out FILE]

Sizings are drawn uniformly from the design's box under its rules and measured at the typical corner, nominal supply and
temperature; FOLDER keeps what was measured. A stable loop and transistors in saturation are no matter of degree: they are
asked for in every set (STABLE). Every other limit is the same quantile of its spec among the first thousand that answered,
and the quantile is the strictest at which the wanted share of all sizings, failed ones included, meets the whole set. mid: 1
% of 1,000. tight: 0.1 % of 10,000; sizings whose area alone breaks mid are not simulated, as tight is stricter in
everything.

The shares were given before. The rest of the rule, STABLE and the common quantile, came into the repository together with
the first set it gave, when theory and textbook starts were there already: nothing shows that it was fixed before anybody had
looked. The sets were drawn anew twice while the bench still changed (swing in percent, a tighter tolerance), which moved
limits by up to 2 %, and stood since before the first search over several seeds. They were drawn a third time, by the same
rule and the same sizings, after such searches: version 3 of chip/opamp measures slew rightly where the output rings. Limits
of slew rose up to seven times (the Miller amplifiers, whose random sizings often ring), others moved by up to a tenth.

FOLDER holds rows of one version of the bench; give a new one after a change.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dure.domains.chip.devices import Amplifier
from dure.domains.chip.measure import LARGER_IS_WORSE, bench_run
from dure.domains.chip.opamp import Use, problem
from dure.domains.chip.pdk import PROCESSES, SKY130
from dure.domains.chip.topologies import TOPOLOGIES, build
from dure.errors import SimulationFailed
from dure.strategy import space_filling

SEED = 20
FILE = Path(__file__).parents[1] / "src/dure/domains/chip/limits.json"
STABLE = {"phase_margin": 60.0, "gain_margin": 10.0, "saturation": 0.0}
SPECS = tuple(name for name, goal in problem.goals.items() if not goal.is_objective)
WORSE = np.array([1.0 if name in LARGER_IS_WORSE or name == "area" else -1.0 for name in SPECS])
FIRST, ALL = 1000, 10_000

Array = NDArray[np.float64]


def measured(amplifier: Amplifier, use: Use, area: float) -> Array:
    """The specs in order, NaN where there is none; not simulated at all where the area is larger than ``area``."""
    if amplifier.area > area:
        return np.full(len(SPECS), math.nan)
    try:
        run = bench_run(amplifier, "tt", [use.point()], load=use.load * 1e-12)
    except SimulationFailed:
        return np.full(len(SPECS), math.nan)
    found = vars(run.specs[0]) | {"area": amplifier.area}
    return np.array([found[name] for name in SPECS])


def limits_at(rows: Array, quantile: float) -> Array:
    """The limits of a set, from the first thousand ``rows`` (n, specs); rows of NaN are failures."""
    known = (rows[:FIRST] * WORSE)[~np.isnan(rows[:FIRST]).any(axis=1)]
    bounds = np.quantile(known, quantile, axis=0) * WORSE
    return np.array([STABLE.get(name, bound) for name, bound in zip(SPECS, bounds, strict=True)])


def meeting(rows: Array, bounds: Array) -> int:
    """How many rows keep all bounds; NaN keeps none."""
    return int((rows * WORSE <= bounds * WORSE + 1e-12).all(axis=1).sum())


def strictest(rows: Array, wanted: int) -> dict[str, float]:
    """The limits of the rule, to three figures, rounded towards what is easier."""
    low, high = 0.0, 1.0
    for _halving in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if meeting(rows, limits_at(rows, middle)) >= wanted else (middle, high)
    found = {}
    for name, limit, worse in zip(SPECS, limits_at(rows, high), WORSE, strict=True):
        unit = 10.0 ** (math.floor(math.log10(abs(limit))) - 2) if limit else 1.0
        found[name] = float(f"{(math.ceil if worse > 0 else math.floor)(limit / unit - worse * 1e-9) * unit:.6g}")
    return found


def rows_of(use: Use, count: int, area: float, folder: Path) -> Array:
    """Specs of the first ``count`` sizings of an amplifier, measured where the folder does not have them yet."""
    kept = folder / f"{use.pdk}-{use.topology}.npy"
    rows = np.load(kept) if kept.exists() else np.empty((0, len(SPECS)))
    drawn = islice(space_filling(problem.under(use), SEED, uniform=True), len(rows), count)
    more = [measured(build(use.topology, one, pdk=use.pdk), use, area) for one in drawn]
    rows = np.concatenate([rows, np.array(more).reshape(-1, len(SPECS))])
    np.save(kept, rows)
    return rows[:count]


def sets_of(use: Use, folder: Path, *, tight: bool) -> dict[str, object]:
    """The sets of one amplifier, and how they came about."""
    rows = rows_of(use, FIRST, math.inf, folder)
    sets = {"mid": strictest(rows, FIRST // 100)}
    found: dict[str, object] = {"answered": int((~np.isnan(rows).any(axis=1)).sum()), "mid": _met(rows, sets["mid"])}
    if tight:
        rows = rows_of(use, ALL, sets["mid"]["area"], folder)
        sets["tight"] = strictest(rows, ALL // 1000)
        found["tight"] = _met(rows, sets["tight"])
    return {"limits": sets, "met": found}


def _met(rows: Array, limits: Mapping[str, float]) -> str:
    return f"{meeting(rows, np.array([limits[name] for name in SPECS]))} of {len(rows)}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pdk", choices=list(PROCESSES), default=SKY130.name)
    parser.add_argument("--topology", nargs="+", choices=list(TOPOLOGIES), default=list(TOPOLOGIES))
    parser.add_argument("--tight", nargs="*", choices=list(TOPOLOGIES), default=[])
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=FILE)
    given = parser.parse_args(arguments)
    given.rows.mkdir(parents=True, exist_ok=True)
    kept = json.loads(given.out.read_text("utf-8")) if given.out.exists() else {}
    for topology in given.topology:
        tight = topology in given.tight
        made = sets_of(Use(pdk=given.pdk, topology=topology), given.rows, tight=tight)
        command = f"python -m benchmarks.chip_limits --rows FOLDER --pdk {given.pdk} --topology {topology}"
        made["made by"] = command + (f" --tight {topology}" if tight else "") + f" (seed {SEED})"
        kept.setdefault(given.pdk, {})[topology] = made
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(topology, made, f"{usage.ru_utime + usage.ru_stime:.0f} CPU s so far", flush=True)
        given.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
