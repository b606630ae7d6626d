"""A table is a problem: its rows are the designs, and a labelled replay answers with what was measured of them."""

from __future__ import annotations

import csv
import io
import os
import statistics
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dure.campaign import Budget, Campaign, claims_of, make_plan
from dure.errors import InputError, ProblemError, SimulationFailed
from dure.execute.attempt import simulator_code
from dure.journal import fold
from dure.problem import Choice, Integer, Ordered, Problem, Real, find
from dure.report import verify, write_report
from tests.fast.report_campaigns import Here

STATEMENT = """
name = "mine/alloys"
question = "Which alloy is hardest and cheap?"
table = "alloys.csv"
id = "sample"
runs = 8

[features]
heat = { column = "heat (degC)", unit = "degC" }
metal = {}

[measured]
hardness = { goal = "maximise", unit = "GPa", positive = true }
price = { goal = "at_most", limit = 6.0 }
note = { column = "grain", unit = "um" }
"""
TABLE = """sample,heat (degC),metal,hardness,price,grain
S1,100,tin,1.0,5,
S2,200,tin,2.0,5,3.5
S3,300,tin,,5,
S4,100,iron,4.0,7,2.0
S5,200,iron,5.0,6,
S6,300,iron,9.0,6,
S7,300,iron,6.0,6,4.0
S8,300,iron,7.0,4,
"""


def stated(folder: Path, statement: str = STATEMENT, table: str = TABLE) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "alloys.csv").write_text(table, encoding="utf-8")
    file = folder / "alloys.toml"
    file.write_text(statement, encoding="utf-8")
    return file


def answer(problem: Problem, seed: int = 0, **design: Any) -> Any:
    return problem.answer(problem.design(**design), problem.setting(), fidelity="replay", seed=seed).outcome


# ------------------------------------------------------------------------------------------------------- what it says
def test_a_row_answers_with_what_was_measured(tmp_path: Path):
    problem = find(str(stated(tmp_path)))
    assert len(problem.candidates) == 6
    assert isinstance(problem.inputs["heat"], Real)
    assert isinstance(problem.inputs["metal"], Choice)
    told = answer(problem, heat=200, metal="tin")
    assert (told.hardness, told.price, told.note) == (2.0, 5.0, 3.5)
    assert find(str(stated(tmp_path / "many", STATEMENT.replace("runs = 8", "short_list = 3")))).short_list == 3
    # the three rows of one design: medians of 9, 6, 7, of 6, 6, 4, and of the only grain
    told = answer(problem, heat=300, metal="iron")
    assert (told.hardness, told.price, told.note) == (7.0, 6.0, 4.0)


def test_what_was_not_measured_is_a_failure_that_names_the_row(tmp_path: Path):
    with pytest.raises(SimulationFailed, match="hardness was not measured: S3"):
        answer(find(str(stated(tmp_path))), heat=300, metal="tin")
    nameless = find(str(stated(tmp_path / "nameless", STATEMENT.replace('id = "sample"', ""))))
    with pytest.raises(SimulationFailed, match="hardness was not measured: row in line 4"):
        answer(nameless, heat=300, metal="tin")
    with pytest.raises(SimulationFailed, match=r"no row of alloys\.csv has this design"):
        answer(nameless, heat=250, metal="tin")


def test_under_noise_one_of_the_repeats_answers_by_the_seed(tmp_path: Path):
    problem = find(str(stated(tmp_path, STATEMENT.replace("runs = 8", 'noise = "unknown"'))))
    told = [answer(problem, seed, heat=300, metal="iron") for seed in range(40)]
    assert {(one.hardness, one.price) for one in told} == {(9.0, 6.0), (6.0, 6.0), (7.0, 4.0)}  # whole rows, never mixed
    assert told[3] == answer(problem, 3, heat=300, metal="iron")


def test_the_winner_leaves_its_rows_to_be_found(tmp_path: Path):
    problem = find(str(stated(tmp_path)))
    assert problem.export is not None
    (text,) = problem.export(problem.design(heat=300, metal="iron"), problem.setting(), None).values()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["line"], row["sample"], row["hardness"]) for row in rows] == [
        ("7", "S6", "9.0"),
        ("8", "S7", "6.0"),
        ("9", "S8", "7.0"),
    ]


