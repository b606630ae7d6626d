"""The wheel: past campaigns make a pool, the pool trains a prior, the prior makes the next campaign cheaper, and says so."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import requests
import torch

from dure.campaign import Loop
from dure.errors import InputError
from dure.models import Card
from dure.models.prior import FamilyPrior, PastTask
from dure.models.training import train
from dure.models.weights import load, save
from dure.pool import Pool, build, generate
from dure.pool.lessons import lesson, train_prior
from dure.pool.trial import SUCCESS, compare, forecast_errors
from dure.problem import Problem, find
from dure.strategy import strategy
from dure.strategy.informed import Informed
from tests.fast.family_of_valleys import VALLEYS
from tests.slow.hubs import PASSWORD, dure, serving

pytestmark = pytest.mark.needs("torch", "safetensors", "pyarrow", "license_expression")

DURE = [sys.executable, "-c", "from dure.cli import main; main()"]
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
    generate(family, folder / "journal", tasks=12, designs=128, workers=2)
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


def test_a_campaign_opens_with_the_best_designs_of_past_tasks(family: str, model: Path, pool: Pool):
    problem, (prior, _card) = find(family), load(model)
    lowest = []
    for task in pool.tasks:
        answers = task.at(problem.fidelities[0].name)
        lowest.append(answers.cube[np.nanargmin(answers.outcomes["height"])])
    np.testing.assert_allclose(np.sort(prior.best.numpy(), 0), np.sort(np.array(lowest), 0), atol=1e-6)
    loop = Loop(problem, setting=NEW, strategy=Informed(strategy("structured"), prior, "valleys"), seed=1)
    asked = [wish for _round in range(4) for wish in loop.ask()]
    known = {tuple(np.round(row, 5)) for row in prior.best.numpy()}
    remembered = [tuple(np.round(problem.space.encode([wish.design])[0], 5)) in known for wish in asked]
    assert remembered == [wish.why == "The best design of a past task of the family." for wish in asked]
    assert sum(remembered) >= 3  # the odds are those of tasks left out, and all of these lie alike
    assert len({wish.design for wish in asked}) == 4


def test_a_past_that_helped_no_left_out_task_hardly_opens_a_campaign(pool: Pool, model: Path, spoilt: Path):
    """Thirteen in fourteen and one in fourteen: twelve tasks left out, and one each way before any was."""
    (good, _card), (bad, _other) = load(model), load(spoilt)
    assert float(good.helped) == pytest.approx(13 / 14)
    assert float(bad.helped) == pytest.approx(1 / 14)
    assert not bad.centre.any()


def test_a_new_task_is_forecast_better_from_a_few_answers(family: str, model: Path, tmp_path: Path):
    generate(family, tmp_path / "new", tasks=4, designs=64, seed=99, workers=2)
    new = build(family, [tmp_path / "new"], tmp_path / "new.parquet", licence="CC0-1.0", access="open")
    (without, with_it) = forecast_errors(new, {"valleys": load(model)[0]}, answers=10)
    assert with_it["error"] < 0.7 * without["error"]
    assert with_it["tasks"] == 4


@pytest.fixture(scope="module")
def later(family: str, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """Tasks that no model here has learned from."""
    folder = tmp_path_factory.mktemp("later")
    generate(family, folder / "journal", tasks=2, designs=40, seed=99, workers=2)
    return build(family, [folder / "journal"], folder / "later.parquet", licence="CC0-1.0", access="open")


@pytest.fixture(scope="module")
def spoilt(pool: Pool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that learned from answers to other designs."""
    _prior, card = train_prior(pool, "spoilt")
    lessons = [one for one in map(lesson, pool.tasks) if one is not None]
    mixed = [replace(one, outputs=one.outputs[torch.randperm(len(one.outputs), generator=_drawn(3))]) for one in lessons]
    folder = tmp_path_factory.mktemp("models") / "spoilt"
    save(train(mixed), card, folder)
    return folder


def _drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_model_is_no_worse_than_itself_and_better_than_a_spoilt_one(model: Path, spoilt: Path, later: Pool):
    good, bad = load(model)[0], load(spoilt)[0]
    for old, new, worse in ((good, good, False), (bad, good, False), (good, bad, True)):
        rows, untold = compare(later, old, new, answers=10, repeats=4)
        assert not untold
        assert [row.worse for row in rows] == [worse] * 2
        assert all(row.change == 0 for row in rows) if old is new else all((row.change > 0) == worse for row in rows)


