"""The beginning of a table and what its columns hold: read out of a file, and so for those alone who may read the file."""

from __future__ import annotations

import json
import os
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

from django.conf import settings

from dure.errors import InputError
from dure.i18n import _
from durehub.accounts.actors import Actor
from durehub.catalogue.finding import looked_into
from durehub.lib import sandbox, summary

__all__ = ["KINDS", "preview"]

KINDS = {".csv": "csv", ".tsv": "tsv", ".parquet": "parquet"}
"""Endings of the files that have one."""


def preview(actor: Actor, handle: str, number: int, path: str) -> dict[str, Any]:
    """Of a table in a version: rows, columns, first, about; each column with the unit its author gave it.

    Raises:
        InputError: it is no table, or no sandbox could look into it.
        Missing: there is no such file, or not for this actor.
    """
    version, file, stream = looked_into(actor, handle, number, path)
    with stream:
        kind = KINDS.get(PurePosixPath(path).suffix.lower())
        if kind is None:
            raise InputError(_("{file} is no table of which rows could be shown").format(file=path))
        kept = Path(settings.HOME) / "previews" / str(file.blob.owner_id) / f"{file.blob.sha256}.{kind}.json"
        if not kept.exists() and (told := sandbox.shut_in(Path(summary.__file__), kind, stdin=stream)) is not None:
            _keep(kept, told)
    found = json.loads(kept.read_bytes()) if kept.exists() else None
    if found is None:
        raise InputError(_("{file} could not be looked into here").format(file=path))
    units = {one["name"]: one["unit"] for one in version.about["columns"] if one["file"] == path}
    about = [one | {"unit": units.get(one["name"], "")} for one in found["about"]]
    return dict(found) | {"about": about}


def _keep(kept: Path, told: bytes) -> None:
    """Keep what was found, or that it is no table: it would be none the next time either."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_name(f"{uuid4().hex}.draft")
    draft.write_bytes(told)
    os.replace(draft, kept)
