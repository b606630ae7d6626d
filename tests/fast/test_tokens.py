"""Tokens: members of a family with different inputs are read alike, and a prior of some holds for one of other inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dure.errors import ProblemError, SimulationFailed
from dure.problem import Problem, Tokens, choice, design, minimise, outcome, real, setting

KINDS = ("one", "two", "three")


@design
class Rods:
    """Lengths of the rods of a pendulum, of which a kind has as many as its name says."""

    a: float = real(0.0, 1.0)
    b: float = real(0.0, 1.0)
    c: float = real(0.0, 1.0)


@setting
class Kind:
    """How many rods there are."""

    kind: str = choice(*KINDS, default="three")


@outcome
class Off:
    """How far the whole is from a length of 0.8."""

    off: float = minimise()


def length(rods: Rods, kind: Kind) -> Any:
    return {"length": sum((rods.a, rods.b, rods.c)[: 1 + KINDS.index(kind.kind)]) / (1 + KINDS.index(kind.kind))}


def members(kind: Kind) -> dict[str, Any]:
    return {"held": dict.fromkeys(("b", "c")[KINDS.index(kind.kind) :], 0.0)}


def pendulum(function: Any = length, names: tuple[str, ...] = ("length",)) -> Problem:
    return Problem(
        name="mine/pendulum",
        version="1",
        question="Which lengths are right?",
        design=Rods,
        setting=Kind,
        outcome=Off,
        members=members,
        tokens=Tokens(names, function),
        simulate=lambda rods, kind: {"off": (float(length(rods, kind)["length"]) - 0.8) ** 2},
    )


def test_every_member_is_read_alike_whatever_its_inputs():
    problem = pendulum()
    for number, kind in enumerate(KINDS, start=1):
        member, use = problem.under(Kind(kind=kind)), Kind(kind=kind)
        assert member.space.columns == number
        assert member.read_by_priors == ("length",)
        cube = np.random.default_rng(number).uniform(size=(5, number))
        assert member.tokens is not None
        np.testing.assert_allclose(member.tokens.of(member, use)(cube)[:, 0], cube.mean(axis=1))


def test_where_there_is_no_answer_a_typical_one_stands_in():
    problem = pendulum(lambda rods, _kind: {"length": np.where(rods.a > 0.5, rods.a, np.nan)})
    assert problem.tokens is not None
    told = problem.tokens.of(problem, Kind())(np.array([[0.9, 0.0, 0.0], [0.1, 0.0, 0.0]]))
    assert told[0, 0] == pytest.approx(0.9)
    assert 0.5 < told[1, 0] < 1.0


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (lambda _rods, _kind: {"width": 1.0}, ("length",)),
        (lambda _rods, _kind: None, ("length",)),
        (lambda _rods, _kind: {"length": np.ones(3)}, ("length",)),
        (lambda _rods, _kind: {"length": "long"}, ("length",)),
    ],
)
def test_tokens_that_are_not_a_number_a_design_are_refused(function: Any, names: tuple[str, ...]):
    problem = pendulum(function, names)
    assert problem.tokens is not None
    with pytest.raises(ProblemError, match=r"tokens of mine/pendulum are not one number a design for each of length"):
        problem.tokens.of(problem, Kind())


def test_a_prior_of_two_members_knows_the_third():
    torch = pytest.importorskip("torch", reason="torch is not installed; make setup installs it")
    from dure.models.prior import PastTask
    from dure.models.training import train
    from dure.surrogate import Past, differentiable

    problem, nothing = pendulum(), torch.zeros(0, dtype=torch.double)

    def told(kind: str, seed: int) -> PastTask:
        use = Kind(kind=kind)
        member = problem.under(use)
        cube = np.random.default_rng(seed).uniform(size=(60, member.space.columns))
        assert member.tokens is not None
        tokens = differentiable(member.tokens.of(member, use))
        answers = [member.answer(one, use, fidelity="full", seed=0).outcome.off for one in member.space.designs(cube)]
        outputs = torch.tensor(answers, dtype=torch.double)[:, None] * (1 + seed)  # a task has a scale of its own
        return PastTask(f"{kind}{seed}", kind, torch.from_numpy(cube), outputs, nothing, tokens=tokens)

    prior = train([told(kind, seed) for kind in KINDS[:2] for seed in (1, 2, 3)])
    unseen = told("three", 4)
    past = Past.of(prior, nothing, unseen.tokens)
    points = unseen.points.clone().requires_grad_()
    said = past.mean(points)[:, 0]
    assert float(torch.corrcoef(torch.stack([said.detach(), unseen.outputs[:, 0]]))[0, 1]) > 0.95
    (slope,) = torch.autograd.grad(said.sum(), points)
    assert bool(slope.abs().sum() > 0)


def test_tokens_that_fail_say_nothing_and_those_that_are_wrong_say_where():
    def failing(_rods: Rods, _kind: Kind) -> Any:
        raise SimulationFailed("too busy")

    def wrong(_rods: Rods, _kind: Kind) -> Any:
        raise KeyError("spelt")

    problem = pendulum(failing)
    assert problem.tokens is not None
    assert np.isfinite(problem.tokens.of(problem, Kind())(np.zeros((2, 3)))).all()
    problem = pendulum(wrong)
    assert problem.tokens is not None
    with pytest.raises(ProblemError, match=r"test_tokens\.py:\d+: tokens: KeyError: 'spelt'"):
        problem.tokens.of(problem, Kind())


def test_tokens_without_a_function_are_refused():
    with pytest.raises(ProblemError, match="tokens must be a function of the design and the setting"):
        pendulum(5)
