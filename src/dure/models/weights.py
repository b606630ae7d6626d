"""A family prior as safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dure.errors import MissingPart
from dure.i18n import _
from dure.models.cards import CARD, WEIGHTS, Card, check_weights, read_card, weights_of
from dure.models.prior import NUMBERS, Encoder, FamilyPrior, Listed, Network

__all__ = ["load", "restore", "save"]


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
    made = replace(card, structure=structure, sha256=sha256(content).hexdigest())
    (folder / WEIGHTS).write_bytes(content)
    (folder / CARD).write_text(json.dumps(asdict(made), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return made


def load(folder: Path) -> tuple[FamilyPrior, Card]:
    """The model in a folder; see ``restore``."""
    card = read_card(folder)
    return restore(card, weights_of(folder)), card


def restore(card: Card, content: bytes) -> FamilyPrior:
    """A model from its card and weights. Weights are numbers and names of numbers; nothing in them is ever run.

    Raises:
        InputError: the weights are not those of the card.
    """
    check_weights(card, content)
    state = {name: value.double() for name, value in _safetensors().load(content).items()}
    unknown = {"best": torch.zeros(0, 1), "rate": torch.zeros(0), "helped": torch.full((1,), 0.5)}  # of models made before
    state = {name: value.double() for name, value in unknown.items()} | state
    encoder = _encoder(card.structure, state)
    return FamilyPrior(encoder, **{name: state[name] for name in NUMBERS}).eval()


def _encoder(structure: Mapping[str, Any], state: Mapping[str, Tensor]) -> Encoder:
    own = {name.removeprefix("encoder."): value for name, value in state.items() if name.startswith("encoder.")}
    if structure["encoder"] == "list":
        return Listed(own["rows"])
    names = [(some, own[f"tokens_{index}"]) for index, some in enumerate(structure["named"])]
    columns = len(structure["ordered"]) + sum(len(some) for some in structure["named"])
    last = max(name for name in own if name.startswith("layers.") and name.endswith(".weight"))
    made = Network(columns, names, len(state["shift"]), len(own[last]))
    made.load_state_dict(own)
    return made.requires_grad_(False)


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ModuleNotFoundError:
        raise MissingPart(_('models are kept as safetensors: pip install "dure[engine]"')) from None
    return safetensors.torch
