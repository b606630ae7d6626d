"""How a molecule may fare in a body, as the networks of ADMET-AI predict it from its structure (Swanson2024)."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from dure.cache import cache as kept_at
from dure.canonical import digest
from dure.errors import MissingPart
from dure.i18n import N_, _
from dure.problem import Need, fingerprints, tanimoto
from dure.problem.smiles import molecule_of, rdkit_quiet

__all__ = ["ADMET", "SHOWN", "approved", "nearest_approved", "predicted", "predicted_of"]

SHOWN: Mapping[str, str] = {
    "hERG": N_("blocks the potassium channel hERG, probability"),
    "AMES": N_("mutates bacteria (Ames test), probability"),
    "ClinTox": N_("failed a clinical trial by its toxicity, probability"),
    "DILI": N_("injures the liver, probability"),
    "CYP3A4_Veith": N_("inhibits CYP3A4, probability"),
    "HIA_Hou": N_("is absorbed from the gut, probability"),
    "BBB_Martins": N_("reaches the brain, probability"),
    "Solubility_AqSolDB": N_("solubility in water, logarithm of mol/l"),
    "Caco2_Wang": N_("permeability of Caco-2 cells, logarithm of cm/s"),
}
"""What a report says of a molecule: what each endpoint means."""

_MANY, _POOLS = 200_000, 4
_TOGETHER = 64


def _there() -> str:
    found = find_spec("admet_ai")
    return "admet_ai" if found else ""


ADMET = Need("ADMET-AI", _there, fix='pip install "dure[admet]"')


@lru_cache(_MANY)
def predicted(smiles: str) -> Mapping[str, float]:
    """All 41 endpoints by ADMET-AI's names; 25 ms of a processor for a molecule, after 8 s for the first.

    Raises:
        MissingPart: ADMET-AI is not installed.
    """
    _check_there()
    return _named(_computed((smiles,))[0])


@lru_cache(_POOLS)
def predicted_of(pool: tuple[str, ...]) -> Mapping[str, Mapping[str, float]]:
    """The same of every molecule of a pool, in a fraction of the time; kept on disk by the pool.

    Raises:
        MissingPart: ADMET-AI is not installed.
    """
    _check_there()
    versions = [version(name) for name in ("admet-ai", "chemprop", "rdkit")]
    kept = kept_at() / "admet-ai" / f"{digest([*versions, *pool])[:32]}.npz"
    try:
        with kept.open("rb") as there, np.load(there, allow_pickle=False) as file:
            names, values = file["names"].tolist(), file["values"]
            found: dict[str, Mapping[str, float]] = {
                smiles: dict(zip(names, row, strict=True)) for smiles, row in zip(pool, values.tolist(), strict=True)
            }
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):  # not there yet, or cut off
        values = _computed(pool)
        found = {smiles: _named(row) for smiles, row in zip(pool, values, strict=True)}
        kept.parent.mkdir(parents=True, exist_ok=True)
        draft = kept.with_name(f"{uuid4().hex}.draft")
        with draft.open("wb") as stream:
            np.savez(stream, names=np.array(list(found[pool[0]])), values=values)
        draft.replace(kept)
    return found


def _check_there() -> None:
    if not ADMET.found():
        raise MissingPart(_("ADMET limits need {name}. Fix: {fix}").format(name=ADMET.name, fix=ADMET.fix))


def _named(row: NDArray[np.float32]) -> Mapping[str, float]:
    return dict(zip((name for names, _ensemble in _networks() for name in names), row.tolist(), strict=True))


def _computed(smiles: tuple[str, ...]) -> NDArray[np.float32]:
    """(n, 41) endpoints, in the networks' order."""
    import torch
    from chemprop.data import MoleculeDatapoint, MoleculeDataset
    from chemprop.data.collate import collate_batch

    parts = []
    # Nothing is drawn: a search in whose midst this is asked must go on as it would have without.
    with rdkit_quiet(), torch.random.fork_rng(devices=[]), torch.inference_mode():
        for start in range(0, len(smiles), _TOGETHER):
            some = MoleculeDataset([MoleculeDatapoint(mol=molecule_of(one)) for one in smiles[start : start + _TOGETHER]])
            batch = collate_batch([some[row] for row in range(len(some))])
            # The model's own predict starts a trainer for each of its networks, a second for every call.
            told = [torch.stack([one.predict_step(batch, 0) for one in ensemble]).mean(0) for _names, ensemble in _networks()]
            parts.append(torch.cat(told, -1))
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)


@cache
def _networks() -> list[tuple[list[str], list[Any]]]:
    logging.getLogger("chemprop").setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        from admet_ai import ADMETModel

        model: Any = ADMETModel(include_physchem=False, drugbank_path=None, num_workers=0)
    return [
        (list(names), [one.eval() for one in ensemble])
        for names, ensemble in zip(model.task_lists, model.model_lists, strict=True)
    ]


@cache
def approved() -> tuple[tuple[str, str], ...]:
    """Names and SMILES of the approved drugs that come with ADMET-AI, less those of several parts; none without it."""
    found = find_spec("admet_ai")
    file = Path(found.origin or "").parent / "resources/data/drugbank_approved.csv" if found else Path()
    if not file.is_file():
        return ()
    from pandas import read_csv
    from rdkit.Chem import MolFromSmiles

    table = read_csv(file, usecols=["name", "smiles"])
    every = zip(table["name"].astype(str), table["smiles"].astype(str), strict=True)
    with rdkit_quiet():
        return tuple((name, smiles) for name, smiles in every if "." not in smiles and MolFromSmiles(smiles) is not None)


def nearest_approved(smiles: str, most: int = 3) -> list[tuple[str, str, float]]:
    """Approved drugs most alike, by Tanimoto's coefficient of fragment counts: name, SMILES and likeness, nearest first."""
    known = approved()
    if not known:
        return []
    likeness = tanimoto(fingerprints([smiles]), _approved_prints())[0]
    return [(*known[index], float(likeness[index])) for index in likeness.argsort()[::-1][:most]]


@cache
def _approved_prints() -> Any:
    return fingerprints([smiles for _name, smiles in approved()])
