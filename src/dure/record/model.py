"""A model in its folder as a record: what its card says, in the words of ``About``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dure.models import CARD, WEIGHTS, Card

__all__ = ["FILES", "about", "is_model"]

FILES = (CARD, WEIGHTS)


def is_model(folder: Path) -> bool:
    """Whether ``folder`` holds a model with its card."""
    return all((folder / name).is_file() for name in FILES)


def about(card: Card) -> dict[str, Any]:
    """What is said of a model; its licence where all that it learned from has the same. People are left to the author."""
    past = card.trained_on
    told = "A {kind} for {problem}, version {version}, learned from {rows} answers in {tasks} tasks. "
    told += "It holds {best} designs of theirs as they are. {use}"
    licences = list(past.get("licences", ()))
    return {
        "kind": "model",
        "title": f"{card.name}: {card.kind} for {card.problem}",
        "description": told.format(
            kind=card.kind,
            problem=card.problem,
            version=card.version,
            rows=past.get("rows", 0),
            tasks=past.get("tasks", 0),
            best=past.get("best_designs", 0),
            use=card.intended_use,
        ),
        "problem": card.problem,
        "problem_version": card.version,
        "domain": card.problem.partition("/")[0],
        "derived_from": (card.record,) if card.record else (),
        "licence": licences[0] if len(licences) == 1 else "",
    }
