"""The table that journals, records and other pools become: every trial once, with its units, terms and sources; and its split."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from dure.cli.pools import pool as command
from dure.errors import InputError, PoolError, UnknownName
from dure.journal import Journal, fold
from dure.pool import HELD_OUT, TRAIN, Pool, build, generate, leaks, split
from dure.pool.rows import Rows, Source, write
from dure.problem import Choice, Problem, find

pytestmark = pytest.mark.needs("pyarrow", "license_expression")

TOY = """
    from dure import Axis, Fidelity, Parts, Problem, choice, design, minimise, outcome, real, setting, sum_over
    from dure.errors import SimulationFailed

    BOUNCE = Axis("bounce", ("first", "second"))

    @design
    class Throw:
        angle: float = real(5.0, 85.0, unit="deg")
        speed: float = real(1.0, 20.0, unit="m/s")
        hand: str = choice("left", "right")

    @setting
    class Place:
        ground: str = choice("grass", "sand", "clay", "ice", default="sand")
        slope: float = real(-0.2, 0.2, default=0.0)

    @outcome
    class Landed:
        miss: Parts = minimise(sum_over(BOUNCE), unit="m")

    def simulate(throw: Throw, place: Place, *, fidelity: str) -> Landed:
        if throw.angle > 80:
            raise SimulationFailed("it came down on the thrower")
        return Landed(miss=(abs(throw.speed**2 * throw.angle / 1000 + place.slope - 3), throw.speed))

    def members(place: Place):
        return {"held": {"hand": "left"}} if place.ground == "ice" else {}

    problem = Problem(
        name="toy/throw", version="1", question="How near can a throw come?", design=Throw, outcome=Landed, setting=Place,
        members=members, held_out={"ground": ("clay",)}, simulate=simulate,
        fidelities=(Fidelity("rough", 0.1), Fidelity("fine")),
    )
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("toy") / "throw.py"
    file.write_text(textwrap.dedent(TOY), encoding="utf-8")
    return str(file)