@pytest.mark.parametrize(
    ("cells", "more", "kind"),
    [
        ("1 2 3 4", "", Real),
        ("1 2 1 2 1 2 1 2", "", Ordered),
        ("1 2 1 2 1 2 1 2", 'kind = "real"', Real),
        ("1 2 1 2 1 2 1 2", 'kind = "integer"', Integer),
        ("1 2 1 2 1 2 1 2", 'kind = "choice"', Choice),
        ("1 2 1 2 1 2 1 2", "log = true", Real),
        ("1 2 3 4", 'kind = "ordered"', Ordered),
        ("7 7 7 7", "", Ordered),
        ("7", "", Real),
        ("a 2 c", 'kind = "choice"', Choice),
        ("a b c", "", Choice),
        ("철 구리 é", "", Choice),
        ("1e-300 1e300", "log = true", Real),
    ],
)
def test_the_kind_of_a_feature_is_inferred_or_stated(tmp_path: Path, cells: str, more: str, kind: type):
    lines = "".join(f"{number},{cell},0.5\n" for number, cell in enumerate(cells.split()))
    statement = f"""
        name = "mine/one"
        question = "?"
        table = "alloys.csv"
        [features]
        number = {{}}
        x = {{ {more} }}
        [measured]
        y = {{ goal = "minimise" }}
    """
    problem = find(str(stated(tmp_path, statement, f"number,x,y\n{lines}")))
    assert type(problem.inputs["x"]) is kind
    assert len(problem.candidates) == len(cells.split())


def test_a_parquet_table_is_the_same_problem(tmp_path: Path):
    pandas = pytest.importorskip("pandas")
    plain = find(str(stated(tmp_path)))
    pandas.read_csv(io.StringIO(TABLE)).to_parquet(tmp_path / "alloys.parquet")
    file = tmp_path / "packed.toml"
    file.write_text(STATEMENT.replace("alloys.csv", "alloys.parquet"), encoding="utf-8")
    packed = find(str(file))
    assert [vars(one) for one in packed.candidates] == [vars(one) for one in plain.candidates]
    assert answer(packed, heat=300, metal="iron").hardness == 7.0
    assert packed.describe()["candidates"] == plain.describe()["candidates"]
    (tmp_path / "alloys.parquet").write_bytes(b"no table")
    file.with_name("broken.toml").write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(InputError, match=r"alloys\.parquet cannot be read as a Parquet table"):
        find(str(file.with_name("broken.toml")))


def test_code_is_statement_and_table(tmp_path: Path):
    codes = [
        simulator_code(find(str(stated(tmp_path / name, STATEMENT + more, TABLE + row))))
        for name, more, row in (("a", "", ""), ("b", "", ""), ("c", "# other\n", ""), ("d", "", "S9,400,tin,1.0,1,\n"))
    ]
    assert codes[0] == codes[1]
    assert len(set(codes)) == 3


