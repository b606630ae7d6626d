"""What any strategy owes: a function of history and seed, nothing asked twice, rules kept, odd histories survived."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from botorch.acquisition.multi_objective import logei

from dure.errors import PlanError, UnknownName
from dure.problem import (
    Noise,
    at_least,
    choice,
    design,
    integer,
    maximise,
    minimise,
    ordered,
    outcome,
    real,
    rule,
    with_limits,
    within,
)
from dure.strategy import NAMES, Evidence, Proposal, Task, peak, search, strategy
from tests.fast.squares import LADDER, OPTIMUM, RICH, STARTS, Measured, Run, Square, simulate, square, theory

LEARNING = ("structured", "blackbox")
ADAPTIVE = (*LEARNING, "cma-es", "nsga-ii")


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about laws, not about the last digit of an optimum."""
    optimise = peak.optimize_acqf
    monkeypatch.setattr(peak, "optimize_acqf", lambda *given, **more: optimise(*given, **more | {"options": {"maxiter": 6}}))


OWN = [name for name in NAMES if name not in ("auto", "generated")]
"""Strategies for spaces of numbers and names; "generated" is for molecules that nobody listed."""


def grid(n: int) -> list[Square]:
    return [Square(x=round(0.9 * i / n, 4), y=round(0.6 * (i * 7 % n) / n, 4)) for i in range(n)]


# ------------------------------------------------------------------------------------------------ every strategy


@pytest.mark.parametrize("name", OWN)
def test_the_same_history_and_seed_give_the_same_proposals(name: str):
    runs = [Run(square(**RICH)).filled(grid(6), "coarse").filled(grid(3)) for _time in range(2)]
    one, two = (strategy(name).ask(run.task, run.history, 1, seed=3) for run in runs)
    assert one
    assert [(p.design, p.fidelity, p.gain, dict(p.predicted)) for p in one] == [
        (p.design, p.fidelity, p.gain, dict(p.predicted)) for p in two
    ]


@pytest.mark.parametrize("name", ["sobol", "random", "structured"])
def test_another_seed_gives_other_designs(name: str):
    run = Run(square())
    opening = [[p.design for p in strategy(name).ask(run.task, run.history, 3, seed)] for seed in (0, 1)]
    assert opening[0] != opening[1]


@pytest.mark.parametrize("name", OWN)
def test_nothing_is_asked_twice_and_rules_are_kept(name: str):
    run = Run(square(**RICH))
    proposals = list(run.go(strategy(name), 4, n=2))  # Run refuses a key that was asked before
    assert len(proposals) >= 6
    assert all(run.problem.broken_rule(proposal.design) is None for proposal in proposals)
    assert {proposal.fidelity for proposal in proposals} <= {"coarse", "fine"}
    assert {proposal.purpose for proposal in proposals} <= {"start", "search"}


@pytest.mark.parametrize("name", OWN)
def test_what_is_under_way_is_not_asked_again(name: str):
    run = Run(square(**RICH)).filled(grid(6), "coarse").filled(grid(4))
    first = strategy(name).ask(run.task, run.history, 2, seed=0)
    for proposal in first:
        run.asked(proposal)
    second = strategy(name).ask(run.task, run.history, 1, seed=0)
    assert first
    assert second
    assert not {(p.design, p.fidelity) for p in first} & {(p.design, p.fidelity) for p in second}


@pytest.mark.parametrize("name", OWN)
def test_random_numbers_of_others_are_left_alone(name: str):
    run = Run(square(**RICH)).filled(grid(6), "coarse").filled(grid(3))
    torch.manual_seed(1)
    np.random.seed(1)  # the global state is what is watched
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), torch.get_num_threads()  # type: ignore[index]
    strategy(name).ask(run.task, run.history, 1, seed=0)
    after = torch.get_rng_state(), np.random.get_state()[1].tolist(), torch.get_num_threads()  # type: ignore[index]
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]


@pytest.mark.parametrize("name", OWN)
def test_a_strategy_says_what_it_is_in_one_sentence(name: str):
    run = Run(square(**RICH))
    assert strategy(name).name == name
    assert all(text.endswith(".") for text in strategy(name).explain(run.task))


def test_auto_is_the_strategy_that_uses_everything():
    assert strategy("auto") == strategy("structured")
    with pytest.raises(UnknownName, match="structured"):
        strategy("structurd")


