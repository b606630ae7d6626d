"""BIBLIS with two candidates: the published loading, and the one a long annealing ended with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from dure.domains.reactor import core_loading
from dure.problem import Fidelity, Problem

ANNEALED = json.loads((Path(__file__).parents[2] / "benchmarks/results/core_loading_anneal.json").read_text("utf-8"))


def _two() -> Problem:
    family = core_loading.problem
    member = family.under(family.make_setting({}))
    return replace(
        member,
        fidelities=(Fidelity("n6"),),
        candidates=(*member.starts, member.make_design(ANNEALED["design"])),
        runs=2,
        control_runs=0,
        source=Path(__file__),
    )


problem = _two()
