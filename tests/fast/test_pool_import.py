"""Tables as pools: columns by name and unit, wide tables, repeats, and a reason for everything that was not taken."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from dure.cli.pools import pool as command
from dure.errors import PoolError, UnknownName, ValueRefused
from dure.pool import Imported, build, import_table
from dure.problem import find
from dure.units import convert

pytestmark = pytest.mark.needs("pyarrow", "license_expression")

ASSAY = """
    from dure import Axis, Parts, Problem, at_most, choice, design, max_over, minimise, outcome, real, setting
    from dure import Noise

    WELL = Axis("well", ("a", "b"))

    @design
    class Mix:
        dose: float = real(0.0, 100.0, unit="mg")
        heat: float = real(0.0, 90.0, unit="degC")

    @setting
    class Target:
        target: str = choice("F2", "JAK2", "PARP1", default="F2")
        age: float = real(0.0, 10.0, unit="day", default=1.0)

    @outcome
    class Seen:
        activity: float = minimise(unit="nM")
        spread: Parts = at_most(5.0, max_over(WELL), unit="nM")

    problem = Problem(
        name="toy/assay", version="1", question="Which mix is the most active?", design=Mix, outcome=Seen, setting=Target,
    )
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("toy") / "assay.py"
    file.write_text(textwrap.dedent(ASSAY), encoding="utf-8")
    return str(file)


def taken(toy: str, folder: Path, text: str, **given_: Any) -> Imported:
    (folder / "table.csv").write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
    return import_table(toy, folder / "table.csv", folder / "pool.parquet", **given_)


def test_numbers_in_other_units_are_turned_into_the_problem_s(toy: str, tmp_path: Path):
    made = taken(
        toy,
        tmp_path,
        """
        dose [g],heat [kelvin],activity [pM],target
        0.05,300.15,2000,JAK2
        """,
    )
    (task,) = made.pool.tasks
    answers = task.at()
    assert task.setting == find(toy).setting(target="JAK2")
    # by definition of the units: 0.05 g = 50 mg, 300.15 K = 27 degC, 2000 pM = 2 nM
    assert answers.designs[0].dose == pytest.approx(50)
    assert answers.designs[0].heat == pytest.approx(27)
    assert answers.outcomes["activity"][0, 0] == pytest.approx(2)
    assert made.matched == {"dose [g]": "dose", "heat [kelvin]": "heat", "activity [pM]": "activity", "target": "target"}
    assert made.columns == made.rows == {}


@given(value=st.floats(-1e6, 1e6))
def test_units_turn_there_and_back(value: float):
    for one, other in (("degC", "kelvin"), ("mg", "g"), ("km/h", "m/s"), ("1", "percent")):
        assert convert(convert(value, one, other), other, one) == pytest.approx(value, abs=1e-6)
    with pytest.raises(ValueRefused, match="cannot be turned"):
        convert(value, "V", "m")


def test_everything_that_is_not_taken_is_said_with_its_reason_and_line(toy: str, tmp_path: Path):
    made = taken(
        toy,
        tmp_path,
        """
        dose,heat,activity,spread.a,spread.b,target,who,age [V]
        1,20,3,1,2,F2,ann,1
        1,20,3,1,2,F2,ann,1
        1,20,4,1,2,F2,ann,1
        2,20,NA,,,F2,ann,1
        200,20,5,,,F2,ann,1
        3,20,5,,,XYZ,ann,1
        4,20,x,,,F2,,1
        5,20,5,1,,F2,ann,1
        6,20,,3,4,F2,ann,1
        """,
    )
    assert made.columns == {"who": "no input, setting or outcome of that name", "age [V]": "V cannot be turned into day"}
    found = {lines: why for why, lines in made.rows.items()}
    for line, word in ((3, "before"), (4, "differently"), (5, "nothing"), (6, "outside"), (7, "XYZ"), (8, "'x'"), (9, "spread")):
        assert word in found[line,]
    (task,) = made.pool.tasks
    answers = task.at()
    assert len(answers) == 2  # lines 2 and 10; the latter without an activity
    assert answers.outcomes["spread"].tolist() == [[1, 2], [3, 4]]
    assert sum(len(lines) for lines in made.rows.values()) + len(answers) == 9
    kept = made.pool.sources[0].not_taken
    assert sum(kept.values()) == 7 + 8 + 9  # rows, cells of who, cells of age


def test_a_wide_table_is_one_task_a_column(toy: str, tmp_path: Path):
    made = taken(
        toy,
        tmp_path,
        """
        dose,heat,F2,JAK2,CA2
        1,20,3,4,5
        2,20,,6,7
        """,
        across=("target", "activity"),
    )
    scores = {task.setting.target: task.at().outcomes["activity"][:, 0].tolist() for task in made.pool.tasks}
    assert scores == {"F2": [3], "JAK2": [4, 6]}
    assert made.rows == {"nothing was measured": (3,)}
    assert list(made.columns) == ["CA2"]


def test_failures_seeds_and_fidelities_are_taken_and_repeats_get_seeds_of_their_own(toy: str, tmp_path: Path):
    noisy = tmp_path / "noisy.py"
    body = textwrap.dedent(ASSAY).replace("setting=Target,", 'setting=Target, noise=Noise(kind="unknown"),')
    noisy.write_text(body, encoding="utf-8")
    text = """
        dose,heat,activity,failure
        1,20,3,
        1,20,3,
        1,20,5,
        2,20,,clotted
        """
    answers = taken(str(noisy), tmp_path, text).pool.tasks[0].at()
    assert answers.seeds.tolist() == [0, 1, 2, 0]
    assert answers.failures == [None, None, None, "clotted"]
    assert answers.failed.tolist() == [False, False, False, True]


