"""Generations that evolve: replayed from the history whatever happened to it, and as good as the libraries that breed them."""

from __future__ import annotations

import math
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import cma
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.campaign import Budget, Campaign, Loop, make_plan
from dure.campaign.front import undominated
from dure.campaign.plan import CHEAP
from dure.errors import PlanError
from dure.journal import Event, History
from dure.problem import Problem, at_most, choice, design, minimise, ordered, outcome, real, values_of
from dure.strategy import Evidence, Proposal, Task, evolution, strategy, suited
from dure.strategy.front import hypervolume
from tests.fast import tank_of_two
from tests.fast.bowls import BOWL
from tests.fast.report_campaigns import Here
from tests.fast.squares import OPTIMUM, RICH, STARTS, Run, Square, square

NAMES = ("cma-es", "nsga-ii")


class Kept(Run):
    """A campaign in memory that can be folded again."""

    def add(self, kind: str, payload: dict[str, Any]) -> None:
        self.told = [*getattr(self, "told", []), (kind, payload)]
        super().add(kind, payload)

    def folded(self) -> Run:
        fresh = Run(self.problem)
        for kind, payload in self.told[1:]:
            fresh.add(kind, payload)
        return fresh

    def under_way(self) -> list[str]:
        return [state.key for state in self.history.unanswered()]

    def tell(self, key: str) -> None:
        point = self.problem.make_design(self.history.trials[key].trial["design"])
        if self.fails(point):
            self.add("failed", {"key": key, "reason": "no answer", "final": True})
        else:
            self.add(
                "told", {"key": key, "outcome": values_of(self.problem.answer(point, None, fidelity="full", seed=0).outcome)}
            )


def plain(run: Run, name: str, n: int) -> list[tuple[Any, ...]]:
    return [
        (one.design, one.fidelity, one.purpose, one.why, one.numbers) for one in strategy(name).ask(run.task, run.history, n, 0)
    ]


# -------------------------------------------------------------------------------------------------------- the replay


@settings(max_examples=10, deadline=None)
@given(name=st.sampled_from(NAMES), dice=st.randoms(use_true_random=False))
def test_what_is_remembered_says_what_a_replay_from_the_start_says(name: str, dice: random.Random):
    run = Kept(square(**{**RICH, "fidelities": square().fidelities, "simulate": flat}), fails=lambda one: one.x > 0.8)
    for _step in range(40):
        match dice.choice(("ask", "ask", "tell", "tell", "own", "planned", "guarded")):
            case "ask":
                for proposal in strategy(name).ask(run.task, run.history, dice.randint(1, 6), 0):
                    run.asked(proposal)
            case "tell":
                for key in dice.sample(run.under_way(), k=dice.randint(0, len(run.under_way()))):
                    run.tell(key)
            case "own":
                own = Square(x=round(dice.random(), 3), y=round(dice.random(), 3))
                if run.problem.trial(own, run.task.setting).key not in run.history.trials:
                    run.answered(Proposal(own, "full", "search", ""))
            case "planned" if dice.random() < 0.2:
                run.add("planned", {})
            case "guarded" if dice.random() < 0.2:
                run.task = Task(run.problem, run.task.setting, run.task.goals, {"stress": dice.choice((0.0, 0.1))})
        again = run.folded()
        again.task = run.task
        assert plain(run, name, 8) == plain(again, name, 8)


def flat(point: Square) -> Any:
    return {"cost": ((1 - point.x) ** 2, (1 - point.y) ** 2), "stress": (point.x + 0.1 * point.y, point.y)}


@pytest.mark.parametrize("name", NAMES)
def test_how_many_workers_answer_and_in_which_order_makes_no_difference(name: str):
    designs = []
    for workers in (1, 7):
        run = Kept(square(simulate=flat), fails=lambda one: one.y > 0.9)
        dice = random.Random(workers)
        while len(run.history.trials) < 90:
            for proposal in strategy(name).ask(run.task, run.history, max(1, workers - len(run.under_way())), 0):
                run.asked(proposal)
            run.tell(dice.choice(run.under_way()))
        designs.append([state.trial["design"] for state in run.history.trials.values()][:90])
    assert designs[0] == designs[1]


@pytest.mark.parametrize("name", NAMES)
def test_an_ask_looks_at_the_present_generation_only(name: str, monkeypatch: pytest.MonkeyPatch):
    run = Run(square(simulate=flat))
    list(run.go(strategy(name), 150))
    looked: list[int] = []
    judged = evolution._Course._judged
    monkeypatch.setattr(evolution._Course, "_judged", lambda course, states: looked.append(len(states)) or judged(course, states))
    list(run.go(strategy(name), 20))
    assert sum(looked) <= 20 + 30  # as many as were answered, and the generation that had begun


