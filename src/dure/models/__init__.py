"""Models of a domain: cards, which say what a model is, and family priors, which need torch and are imported by their modules."""

from dure.models.cards import CARD, Card, cards, check_fits, find_model, label_of, read_card, weights_of

__all__ = ["CARD", "Card", "cards", "check_fits", "find_model", "label_of", "read_card", "weights_of"]
