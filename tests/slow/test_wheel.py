"""The wheel: past campaigns make a pool, the pool trains a prior, the prior makes the next campaign cheaper, and says so."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

import numpy as np
import pytest
from click.testing import CliRunner

from dure.campaign import Loop
from dure.cli import main
from dure.models.prior import FamilyPrior
from dure.models.weights import load, save
from dure.pool import Pool, build, generate
from dure.pool.lessons import train_prior
from dure.pool.trial import forecast_errors
from dure.problem import Problem, find
from dure.strategy import strategy
from dure.strategy.informed import Informed
from tests.fast.family_of_valleys import VALLEYS

pytestmark = pytest.mark.needs("torch", "safetensors", "pyarrow", "license_expression")

NEW = {"shift": "0.05", "depth": "1.3"}
"""A task that is not in the pool: its settings are drawn at random."""
SEEDS = range(5)
BUDGET = 30


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("family") / "valleys.py"
    file.write_text(VALLEYS, encoding="utf-8")
    return str(file)


@pytest.fixture(scope="module")
def pool(family: str, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    folder = tmp_path_factory.mktemp("pool")
    generate(family, folder / "journal", tasks=12, designs=64, workers=2)
    return build(family, [folder / "journal"], folder / "pool.parquet", licence="CC0-1.0", access="open")


@pytest.fixture(scope="module")
def model(pool: Pool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "valleys"
    prior, card = train_prior(pool, "valleys")
    save(prior, card, folder)
    return folder


def runs_needed(problem: Problem, prior: FamilyPrior | None, seed: int) -> int:
    """Runs until 95 % of the way from the median of Sobol designs to the bottom, on the new task."""
    plain = strategy("structured")
    loop = Loop(problem, setting=NEW, strategy=plain if prior is None else Informed(plain, prior, "valleys"), seed=seed)
    member, setting = loop.task.problem, loop.task.setting
    grid = np.random.default_rng(0).uniform(size=(20_000, member.space.columns))
    known = [member.simulate(one, setting).height for one in member.space.designs(grid)]
    middle, bottom = float(np.median(known)), min(known)
    for run in range(1, BUDGET + 1):
        (wish,) = loop.ask()
        answer = member.simulate(wish.design, setting)
        loop.tell(wish, answer)
        if (middle - answer.height) / (middle - bottom) >= 0.95:
            return run
    return BUDGET + 1


def test_warm_campaigns_need_fewer_runs_than_cold_ones(family: str, model: Path):
    problem, (prior, _card) = find(family), load(model)
    warm = [runs_needed(problem, prior, seed) for seed in SEEDS]
    cold = [runs_needed(problem, None, seed) for seed in SEEDS]
    assert median(warm) < median(cold), (warm, cold)


def test_a_new_task_is_forecast_better_from_a_few_answers(family: str, model: Path, tmp_path: Path):
    generate(family, tmp_path / "new", tasks=4, designs=64, seed=99, workers=2)
    new = build(family, [tmp_path / "new"], tmp_path / "new.parquet", licence="CC0-1.0", access="open")
    (without, with_it) = forecast_errors(new, {"valleys": load(model)[0]}, answers=10)
    assert with_it["error"] < 0.7 * without["error"]
    assert with_it["tasks"] == 4


def test_a_campaign_keeps_its_model_and_says_what_it_was_worth(family: str, model: Path, tmp_path: Path):
    command = [
        "run",
        family,
        "--setting",
        "shift",
        "0.05",
        "--prior",
        str(model),
        "--runs",
        "12",
        "--out",
        str(tmp_path / "c"),
        "--json",
    ]
    done = CliRunner().invoke(main, [one for one in command if one])
    assert done.exit_code in (0, 3), done.output
    said = json.loads(done.output)
    page = (tmp_path / "c" / "report.html").read_text(encoding="utf-8")
    assert "What the family's past was worth".replace("'", "&#39;") in page or "family’s past" in page
    assert said
    verified = CliRunner().invoke(main, ["verify", str(tmp_path / "c")])
    assert verified.exit_code == 0, verified.output
