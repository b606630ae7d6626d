"""What ADMET-AI predicts: as the package itself says it, in the order that pharmacology knows, and as limits of a search."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dure.domains.bio.dock_design import Compound, Pocket, problem, rules
from dure.errors import MissingPart, SimulationFailed
from dure.models import admet

pytestmark = pytest.mark.needs("rdkit", "admet_ai", "dockstring")

TERFENADINE = "CC(C)(C)c1ccc(cc1)C(O)CCCN1CCC(CC1)C(O)(c1ccccc1)c1ccccc1"
CAFFEINE = "Cn1c(=O)c2c(ncn2C)n(C)c1=O"
NITROQUINOLINE_OXIDE = "[O-][n+]1ccc(c2ccccc12)[N+](=O)[O-]"


@pytest.mark.filterwarnings("ignore")
def test_predictions_are_the_packages_own():
    from admet_ai import ADMETModel

    whole = ADMETModel(include_physchem=False, drugbank_path=None, num_workers=0).predict([TERFENADINE, CAFFEINE])
    for smiles in (TERFENADINE, CAFFEINE):
        told = admet.predicted(smiles)
        assert set(told) == set(whole.columns)
        assert told == pytest.approx(whole.loc[smiles].to_dict(), rel=1e-5, abs=1e-5)


def test_a_prediction_draws_nothing_at_random():
    import torch

    before = torch.random.get_rng_state()
    admet.predicted("CCCCCCCCO")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_known_cases_come_out_as_they_are_known():
    # Terfenadine was withdrawn because it blocks hERG; 4-nitroquinoline 1-oxide is a positive control of the Ames test.
    assert admet.predicted(TERFENADINE)["hERG"] > 0.9
    assert admet.predicted(CAFFEINE)["hERG"] < 0.1
    assert admet.predicted(NITROQUINOLINE_OXIDE)["AMES"] > 0.8
    assert admet.predicted(CAFFEINE)["AMES"] < 0.5


def test_the_nearest_approved_drug_of_a_drug_is_itself():
    (name, _smiles, alike), *rest = admet.nearest_approved(CAFFEINE)
    assert name == "Caffeine"
    assert alike == pytest.approx(1.0)
    assert 1.0 > rest[0][2] >= rest[1][2]


def test_limits_are_the_settings_and_one_lifts_them():
    setting = problem.make_setting({"herg": 0.3})
    broken = problem.under(setting).broken_rule(Compound(smiles=TERFENADINE))
    assert broken is not None
    assert broken.name == "hERG"
    assert problem.under(setting).broken_rule(Compound(smiles=CAFFEINE)) is None
    lifted = {one.name for one in rules(Pocket(herg=1.0, ames=1.0))}
    assert {one.name for one in rules(Pocket())} - lifted == {"hERG", "Ames test"}


def test_without_the_package_the_fix_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(admet, "ADMET", replace(admet.ADMET, found=lambda: ""))
    with pytest.raises(MissingPart, match=r'Fix: pip install "dure\[admet\]"'):
        admet.predicted("CCCCCCO")


def test_what_nobody_can_dock_has_a_reason():
    with pytest.raises(SimulationFailed, match="cannot be docked"):
        problem.answer(Compound(smiles="C[Si](C)(C)C"), problem.setting(), fidelity="haste", seed=0)


def test_a_pool_is_predicted_as_each_of_its_molecules_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DURE_CACHE", str(tmp_path))
    pool = (TERFENADINE, CAFFEINE, NITROQUINOLINE_OXIDE)
    told = admet.predicted_of(pool)
    assert list(told) == list(pool)
    assert told[CAFFEINE] == pytest.approx(admet.predicted(CAFFEINE), rel=1e-4, abs=1e-4)


def test_what_was_predicted_of_a_pool_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DURE_CACHE", str(tmp_path))
    pool = (CAFFEINE, NITROQUINOLINE_OXIDE)
    told = admet.predicted_of(pool)
    admet.predicted_of.cache_clear()
    with monkeypatch.context() as patched:
        for name in ("_computed", "_networks"):
            patched.setattr(admet, name, lambda *_given: pytest.fail("they were predicted before"))
        assert admet.predicted_of(pool) == told
    (kept,) = (tmp_path / "admet-ai").iterdir()
    kept.write_bytes(kept.read_bytes()[:100])  # cut off
    admet.predicted_of.cache_clear()
    again = admet.predicted_of(pool)
    assert all(again[one] == pytest.approx(told[one], rel=1e-5, abs=1e-5) for one in pool)