def test_rules_that_leave_nothing_end_the_search_with_their_name():
    @rule
    def nothing(point: Square) -> float:
        return -1.0

    run = Run(square(rules=(nothing,)))
    for name in ("random", "structured"):
        with pytest.raises(PlanError, match="nothing"):
            strategy(name).ask(run.task, run.history, 1, 0)


# -------------------------------------------------------------------------------------------- odd spaces, histories


@design
class Mixed:
    length: float = real(0.1, 10.0, log=True)
    holes: int = integer(0, 3)
    metal: str = choice("steel", "copper")
    sheet: float = ordered(0.5, 1.0, 2.0)
    fixed: float = real(3.0, 3.0)


@outcome
class Weighed:
    strength: float = maximise(positive=True)
    tilt: float = within(-1.0, 1.0)
    depth: float = at_least(0.0)


@pytest.mark.parametrize("name", ADAPTIVE)
def test_mixed_inputs_are_searched_as_they_are(name: str):
    def weigh(one: Mixed) -> Weighed:
        bonus = 1.0 if one.metal == "steel" else 0.5
        return Weighed(
            strength=bonus * (1 + one.holes) / (1 + (one.length - 2) ** 2), tilt=one.sheet - 1.0, depth=one.length - 0.2
        )

    run = Run(square(design=Mixed, outcome=Weighed, simulate=weigh))
    proposals = list(run.go(strategy(name), 3, n=5))
    assert len(proposals) >= 11
    for proposal in proposals:
        assert type(proposal.design) is Mixed
        assert run.problem.space.designs(run.problem.space.encode([proposal.design])) == [proposal.design]


@design
class Handful:
    metal: str = choice("steel", "copper", "tin")


@outcome
class Priced:
    price: float = minimise()


@pytest.mark.parametrize("name", OWN)
def test_a_space_of_a_few_points_is_searched_to_the_end_and_then_nothing_is_asked(name: str):
    run = Run(square(design=Handful, outcome=Priced, simulate=lambda one: Priced(price=float(len(one.metal)))))
    proposals = list(run.go(strategy(name), 5))
    assert {proposal.design.metal for proposal in proposals} == {"steel", "copper", "tin"}
    assert strategy(name).ask(run.task, run.history, 1, 0) == []


def filled(name: str) -> Run:
    """Histories that a campaign meets when things go badly."""
    points = grid(5)
    match name:
        case "empty":
            return Run(square())
        case "one answer":
            return Run(square()).filled(points[:1])
        case "only failures":
            return Run(square(), fails=lambda _design: True).filled(points)
        case "failures on one side":
            return Run(square(), fails=lambda one: one.x > 0.3).filled(points)
        case "only cheap answers":
            return Run(square(fidelities=LADDER)).filled(points, "coarse")
        case "only dear answers":
            return Run(square(fidelities=LADDER)).filled(points)
        case "cheap answers, dear failures":
            run = Run(square(fidelities=LADDER)).filled(points, "coarse")
            run.fails = lambda _design: True
            return run.filled(points)
        case "constant answers":
            flat = Measured(cost=(1.0, 1.0), stress=(0.5, 0.5))
            return Run(square(simulate=lambda one: flat)).filled(points)
        case "nothing feasible":
            bad = square(simulate=lambda one: Measured(cost=(one.x, one.y), stress=(2.0 + one.x, 2.0)))
            return Run(bad).filled(points)
        case "huge and tiny answers":
            odd = square(simulate=lambda one: Measured(cost=(1e12 * one.x, 1e12 * one.y), stress=(1e-12 * one.x, 1e-12 * one.y)))
            return Run(odd).filled(points)
        case "a theory without answers":
            lost = square(theory=lambda one: {"cost": (float("nan"), one.x / 0.0), "stress": (0.0, 0.0)})
            return Run(lost).filled(points)
        case "noise":
            return Run(square(noise=Noise("unknown"))).filled(points)
    raise KeyError(name)


