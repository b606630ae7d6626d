"""Molecules in their pockets: a still picture for the page, and a page beside it in which they can be turned."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from importlib.util import find_spec
from itertools import pairwise
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
from markupsafe import escape

from dure.cache import cache
from dure.errors import InputError
from dure.i18n import _, language
from dure.problem import Complex, Need
from dure.problem.smiles import rdkit_quiet
from dure.report.dossier import Dossier
from dure.report.figures import Drawn
from dure.report.style import COLOURS, panel, svg

__all__ = ["TURNED", "VIEWER", "VIEWER_VERSION", "files_of", "pictures"]

TURNED = "complexes.html"
VIEWER_VERSION = "2.5.5"
_PLACE = f"https://registry.npmjs.org/3dmol/-/3dmol-{VIEWER_VERSION}.tgz"
_SHA512 = "kqNHouGqq3YfW58174tdERvm0XYTmP0tavQKOqIw1ouc2OJ7epkXEFrtEkVXV0clBZT2Ze2xHRC/qxX0u0qCdw=="
_MEMBER = "package/build/3Dmol-min.js"
_SHA256 = "f7cc78921ae72e7623e89cdd111434f58c2efddd2ffda1cd212644b406fb8016"

_WIDE, _HIGH = 560, 400
_MARGIN = 3.0
_TOUCHING = 4.0
_EDGE = 0.6
_PAINTED = {"N": COLOURS["winner"], "O": COLOURS["limit"], "S": COLOURS["baseline"], "H": COLOURS["other"]}

Rows = np.ndarray[Any, np.dtype[np.float64]]


def _script() -> Any:
    return cache() / f"3dmol-{VIEWER_VERSION}.js"


def _fetch() -> None:
    """The library from npm's registry.

    Raises:
        InputError: it cannot be reached, or what came has another hash.
    """
    try:
        with urlopen(_PLACE, timeout=60) as answer:
            data = answer.read()
    except (OSError, URLError) as error:
        raise InputError(_("{place} cannot be read: {error}").format(place=_PLACE, error=error)) from error
    found = base64.b64encode(hashlib.sha512(data).digest()).decode()
    if found != _SHA512:
        raise InputError(_("{file} has sha512 {found}, not {wanted}").format(file=_PLACE, found=found, wanted=_SHA512))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        member: Any = archive.extractfile(_MEMBER)
        text = member.read()
    cache().mkdir(parents=True, exist_ok=True)
    draft = _script().with_suffix(f".{os.getpid()}")
    draft.write_bytes(text)
    draft.replace(_script())


def _found() -> str:
    """The script in the cache, if it is the one that was fetched."""
    right = _script().is_file() and hashlib.sha256(_script().read_bytes()).hexdigest() == _SHA256
    return str(_script()) if right else ""


VIEWER = Need("3Dmol", _found, fetch=_fetch)
"""What turns molecules in a browser (Rego2015); without it there are pictures and files only."""


def _of_roles(dossier: Dossier) -> dict[str, Complex]:
    """By "role-name", those of winner, baseline and runners-up."""
    return {f"{role}-{one.name}": one for role in dossier.roles for one in dossier.shown(Complex, role)}


def files_of(dossier: Dossier) -> dict[str, bytes]:
    """Ligands as MOL, pockets as PDB, and where the viewer is there, a page that needs nothing else."""
    shown = _of_roles(dossier)
    files = {f"{name}.mol": one.ligand.encode() for name, one in shown.items()}
    files |= {f"{name}-pocket.pdb": one.pocket.encode() for name, one in shown.items()}
    if shown and VIEWER.found():
        files[TURNED] = _page(shown).encode()
    return files


def pictures(dossier: Dossier) -> list[Drawn]:
    """The winner in each of its pockets, seen along the molecule's thinnest side; residues that touch it are named."""
    if find_spec("rdkit") is None:
        return []
    drawn = (_picture(f"complex-{number}", one) for number, one in enumerate(dossier.shown(Complex), start=1))
    return [one for one in drawn if one is not None]


def _read(one: Complex) -> tuple[Any, Any]:
    with rdkit_quiet():
        from rdkit import Chem

        read: Any = Chem.MolFromMolBlock(one.ligand, sanitize=False)
        ligand = None if read is None else Chem.RemoveHs(read, sanitize=False)
        pocket: Any = Chem.MolFromPDBBlock(one.pocket, sanitize=False, removeHs=True)
    return ligand, pocket or Chem.Mol()


