"""Pools: which tasks a family gives, and that every trial of every task is journaled once, whatever interrupts it."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.errors import InputError, PlanError, SimulatorChanged, UnknownName, ValueRefused
from dure.journal import Event, History, Journal, fold
from dure.pool import Summary, draw_settings, generate
from dure.problem import find

TOY = """
    from dure import Fidelity, Problem, choice, design, minimise, outcome, real, setting
    from dure.errors import SimulationFailed

    @design
    class Throw:
        angle: float = real(5.0, 85.0, unit="deg")
        speed: float = real(1.0, 20.0, unit="m/s")

    @setting
    class Place:
        ground: str = choice("grass", "sand", "clay", "ice", default="sand")
        slope: float = real(-0.2, 0.2, default=0.0)
        wind: float = real(-5.0, 5.0, unit="m/s", default=0.0)

    @outcome
    class Landed:
        miss: float = minimise(unit="m")

    def simulate(throw: Throw, place: Place, *, fidelity: str) -> Landed:
        if throw.angle > 80:
            raise SimulationFailed("it came down on the thrower")
        return Landed(miss=abs(throw.speed**2 * throw.angle / 1000 + place.slope - 3))

    problem = Problem(
        name="toy/throw", version="1", question="How near can a throw come?", design=Throw, outcome=Landed, setting=Place,
        family=("ground", "slope"), simulate=simulate, fidelities=(Fidelity("rough", 0.1), Fidelity("fine")),
    )
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("toy") / "throw.py"
    file.write_text(textwrap.dedent(TOY), encoding="utf-8")
    return str(file)


def read(folder: Path) -> tuple[list[Event], History]:
    with Journal.open(folder, write=False) as journal:
        journal.verify()
        events = list(journal.events())
    return events, fold(events)


def told(events: list[Event]) -> Counter[str]:
    return Counter(
        str(event.payload["key"])
        for event in events
        if event.kind == "told" or (event.kind == "failed" and event.payload["final"])
    )


