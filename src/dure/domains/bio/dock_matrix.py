"""bio/dock-matrix: which molecules of a pool dock best? A labelled replay of 28,862 molecules docked against 58 targets.

The scores are a part of the DOCKSTRING table (GarciaOrtegon2022), found through DURE_DATA. A docking score is a computer's guess
at how well a molecule fits a pocket, and no binding constant.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.errors import MissingPart, SimulationFailed
from dure.i18n import N_, _
from dure.problem import LABEL, RUNG, Fidelity, Need, Problem, choice, design, minimise, molecule, outcome, setting

__all__ = ["CLASSES", "HELD_OUT", "Compound", "Docked", "Matrix", "Pocket", "matrix", "problem"]

CLASSES: Mapping[str, tuple[str, ...]] = {
    "kinase": (
        *("ABL1", "AKT1", "AKT2", "CDK2", "CSF1R", "EGFR", "FGFR1", "IGF1R", "JAK2", "KDR", "KIT", "LCK", "MAP2K1", "MAPK1"),
        *("MAPK14", "MAPKAPK2", "MET", "PLK1", "PTK2", "ROCK1", "SRC"),
    ),
    "nuclear receptor": ("AR", "ESR1", "ESR2", "NR3C1", "PGR", "PPARA", "PPARD", "PPARG", "THRB"),
    "receptor coupled to G proteins": ("ADORA2A", "ADRB1", "ADRB2", "DRD2", "DRD3"),
    "protease": ("ADAM17", "BACE1", "CASP3", "DPP4", "F10", "F2", "MMP13", "REN"),
    "cytochrome P450": ("CYP2C9", "CYP3A4"),
    "other": (
        *("ACHE", "CA2", "DHFR", "GBA", "HMGCR", "HSD11B1", "HSP90AA1", "MAOB", "NOS1", "PARP1", "PDE5A", "PTGS2", "PTPN1"),
    ),
}
"""Targets by their genes' names, and what kind of protein each is."""

HELD_OUT = (
    *CLASSES["protease"],
    *CLASSES["receptor coupled to G proteins"],
    *("ESR2", "KIT", "PARP1", "PGR"),
)
"""Two classes as a whole, of which a model has seen no relative; and single targets, with F2 those of the regression tasks of
GarciaOrtegon2022, whose relatives it may have seen."""

_FILE = "bio/docking_scores.parquet"


@dataclass(frozen=True, eq=False)
class Matrix:
    """``scores`` (molecules, targets) in kcal/mol, NaN where no dock succeeded, of molecules written as the table writes them."""

    smiles: tuple[str, ...]
    targets: tuple[str, ...]
    scores: NDArray[np.float64]

    def of(self, target: str) -> NDArray[np.float64]:
        """(molecules,) scores of one target."""
        return self.scores[:, self.targets.index(target)]


def _path() -> Path:
    return Path(os.environ.get("DURE_DATA", "")) / _FILE


def _found() -> str:
    return str(_path()) if os.environ.get("DURE_DATA") and _path().is_file() else ""


@cache
def matrix() -> Matrix:
    """The table; scores above 0, which are clashes of atoms, count as 0: the molecule does not fit.

    Raises:
        MissingPart: it is not in DURE_DATA, or pyarrow is not installed.
    """
    if not _found():
        raise MissingPart(
            _("docked molecules are not in {path}. Fix: export DURE_DATA=DIR, with the table in DIR/{file}").format(
                path=_path(), file=_FILE
            )
        )
    try:
        from pyarrow.parquet import read_table
    except ModuleNotFoundError:
        raise MissingPart(_('{table} needs pyarrow: pip install "dure[tables]"').format(table=_path())) from None
    targets = tuple(sorted(one for some in CLASSES.values() for one in some))
    table = read_table(_path(), columns=["smiles", *targets])
    scores = np.stack([table[one].to_numpy().astype(float) for one in targets], axis=1)
    return Matrix(tuple(table["smiles"].to_pylist()), targets, np.minimum(scores, 0.0))


@design
class Compound:
    """Which molecule to dock next."""

    smiles: str = molecule(help=N_("a molecule of the pool"))


@setting
class Pocket:
    """Which protein's pocket it is docked into."""

    target: str = choice(*sorted(one for some in CLASSES.values() for one in some), default="F2", help=N_("gene of the target"))


@outcome
class Docked:
    """What docking said."""

    score: float = minimise(unit="kcal/mol", help=N_("docking score, lower is a better fit; no binding constant"))


@cache
def _pool() -> Mapping[str, Any]:
    """The design class and candidates of the table's molecules; the members of the family share them."""
    fields = {"smiles": molecule(*matrix().smiles, help=N_("a molecule of the pool")), "__annotations__": {"smiles": str}}
    made: Any = design(type("Compound", (), fields | {"__doc__": Compound.__doc__}))
    return {"design": made, "candidates": tuple(made(smiles=one) for one in matrix().smiles)}


def _members(_pocket: Pocket) -> Mapping[str, Any]:
    return _pool() if _found() else {}


@cache
def _rows() -> Mapping[str, int]:
    return {smiles: row for row, smiles in enumerate(matrix().smiles)}


def simulate(compound: Any, pocket: Pocket) -> Mapping[str, float]:
    """The score of the table.

    Raises:
        SimulationFailed: the molecule is not in it, or its dock failed.
    """
    row = _rows().get(compound.smiles)
    if row is None:
        raise SimulationFailed(_("no row of {table} has this design").format(table=_path().name))
    score = float(matrix().of(pocket.target)[row])
    if np.isnan(score):
        raise SimulationFailed(
            _("{smiles} has no docking score for {target}").format(smiles=compound.smiles, target=pocket.target)
        )
    return {"score": score}


problem = Problem(
    name="bio/dock-matrix",
    version="1",
    question=N_("Which molecules of a pool dock best into this target?"),
    design=Compound,
    setting=Pocket,
    held_out={"target": HELD_OUT},
    outcome=Docked,
    simulate=simulate,
    members=_members,
    fidelities=(Fidelity("replay", help=RUNG),),
    needs=(Need("docked molecules", _found, fix="export DURE_DATA=DIR"),),
    runs=200,
    cites=("GarciaOrtegon2022",),
    hazards=(
        LABEL,
        N_(
            "A docking score is no binding constant: a molecule that docks well need not bind, and one that binds may dock badly."
        ),
    ),
)
