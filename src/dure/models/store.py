"""Models in folders: weights as safetensors, and a card that says where they come from and what they are worth."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch

from dure.errors import InputError, MissingPart, UnknownName
from dure.i18n import _
from dure.models.prior import Encoder, FamilyPrior, Listed, Network
from dure.problem import Problem

__all__ = ["CARD", "Card", "cards", "check_fits", "find_model", "homes", "label_of", "load", "read_card", "save"]

CARD, WEIGHTS = "card.json", "model.safetensors"


@dataclass(frozen=True)
class Card:
    """What a model is.

    ``trained_on`` says of the past: tasks, rows, sources, licences, strictest access. ``measured`` has figures that ``dure model
    evaluate`` makes again, by name. ``sha256`` is that of the weights.
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


def save(prior: FamilyPrior, card: Card, folder: Path) -> Card:
    """Write weights, in single precision, and card; gives the card with its hash."""
    library = _safetensors()
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.float().contiguous() for name, value in prior.state_dict().items()}
    content = library.save(state)
    encoder = prior.encoder
    structure: dict[str, Any] = {"encoder": "list", "members": len(encoder.rows)} if isinstance(encoder, Listed) else {}
    if isinstance(encoder, Network):
        structure = {"encoder": "network", "ordered": encoder.ordered, "named": encoder.named}
    made = Card(**{**asdict(card), "structure": structure, "sha256": sha256(content).hexdigest()})
    (folder / WEIGHTS).write_bytes(content)
    (folder / CARD).write_text(json.dumps(asdict(made), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return made


def read_card(folder: Path) -> Card:
    """The card of the model in a folder.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    try:
        said = json.loads((folder / CARD).read_text(encoding="utf-8"))
        return Card(**{**said, "inputs": tuple(said["inputs"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            _("{folder} holds no model: {error}; make one with dure model train").format(folder=folder, error=error)
        ) from None


def weights_of(folder: Path) -> bytes:
    """The weights in a folder, as they are kept.

    Raises:
        InputError: there are none.
    """
    try:
        return (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise InputError(_("{folder} holds no weights: {error}").format(folder=folder, error=error)) from None


def load(folder: Path) -> tuple[FamilyPrior, Card]:
    """The model in a folder; see ``restore``."""
    card = read_card(folder)
    return restore(card, weights_of(folder)), card


def restore(card: Card, content: bytes) -> FamilyPrior:
    """A model from its card and weights. Weights are numbers and names of numbers; nothing in them is ever run.

    Raises:
        InputError: the weights are not those of the card.
    """
    if sha256(content).hexdigest() != card.sha256:
        raise InputError(_("the weights of {model} are not those of its card; fetch or train it again").format(model=card.name))
    state = {name: value.double() for name, value in _safetensors().load(content).items()}
    encoder = _encoder(card.structure, state)
    parts = (state[name] for name in ("centre", "directions", "share", "shift", "unit"))
    return FamilyPrior(encoder, *parts).eval()


def _encoder(structure: Mapping[str, Any], state: Mapping[str, torch.Tensor]) -> Encoder:
    own = {name.removeprefix("encoder."): value for name, value in state.items() if name.startswith("encoder.")}
    if structure["encoder"] == "list":
        return Listed(own["rows"])
    names = [(some, own[f"tokens_{index}"]) for index, some in enumerate(structure["named"])]
    columns = len(structure["ordered"]) + sum(len(some) for some in structure["named"])
    last = max(name for name in own if name.startswith("layers.") and name.endswith(".weight"))
    made = Network(columns, names, len(state["shift"]), len(own[last]))
    made.load_state_dict(own)
    return made.requires_grad_(False)


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
        list(problem.inputs),
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


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ModuleNotFoundError:
        raise MissingPart(_('models are kept as safetensors: pip install "dure[engine]"')) from None
    return safetensors.torch
