"""From a folder or file to a record in a folder of its own, and back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dure.errors import InputError, VerificationFailed
from dure.i18n import _
from dure.models import CARD, Card, read_card, strictest
from dure.record import model
from dure.record.about import About, Record, description, with_columns
from dure.record.campaign import PROVENANCE, TRIALS, Finished, is_campaign
from dure.record.crate import CRATE, crate
from dure.record.croissant import CROISSANT, columns_of, croissant
from dure.record.formats import File, look

__all__ = ["RECORD", "check", "least_level", "make", "read"]

RECORD = "record.json"
"""The record itself, as the hub takes it; everything else in the folder is a file of it."""

_OURS = {RECORD, CRATE, CROISSANT, PROVENANCE}


def least_level(source: Path) -> str:
    """The widest level at which the files of ``source`` may be published: a model's, or that of the models a campaign used.

    Raises:
        InputError: the campaign is not finished, or the card cannot be read.
        JournalError: the campaign's journal cannot be read, or was changed.
    """
    if model.is_model(source):
        return read_card(source).access
    return Finished(source).level if source.is_dir() and is_campaign(source) else "open"


def make(
    source: Path, target: Path, *, describe: Path | None = None, said: Mapping[str, Any] | None = None, level: str = "open"
) -> Record:
    """Write the record of ``source`` into ``target``, which must be new or empty.

    ``source`` is a campaign's folder, a model's, or any other file or folder of data. What is said of it comes, the later the
    stronger, from journal or card, from the TOML file ``describe``, and from ``said``, all in the words of ``About``. ``level``
    is that at which its files will be published: the card of a model states it, if it is stricter than the card's own.

    Raises:
        InputError: there is nothing to publish, a file cannot be part of a record, or what is said of it is not enough.
        JournalError: the campaign's journal cannot be read, or was changed.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(_("{folder} is not empty; choose a new folder for the record").format(folder=target))
    finished = Finished(source) if source.is_dir() and is_campaign(source) else None
    card = read_card(source) if model.is_model(source) else None
    root, names = (source.parent, [source.name]) if source.is_file() else (source, _names(source, finished, card))
    made = datetime.now(UTC).date().isoformat()
    payload = look(root, names)
    words: dict[str, Any] = {"kind": "dataset"} | (finished.about() if finished else model.about(card) if card else {})
    used = words.get("derived_from", ())
    words |= (description(describe) if describe else {}) | {name: value for name, value in (said or {}).items() if value}
    words["derived_from"] = tuple(dict.fromkeys([*used, *words.get("derived_from", ())]))
    about = _about(words)
    target.mkdir(parents=True, exist_ok=True)
    for one in payload:
        (target / one.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / one.path, target / one.path)
    if card:
        stated = replace(card, access=strictest([card.access, level]), record="")
        (target / CARD).write_text(json.dumps(asdict(stated), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        payload = look(target, names)
    if finished:
        (target / TRIALS).write_bytes(finished.table())
        (target / PROVENANCE).write_bytes(finished.provenance())
        payload = look(target, [*(one.path for one in payload), TRIALS, PROVENANCE])
    else:
        about = with_columns(about, columns_of(target, payload))
    record = Record(about, _described(target, about, payload, made, finished), finished.outcomes() if finished else (), made)
    (target / RECORD).write_text(json.dumps(record.plain(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return record


def _about(words: Mapping[str, Any]) -> About:
    return About(**{"title": "", "description": "", "licence": "", "creators": ()} | dict(words))


def _names(source: Path, finished: Finished | None, card: Card | None) -> list[str]:
    if finished or card:
        return finished.names() if finished else list(model.FILES)
    names = [path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()] if source.is_dir() else []
    kept = [name for name in names if name not in _OURS and not any(part.startswith(".") for part in name.split("/"))]
    if not kept:
        raise InputError(_("{folder} holds nothing that could be published").format(folder=source))
    return kept


def _described(target: Path, about: About, payload: list[File], made: str, finished: Finished | None) -> tuple[File, ...]:
    """All files once those of the standards are written beside them."""
    names = [one.path for one in payload]
    if tables := croissant(target, about, payload, made):
        (target / CROISSANT).write_bytes(tables)
        names.append(CROISSANT)
    (target / CRATE).write_bytes(crate(target, about, look(target, names), made, finished))
    return tuple(look(target, [*names, CRATE]))


def read(folder: Path) -> Record:
    """The record in ``folder``.

    Raises:
        InputError: there is none, or it is not one.
    """
    try:
        return Record.from_plain(json.loads((folder / RECORD).read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(
            _("{folder} holds no record ({file}): {cause}").format(folder=folder, file=RECORD, cause=error)
        ) from None


def check(folder: Path) -> Record:
    """The record in ``folder``, each of its files there and unchanged.

    Raises:
        InputError: there is no record.
        VerificationFailed: naming every file that is missing, or is not what was published.
    """
    record, wrong = read(folder), []
    for one in record.files:
        try:
            if look(folder, [one.path]) != [one]:
                wrong.append(_("{file} is not the file that was published").format(file=one.path))
        except InputError as error:
            wrong.append(str(error))
    if wrong:
        raise VerificationFailed("\n".join(wrong))
    return record
