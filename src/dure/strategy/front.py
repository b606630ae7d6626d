"""How much a front covers, by BoTorch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["hypervolume"]


def hypervolume(points: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """Volume of what ``points``, (n, k) with small values better, dominate within ``reference``, (k,); to nine digits.

    The last digits depend on the processor; a claim must not.
    """
    import torch
    from botorch.utils.multi_objective.hypervolume import Hypervolume

    inside = points[(points < reference).all(1)]
    if not len(inside):
        return 0.0
    volume = Hypervolume(torch.from_numpy(-reference)).compute(torch.from_numpy(-inside))
    return float(f"{volume:.9g}")
