"""A short list: many good designs are wanted, not one."""

from __future__ import annotations

import numpy as np
import pytest

from dure.campaign import Loop
from dure.errors import ProblemError
from dure.problem import Problem, design, maximise, minimise, outcome, real

_MEMBERS, _RUNS = 20, 45


@design
class Place:
    """A place on a map."""

    x: float = real(0.0, 1.0)
    y: float = real(0.0, 1.0)


@outcome
class Height:
    """How high it is there."""

    height: float = maximise(unit="m")


@outcome
class Two:
    """Two objectives."""

    height: float = maximise(unit="m")
    cost: float = minimise()


def hill(place: Place) -> dict[str, float]:
    """One summit at (0.3, 0.7), which is a designated row, and a lower one."""
    near = (place.x - 0.3) ** 2 + (place.y - 0.7) ** 2
    far = (place.x - 0.9) ** 2 + (place.y - 0.2) ** 2
    return {"height": float(np.exp(-near / 0.05) + 0.5 * np.exp(-far / 0.02))}


def _map(shortlist: int) -> Problem:
    rows = np.random.default_rng(5).uniform(size=(400, 2)).tolist()
    return Problem(
        name="maps/hill",
        version="1",
        question="Which places are high?",
        design=Place,
        outcome=Height,
        simulate=hill,
        candidates=tuple(Place(x=x, y=y) for x, y in rows),
        shortlist=shortlist,
    )


def _found(shortlist: int, seed: int) -> int:
    """How many of the highest twenty a search of 45 runs met."""
    problem = _map(shortlist)
    highest = sorted(problem.candidates, key=lambda one: -hill(one)["height"])[:_MEMBERS]
    loop, met = Loop(problem, seed=seed), 0
    for _run in range(_RUNS // 5):
        for wish in loop.ask(5):
            loop.tell(wish, hill(wish.design))
            met += wish.design in highest
    return met


def test_it_is_filled_where_the_best_alone_would_be_looked_for() -> None:
    """The best row is met either way; of the twenty highest a short list of twenty meets clearly more."""
    assert sum(_found(_MEMBERS, seed) for seed in range(2)) > 1.3 * sum(_found(1, seed) for seed in range(2))


def test_the_gain_is_over_its_last_member() -> None:
    """Twenty known heights of 1 to 20 m leave a gain to any place that is believed higher than the twentieth, 1 m."""
    problem = _map(3)
    loop = Loop(problem, seed=1)
    for number, place in enumerate(problem.candidates[:6]):
        loop.tell(place, {"height": float(number)})
    (wish,) = loop.ask()
    said = loop.history.trials[wish.trial.key]
    low, middle, high = (said.predicted["height"][which] for which in (1, 0, 2))
    assert low <= middle <= high
    assert said.gain >= max(middle - 3.0, 0.0) - 0.1 * (high - low)
    assert "short list" in wish.why


@pytest.mark.parametrize("given", [0, 1.5, "ten"])
def test_a_number_of_members_is_wanted(given: object) -> None:
    with pytest.raises(ProblemError, match="shortlist"):
        Problem(
            name="maps/hill",
            version="1",
            question="Which?",
            design=Place,
            outcome=Height,
            simulate=hill,
            shortlist=given,  # type: ignore[arg-type]
        )


def test_a_front_has_none() -> None:
    with pytest.raises(ProblemError, match="front"):
        Problem(name="maps/hill", version="1", question="Which?", design=Place, outcome=Two, simulate=hill, shortlist=5)
