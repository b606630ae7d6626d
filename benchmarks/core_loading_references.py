"""References for reactor/core-loading: a small problem tried out completely, and a long annealing of the whole of BIBLIS.

    python -m benchmarks.core_loading_references enumerate
    python -m benchmarks.core_loading_references anneal --runs 3000 --seed 0

Both write what they found beside the other results. The annealing exchanges two assemblies of one set at a time at n4, its cost
is the largest power plus a penalty for lost reactivity; what it ends with is solved again at n8.
"""

import argparse
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dure.problem import Arranged, Problem, find, values_of

SMALL = Path(__file__).parent / "cores" / "biblis_small.toml"
RESULTS = Path(__file__).parent / "results"
PENALTY = 0.01
"""Of largest power, for each pcm of reactivity below the published loading's."""
HOT, COLD = 0.03, 0.0005
"""Temperatures of the annealing, in largest power."""


def problem_of(core: str) -> tuple[Problem, Any]:
    """reactor/core-loading for a core, and its setting."""
    family = find("reactor/core-loading")
    setting = family.make_setting({"core": core})
    return family.under(setting), setting


def measured(problem: Problem, setting: Any, design: Any, fidelity: str) -> tuple[float, float]:
    """Largest power, and reactivity above the published loading's in pcm."""
    outcome = problem.answer(design, setting, fidelity=fidelity, seed=0).outcome
    return max(outcome.power), outcome.reserve


def every(problem: Problem) -> Iterator[Any]:
    """Every loading there is."""
    orders = {name: sorted(set(itertools.permutations(_stock(spec)))) for name, spec in problem.inputs.items()}
    for chosen in itertools.product(*orders.values()):
        yield problem.design(**dict(zip(orders, chosen, strict=True)))


def _stock(spec: Any) -> list[str]:
    return [kind for kind, count in spec.inventory.items() for _one in range(count)]


def enumerated() -> dict[str, Any]:
    """The small problem at its top rung, best first; those that lose reactivity are counted only."""
    problem, setting = problem_of(str(SMALL))
    rows = [(*measured(problem, setting, design, problem.top.name), values_of(design)) for design in every(problem)]
    kept = sorted((power, reserve, design) for power, reserve, design in rows if reserve >= 0)
    best = [{"power": power, "reserve_pcm": reserve, "design": design} for power, reserve, design in kept[:5]]
    return {"loadings": len(rows), "keep_the_limit": len(kept), "best": best, "command": "enumerate"}


def annealed(runs: int, seed: int) -> dict[str, Any]:
    """The whole of BIBLIS, from the published loading."""
    problem, setting = problem_of("biblis")
    generator = np.random.default_rng(seed)
    (design,) = problem.starts

    def cost(one: Any) -> float:
        power, reserve = measured(problem, setting, one, "n4")
        return power + PENALTY * max(0.0, -reserve)

    now = best_cost = cost(design)
    best, began = design, time.process_time()
    for run in range(runs - 1):
        temperature = HOT * (COLD / HOT) ** (run / runs)
        trial = _exchanged(problem, design, generator)
        there = cost(trial)
        if there < now or generator.uniform() < np.exp((now - there) / temperature):
            design, now = trial, there
        if now < best_cost:
            best, best_cost = design, now
    cpu = time.process_time() - began
    rungs = {}
    for rung in ("n2", "n4", "n6", "n8"):
        power, reserve = measured(problem, setting, best, rung)
        rungs[rung] = {"power": power, "reserve_pcm": reserve}
    return {
        "runs": runs,
        "seed": seed,
        "cpu_seconds": round(cpu, 1),
        "rungs": rungs,
        "design": values_of(best),
        "command": f"anneal --runs {runs} --seed {seed}",
    }


def _exchanged(problem: Problem, design: Any, generator: np.random.Generator) -> Any:
    names = [name for name, spec in problem.inputs.items() if isinstance(spec, Arranged) and len(spec.inventory) > 1]
    values = values_of(design)
    name = names[generator.integers(len(names))]
    spec: Any = problem.inputs[name]
    swaps = spec.swaps(tuple(values[name]))
    return problem.design(**{**values, name: spec.swapped(tuple(values[name]), *swaps[generator.integers(len(swaps))])})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["enumerate", "anneal"])
    parser.add_argument("--runs", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found = enumerated() if given.what == "enumerate" else annealed(given.runs, given.seed)
    file = RESULTS / f"core_loading_{given.what}.json"
    file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