# ---------------------------------------------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "mine/alloys"', "name = mine", ":2: "),
        ('name = "mine/alloys"', "", "name is missing"),
        ('name = "mine/alloys"', 'name = "My Alloys"', "name 'My Alloys' is not lower-case"),
        ("runs = 8", "rums = 8", "Unknown key 'rums'. Did you mean runs?"),
        ("runs = 8", 'runs = "8"', "runs = '8'; give a number"),
        ("runs = 8", "runs = true", "runs = True; give a number"),
        ("runs = 8", "runs = -1", "runs is -1"),
        ("runs = 8", "short_list = 0", "short_list is 0; give a whole number of at least 1"),
        ("runs = 8", "short_list = 2.5", "short_list = 2.5; give"),
        ("runs = 8", 'noise = "loud"', "noise: .*'loud'"),
        ("runs = 8", 'noise = { kind = "known", deviation = { hardnes = 1.0 } }', "'hardnes'. Did you mean hardness"),
        ('"alloys.csv"', '"alloy.csv"', r"Unknown table 'alloy.csv'. Did you mean alloys\.csv"),
        ('id = "sample"', 'id = "sampel"', "id: Unknown column .*'sampel'. Did you mean sample"),
        ("metal = {}", 'metal = { colunm = "metal" }', "features.metal: Unknown key 'colunm'. Did you mean column"),
        ("metal = {}", "metall = {}", "features.metall: Unknown column of alloys.csv 'metall'. Did you mean metal"),
        ("metal = {}", 'metal = "metal"', "features.metal: 'metal' is no table"),
        ("metal = {}", '"heat (degC)" = {}', r"features.heat \(degC\): no name .*column = \"heat \(degC\)\""),
        ("metal = {}", 'class = { column = "metal" }', "features.class: no name"),
        ("metal = {}", 'metal = { kind = "chioce" }', "features.metal: Unknown kind 'chioce'. Did you mean choice"),
        ("metal = {}", "metal = { log = true }", "features.metal: .*line 2: metal is 'tin' and no number"),
        ("metal = {}", 'metal = { column = "heat (degC)" }', r"column 'heat \(degC\)' is used twice"),
        ('unit = "degC" }', 'unit = "degX" }', "features.heat: unit 'degX'"),
        ('unit = "degC" }', 'unit = "degC", log = true, kind = "ordered" }', "features.heat: log needs"),
        ('goal = "maximise"', 'goal = "maximize"', "measured.hardness: Unknown goal 'maximize'. Did you mean maximise"),
        ('goal = "maximise"', 'goal = "at_least", limit = 1', "no outcome is minimised or maximised"),
        ("limit = 6.0", "limit = [1.0, 2.0]", "measured.price: goal = 'at_most' takes limit = 1.5"),
        (", limit = 6.0", "", "measured.price: goal = 'at_most' takes limit = 1.5"),
        ('"at_most", limit = 6.0', '"within", limit = [6.0, 1.0]', r"measured.price: limits \[6.0, 1.0\] leave nothing"),
        ('hardness = { goal = "maximise"', 'heat = { column = "hardness", goal = "maximise"', "name 'heat' is taken twice"),
        ("[measured]", "[measured.more]\n[measuredd]", "Unknown key 'measuredd'. Did you mean measured"),
    ],
)
def test_a_wrong_statement_points_at_file_and_key(tmp_path: Path, old: str, new: str, says: str):
    assert old in STATEMENT
    with pytest.raises(ProblemError, match=rf"alloys\.toml.*{says}"):
        find(str(stated(tmp_path, STATEMENT.replace(old, new))))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("S2,200,tin", "S2,,tin", r"features.heat|line 3: heat \(degC\) is empty"),
        ("S2,200,tin", "S2,warm,tin", r"line 3: heat \(degC\) is 'warm' and no number; correct it, or say kind"),
        ("S2,200,tin", "S2,inf,tin", "line 3: .*'inf'"),
        ("S2,200,tin", "S2,1_000,tin", "line 3: .*'1_000'"),
        ("tin,2.0,5", "tin,soft,5", "line 3: hardness is 'soft' and no finite number"),
        ("tin,2.0,5", "tin,-2.0,5", "line 3: measured.hardness = -2.0 was declared positive"),
        ("S2,200,tin,2.0,5,3.5", "S2,200,tin,2.0,5", "line 3: it has more or fewer cells"),
        (TABLE[TABLE.index("\n") + 1 :], "", "holds no rows"),
    ],
)
def test_a_wrong_table_points_at_line_and_column(tmp_path: Path, old: str, new: str, says: str):
    with pytest.raises(InputError, match=says):
        find(str(stated(tmp_path, table=TABLE.replace(old, new))))


