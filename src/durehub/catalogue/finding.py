"""One record, version or file for an actor: what is missing and what is forbidden are the same error, and both are noted."""

from __future__ import annotations

from typing import Any, BinaryIO

from durehub.accounts.actors import Actor, Missing
from durehub.accounts.models import Action
from durehub.catalogue.models import Record, Version, VersionFile
from durehub.catalogue.store import store
from durehub.policy.audit import note
from durehub.policy.rules import visible

__all__ = ["Missing", "about_of", "file_of", "files_of", "found", "looked_into", "may", "version_of"]


def found(actor: Actor, action: Action, handle: str) -> Record:
    """The record with that handle, if the actor may do ``action`` with it.

    Raises:
        Missing: otherwise.
    """
    record = (
        Record.objects.filter(visible(actor, action), handle=handle).select_related("owner", "project", "organisation").first()
    )
    if record is None:
        raise Missing
    return record


def may(actor: Actor, action: Action, record: Record) -> bool:
    """Whether the actor may do ``action`` with a record it was given."""
    return Record.objects.filter(visible(actor, action), pk=record.pk).exists()


def version_of(actor: Actor, handle: str, number: int | None, action: Action = Action.SEE) -> Version:
    """A version of a record, the newest without a number.

    Raises:
        Missing: there is none, or the actor may not do ``action`` with the record.
    """
    record = found(actor, action, handle)
    version = record.versions.filter(number=number or record.newest).first()
    if version is None:
        raise Missing
    version.record = record
    return version


def about_of(actor: Actor, version: Version) -> dict[str, Any]:
    """The metadata of a version the actor may see; of its inputs those that it may see as well."""
    about, handles = version.about, {}
    for one in about["derived_from"]:
        handles[one] = one.removeprefix("dure:").partition("/")[0]
    seen = set(Record.objects.filter(visible(actor, Action.SEE), handle__in=handles.values()).values_list("handle", flat=True))
    return about | {"derived_from": [one for one, handle in handles.items() if handle in seen]}


def files_of(actor: Actor, handle: str, number: int | None) -> Version:
    """A version whose files the actor may read and that was not withdrawn.

    Raises:
        Missing: otherwise.
    """
    version = version_of(actor, handle, number, Action.READ)
    if version.withdrawn is not None:
        raise Missing
    return version


def file_of(actor: Actor, handle: str, number: int, path: str) -> tuple[VersionFile, BinaryIO]:
    """A file of a version and its bytes; the download is noted.

    Raises:
        Missing: there is none, or not for this actor.
    """
    _version, file, stream = _opened(actor, handle, number, path, "download")
    return file, stream


def looked_into(actor: Actor, handle: str, number: int, path: str) -> tuple[Version, VersionFile, BinaryIO]:
    """A version, a file of it and its bytes, for something to be read out of them, which is noted.

    Raises:
        Missing: there is none, or not for this actor.
    """
    return _opened(actor, handle, number, path, "preview")


def _opened(actor: Actor, handle: str, number: int, path: str, what_for: str) -> tuple[Version, VersionFile, BinaryIO]:
    version = files_of(actor, handle, number)
    file = version.files.filter(path=path).select_related("blob").first()
    if file is None:
        raise Missing
    note(what_for, actor, version.identifier, path=path)
    return version, file, store().open(file.blob.owner_id, file.blob.sha256)
