"""Models of a domain: cards, which say what a model is, and family priors, which need torch and are imported by their modules."""

from dure.models.cards import (
    ACCESS,
    CARD,
    WEIGHTS,
    Card,
    cards,
    check_fits,
    check_weights,
    find_model,
    fits,
    homes,
    label_of,
    parse_card,
    read_card,
    strictest,
    unreadable,
    weights_of,
)

__all__ = [
    "ACCESS",
    "CARD",
    "WEIGHTS",
    "Card",
    "cards",
    "check_fits",
    "check_weights",
    "find_model",
    "fits",
    "homes",
    "label_of",
    "parse_card",
    "read_card",
    "strictest",
    "unreadable",
    "weights_of",
]
