"""The largest value of a function over every kind of space, against brute force."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from botorch.utils.sampling import manual_seed
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from dure.problem import Arrangement, Problem, arrangement, choice, design, integer, minimise, ordered, outcome, real, rule
from dure.problem.arrangement import Arranged
from dure.strategy.peak import most_wanted, remembered

MIDDLE = 0.5


@outcome
class Value:
    y: float = minimise()


@design
class Mixed:
    x: float = real(0, 1)
    z: float = real(0, 1)
    metal: str = choice("tin", "iron", "lead", "zinc")
    holes: int = integer(0, 9)
    sheet: float = ordered(0.5, 0.8, 1.0, 2.0)


@design
class Small:
    metal: str = choice("tin", "iron", "lead")
    holes: int = integer(0, 4)


PLACES, STOCK = tuple("abcdefgh"), {"one": 3, "two": 3, "three": 2}


@design
class Laid:
    where: Arrangement = arrangement(PLACES, STOCK)


@design
class Wide:
    """Of 30 places, with some 370 exchanges each."""

    where: Arrangement = arrangement(tuple(f"p{n}" for n in range(30)), {"one": 8, "two": 8, "three": 7, "four": 7})


@design
class Vast:
    a: str = choice(*"0123456789")
    b: str = choice(*"0123456789")
    c: str = choice(*"0123456789")
    d: str = choice(*"0123456789")
    e: str = choice(*"0123456789")
    f: str = choice(*"0123456789")
    g: str = choice(*"0123456789")
    h: str = choice(*"0123456789")
    i: str = choice(*"0123456789")
    j: str = choice(*"0123456789")
    k: str = choice(*"0123456789")
    l: str = choice(*"0123456789")  # noqa: E741 - twelve letters in a row


def stated(cls: type, **more: object) -> Problem:
    return Problem(name="test/peak", version="1", question="Where?", design=cls, outcome=Value, **more)  # type: ignore[arg-type]


def hill(target: Tensor) -> Callable[[Tensor], Tensor]:
    """A smooth hill over the cube with its top at ``target``."""
    return lambda points: -(points.squeeze(-2) - target).square().sum(-1)


@pytest.mark.parametrize("seed", range(4))
def test_the_top_of_a_hill_over_a_mixture(seed: int):
    problem, generator = stated(Mixed), np.random.default_rng(seed)
    target = torch.from_numpy(generator.uniform(size=5))
    start = torch.from_numpy(problem.space.encode(problem.space.designs(generator.uniform(size=(3, 5)))))
    found = next(iter(most_wanted(hill(target), problem, start, seed, hill(target))))
    grid = [torch.linspace(0.5 / n, 1 - 0.5 / n, n) for n in (4, 10, 4)]
    nearest = [float(column[(column - one).abs().argmin()]) for column, one in zip(grid, target[2:], strict=True)]
    np.testing.assert_allclose(problem.space.encode([found])[0], [*target[:2].tolist(), *nearest], atol=2e-3)


def test_a_short_list_of_designs_is_looked_at_whole_and_in_order():
    problem = stated(Small)
    target = torch.tensor([0.9, 0.2], dtype=torch.double)
    found = list(most_wanted(hill(target), problem, torch.full((1, 2), MIDDLE).double(), 0, hill(target)))
    values = hill(target)(torch.from_numpy(problem.space.encode(found)).unsqueeze(-2))
    assert len(found) == len(set(found)) == 15
    assert bool((values.diff() <= 1e-12).all())


def test_candidates_are_the_only_designs():
    rows = tuple(Mixed(x=x, z=0.3, metal=metal, holes=2, sheet=1.0) for x, metal in product((0.1, 0.5, 0.9), ("tin", "zinc")))
    wanted = hill(torch.full((5,), MIDDLE).double())
    found = list(most_wanted(wanted, stated(Mixed, candidates=rows), torch.zeros(1, 5).double(), 0, wanted))
    assert set(found) == set(rows)
    assert found[0].x == MIDDLE


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("laid", [Laid, Wide])
def test_an_arrangement_is_improved_by_exchanges_until_none_helps(laid: type, seed: int):
    problem = stated(laid)
    field = problem.space.fields["where"]
    assert isinstance(field, Arranged)
    kinds, count = list(field.inventory), len(field.places)
    worth = np.random.default_rng(seed).uniform(size=(count, len(kinds)))
    table, looked_at = torch.from_numpy(worth), 0

    def total(points: Tensor) -> Tensor:
        nonlocal looked_at
        looked_at += len(points)
        index = (points.squeeze(-2) * len(kinds)).long().clamp(0, len(kinds) - 1)
        return table[torch.arange(count), index].sum(-1)

    glance, middle = remembered(total), torch.full((1, count), MIDDLE).double()

    def top() -> Any:
        with manual_seed(seed):
            return next(iter(most_wanted(total, problem, middle, seed, glance)))

    found, before = top(), looked_at
    assert top() == found
    # the second time all are known at a glance, and of many neighbours 64 are looked at in each of eight rounds
    assert looked_at - before <= (770 + 8 * 4 * 28 if laid is Laid else 9 * 64)
    stock = [kinds.index(kind) for kind, some in field.inventory.items() for _one in range(some)]
    places, taken = linear_sum_assignment(worth[:, stock], maximize=True)
    best = worth[:, stock][places, taken].sum()
    reached = sum(worth[place, kinds.index(kind)] for place, kind in enumerate(found.where))
    # exchanges of two stop at a local top; the assignment of all at once is the bound
    assert best * (0.97 if laid is Laid else 0.9) <= reached <= best + 1e-12


def test_rules_are_kept():
    @rule
    def heavy(one: Mixed) -> float:
        """Only iron, with few holes."""
        return min(1.0 if one.metal == "iron" else -1.0, 3 - one.holes)

    problem = stated(Mixed, rules=(heavy,))
    start = torch.from_numpy(problem.space.encode([Mixed(x=0.5, z=0.5, metal="iron", holes=1, sheet=1.0)]))
    found = list(most_wanted(hill(torch.ones(5).double()), problem, start, 0, hill(torch.ones(5).double())))
    assert found
    assert all(problem.broken_rule(one) is None for one in found)
    assert found[0].holes == 3


def test_where_no_design_keeps_the_rules_there_is_none():
    @rule
    def never(_one: Mixed) -> float:
        """Nothing is allowed."""
        return -1.0

    top = hill(torch.ones(5).double())
    assert not list(most_wanted(top, stated(Mixed, rules=(never,)), torch.full((1, 5), MIDDLE).double(), 0, top))


def test_a_product_of_choices_is_never_listed():
    problem, target = stated(Vast), torch.rand(12, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    found = next(
        iter(most_wanted(hill(target), problem, torch.full((1, 12), MIDDLE).double(), 0, hill(target)))
    )  # of 10^12 designs
    assert float((torch.from_numpy(problem.space.encode([found])[0]) - target).abs().max()) <= 0.05 + 1e-9
