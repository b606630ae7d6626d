"""Past data come from a table: what is right is read exactly, what is wrong is refused with its line and column."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.campaign.given import rows_from_table
from dure.errors import InputError
from dure.problem import (
    Axis,
    Fidelity,
    Parts,
    Problem,
    at_most,
    choice,
    design,
    integer,
    max_over,
    minimise,
    outcome,
    real,
    reported,
    setting,
)

CASE = Axis("case", ("wind", "snow"))


@design
class Beam:
    width: float = real(0.0, 10.0, unit="mm")
    holes: int = integer(0, 5)
    metal: str = choice("steel", "copper, soft")


@setting
class Site:
    load: float = real(0.5, 2.0, default=1.0)


@outcome
class Measured:
    mass: float = minimise(positive=True)
    bend: Parts = at_most(5.0, max_over(CASE))
    sound: float | None = reported(default=None)
    trace: Parts | None = reported(CASE, default=None)


PROBLEM = Problem(
    name="toy/given",
    version="1",
    question="?",
    design=Beam,
    setting=Site,
    outcome=Measured,
    simulate=lambda beam, site: None,
    fidelities=(Fidelity("coarse", 0.1), Fidelity("fine")),
)

HEAD = "width,holes,metal,mass,bend.wind,bend.snow"
ROW = "2.5,1,steel,3.0,1.0,2.0"


def read(folder: Path, text: str, **site: Any) -> dict[str, Any]:
    file = folder / "past.csv"
    file.write_text(text, encoding="utf-8")
    return rows_from_table(PROBLEM, site, file)


def written(rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


rows_of_a_table = st.lists(
    st.fixed_dictionaries(
        {
            "width": st.floats(0, 10),
            "holes": st.integers(0, 5),
            "metal": st.sampled_from(["steel", "copper, soft"]),
            "fidelity": st.sampled_from(["coarse", "fine", ""]),
            "mass": st.floats(1e-9, 1e9),
            "bend.wind": st.floats(-1e9, 1e9),
            "bend.snow": st.floats(-1e9, 1e9),
            "sound": st.one_of(st.just(""), st.floats(-1e3, 1e3)),
        }
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda row: (row["width"] + 0.0, row["holes"], row["metal"], row["fidelity"] or "fine"),
)


@settings(max_examples=30)
@given(rows=rows_of_a_table, load=st.floats(0.5, 2.0))
def test_a_table_is_read_to_the_last_digit(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], load: float):
    told = read(tmp_path_factory.mktemp("table"), written(rows), load=load)
    assert len(told["rows"]) == len(rows)
    for row, found in zip(rows, told["rows"], strict=True):
        made = Beam(width=row["width"], holes=row["holes"], metal=row["metal"])
        trial = PROBLEM.trial(made, Site(load=load), row["fidelity"] or "fine")
        assert found["key"] == trial.key
        assert found["trial"] == trial.plain()
        assert found["outcome"]["mass"] == row["mass"]
        assert found["outcome"]["bend"] == [row["bend.wind"], row["bend.snow"]]
        assert found["outcome"]["sound"] == (row["sound"] if row["sound"] != "" else None)


def test_the_source_is_told_with_its_hash(tmp_path: Path):
    told = read(tmp_path, f"{HEAD}\n{ROW}\n")
    assert told["source"] == "past.csv"
    # printf 'width,holes,metal,mass,bend.wind,bend.snow\n2.5,1,steel,3.0,1.0,2.0\n' | sha256sum
    assert told["sha256"] == "e78dd58be9f0d57dbc23ca24d105242bbade99ef9ef62cf4fcdbf4354cf6e80c"


@pytest.mark.parametrize(
    "text", [f"\ufeff{HEAD}\n{ROW}\n", f"{HEAD}\r\n{ROW}\r\n", f"{HEAD}\n{ROW}", f"{HEAD},trace.wind,trace.snow\n{ROW},,\n"]
)
def test_tables_as_other_programs_write_them_are_read(tmp_path: Path, text: str):
    assert [row["outcome"]["mass"] for row in read(tmp_path, text)["rows"]] == [3.0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{HEAD.replace('width', 'widht')}\n{ROW}\n", "width"),
        (f"{HEAD.replace('bend.snow', 'bend')}\n{ROW}\n", "bend.snow"),
        (f"{HEAD},colour\n{ROW},red\n", "colour"),
        ("", "bend.snow"),
        (f"{HEAD}\n{ROW}\n12.5,1,steel,3.0,1.0,2.0\n", r"line 3: Beam.width = 12.5 lies outside \[0.0, 10.0\] mm"),
        (f"{HEAD}\n2.5,1.5,steel,3.0,1.0,2.0\n", "line 2: Beam.holes = 1.5 is not a whole number"),
        (f"{HEAD}\n2.5,1,tin,3.0,1.0,2.0\n", "line 2: Beam.metal = 'tin'"),
        (f"{HEAD}\nwide,1,steel,3.0,1.0,2.0\n", "line 2: width = 'wide' is not a number"),
        (f"{HEAD}\n2.5,1,steel,0.0,1.0,2.0\n", "line 2: Measured.mass = 0.0 was declared positive"),
        (f"{HEAD}\n2.5,1,steel,3.0,nan,2.0\n", "line 2: Measured.bend = .* not finite"),
        (f"{HEAD}\n2.5,1,steel,heavy,1.0,2.0\n", "line 2: mass = 'heavy' is not a number"),
        (f"{HEAD},fidelity\n{ROW},finest\n", "line 2: .*fidelity 'finest'.*fine"),
        (f"{HEAD}\n", "no rows"),
        (f"{HEAD}\n{ROW},7\n", "line 2: it has more or fewer cells"),
        (f"{HEAD}\n2.5,1,steel\n", "line 2: it has more or fewer cells"),
        (f"{HEAD},mass\n{ROW},9.0\n", "line 1: columns mass stand there twice"),
        (f"{HEAD}\n\n{ROW}\n\n12.5,1,steel,3.0,1.0,2.0\n", "line 5: Beam.width"),
        (f'{HEAD}\n2.5,1,"copper, soft",3.0,1.0,2.0\n2.5,1,"copper\nsoft",3.0,1.0,2.0\n', "line 4: Beam.metal"),
        (f"{HEAD}\n2.5,1,steel,3.0,,2.0\n", "line 2: bend.wind = '' is not a number"),
        (f"{HEAD},trace.wind,trace.snow\n{ROW},1.0,\n", "line 2: trace.snow = '' is not a number"),
        (f"{HEAD}\n{ROW}\n{ROW.replace('3.0', '4.0')}\n", "line 3: this design was answered differently in an earlier line"),
        (f'{HEAD}\n2.5,1,"steel" x,3.0,1.0,2.0\n', "line 2: .*expected after"),
    ],
)
def test_a_messy_table_is_refused_with_line_and_column(tmp_path: Path, text: str, says: str):
    with pytest.raises(InputError, match=rf"past\.csv.*{says}"):
        read(tmp_path, text)


def test_a_table_that_is_no_text_or_is_not_there_is_refused(tmp_path: Path):
    file = tmp_path / "past.csv"
    for prepare in (lambda: None, lambda: file.write_bytes(b"\xff\xfe\x00")):
        prepare()
        with pytest.raises(InputError, match=r"past\.csv cannot be read as a UTF-8 table"):
            rows_from_table(PROBLEM, {}, file)


def test_a_row_that_stands_there_twice_counts_once(tmp_path: Path):
    assert len(read(tmp_path, f"{HEAD}\n{ROW}\n{ROW}\n")["rows"]) == 1
