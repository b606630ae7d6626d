"""What we believe about outcomes, given what was observed. Needs torch, which is imported on first use."""

from dure.surrogate.counts import Counts
from dure.surrogate.effects import Names
from dure.surrogate.ladder import Ladder, Observations, fit_ladder, fit_success
from dure.surrogate.past import Past
from dure.surrogate.reference import Reference, differentiable
from dure.surrogate.rougher import roughest, wary
from dure.surrogate.rung import Calibration, Rung, calibrate, fit_rung

__all__ = [
    "Calibration",
    "Counts",
    "Ladder",
    "Names",
    "Observations",
    "Past",
    "Reference",
    "Rung",
    "calibrate",
    "differentiable",
    "fit_ladder",
    "fit_rung",
    "fit_success",
    "roughest",
    "wary",
]
