"""Molecules in their pockets: what is refused, pictures that are no mirror of the pose, the page to turn them in."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from dure.errors import InputError, ValueRefused
from dure.problem import Complex, view_of
from dure.report import complexes

pytestmark = pytest.mark.needs("rdkit", "matplotlib")

ALANINE = "C[C@H](N)C(=O)Oc1ccc(F)cc1"
ATOM = "{kind:<6}{number:5d}  {name:<3} {residue} A{place:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {element:>2}"


def laid(turned: Rotation | None = None, shift: float = 0.0, mirrored: bool = False) -> Complex:
    """A molecule and the atoms of three residues around it, moved as one."""
    from rdkit import Chem
    from rdkit.Chem.rdDistGeom import EmbedMolecule

    made = Chem.AddHs(Chem.MolFromSmiles(ALANINE))
    EmbedMolecule(made, randomSeed=7)
    places = made.GetConformer().GetPositions()
    around = places.mean(0) + np.array([[4.0, 2.5, 1.0], [-5.0, -2.0, 2.0], [0.5, 9.0, 8.5]])

    def moved(rows: Any) -> Any:
        rows = rows * [1.0, 1.0, -1.0] if mirrored else rows
        return (rows if turned is None else turned.apply(rows)) + shift

    made.GetConformer().SetPositions(moved(places))
    lines = [
        ATOM.format(kind="ATOM", number=n, name="CA", residue=name, place=n, x=x, y=y, z=z, element="C")
        for n, (name, (x, y, z)) in enumerate(zip(("SER", "GLY", "TRP"), moved(around), strict=True), start=1)
    ]
    return Complex("F2", Chem.MolToMolBlock(made), "\n".join([*lines, "END", ""]))


def places_in(drawn: Any) -> Any:
    """Where the strokes of a picture begin and end, to a tenth of a pixel."""
    return np.array([float(one) for one in re.findall(r"[ML] ?(-?[\d.]+)", str(drawn.svg))])


@pytest.mark.parametrize("name", ["../F2", "a/b", "", ".hidden", "F2<b>"])
def test_a_name_that_is_no_files_is_refused(name: str):
    with pytest.raises(ValueRefused, match="files are named so"):
        Complex(name, laid().ligand, laid().pocket)


def test_a_complex_survives_being_written_down():
    one = laid()
    assert view_of(one.plain()) == one


@pytest.mark.parametrize(
    ("ligand", "pocket", "says"),
    [
        ("CCO", "END\n", "not a MOL block"),
        ("", "END\n", "not a MOL block"),
        (None, "HEADER x\nEND\n", "has lines of HEADER"),
        (None, "<script>\n", "has lines of <scrip"),
    ],
)
def test_what_is_no_complex_is_refused(ligand: str | None, pocket: str, says: str):
    with pytest.raises(ValueRefused, match=says):
        Complex("F2", laid().ligand if ligand is None else ligand, pocket)


@settings(max_examples=5, deadline=None)
@given(st.lists(st.floats(-180, 180), min_size=3, max_size=3), st.floats(-90, 90))
def test_a_picture_does_not_depend_on_how_the_pose_was_turned(angles: list[float], shift: float):
    before = complexes._picture("x", laid())
    after = complexes._picture("x", laid(Rotation.from_euler("xyz", angles, degrees=True), shift))
    # Coordinates of MOL have four digits and those of PDB three: a stroke may end a tenth of a pixel further on.
    np.testing.assert_allclose(places_in(after), places_in(before), atol=0.5)


def test_a_mirror_image_looks_different():
    ends = places_in(complexes._picture("x", laid())), places_in(complexes._picture("x", laid(mirrored=True)))
    assert ends[0].shape != ends[1].shape or np.abs(ends[0] - ends[1]).max() > 5


def test_residues_that_touch_are_named_and_others_are_not():
    text = str(complexes._picture("x", laid()).svg)
    assert "SER 1" in text
    assert "TRP 3" not in text  # twelve angstroms away


def test_a_pose_with_nothing_around_is_drawn_alone():
    alone = Complex("F2", laid().ligand, "END\n")
    assert "<path" in complexes._picture("x", alone).svg


@pytest.mark.parametrize("ligand", ["C", "", "broken"])
def test_what_cannot_be_drawn_is_left_out(ligand: str):
    from rdkit import Chem

    block = "V2000\nM  END" if ligand == "broken" else Chem.MolToMolBlock(Chem.MolFromSmiles(ligand))
    assert complexes._picture("x", Complex("F2", block, laid().pocket + "TER\n\n")) is None


def test_the_page_holds_all_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DURE_CACHE", str(tmp_path))
    assert not complexes.VIEWER.found()
    script = 'const a = "</script>";'
    (tmp_path / f"3dmol-{complexes.VIEWER_VERSION}.js").write_text(script)
    assert not complexes.VIEWER.found()  # it is not what was published
    monkeypatch.setattr(complexes, "_SHA256", hashlib.sha256(script.encode()).hexdigest())
    hostile = Complex("F2", laid().ligand.replace("M  END", "> <x>\nM  END"), laid().pocket)
    page = complexes._page({"winner-F2": hostile})
    assert complexes.VIEWER.found()
    assert page.count("</script>") == 2
    assert "> <x>" not in page
    assert not re.search(r"(src|href)=", page)


def test_what_is_fetched_is_compared_with_a_known_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import io

    monkeypatch.setenv("DURE_CACHE", str(tmp_path))
    monkeypatch.setattr(complexes, "urlopen", lambda *_given, **_more: io.BytesIO(b"something else"))
    with pytest.raises(InputError, match="has sha512"):
        complexes._fetch()
    assert not complexes.VIEWER.found()
