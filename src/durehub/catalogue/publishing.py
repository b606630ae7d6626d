"""Putting records up: the first and further versions, access, withdrawal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

import dure.record
from dure.canonical import digest
from dure.errors import InputError
from dure.i18n import _
from durehub.accounts.actors import Actor
from durehub.accounts.models import Account, Action, Membership, Project, Role
from durehub.catalogue import index
from durehub.catalogue.finding import Missing, found
from durehub.catalogue.models import Blob, Outcome, Record, Version, VersionFile
from durehub.catalogue.store import store
from durehub.catalogue.uploading import publisher
from durehub.policy.audit import note
from durehub.policy.models import Input, Level
from durehub.policy.rules import visible

__all__ = [
    "Access",
    "body_of",
    "change_access",
    "publish",
    "publish_version",
    "withdraw",
]


@dataclass(frozen=True)
class Access:
    """How a record is to be accessible; ``project`` by its handle."""

    level: Level = Level.PRIVATE
    files_level: Level = Level.PRIVATE
    project: str | None = None
    embargo: datetime | None = None
    metadata_open: bool = False
    conditions: str = ""


def publish(actor: Actor, plain: Mapping[str, Any], access: Access) -> Version:
    """The first version of a new record.

    Raises:
        InputError: it is no record, a file was not uploaded or is not what its name says, or an input or project cannot be used.
        Missing: the actor may not publish.
    """
    account = publisher(actor)
    value = dure.record.Record.from_plain(plain)
    with transaction.atomic():
        record = Record(owner=account, organisation=account.organisation, **_fields(actor, access))
        if actor.project is not None and record.project != actor.project:
            raise InputError(
                _("this token is bound to the project {project}; publish there").format(project=actor.project.handle)
            )
        return _add(actor, account, record, value)


def publish_version(actor: Actor, handle: str, plain: Mapping[str, Any]) -> Version:
    """A further version of a record.

    Raises:
        InputError: as for ``publish``.
        Missing: there is no such record that the actor may write.
    """
    account = publisher(actor)
    value = dure.record.Record.from_plain(plain)
    with transaction.atomic():
        record = found(actor, Action.WRITE, handle)
        record = Record.objects.select_for_update().get(pk=record.pk)
        return _add(actor, account, record, value)


def _add(actor: Actor, account: Account, record: Record, value: dure.record.Record) -> Version:
    blobs = _blobs(account, value)
    sources = _sources(actor, value, record)
    about = value.about
    record.title, record.kind, record.licence = about.title, about.kind, about.licence
    record.domain, record.problem = about.domain, about.problem
    index.leave(record.place)
    record.newest, record.published = record.newest + 1, timezone.now()
    record.place = _place(record.published)
    record.full_clean(exclude=["handle"])
    record.save()
    version = Version.objects.create(
        record=record,
        number=record.newest,
        published=record.published,
        publisher=account,
        plain=value.plain(),
        sha256=value.sha256,
    )
    VersionFile.objects.bulk_create(
        VersionFile(version=version, blob=blobs[one.sha256], path=one.path, format=one.format) for one in value.files
    )
    for source in sources:
        Input.objects.get_or_create(record=record, source=source)
    _adopt(record, sources)
    record.outcomes.all().delete()
    Outcome.objects.bulk_create(Outcome(record=record, name=one.name, unit=one.unit, value=one.value) for one in value.outcomes)
    index.enter([(record.place, about.title, body_of(value))])
    note("published", actor, version.identifier, sha256=version.sha256)
    return version


def _place(moment: datetime) -> int:
    """The first free place from a moment on."""
    place = (moment - _BEGAN) // timedelta(microseconds=1)
    while Record.objects.filter(place=place).exists():
        place += 1
    return place


_BEGAN = datetime(1970, 1, 1, tzinfo=UTC)


def body_of(value: dure.record.Record) -> str:
    """The text of a record's metadata that it is found by, besides its title."""
    about = value.about
    columns = [text for one in about.columns for text in (one.name, one.unit)]
    people = [text for one in about.creators for text in (one.name, one.affiliation)]
    return "\n".join([about.description, *about.tags, about.problem, about.domain, *people, *dict.fromkeys(columns)])