@pytest.fixture(scope="module")
def journals(toy: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders of eight tasks each: the same tasks, and in the second half of the designs of the first."""
    root = tmp_path_factory.mktemp("journals")
    for name, designs in {"whole": 8, "half": 4}.items():
        generate(toy, root / name, tasks=8, designs=designs)
    return root / "whole", root / "half"


@pytest.fixture(scope="module")
def whole(toy: str, journals: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Pool:
    return build(toy, [journals[0]], tmp_path_factory.mktemp("pool") / "pool.parquet", licence="CC0-1.0", access="open")


def keys(pool: Pool) -> set[str]:
    return set(pool.rows(0, sum(map(len, pool.tasks)), ["key"])["key"].to_pylist())


def test_a_pool_says_what_the_journal_says(whole: Pool, journals: tuple[Path, Path], toy: str):
    with Journal.open(journals[0], write=False) as journal:
        history = fold(journal.events())
    assert keys(whole) == set(history.trials)
    assert len(whole.tasks) == 8
    for task in whole.tasks:
        answers = task.at("rough")
        assert len(answers) == len(task) == 8
        assert len(task.at()) == 0  # nothing at the top rung
        for row, key in enumerate(answers.keys):
            state = history.trials[key]
            assert state.trial["setting"] == {"ground": task.setting.ground, "slope": task.setting.slope}
            assert answers.designs[row].angle == state.trial["design"]["angle"]
            assert answers.failures[row] == state.why_failed
            expected = state.outcome["miss"] if state.outcome else [np.nan, np.nan]
            np.testing.assert_array_equal(answers.outcomes["miss"][row], expected)
    assert whole.describe()["failures"] == {
        "it came down on the thrower": sum(state.reason is not None for state in history.trials.values())
    }


def test_designs_are_encoded_by_the_task_s_own_problem(whole: Pool):
    for task in whole.tasks:
        answers = task.at("rough")
        assert answers.cube.shape == (8, 2 if task.setting.ground == "ice" else 3)  # on ice the hand is held
        np.testing.assert_array_equal(answers.cube, task.problem.space.encode(answers.designs))


def test_columns_carry_their_units(whole: Pool):
    columns = {one["name"]: one for one in whole.describe()["columns"]}
    units = {name: one["unit"] for name, one in columns.items()}
    assert units == {
        "setting.ground": "1",
        "setting.slope": "1",
        "design.angle": "deg",
        "design.speed": "m/s",
        "design.hand": "1",
        "outcome.miss": "m",
    }
    assert 5 <= columns["design.angle"]["low"] < columns["design.angle"]["high"] <= 85


def test_a_trial_of_two_sources_is_one_row_and_stays_when_one_is_withdrawn(toy: str, journals: tuple[Path, Path], tmp_path: Path):
    closed = build(toy, [journals[0]], tmp_path / "closed.parquet", licence="CC-BY-4.0", access="consortium")
    free = build(toy, [journals[1]], tmp_path / "free.parquet", licence="CC0-1.0", access="open")
    both = build(toy, [closed.path, free.path], tmp_path / "both.parquet")
    assert keys(both) == keys(closed) | keys(free)
    assert (both.access, both.licences) == ("consortium", ("CC-BY-4.0", "CC0-1.0"))
    table = both.rows(0, 64)
    terms = dict(
        zip(table["key"].to_pylist(), zip(table["licence"].to_pylist(), table["access"].to_pylist(), strict=True), strict=True)
    )
    for key, found in terms.items():
        # whoever may use the open source may use the row, whatever else holds it
        assert found == (("CC0-1.0", "open") if key in keys(free) else ("CC-BY-4.0", "consortium"))
    left = build(toy, [both.path], tmp_path / "left.parquet", without=["whole"])
    assert keys(left) == keys(free)
    assert (left.access, left.licences) == ("open", ("CC0-1.0",))
    rebuilt = build(toy, [both.path], tmp_path / "again.parquet", without=[closed.sources[0].id[:20]])
    assert keys(rebuilt) == keys(left)


@pytest.mark.parametrize(("without", "error", "match"), [(["nobody"], UnknownName, "nobody"), (["whole"], PoolError, "no rows")])
def test_a_source_that_is_not_there_cannot_be_withdrawn_nor_all_of_them(
    toy: str, whole: Pool, tmp_path: Path, without: list[str], error: type[InputError], match: str
):
    with pytest.raises(error, match=match):
        build(toy, [whole.path], tmp_path / "pool.parquet", without=without)
    assert not any(tmp_path.iterdir())


def test_a_journal_of_another_problem_and_a_table_are_refused(toy: str, journals: tuple[Path, Path], tmp_path: Path):
    other = tmp_path / "other.py"
    other.write_text(textwrap.dedent(TOY).replace('version="1"', 'version="2"'), encoding="utf-8")
    with pytest.raises(PoolError, match="another problem or version"):
        build(str(other), [journals[0]], tmp_path / "pool.parquet")
    table = tmp_path / "table.csv"
    table.write_text("angle\n1\n", encoding="utf-8")
    with pytest.raises(PoolError, match="dure pool import"):
        build(toy, [table], tmp_path / "pool.parquet")


def test_what_was_given_to_a_campaign_does_not_come_back_as_its_own_work(toy: str, journals: tuple[Path, Path], tmp_path: Path):
    with Journal.open(journals[1], write=False) as journal:
        state = next(one for one in fold(journal.events()).trials.values() if one.outcome)
    with Journal.create(tmp_path / "campaign") as journal:
        journal.append("planned", {"problem": {}})
        journal.append("given", {"rows": [{"key": state.key, "trial": dict(state.trial), "outcome": dict(state.outcome or {})}]})
    with pytest.raises(PoolError, match="past data"):
        build(toy, [tmp_path / "campaign"], tmp_path / "pool.parquet")


def test_terms_are_checked_and_unstated_ones_are_the_strictest(toy: str, journals: tuple[Path, Path], tmp_path: Path):
    made = build(toy, [journals[1]], tmp_path / "pool.parquet")
    assert (made.licences, made.access) == (("NOASSERTION",), "private")
    with pytest.raises(PoolError, match="secret"):
        build(toy, [journals[1]], tmp_path / "other.parquet", access="secret")
    done = CliRunner().invoke(
        command, ["build", toy, str(journals[1]), "--out", str(tmp_path / "x.parquet"), "--licence", "mine"]
    )
    assert isinstance(done.exception, InputError)
    assert not (tmp_path / "x.parquet").exists()


def test_the_split_keeps_every_held_out_task_from_training(whole: Pool, tmp_path: Path):
    train, held_out = split(whole.path, tmp_path)
    assert {one.setting.ground for one in held_out.tasks} == {"clay"}
    assert {one.setting.ground for one in train.tasks} == {"grass", "sand", "ice"}
    assert not keys(train) & keys(held_out)
    assert keys(train) | keys(held_out) == keys(whole)
    assert (train.path, held_out.path) == (tmp_path / TRAIN, tmp_path / HELD_OUT)
    assert train.sources[0].rows + held_out.sources[0].rows == whole.sources[0].rows
    train.check_training()
    for wrong in (held_out, whole):
        with pytest.raises(PoolError, match="clay"):
            wrong.check_training()


def filled(problem: Problem, tasks: dict[Any, list[Any]], file: Path, answer: Any) -> Pool:
    """A pool with designs by setting, answered by ``answer``."""
    rows = Rows(problem)
    for setting, designs in tasks.items():
        for design in designs:
            rows.add(problem.trial(design, setting), setting, design, {"miss": answer(setting, design)}, None)
    write(rows.table(Source("sha256:0", "test", "CC0-1.0", "open", len(rows)), reference=str(problem.source)), file)
    return Pool.read(file, problem)


def throws(problem: Problem, count: int, seed: int) -> list[Any]:
    return problem.space.designs(np.random.default_rng(seed).random((count, problem.space.columns)))


def test_a_task_under_another_name_is_a_leak(toy: str, tmp_path: Path):
    problem = find(toy)
    tasks = {problem.make_setting({"ground": name}): throws(problem, 6, 0) for name in ("sand", "clay")}
    copied = filled(problem, tasks, tmp_path / "copy.parquet", lambda _setting, design: [design.angle, design.speed])
    with pytest.raises(PoolError, match="another name"):
        split(copied.path, tmp_path / "copy")
    honest = filled(problem, tasks, tmp_path / "honest.parquet", lambda at, one: [one.angle + (at.ground == "clay"), 1.0])
    assert [len(part.tasks) for part in split(honest.path, tmp_path / "honest")] == [1, 1]


@given(step=st.sampled_from([1e-5, 1e-4, 0.002, 0.05]))
def test_a_setting_almost_held_out_is_a_leak_where_the_designs_are_the_same(
    toy: str, tmp_path_factory: pytest.TempPathFactory, step: float
):
    body = textwrap.dedent(TOY).replace('held_out={"ground": ("clay",)}', 'held_out={"slope": (0.1,)}')
    folder = tmp_path_factory.mktemp("near")
    (folder / "near.py").write_text(body, encoding="utf-8")
    problem = find(str(folder / "near.py"))
    tasks = {problem.setting(slope=slope): throws(problem, 4, 1) for slope in (0.1, 0.1 + step)}
    pool = filled(problem, tasks, folder / "pool.parquet", lambda at, design: [design.angle, at.slope])
    found = list(leaks([pool.tasks[1]], [pool.tasks[0]]))
    # the slope's range is 0.4, and a thousandth of a range is near
    assert [one.rows for one in found] == ([4] if step / 0.4 < 1e-3 else [])


def test_kin_of_a_design_stand_on_one_side(toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    body = textwrap.dedent(TOY).replace('"clay",)}', '"clay",), "hand": 0.5}')
    file = tmp_path / "kin.py"
    file.write_text(body.replace('choice("left", "right")', 'choice(*(f"hand {n}" for n in range(40)))'), encoding="utf-8")
    file.write_text(file.read_text("utf-8").replace('{"hand": "left"}', '{"hand": "hand 0"}'), encoding="utf-8")
    monkeypatch.setattr(Choice, "kin", lambda _self, value: value[-1] if value.startswith("hand") else None)
    problem = find(str(file))
    tasks = {problem.make_setting({"ground": name}): throws(problem, 60, seed) for seed, name in enumerate(("sand", "clay"))}
    pool = filled(problem, tasks, tmp_path / "pool.parquet", lambda at, design: [design.angle, len(at.ground)])
    train, held_out = split(pool.path, tmp_path / "parts")
    sides = [{design.hand[-1] for task in part.tasks for design in task.at().designs} for part in (train, held_out)]
    assert all(sides)
    assert not sides[0] & sides[1]
    train.check_training()
    with pytest.raises(PoolError, match="hand"):
        filled(
            problem, {next(iter(tasks)): throws(problem, 60, 0)}, tmp_path / "all.parquet", lambda _at, _one: [1, 2]
        ).check_training()


@pytest.mark.parametrize(
    ("given_", "match"),
    [
        ('{"grund": ("clay",)}', "grund"),
        ('{"ground": "clay"}', "tuple"),
        ('{"ground": ("mud",)}', "mud"),
        ('{"hand": 2.0}', "share"),
    ],
)
def test_a_hold_out_that_cannot_be_is_refused_when_the_problem_is_stated(tmp_path: Path, given_: str, match: str):
    file = tmp_path / "wrong.py"
    file.write_text(textwrap.dedent(TOY).replace('{"ground": ("clay",)}', given_), encoding="utf-8")
    with pytest.raises(InputError, match=match):
        find(str(file))


def test_a_family_without_hold_outs_cannot_be_split_and_no_part_may_be_empty(toy: str, whole: Pool, tmp_path: Path):
    train, _held_out = split(whole.path, tmp_path / "parts")
    with pytest.raises(PoolError, match="kept for evaluation"):
        split(train.path, tmp_path / "again")
    file = tmp_path / "none.py"
    file.write_text(textwrap.dedent(TOY).replace('held_out={"ground": ("clay",)}, ', ""), encoding="utf-8")
    problem = find(str(file))
    pool = filled(problem, {problem.setting(): throws(problem, 2, 0)}, tmp_path / "pool.parquet", lambda _at, _one: [1, 2])
    with pytest.raises(PoolError, match="held_out="):
        split(pool.path, tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("energy/fast-charge", {"cell": ("Ai2020", "Mohtat2020")}),
        ("chip/opamp", {"topology": ("folded",), "pdk": ("gf180",)}),
        ("reactor/core-loading", {"core": ("koeberg",)}),
    ],
)
def test_the_families_of_the_package_keep_whole_cells_topologies_and_cores(name: str, kept: dict[str, tuple[str, ...]]):
    pytest.importorskip({"energy": "pybamm", "chip": "scipy", "reactor": "skfem"}[name.partition("/")[0]])
    problem = find(name)
    assert problem.held_out == kept
    assert problem.describe()["held_out"] == {key: list(values) for key, values in kept.items()}
    assert not problem.holds_out(problem.setting())  # what people try first may be learned from


def test_files_that_are_no_pools_are_refused(tmp_path: Path, toy: str, whole: Pool):
    text = tmp_path / "text.parquet"
    text.write_text("no table", encoding="utf-8")
    with pytest.raises(InputError, match="text"):
        Pool.read(text)
    import pyarrow
    from pyarrow.parquet import write_table

    write_table(pyarrow.table({"key": ["a"]}), tmp_path / "table.parquet")
    with pytest.raises(PoolError, match="no pool"):
        Pool.read(tmp_path / "table.parquet")
    other = tmp_path / "other.py"
    other.write_text(textwrap.dedent(TOY).replace("toy/throw", "toy/other"), encoding="utf-8")
    with pytest.raises(PoolError, match="toy/other"):
        Pool.read(whole.path, find(str(other)))
