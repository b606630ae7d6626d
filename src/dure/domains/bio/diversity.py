"""Where in a pool the compounds that were measured lie, and how alike the best of them are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dure.i18n import _
from dure.problem import Fan, tanimoto

__all__ = ["diversity"]

_SHOWN = 1500
"""Compounds of the rest of a pool that are drawn; more would only darken the picture."""


def diversity(counts: NDArray[np.uint8], asked: Sequence[int], best: Sequence[int]) -> Fan:
    """A pool's compounds, given by (n, fragments) counts: the ``best`` of the ``asked`` rows, these, and the rest.

    Their places are the principal components of Tanimoto's kernel (Ralaivola2005), so that near means alike, as far as two
    directions can say it; the axes say how far that is. The mean likeness is that of pairs of the best, 1 of one alone.
    """
    from sklearn.decomposition import KernelPCA

    rest = np.setdiff1d(np.arange(len(counts)), asked).tolist()
    drawn = [*asked, *rest[:: -(-len(rest) // _SHOWN) or 1]]
    alike = tanimoto(counts[drawn], counts[drawn])
    found = KernelPCA(2, kernel="precomputed", random_state=0).fit_transform(alike)
    places = np.pad(found, ((0, 0), (0, 2 - found.shape[1])))  # one compound, or two, have no second direction
    apart = float(np.trace(alike) - alike.mean(0).sum())
    shares = np.square(places).sum(0) / (apart or 1.0)
    rows = {row: number for number, row in enumerate(drawn)}
    pairs = alike[np.ix_([rows[one] for one in best], [rows[one] for one in best])][np.triu_indices(len(best), 1)]
    likeness = float(pairs.mean()) if len(pairs) else 1.0
    groups = (
        (_("best {count}, mean likeness {alike:.2f}").format(count=len(best), alike=likeness), best),
        (_("measured besides"), [one for one in asked if one not in set(best)]),
        (_("rest of the pool"), drawn[len(asked) :]),
    )
    places_of = {label: places[[rows[one] for one in some]].T.tolist() for label, some in groups if some}
    lines = tuple((label, tuple(x), tuple(y)) for label, (x, y) in places_of.items())
    names = [
        _("{ordinal} principal component, {share:.0%} of what differs").format(ordinal=ordinal, share=share)
        for ordinal, share in zip((_("first"), _("second")), shares, strict=True)
    ]
    return Fan(name="diversity", x_name=names[0], x_unit="1", y_name=names[1], y_unit="1", lines=lines, dots=True)
