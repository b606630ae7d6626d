"""Bytes on their way to the hub: whole, or in parts that can be gone on with after a break."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from dure.errors import InputError, ValueRefused
from dure.i18n import _
from durehub.accounts.actors import Actor
from durehub.accounts.models import Account, Action
from durehub.catalogue.finding import Missing
from durehub.catalogue.models import Blob, Upload
from durehub.catalogue.quotas import room_for
from durehub.catalogue.store import store

__all__ = ["Progress", "begin", "give_up", "go_on", "progress", "publisher", "upload"]

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST_UPLOADS = 100


def publisher(actor: Actor) -> Account:
    """The actor's account, if it may publish.

    Raises:
        Missing: it may not.
    """
    if actor.active is None or actor.most < Action.WRITE:
        raise Missing
    return actor.active


def upload(actor: Actor, sha256: str, blocks: Iterable[bytes]) -> Blob:
    """Keep bytes for the actor's account; those it has already are not stored twice, and are read all the same.

    Raises:
        InputError: no hash, the bytes do not have it, or there is no room for them.
        Missing: the actor may not publish.
    """
    account = publisher(actor)
    if not _SHA256.fullmatch(sha256):
        raise ValueRefused(_("{given!r} is no SHA-256 in hexadecimal").format(given=sha256))
    size = store().put(account.pk, sha256, blocks, room_for(account, sha256))
    return Blob.objects.get_or_create(owner=account, sha256=sha256, defaults={"bytes": size})[0]


@dataclass(frozen=True)
class Progress:
    """How many of an upload's bytes are there."""

    there: int
    size: int


def begin(actor: Actor, sha256: str, size: int) -> None:
    """Begin an upload, or find the one of these bytes that was begun or finished before.

    Raises:
        InputError: no hash, more bytes than there is room for, another size than before, or too many unfinished uploads.
        Missing: the actor may not publish.
    """
    account = publisher(actor)
    if not _SHA256.fullmatch(sha256):
        raise ValueRefused(_("{given!r} is no SHA-256 in hexadecimal").format(given=sha256))
    most = room_for(account, sha256)
    if not 0 < size <= settings.MOST_BYTES:
        raise InputError(_("a file may have at most {most} bytes").format(most=settings.MOST_BYTES))
    if size > most:
        raise InputError(_("there is no room for these bytes; ask the operator for more"))
    with transaction.atomic():
        open_now = Upload.objects.filter(owner=account).exclude(sha256=sha256)
        if open_now.count() >= _MOST_UPLOADS:
            raise InputError(_("there are {most} unfinished uploads already; finish or end one").format(most=_MOST_UPLOADS))
        if not Blob.objects.filter(owner=account, sha256=sha256).exists():
            kept, is_new = Upload.objects.get_or_create(owner=account, sha256=sha256, defaults={"bytes": size})
            if is_new:  # a part without a row is of an older state of the database
                store().drop(account.pk, sha256)
            if kept.bytes != size:
                raise InputError(_("an upload of these bytes was begun with another size; end it first"))


def progress(actor: Actor, sha256: str) -> Progress:
    """How far an upload is; one that has all its bytes is checked and kept first, should the hub have been stopped before that.

    Raises:
        Busy: another call is about to keep it.
        Missing: the actor has begun none of these bytes.
    """
    account = publisher(actor)
    upload = Upload.objects.filter(owner=account, sha256=sha256).first()
    if upload is not None and store().so_far(account.pk, sha256) == upload.bytes:
        try:
            return go_on(actor, sha256, (), at=upload.bytes)
        except Missing:  # another call kept them just now
            upload = None
        except InputError:  # they have another hash and were forgotten
            pass
    if upload is not None:
        return Progress(store().so_far(account.pk, sha256), upload.bytes)
    if (blob := Blob.objects.filter(owner=account, sha256=sha256).first()) is not None:
        return Progress(blob.bytes, blob.bytes)
    raise Missing


def go_on(actor: Actor, sha256: str, blocks: Iterable[bytes], *, at: int) -> Progress:
    """Append to an upload that has ``at`` bytes; with its last byte it is checked and kept.

    Raises:
        Busy: another call appends at this moment.
        InputError: it has not ``at`` bytes, too many came, or all of them have another hash, and it must begin again.
        Missing: the actor has begun none of these bytes.
    """
    account = publisher(actor)
    upload = Upload.objects.filter(owner=account, sha256=sha256).first()
    if upload is None:
        raise Missing
    there = store().append(account.pk, sha256, blocks, at=at, size=upload.bytes)
    if there == upload.bytes:
        with transaction.atomic():
            Blob.objects.get_or_create(owner=account, sha256=sha256, defaults={"bytes": there})
            upload.delete()
    return Progress(there, upload.bytes)


def give_up(actor: Actor, sha256: str) -> None:
    """End an unfinished upload.

    Raises:
        Missing: the actor has begun none of these bytes.
    """
    account = publisher(actor)
    if not Upload.objects.filter(owner=account, sha256=sha256).delete()[0]:
        raise Missing
    store().drop(account.pk, sha256)
