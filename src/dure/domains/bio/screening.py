"""What is never proposed: the published schedules of controlled chemical agents, and whatever a user's deny list adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from dure.errors import InputError
from dure.i18n import _
from dure.problem.smiles import rdkit_quiet

__all__ = ["Screen", "deny_list", "read_screen"]

_SCHEDULES = Path(__file__).with_name("schedules.tsv")


@dataclass(frozen=True)
class Screen:
    """``patterns`` are RDKit queries that no proposal may hold, ``exact`` canonical SMILES that none may be."""

    patterns: Sequence[Any]
    exact: frozenset[str]

    def blocks(self, smiles: str) -> bool:
        """Whether a molecule, by its canonical SMILES, is never to be proposed, shown or exported."""
        with rdkit_quiet():
            from rdkit.Chem import MolFromSmiles

            found = MolFromSmiles(smiles)
            return _plain(found) in self.exact or any(found.HasSubstructMatch(one) for one in self.patterns)


def _plain(found: Any) -> str:
    """A molecule's SMILES without stereochemistry, isotopes and the charges of protons: other spellings of one substance."""
    from rdkit.Chem import MolFromSmiles, MolToSmiles, RemoveHs
    from rdkit.Chem.MolStandardize.rdMolStandardize import Uncharger

    bare = Uncharger().uncharge(found)
    for atom in bare.GetAtoms():
        atom.SetIsotope(0)
    # Read again: what was a centre by its isotopes alone is none any more.
    return str(MolToSmiles(MolFromSmiles(MolToSmiles(RemoveHs(bare), isomericSmiles=False))))


def deny_list() -> Path:
    """Where a user's own list is, one SMARTS or SMILES a line, what follows a space is a remark: it blocks all that holds it."""
    return user_config_path("dure") / "deny.smi"


def read_screen() -> Screen:
    """The schedules and the deny list as it is now.

    Raises:
        InputError: a line of the deny list is no SMARTS; names it.
    """
    path = deny_list()
    denied = path.read_text("utf-8") if path.is_file() else ""
    return _screen(denied, path)


@cache
def _screen(denied: str, path: Path) -> Screen:
    lines = [line.split("\t") for line in _SCHEDULES.read_text("utf-8").splitlines() if not line.startswith("#")]
    with rdkit_quiet():
        from rdkit.Chem import MolFromSmarts, MolFromSmiles

        patterns = [MolFromSmarts(text) for _entry, how, text in lines if how == "holds"]
        for number, line in enumerate(denied.splitlines(), 1):
            text = line.split()[0] if line.split() else "#"
            if text.startswith("#"):
                continue
            pattern = MolFromSmarts(text)
            if pattern is None:
                raise InputError(_("{path}, line {line}: {text!r} is no SMARTS").format(path=path, line=number, text=text))
            patterns.append(pattern)
        exact = frozenset(_plain(MolFromSmiles(text)) for _entry, how, text in lines if how == "is")
    return Screen(tuple(patterns), exact)
