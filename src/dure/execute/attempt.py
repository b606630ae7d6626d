"""One try at a trial, as it runs in a worker: load the problem, simulate, say what happened as plain data."""

from __future__ import annotations

import contextlib
import resource
import time
import traceback
from functools import cache
from pathlib import Path
from typing import Any

from dure.canonical import digest
from dure.errors import InputError, SimulationFailed
from dure.journal import code_hash, environment
from dure.problem import Problem, Replay, find, values_of

__all__ = ["attempt", "load", "simulator_code"]

_PACKAGES = (
    "dure",
    "numpy",
    "scipy",
    "pybamm",
    "pybammsolvers",
    "casadi",
    "scikit-fem",
    "coolprop",
    "openturns",
    "rdkit",
    "dockstring",
    "vina",
)


def attempt(reference: str, trial: dict[str, Any]) -> dict[str, Any]:
    """Run ``trial`` of the problem ``reference`` names; of all that a simulator may do, only MemoryError is raised.

    Returns:
        "outcome" and "views" when it was answered, or "reason" and "detail" when it failed; and always
        "cpu_seconds", "wall_seconds" and the provenance of the attempt.
    """
    problem = _problem(reference)
    wall, cpu = time.perf_counter(), _cpu_seconds()
    try:
        setting = problem.make_setting(trial["setting"])
        member = problem.under(setting)
        design = member.make_design(trial["design"])
        answer = member.answer(design, setting, fidelity=trial["fidelity"], seed=trial["seed"])
        told: dict[str, Any] = {"outcome": values_of(answer.outcome), "views": [view.plain() for view in answer.views]}
        told["output_hash"] = digest(told["outcome"])
    except SimulationFailed as error:
        told = {"reason": "no answer", "detail": str(error)}
    except InputError as error:
        told = {"reason": "unusable outcome", "detail": str(error)}
    except MemoryError:
        raise  # the worker may be starved for good: whoever runs it ends it and says so
    except Exception:
        told = {"reason": "crash", "detail": traceback.format_exc(limit=-6)}
    told["cpu_seconds"] = round(_cpu_seconds() - cpu, 6)
    told["wall_seconds"] = round(time.perf_counter() - wall, 6)
    told["provenance"] = {"code": simulator_code(problem), "environment": _environment(problem), "input_hash": digest(trial)}
    return told


def _cpu_seconds() -> float:
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total


def load(reference: str) -> None:
    """Load the problem before the first attempt, so that its time and cost are the simulator's alone.

    What is wrong with the problem is said by the attempt.
    """
    with contextlib.suppress(Exception):
        _environment(_problem(reference))


@cache
def _problem(reference: str) -> Problem:
    """Looking through the installed packages for a name takes milliseconds."""
    return find(reference)


@cache
def _environment(problem: Problem) -> dict[str, Any]:
    """Versions of packages, and of the programs and data that the problem needs."""
    needs = {need.name: need.found() for need in problem.needs}
    return environment(_PACKAGES) | ({"needs": needs} if needs else {})


@cache
def _hash(source: Path) -> str:
    inside = source.is_relative_to(Path(__file__).parents[1])
    return code_hash(source.parent if inside else source)


def simulator_code(problem: Problem) -> str:
    """Hash of the problem's file, or of its whole folder where it is part of the library; empty when there is no file.

    Of a replay it is the hash of its statement and of its table.
    """
    if isinstance(problem.simulate, Replay):
        return problem.simulate.code
    return _hash(problem.source) if problem.source else ""
