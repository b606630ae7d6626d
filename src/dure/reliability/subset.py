"""Estimating the probability of a rare event by runs of the model: subset simulation, crude sampling, and a surrogate's help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.errors import SimulationFailed, ValueRefused
from dure.i18n import _
from dure.reliability.estimates import Estimate, counted, spread
from dure.reliability.inputs import Uncertain, joint, openturns

__all__ = ["assisted", "crude", "subset"]

Array = NDArray[np.float64]
Model = Callable[[Array], Array]
"""(n, inputs) samples to (n,) responses; exceeding the limit is what must not happen."""

_CONDITIONAL = 0.1
_PROPOSAL = 2.0
_BLOCK = 250
_NEIGHBOURS = 60


class _Kept:
    """A model as OpenTURNS calls it; keeps what it was asked and what it said."""

    def __init__(self, model: Model, inputs: Sequence[Uncertain]) -> None:
        self._model, self._width = model, len(inputs)
        self.asked: list[Array] = []
        self.said: list[Array] = []

    def __call__(self, sample: Any) -> Array:
        points = np.asarray(sample, dtype=float).reshape(-1, self._width)
        values = np.asarray(self._model(points), dtype=float)
        if values.shape != (len(points),) or not np.isfinite(values).all():
            raise ValueRefused(
                _("the model gave {shape} values for {count} samples, or some that are not finite; give one number each").format(
                    shape=values.shape, count=len(points)
                )
            )
        self.asked.append(points)
        self.said.append(values)
        return values[:, None]

    @property
    def calls(self) -> int:
        return sum(map(len, self.said))


def crude(model: Model, inputs: Sequence[Uncertain], limit: float, *, runs: int, seed: int = 0) -> Estimate:
    """By ``runs`` independent samples."""
    ot, kept = openturns(), _Kept(model, inputs)
    ot.RandomGenerator.SetSeed(seed)
    sample = np.asarray(joint(inputs).getSample(runs))
    for start in range(0, runs, _BLOCK):
        kept(sample[start : start + _BLOCK])
    return counted(int(sum((said > limit).sum() for said in kept.said)), runs)


def subset(
    model: Model, inputs: Sequence[Uncertain], limit: float, *, level: int = 1000, least: float = 1e-9, seed: int = 0
) -> Estimate:
    """By subset simulation (Au and Beck): ``level`` runs a level, each ten times rarer than the one before.

    Where the limit is not reached before ``least``, the first level's independent samples are what is known.
    """
    return _subset(_Kept(model, inputs), inputs, limit, level, least, seed)


def _subset(kept: _Kept, inputs: Sequence[Uncertain], limit: float, level: int, least: float, seed: int) -> Estimate:
    ot = openturns()
    ot.RandomGenerator.SetSeed(seed)
    response = ot.CompositeRandomVector(ot.PythonFunction(len(inputs), 1, func_sample=kept), ot.RandomVector(joint(inputs)))
    search = ot.SubsetSampling(ot.ThresholdEvent(response, ot.Greater(), limit), _PROPOSAL, _CONDITIONAL)
    block = min(_BLOCK, level)
    search.setMaximumOuterSampling(level // block)
    search.setBlockSize(block)
    search.setMinimumProbability(least)
    try:
        search.run()
    except RuntimeError as error:  # OpenTURNS' word for a probability below the least, and for whatever the model raises
        if "Probability estimate too small" not in str(error):
            raise SimulationFailed(f"subset simulation broke off: {error}") from error
    first = level // block * block
    values = np.concatenate(kept.said)
    if not (values > limit).any() or not np.isclose(search.getThresholdPerStep()[-1], limit):
        told = counted(int((values[:first] > limit).sum()), first)
        return Estimate(told.probability, told.low, told.high, kept.calls, True, told.reached, "subset, limit not reached")
    # OpenTURNS adds the levels' variances up as if they were independent; chains start from the level before, and its intervals
    # were too narrow on a rod ejection. Fully dependent levels, whose deviations add up, bound that from above (Au and Beck).
    upto = np.array(search.getCoefficientOfVariationPerStep())
    cov = float(np.sqrt(np.clip(np.diff(upto**2, prepend=0.0), 0.0, None)).sum())
    return spread(search.getResult().getProbabilityEstimate(), cov, kept.calls, "subset")


def assisted(model: Model, inputs: Sequence[Uncertain], limit: float, *, level: int = 1000, seed: int = 0) -> Estimate:
    """A cross-check: subset simulation on the model, then with ten times the samples on what interpolates the answers.

    The interpolation is by radial basis functions between near answers, which lie densest where the limit is. Its error is not in
    the bounds: the estimate supports another one or contradicts it, and never stands alone.
    """
    from scipy.interpolate import RBFInterpolator

    kept = _Kept(model, inputs)
    real = _subset(kept, inputs, limit, level, 1e-9, seed)
    if not real.reached:
        return real
    spans = np.array([one.high - one.low for one in inputs])
    points, first = np.unique(np.concatenate(kept.asked) / spans, axis=0, return_index=True)
    near = RBFInterpolator(points, np.concatenate(kept.said)[first], neighbors=_NEIGHBOURS, kernel="cubic", degree=1)
    twin = _subset(_Kept(lambda sample: near(sample / spans), inputs), inputs, limit, 10 * level, 1e-9, seed + 1)
    return Estimate(twin.probability, twin.low, twin.high, real.calls, False, twin.reached, "surrogate-assisted")
