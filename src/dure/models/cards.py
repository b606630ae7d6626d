"""Models in folders, each with a card: what it is, what it learned from, under what terms, and how good it was found."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
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
    figures that ``dure model evaluate`` makes again, by name. ``stated`` is what its numbers mean, as the problem's
    ``stated_for_priors``; empty of models made before that was kept. ``sha256`` is that of the weights; ``record`` the version on
    a hub that it was fetched from.
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
    stated: Mapping[str, Any] = field(default_factory=dict)
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
    except (OSError, UnicodeDecodeError, InputError) as error:
        raise InputError(
            _("{folder} holds no model: {error}; make one with dure model train").format(folder=folder, error=error)
        ) from None


_KINDS: tuple[tuple[type, tuple[str, ...]], ...] = (
    (str, ("name", "kind", "problem", "version", "fidelity", "intended_use", "sha256", "record")),
    (dict, ("outputs", "trained_on", "structure", "measured", "stated")),
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
        InputError: there are none, or not those of the card beside them.
    """
    try:
        content = (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise InputError(_("{folder} holds no weights: {error}").format(folder=folder, error=error)) from None
    check_weights(read_card(folder), content)
    return content


def check_weights(card: Card, content: bytes) -> None:
    """Refuse weights that are not those of a card (InputError)."""
    if sha256(content).hexdigest() != card.sha256:
        raise InputError(_("the weights of {model} are not those of its card; fetch or train it again").format(model=card.name))


def cards() -> Iterator[tuple[Path, Card]]:
    """Every model found, newest first in each home; those whose card cannot be read are passed over."""
    for folder in _folders():
        with suppress(InputError):
            yield folder, read_card(folder)


def unreadable() -> Iterator[tuple[Path, InputError]]:
    """The models that ``cards`` passes over, and why."""
    for folder in _folders():
        try:
            read_card(folder)
        except InputError as error:
            yield folder, error


def _folders() -> Iterator[Path]:
    for home in homes():
        folders = [path.parent for path in home.glob(f"*/{CARD}")] if home.is_dir() else []
        yield from sorted(folders, key=lambda one: -(one / CARD).stat().st_mtime)


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
            for _folder, card in cards():
                if name in (card.name, label_of(card)):
                    check_fits(card, problem)
            raise UnknownName(_("prior"), name, ["auto", "none", *(card.name for _folder, card in known)])
        folder, card = matching[0]
    check_fits(card, problem)
    return folder


def fits(card: Card, problem: Problem) -> bool:
    """Whether a model speaks of the problem as it is now."""
    return _is_of(card, problem) and not _meant_otherwise(card, problem)


def _is_of(card: Card, problem: Problem) -> bool:
    goals = {name: goal.measure.width for name, goal in problem.goals.items()}
    return (card.problem, card.version, list(card.inputs), dict(card.outputs)) == (
        problem.name,
        problem.version,
        list(problem.read_by_priors),
        goals,
    )


def _meant_otherwise(card: Card, problem: Problem) -> str:
    """The first of the numbers that means something else now; empty where none does."""
    stated = problem.stated_for_priors() if card.stated else {}
    return next((name for name in sorted({*card.stated, *stated}) if card.stated.get(name) != stated.get(name)), "")


def check_fits(card: Card, problem: Problem) -> None:
    """Refuse a model of something else.

    Raises:
        InputError: of another problem or version, or of other inputs or outputs, or inputs of other ranges; train it again.
    """
    if not _is_of(card, problem):
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
    if name := _meant_otherwise(card, problem):
        before, now = (
            ", ".join(f"{key} {value}" for key, value in said.items()) if isinstance(said, Mapping) else _("nothing")
            for said in (card.stated.get(name), problem.stated_for_priors().get(name))
        )
        raise InputError(
            _(
                "model {model} learned {name} as {before}; {problem} states {now}. Train it again, or state the problem as it was"
            ).format(model=card.name, name=name, before=before, problem=problem.name, now=now)
        )