def _picture(name: str, one: Complex) -> Drawn | None:
    """None where the ligand has no bond to be drawn, or cannot be read."""
    ligand, pocket = _read(one)
    if ligand is None or not ligand.GetNumBonds():
        return None
    inside = ligand.GetConformer().GetPositions()
    around = pocket.GetConformer().GetPositions() if pocket.GetNumConformers() else np.empty((0, 3))
    middle = inside.mean(0)
    seen = _axes(inside - middle)
    flat, walls = (inside - middle) @ seen.T, (around - middle) @ seen.T
    low, high = flat[:, :2].min(0) - _MARGIN, flat[:, :2].max(0) + _MARGIN
    with panel(_WIDE, _HIGH, name) as axes:
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        axes.set_axis_off()
        _sticks(axes, pocket, walls, {}, width=1.2)
        _sticks(axes, ligand, flat, _PAINTED, width=3.2)
        _names(axes, pocket, walls, flat)
        at = (high[0] - 6.0, low[1] + 0.5)
        axes.plot([at[0], at[0] + 5.0], [at[1], at[1]], color=COLOURS["ink"], linewidth=1.6, solid_capstyle="butt")
        axes.text(at[0] + 2.5, at[1] + 0.25, "5 Å", ha="center", fontsize=10, color=COLOURS["ink"])
        title = _("{target}: the winner in its pocket").format(target=one.name)
        return Drawn(title, svg(axes, name, title))


def _axes(places: Rows) -> Rows:
    """(3, 3) directions of most and less extent, and towards the reader: no mirror, and alike however the pose was turned."""
    _scores, _sizes, found = np.linalg.svd(places)
    right, up = (one if round(float(((places @ one) ** 3).sum()), 6) >= 0 else -one for one in found[:2])
    return np.stack([right, up, np.cross(right, up)])


def _sticks(axes: Any, molecule: Any, places: Rows, painted: Mapping[str, str], *, width: float) -> None:
    """Each bond in two halves of its atoms' colours, what lies behind first."""
    halves = []
    for bond in molecule.GetBonds():
        ends = (bond.GetBeginAtom(), bond.GetEndAtom())
        first, last = (places[end.GetIdx()] for end in ends)
        for end, (start, stop) in zip(ends, pairwise((first, (first + last) / 2, last)), strict=True):
            halves.append((round(float((start + stop)[2]), 6), start, stop, painted.get(end.GetSymbol(), "")))
    plain = COLOURS["ink"] if painted else COLOURS["other"]
    for _depth, start, stop, colour in sorted(halves, key=lambda half: half[0]):
        axes.plot(*zip(start[:2], stop[:2], strict=True), color=colour or plain, linewidth=width, clip_on=True)


def _names(axes: Any, pocket: Any, walls: Rows, flat: Rows) -> None:
    """Residues with an atom within reach of the molecule, each named where it touches."""
    apart = np.linalg.norm(walls[:, None] - flat[None], axis=2).min(1)
    nearest: dict[tuple[str, str], int] = {}
    for atom in sorted(pocket.GetAtoms(), key=lambda one: apart[one.GetIdx()]):
        told = atom.GetPDBResidueInfo()
        name = f"{told.GetResidueName().strip()} {told.GetResidueNumber()}"
        nearest.setdefault((told.GetChainId(), name), atom.GetIdx())
    low, high = (np.array(ends) for ends in zip(axes.get_xlim(), axes.get_ylim(), strict=True))
    for (_chain, label), index in nearest.items():
        inside = ((walls[index][:2] >= low + _EDGE) & (walls[index][:2] <= high - _EDGE)).all()
        if apart[index] <= _TOUCHING and inside:
            axes.text(
                *walls[index][:2],
                label,
                fontsize=9,
                color=COLOURS["soft"],
                ha="center",
                va="center",
                clip_on=True,
                parse_math=False,
            )


_PAGE = """<!DOCTYPE html>
<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font-family:sans-serif;margin:1rem;color:#1c2127}}
section{{display:inline-block;width:min(100%,560px);margin:0 1rem 1rem 0}}
h2{{font-size:1rem;font-weight:600}}div{{position:relative;width:100%;height:420px;border:1px solid #8d98a3}}</style></head>
<body><h1>{title}</h1><p>{note}</p>{places}
<script>{script}</script>
<script>
for (const [name, one] of Object.entries({data})) {{
  const view = $3Dmol.createViewer(document.getElementById(name), {{backgroundColor: "white"}});
  view.addModel(one.pocket, "pdb"); view.addModel(one.ligand, "mol");
  view.setStyle({{model: 0}}, {{line: {{colorscheme: "grayCarbon"}}}});
  view.setStyle({{model: 1}}, {{stick: {{radius: 0.18, colorscheme: "cyanCarbon"}}}});
  view.zoomTo({{model: 1}}); view.zoom(0.8); view.render();
}}
</script></body></html>
"""


def _page(shown: Mapping[str, Complex]) -> str:
    places = "".join(f'<section><h2>{escape(name)}</h2><div id="{escape(name)}"></div></section>' for name in shown)
    data = json.dumps({name: {"ligand": one.ligand, "pocket": one.pocket} for name, one in shown.items()})
    return _PAGE.format(
        lang=language(),
        title=escape(_("Molecules in their pockets")),
        note=escape(_("Drag to turn, scroll to come nearer. A pose is what docking found, not what was observed.")),
        places=places,
        script=_script().read_text("utf-8").replace("</script", "<\\/script"),
        data=data.replace("<", "\\u003c"),
    )
