"""Molecules as RDKit reads them: checked, written in one way, and counted into fragments. RDKit is imported when it is needed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from dure.errors import MissingPart, ValueRefused
from dure.i18n import _
from dure.problem.fields import Counted

__all__ = ["MOST_ATOMS", "canonical", "fingerprints", "molecule_of", "rdkit_quiet", "scaffold"]

MOST_ATOMS = 150
"""Heavy atoms of the largest molecule that is still a small one; what is larger is a polymer or a protein."""

_RADIUS, _BITS = 2, 2048
_MOST_SHOWN = 80


@contextmanager
def rdkit_quiet() -> Iterator[None]:
    """RDKit keeps off the terminal, where errors say what it would, and Ctrl-C is heard again afterwards.

    Raises:
        MissingPart: RDKit is not installed.
    """
    try:
        from rdkit.rdBase import BlockLogs
    except ModuleNotFoundError:
        raise MissingPart(_('molecules need RDKit: pip install "dure[bio]"')) from None
    try:
        with BlockLogs():
            yield
    finally:
        # Its searches for fragments leave a handler of their own behind, below Python's, which hears nothing any more.
        if threading.current_thread() is threading.main_thread() and (handler := signal.getsignal(signal.SIGINT)) is not None:
            signal.signal(signal.SIGINT, handler)


def molecule_of(text: str) -> Any:
    """The RDKit molecule that a SMILES describes, also one of several parts, such as a salt.

    Raises:
        ValueRefused: it describes none, or one without atoms or with more than 150 heavy ones; says what is wrong with it.
        MissingPart: RDKit is not installed.
    """
    with rdkit_quiet():
        from rdkit import Chem

        raw: Any = Chem.MolFromSmiles(text, sanitize=False)
        if raw is None or not raw.GetNumAtoms():
            raise ValueRefused(_("{smiles!r} is no SMILES; check it for a lost bracket or ring number").format(smiles=_cut(text)))
        wrong = [problem.Message() for problem in Chem.DetectChemistryProblems(raw)]
        if wrong:
            raise ValueRefused(_("{smiles!r} is no molecule: {reason}").format(smiles=_cut(text), reason="; ".join(wrong)))
        found = Chem.MolFromSmiles(text)
        if found.GetNumHeavyAtoms() > MOST_ATOMS:
            raise ValueRefused(
                _("{smiles!r} has {count} heavy atoms, and small molecules have at most {most}").format(
                    smiles=_cut(text), count=found.GetNumHeavyAtoms(), most=MOST_ATOMS
                )
            )
        return found


def canonical(text: str) -> str:
    """A SMILES of one molecule as RDKit writes it, with its stereochemistry: two ways to write one molecule become the same.

    Raises:
        ValueRefused: see ``molecule_of``; or it has several parts, such as a salt.
    """
    found = molecule_of(text)
    with rdkit_quiet():
        from rdkit import Chem

        parts = len(Chem.GetMolFrags(found))
        if parts > 1:
            raise ValueRefused(
                _("{smiles!r} has {count} parts that no bond joins; give the part that acts, without salt or solvent").format(
                    smiles=_cut(text), count=parts
                )
            )
        return str(Chem.MolToSmiles(found))


def fingerprints(smiles: Sequence[str]) -> Counted:
    """(n, 2048) how often each molecule has each fragment of up to two bonds' reach, chirality included (Rogers2010).

    Raises:
        ValueRefused: one is no molecule, or one of several parts.
    """
    found = np.zeros((len(smiles), _BITS), dtype=np.uint8)
    with rdkit_quiet():
        from rdkit import Chem
        from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

        generator = GetMorganGenerator(radius=_RADIUS, fpSize=_BITS, includeChirality=True)
        for row, text in enumerate(smiles):
            read = None if "." in text else Chem.MolFromSmiles(text)
            if read is None or not read.GetNumAtoms():
                canonical(text)  # says what is wrong
            found[row] = np.minimum(generator.GetCountFingerprintAsNumPy(read), 255)
    return found


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def scaffold(text: str) -> str:
    """The ring systems of a molecule and what links them, as SMILES (Bemis and Murcko); empty without rings."""
    found = molecule_of(text)
    with rdkit_quiet():
        from rdkit.Chem import MolToSmiles
        from rdkit.Chem.Scaffolds import MurckoScaffold

        murcko: Any = MurckoScaffold  # it states no types
        return str(MolToSmiles(murcko.GetScaffoldForMol(found)))
