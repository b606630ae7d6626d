"""Models in folders, each with a card: what it is, what it learned from, under what terms, and how good it was found."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dure.errors import InputError, UnknownName
from dure.i18n import _
from dure.problem import Problem

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

CARD, WEIGHTS = "card.json", "model.safetensors"

ACCESS: Final = ("open", "registered", "consortium", "private")
"""Who may use a row of a pool, or what was made from it, from the widest to the strictest level."""


def strictest(levels: Iterable[str]) -> str:
    """The strictest of some levels of access; the widest of all when there are none."""
    return max(levels, key=ACCESS.index, default=ACCESS[0])


@dataclass(frozen=True)
class Card:
    """What a model is.

    ``trained_on`` says of the past: tasks, rows, sources, licences, designs that the weights hold as they are. ``measured`` has
    figures that ``dure model evaluate`` makes again, by name. ``sha256`` is that of the weights; ``record`` the version on a hub
    that it was fetched from.
    """

    name: str
    kind: str
    problem: str
    version: str
    inputs: tuple[str, ...]
    outputs: Mapping[str, int]
    fidelity: str
    trained_on: Mapping[str, Any]
    intended_use: str
    access: str
    seed: int
    structure: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = ""
    record: str = ""


def homes() -> list[Path]:
    """Folders in which models are looked for, each model in one of its own: of this folder, then of this user."""
    user = (
        os.environ.get("DURE_MODELS")
        or Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "dure" / "models"
    )
    return [Path("models"), Path(user)]


def label_of(card: Card) -> str:
    """A model's name and the beginning of its weights' hash, as plans and reports state it."""
    return f"{card.name}@{card.sha256[:12]}"


def read_card(folder: Path) -> Card:
    """The card of the model in a folder.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    try:
        return parse_card((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, InputError) as error:
        raise InputError(
            _("{folder} holds no model: {error}; make one with dure model train").format(folder=folder, error=error)
        ) from None


_KINDS: tuple[tuple[type, tuple[str, ...]], ...] = (
    (str, ("name", "kind", "problem", "version", "fidelity", "intended_use", "sha256", "record")),
    (dict, ("outputs", "trained_on", "structure", "measured")),
)


def parse_card(text: str | bytes) -> Card:
    """A card as it is written in a file.

    Raises:
        InputError: it is none.
    """
    try:
        said = json.loads(text)
        card = Card(**{**said, "inputs": tuple(said["inputs"])})
        ACCESS.index(card.access)
        for kind, names in _KINDS:
            if wrong := [name for name in names if not isinstance(getattr(card, name), kind)]:
                raise TypeError(wrong[0])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(_("this is no card of a model: {error}").format(error=error)) from None
    return card


def weights_of(folder: Path) -> bytes:
    """The weights in a folder, as they are kept.

    Raises:
        InputError: there are none.
    """
    try:
        return (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise InputError(_("{folder} holds no weights: {error}").format(folder=folder, error=error)) from None


def cards() -> Iterator[tuple[Path, Card]]:
    """Every model found, newest first in each home."""
    for home in homes():
        folders = [path.parent for path in home.glob(f"*/{CARD}")] if home.is_dir() else []
        for folder in sorted(folders, key=lambda one: -(one / CARD).stat().st_mtime):
            yield folder, read_card(folder)


def find_model(name: str, problem: Problem) -> Path | None:
    """The folder of a model for a family: "auto" is the newest, None without any; a folder, or a name as ``cards`` knows it.

    Raises:
        UnknownName: none has that name.
        InputError: it is of another problem, or of other inputs or outputs.
    """
    if name == "none":
        return None
    known = [(folder, card) for folder, card in cards() if card.problem == problem.name]
    if name == "auto":
        return next((folder for folder, card in known if fits(card, problem)), None)
    if (Path(name) / CARD).is_file():
        folder, card = Path(name), read_card(Path(name))
    else:
        matching = [(folder, card) for folder, card in known if name in (card.name, label_of(card))]
        if not matching:
            raise UnknownName(_("prior"), name, ["auto", "none", *(card.name for _folder, card in known)])
        folder, card = matching[0]
    check_fits(card, problem)
    return folder


def fits(card: Card, problem: Problem) -> bool:
    """Whether a model speaks of the problem as it is now."""
    goals = {name: goal.measure.width for name, goal in problem.goals.items()}
    return (card.problem, card.version, list(card.inputs), dict(card.outputs)) == (
        problem.name,
        problem.version,
        list(problem.read_by_priors),
        goals,
    )


def check_fits(card: Card, problem: Problem) -> None:
    """Refuse a model of something else.

    Raises:
        InputError: of another problem or version, or of other inputs or outputs; train it again.
    """
    if not fits(card, problem):
        raise InputError(
            _(
                "model {model} is of {its} version {version} with inputs {inputs} and outputs {outputs}, not of {problem} "
                "version {own}; train one with dure model train"
            ).format(
                model=card.name,
                its=card.problem,
                version=card.version,
                inputs=", ".join(card.inputs),
                outputs=", ".join(card.outputs),
                problem=problem.name,
                own=problem.version,
            )
        )
