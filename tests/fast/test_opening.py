"""How many space-filling points open a search: as the columns ask for, and fewer where its author says more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed; make setup installs it")

from dure.campaign import Loop
from dure.problem import Fidelity, Noise, Problem, design, minimise, outcome, real

COLUMNS = 9
CHEAP = (Fidelity("coarse", cost=0.05), Fidelity("fine"))


def space(columns: int) -> type:
    fields = {f"x{number}": real(0.0, 1.0) for number in range(columns)}
    return design(type("Point", (), {"__annotations__": dict.fromkeys(fields, float), **fields}))


@outcome
class Cost:
    """What it costs."""

    cost: float = minimise()


def cost(point: Any) -> dict[str, Any]:
    return {"cost": sum((value - 0.3) ** 2 for value in vars(point).values())}


def mine(columns: int, starts: int, **stated: Any) -> Problem:
    made = space(columns)
    given = tuple(made(**{f"x{number}": 0.5 + 0.1 * one for number in range(columns)}) for one in range(starts))
    return Problem(name="mine/box", version="1", question="Where is it?", design=made, outcome=Cost, starts=given, **stated)


def opened(
    problem: Problem, *, strategy: Any = "auto", fails: bool = False, told: Sequence[Any] = (), seed: int = 0
) -> list[Any]:
    """The designs that are asked before a model chooses one; ``fails``: the author's do."""
    loop, asked = Loop(problem, strategy=strategy, seed=seed), []
    for one in told:
        loop.tell(one, {"cost": float(cost(one)["cost"])})
    while len(asked) < 20:
        (wish,) = loop.ask()
        if loop.history.trials[wish.trial.key].purpose != "start":
            break
        asked.append(wish.design)
        loop.tell(wish, None if fails and wish.design in problem.starts else {"cost": float(cost(wish.design)["cost"])})
    return asked


@pytest.mark.parametrize(
    ("columns", "starts", "stated", "wanted"),
    [
        (COLUMNS, 0, {}, COLUMNS + 1),
        (COLUMNS, 1, {}, 1 + 2),
        (COLUMNS, 2, {}, 2 + 2),
        (COLUMNS, 4, {}, 4 + 4),
        (5, 4, {}, 4 + 2),
        (5, 6, {}, 6),
        (COLUMNS, 0, {"theory": cost}, 4),
        (COLUMNS, 1, {"theory": cost}, 1 + 1),
        (COLUMNS, 2, {"theory": cost}, 2),
        (2, 0, {"theory": cost}, 3),
        (COLUMNS, 2, {"fidelities": CHEAP}, 2 + COLUMNS - 1),
        (COLUMNS, 2, {"fidelities": CHEAP, "theory": cost}, 2 + 4),
        (3, 1, {"fidelities": CHEAP, "theory": cost}, 1 + 2),
        (COLUMNS, 0, {"fidelities": CHEAP, "theory": cost}, 4),
    ],
)
def test_a_search_opens_with_as_many_points(columns: int, starts: int, stated: Any, wanted: int):
    problem = mine(columns, starts, **stated)
    asked = opened(problem)
    assert len(asked) == wanted
    assert asked[:starts] == list(problem.starts)


def test_a_theory_that_is_not_used_opens_nothing_sooner():
    assert len(opened(mine(COLUMNS, 0, theory=cost), strategy="blackbox")) == COLUMNS + 1


def test_textbook_designs_that_fail_are_not_answers():
    assert len(opened(mine(COLUMNS, 2, theory=cost), fails=True)) == 2 + 4


@pytest.mark.parametrize("noise", [{}, {"noise": Noise("unknown")}])
@pytest.mark.parametrize("stated", [{}, {"fidelities": CHEAP}])
def test_textbook_designs_that_somebody_told_count_and_are_not_asked(stated: Any, noise: Any):
    problem = mine(COLUMNS, 2, **stated, **noise)
    asked = opened(problem, strategy="blackbox", told=problem.starts, seed=3)
    assert len(asked) == 2
    assert not set(asked) & set(problem.starts)


def test_a_few_answers_of_ones_own_do_not_take_the_place_of_textbook_designs():
    problem = mine(COLUMNS, 2, theory=cost)
    own = [problem.design(**{f"x{number}": place for number in range(COLUMNS)}) for place in (0.1, 0.2)]
    assert opened(problem, told=own) == list(problem.starts)
    many = [problem.design(**{f"x{number}": 0.05 * place for number in range(COLUMNS)}) for place in range(COLUMNS + 1)]
    assert opened(problem, told=many) == []


def test_a_model_is_not_asked_while_one_answer_is_all_there_is():
    problem = mine(COLUMNS, 2, theory=cost)
    loop = Loop(problem)
    first, _second = loop.ask(2)
    loop.tell(first, {"cost": float(cost(first.design)["cost"])})
    (wish,) = loop.ask()
    assert loop.history.trials[wish.trial.key].purpose == "start"
    assert wish.design not in problem.starts
