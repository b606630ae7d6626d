"""How many space-filling points open a search: as the columns ask for, and hardly any where a theory says the rest."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed; make setup installs it")

from dure.campaign import Loop
from dure.problem import Fidelity, Problem, design, minimise, outcome, real

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


def opened(columns: int, starts: int, strategy: str = "auto", **stated: Any) -> int:
    """How many designs are asked before a model chooses one."""
    made = space(columns)
    given = tuple(made(**{f"x{number}": 0.5 + 0.1 * one for number in range(columns)}) for one in range(starts))
    problem = Problem(name="mine/box", version="1", question="Where is it?", design=made, outcome=Cost, starts=given, **stated)
    loop = Loop(problem, strategy=strategy)
    for number in range(20):
        (wish,) = loop.ask()
        if loop.history.trials[wish.trial.key].purpose != "start":
            return number
        loop.tell(wish, {"cost": float(cost(wish.design)["cost"])})
    return 20


@pytest.mark.parametrize(
    ("columns", "starts", "stated", "wanted"),
    [
        (COLUMNS, 2, {}, 2 + 2),
        (COLUMNS, 0, {}, COLUMNS + 1),
        (COLUMNS, 2, {"theory": cost}, 2),
        (COLUMNS, 0, {"theory": cost}, 2),
        (3, 1, {"theory": cost}, 2),
        (COLUMNS, 1, {}, 1 + 2),
        (COLUMNS, 2, {"fidelities": CHEAP}, 2 + COLUMNS - 1),
        (COLUMNS, 2, {"fidelities": CHEAP, "theory": cost}, 2 + 4),
        (COLUMNS, 0, {"fidelities": CHEAP, "theory": cost}, 4),
    ],
)
def test_a_search_opens_with_as_many_points(columns: int, starts: int, stated: Any, wanted: int):
    assert opened(columns, starts, **stated) == wanted


def test_a_theory_that_is_not_used_opens_nothing_sooner():
    assert opened(COLUMNS, 0, "blackbox", theory=cost) == COLUMNS + 1
