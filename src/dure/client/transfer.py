"""Whole records up and down, every byte checked on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dure.client.hub import Hub
from dure.errors import HubUnreachable, InputError, VerificationFailed
from dure.i18n import _
from dure.record import RECORD, Published, Record, check, read

__all__ = ["PUBLISHED", "citation_of", "publish", "pull"]

PUBLISHED = "published.json"
"""Beside a pulled record: which version it is, and where and when it was published."""

Progress = Callable[[str], None]


def publish(hub: Hub, folder: Path, access: Mapping[str, Any], *, to: str = "", progress: Progress = lambda _path: None) -> str:
    """Upload the record in ``folder``, as ``dure.record.make`` wrote it, and publish it; the new version's identifier.

    Args:
        access: level, files_level, project, embargo, metadata_open, conditions, as the hub takes them.
        to: the record of which this is a further version; its access stays.
        progress: called with each path before it is sent.

    Raises:
        VerificationFailed: the folder no longer holds what the record says.
        HubError: the hub refuses, or does not answer.
    """
    record = check(folder)
    for one in {one.sha256: one for one in record.files}.values():
        progress(one.path)
        hub.upload(one.sha256, folder / one.path)
    return hub.publish(record, access, to=to)


def pull(hub: Hub, identifier: str, folder: Path, *, progress: Progress = lambda _path: None) -> Record:
    """Fetch a version of a record into ``folder``, which must be new or empty, and check every file against its hash.

    Raises:
        InputError: the folder is not empty.
        VerificationFailed: a file did not arrive as it was published.
        HubError: the hub refuses, or does not answer.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(_("{folder} is not empty; choose a new folder for the record").format(folder=folder))
    exact = identifier if "/v" in identifier else hub.record(identifier).id
    record, said = hub.files(exact)
    folder.mkdir(parents=True, exist_ok=True)
    for one in record.files:
        progress(one.path)
        _fetch(hub, exact, folder, one.path, one.sha256)
    (folder / PUBLISHED).write_text(json.dumps(dict(said), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / RECORD).write_text(json.dumps(record.plain(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return check(folder)


def _fetch(hub: Hub, identifier: str, folder: Path, path: str, sha256: str) -> None:
    """A file, gone on with where the connection broke; given up when it breaks without another byte."""
    target, hasher, count = folder / path, hashlib.sha256(), 0
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.draft")
    try:
        with draft.open("wb") as stream:
            while True:
                began = count
                try:
                    for block in hub.bytes(identifier, path, first=count):
                        hasher.update(block)
                        count += stream.write(block)
                    break
                except HubUnreachable:
                    if count == began:
                        raise
        if hasher.hexdigest() != sha256:
            raise VerificationFailed(_("{file} did not arrive as it was published; pull again").format(file=path))
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def citation_of(folder: Path) -> Published:
    """A pulled record as it is cited.

    Raises:
        InputError: the folder holds no pulled record.
    """
    try:
        said = json.loads((folder / PUBLISHED).read_text("utf-8"))
        return Published(read(folder).about, said["id"], said["url"], said["publisher"], said["published"][:10])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            _("{folder} holds no record that was pulled from a hub: {cause}").format(folder=folder, cause=error)
        ) from None