@pytest.fixture(scope="module")
def whole(toy: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    """A pool of 5 tasks and 12 designs each, by two workers, that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, generate(toy, folder, tasks=5, designs=12, workers=2)


def test_every_design_of_every_task_is_answered_once_or_failed_with_its_reason(whole: tuple[Path, Summary]):
    folder, summary = whole
    events, history = read(folder)
    assert (summary.tasks, summary.designs, summary.ran) == (5, 12, 60)
    assert summary.answered + summary.failed == len(history.trials) == 60
    assert set(told(events).values()) == {1}
    tasks = Counter(tuple(sorted(state.trial["setting"].items())) for state in history.trials.values())
    assert list(tasks.values()) == [12] * 5
    for state in history.trials.values():
        assert state.fidelity == "rough"  # the cheapest rung
        assert (state.reason == "no answer") == (state.trial["design"]["angle"] > 80)
        assert ("thrower" in state.detail) == (state.reason is not None)
    assert summary.failed > 0
    assert summary.cpu_seconds == pytest.approx(sum(state.cpu_seconds for state in history.trials.values()))
    assert summary.throughput == pytest.approx(60 / summary.wall_seconds)


def test_each_answer_says_where_and_with_which_code_it_was_found(whole: tuple[Path, Summary], toy: str):
    events, history = read(whole[0])
    kinds = {event.payload["hash"] for event in events if event.kind == "environment"}
    for event in events:
        if event.kind in ("told", "failed"):
            assert event.payload["code"] == history.plan["code"]
            assert event.payload["environment"] in kinds
            assert event.payload["input_hash"] == event.payload["key"]
    assert history.plan["reference"] == toy


def test_a_worker_stays_with_a_task_until_it_is_done(whole: tuple[Path, Summary]):
    events, history = read(whole[0])
    by_process: dict[Any, list[Any]] = {}
    for event in events:
        if event.kind in ("told", "failed"):
            slope = history.trials[str(event.payload["key"])].trial["setting"]["slope"]
            by_process.setdefault(event.payload["pid"], []).append(slope)
    visits = [slope for slopes in by_process.values() for slope, _trials in groupby(slopes)]
    # with 12 trials a task is not worth a second worker, so every task is visited by one worker, once
    assert sorted(visits) == sorted({state.trial["setting"]["slope"] for state in history.trials.values()})


def test_a_second_worker_helps_with_a_large_task(toy: str, tmp_path: Path):
    generate(toy, tmp_path, tasks=1, designs=80, workers=2)
    events, _history = read(tmp_path)
    assert len({event.payload["pid"] for event in events if event.kind == "told"}) == 2


def test_the_same_call_again_changes_nothing(whole: tuple[Path, Summary], toy: str):
    folder, summary = whole
    before, _history = read(folder)
    again = generate(toy, folder, tasks=5, designs=12, workers=1)
    assert read(folder)[0] == before
    assert (again.answered, again.failed, again.ran) == (summary.answered, summary.failed, 0)


def test_an_interrupted_pool_goes_on_to_the_same_answers(whole: tuple[Path, Summary], toy: str, tmp_path: Path):
    seen: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(toy, tmp_path, tasks=5, designs=12, workers=2, progress=stop)
    assert seen == [(done, 60) for done in range(1, 21)]
    kept = told(read(tmp_path)[0]).total()
    assert 20 <= kept <= 24  # what the two workers had answered in the meantime is kept as well
    seen.clear()
    rest = generate(toy, tmp_path, tasks=5, designs=12, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 60) for done in range(kept + 1, 61)]
    assert rest.ran == 60 - kept
    events, history = read(tmp_path)
    assert set(told(events).values()) == {1}

    def answers(one: History) -> dict[str, Any]:
        return {key: state.outcome and state.outcome["miss"] for key, state in one.trials.items()}

    assert answers(history) == answers(read(whole[0])[1])


@pytest.mark.parametrize("other", [{"tasks": 4}, {"designs": 13}, {"seed": 1}, {"fidelity": "fine"}])
def test_other_arguments_are_refused_by_name_and_change_nothing(whole: tuple[Path, Summary], toy: str, other: dict[str, Any]):
    folder, _summary = whole
    before, _history = read(folder)
    with pytest.raises(PlanError, match=next(iter(other))):
        generate(toy, folder, **({"tasks": 5, "designs": 12} | other))
    assert read(folder)[0] == before


def test_changed_code_is_refused(whole: tuple[Path, Summary], toy: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.modules["dure.pool.generate"], "simulator_code", lambda _problem: "other")
    with pytest.raises(SimulatorChanged, match=r"throw\.py"):
        generate(toy, whole[0], tasks=5, designs=12)


def test_a_folder_with_a_campaign_is_refused(toy: str, tmp_path: Path):
    with Journal.create(tmp_path) as journal:
        journal.append("planned", {"reference": toy, "budget": {"runs": 3}})
    with pytest.raises(PlanError, match="campaign"):
        generate(toy, tmp_path, tasks=1)


@pytest.mark.parametrize("name", ["tasks", "designs", "workers"])
def test_numbers_below_one_are_refused_by_name(toy: str, tmp_path: Path, name: str):
    with pytest.raises(ValueRefused, match=name):
        generate(toy, tmp_path, **({"tasks": 1} | {name: 0}))
    assert not any(tmp_path.iterdir())


def test_an_unknown_fidelity_is_refused_before_anything_is_written(toy: str, tmp_path: Path):
    with pytest.raises(UnknownName, match="rough"):
        generate(toy, tmp_path / "new", tasks=1, fidelity="ruogh")
    assert not (tmp_path / "new").exists()


@given(count=st.integers(1, 40), more=st.integers(0, 40), seed=st.integers(0, 2**32))
def test_tasks_differ_only_in_the_family_and_more_of_them_keep_the_first(toy: str, count: int, more: int, seed: int):
    problem = find(toy)
    settings = draw_settings(problem, count + more, seed)
    assert len(set(settings)) == count + more
    assert settings[:count] == draw_settings(problem, count, seed)
    assert {one.wind for one in settings} == {0.0}


@given(power=st.integers(2, 6), seed=st.integers(0, 2**32))
def test_options_and_ranges_are_covered_evenly(toy: str, power: int, seed: int):
    # a scrambled Sobol sequence puts one of 2^k points into each of 2^k equal parts of every axis (Owen 1995)
    settings = draw_settings(find(toy), 2**power, seed)
    assert set(Counter(one.ground for one in settings).values()) == {2**power // 4}
    places = sorted((one.slope + 0.2) / 0.4 * 2**power for one in settings)
    # six digits, as people write numbers, may round a point onto or just over the edge of its part
    assert all(part - 1e-3 <= place <= part + 1 + 1e-3 for part, place in enumerate(places))


def test_a_family_without_settings_has_one_task_and_a_discrete_one_as_many_as_it_has(tmp_path: Path):
    body = textwrap.dedent(TOY).replace(", setting=Place", "").replace('family=("ground", "slope"), ', "")
    alone = tmp_path / "alone.py"
    alone.write_text(body.replace("throw: Throw, place: Place,", "throw: Throw,").replace("place.slope", "0"), encoding="utf-8")
    assert len(draw_settings(find(str(alone)), 1, 0)) == 1
    few = tmp_path / "few.py"
    few.write_text(textwrap.dedent(TOY).replace('"ground", "slope"', '"ground",'), encoding="utf-8")
    assert {one.ground for one in draw_settings(find(str(few)), 4, 0)} == {"grass", "sand", "clay", "ice"}
    for file in (alone, few):
        with pytest.raises(InputError, match="tasks"):
            draw_settings(find(str(file)), 5, 0)


def test_a_family_of_unknown_settings_is_refused_when_the_problem_is_stated(tmp_path: Path):
    file = tmp_path / "wrong.py"
    file.write_text(textwrap.dedent(TOY).replace('"slope"), ', '"slop"), '), encoding="utf-8")
    with pytest.raises(InputError, match="slope"):
        find(str(file))
