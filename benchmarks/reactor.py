"""The reactor solver: what a solve costs beside its targets, what rare events and pools cost, and the table of verification.

python -m benchmarks.reactor [--quick] [--resume DIR] [--json FILE]
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import combinations
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import expm

from benchmarks.figures import Figure, Options, Row, present
from benchmarks.pooling import pooled, throughput
from dure.domains.reactor import kinetics
from dure.domains.reactor.diffusion import constants_of, reactivity, solve, solve_core
from dure.domains.reactor.ejection import INPUTS, Rods, enthalpies
from dure.domains.reactor.library import find_core
from dure.domains.reactor.loading import published, standing
from dure.domains.reactor.mesh import mesh_of
from dure.reliability import subset

TARGETS = {("biblis", 2): 0.03, ("biblis", 4): 0.10, ("iaea", 8): 0.8}
"""CPU seconds a solve may take, by core and elements a side."""
_LEVEL = 8000
"""Runs a level of the rare event's estimate: with 2,000 its coefficient of variation was 0.63, and it goes with their root."""


def solve_seconds(core: str, n: int, times: int) -> Row:
    """Median CPU seconds of a solve from nothing, and of neighbours' solves from the published loading's factors and modes."""
    described = find_core(core)
    mesh = mesh_of(described, n)
    constants = constants_of(described, mesh.standing(described.grid))
    known = solve(mesh, constants)
    solve(mesh, constants, known)  # its factors and modes are made once for all its neighbours
    cold = median(_seconds(lambda: solve(mesh, constants)) for _time in range(times))
    loading = published(described)
    generator, warm, same = np.random.default_rng(0), [], []
    for _time in range(times):
        names = mesh.standing(standing(described, _neighbour(loading, generator)))
        near = constants_of(described, names)
        warm.append(_seconds(lambda near=near: solve(mesh, near, known)))  # type: ignore[misc]  # mypy cannot infer it
        same.append(_seconds(lambda near=near: solve(mesh, near)))  # type: ignore[misc]
    return {
        "core": core,
        "n": n,
        "unknowns": mesh.size,
        "cold_s": cold,
        "warm_s": median(warm),
        "warm_share": median(warm) / median(same),
    }


def _neighbour(loading: Any, generator: np.random.Generator) -> Any:
    values = {name: list(getattr(loading, name)) for name in type(loading).__annotations__}
    row = values["eights"]
    different = [(one, other) for one, other in combinations(range(len(row)), 2) if row[one] != row[other]]
    one, other = different[generator.integers(len(different))]
    row[one], row[other] = row[other], row[one]
    return type(loading)(**{name: tuple(kinds) for name, kinds in values.items()})


def _seconds(function: Callable[[], Any]) -> float:
    began = time.process_time()
    function()
    return time.process_time() - began


def rare_event() -> Row:
    """Subset simulation on the rod ejection of BIBLIS at a limit exceeded about once in a million: CPU seconds and cov."""
    core = find_core("biblis")
    case = Rods(core, core.grid).nominal
    began = time.process_time()
    found = subset(enthalpies(case), INPUTS, 175.0, level=_LEVEL)
    spent = time.process_time() - began
    wide = math.log((found.high or 1.0) / (found.probability or 1.0)) / 1.645
    return {"probability": found.probability, "cov": math.sqrt(math.expm1(wide**2)), "calls": found.calls, "cpu_s": spent}


class Check(NamedTuple):
    """One line of the page of verification."""

    what: str
    ours: float
    reference: float
    unit: str
    within: float
    source: str

    @property
    def difference(self) -> float:
        """In the line's unit: pcm of reactivity, or percent."""
        if self.unit == "pcm":
            return float(reactivity(self.ours) - reactivity(self.reference))
        return 100 * (self.ours / self.reference - 1)


def checks() -> list[Check]:
    """Every published or closed value we compare with."""
    found = []
    sources = {
        "biblis": "Müller and Weiss 1991, quoted in KOMODO",
        "iaea": "Müller and Weiss 1991, quoted in KOMODO",
        "koeberg": "quoted in KOMODO",
    }
    for name, source in sources.items():
        core = find_core(name)
        found.append(Check(f"{core.name}, k", solve_core(core, 8).k, core.reference["k_eff"], "pcm", 1.0, source))
    iaea = find_core("iaea")
    solved = solve_core(iaea, 8)
    worst = max(iaea.powers, key=lambda at: abs(solved.power[solved.mesh.cells[at]] / iaea.powers[at] - 1))
    text = f"{iaea.name}, worst of {len(iaea.powers)} assembly powers (row {worst[0] + 1}, column {worst[1] + 1})"
    found.append(Check(text, solved.power[solved.mesh.cells[worst]], iaea.powers[worst], "%", 0.15, "ANL-7416, as remembered"))
    for name in ("biblis", "koeberg"):
        core = find_core(name)
        coarse, fine = (solve_core(core, n).power.max() for n in (8, 12))
        found.append(
            Check(f"{core.name}, largest power at n = 8", coarse, fine, "%", 0.05, "our own n = 12: none published at hand")
        )
    keepin = kinetics.Delayed(
        (0.000266, 0.001491, 0.001316, 0.002849, 0.000896, 0.000182), (0.0127, 0.0317, 0.115, 0.311, 1.4, 3.87)
    )
    for rho, at, known in ((0.003, 10.0, 8.0192), (0.003, 20.0, 28.297), (0.007, 0.5, 5345.9), (0.007, 2.0, 2.0591e11)):
        power = kinetics.after_step(keepin, rho, 2e-5, np.array([at]))[0]
        found.append(
            Check(f"point kinetics, step of {rho}, after {at:g} s", power, known, "%", 0.01, "Kinard and Allen, as remembered")
        )
        start = np.array([1.0, *(b / (d * 2e-5) for b, d in zip(keepin.fractions, keepin.decay, strict=True))])
        exact = float((expm(kinetics._matrix(keepin, rho, 2e-5) * at) @ start)[0])  # noqa: SLF001 - the equations themselves
        found.append(Check("the same", power, exact, "%", 1e-4, "matrix exponential"))
    return found