@pytest.mark.needs("django", "cheroot", "rocrate", "mlcroissant", "requests")
def test_a_version_that_got_worse_is_not_published(model: Path, spoilt: Path, later: Pool, tmp_path: Path):
    home = tmp_path / "hub"
    home.mkdir()
    with serving(home) as hub:
        email = hub.join("Kim", hub.invitation)
        dure("login", hub.url, "--email", email, "--password", PASSWORD, cwd=tmp_path, who="kim")
        about = ("--licence", "CC0-1.0", "--creator", "Kim, Minji", "--json")
        first = json.loads(dure("model", "publish", model, *about, cwd=tmp_path, who="kim"))["id"]
        record = first.partition("/")[0]
        assert first.endswith("/v1")
        further = ("--version-of", record)
        judged = (*further, "--judged-on", later.path)
        for said, why in ((further, "--judged-on"), (judged, "beyond noise")):
            with pytest.raises(AssertionError, match=why):
                dure("model", "publish", spoilt, *about, *said, cwd=tmp_path, who="kim")
        again = json.loads(dure("model", "publish", model, *about, *judged, cwd=tmp_path, who="kim"))["id"]
        assert again == f"{record}/v2"  # nothing was published in between
    done = subprocess.run(
        [*DURE, "model", "compare", str(later.path), str(model), str(spoilt)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, "It must not take its place" in done.stdout) == (3, True), done.stdout + done.stderr
    assert all(f"shift={task.setting.shift}" in done.stdout.replace("\n", "") for task in later.tasks)


def test_a_campaign_keeps_its_model_and_says_what_it_was_worth(family: str, model: Path, tmp_path: Path):
    words = ["run", family, "--setting", "shift=0.05", "--prior", str(model), "--runs", "12", "--out", str(tmp_path / "c")]
    done = subprocess.run([*DURE, *words, "--json"], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in (0, 3), done.stderr
    page = (tmp_path / "c" / "report.html").read_text(encoding="utf-8")
    assert 'id="past"' in page
    assert "valleys@" in page
    verified = subprocess.run([*DURE, "verify", str(tmp_path / "c")], capture_output=True, text=True, check=False, timeout=300)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_model_says_how_many_designs_it_holds_as_they_are(model: Path, pool: Pool):
    prior, card = load(model)
    assert card.trained_on["best_designs"] == len(prior.best) == len(pool.tasks)
    shown = subprocess.run([*DURE, "model", "show", str(model)], capture_output=True, text=True, check=True, timeout=60)
    assert f"{len(pool.tasks)} designs" in shown.stdout


def test_a_model_can_be_made_that_holds_nobodys_design(pool: Pool, tmp_path: Path):
    words = ["model", "train", str(pool.path), "--name", "bare", "--no-designs", "--out", str(tmp_path / "bare")]
    subprocess.run([*DURE, *words], capture_output=True, text=True, check=True, timeout=300)
    prior, card = load(tmp_path / "bare")
    assert card.trained_on["best_designs"] == len(prior.best) == 0
    shown = subprocess.run(
        [*DURE, "model", "show", str(tmp_path / "bare")], capture_output=True, text=True, check=True, timeout=60
    )
    assert "0 designs" in shown.stdout


@pytest.mark.needs("django", "cheroot", "rocrate", "mlcroissant", "requests")
def test_a_campaign_is_published_no_wider_than_the_model_it_used(family: str, pool: Pool, tmp_path: Path):
    prior, card = train_prior(pool, "closed")
    save(prior, replace(card, access="consortium"), tmp_path / "closed")
    words = ["run", family, "--setting", "shift=0.05", "--prior", tmp_path / "closed", "--runs", "8", "--out", tmp_path / "c"]
    done = subprocess.run([*DURE, *map(str, words)], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in (0, 3), done.stderr
    assert build(family, [tmp_path / "c"], tmp_path / "again.parquet", licence="CC0-1.0", access="open").access == "consortium"
    home = tmp_path / "hub"
    home.mkdir()
    with serving(home) as hub:
        known = {"email": hub.join("Kim", hub.invitation), "password": PASSWORD}
        dure("login", hub.url, "--email", known["email"], "--password", PASSWORD, cwd=tmp_path, who="kim")
        about = ("--licence", "CC0-1.0", "--creator", "Kim, Minji <0000-0002-1825-0097>", "--level", "open", "--json")
        identifier = json.loads(dure("publish", tmp_path / "c", *about, cwd=tmp_path, who="kim"))["id"]
        there = f"{hub.url}/api/v1/records/{identifier.removeprefix('dure:').partition('/')[0]}"
        assert requests.get(there, timeout=30).status_code == 404
        token = requests.post(f"{hub.url}/api/v1/tokens", json=known, timeout=30).json()["token"]
        told = requests.get(there, headers={"Authorization": f"Bearer {token}"}, timeout=30).json()
    assert (told["access"]["level"], told["access"]["files_level"]) == ("consortium", "consortium")


def test_weights_that_are_not_those_of_the_card_are_refused(model: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(bytes(weights))
    with pytest.raises(InputError, match="not those of its card"):
        load(copy)


def test_a_network_comes_back_with_its_names(tmp_path: Path):
    generator = torch.Generator().manual_seed(2)
    tokens = torch.tensor([[0.0], [0.5], [1.0]], dtype=torch.double)
    tasks = []
    for number in range(3):
        points = torch.rand(40, 2, generator=generator, dtype=torch.double)
        outputs = torch.stack([points[:, 0] * (number + 1) + (points[:, 1] * 3).floor(), points[:, 0] ** 2], -1)
        tasks.append(PastTask(str(number), str(number), points, outputs, torch.tensor([float(number)], dtype=torch.double)))
    prior = train(tasks, names=[((1,), tokens)])
    card = Card("two", "family prior", "mine/mixed", "1", ("x", "kind"), {"y": 1, "z": 1}, "full", {}, "for tests", "open", 0)
    save(prior, card, tmp_path)
    again, _card = load(tmp_path)
    points, told = torch.rand(5, 2, generator=generator, dtype=torch.double), torch.tensor([1.5], dtype=torch.double)
    torch.testing.assert_close(again.features(points, told), prior.features(points, told), rtol=1e-5, atol=1e-5)


EDGE = """
    from dure import Problem, SimulationFailed, design, minimise, outcome, real, setting

    @design
    class Melt:
        heat: float = real(0.0, 1.0)
        time: float = real(0.0, 1.0)

    @setting
    class Glass:
        soft: float = real(0.0, 1.0, default=0.5)

    @outcome
    class Seen:
        haze: float = minimise()

    def simulate(melt: Melt, glass: Glass) -> Seen:
        if melt.heat + 0.3 * melt.time > 0.7 + 0.2 * glass.soft:
            raise SimulationFailed("it ran through the grate")
        return Seen(haze=(melt.heat - 0.5 - 0.2 * glass.soft) ** 2 + 0.3 * (melt.time - 0.4) ** 2)

    problem = Problem(
        name="toy/edge", version="1", question="How clear does it get?", design=Melt, outcome=Seen, setting=Glass,
        simulate=simulate,
    )
"""


def test_a_model_that_forgot_what_failed_must_not_take_the_place_of_one_that_knows(tmp_path: Path):
    file = tmp_path / "edge.py"
    file.write_text(textwrap.dedent(EDGE), encoding="utf-8")
    pools = []
    for seed in (0, 1):
        generate(str(file), tmp_path / f"{seed}", tasks=6, designs=64, seed=seed, workers=2)
        pools.append(build(str(file), [tmp_path / f"{seed}"], tmp_path / f"{seed}.parquet", licence="CC0-1.0", access="open"))
    knows, card = train_prior(pools[0], "knows")
    assert card.trained_on["failures"] > 50
    assert 0.5 < float(knows.rate) < 0.9
    lessons = [one for one in map(lesson, pools[0].tasks) if one is not None]
    forgot = train([replace(one, failed=None) for one in lessons])
    told = {
        row["model"]: row["error"] for row in forecast_errors(pools[1], {"knows": knows}, answers=4) if row["goal"] == SUCCESS
    }
    assert told["knows"] < 0.9 * told["none"]
    rows, untold = compare(pools[1], knows, forgot, answers=4)
    worse = {row.goal for row in rows if row.worse}
    assert SUCCESS in worse
    assert not untold
    back, _untold = compare(pools[1], forgot, knows, answers=4)
    assert SUCCESS not in {row.goal for row in back if row.worse}
