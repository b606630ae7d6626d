"""The long searches for the least current of an amplifier: what a sizing is worth, and that a stopped search goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cma", reason="pip install 'dure[chip,evolution]'")

from benchmarks import chip_references
from benchmarks.chip_references import Enough, Ledger
from dure.domains.chip.opamp import Use, problem
from dure.problem import with_limits

pytestmark = pytest.mark.needs("ngspice", "sky130")

REFERENCES = json.loads(chip_references.FILE.read_text("utf-8"))["tasks"]
USE = Use(topology="miller_n")
MEMBER = problem.under(USE)
START = MEMBER.starts[0]
CARELESS = replace(START, c_comp=0.3)
"""Too little compensation for the phase margin."""
GREEDY = replace(START, r_bias=START.r_bias / 1.05)


def place(sizing: Any) -> Any:
    return MEMBER.space.encode([sizing])[0]


def current(sizing: Any, fidelity: str) -> float:
    return float(problem.answer(sizing, USE, fidelity=fidelity, seed=0).outcome.current)


def test_a_sizing_is_worth_its_current_or_less_than_any_that_keeps_the_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ledger = Ledger(USE, tmp_path / "rows.jsonl", 3)
    found = [ledger(place(sizing)) for sizing in (START, CARELESS, GREEDY)]
    assert found[0] == pytest.approx(current(START, "pvt"), rel=1e-9)
    assert found[1] > 1e5
    assert current(GREEDY, "typical") <= found[2] <= current(GREEDY, "pvt") * (1 + 1e-9)
    assert ledger.best == (found[0], START)
    assert ledger(place(START)) == found[0]
    with pytest.raises(Enough):
        ledger(place(replace(START, m_tail=5)))

    def forbidden(*_given: Any, **_named: Any) -> None:
        raise AssertionError("simulated again")

    monkeypatch.setattr(chip_references, "bench_run", forbidden)
    again = Ledger(USE, tmp_path / "rows.jsonl", 3)
    assert [again(place(sizing)) for sizing in (START, CARELESS, GREEDY)] == found
    assert again.best == ledger.best


@pytest.mark.parametrize("told", REFERENCES, ids=lambda told: str(told["name"]))
def test_a_committed_reference_keeps_the_set_at_all_points(told: dict[str, Any]):
    use = problem.make_setting(told["setting"])
    member = problem.under(use)
    assert told["limits"] == dict(member.limits["mid"])
    outcome = member.answer(member.make_design(told["design"]), use, fidelity="pvt", seed=0).outcome
    goals = with_limits(problem.goals, told["limits"])
    assert all(goal.margin(getattr(outcome, name)) >= 0 for name, goal in goals.items() if not goal.is_objective)
    assert outcome.current == pytest.approx(told["best"], rel=1e-6)
