"""Assay tables as laboratories keep them: nothing is dropped in silence, and what is controlled never gets in."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.domains.bio.assays import MERGED, REFUSED, SALT, UNMEASURED, read_assays
from dure.domains.bio.diversity import diversity
from dure.domains.bio.laboratory import WELLS, plate_map, sdf
from dure.domains.bio.lead_finding import problem
from dure.domains.bio.screening import deny_list, read_screen
from dure.errors import InputError, SimulationFailed, ValueRefused
from dure.i18n import LANGUAGES, speaking
from dure.problem import canonical, fingerprints, tanimoto

pytestmark = pytest.mark.needs("rdkit", "platformdirs", "sklearn")

MESSY = """\ufeffCompound ID;Canonical SMILES ; IC50 (nM) ;Units;Qualifier
A-1;CCO;1000;;
A-2;OCC;3.0;uM;
A-3;CC(=O)[O-].[Na+];10;µM;>
A-4;c1ccccc1O;<1 nM;;
A-5;C1CC;5;nM;
A-6;CCN;n/a;;
A-7;CCCl;12;ug/mL;
A-8;CCBr;abc;;
A-9;CP(=O)(F)OC(C)C;1;nM;
"""


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def written(folder: Path, text: str, name: str = "assay.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_messy_headings_mixed_units_salts_and_repeats(tmp_path: Path):
    assays = read_assays(written(tmp_path, MESSY))
    found = {one.smiles: one for one in assays.compounds}
    assert (assays.rows, assays.quantity, assays.molar) == (9, "IC50 (nM)", True)
    # 1000 nM is 6; 3 uM is 5.523 (minus log10 of 3e-6); the median of both
    assert found["CCO"].values == pytest.approx((6.0, 5.522879))
    assert found["CCO"].value == pytest.approx(5.761439)
    assert found["CCO"].names == ("A-1", "A-2")
    # above 10 uM is below 5 as a logarithm; the salt's acid is what acts
    assert (found["CC(=O)O"].value, found["CC(=O)O"].qualifier) == (pytest.approx(5.0), -1)
    assert (found["Oc1ccccc1"].value, found["Oc1ccccc1"].qualifier) == (pytest.approx(9.0), 1)
    assert found["CCN"].value is None


def test_every_row_is_a_compound_a_change_or_counted(tmp_path: Path):
    assays = read_assays(written(tmp_path, MESSY))
    refused = {one.name: one.said() for one in assays.changes if one.what == REFUSED}
    assert set(refused) == {"A-5", "A-7", "A-8"}
    assert "is no SMILES" in refused["A-5"]
    assert "no molar unit" in refused["A-7"]
    named = {name for one in assays.compounds for name in one.names}
    assert len(named) + len(refused) + assays.blocked == assays.rows
    assert {one.name for one in assays.changes if one.what == SALT} == {"A-3"}
    assert {one.name for one in assays.changes if one.what == MERGED} == {"A-2"}
    assert {one.name for one in assays.changes if one.what == UNMEASURED} == {"A-6"}
    assert "Of 9 rows, 4 compounds came" in assays.summary()


def test_what_is_blocked_is_counted_and_never_shown(tmp_path: Path):
    assays = read_assays(written(tmp_path, MESSY))
    assert assays.blocked == 1
    shown = assays.listing() + assays.summary() + "".join(one.smiles for one in assays.compounds)
    assert "A-9" not in shown
    assert "P(" not in shown


@given(
    st.lists(
        st.tuples(st.sampled_from(("CCO", "CCN", "C1", "", "CC.O", "CCC")), st.sampled_from(("1", "> 2", "", "x", "-1", "3 mM"))),
        min_size=1,
    )
)
def test_no_row_is_lost_whatever_it_holds(rows: list[tuple[str, str]]):
    from tempfile import TemporaryDirectory

    text = "name,smiles,Ki [uM]\n" + "".join(f"r{number},{smiles},{value}\n" for number, (smiles, value) in enumerate(rows))
    with TemporaryDirectory() as folder:
        try:
            assays = read_assays(written(Path(folder), text))
        except InputError:  # no row can be used: each of them is a refusal
            return
    named = {name for one in assays.compounds for name in one.names} | {one.name for one in assays.changes if one.what == REFUSED}
    assert named == {f"r{number}" for number in range(len(rows))}


def test_what_was_changed_is_the_same_file_in_every_language(tmp_path: Path):
    assays = read_assays(written(tmp_path, MESSY))
    files = []
    for code in LANGUAGES:
        with speaking(code):
            files.append(assays.listing())
    assert files[0] == files[1]
    (line,) = (row for row in csv.DictReader(io.StringIO(files[0])) if row["name"] == "A-7")
    assert "no molar unit" in line["what was changed"]
    assert "단위" in line["바뀐 내용"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "has no column of structures among a, b"),
        ("smiles,b\nCCO,2\n", "has no column of values among smiles, b"),
        ("smiles,Ki\nCCO,2\n", "no molar unit"),
        ("smiles,pKi\n", "it is empty"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, text: str, says: str):
    with pytest.raises(InputError, match=says):
        read_assays(written(tmp_path, text))


def test_sdf_parquet_and_csv_say_the_same(tmp_path: Path):
    pandas = pytest.importorskip("pandas")
    rows = [("x", "CCO", "6.0"), ("y", "c1ccccc1O", "7.5")]
    written(tmp_path, sdf([(name, smiles, {"pKi": value}) for name, smiles, value in rows]), "a.sdf")
    pandas.DataFrame(rows, columns=["name", "smiles", "pKi"]).to_parquet(tmp_path / "a.parquet")
    written(tmp_path, "name\tsmiles\tpKi\n" + "".join("\t".join(row) + "\n" for row in rows), "a.tsv")
    told = [read_assays(tmp_path / name).compounds for name in ("a.sdf", "a.parquet", "a.tsv")]
    assert told[0] == told[1] == told[2]


# ------------------------------------------------------------------------------------------------------------- screen
@pytest.mark.parametrize("drug", ["CC(=O)Oc1ccccc1C(=O)O", "O=P1(N(CCCl)CCCl)NCCCO1", "N[C@@H](Cc1ccc(N(CCCl)CCCl)cc1)C(=O)O"])
def test_medicines_pass_the_screen(drug: str):
    assert not read_screen().blocks(drug)


@pytest.mark.parametrize(
    "spelling", ["C[C@H](O)C(C)(C)C", "O[C@@H]1CN2CCC1CC2", "C[NH+](CCCl)CCCl", "[2H]C([2H])([2H])N(CCCl)CCCl", "CN(CCCl)CCCl"]
)
def test_a_scheduled_chemical_is_blocked_however_it_is_spelt(spelling: str):
    """Pinacolyl alcohol, quinuclidinol and a nitrogen mustard of the schedules (Opcw2020): as stereoisomer, salt, isotope."""
    assert read_screen().blocks(canonical(spelling))


@pytest.mark.needs("data:bio", "pyarrow")
def test_no_published_drug_candidate_is_taken_for_an_agent():
    from pyarrow.parquet import read_table

    smiles = read_table(Path(os.environ["DURE_DATA"]) / "bio/moleculeace_20.parquet")["smiles"].to_pylist()
    screen = read_screen()
    assert not any(screen.blocks(one) for one in smiles[::25])


def test_a_users_deny_list_is_added(tmp_path: Path):
    deny_list().parent.mkdir(parents=True)
    deny_list().write_text("# house rules\nc1ccccc1O no phenols\n", encoding="utf-8")
    assays = read_assays(written(tmp_path, MESSY))
    assert assays.blocked == 2
    assert "Oc1ccccc1" not in {one.smiles for one in assays.compounds}
    deny_list().write_text("C1CC(\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1: 'C1CC\\(' is no SMARTS"):
        read_screen()


# ---------------------------------------------------------------------------------------------------------- the problem
def test_a_table_nobody_has_seen_is_a_pool(tmp_path: Path):
    setting = problem.make_setting({"pool": str(written(tmp_path, MESSY))})
    member = problem.under(setting)
    assert {one.smiles for one in member.candidates} == {"CCO", "CC(=O)O", "Oc1ccccc1", "CCN"}
    told = member.answer(member.design(smiles="OCC"), setting, fidelity="replay", seed=0).outcome
    assert told.activity == pytest.approx(5.761439)
    with pytest.raises(SimulationFailed, match="CCN was not measured yet"):
        member.answer(member.design(smiles="CCN"), setting, fidelity="replay", seed=0)
    assert any("minus the decimal logarithm" in text for text in member.hazards)
    assert "row,name,what was changed" in member.export(member.design(smiles="CCO"), setting, None)["import.csv"]  # type: ignore[misc]


def test_a_pool_that_changed_is_another_pool(tmp_path: Path):
    file = written(tmp_path, MESSY)
    named = problem.make_setting({"pool": str(file)}).pool
    written(tmp_path, MESSY + "A-10;CCCC;1;nM;\n")
    with pytest.raises(ValueRefused, match="is no longer what"):
        problem.make_setting({"pool": named})
    with pytest.raises(ValueRefused, match=r"there is no file or folder .*nowhere\.csv; give one with assays"):
        problem.make_setting({"pool": "nowhere.csv"})
    (tmp_path / "assay.xls").write_text("?")
    with pytest.raises(ValueRefused, match="is neither solubility nor a table of assays"):
        problem.make_setting({"pool": str(tmp_path / "assay.xls")})


# ------------------------------------------------------------------------------------------------------- a laboratory
def test_a_plate_map_comes_back_with_results(tmp_path: Path):
    library = "name,smiles,pIC50\nx,CCO,5.0\ny,CCN,\nz,CCC,\n"
    (tmp_path / "pool").mkdir()
    written(tmp_path / "pool", library, "1-library.csv")
    plate = plate_map([("y", "CCN"), ("z", "CCC")], "pIC50")
    rows = list(csv.reader(io.StringIO(plate)))
    assert [row[0] for row in rows[1:]] == [*WELLS[:2]] == ["A02", "B02"]
    rows[1][3:5], rows[2][3:5] = ["", "6.5"], ["<", "4.0"]
    written(tmp_path / "pool", "".join(",".join(row) + "\n" for row in rows), "2-results.csv")
    found = {one.smiles: one for one in read_assays(tmp_path / "pool").compounds}
    assert (found["CCN"].value, found["CCN"].qualifier) == (6.5, 0)
    assert (found["CCC"].value, found["CCC"].qualifier) == (4.0, -1)
    with pytest.raises(ValueRefused, match="81 compounds do not fit into the 80 wells"):
        plate_map([("a", "C")] * 81, "pIC50")


def test_results_come_back_as_sdf_too_with_replicates_and_units(tmp_path: Path):
    written(tmp_path, "name,smiles,IC50 (nM)\nx,CCO,5000\ny,CCN,\n", "1-library.csv")
    told = [{"IC50": "<50", "unit": "nM"}, {"IC50": "3", "unit": "uM"}, {"IC50": "30", "unit": "uM"}]
    written(tmp_path, sdf([("y", "CCN", told[0]), ("x", "CCO", told[1]), ("x", "CCO", told[2])]), "2-results.sdf")
    found = {one.smiles: one for one in read_assays(tmp_path).compounds}
    assert (found["CCN"].value, found["CCN"].qualifier) == (pytest.approx(7.301, abs=1e-3), 1)  # minus log10 of 50e-9
    assert found["CCO"].value == pytest.approx(5.301, abs=1e-3)  # the median of 5, 3 and 30 uM


def test_the_best_hundredth_is_found_as_an_enrichment_curve_says(tmp_path: Path):
    rows = "".join(f"{'C' * number}O,{number / 10}\n" for number in range(1, 101))
    setting = problem.make_setting({"pool": str(written(tmp_path, "smiles,pKi\n" + rows))})
    member = problem.under(setting)
    asked = [member.design(smiles="C" * number + "O") for number in (5, 100, 7)]
    assert member.overview is not None
    assert problem.overview is not None
    fan, spread = member.overview(asked, setting)
    (_name, _x, found), (_other, _same, expected) = fan.lines
    assert found == (0.0, 0.0, 100.0, 100.0)  # one of a hundred is the best hundredth, and it came second
    assert expected == pytest.approx((0.0, 1.0, 2.0, 3.0))
    assert [len(x) for _label, x, _y in spread.lines] == [3, 97]
    written(tmp_path, "smiles,pKi\nCCO,1\nCCN,\n")
    partly = problem.make_setting({"pool": str(tmp_path / "assay.csv")})
    assert problem.overview([], partly) == ()


def test_an_order_draws_every_compound_and_says_what_is_expected(tmp_path: Path):
    setting = problem.make_setting({"pool": str(written(tmp_path, MESSY))})
    member = problem.under(setting)
    assert member.order is not None
    chosen = [member.design(smiles=one) for one in ("CCN", "Oc1ccccc1")]
    files = member.order(chosen, setting, [{"activity": (5.0, 4.0, 6.0)}, {}])
    assert set(files) == {"short-list.sdf", "short-list.svg", "plate.csv", "import.csv", "summary.txt"}
    assert files["short-list.sdf"].count("$$$$") == 2
    assert ">  <predicted low>" in files["short-list.sdf"]
    assert "</svg>" in files["short-list.svg"]
    assert "IC50 (nM)" in files["plate.csv"]


def test_the_map_shows_every_compound_once_and_two_kinds_apart():
    """Alcohols share next to nothing with fluorinated rings: the first direction tells the two kinds apart."""
    pool = ["C" * carbons + "O" for carbons in range(2, 14)] + [f"Fc1ccc({'N' * number})cc1" for number in range(1, 9)]
    drawn = diversity(fingerprints(pool), [0, 1, 12], [0, 1])
    assert [len(x) for _label, x, _y in drawn.lines] == [2, 1, 17]
    at = dict(zip([0, 1, 12, *range(2, 12), *range(13, 20)], [one for _label, x, _y in drawn.lines for one in x], strict=True))
    sides = [np.sign(at[row]) for row in range(20)]
    assert len({*sides[:12]}) == len({*sides[12:]}) == 1
    assert sides[0] != sides[12]
    alike = tanimoto(fingerprints(pool[:1]), fingerprints(pool[1:2]))[0, 0]
    assert f"{alike:.2f}" in drawn.lines[0][0]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_small_pool_has_a_map_as_well(count: int):
    drawn = diversity(fingerprints(["CCO", "CCN", "c1ccccc1"][:count]), [0], [0])
    assert sum(len(x) for _label, x, _y in drawn.lines) == count
    assert "1.00" in drawn.lines[0][0]
