"""The bench's tasks are what they say, its arithmetic is right by hand, and what it keeps of peers is whole."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peers import trajectories
from benchmarks.peers.players import PEERS, Entry
from benchmarks.peers.players.base import penalised
from benchmarks.peers.relocate import bend, place, shift
from benchmarks.peers.scores import across_seeds, across_tasks, hypervolume, log_ratios, qualities, runs_to
from benchmarks.peers.suites import QUICK, all_tasks, continuous
from benchmarks.peers.suites.crashing import Region
from benchmarks.peers.tasks import Answer, Design, Reference, Task, references

TASKS = {task.name: task for task in all_tasks()}
FUNCTIONS = [task for task in TASKS.values() if not task.problem.candidates and not task.declared]
ONE = Reference(best=0.0, middle=10.0, source="by hand")

PUBLISHED = {
    "branin-2": (0.397887, 1e-6),  # Surjanovic & Bingham, Virtual Library of Simulation Experiments, as the next
    "hartmann-6": (-3.32237, 1e-5),
    "gramacy-2": (0.5998, 1e-4),  # Gramacy et al. 2016, Technometrics 58:1
    "spring-3": (0.012665, 1e-6),  # Coello Coello 2002, Comput Methods Appl Mech Eng 191:1245, and many since
    "vessel-plates": (6059.7143, 0.2),  # the same; plates in sixteenths, the other two to five figures of their range
}


def value(task: Task, design: Design) -> float:
    answer = task.truth(design) if task.exact is not None else task.run(design)
    assert answer is not None
    assert answer.worst == 0
    return answer.objectives[0]


def test_every_task_has_a_reference_and_the_quick_ones_exist():
    assert set(TASKS) <= set(references())
    assert set(QUICK) <= set(TASKS)


@pytest.mark.parametrize("name", PUBLISHED)
def test_references_are_the_published_optima(name: str):
    published, off = PUBLISHED[name]
    assert references()[name].best == pytest.approx(published, abs=off)


@pytest.mark.parametrize("task", [task for task in FUNCTIONS if task.reference.design], ids=lambda task: task.name)
def test_a_reference_is_what_its_design_gives(task: Task):
    assert value(task, task.reference.design) == pytest.approx(task.reference.best, rel=1e-9)


@pytest.mark.parametrize("name", [row[0] for row in continuous._LIST])
def test_moved_functions_have_their_reference_at_the_new_place_and_nowhere_less(name: str):
    task, function = TASKS[name], continuous.moved(name, 1 + [row[0] for row in continuous._LIST].index(name))
    assert function(function.optimum)[0] == pytest.approx(task.reference.best, abs=2e-5)
    near = function.optimum + np.random.default_rng(0).normal(scale=1e-2, size=(500, len(function.optimum)))
    far = np.random.default_rng(1).uniform(*np.array(function.bounds).T, size=(5000, len(function.optimum)))
    assert min(function(near).min(), function(far).min()) >= task.reference.best - 1e-6
    low, high = np.array(function.bounds).T
    u = (function.optimum - low) / (high - low)
    assert ((np.abs(u - 0.5) >= 0.1 - 1e-9) & (u >= 0.15) & (u <= 0.85)).all()


@pytest.mark.parametrize("task", FUNCTIONS, ids=lambda task: task.name)
def test_no_space_filling_design_beats_a_reference(task: Task):
    if len(task.goals) > 1:
        pytest.skip("fronts are compared by hypervolume")
    answers = [task.truth(one) if task.exact else task.run(one) for one in task.sample((5,), 500)]
    kept = [one.objectives[0] for one in answers if one is not None and one.worst <= 0]
    assert kept
    assert min(kept) > task.reference.best


@given(seed=st.integers(0, 10_000), d=st.integers(1, 9))
def test_places_are_nowhere_special(seed: int, d: int):
    u = place(seed, d)
    assert ((u >= 0.15) & (u <= 0.85) & (np.abs(u - 0.5) >= 0.1)).all()


@given(seed=st.integers(0, 1000), u=st.lists(st.floats(0.02, 0.98), min_size=1, max_size=5))
def test_moves_take_the_optimum_where_they_say(seed: int, u: list[float]):
    bounds = [(-3.0, 5.0)] * len(u)
    optimum = -3.0 + 8.0 * np.array(u)
    for move in (shift, bend):
        new, back = move(bounds, optimum.tolist(), seed)
        assert back(new) == pytest.approx(optimum, abs=1e-9)
    line = np.linspace(-3.0, 5.0, 50)
    bent = bend([(-3.0, 5.0)], [float(optimum[0])], seed)[1]
    there = np.array([bent(np.array([x]))[0] for x in line])
    steps = np.diff(there)
    assert (steps > 0).all() or (steps < 0).all()
    assert sorted((there[0], there[-1])) == pytest.approx([-3.0, 5.0])


def test_a_bent_optimum_at_a_side_stays_at_a_side():
    for seed in range(20):
        assert bend([(0.0, 2.0)], [2.0], seed)[0][0] in (0.0, 2.0)


def test_three_tenths_crash_and_the_optimum_does_not():
    for name, seed in (("branin-2", 1), ("hartmann-6", 4)):
        function = continuous.moved(name, seed)
        region = Region(function, seed)
        points = np.random.default_rng(0).uniform(*np.array(function.bounds).T, size=(4000, len(function.bounds)))
        assert np.mean([region(x) for x in points]) == pytest.approx(0.3, abs=0.03)
        assert not region(function.optimum)


def test_random_crashes_are_four_in_ten_and_the_same_for_everyone():
    task = TASKS["hartmann-6-crashes"]
    designs = task.sample((3,), 400)
    crashed = [task.run(one, seed=5) is None for one in designs]
    assert np.mean(crashed) == pytest.approx(0.4, abs=0.08)  # three standard errors
    assert crashed == [task.run(one, seed=5) is None for one in designs]
    assert crashed != [task.run(one, seed=6) is None for one in designs]


def test_noise_is_five_per_cent_of_the_spread_and_the_same_for_everyone():
    task = TASKS["hartmann-6-noisy"]
    design = task.starts(0)[0]
    seen = np.array([task.run(design, seed).objectives[0] for seed in range(400)])
    reference = task.reference
    assert seen.std() / (reference.middle - reference.best) == pytest.approx(0.05, rel=0.15)
    assert seen.mean() == pytest.approx(task.truth(design).objectives[0], abs=4 * seen.std() / 20)
    assert task.run(design, 7) == task.run(design, 7)


# ------------------------------------------------------------------------------------------------ arithmetic
def test_qualities_by_hand():
    run = {"y": [12.0, None, 5.0, 8.0, 0.4]}
    assert qualities(run, ONE) == pytest.approx([-0.2, -0.2, 0.5, 0.5, 0.96])
    assert qualities({"y": [None, 1.0]}, ONE) == [-math.inf, 0.9]
    assert qualities({"y": [0.1, 3.0], "noisy": True}, ONE) == pytest.approx([0.99, 0.7])


def test_hypervolume_by_hand():
    assert hypervolume([(1.0, 2.0), (2.0, 1.0)], (3.0, 3.0)) == pytest.approx(3.0)
    assert hypervolume([], (3.0, 3.0)) == 0.0
    front = qualities({"y": [[4.0, 0.0], [1.0, 2.0], None, [2.0, 1.0]]}, Reference(-4.0, 0.0, ""), (3.0, 3.0))
    assert front == pytest.approx([0.0, 0.5, 0.5, 0.75])


def test_runs_count_until_a_mark_is_kept():
    assert runs_to(0.95, [0.1, 0.96, 0.97]) == 2
    assert runs_to(0.95, [0.99, 0.9, 0.96]) == 3, "a recommendation that is taken back does not count"
    assert runs_to(0.95, [0.1, 0.2]) == 3, "censored runs are the budget and one"
    assert runs_to(0.95, [0.99]) == 1
    assert runs_to(0.95, [-math.inf, math.nan]) == 3


def test_ratios_are_paired_by_seed_and_tasks_count_alike():
    logs = log_ratios({0: 20, 1: 40, 7: 3}, {1: 10, 0: 10, 2: 1})
    assert np.exp(logs) == pytest.approx([2.0, 4.0])
    mean, low, high = across_seeds([np.log([2.0, 2.0, 2.0]), np.log([8.0])])
    assert (mean, low, high) == pytest.approx((4.0, 4.0, 4.0))
    mean, low, high = across_tasks([np.log([2.0, 2.0]), np.log([8.0])])
    assert mean == pytest.approx(4.0)
    assert (low, high) == pytest.approx((2.0, 8.0))


def test_penalties_are_worse_than_any_kept_design_and_grow():
    def answer(y: float, off: float) -> Answer:
        return Answer({}, (y,), (off,))

    told = [({}, answer(1.0, -1.0)), ({}, answer(3.0, 0.0)), ({}, answer(-9.0, 0.1)), ({}, answer(-9.0, 5.0)), ({}, None)]
    one, three, little, much, crash = (values[0] for values in penalised(told))
    assert (one, three) == (1.0, 3.0)
    assert three < little < much < crash


# ------------------------------------------------------------------------------------------------ what is kept
class Echo:
    """Repeats the first design it was told."""

    rung = ""
    notes: Mapping[str, object] = {}

    def __init__(self, task: Task) -> None:
        self.told: list[tuple[Design, Answer | None]] = []

    def ask(self) -> Design:
        return self.told[0][0]

    def tell(self, design: Design, answer: Answer | None) -> None:
        self.told.append((design, answer))

    def recommended(self) -> Design:
        return self.told[0][0]


def test_a_player_is_told_the_starts_first_and_meets_new_noise_each_time(monkeypatch: pytest.MonkeyPatch):
    task, echo = TASKS["branin-2-noisy"], Echo(TASKS["branin-2-noisy"])
    monkeypatch.setattr(Entry, "make", lambda self, task, seed: echo)
    run = trajectories.play(PEERS["random"], task, 3)
    starts = task.starts(3)
    assert [design for design, _answer in echo.told[: len(starts)]] == starts
    assert len(echo.told) == task.budget
    assert len({answer.objectives for design, answer in echo.told if design == starts[0]}) == 1 + task.budget - len(starts)
    assert run["y"] == pytest.approx([task.truth(starts[0]).objectives[0]] * len(run["y"]), rel=1e-6)
    assert len(trajectories.whole(run, task)["y"]) == task.budget


def test_trajectories_are_kept_and_read_back(tmp_path: Path):
    entry, task = PEERS["random"], TASKS["gramacy-2"]
    run = trajectories.play(entry, task, 0)
    trajectories.append(run, entry, "1", tmp_path)
    assert list(trajectories.load(entry, "1", tmp_path)) == [json.loads(json.dumps(run))]
    assert list(trajectories.load(entry, "2", tmp_path)) == []


@pytest.mark.parametrize("entry", PEERS.values(), ids=PEERS)
def test_what_is_kept_of_peers_is_whole(entry: Entry):
    runs = [run for run in trajectories.load(entry, entry.pinned) if run["task"] in TASKS]
    assert len({(run["task"], run["definition"], run["seed"]) for run in runs}) == len(runs)
    for run in runs:
        task = TASKS[run["task"]]
        assert run["definition"] == task.definition, f"{task.name} has changed: collect {entry.name} again"
        assert len(run["y"]) == len(run["cpu"]) == task.budget - len(task.starts(run["seed"]))
        assert all(run["y"][number] is None for number in run["failed"]) or task.noisy
        assert all(run["y"][int(number)] is None for number in run["worst"])
        seen = [one for one in run["y"] if one is not None]
        assert len(task.goals) > 1 or not seen or min(seen) >= task.reference.best - 1e-4 * abs(task.reference.best)


@pytest.mark.parametrize("name", ["random", "optuna-tpe", "nevergrad"])
def test_seeds_of_light_peers_differ(name: str):
    runs = [run["y"] for run in trajectories.load(PEERS[name], PEERS[name].pinned) if run["task"] == "hartmann-6"]
    assert len(runs) >= 20
    assert Counter(map(str, runs)).most_common(1)[0][1] == 1