def test_a_header_may_be_named_and_a_setting_given_for_all_rows(toy: str, tmp_path: Path):
    text = "Amount,heat,IC50\n1,20,3\n"
    made = taken(toy, tmp_path, text, columns={"dose": "Amount", "activity": "IC50"}, setting={"age": "3"})
    (task,) = made.pool.tasks
    assert (task.setting.age, task.setting.target) == (3.0, "F2")
    with pytest.raises(UnknownName, match="Amount"):
        taken(toy, tmp_path, text, columns={"dose": "Amonut"})
    with pytest.raises(UnknownName, match="fidelity"):
        taken(toy, tmp_path, text, fidelity="finest")


@pytest.mark.parametrize("text", ["dose,heat\n1,20\n", "heat,activity\n20,1\n", "dose,heat,activity\n"])
def test_a_table_of_which_nothing_can_be_taken_is_refused_and_nothing_written(toy: str, tmp_path: Path, text: str):
    with pytest.raises(PoolError, match="no row"):
        taken(toy, tmp_path, text)
    assert not (tmp_path / "pool.parquet").exists()


def test_an_imported_table_joins_a_pool_and_keeps_its_terms(toy: str, tmp_path: Path):
    made = taken(toy, tmp_path, "dose,heat,activity\n1,20,3\n", licence="LicenseRef-KOGL-1", access="registered")
    joined = build(toy, [made.pool.path], tmp_path / "joined.parquet", licence="CC0-1.0", access="open")
    assert (joined.licences, joined.access) == (("LicenseRef-KOGL-1",), "registered")
    assert joined.sources[0].id.startswith("sha256:")


def test_the_command_says_what_was_taken_and_what_was_not(toy: str, tmp_path: Path):
    (tmp_path / "t.csv").write_text("dose,heat,activity,who\n1,20,3,ann\n2,20,,ann\n3,20,,ann\n", encoding="utf-8")
    out = str(tmp_path / "p.parquet")
    done = CliRunner().invoke(
        command, ["import", str(tmp_path / "t.csv"), "--problem", toy, "--out", out], catch_exceptions=False
    )
    for text in ("1 rows", "NOASSERTION", "private", "who", "3-4", "nothing was measured"):
        assert text in done.output


@pytest.mark.parametrize("header", ["heat (kelvin)", "Heat (K)", "heat, K", "heat / kelvin", "HEAT [K]"])
def test_units_and_letters_are_read_as_people_write_them(toy: str, tmp_path: Path, header: str):
    made = taken(toy, tmp_path, f'"{header}",Dose,activity,TARGET\n300.15,5,1,JAK2\n')
    assert made.pool.tasks[0].at().designs[0].heat == pytest.approx(27)  # by definition of the unit
    assert made.pool.tasks[0].setting.target == "JAK2"


def test_a_header_that_is_named_is_read_with_its_unit(toy: str, tmp_path: Path):
    made = taken(toy, tmp_path, "T_oven (K),dose,activity,target\n300.15,5,1,F2\n", columns={"heat": "T_oven (K)"})
    assert made.pool.tasks[0].at().designs[0].heat == pytest.approx(27)
    with pytest.raises(PoolError, match="cannot be turned into"):
        taken(toy, tmp_path, "oven (kg),dose,activity,target\n300.15,5,1,F2\n", columns={"heat": "oven (kg)"})


def test_what_stands_in_brackets_and_is_no_unit_is_part_of_the_name(toy: str, tmp_path: Path):
    made = taken(toy, tmp_path, "heat,dose,activity,note (by hand)\n27,5,1,fine\n")
    assert made.columns == {"note (by hand)": "no input, setting or outcome of that name"}


def test_settings_that_a_table_does_not_state_are_said(toy: str, tmp_path: Path):
    table = "heat,dose,activity\n27,5,1\n"
    assert taken(toy, tmp_path, table).assumed == {"target": "F2", "age": 1.0}
    assert taken(toy, tmp_path, table, setting={"target": "JAK2"}).assumed == {"age": 1.0}


def test_an_unknown_name_of_a_column_is_refused_by_name(toy: str, tmp_path: Path):
    with pytest.raises(UnknownName, match="temp"):
        taken(toy, tmp_path, "T,dose,activity\n27,5,1\n", columns={"temp": "T"})


def test_a_row_that_failed_and_was_measured_is_refused(toy: str, tmp_path: Path):
    with pytest.raises(PoolError, match="it failed \\(spilt\\) and was measured"):
        taken(toy, tmp_path, "heat,dose,activity,failure\n27,5,1,spilt\n")


@pytest.mark.parametrize("mark", [";", "\t"])
def test_cells_may_stand_between_semicolons_or_tabs(toy: str, tmp_path: Path, mark: str):
    text = '"heat, K",dose,activity,note\n300.15,5,1,"a, b"\n'.replace(",d", f"{mark}d").replace(",a", f"{mark}a")
    text = text.replace(",n", f"{mark}n").replace("300.15,5,1,", mark.join(["300.15", "5", "1", ""]))
    answers = taken(toy, tmp_path, text).pool.tasks[0].at()
    assert answers.designs[0].heat == pytest.approx(27)
    assert answers.designs[0].dose == 5
