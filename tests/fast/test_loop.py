"""Ask and tell: what a caller may rely on, whatever the problem."""

from __future__ import annotations

from typing import Any

import pytest

from dure.campaign import Loop
from dure.errors import InputError
from dure.problem import Noise, Problem, at_most, choice, design, integer, minimise, outcome, real


@design
class Mix:
    water: float = real(0, 1)
    cement: str = choice("slag", "ash")
    parts: int = integer(1, 3)


@outcome
class Measured:
    cracks: float = minimise(unit="mm")
    heat: float = at_most(1.0, unit="K")


def stated(**more: Any) -> Problem:
    return Problem(name="mine/mix", version="1", question="Which mix cracks least?", design=Mix, outcome=Measured, **more)


def measured(mix: Mix) -> dict[str, float]:
    return {"cracks": (mix.water - 0.4) ** 2 + (mix.cement == "slag") + 0.1 * mix.parts, "heat": mix.water}


def gone(loop: Loop, rounds: int, n: int = 1) -> list[Any]:
    wishes = []
    for _round in range(rounds):
        for wish in loop.ask(n):
            loop.tell(wish, measured(wish.design))
            wishes.append(wish)
    return wishes


def test_the_same_answers_give_the_same_wishes_and_none_twice():
    one, two = (gone(Loop(stated(), seed=4), 4, n=2) for _time in range(2))
    assert [(wish.design, wish.why) for wish in one] == [(wish.design, wish.why) for wish in two]
    assert len({wish.trial.key for wish in one}) == len(one) == 8


def test_a_wish_says_why_without_gaps_or_places():
    for wish in gone(Loop(stated()), 7):
        assert "  " not in wish.why
        assert "{" not in wish.why
        assert " 1 over" not in wish.why


def test_what_is_under_way_is_not_wished_again():
    loop = Loop(stated())
    gone(loop, 6)
    assert len({loop.ask()[0].design for _time in range(3)}) == 3


def test_failures_and_own_designs_are_answers_too():
    loop = Loop(stated())
    (wish,) = loop.ask()
    loop.tell(wish, None)
    assert loop.best() is None
    mine = Mix(water=0.4, cement="ash", parts=1)
    loop.tell(mine, Measured(cracks=0.1, heat=0.4))
    assert loop.best() == mine
    for again in (wish, mine):
        with pytest.raises(InputError, match="answered before"):
            loop.tell(again, measured(mine))


@pytest.mark.parametrize(("answer", "complaint"), [({"cracks": 1.0}, "lacks heat"), (3.0, "is no Measured")])
def test_an_answer_that_is_none_is_refused_and_may_be_given_again(answer: Any, complaint: str):
    loop = Loop(stated())
    (wish,) = loop.ask()
    with pytest.raises(InputError, match=complaint):
        loop.tell(wish, answer)
    loop.tell(wish, measured(wish.design))


def test_a_list_is_tried_to_its_end_and_then_there_is_nothing_to_wish():
    rows = tuple(Mix(water=w / 10, cement=c, parts=p) for w in range(4) for c in ("slag", "ash") for p in (2,))
    loop = Loop(stated(candidates=rows))
    assert {wish.design for wish in gone(loop, 12)} == set(rows)
    assert loop.ask() == []


def test_noise_does_not_stop_the_asking():
    assert len(gone(Loop(stated(noise=Noise("unknown"))), 8)) == 8


def test_one_may_go_on_asking_before_anything_has_come_back():
    loop = Loop(stated())
    asked = [wish.design for _round in range(14) for wish in loop.ask()]
    assert len(set(asked)) == 14
