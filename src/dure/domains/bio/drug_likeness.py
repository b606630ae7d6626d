"""What is known of a molecule without docking it: drug-likeness, how hard it looks to make, groups that cause trouble."""

from __future__ import annotations

import sys
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from dure.i18n import N_
from dure.problem.smiles import molecule_of, rdkit_quiet

__all__ = ["ALERTS", "DOCKED", "HARDEST", "LARGEST", "alerts", "elements_known", "heavy_atoms", "qed", "synthesis"]

HARDEST = 4.5
"""The synthetic accessibility score (Ertl2009) from which on a molecule is not proposed; 1 is easy, 10 hard."""

LARGEST = 45
"""Heavy atoms of the largest molecule that is docked: size alone makes scores better."""

ALERTS = N_("PAINS (Baell2010) and the unwanted groups of Brenk2008")

DOCKED = frozenset({"C", "N", "O", "F", "P", "S", "Cl", "Br", "I"})
"""Elements that the scoring function has numbers for."""

_MANY = 200_000


@lru_cache(_MANY)
def qed(smiles: str) -> float:
    """Quantitative estimate of drug-likeness, 0 to 1 (Bickerton2012)."""
    with rdkit_quiet():
        from rdkit.Chem import QED

        estimate: Any = QED
        return float(estimate.qed(molecule_of(smiles)))


@lru_cache(_MANY)
def synthesis(smiles: str) -> float:
    """Synthetic accessibility, 1 easy to 10 hard (Ertl2009)."""
    with rdkit_quiet():
        return float(_scorer().calculateScore(molecule_of(smiles)))


@lru_cache(_MANY)
def alerts(smiles: str) -> tuple[str, ...]:
    """Names of the structural alerts that a molecule raises; see ``ALERTS``."""
    with rdkit_quiet():
        return tuple(str(one.GetDescription()) for one in _catalogue().GetMatches(molecule_of(smiles)))


@lru_cache(_MANY)
def heavy_atoms(smiles: str) -> int:
    """How many atoms it has besides hydrogen."""
    return int(molecule_of(smiles).GetNumHeavyAtoms())


@lru_cache(_MANY)
def elements_known(smiles: str) -> bool:
    """Whether it can be docked: no elements but those of ``DOCKED``, no free radicals."""
    atoms = molecule_of(smiles).GetAtoms()
    return all(one.GetSymbol() in DOCKED and not one.GetNumRadicalElectrons() for one in atoms)


@cache
def _scorer() -> Any:
    """RDKit ships it among its contributions, outside the package proper."""
    from rdkit.Chem import RDConfig

    folder = str(Path(RDConfig.RDContribDir) / "SA_Score")
    sys.path.append(folder)
    try:
        import sascorer
    finally:
        sys.path.remove(folder)
    return sascorer


@cache
def _catalogue() -> Any:
    from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

    chosen: Any = FilterCatalogParams()
    for name in ("PAINS", "BRENK"):
        chosen.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, name))
    return FilterCatalog(chosen)
