"""Where in a pool the compounds that were measured lie, and how unlike the best of them are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dure.i18n import _
from dure.problem import Fan, fingerprints, tanimoto

__all__ = ["diversity", "likeness_of"]

_SHOWN = 3000
"""Compounds of the rest of a pool that are drawn; more would only darken the picture."""


def diversity(tokens: NDArray[np.generic], asked: Sequence[int], best: Sequence[int], alike: float) -> tuple[Fan, ...]:
    """A pool's compounds by two principal components of their (n, k) tokens: the ``best`` of the ``asked`` rows, these, the rest.

    ``alike`` is the mean likeness of the best, and is said with them. Nothing where compounds differ in fewer than two tokens.
    """
    from sklearn.decomposition import PCA

    rest = np.setdiff1d(np.arange(len(tokens)), asked)
    rest = rest[:: -(-len(rest) // _SHOWN) or 1]
    drawn = np.concatenate([rest, np.asarray(asked, dtype=int)])
    told = tokens[drawn].astype(float)
    spread = told.std(0)
    if (spread > 0).sum() < 2:
        return ()
    components = PCA(2, random_state=0)
    places = components.fit_transform(told[:, spread > 0] / spread[spread > 0])
    at = {int(row): (float(x), float(y)) for row, (x, y) in zip(drawn, places, strict=True)}
    groups = (
        (_("best {count}, mean likeness {alike:.2f}").format(count=len(best), alike=alike), best),
        (_("measured besides"), [row for row in asked if row not in set(best)]),
        (_("rest of the pool"), rest),
    )
    lines = tuple(
        (label, tuple(at[int(row)][0] for row in rows), tuple(at[int(row)][1] for row in rows))
        for label, rows in groups
        if len(rows)
    )
    names = [
        _("{ordinal} principal component, {share:.0%} of the variance").format(ordinal=ordinal, share=share)
        for ordinal, share in zip((_("first"), _("second")), components.explained_variance_ratio_, strict=True)
    ]
    view = Fan(name="diversity", x_name=names[0], x_unit="1", y_name=names[1], y_unit="1", lines=lines, dots=True)
    return (view,)


def likeness_of(smiles: Sequence[str]) -> float:
    """Mean Tanimoto likeness of pairs of compounds, by fragment counts; of one compound with itself it is 1."""
    counts = fingerprints(smiles)
    pairs = tanimoto(counts, counts)[np.triu_indices(len(smiles), 1)]
    return float(pairs.mean()) if len(pairs) else 1.0
