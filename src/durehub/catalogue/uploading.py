"""Uploads that may break off: begun, asked how far they are, gone on with. They are an account's own, found by their hash.

Nobody can name another account's upload, so that there is nothing to forbid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings

from dure.errors import InputError, ValueRefused
from dure.i18n import _
from durehub.accounts.actors import Actor
from durehub.accounts.models import Account, Action
from durehub.catalogue.finding import Missing
from durehub.catalogue.models import Blob
from durehub.catalogue.store import Elsewhere, store

__all__ = ["Upload", "add", "begin", "drop", "standing", "upload"]

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True)
class Upload:
    """How many bytes have arrived of how many; all of them once they were found to have the hash."""

    sha256: str
    offset: int
    length: int


def _account(actor: Actor) -> Account:
    """Whose uploads they are.

    Raises:
        Missing: the actor may not publish.
    """
    if actor.active is None or actor.most < Action.WRITE:
        raise Missing
    return actor.active


def _checked(sha256: str) -> str:
    if not _SHA256.fullmatch(sha256):
        raise ValueRefused(_("{given!r} is no SHA-256 in hexadecimal").format(given=sha256))
    return sha256


def upload(actor: Actor, sha256: str, blocks: Iterable[bytes]) -> Blob:
    """Keep bytes that come in one go; those the account has already are not stored twice, and are read all the same.

    Raises:
        InputError: no hash, or the bytes do not have it.
        Missing: the actor may not publish.
    """
    account = _account(actor)
    size = store().put(account.pk, _checked(sha256), blocks, settings.MOST_BYTES)
    return _kept(account, sha256, size)


def _kept(account: Account, sha256: str, size: int) -> Blob:
    return Blob.objects.get_or_create(owner=account, sha256=sha256, defaults={"bytes": size})[0]


def begin(actor: Actor, sha256: str, length: int) -> Upload:
    """Await that many bytes with that hash, from the first; those the account has already are not awaited.

    Raises:
        InputError: no hash, or too many bytes.
        Missing: the actor may not publish.
    """
    account = _account(actor)
    if length > settings.MOST_BYTES:
        raise InputError(_("a file may have at most {most} bytes").format(most=settings.MOST_BYTES))
    if (blob := Blob.objects.filter(owner=account, sha256=_checked(sha256)).first()) is not None:
        return Upload(sha256, blob.bytes, blob.bytes)
    store().begin(account.pk, sha256, length)
    return add(actor, sha256, 0, ()) if length == 0 else Upload(sha256, 0, length)


def standing(actor: Actor, sha256: str) -> Upload | None:
    """How far the account's bytes with that hash are; None when none are awaited.

    Raises:
        Missing: the actor may not publish.
    """
    account = _account(actor)
    if (blob := Blob.objects.filter(owner=account, sha256=sha256).first()) is not None:
        return Upload(sha256, blob.bytes, blob.bytes)
    arrived = store().arrived(account.pk, _checked(sha256))
    return None if arrived is None else Upload(sha256, *arrived)


def add(actor: Actor, sha256: str, offset: int, blocks: Iterable[bytes]) -> Upload:
    """Go on with an upload at ``offset``.

    Raises:
        Elsewhere: its bytes do not end there.
        Occupied: another call is going on with it.
        InputError: there are too many bytes, or they have another hash.
        Missing: the actor may not publish.
    """
    account, now = _account(actor), standing(actor, sha256)
    if now is None or now.offset != offset:
        raise Elsewhere
    end = store().append(account.pk, sha256, offset, blocks)
    if end == now.length:
        _kept(account, sha256, end)
    return Upload(sha256, end, now.length)


def drop(actor: Actor, sha256: str) -> None:
    """Give an upload up; bytes that have arrived whole stay.

    Raises:
        Missing: the actor may not publish.
    """
    store().drop(_account(actor).pk, _checked(sha256))
