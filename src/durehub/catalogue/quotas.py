"""How much an account and an organisation may store: what is kept, and what was begun, counts in full."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q, Sum

from dure.errors import InputError
from dure.i18n import _
from durehub.accounts.models import Account
from durehub.catalogue.models import Blob, Upload

__all__ = ["Stored", "room_for", "stored_by"]

_GIB = 2**30


@dataclass(frozen=True)
class Stored:
    """Bytes that are stored, and the most that may be."""

    used: int
    most: int


def stored_by(account: Account) -> Stored:
    """What the account stores; an organisation's total is told to nobody."""
    return Stored(_sum(Q(owner=account)), settings.ACCOUNT_BYTES if account.most_bytes is None else account.most_bytes)


def _sum(whose: Q) -> int:
    found = [model.objects.filter(whose).aggregate(all=Sum("bytes"))["all"] or 0 for model in (Blob, Upload)]
    return int(sum(found))


def room_for(account: Account, sha256: str) -> int:
    """How many bytes of that hash the account may still store; those it has already take no room again.

    Raises:
        InputError: none.
    """
    if Blob.objects.filter(owner=account, sha256=sha256).exists():
        return int(settings.MOST_BYTES)
    own = stored_by(account)
    begun = sum(Upload.objects.filter(owner=account, sha256=sha256).values_list("bytes", flat=True))
    left = own.most - own.used + begun
    if left <= 0:
        raise InputError(
            _("you store {used:.1f} GiB of the {most:.1f} GiB that are yours; ask the operator for more").format(
                used=own.used / _GIB, most=own.most / _GIB
            )
        )
    if (organisation := account.organisation) is not None:
        most = settings.ORGANISATION_BYTES if organisation.most_bytes is None else organisation.most_bytes
        left = min(left, most - _sum(Q(owner__organisation=organisation)) + begun)
        if left <= 0:
            raise InputError(
                _("the storage of {organisation} is full; ask the operator for more").format(organisation=organisation.name)
            )
    return min(left, int(settings.MOST_BYTES))
