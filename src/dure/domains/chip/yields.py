"""Yield under mismatch as a number: how many sampled chips keep a set of limits, and between what the true share lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from dure.domains.chip.measure import LARGER_IS_WORSE, Specs
from dure.domains.chip.views import titled
from dure.i18n import N_
from dure.problem import Fan, Sheet

__all__ = ["interval", "yield_views"]

_TIGHTER = np.arange(-40.0, 41.0, 2.0)
"""By how many percent all limits of a set are tightened along the curve; below 0 they are relaxed."""
_NAMES = {"mid": N_("yield under mismatch, set mid"), "tight": N_("yield under mismatch, set tight")}
_TITLES = {
    "mid": N_("Yield under threshold mismatch of the set mid, with its two-sided interval at 95 percent"),
    "tight": N_("Yield under threshold mismatch of the set tight, with its two-sided interval at 95 percent"),
}


@cache
def interval(kept: int, total: int) -> tuple[float, float]:
    """Between what a share lies with 95 % confidence, of which ``kept`` of ``total`` were seen (Clopper1934)."""
    lost = total - kept
    low = float(betaincinv(kept, lost + 1, 0.025)) if kept else 0.0
    high = float(betaincinv(kept + 1, lost, 0.975)) if lost else 1.0
    return low, high


def yield_views(samples: Sequence[Specs], sets: Mapping[str, Mapping[str, float]]) -> tuple[Fan | Sheet, ...]:
    """A sheet with the yield of each set and of each of its limits alone, and a curve of the yield as all are tightened."""
    views: list[Fan | Sheet] = []
    for name, limits in sets.items():
        measured = {spec: np.array([getattr(one, spec) for one in samples]) for spec in limits if hasattr(samples[0], spec)}
        margins = {spec: _margin(spec, values, limits[spec]) for spec, values in measured.items()}
        rows: list[tuple[str | float, ...]] = [(N_("all of them"), "", "", "", *_share(np.min(list(margins.values()), axis=0)))]
        for spec, values in measured.items():
            far = float(values.max() if spec in LARGER_IS_WORSE else values.min())
            rows.append((titled(spec), limits[spec], *_four(float(np.median(values)), far), *_share(margins[spec])))
        head = (N_("limit"), name, N_("median chip"), N_("worst chip"), N_("yield (%)"), N_("at least (%)"), N_("at most (%)"))
        views += [
            Sheet(_TITLES[name], head, tuple(rows)),
            _curve(_NAMES[name], measured, limits),
        ]
    return tuple(views)


def _margin(spec: str, values: NDArray[np.float64], limit: float) -> NDArray[np.float64]:
    return limit - values if spec in LARGER_IS_WORSE else values - limit


def _share(margins: NDArray[np.float64]) -> tuple[float, ...]:
    """Yield in percent, and its interval."""
    kept, total = int((margins >= 0).sum()), len(margins)
    return _four(*(100 * share for share in (kept / total, *interval(kept, total))))


def _four(*values: float) -> tuple[float, ...]:
    return tuple(float(f"{value:.4g}") for value in values)


def _curve(name: str, measured: Mapping[str, NDArray[np.float64]], limits: Mapping[str, float]) -> Fan:
    rows = []
    for percent in _TIGHTER:
        factors = {spec: 1 - percent / 100 if spec in LARGER_IS_WORSE else 1 + percent / 100 for spec in measured}
        margins = [_margin(spec, values, limits[spec] * factors[spec]) for spec, values in measured.items()]
        rows.append(_share(np.min(margins, axis=0)))
    lines = zip((N_("seen"), N_("at least"), N_("at most")), zip(*rows, strict=True), strict=True)
    return Fan(
        name=name,
        x_name=N_("all limits tightened by"),
        x_unit="percent",
        y_name=name,
        y_unit="percent",
        lines=tuple((label, tuple(_TIGHTER.tolist()), values) for label, values in lines),
    )
