"""A problem that is stated otherwise under the same version: what was written before is refused, never read as something else."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dure.campaign import Campaign
from dure.campaign.plan import make_plan
from dure.cli.models import model as models
from dure.cli.pools import pool as pools
from dure.errors import InputError, PoolError, UnknownName
from dure.journal import TrialState
from dure.models import Card, cards, check_fits, fits, unreadable
from dure.pool import Imported, Pool, build, generate, import_table, split
from dure.problem import find

pytestmark = pytest.mark.needs("pyarrow", "license_expression")

KILN = """
    from dure import Problem, choice, design, maximise, minimise, outcome, real, setting
    from dure.errors import SimulationFailed

    @design
    class Firing:
        heat: float = real(800.0, 1200.0, unit="degC")
        hours: float = real(1.0, 10.0, unit="h")

    @setting
    class Clay:
        kind: str = choice("red", "white", default="red")
        water: float = real(0.0, 0.3, default=0.1)

    @outcome
    class Fired:
        porosity: float = minimise(unit="percent")

    def simulate(firing, clay):
        if firing.heat > 1150:
            raise SimulationFailed("it melted")
        return Fired(porosity=30 - firing.heat / 60 + firing.hours + clay.water)

    problem = Problem(
        name="toy/kiln", version="1", question="How dense does it get?", design=Firing, outcome=Fired, setting=Clay,
        simulate=simulate,
    )