# --------------------------------------------------------------------------------------------------------- any table
scales = st.sampled_from([1e-300, 1e-9, 1.0, 1e9, 1e300])
texts = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Z")), min_size=1, max_size=8)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_table_is_replayed_row_by_row(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    folder, scale = tmp_path_factory.mktemp("any"), data.draw(scales)
    number = st.floats(-1, 1).map(lambda value: value * scale)
    heads = data.draw(st.lists(texts, min_size=3, max_size=3, unique=True))
    rows = data.draw(st.lists(st.tuples(number, texts, st.none() | number), min_size=1, max_size=12))
    rows += data.draw(st.lists(st.sampled_from(rows), max_size=4))  # duplicated rows
    with (folder / "any.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(heads)
        writer.writerows([repr(x), f"t{name}", "" if y is None else repr(y)] for x, name, y in rows)
    keys = [f'"{head}"'.replace("\\", "\\\\") if '"' not in head else f"'''{head}'''" for head in heads]
    (folder / "any.toml").write_text(
        f"""
        name = "mine/any"
        question = "물음?"
        table = "any.csv"
        features.x = {{ column = {keys[0]}, kind = "real" }}
        features."이름" = {{ column = {keys[1]} }}
        measured.y = {{ column = {keys[2]}, goal = "minimise" }}
        """,
        encoding="utf-8",
    )
    problem = find(str(folder / "any.toml"))
    assert set(problem.candidates) == {problem.design(x=x, 이름=f"t{name}") for x, name, _y in rows}
    for design in problem.candidates:
        known = [y for x, name, y in rows if (x, f"t{name}") == (design.x, design.이름) and y is not None]
        if known:
            assert answer(problem, **vars(design)).y == statistics.median(known)
        else:
            with pytest.raises(SimulationFailed, match="y was not measured"):
                answer(problem, **vars(design))


# --------------------------------------------------------------------------------------------------------- campaigns
@pytest.mark.parametrize("strategy", ["sobol", "random"])
def test_a_campaign_goes_through_the_whole_table(tmp_path: Path, strategy: str):
    plan = make_plan(str(stated(tmp_path)), strategy_name=strategy, control_runs=3)
    with Campaign.begin(tmp_path / "run", plan) as campaign, pytest.raises(KeyboardInterrupt):
        campaign.run(executor=Here(3))
    with Campaign.resume(tmp_path / "run") as campaign:
        ends = campaign.run(executor=Here(10**6))
        history, task = fold(campaign.journal.events()), campaign.task
    assert ends["verdict"] == "supported"
    winner = history.trials[ends["winner"]]
    assert winner.trial["design"] == {"heat": 300.0, "metal": "iron"}  # the hardest that costs at most 6
    assert history.decisions[-1]["search"]["because"] == "exhausted"
    assert [state.reason for state in history.in_plan("search") if state.outcome is None] == ["no answer"]
    claims = claims_of(history, task)
    assert claims["candidates"].value == claims["count.search.asked"].value == 6.0
    page = write_report(tmp_path / "run").read_text(encoding="utf-8")
    assert page.count("labelled replay") >= 2
    assert "hardness was not measured: S3" in page
    assert "S7,300,iron,6.0,6,4.0" in (tmp_path / "run/results/rows.csv").read_text(encoding="utf-8")
    assert any("claims were recomputed" in text for text in verify(tmp_path / "run"))


# -------------------------------------------------------------------------------- published tables (facts/energy.md, 4)
PUBLISHED = {
    "crossed_barrel": (
        'n_struts = { kind = "integer" }\ntheta_deg = { unit = "deg" }\nr_mm = { unit = "mm" }\nt_mm = { unit = "mm" }',
        'toughness_J = { goal = "maximise", unit = "J" }',
        (1800, 600, 46.71),
    ),
    "autoam": (
        "prime_delay = {}\nprint_speed = {}\nx_offset = {}\ny_offset = {}",
        'score = { goal = "maximise" }',
        (100, 100, 0.9365),
    ),
    "agnp": (
        "q_agno3_pct = {}\nq_pva_pct = {}\nq_tsc_pct = {}\nq_seed_pct = {}\nq_total_uL_min = { unit = 'uL/min' }",
        'loss = { goal = "minimise" }',
        (3295, 164, 0.148),
    ),
}


@pytest.mark.needs("data:energy")
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_tables_have_their_known_best_designs(tmp_path: Path, name: str):
    features, measured, (rows, designs, best) = PUBLISHED[name]
    file = tmp_path / "published.toml"
    table = Path(os.environ["DURE_DATA"]) / "energy" / f"pvlab_{name}.csv"
    head = f'name = "mine/published"\nquestion = "?"\ntable = "{table}"\n'
    file.write_text(f"{head}[features]\n{features}\n[measured]\n{measured}\n", encoding="utf-8")
    problem = find(str(file))
    replay: Any = problem.simulate
    (values,) = replay.measured.values()
    assert len(replay.table.rows) == rows
    assert len(problem.candidates) == designs
    means = [statistics.fmean(values[row] for row in found) for found in replay.rows.values()]
    minimised = problem.goals.keys() == {"loss"}
    assert (min if minimised else max)(means) == pytest.approx(best, abs=10.0 ** -len(str(best).partition(".")[2]))

    plan = make_plan(str(file), strategy_name="random", budget=Budget(runs=30))
    with Campaign.begin(tmp_path / "run", plan) as campaign:
        campaign.run(executor=Here(10**6))
        found = campaign.best()
    assert found is not None
    assert problem.make_design(found.trial["design"]) in replay.rows
