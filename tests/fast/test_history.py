"""What a history keeps count of is what a look at every trial would find."""

from __future__ import annotations

from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dure.journal import Event, History, Tally, TrialState

OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "start", "start", "tell", "fail", "lose", "reuse", "plan", "guard"]),
        st.integers(0, 9),
        st.sampled_from(["start", "search", "check: mesh"]),
        st.sampled_from(["coarse", "fine"]),
        st.one_of(st.none(), st.floats(0, 1)),
    ),
    max_size=80,
)


def lived(operations: list[tuple[str, int, str, str, float | None]]) -> tuple[History, int]:
    """A history after those of the operations that the life of a trial allows, and the number of the newest guard."""
    history, guard, numbers = History(), 0, count(1)

    def apply(kind: str, payload: dict[str, Any]) -> int:
        number = next(numbers)
        history.apply(Event(number, kind, "", payload, "", ""))
        return number

    apply("planned", {})
    for what, number, purpose, fidelity, gain in operations:
        key = f"k{number}"
        state = history.trials.get(key)
        runs = state is not None and state.is_open and state.attempts > 0
        spent = {"key": key, "cpu_seconds": 0.25 * (number + 1), "wall_seconds": 1.0}
        match what:
            case "ask" if state is None:
                apply("asked", {"key": key, "trial": {"fidelity": fidelity}, "purpose": purpose, "gain": gain})
            case "start" if state is not None and state.is_open:
                apply("started", {"key": key, "attempt": state.attempts + 1})
            case "tell" if runs:
                apply("told", spent | {"outcome": {"y": 1.0}})
            case "fail" | "lose" if runs:
                apply("failed", spent | {"reason": "crash", "final": what == "fail"})
            case "reuse" if state is not None and key not in history.used[-1]:
                apply("reused", {"key": key, "purpose": purpose})
            case "plan":
                apply("planned", {})
                guard = 0
            case "guard":
                guard = apply("guarded", {"guard": {}})
    return history, guard


@given(OPERATIONS)
def test_the_counts_are_those_of_all_trials(operations: list[tuple[str, int, str, str, float | None]]):
    history, guard = lived(operations)
    mine = [state for state in history.in_plan() if state.key in history.asked_in_plan]
    wanted: dict[tuple[str, str], Tally] = {}
    for state in mine:
        tally = wanted.setdefault((state.purpose, state.fidelity), Tally())
        tally.trials += 1
        tally.attempts += max(1, state.attempts)
        tally.cpu_seconds += state.cpu_seconds
    assert history.tallies == wanted  # quarters of a second add up exactly in any order
    stated = [state for state in mine if state.purpose == "search" and state.gain is not None and state.seq > guard]
    assert history.forecast == [state.key for state in sorted(stated, key=lambda one: one.seq)]


@given(OPERATIONS)
def test_the_unanswered_are_the_open_trials_of_the_plan(operations: list[tuple[str, int, str, str, float | None]]):
    history, _guard = lived(operations)

    def by_number(states: list[TrialState]) -> list[str]:
        return [state.key for state in sorted(states, key=lambda one: one.seq)]

    for purposes in ((), ("search",), ("start", "search")):
        found = history.unanswered(*purposes)
        assert [state.key for state in found] == by_number([state for state in history.in_plan(*purposes) if state.is_open])