def test_while_a_generation_waits_nothing_is_asked():
    run = Kept(square(simulate=flat))
    first = strategy("cma-es").ask(run.task, run.history, 100, 0)
    for proposal in first:
        run.asked(proposal)
    assert strategy("cma-es").ask(run.task, run.history, 1, 0) == []
    run.tell(run.under_way()[0])
    assert strategy("cma-es").ask(run.task, run.history, 1, 0) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_interrupted_campaign_goes_on_as_if_it_had_not_been(name: str, tmp_path: Path):
    class Enough(Exception):
        pass

    def stop(event: Event, history: History) -> None:
        if event.kind == "told" and len(history.trials) in (7, 31):
            raise Enough

    (tmp_path / "bowl.py").write_text(BOWL)
    plan = make_plan(str(tmp_path / "bowl.py"), strategy_name=name, budget=Budget(runs=60), control_runs=0)
    asked = []
    for folder, watcher in (("whole", None), ("in parts", stop)):
        with Campaign.begin(tmp_path / folder, plan, watcher=watcher) as campaign, suppress(Enough):
            campaign.run(executor=Here())
        while campaign.history.conclusion is None:
            with Campaign.resume(tmp_path / folder, watcher=watcher) as campaign, suppress(Enough):
                campaign.run(executor=Here())
        asked.append([state.trial["design"] for state in campaign.history.in_plan("start", "search")])
    assert len(asked[0]) == 60
    assert asked[0] == asked[1]


@design
class Place:
    a: float = real(-2.0, 2.0)
    b: float = real(-2.0, 2.0)
    c: float = real(-2.0, 2.0)
    d: float = real(-2.0, 2.0)


@outcome
class Height:
    height: float = minimise()


@design
class Shelf:
    place: float = ordered(*range(22))


@pytest.mark.parametrize("name", NAMES)
def test_line_after_line_begins_until_nothing_is_left(name: str):
    run = Run(square(design=Shelf, outcome=Height, simulate=lambda one: Height(height=-one.place)))
    assert len(list(run.go(strategy(name), 60))) == 22
    assert strategy(name).ask(run.task, run.history, 1, 0) == []


# ----------------------------------------------------------------------------------------------------- what begins it


def test_the_first_generation_begins_with_textbook_starts_and_what_was_known_best():
    run = Run(square(simulate=flat, starts=STARTS)).filled([Square(x=0.5, y=0.5), Square(x=0.01, y=0.02), Square(x=0.9, y=0.9)])
    run.add("planned", {})
    course = evolution._Course(strategy("cma-es"), run.task, 0, 2, evolution._before(run.task, run.history))
    assert course._designs[:4] == [*STARTS, Square(x=0.5, y=0.5), Square(x=0.01, y=0.02)]  # 0.9, 0.9 breaks a limit
    opening = strategy("cma-es").ask(run.task, run.history, 100, 0)
    assert [one.design for one in opening[:2]] == list(STARTS)
    assert [one.purpose for one in opening[:3]] == ["start", "start", "search"]
    assert Square(x=0.5, y=0.5) not in [one.design for one in opening]  # it costs nothing again


def test_many_runs_are_evolved_few_are_modelled():
    tank, plain_square = Run(tank_of_two.problem).task, Run(square()).task
    assert suited(plain_square, 2000) == suited(plain_square, None) == "structured"
    assert suited(plain_square, 2001) == "cma-es"
    assert suited(tank, 2001) == "nsga-ii"
    assert suited(Run(square(candidates=STARTS)).task, 2001) == "structured"
    assert suited(Run(steps()).task, 2001) == "nsga-ii"


def test_the_plan_names_what_was_chosen_and_says_why():
    plan = make_plan(str(tank_of_two.HERE), budget=Budget(runs=5000))
    assert plan["strategy"] == "nsga-ii"
    assert plan["explanation"] == [CHEAP, *strategy("nsga-ii").explain(Run(tank_of_two.problem).task)]
    assert CHEAP not in make_plan(str(tank_of_two.HERE), strategy_name="nsga-ii", budget=Budget(runs=5000))["explanation"]


def test_what_cannot_be_served_is_refused_before_a_plan_is_written():
    with pytest.raises(PlanError, match="nsga-ii"):
        make_plan(str(tank_of_two.HERE), strategy_name="cma-es")
    for name in NAMES:
        listed = Run(square(candidates=STARTS))
        with pytest.raises(PlanError, match="candidates"):
            strategy(name).explain(listed.task)


# ------------------------------------------------------------------------------------------------- what it is good for


BOTTOM = np.array([0.7312, -1.1043, 0.2207, -0.4519])


