"""Whole records up and down, every byte checked on the way."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from dure.client.hub import Hub
from dure.errors import HubUnreachable, InputError, VerificationFailed
from dure.i18n import _
from dure.record import RECORD, Published, Record, check, read

__all__ = ["PUBLISHED", "citation_of", "publish", "pull"]

_UNFINISHED = ".unfinished"
"""In a folder being pulled to: the identifier of what is fetched."""
_PAUSES = (0.5, 1, 2, 4, 8, 16, 30)
"""Seconds between tries."""
PUBLISHED = "published.json"
"""Beside a pulled record: which version it is, and where and when it was published."""

Progress = Callable[[str], None]
T = TypeVar("T")


def publish(hub: Hub, folder: Path, access: Mapping[str, Any], *, to: str = "", progress: Progress = lambda _path: None) -> str:
    """Upload the record in ``folder``, as ``dure.record.make`` wrote it, and publish it; the new version's identifier.

    Args:
        access: level, files_level, project, embargo, metadata_open, conditions, as the hub takes them.
        to: the record, or any version of it, of which this is a further version; its access stays.
        progress: called with each path before it is sent.

    Raises:
        VerificationFailed: the folder no longer holds what the record says.
        HubError: the hub refuses, or does not answer.
    """
    record = check(folder)
    for one in {one.sha256: one for one in record.files}.values():
        progress(one.path)
        _patiently(partial(hub.upload, one.sha256, folder / one.path))
    return _patiently(partial(hub.publish, record, access, to=to.partition("/v")[0], key=secrets.token_hex(16)))


def pull(hub: Hub, identifier: str, folder: Path, *, progress: Progress = lambda _path: None) -> Record:
    """Fetch a version of a record into ``folder``, and check every file against its hash.

    The folder must be new or empty, or the one in which fetching the same version broke off; then it goes on from there.

    Raises:
        InputError: the folder holds something else.
        VerificationFailed: a file did not arrive as it was published.
        HubError: the hub refuses, or does not answer.
    """
    exact = identifier if "/v" in identifier else _patiently(partial(hub.record, identifier)).id
    mark = folder / _UNFINISHED
    goes_on = mark.is_file() and mark.read_text("utf-8") == exact
    if not goes_on and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(_("{folder} is not empty; choose a new folder for the record").format(folder=folder))
    record, said = _patiently(partial(hub.files, exact))
    folder.mkdir(parents=True, exist_ok=True)
    mark.write_text(exact, "utf-8")
    for one in record.files:
        progress(one.path)
        _patiently(partial(_fetch, hub, exact, folder, one.path, one.sha256))
    (folder / PUBLISHED).write_text(json.dumps(dict(said), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / RECORD).write_text(json.dumps(record.plain(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    mark.unlink()
    return check(folder)


def _patiently(act: Callable[[], T]) -> T:
    """Do it, again if the hub did not answer: what is given here goes on from where it got to, or counts once.

    Raises:
        HubUnreachable: the hub did not answer for about a minute.
    """
    for pause in _PAUSES:
        try:
            return act()
        except HubUnreachable:
            time.sleep(pause)
    return act()


def _fetch(hub: Hub, identifier: str, folder: Path, path: str, sha256: str) -> None:
    target = folder / path
    if target.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.draft")
    with draft.open("a+b") as stream:
        stream.seek(0)
        hasher = hashlib.file_digest(stream, "sha256")
        if hasher.hexdigest() != sha256:
            for block in hub.bytes(identifier, path, begin=stream.tell()):
                hasher.update(block)
                stream.write(block)
    if hasher.hexdigest() != sha256:
        draft.unlink()
        raise VerificationFailed(_("{file} did not arrive as it was published; pull again").format(file=path))
    draft.replace(target)


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
