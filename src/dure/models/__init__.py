"""Models of a domain: what was learned from a family's past, kept as weights with a card. Needs torch, imported on first use."""

from dure.models.prior import FamilyPrior, PastTask
from dure.models.training import train

__all__ = ["FamilyPrior", "PastTask", "train"]
