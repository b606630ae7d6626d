"""What the cells and headings of laboratories' tables mean, and that what may mean two things is left out and not guessed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.domains.bio.assays import REFUSED, read_assays
from dure.errors import InputError
from tests.fast.test_assays import written

pytestmark = pytest.mark.needs("rdkit", "platformdirs", "sklearn")


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def told(folder: Path, cells: str, heading: str = "IC50 (nM)", more: str = "") -> dict[str, float]:
    """By SMILES what comes of a column of cells, one a line, in a table apart by semicolons."""
    lines = [f"{'C' * number}O;{cell}" for number, cell in enumerate(cells.split("|"), 1)]
    assays = read_assays(written(folder, f"smiles;{heading}\n" + "\n".join(lines)), more)
    return {one.smiles: one.value for one in assays.compounds if one.value is not None}


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ("1,5|0,25|12,5", (1.5, 0.25, 12.5)),
        ("1,5|1,500|1.234,5", (1.5, 1.5, 1234.5)),
        ("1.5|1,500|1,234.5", (1.5, 1500.0, 1234.5)),
        ("5 000|1 234.5|12\u202f000", (5000.0, 1234.5, 12000.0)),
        ("1'000|>2 000 nM|1e3", (1000.0, 2000.0, 1000.0)),
        ("1,000,000|2,500|3", (1e6, 2500.0, 3.0)),
        ("12,5|1.234|0,8", (12.5, 1234.0, 0.8)),
        ("1.234.567|2.500|3", (1234567.0, 2500.0, 3.0)),
    ],
)
def test_a_decimal_comma_is_told_from_thousands_by_the_column(tmp_path: Path, cells: str, values: tuple[float, ...]):
    found = told(tmp_path, cells)
    assert [found["C" * number + "O"] for number in (1, 2, 3)] == pytest.approx([9 - np.log10(one) for one in values], abs=1e-6)


@given(st.lists(st.floats(0.01, 9e5).map(lambda one: float(f"{one:.2f}")), min_size=2, max_size=6), st.sampled_from("., '"))
def test_any_signs_of_thousands_give_the_same_numbers(numbers: list[float], sign: str):
    from tempfile import TemporaryDirectory

    spelled = [f"{one:,.2f}".translate({ord(","): sign, ord("."): "," if sign == "." else "."}) for one in numbers]
    with TemporaryDirectory() as folder:
        found = told(Path(folder), "|".join(spelled), "activity")
    assert list(found.values()) == numbers


@pytest.mark.parametrize("cell", ["1,500", "1,50,0", "5 3", "12,5,0", "1.2.3", ","])
def test_what_may_be_two_numbers_or_none_is_left_out(tmp_path: Path, cell: str):
    assert told(tmp_path, f"3|{cell}").keys() == {"CO"}


def test_units_are_found_by_their_cells_and_by_headings_of_other_tongues(tmp_path: Path):
    table = "번호;구조;IC50 EGFR;{};비고\nA;CCO;5;uM;\nB;CCCO;5;nM;x\n"
    for heading in ("단위", "IC50 unit", "in what"):
        assays = read_assays(written(tmp_path, table.format(heading)))
        assert {one.names[0]: one.value for one in assays.compounds} == pytest.approx({"A": 5.30103, "B": 8.30103})


def test_a_concentration_without_unit_is_left_out_whatever_its_column_is_called(tmp_path: Path):
    assert told(tmp_path, "100 nM|250|2 uM", "Potency").keys() == {"CO", "CCCO"}
    assert told(tmp_path, "100 nM|250", "IC50 EGFR").keys() == {"CO"}
    assert told(tmp_path, "12 %|50 ug/mL|7 %", "activity") == {"CO": 12.0, "CCCO": 7.0}
    assert told(tmp_path, "6.5|500|7.25", "pIC50").keys() == {"CO", "CCCO"}


def by_name(folder: Path, table: str, column: str = "", name: str = "assay.csv") -> dict[str, tuple[float | None, int]]:
    assays = read_assays(written(folder, table, name), column)
    return {one.names[0]: (one.value, one.qualifier) for one in assays.compounds}


def test_a_unit_of_the_heading_is_not_overruled_by_what_stands_elsewhere(tmp_path: Path):
    assert by_name(tmp_path, "name,SMILES,IC50 (nM),Sex\na,CCO,10,M\n") == {"a": (8.0, 0)}
    assert by_name(tmp_path, "name,SMILES,IC50 (nM),Top conc,Top conc units\na,CCO,10,30,uM\n") == {"a": (8.0, 0)}
    percent = "name,SMILES,% inhibition at 10 uM\na,CCO,50\nb,CCN,95\nc,CCC,-3\n"
    found = by_name(tmp_path, percent, "% inhibition at 10 uM")
    assert found == {"a": (50.0, 0), "b": (95.0, 0), "c": (-3.0, 0)}


CHEMBL = """"Molecule ChEMBL ID";"Smiles";"Standard Type";"Standard Relation";"Standard Value";"Standard Units";"pChEMBL Value"
"A";"CCO";"IC50";"'='";"100.0";"nM";"7.0"
"B";"CCN";"IC50";"'>'";"10000.0";"nM";""
"C";"CCC";"IC50";"'<'";"80.0";"nM";"7.1"
"D";"CCCl";"Inhibition";"'='";"40.0";"%";""
"E";"CCBr";"IC50";"about";"40.0";"nM";"7.4"
"""


def test_bounds_of_chembl_are_read_from_the_concentration(tmp_path: Path):
    found = by_name(tmp_path, CHEMBL)
    assert found["A"] == (7.0, 0)
    assert found["B"] == (5.0, -1)  # more than 10 uM is less than 5
    assert found["C"] == (pytest.approx(7.09691), 1)
    assert found.keys() == {"A", "B", "C"}, "a percentage is no concentration, and about no relation"


@pytest.mark.parametrize(
    ("heading", "cell", "value"),
    [("-log IC50 (M)", "7.5", 7.5), ("log IC50 (M)", "-7.5", None), ("Log Ki", "1.5", None), ("pKi EGFR", "7.5", 7.5)],
)
def test_logarithms_of_concentrations_have_a_sign(tmp_path: Path, heading: str, cell: str, value: float | None):
    table = f"name,SMILES,{heading}\na,CCO,{cell}\n"
    if value is None:
        with pytest.raises(InputError, match="smaller is better"):
            read_assays(written(tmp_path, table), heading)
    else:
        assert by_name(tmp_path, table, heading) == {"a": (value, 0)}


@pytest.mark.parametrize(("heading", "cell"), [("pIC50", "6-8"), ("pIC50", "7.1/6.9"), ("pIC50", "5 nM"), ("activity", "50-60")])
def test_what_follows_a_number_is_never_dropped(tmp_path: Path, heading: str, cell: str):
    assert told(tmp_path, f"7|{cell}", heading).keys() == {"CO"}


def test_deviations_are_no_values_and_two_values_no_guess(tmp_path: Path):
    assert by_name(tmp_path, "name,SMILES,SD IC50 (nM),mean IC50 (nM)\na,CCO,3,10\n") == {"a": (8.0, 0)}
    with pytest.raises(InputError, match="several columns of values, IC50 EGFR, IC50 KDR; say --setting column=NAME"):
        read_assays(written(tmp_path, "SMILES,IC50 EGFR,IC50 KDR\nCCO,3 nM,10 nM\n"))


def test_cells_beyond_the_last_heading_are_a_comma_too_many(tmp_path: Path):
    assays = read_assays(written(tmp_path, "name,SMILES,IC50 (nM),Note\na,CCO,1,5,x\nb,CCN,2,y\n"))
    assert [one.said() for one in assays.changes if one.what == REFUSED] == [
        "left out: 'x' stands beyond the last heading; put quotes around a cell that holds a comma"
    ]


def test_a_folder_holds_one_kind_of_value(tmp_path: Path):
    written(tmp_path, "SMILES,IC50 (nM)\nCCO,10\n", "a.csv")
    written(tmp_path, "SMILES,activity\nCCO,95\n", "b.csv")
    with pytest.raises(InputError, match="do not measure in the same unit"):
        read_assays(tmp_path)


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_tables_of_korean_windows_are_read(tmp_path: Path, code: str):
    (tmp_path / "assay.csv").write_bytes("이름,구조,IC50 (nM)\n가,CCO,10\n".encode(code))
    assert [one.names for one in read_assays(tmp_path / "assay.csv").compounds] == [("가",)]
    (tmp_path / "assay.csv").write_bytes("name,SMILES,IC50 (µM)\na,CCO,10\n".encode("latin-1"))
    assert read_assays(tmp_path / "assay.csv").compounds[0].value == 5.0
