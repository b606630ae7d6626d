"""A molecule as a field: one of a pool, or any that RDKit reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.canonical import digest
from dure.errors import ProblemError, ValueRefused
from dure.i18n import _
from dure.problem.fields import Array, Counted, Field, are_texts, specified
from dure.problem.smiles import canonical, fingerprints, scaffold

__all__ = ["Molecule", "molecule"]

_NEAREST = 12


@dataclass(frozen=True, kw_only=True)
class Molecule(Field):
    """A molecule as SMILES: one of ``pool``, each written as it stands there; without a pool any that RDKit reads.

    A value is one connected molecule; another spelling of a pool's molecule is taken for it. Its column says which of the pool
    it is, and its tokens are counts of fragments, by which a surrogate sees how alike two molecules are.
    """

    pool: tuple[str, ...] = ()

    @property
    def steps(self) -> int | None:
        return len(self.pool) or None

    def check_values(self) -> None:
        if self.pool and not are_texts(self.pool):
            raise ProblemError(_('pool {pool!r} is no tuple of SMILES; write molecule("CCO", "CCN")').format(pool=self.pool))
        if len(self._rows) < len(self.pool):
            twice = next(one for row, one in enumerate(self.pool) if self._rows[one] != row)
            raise ProblemError(_("{smiles!r} stands twice in the pool; give each molecule once").format(smiles=twice))

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {smiles: row for row, smiles in enumerate(self.pool)}

    @cached_property
    def _spelled(self) -> dict[str, str]:
        """Each of the pool by its canonical SMILES."""
        return {canonical(smiles): smiles for smiles in self.pool}

    def accept(self, name: str, value: object) -> str:
        if isinstance(value, str) and value in self._rows:
            return value
        if not isinstance(value, str) or not value.strip():
            raise ValueRefused(_('{name} = {value!r} is no text; give a SMILES such as "CCO"').format(name=name, value=value))
        try:
            written = canonical(value.strip())
        except ValueRefused as error:
            raise ValueRefused(f"{name}: {error}") from None
        if not self.pool:
            return written
        if written not in self._spelled:
            likeness = tanimoto(fingerprints([written]), self._counts)[0]
            raise ValueRefused(
                _("{name} = {smiles!r} is none of the {count} molecules of the pool; the likest is {near!r}").format(
                    name=name, smiles=value, count=len(self.pool), near=self.pool[int(likeness.argmax())]
                )
            )
        return self._spelled[written]

    def read(self, name: str, text: str) -> str:
        return text

    def tokens_of(self) -> Counted | None:
        """(molecules, 2048) counts of fragments; None without a pool."""
        return self._counts if self.pool else None

    @property
    def _counts(self) -> Counted:
        return _counted(self.pool)

    def neighbours(self, value: Any) -> list[str]:
        """The twelve likest of the pool."""
        row = self._rows[value]
        likeness = tanimoto(self._counts[row : row + 1], self._counts)[0]
        likeness[row] = -1.0
        return [self.pool[other] for other in np.argsort(-likeness, kind="stable")[: min(_NEAREST, len(self.pool) - 1)]]

    def kin(self, value: Any) -> str | None:
        """Its scaffold; a molecule without rings has none."""
        return scaffold(value) or None

    def encode(self, value: Any) -> Array:
        self._check_pool()
        return np.array([(self._rows[value] + 0.5) / len(self.pool)])

    def decode(self, cube: Array) -> NDArray[Any]:
        self._check_pool()
        rows = np.clip(np.floor(cube[:, 0] * len(self.pool)).astype(int), 0, len(self.pool) - 1)
        return np.array([self.pool[row] for row in rows], dtype=object)

    def _check_pool(self) -> None:
        if not self.pool:
            raise ProblemError(_("any molecule may be tried, and there is no pool to choose from; give one to molecule(...)"))

    def snap(self, value: Any) -> str:
        return str(value)

    def describe(self) -> dict[str, Any]:
        listed = {"count": len(self.pool), "sha256": digest(list(self.pool))} if self.pool else None
        return {"kind": "molecule", "pool": listed, "unit": self.unit, "help": self.help}


@lru_cache(maxsize=8)
def _counted(pool: tuple[str, ...]) -> Counted:
    """Remembered by the pool: the members of a family share one."""
    return fingerprints(pool)


def tanimoto(one: Counted, other: Counted) -> Array:
    """(n, features) and (p, features) counts to their (n, p) likeness from 0 to 1 (Ralaivola2005)."""
    inner = np.empty((len(one), len(other)))
    rows = other.astype(np.float32)
    for row, counts in enumerate(one.astype(np.float32)):
        inner[row] = rows @ counts
    sizes = [np.square(counts, dtype=np.float32).sum(1, dtype=float) for counts in (one, other)]
    return np.asarray(inner / (sizes[0][:, None] + sizes[1] - inner))


def molecule(*pool: str, help: str = "", default: Any = None) -> Any:
    """A molecule of ``pool``, or any at all; see ``Molecule``.

    Example: ``compound: str = molecule("CCO", "CCN", "c1ccccc1O")``.
    """
    return specified(Molecule(pool=pool, help=help, default=default))
