"""reactor/core-loading: inventories are kept, answers are those of the diffusion solver, and vanished gains are refuted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dure.campaign import Campaign, make_plan
from dure.canonical import canonical
from dure.domains.reactor import core_loading
from dure.domains.reactor.diffusion import solve_core
from dure.domains.reactor.library import CORES, Core, find_core
from dure.domains.reactor.loading import SETS, loading_class, places, published, standing
from dure.errors import ValueRefused
from dure.journal import fold
from dure.problem import Arranged, Map, Problem, Theory, find, values_of, view_of
from dure.report import verify, write_report
from tests.fast import coarse_core
from tests.fast.cores import FUEL, WATER, small, two_groups, write_core
from tests.fast.report_campaigns import Here

FAMILY = "reactor/core-loading"


def member(core: str, name: str = FAMILY) -> tuple[Problem, Any]:
    family = find(name)
    setting = family.make_setting({"core": core})
    return family.under(setting), setting


def whole(core: Core, grid: np.ndarray[Any, Any]) -> Counter[str]:
    """Fuel of the whole core, by mirroring the quarter."""
    rows = np.abs(np.arange(1 - len(grid), len(grid)))
    return Counter(str(kind) for kind in grid[np.ix_(rows, rows)].ravel() if kind in core.fuel)


@pytest.mark.parametrize("name", CORES)
def test_every_loading_uses_exactly_the_fuel_of_the_whole_core(name: str):
    core, problem = find_core(name), member(name)[0]
    fixed = [at for at in places(core) if core.map[at[0]][at[1]] in core.fixed]
    for design in problem.space.designs(np.random.default_rng(1).uniform(size=(20, problem.space.columns))):
        grid = standing(core, design)
        assert whole(core, grid) == whole(core, core.grid)
        assert (grid == grid.T).all()
        assert grid[0, 0] == core.map[0][0]
        assert all(grid[at] == core.grid[at] for at in fixed)
        assert ((grid == core.grid) | np.isin(core.grid, core.fuel)).all()  # nothing but fuel moves


def test_places_stand_as_often_as_they_do_in_the_whole_core():
    # 193 assemblies of BIBLIS, 177 of IAEA, 157 of Koeberg
    assert [sum(places(find_core(name)).values()) for name in CORES] == [193, 177, 157]


def test_tokens_are_constants_of_the_fuel_and_no_names():
    core = find_core("koeberg")
    spec: Arranged = loading_class(core).__dataclass_fields__["eights"].metadata["dure"]
    for kind, told in spec.tokens.items():
        material = core.materials[kind]
        assert told["nu_fission_4"] == material.nu_fission[3]
        assert told["scatter_4_3"] == material.scatter[3][2]  # up
        assert told["k_infinity"] == pytest.approx(material.k_infinity())
    assert spec.tokens_of().shape == (len(spec.kinds), 1 + 3 * 4 + 4 * 3)


@pytest.mark.parametrize("name", CORES)
def test_the_published_loading_answers_with_the_published_core(name: str):
    problem, setting = member(name)
    (start,) = problem.starts
    answer = problem.answer(start, setting, fidelity="n2", seed=0)
    solved = solve_core(find_core(name), 2)
    assert answer.outcome.reactivity == pytest.approx(solved.reactivity, abs=1e-3)
    assert max(answer.outcome.power) == pytest.approx(solved.power.max(), abs=1e-6)
    assert (answer.outcome.reserve, answer.outcome.relief) == (0.0, 0.0)
    weights = list(places(find_core(name)).values())
    assert np.average(answer.outcome.power, weights=weights) == pytest.approx(1.0, rel=1e-6)
    assert len(answer.outcome.power) == len(problem.measures["power"].axis.labels)
    (shown,) = answer.views
    assert isinstance(shown, Map)
    assert view_of(shown.plain()) == shown
    assert canonical(shown.plain())
    assert shown.marks[0][0] == find_core(name).map[0][0]


def test_exchanging_fuel_of_one_kind_is_no_exchange():
    # two loadings that differ by a swap of equals are one design, and its mirror image is the same core by construction
    problem, setting = member("biblis")
    (start,) = problem.starts
    plain = values_of(start)
    again = problem.make_design(plain)
    assert again == start
    assert problem.trial(again, setting).key == problem.trial(start, setting).key


def test_a_user_core_works_by_a_setting_and_its_closed_places_are_rules(tmp_path: Path):
    more = '\n[loading]\nforbidden = [{material = "b", places = ["1.2", "2.3"]}]\n'
    rows = ["a a b w", "a b a w", "b a w w", "w w w 0"]
    problem, setting = member(str(write_core(tmp_path, rows, two_groups(FUEL | WATER), ["a", "b"], more=more)))
    (rule,) = problem.rules
    assert rule.name == "where_b_stands"
    (start,) = problem.starts
    assert problem.broken_rule(start) is None
    for design in problem.space.designs(np.random.default_rng(0).uniform(size=(40, problem.space.columns))):
        stands = dict(zip(SETS, (getattr(design, name, ()) for name in SETS), strict=True))
        assert (problem.broken_rule(design) is None) == (stands["fours"][0] != "b" and stands["eights"][0] != "b")
    assert problem.answer(start, setting, fidelity="n2", seed=0).outcome.reserve == 0.0
    assert "safety stage" in problem.hazards[-1]
    assert [check.name for check in problem.checks] == ["finer mesh"]


def test_cores_without_a_loading_are_refused(tmp_path: Path):
    lopsided = write_core(tmp_path / "a", ["a b", "a w"], two_groups(FUEL | WATER), ["a", "b"])
    alike = write_core(tmp_path / "b", ["a a", "a a"], two_groups(FUEL), ["a", "b"])
    for path, says in ((lopsided, "laid out by octants"), (alike, "no two kinds of fuel")):
        with pytest.raises(ValueRefused, match=says):
            member(str(path))


def test_buckling_beside_the_cores_own_costs_reactivity(tmp_path: Path):
    family = find(FAMILY)
    told = []
    for buckling in (0.0, 1e-4):
        setting = family.make_setting({"core": str(small(tmp_path)), "buckling": buckling})
        problem = family.under(setting)
        told.append(problem.answer(problem.starts[0], setting, fidelity="n2", seed=0).outcome.reactivity)
    assert told[1] < told[0] - 100


def test_boron_costs_what_it_is_worth_and_needs_two_groups():
    family = find(FAMILY)
    told = []
    for boron in (0.0, 100.0):
        setting = family.make_setting({"boron": boron})
        problem = family.under(setting)
        told.append(problem.answer(problem.starts[0], setting, fidelity="n2", seed=0).outcome.reactivity)
    assert -12 < (told[1] - told[0]) / 100 < -5  # pcm a ppm, of a PWR
    with pytest.raises(ValueRefused, match="known for two groups, and this core has 4"):
        family.under(family.make_setting({"core": "koeberg", "boron": 100.0}))


def test_a_gain_that_vanishes_on_a_finer_mesh_is_refuted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # on one element a side the second candidate beats the published loading, on eight it does not
    monkeypatch.setitem(core_loading._ELEMENTS, "n2", 1)
    plan = make_plan(coarse_core.__file__, setting=coarse_core.SETTING, strategy_name="random")
    with Campaign.begin(tmp_path / "run", plan) as campaign:
        ends = campaign.run(executor=Here(10**6))
        history, task = fold(campaign.journal.events()), campaign.task
    winner = history.trials[ends["winner"]]
    assert task.problem.make_design(winner.trial["design"]) == task.problem.candidates[1]
    assert winner.outcome["relief"] > 0
    check = history.trials[ends["checks"]["finer mesh"]["key"]]
    assert check.outcome["relief"] < 0
    assert (ends["verdict"], ends["because"]) == ("refuted", "a required check failed")
    page = write_report(tmp_path / "run").read_text(encoding="utf-8")
    assert "Benchmark physics, not licensing" in page
    assert "cycle length are not modelled" in page
    assert page.count("less baseline") >= 1  # the map of differences
    assert any("claims were recomputed" in text for text in verify(tmp_path / "run"))


@pytest.mark.parametrize("name", CORES)
def test_theory_tells_loadings_apart_as_the_solver_does(name: str):
    problem, setting = member(name)
    said = Theory(problem, setting, ("power", "reserve"))
    cube = problem.space.snap(np.random.default_rng(2).uniform(size=(8, problem.space.columns)))
    cube[0] = problem.space.encode(problem.starts)[0]
    found = said(cube)
    outcomes = [problem.answer(one, setting, fidelity="n2", seed=0).outcome for one in problem.space.designs(cube)]
    power, reserve = np.array([one.power for one in outcomes]), np.array([one.reserve for one in outcomes])
    assert found[0, -1] == pytest.approx(0.0, abs=1.0)  # of the published loading, whose modes these are
    # a twentieth of what loadings differ by: places next to the reflector are the worst
    assert np.log(found[:, :-1] / power).std() < 0.12 * np.log(power).std()
    assert np.abs(found[:, -1] - reserve).max() < 0.1 * np.ptp(reserve)


def test_a_trade_off_has_two_objectives_and_the_same_physics():
    problem, setting = member("biblis", "reactor/core-trade-off")
    assert [name for name, goal in problem.goals.items() if goal.is_objective] == ["power", "reserve"]
    one, _setting = member("biblis")
    (start,) = problem.starts
    told, other = (p.answer(start, setting, fidelity="n2", seed=0).outcome for p in (problem, one))
    assert told.power == other.power
    assert published(find_core("biblis")) == start
