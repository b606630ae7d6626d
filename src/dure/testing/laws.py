"""What every strategy owes whoever asks it. Each law is a function that asserts, with what was found wrong."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np

from dure.canonical import canonical
from dure.errors import PlanError
from dure.journal import History
from dure.problem import values_of
from dure.strategy import Proposal, Strategy
from dure.testing.cases import Case

__all__ = ["check_strategy"]

_FEW = 8


def check_strategy(strategy: Strategy, case: Case) -> None:
    """Ask ``strategy`` in ``case`` and see that it keeps every law; a space of at most eight designs is searched to its end.

    A strategy may refuse a task by a PlanError of its ``explain``, so that it is never planned with; its ``ask`` raises one only
    where the rules leave no design. Whatever else it raises is passed on.

    Raises:
        AssertionError: a law is broken; says which, and by what.
    """
    try:
        _explains_itself(strategy, case)
    except PlanError:
        return
    history = case.history()
    before = deepcopy(vars(history))
    with _random_numbers_left_alone():
        proposals = _asked(strategy, case, history)
        _reviews(strategy, case, history)
    assert vars(history) == before, "ask changed the history it was given"
    again = _asked(strategy, case, case.read_back())
    assert again == proposals, f"another answer after the journal was read back: {again}, before {proposals}"
    _check(case, proposals)
    if 0 < len(case.designs) <= _FEW:
        _searches_to_the_end(strategy, case)


def _check(case: Case, proposals: Sequence[Proposal]) -> None:
    for law in _LAWS:
        law(case, proposals)


def _asked(strategy: Strategy, case: Case, history: History) -> list[Proposal]:
    try:
        return strategy.ask(case.task, history, case.n, case.seed)
    except PlanError:
        if case.designs:
            raise
        return []


# ------------------------------------------------------------------------------------------------------ what is asked


def _asks_for_designs_that_may_be_tried(case: Case, proposals: Sequence[Proposal]) -> None:
    """Designs of the problem, candidates where there are any, rules kept, at a rung of the ladder."""
    problem = case.task.problem
    for one in proposals:
        assert type(one.design) is problem.design, f"{one.design!r} is no {problem.design.__name__}"
        assert problem.make_design(values_of(one.design)) == one.design, f"{one.design} lies outside the space"
        problem.check_candidate(one.design)
        assert problem.broken_rule(one.design) is None, f"{one.design} breaks {problem.broken_rule(one.design)}"
        rungs = [rung.name for rung in problem.fidelities]
        assert one.fidelity in rungs, f"fidelity {one.fidelity!r} is none of {rungs}"


def _asks_for_nothing_twice(case: Case, proposals: Sequence[Proposal]) -> None:
    """Neither what the journal holds, answered or not, nor one design twice at once."""
    asked = set(case.history().trials)
    for one in proposals:
        key = case.trial(one).key
        assert key not in asked, f"{one.design} at {one.fidelity!r} was asked for before"
        asked.add(key)


def _asks_for_at_most_n(case: Case, proposals: Sequence[Proposal]) -> None:
    """And for at least one, while there are designs that were not asked for at the top rung."""
    assert len(proposals) <= case.n, f"{len(proposals)} proposals where {case.n} were asked for"
    if not proposals:
        left = _left(case)
        assert not left, f"nothing is proposed, although {left[0]} was never asked for"


def _left(case: Case) -> list[Any]:
    task, asked = case.task, case.history().trials
    return [one for one in case.designs if task.problem.trial(one, task.setting, seed=case.seed).key not in asked]


# ------------------------------------------------------------------------------------------------- what is said of it


def _says_why(case: Case, proposals: Sequence[Proposal]) -> None:
    """One sentence whose places ``numbers`` fills, for a purpose that the budget knows."""
    for one in proposals:
        assert one.purpose in ("start", "search"), f'purpose {one.purpose!r} is neither "start" nor "search"'
        _is_a_sentence(one.why.format(**one.numbers))
        for name, value in one.numbers.items():
            assert isinstance(value, str) or math.isfinite(value), f"{name} = {value} in the numbers of {one.why!r}"


def _predicts_in_order(case: Case, proposals: Sequence[Proposal]) -> None:
    """Low, median and high of goals, finite and in this order; a gain is finite, not negative and of the top rung."""
    for one in proposals:
        for name, (median, low, high) in one.predicted.items():
            assert name in case.task.goals, f"{name!r} is predicted and no goal"
            assert -math.inf < low <= median <= high < math.inf, f"{name} is predicted as {low} <= {median} <= {high}"
        if one.gain is not None:
            assert 0 <= one.gain < math.inf, f"gain {one.gain}"
            assert one.fidelity == case.task.problem.top.name, f"a gain at {one.fidelity!r}, which is not the top rung"


def _can_be_recorded(case: Case, proposals: Sequence[Proposal]) -> None:
    """What is said goes into the journal as it is."""
    for one in proposals:
        predicted = {name: list(interval) for name, interval in one.predicted.items()}
        canonical({"numbers": dict(one.numbers), "predicted": predicted, "gain": one.gain})


_LAWS: tuple[Callable[[Case, Sequence[Proposal]], None], ...] = (
    _asks_for_designs_that_may_be_tried,
    _asks_for_nothing_twice,
    _asks_for_at_most_n,
    _says_why,
    _predicts_in_order,
    _can_be_recorded,
)


# --------------------------------------------------------------------------------------------------- beside one answer


def _explains_itself(strategy: Strategy, case: Case) -> None:
    """In whole sentences without places to fill, so that they can be translated."""
    sentences = strategy.explain(case.task)
    assert sentences, "explain says nothing"
    for text in sentences:
        _is_a_sentence(text)
        assert text.format() == text, f"{text!r} has places that nothing fills"


def _reviews(strategy: Strategy, case: Case, history: History) -> None:
    """Theory and cheaper rungs, in finite shares of goals, and the prospect, a probability."""
    pieces = ["theory", *(rung.name for rung in case.task.problem.fidelities[:-1])]
    review = strategy.review(case.task, history, case.seed)
    assert review.prospect is None or 0 <= review.prospect <= 1, f"prospect {review.prospect} is no probability"
    for one in review.worth:
        assert one.piece in pieces, f"{one.piece!r} is none of {pieces}"
        assert one.goal in case.task.goals, f"{one.goal!r} is no goal"
        assert -math.inf < one.explained <= 1, f"{one} explains no share"
        assert 0 <= one.used <= 1, f"{one} is used for no share"


def _is_a_sentence(text: str) -> None:
    assert text == f"{text.strip().removesuffix('.')}.", f"{text!r} is no sentence that ends in one full stop"


@contextmanager
def _random_numbers_left_alone() -> Iterator[None]:
    """Whoever else draws from Python's, numpy's or torch's own generator draws the same as without the ask."""
    before = _random_states()
    yield
    for name, state in _random_states().items():
        assert state == before.get(name, state), f"ask changed the state of {name}"


def _random_states() -> dict[str, Any]:
    states: dict[str, Any] = {"random": random.getstate(), "numpy.random": str(np.random.get_state(legacy=False))}
    torch = sys.modules.get("torch")
    return states | ({"torch": bytes(torch.get_rng_state().numpy())} if torch else {})


def _searches_to_the_end(strategy: Strategy, case: Case) -> None:
    """Every design of a small space is asked for at the top rung in the end, and then nothing is."""
    most = len(case.designs) * len(case.task.problem.fidelities)
    for _round in range(most + 1):
        proposals = _asked(strategy, case, case.history())
        _check(case, proposals)
        if not proposals:
            return
        case = case.after(proposals)
    raise AssertionError(f"goes on after {most} asks in a space of {len(case.designs)} designs: {proposals}")
