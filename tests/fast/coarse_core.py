"""A core of thirty loadings whose coarsest mesh errs: one loading looks better than the published one there and is worse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dure.domains.reactor import core_loading
from dure.domains.reactor.library import core_file
from dure.problem import Fidelity, Problem

SETTING = {"core": core_file(str(Path(__file__).with_suffix(".toml")))}


def _coarse() -> Problem:
    """Two candidates at the coarsest mesh: the published loading, and the one that deceives there."""
    family = core_loading.problem
    member = family.under(family.make_setting(SETTING))
    deceptive = member.design(fours=("d", "d", "b", "c", "b"), eights=("a",))
    return replace(
        member,
        fidelities=(Fidelity("n2"),),
        beyond=(Fidelity("n8"),),
        candidates=(*member.starts, deceptive),
        runs=2,
        control_runs=0,
        source=Path(__file__),
    )


problem = _coarse()