"""
RESTATED = {
    "unit": ('heat: float = real(800.0, 1200.0, unit="degC")', 'heat: float = real(1000.0, 1500.0, unit="kelvin")'),
    "name": ("heat", "temperature"),
    "range": ("real(800.0, 1200.0", "real(800.0, 900.0"),
    "outcome's unit": ('minimise(unit="percent")', "minimise()"),
}


def stated(folder: Path, *change: str) -> str:
    folder.mkdir(exist_ok=True)
    file = folder / "kiln.py"
    text = textwrap.dedent(KILN)
    file.write_text(text.replace(*change) if change else text, encoding="utf-8")
    return str(file)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kiln")
    generate(stated(folder), folder / "journal", tasks=2, designs=12)
    build(stated(folder), [folder / "journal"], folder / "pool.parquet")
    return folder


@pytest.mark.parametrize(
    ("which", "told"),
    [
        ("unit", "has design.heat in degC, and toy/kiln states it in kelvin"),
        ("name", "has design.heat, which toy/kiln does not state"),
        ("range", r"lies outside \[800.0, 900.0\]"),
        ("outcome's unit", "has outcome.porosity in percent, and toy/kiln states it in 1"),
    ],
)
def test_a_pool_of_another_statement_is_refused(drawn: Path, tmp_path: Path, which: str, told: str):
    new = stated(tmp_path, *RESTATED[which])
    with pytest.raises(PoolError, match=told):
        build(new, [drawn / "pool.parquet"], tmp_path / "pool.parquet")


@pytest.mark.parametrize("which", ["unit", "outcome's unit"])
def test_a_journal_in_another_unit_is_refused(drawn: Path, tmp_path: Path, which: str):
    with pytest.raises(PoolError, match="state the unit as it was"):
        build(stated(tmp_path, *RESTATED[which]), [drawn / "journal"], tmp_path / "pool.parquet")


def test_failures_keep_the_simulator_s_words(drawn: Path):
    told = Pool.read(drawn / "pool.parquet").describe()["failures"]
    assert set(told) == {"it melted"}


def test_where_files_lie_and_what_crashed_stays_out_of_pools():
    def told(reason: str, detail: str) -> str | None:
        return TrialState("key", {}, "search", 0, 0, reason=reason, detail=detail).why_failed

    assert (
        told("no answer", "no mesh: /home/kim/secret/in.msh at 3 m/s, 3/4 of it\nlast words")
        == "no mesh: in.msh at 3 m/s, 3/4 of it"
    )
    assert told("crash", "Traceback ...\nFileNotFoundError: '/home/kim/secret'") == "crash"
    assert told("no answer", "") == "no answer"


def test_a_pool_whose_problem_moved_says_how_to_go_on(drawn: Path, tmp_path: Path):
    there = stated(drawn / "elsewhere")
    build(there, [drawn / "journal"], tmp_path / "moved.parquet")
    Path(there).unlink()
    with pytest.raises(PoolError, match="dure pool build PROBLEM"):
        Pool.read(tmp_path / "moved.parquet")
    here = stated(tmp_path)
    build(here, [tmp_path / "moved.parquet"], tmp_path / "new.parquet")
    assert str(Pool.read(tmp_path / "new.parquet").problem.source) == here


def card_of(reference: str, folder: Path, name: str = "one") -> Card:
    problem = find(reference)
    outputs = {goal: one.measure.width for goal, one in problem.goals.items()}
    said = {"stated": problem.stated_for_priors(), "sha256": "0" * 64}
    return Card(name, "family prior", "toy/kiln", "1", problem.read_by_priors, outputs, "full", {}, "", "open", 0, **said)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (RESTATED["unit"], "learned design.heat as kind real, low 800.0, high 1200.0, log False, unit degC"),
        (RESTATED["name"], "with inputs heat, hours and outputs porosity, not of"),
        (RESTATED["range"], "states kind real, low 800.0, high 900.0"),
        (RESTATED["outcome's unit"], "learned outcome.porosity as unit percent"),
        (("minimise(", "maximise("), "sense minimise"),
        (("0.3, default", "0.4, default"), "learned setting.water"),
    ],
)
def test_a_model_of_another_statement_is_refused(drawn: Path, tmp_path: Path, change: tuple[str, str], told: str):
    """Its numbers are shares of a range: with another range they would mean other designs."""
    card = card_of(stated(drawn), tmp_path)
    assert fits(card, find(stated(drawn)))
    new = find(stated(tmp_path, *change))
    assert not fits(card, new)
    with pytest.raises(InputError, match=told):
        check_fits(card, new)


def test_a_new_kind_or_default_leaves_models_as_they_are(drawn: Path, tmp_path: Path):
    card = card_of(stated(drawn), tmp_path)
    check_fits(card, find(stated(tmp_path / "kind", 'choice("red", "white", ', 'choice("black", "red", "white", ')))
    check_fits(card, find(stated(tmp_path / "default", "default=0.1", "default=0.2")))


def test_a_broken_model_does_not_hide_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DURE_MODELS", str(tmp_path / "none"))
    (tmp_path / "models" / "broken").mkdir(parents=True)
    (tmp_path / "models" / "binary").mkdir()
    (tmp_path / "models" / "broken" / "card.json").write_text("{", encoding="utf-8")
    (tmp_path / "models" / "binary" / "card.json").write_bytes(b"\xff\xfe{}")
    assert list(cards()) == []
    assert {folder.name for folder, _error in unreadable()} == {"broken", "binary"}
    told = CliRunner().invoke(models, ["list"], catch_exceptions=False)
    assert told.exit_code == 0
    assert "broken" in told.output


def test_weights_that_are_not_the_card_s_are_refused_before_a_folder_is_made(drawn: Path, tmp_path: Path):
    reference = stated(drawn)
    card = card_of(reference, tmp_path)
    (tmp_path / "card.json").write_text(json.dumps(asdict(card)), encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    plan = make_plan(reference, strategy_name="structured", prior=card)
    with pytest.raises(InputError, match="not those of its card"):
        Campaign.begin(tmp_path / "run", plan, prior=tmp_path)
    assert not (tmp_path / "run").exists()


MEMBERS = """
    from dure import Problem, choice, design, minimise, outcome, real, setting

    @design
    class Two:
        a: float = real(0.0, 1.0)
        t: float = real(0.0, 24.0, unit="h")

    @design
    class Three:
        a: float = real(0.0, 1.0)
        t: float = real(0.0, 24.0, unit="h")
        extra: float = real(0.0, 1.0)

    @setting
    class Kind:
        kind: str = choice("short", "other", "long", default="short")

    @outcome
    class Out:
        y: float = minimise()

    problem = Problem(
        name="toy/members", version="1", question="How low?", design=Two, outcome=Out, setting=Kind,
        members=lambda kind: {"design": Three} if kind.kind == "long" else {}, held_out={"kind": ("long",)},
    )
