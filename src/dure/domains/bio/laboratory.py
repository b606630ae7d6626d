"""What goes to a laboratory and comes back: structures as SDF, and a plate map whose empty column is filled in and read again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from dure.errors import ValueRefused
from dure.i18n import _
from dure.problem.smiles import rdkit_quiet

__all__ = ["WELLS", "drawn", "plate_map", "sdf"]

_ACROSS, _WIDE, _HIGH = 4, 260, 200

WELLS = tuple(f"{row}{column:02d}" for column in range(2, 12) for row in "ABCDEFGH")
"""Wells of a 96-well plate, column by column; the first and the last column are left to controls."""


def sdf(compounds: Iterable[tuple[str, str, Mapping[str, str]]]) -> str:
    """Name, SMILES and properties of each as an SDF with flat coordinates."""
    with rdkit_quiet():
        from rdkit import Chem
        from rdkit.Chem.rdDepictor import Compute2DCoords

        text = io.StringIO()
        writer = Chem.SDWriter(text)
        for name, smiles, properties in compounds:
            made = Chem.MolFromSmiles(smiles)
            Compute2DCoords(made)
            made.SetProp("_Name", name)
            for key, value in {"smiles": smiles, **properties}.items():
                made.SetProp(key, value)
            writer.write(made)
        writer.close()
        return text.getvalue()


def drawn(compounds: Sequence[tuple[str, str]]) -> str:
    """SMILES and caption of each as one SVG, four structures across."""
    with rdkit_quiet():
        from rdkit import Chem
        from rdkit.Chem.Draw.rdMolDraw2D import MolDraw2DSVG

        down = -(-len(compounds) // _ACROSS)
        canvas = MolDraw2DSVG(_ACROSS * _WIDE, down * _HIGH, _WIDE, _HIGH)
        canvas.DrawMolecules([Chem.MolFromSmiles(one) for one, _caption in compounds], legends=[text for _one, text in compounds])
        canvas.FinishDrawing()
        return str(canvas.GetDrawingText())


def plate_map(compounds: Sequence[tuple[str, str]], column: str) -> str:
    """Name and SMILES of each, with its well, as a CSV with empty columns for the result, its qualifier and its unit.

    Raises:
        ValueRefused: there are more compounds than the 80 wells of one plate.
    """
    if len(compounds) > len(WELLS):
        raise ValueRefused(
            _("{count} compounds do not fit into the {wells} wells of a plate; order fewer").format(
                count=len(compounds), wells=len(WELLS)
            )
        )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["well", "compound", "smiles", "qualifier", column, "unit"])
    writer.writerows([well, name, smiles, "", "", ""] for well, (name, smiles) in zip(WELLS, compounds, strict=False))
    return text.getvalue()
