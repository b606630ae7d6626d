"""A problem that is stated otherwise under the same version: what was written before is refused, never read as something else."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from dure.campaign import Campaign
from dure.campaign.plan import make_plan
from dure.cli.models import model as models
from dure.errors import InputError, PoolError
from dure.models import Card, cards, check_fits, fits, unreadable
from dure.pool import Pool, build, generate
from dure.problem import find

pytestmark = pytest.mark.needs("pyarrow", "license_expression")

KILN = """
    from dure import Problem, choice, design, minimise, outcome, real, setting
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


@pytest.mark.parametrize("change", RESTATED.values(), ids=RESTATED)
def test_a_pool_of_another_statement_is_refused(drawn: Path, tmp_path: Path, change: tuple[str, str]):
    new = stated(tmp_path, *change)
    with pytest.raises(PoolError, match=r"heat|temperature|porosity"):
        build(new, [drawn / "pool.parquet"], tmp_path / "pool.parquet")


@pytest.mark.parametrize("which", ["unit", "outcome's unit"])
def test_a_journal_in_another_unit_is_refused(drawn: Path, tmp_path: Path, which: str):
    with pytest.raises(PoolError, match="state the unit as it was"):
        build(stated(tmp_path, *RESTATED[which]), [drawn / "journal"], tmp_path / "pool.parquet")


def test_failures_keep_the_simulator_s_words(drawn: Path):
    told = Pool.read(drawn / "pool.parquet").describe()["failures"]
    assert set(told) == {"it melted"}


def test_a_problem_s_file_is_found_beside_its_pool(drawn: Path, tmp_path: Path):
    (tmp_path / "pool.parquet").write_bytes((drawn / "pool.parquet").read_bytes())
    there = stated(drawn / "elsewhere")
    build(there, [drawn / "journal"], tmp_path / "moved.parquet")
    Path(there).unlink()
    here = stated(tmp_path)
    assert str(Pool.read(tmp_path / "moved.parquet").problem.source) == here


def card_of(reference: str, folder: Path, name: str = "one") -> Card:
    problem = find(reference)
    outputs = {goal: one.measure.width for goal, one in problem.goals.items()}
    said = {"stated": problem.stated_for_priors(), "sha256": "0" * 64}
    return Card(name, "family prior", "toy/kiln", "1", problem.read_by_priors, outputs, "full", {}, "", "open", 0, **said)


@pytest.mark.parametrize("change", RESTATED.values(), ids=RESTATED)
def test_a_model_of_another_statement_is_refused(drawn: Path, tmp_path: Path, change: tuple[str, str]):
    """Its numbers are shares of a range: with another range they would mean other designs."""
    card = card_of(stated(drawn), tmp_path)
    assert fits(card, find(stated(drawn)))
    new = find(stated(tmp_path, *change))
    assert not fits(card, new)
    with pytest.raises(InputError, match="one"):
        check_fits(card, new)


def test_a_new_kind_or_default_leaves_models_as_they_are(drawn: Path, tmp_path: Path):
    card = card_of(stated(drawn), tmp_path)
    check_fits(card, find(stated(tmp_path / "kind", 'choice("red", "white", ', 'choice("black", "red", "white", ')))
    check_fits(card, find(stated(tmp_path / "default", "default=0.1", "default=0.2")))


def test_a_broken_model_does_not_hide_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DURE_MODELS", str(tmp_path / "none"))
    (tmp_path / "models" / "broken").mkdir(parents=True)
    (tmp_path / "models" / "broken" / "card.json").write_text("{", encoding="utf-8")
    assert list(cards()) == []
    assert [folder.name for folder, _error in unreadable()] == ["broken"]
    told = CliRunner().invoke(models, ["list"], catch_exceptions=False)
    assert told.exit_code == 0
    assert "broken" in told.output


def test_weights_that_are_not_the_card_s_are_refused_before_a_folder_is_made(drawn: Path, tmp_path: Path):
    import json
    from dataclasses import asdict

    reference = stated(drawn)
    card = card_of(reference, tmp_path)
    (tmp_path / "card.json").write_text(json.dumps(asdict(card)), encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    plan = make_plan(reference, strategy_name="structured", prior=card)
    with pytest.raises(InputError, match="not those of its card"):
        Campaign.begin(tmp_path / "run", plan, prior=tmp_path)
    assert not (tmp_path / "run").exists()
