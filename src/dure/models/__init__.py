"""Models of a domain: cards, which say what a model is, and family priors, which need torch and are imported by their modules."""

from dure.models.cards import (
    ACCESS,
    CARD,
    WEIGHTS,
    Card,
    cards,
    check_fits,
    find_model,
    fits,
    homes,
    label_of,
    parse_card,
    read_card,
    strictest,
    weights_of,
)

__all__ = [
    "ACCESS",
    "CARD",
    "WEIGHTS",
    "Card",
    "cards",
    "check_fits",
    "find_model",
    "fits",
    "homes",
    "label_of",
    "parse_card",
    "read_card",
    "strictest",
    "weights_of",
]