def _blobs(account: Account, value: dure.record.Record) -> dict[str, Blob]:
    """The uploaded bytes of every file, looked at once more under the file's own name."""
    known = {blob.sha256: blob for blob in Blob.objects.filter(owner=account, sha256__in=[one.sha256 for one in value.files])}
    for one in value.files:
        blob = known.get(one.sha256)
        if blob is None or blob.bytes != one.bytes:
            raise InputError(
                _("{file} was not uploaded: PUT its bytes to /api/v1/blobs/{sha256} first").format(
                    file=one.path, sha256=one.sha256
                )
            )
        with store().open(account.pk, blob.sha256) as stream:
            dure.record.check_head(one.path, stream.read(dure.record.HEAD))
    return known


def _sources(actor: Actor, value: dure.record.Record, record: Record) -> list[Record]:
    handles = {one.partition(":")[2].partition("/")[0] for one in value.about.derived_from} - {record.handle}
    sources = list(Record.objects.filter(visible(actor, Action.READ), handle__in=handles).exclude(pk=record.pk))
    if unknown := sorted(handles - {one.handle for one in sources}):
        raise InputError(_("derived_from: there is no record {names} whose files you may read").format(names=", ".join(unknown)))
    return sources


def _adopt(record: Record, sources: list[Record]) -> None:
    """Inputs of inputs count too, for this record and for all that was derived from it."""
    above = {*(one.pk for one in sources), *Input.objects.filter(record__in=sources).values_list("source", flat=True)}
    below = [record.pk, *Input.objects.filter(source=record).values_list("record", flat=True)]
    links = [Input(record_id=one, source_id=other) for one in below for other in above if one != other]
    Input.objects.bulk_create(links, ignore_conflicts=True)


def _fields(actor: Actor, access: Access) -> dict[str, Any]:
    if access.embargo is not None and timezone.is_naive(access.embargo):
        raise InputError(_("an embargo needs a time zone, such as 2027-01-01T00:00:00Z"))
    project = None
    if access.project is not None:
        able = Membership.objects.filter(account=actor.active, role__gte=Role.CONTRIBUTOR).values("project")
        project = Project.objects.filter(handle=access.project, pk__in=able).first()
        if project is None:
            raise InputError(_("there is no project {project} that you may publish in").format(project=access.project))
    return {
        "level": access.level,
        "files_level": max(access.level, access.files_level),
        "project": project,
        "embargo": access.embargo,
        "metadata_open": access.metadata_open,
        "conditions": access.conditions,
    }


def change_access(actor: Actor, handle: str, access: Access) -> Record:
    """Put a record under other rules, at once.

    Raises:
        InputError: the project cannot be used, or the embargo has no time zone.
        Missing: there is no such record that the actor may manage.
    """
    with transaction.atomic():
        record = found(actor, Action.MANAGE, handle)
        kept = record.project is not None and access.project == record.project.handle
        fields = (
            _fields(actor, Access(**vars(access) | {"project": None})) | {"project": record.project}
            if kept
            else _fields(actor, access)
        )
        for name, value in fields.items():
            setattr(record, name, value)
        record.full_clean(exclude=["handle"])
        record.save()
        said = {name: str(value) for name, value in fields.items() if name != "conditions"}
        note("access", actor, record.identifier, **said, conditions=digest(record.conditions))
    return record


def withdraw(actor: Actor, handle: str, number: int, reason: str) -> Version:
    """Leave a tombstone with its reason in place of a version's files.

    Raises:
        InputError: no reason, or it was withdrawn before.
        Missing: there is no such version that the actor may manage.
    """
    if not reason.strip():
        raise InputError(_("a withdrawal needs a reason, which stays for everybody to read"))
    with transaction.atomic():
        record = found(actor, Action.MANAGE, handle)
        version = Version.objects.select_for_update().filter(record=record, number=number).first()
        if version is None:
            raise Missing
        if version.withdrawn is not None:
            raise InputError(_("{version} was withdrawn before").format(version=version.identifier))
        version.withdrawn, version.reason = timezone.now(), reason.strip()
        version.save(update_fields=["withdrawn", "reason"])
        if number == record.newest:
            record.outcomes.all().delete()
        note("withdrawn", actor, version.identifier, reason=digest(version.reason))
    return version