@pytest.mark.parametrize("asker", ADAPTIVE)
@pytest.mark.parametrize(
    "name",
    [
        "empty",
        "one answer",
        "only failures",
        "failures on one side",
        "only cheap answers",
        "only dear answers",
        "cheap answers, dear failures",
        "constant answers",
        "nothing feasible",
        "huge and tiny answers",
        "a theory without answers",
        "noise",
    ],
)
def test_a_history_that_went_badly_still_gives_a_proposal(name: str, asker: str):
    run = filled(name)
    proposals = strategy(asker).ask(run.task, run.history, 1, seed=0)
    assert proposals
    for proposal in proposals:
        run.asked(proposal)
        numbers = [*proposal.predicted.values(), (proposal.gain or 0.0,)]
        assert all(np.isfinite(number) for some in numbers for number in some)
        assert all(low <= middle <= high for middle, low, high in proposal.predicted.values())


def test_no_compiler_is_called(monkeypatch: pytest.MonkeyPatch):
    def compiled(*_given: Any, **_more: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr("torch.utils.cpp_extension.load", compiled)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # BoTorch warns of a compilation that failed
        logei._try_load_fused_kernel()
    assert logei._C is None


# ------------------------------------------------------------------------------------------------ what it is good for


def test_the_starts_come_first_and_at_the_cheapest_rung():
    run = Run(square(**RICH))
    opening = strategy("structured").ask(run.task, run.history, 4, 0)
    assert [proposal.design for proposal in opening[:2]] == list(STARTS)
    assert {proposal.fidelity for proposal in opening} == {"coarse"}
    assert {proposal.purpose for proposal in opening} == {"start"}


def test_what_was_stated_is_judged_by_the_answers():
    run = Run(square(**RICH))
    for _proposal in run.go(strategy("structured"), runs=18):
        pass
    judged = {(one.piece, one.goal): one for one in strategy("structured").review(run.task, run.history, 0).worth}
    assert set(judged) == {(piece, goal) for piece in ("theory", "coarse") for goal in ("cost", "stress")}
    # the theory gives the stress as it is, but for a tenth of one input in one of its two parts
    assert judged["theory", "stress"].explained > 0.95
    assert judged["theory", "stress"].used == 1.0


def test_a_theory_that_misleads_is_left_out_and_named():
    run = Run(square(theory=lambda point: {"cost": (9 * math.sin(40 * point.x), 9 * math.sin(40 * point.y))}))
    for _proposal in run.go(strategy("structured"), runs=10):
        pass
    (one,) = strategy("structured").review(run.task, run.history, 0).worth
    assert (one.piece, one.goal, one.used) == ("theory", "cost", 0.0)
    assert one.explained < 0


@pytest.mark.parametrize("name", ["blackbox", "sobol"])
def test_who_uses_nothing_judges_nothing(name: str):
    run = Run(square(**RICH)).filled(grid(3))
    assert strategy(name).review(run.task, run.history, 0).worth == ()


def test_the_black_box_uses_nothing_an_author_stated(monkeypatch: pytest.MonkeyPatch):
    def forbidden(point: Square) -> Any:
        raise AssertionError

    run = Run(square(**RICH | {"theory": forbidden}))
    proposals = list(run.go(strategy("blackbox"), 4, n=2))
    assert not {proposal.design for proposal in proposals} & set(STARTS)
    assert {proposal.fidelity for proposal in proposals} == {"fine"}
    seen: list[int] = []
    fit = search.fit_ladder
    monkeypatch.setattr(search, "fit_ladder", lambda told, **more: seen.append(told[0].outputs.shape[1]) or fit(told, **more))
    strategy("blackbox").ask(run.task, run.history, 1, 0)
    assert seen == [2]  # one output a goal; with parts there are four
    assert strategy("blackbox").explain(run.task) != strategy("structured").explain(run.task)


def test_gain_is_told_only_once_there_is_something_to_gain_on():
    cheap = Run(square()).filled([Square(x=0.9, y=0.9), Square(x=0.8, y=0.95), Square(x=0.95, y=0.7), Square(x=0.7, y=0.8)])
    assert cheap.best() is None
    (first,) = strategy("structured").ask(cheap.task, cheap.history, 1, 0)
    assert first.gain is None
    assert 0.0 <= first.numbers["feasible"] <= 1.0
    known = cheap.filled([Square(x=0.3, y=0.3)])
    (then,) = strategy("structured").ask(known.task, known.history, 1, 0)
    assert then.gain is not None
    assert then.gain >= 0.0
    assert set(then.predicted) == {"cost", "stress"}


def test_a_guard_is_kept_like_a_limit():
    run = Run(square()).filled(grid(8))
    guarded = Task(run.problem, run.task.setting, run.task.goals, {"stress": 0.2})
    assert guarded.margins({"cost": 1.0, "stress": 0.5})["stress"] == pytest.approx(-0.1)
    (proposal,) = strategy("structured").ask(guarded, run.history, 1, 0)
    assert max(proposal.design.x + 0.1 * proposal.design.y, proposal.design.y) <= 0.45


def test_designs_that_fail_are_left_alone():
    run = Run(square(), fails=lambda one: one.x < 0.45).filled(grid(12))  # the best design without failures has x = 0.54
    designs = [proposal.design for proposal in run.go(strategy("structured"), 2)]
    assert all(one.x >= 0.4 for one in designs)


def test_a_doubtful_design_is_tried_at_the_cheap_rung_a_known_one_at_the_dear():
    run = Run(square(fidelities=LADDER)).filled(grid(4), "coarse").filled(grid(2))
    (early,) = strategy("structured").ask(run.task, run.history, 1, 0)
    dense = [Square(x=round(i / 6, 4), y=round(j / 6, 4)) for i in range(7) for j in range(7)]
    late = Run(square(fidelities=LADDER)).filled(dense, "coarse").filled(grid(4))
    (then,) = strategy("structured").ask(late.task, late.history, 1, 0)
    assert (early.fidelity, then.fidelity) == ("coarse", "fine")
    assert 0 < early.numbers["share"] <= 1


def test_beyond_500_answers_the_best_stays_known_and_proposals_come_out_the_same():
    cube = np.random.default_rng(0).random((600, 2)).round(4).tolist()
    run = Run(square()).filled([Square(x=x, y=y) for x, y in cube])
    evidence = Evidence(run.task, run.history)
    found = search.Search(run.task, evidence, 0, ladder=("full",), parts=True, theory=True)
    best = evidence.best("full")
    assert best is not None
    known = run.problem.space.encode([run.problem.make_design(run.history.trials[best[0]].trial["design"])])
    assert (np.abs(found.incumbents.numpy() - known).max(axis=1) == 0).any()
    one, other = (strategy("structured").ask(run.task, run.history, 1, 0)[0] for _time in range(2))
    assert (one.design, one.gain, dict(one.predicted)) == (other.design, other.gain, dict(other.predicted))


def test_controls_teach_nothing():
    run = Run(square()).filled(grid(5))
    before = strategy("structured").ask(run.task, run.history, 1, 0)
    run.answered(Proposal(Square(x=0.123, y=0.456), "full", "control", ""), purpose="control")
    evidence = Evidence(run.task, run.history)
    assert len(evidence.rungs["full"].designs) == 5
    assert before[0].design != Square(x=0.123, y=0.456)


def test_the_constrained_optimum_is_found():
    run = Run(square(theory=theory, starts=STARTS))
    list(run.go(strategy("structured"), 8))
    best = run.best()
    assert best is not None
    assert best <= 1.02 * OPTIMUM


def test_no_warning_reaches_the_user():
    run = Run(square(**RICH)).filled(grid(6), "coarse").filled(grid(3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert strategy("structured").ask(run.task, run.history, 2, 0)


@pytest.mark.parametrize("scale", [1e-12, 1e9])
def test_proposals_do_not_depend_on_the_units_an_author_chose(scale: float):
    # the libraries below take 1e-6 to 1e-10 for nothing, absolutely
    def scaled(point: Square) -> Measured:
        told = simulate(point, fidelity="full")
        return Measured(cost=[scale * part for part in told.cost], stress=[scale * part for part in told.stress])

    told = []
    for problem, limit in ((square(), 0.6), (square(simulate=scaled), 0.6 * scale)):
        run = Run(problem).filled(grid(8))
        task = Task(problem, run.task.setting, with_limits(problem.goals, {"stress": limit}))
        (proposal,) = strategy("structured").ask(task, run.history, 1, 0)
        told.append(proposal)
    one, other = told
    # rounding differs, and may let the likelihood's optimiser stop a step earlier
    assert [other.design.x, other.design.y] == pytest.approx([one.design.x, one.design.y], abs=0.02)
    assert other.gain == pytest.approx(scale * (one.gain or 0.0), rel=0.05)