"""


def members(folder: Path, text: str, **said: Any) -> Imported:
    (folder / "members.py").write_text(textwrap.dedent(MEMBERS), encoding="utf-8")
    (folder / "table.csv").write_text(text, encoding="utf-8")
    return import_table(str(folder / "members.py"), folder / "table.csv", folder / "pool.parquet", **said)


def test_parts_of_a_pool_need_not_have_what_only_other_members_have(tmp_path: Path):
    made = members(tmp_path, "kind,a,t,extra,y\nshort,0.1,2,,3\nother,0.2,2,,3\nlong,0.1,2,0.5,3\n")
    train, held_out = split(made.pool.path, tmp_path / "parts")
    assert [task.setting.kind for task in held_out.tasks] == ["long"]
    assert {task.setting.kind for task in train.tasks} == {"short", "other"}


def test_inputs_of_members_may_be_called_otherwise(tmp_path: Path):
    made = members(tmp_path, "kind,a,t,E,y\nlong,0.1,2,0.5,3\n", columns={"extra": "E"})
    assert made.pool.tasks[0].at().designs[0].extra == 0.5
    with pytest.raises(UnknownName, match="nothing"):
        members(tmp_path, "kind,a,t,E,y\nlong,0.1,2,0.5,3\n", columns={"nothing": "E"})


@pytest.mark.parametrize(
    ("text", "said", "taken"),
    [
        ("T,t,a,y\n25,2,0.1,3\n", {}, {"t": "t", "a": "a", "y": "y"}),
        ("A,a,t,y\n9,0.1,2,3\n", {}, {"a": "a", "t": "t", "y": "y"}),
        ("a,A true,t,y\n0.9,0.1,2,3\n", {"columns": {"a": "A true"}}, {"A true": "a", "t": "t", "y": "y"}),
    ],
)
def test_what_is_written_exactly_comes_before_what_is_alike(
    tmp_path: Path, text: str, said: dict[str, Any], taken: dict[str, str]
):
    made = members(tmp_path, text, **said)
    assert made.matched == taken
    (design,) = made.pool.tasks[0].at().designs
    assert (design.a, design.t) == (0.1, 2)


def test_headers_that_could_be_the_same_are_not_guessed(tmp_path: Path):
    with pytest.raises(PoolError, match=r"design lacks t.*not understood: t, min, t, max"):
        members(tmp_path, '"t, min","t, max",a,y\n1,2,0.1,3\n')
    with pytest.raises(PoolError, match=r"design lacks t.*not understood: T"):
        members(tmp_path, "T,a,y\n25,0.1,3\n")


def test_withdrawing_names_the_models_that_learned_from_it(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DURE_MODELS", str(tmp_path / "none"))
    reference = stated(drawn)
    generate(reference, tmp_path / "other", tasks=1, designs=4, seed=5)
    both = build(reference, [drawn / "journal", tmp_path / "other"], tmp_path / "both.parquet")
    gone = next(one for one in both.sources if one.name == "journal")
    for name, learned in (("knows", [gone.id]), ("clean", ["journal:0"])):
        (tmp_path / "models" / name).mkdir(parents=True)
        card = replace(card_of(reference, tmp_path, name), trained_on={"sources": learned})
        (tmp_path / "models" / name / "card.json").write_text(json.dumps(asdict(card)), encoding="utf-8")
    words = ["build", reference, str(both.path), "--without", "journal", "--out", "left.parquet"]
    told = CliRunner().invoke(pools, words, catch_exceptions=False)
    assert told.exit_code == 0
    assert "knows@" in told.output
    assert "clean@" not in told.output
    assert Pool.read(Path("left.parquet")).said["withdrawn"] == [gone.id]
