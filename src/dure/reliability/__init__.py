"""How likely a limit is exceeded when inputs are uncertain: rare events on the real model, with a bound and a verdict."""

from dure.reliability.estimates import Estimate, Verdict, counted, demonstrated, judged
from dure.reliability.inputs import Normal, Uncertain, Uniform
from dure.reliability.subset import assisted, crude, subset

__all__ = [
    "Estimate",
    "Normal",
    "Uncertain",
    "Uniform",
    "Verdict",
    "assisted",
    "counted",
    "crude",
    "demonstrated",
    "judged",
    "subset",
]
