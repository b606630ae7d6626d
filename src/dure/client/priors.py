"""Models on a hub: those of a problem, found by their cards, fetched, and checked against the hashes they were published with."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from dure.client.hub import Hub
from dure.client.transfer import pull
from dure.errors import InputError, VerificationFailed
from dure.i18n import _
from dure.models import CARD, WEIGHTS, Card, fits, homes, parse_card, read_card, strictest, weights_of
from dure.problem import Problem

__all__ = ["fetch_model", "fetch_prior", "models_on"]

_MOST_CARD = 1 << 20


def models_on(hub: Hub, problem: str = "") -> Iterator[tuple[str, Card]]:
    """Models on a hub whose files may be read, the newest first, at most a page of them: the version's identifier and the card.

    Raises:
        HubError: the hub refuses, or does not answer.
    """
    for hit in hub.search(kind="model", problem=problem or None).records:
        said = hub.record(hit.id)
        if said.withdrawn or "read" not in said.may:
            continue
        sizes = {one.path: one.bytes for one in hub.files(said.id)[0].files}
        if not {CARD, WEIGHTS} <= sizes.keys() or sizes[CARD] > _MOST_CARD:
            continue
        try:
            card = parse_card(b"".join(hub.bytes(said.id, CARD)))
        except InputError:
            continue  # somebody's own form of a model
        yield said.id, replace(card, access=strictest([card.access, *said.levels]), record=said.id)


def fetch_prior(hub: Hub, problem: Problem) -> Path | None:
    """The newest model on a hub that fits a problem, in a folder of this user's; None when there is none.

    Raises:
        HubError: the hub refuses, or does not answer.
        VerificationFailed: what arrived is not what was published.
    """
    found = next((identifier for identifier, card in models_on(hub, problem.name) if fits(card, problem)), None)
    return fetch_model(hub, found) if found else None


def fetch_model(hub: Hub, identifier: str) -> Path:
    """Fetch a model into this user's own folder of models, where it is found from then on.

    Its card there names the record and states the strictest of its own level of access and the record's.

    Raises:
        HubError: the hub refuses, or does not answer.
        InputError: the record holds no model.
        VerificationFailed: what arrived is not what was published.
    """
    said = hub.record(identifier)
    home = homes()[-1]
    folder = home / said.id.replace(":", "-").replace("/", "-")
    if folder.is_dir() and read_card(folder).record == said.id:
        return folder
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".") as scratch:
        fetched = Path(scratch) / "record"
        pull(hub, said.id, fetched)
        card = read_card(fetched)
        try:
            weights = weights_of(fetched)
        except InputError as error:
            raise VerificationFailed(_("{record} holds no sound model: {error}").format(record=said.id, error=error)) from None
        made = Path(scratch) / "model"
        made.mkdir()
        kept = replace(card, access=strictest([card.access, *said.levels]), record=said.id)
        (made / CARD).write_text(json.dumps(asdict(kept), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        (made / WEIGHTS).write_bytes(weights)
        made.replace(folder)
    return folder