def meshes() -> list[tuple[str, int, int, float, float]]:
    """Core, elements a side, unknowns a group, k and largest power: how both settle."""
    rows = []
    for name in ("biblis", "iaea", "koeberg"):
        for n in (2, 4, 6, 8):
            solved = solve_core(find_core(name), n)
            rows.append((find_core(name).name, n, solved.mesh.size, solved.k, float(solved.power.max())))
    return rows


def page() -> str:
    """The page of verification as Markdown."""
    lines = [
        "# How the reactor solver was verified",
        "",
        "Benchmark physics, not licensing. Burnup and cycle length are not modelled.",
        "",
        "Every line compares a value of ours with one that does not come from us, where there is one. A test computes the page",
        "again; `make golden` rewrites it.",
        "",
        "| what | ours | reference | difference | allowed | reference from |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for one in checks():
        digits = ".6f" if one.unit == "pcm" else ".5g"
        row = (one.what, f"{one.ours:{digits}}", f"{one.reference:{digits}}", f"{one.difference:+.2f} {one.unit}")
        lines.append(f"| {' | '.join(row)} | {one.within:g} {one.unit} | {one.source} |")
    lines += [
        "",
        "## Meshes",
        "",
        "k is right to some pcm on coarse meshes already, and the largest power is not: two elements a side read it 1.5 % low on",
        "BIBLIS. The ladder of `reactor/core-loading` is n = 2, 4, 6, and its winner must keep its gain at n = 8.",
        "",
        "| core | n | unknowns a group | k | largest power |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [f"| {core} | {n} | {size} | {k:.6f} | {power:.4f} |" for core, n, size, k, power in meshes()]
    lines += [
        "",
        "The order of convergence, a closed form of two regions, symmetry, the balance of neutrons, the adjoint, first-order",
        "perturbation theory and upscatter with spectra of their own are asserted by `tests/fast/test_diffusion.py`,",
        "conservation in transients and the Nordheim-Fuchs excursion by `test_kinetics.py`, rare events by",
        "`test_reliability.py` beside it.",
        "",
        "## What is not shown",
        "",
        "- No transient of NEACRP-L-335 is reproduced: its reference tables are not at hand, and point kinetics has no space.",
        "- Effects of temperature, boron and rods are those of NEACRP-L-335, lent to other cores; no benchmark compares them.",
        "- Transport effects, pins within an assembly and the third dimension are outside two-dimensional diffusion.",
        "",
    ]
    return "\n".join(lines)


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Solve times beside their targets, a rare event, and what pools cost beside their trials."""
    times = 3 if options.quick else 15
    wanted = list(TARGETS) + ([] if options.quick else [("biblis", 6), ("koeberg", 4)])
    rows = [options.row(f"{core}, n = {n}", partial(solve_seconds, core, n, times)) for core, n in wanted]
    figures = []
    for row in rows:
        key = (row["core"], row["n"])
        figures.append(
            Figure(f"{row['core']}, n = {row['n']}, a solve", row["cold_s"], unit="s", target=TARGETS.get(key), at_most=True)
        )
        figures.append(
            Figure(f"{row['core']}, n = {row['n']}, a neighbour from known flux", row["warm_share"], target=0.5, at_most=True)
        )
    if not options.quick:
        row = options.row("rare event", rare_event)
        figures.append(Figure("a rod ejection's event of about 1e-6", row["cpu_s"], unit="s", target=300.0, at_most=True))
        figures.append(Figure("its coefficient of variation, levels taken as dependent", row["cov"], target=0.4, at_most=True))
        rows.append(row)
    pools = [
        options.row(f"pool {number}", partial(pooled, "reactor/core-loading", 3, 8 if options.quick else 48, "n6"))
        for number in range(1 if options.quick else 3)
    ]
    figures += [throughput(unit, pools, None if options.quick else 0.7) for unit in ("cpu", "wall")]
    return figures, [*rows, *pools]


if __name__ == "__main__":
    print(page(), file=sys.stderr)
    present("reactor", __doc__, study)