def bowl(point: Place) -> Height:
    return Height(height=float(((np.array([point.a, point.b, point.c, point.d]) - BOTTOM) ** 2).sum()))


def test_cma_es_needs_as_many_runs_as_the_library_by_itself():
    ratios = []
    for seed in range(4):
        search = cma.CMAEvolutionStrategy([0.5] * 4, 0.25, {"bounds": [0, 1], "seed": seed + 1, "verbose": -10})
        alone, best = 0, math.inf
        while best > 1e-6:
            points = search.ask()
            values = [float(((4 * point - 2 - BOTTOM) ** 2).sum()) for point in points]
            search.tell(points, values)
            alone, best = alone + len(points), min(best, *values)
        run, best = Run(square(design=Place, outcome=Height, simulate=bowl)), math.inf
        while best > 1e-6:
            best = min([best, *(bowl(one.design).height for one in run.go(strategy("cma-es"), 1, seed=seed))])
        ratios.append(len(run.history.trials) / alone)
    assert math.exp(np.log(ratios).mean()) == pytest.approx(1.0, abs=0.2)


def test_cma_es_finds_an_optimum_where_two_limits_hold():
    run = Run(square(simulate=flat))
    list(run.go(strategy("cma-es"), 400))
    assert run.best() == pytest.approx(OPTIMUM, rel=1e-3)


@outcome
class Two:
    left: float = minimise()
    right: float = minimise()


def zdt1(point: Place) -> Two:
    """ZDT1 (Zitzler, Deb and Thiele 2000, doi:10.1162/106365600568202) over four inputs; the front is right = 1 - sqrt(left)."""
    a, *others = (np.array([point.a, point.b, point.c, point.d]) + 2) / 4
    far = 1 + 9 * float(np.mean(others))
    return Two(left=float(a), right=far * (1 - math.sqrt(a / far)))


def test_nsga_ii_covers_a_front_known_in_closed_form():
    run = Run(square(design=Place, outcome=Two, simulate=zdt1))
    list(run.go(strategy("nsga-ii"), 1200))
    points = np.array([[one.outcome["left"], one.outcome["right"]] for one in run.history.trials.values() if one.outcome])
    whole = 0.1 + 2 / 3 + 0.11  # the integral of 1.1 - (1 - sqrt(x)) from 0 to 1, and the strip from 1 to 1.1
    assert 0.98 * whole <= hypervolume(points[undominated(points)], np.array([1.1, 1.1])) <= whole


def test_the_front_of_nsga_ii_keeps_the_limits():
    loop = Loop(tank_of_two.problem, strategy="nsga-ii", limits={"tall": 0.5})
    for _round in range(500):
        for wish in loop.ask():
            loop.tell(wish, tank_of_two.simulate(wish.design, loop.task.setting))
    shares = []
    for tank in loop.front():
        assert tank.height <= tank.radius
        # among heights up to the radius the radius is best: volume pi r^3 for a surface of 4 pi r^2
        surface, volume = 2 * math.pi * tank.radius * (tank.radius + tank.height), math.pi * tank.radius**2 * tank.height
        shares.append(volume / (math.pi * (surface / (4 * math.pi)) ** 1.5))
    assert len(shares) > 20
    assert max(shares) <= 1 + 1e-9
    assert np.median(shares) >= 0.97


@design
class Steps:
    a: str = choice("p", "q", "r", "s", "t", "u")
    b: str = choice("p", "q", "r", "s", "t", "u")
    c: str = choice("p", "q", "r", "s", "t", "u")
    d: float = ordered(1, 2, 3, 5, 8, 13)
    e: float = real(0.0, 1.0)


@outcome
class Weight:
    weight: float = minimise()
    slack: float = at_most(0.5)


def steps(**changed: Any) -> Problem:
    shuffled = {name: [3, 0, 5, 1, 4, 2] for name in "abc"}  # names have no order, and no lucky place

    def simulate(one: Steps) -> Weight:
        level = sum(shuffled[name]["pqrstu".index(getattr(one, name))] for name in "abc")
        return Weight(weight=level + abs(one.d - 5) + (one.e - 0.3) ** 2, slack=one.e)

    return square(**{"design": Steps, "outcome": Weight, "simulate": simulate} | changed)


def test_names_and_steps_are_bred_to_their_best():
    run = Run(steps())
    list(run.go(strategy("nsga-ii"), 600))  # of 1,296 combinations and a real input
    found = Evidence(run.task, run.history).best("full")
    assert found is not None
    best = run.history.trials[found[0]].trial["design"]
    assert (best["a"], best["b"], best["c"], best["d"]) == ("q", "q", "q", 5.0)
    assert found[1]["weight"] < 0.01
