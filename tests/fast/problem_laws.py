"""Laws that every problem keeps: those that need no simulation, and those that do. Each is a function that asserts."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from dure.campaign.plan import applicable_checks
from dure.canonical import canonical
from dure.errors import SimulationFailed
from dure.problem import Answer, Problem, Theory, citation_text, values_of
from dure.strategy import space_filling
from dure.units import check_unit

MANY, FEW = 64, 6


def anywhere(problem: Problem) -> list[Any]:
    return problem.space.designs(np.random.default_rng(0).uniform(size=(MANY, problem.space.columns)))


def rules_are_pure(problem: Problem) -> None:
    for rule in problem.rules:
        for design in anywhere(problem):
            first, second = (float(rule.function(design)) for _time in range(2))
            assert math.isfinite(first), rule.name
            assert first == second, rule.name


def designs_survive_the_cube(problem: Problem) -> None:
    designs = [*anywhere(problem), *problem.starts]  # made, so within their bounds
    for design, back in zip(designs, problem.space.designs(problem.space.encode(designs)), strict=True):
        for name, value in values_of(design).items():
            again = values_of(back)[name]
            # a start may have been written down with more figures than a design that strategies write
            assert again == value or math.isclose(again, value, rel_tol=1e-4, abs_tol=1e-9), name


def units_are_known(problem: Problem) -> None:
    for field in (*problem.inputs.values(), *problem.inputs_of_setting.values(), *problem.measures.values()):
        assert check_unit(field.unit)


def citations_resolve(problem: Problem) -> None:
    for key in problem.cites:
        assert len(citation_text(key)) > len(key)


def checks_can_be_run(problem: Problem) -> None:
    _runnable, skipped = applicable_checks(problem, problem.make_setting({}))
    assert not skipped, f"the setting cannot be moved for {[check.name for check in skipped]}"


def theory_is_pure(problem: Problem) -> None:
    if problem.theory is None:
        return
    cube = np.random.default_rng(0).uniform(size=(MANY, problem.space.columns))
    first, second = (Theory(problem, problem.make_setting({}), tuple(problem.goals))(cube) for _time in range(2))
    assert np.array_equal(first, second), "it does not repeat itself"
    assert (first.std(0) > 0).any(), "it says the same of every design"


def _answer(problem: Problem, design: Any, fidelity: str) -> Answer | None:
    try:
        return problem.answer(design, problem.make_setting({}), fidelity=fidelity, seed=1)
    except SimulationFailed:
        return None


def _likely(problem: Problem, count: int) -> list[Any]:
    """Starts first: they are the designs most likely to be answered."""
    return [*problem.starts, *islice(space_filling(problem, 0), count)][:count]


def answers_repeat_and_can_be_recorded(problem: Problem) -> None:
    (design,) = _likely(problem, 1)
    first, second = (_answer(problem, design, problem.fidelities[0].name) for _time in range(2))
    assert first is not None, "no answer"
    assert second is not None, "no answer"
    assert canonical(values_of(first.outcome)) == canonical(values_of(second.outcome)), "it does not repeat itself"
    assert canonical([view.plain() for view in first.views])


def cheap_rungs_rank_like_the_top(problem: Problem) -> None:
    """With a rank correlation of 0.7 (Spearman's) over a few designs, in what each rung is trusted for."""
    if len(problem.fidelities) == 1:
        return
    chosen = _likely(problem, FEW)
    dear = [_answer(problem, design, problem.top.name) for design in chosen]
    for rung in problem.fidelities[:-1]:
        cheap = [_answer(problem, design, rung.name) for design in chosen]
        both = [(low, top) for low, top in zip(cheap, dear, strict=True) if low is not None and top is not None]
        assert len(both) >= 4, "too few answers"
        for name in problem.goals.keys() & set(rung.trust or problem.goals):
            low, top = ([_value(problem, name, one) for one in side] for side in zip(*both, strict=True))
            if np.ptp(low) > 0 and np.ptp(top) > 0:
                assert spearmanr(low, top).statistic >= 0.7, f"{rung.name} misleads about {name}"


def _value(problem: Problem, name: str, answer: Answer) -> float:
    return float(problem.goals[name].value(np.asarray(getattr(answer.outcome, name))))


LAWS: tuple[Callable[[Problem], None], ...] = (
    rules_are_pure,
    designs_survive_the_cube,
    units_are_known,
    citations_resolve,
    checks_can_be_run,
    theory_is_pure,
)
SIMULATED_LAWS: tuple[Callable[[Problem], None], ...] = (answers_repeat_and_can_be_recorded, cheap_rungs_rank_like_the_top)
