"""What is known of a small probability, and what follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from dure.errors import ValueRefused
from dure.i18n import _

__all__ = ["CONFIDENCE", "Estimate", "Verdict", "counted", "demonstrated", "judged", "spread"]

Verdict = Literal["pass", "fail", "inconclusive"]

CONFIDENCE = 0.95
"""One-sided confidence of each bound."""
_QUANTILE = 1.6448536269514722


@dataclass(frozen=True)
class Estimate:
    """The probability that a limit is exceeded.

    Attributes:
        probability: the estimate; None where the limit was never exceeded, which is no estimate of zero.
        low, high: one-sided 95 % bounds.
        calls: how many runs of the model it took.
        exact: whether the bounds hold for whatever model there is, as those of independent samples do. The bounds of subset
            simulation rest on its chains having reached every way to the limit.
        reached: whether any run exceeded the limit.
        method: how it was found.
    """

    probability: float | None
    low: float
    high: float
    calls: int
    exact: bool
    reached: bool
    method: str


def counted(exceeded: int, calls: int, method: str = "crude") -> Estimate:
    """From independent samples: Clopper-Pearson bounds.

    Raises:
        ValueRefused: fewer calls than one, or more exceedances than calls.
    """
    from scipy.stats import beta

    if not 0 <= exceeded <= calls or calls < 1:
        raise ValueRefused(
            _("{exceeded} exceedances of {calls} runs: give at least one run").format(exceeded=exceeded, calls=calls)
        )
    low = float(beta.ppf(1 - CONFIDENCE, exceeded, calls - exceeded + 1)) if exceeded else 0.0
    high = float(beta.ppf(CONFIDENCE, exceeded + 1, calls - exceeded)) if exceeded < calls else 1.0
    return Estimate(exceeded / calls if exceeded else None, low, high, calls, True, exceeded > 0, method)


def spread(probability: float, cov: float, calls: int, method: str) -> Estimate:
    """From an estimate with a coefficient of variation: log-normal bounds, which keep to positive numbers."""
    wide = _QUANTILE * math.sqrt(math.log1p(cov**2))
    return Estimate(
        probability, probability * math.exp(-wide), min(1.0, probability * math.exp(wide)), calls, False, True, method
    )


def demonstrated(target: float) -> int:
    """How many independent runs without one exceedance show with 95 % confidence that the probability is at most ``target``.

    Raises:
        ValueRefused: the target is no probability between 0 and 1.
    """
    if not 0 < target < 1:
        raise ValueRefused(_("target {target} is not between 0 and 1").format(target=target))
    return math.ceil(math.log(1 - CONFIDENCE) / math.log1p(-target))


def judged(estimate: Estimate, target: float) -> Verdict:
    """Whether the probability is at most ``target``: pass or fail where a bound says so, else inconclusive.

    An estimate that never saw the limit exceeded passes only by bounds that are exact: that subset simulation did not get there
    may be its own failing.
    """
    if estimate.high <= target and (estimate.reached or estimate.exact):
        return "pass"
    return "fail" if estimate.low > target else "inconclusive"
