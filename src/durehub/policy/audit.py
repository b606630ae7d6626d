"""The audit log: one entry after another, each with the hash of the one before; its head is also written outside the database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from dure.canonical import digest
from dure.errors import VerificationFailed
from dure.i18n import _
from durehub.accounts.actors import Actor
from durehub.policy.models import Entry, Head

__all__ = ["GENESIS", "note", "receipt", "verify"]

GENESIS = "0" * 64
_RECEIPTS = "audit.receipts"
_EVERY = 100


def note(kind: str, actor: Actor, about: str, **detail: Any) -> None:
    """Write an entry; with its transaction it stands or falls."""
    with transaction.atomic():
        Head.objects.get_or_create(pk=1)
        head = Head.objects.select_for_update().get(pk=1)
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = Entry(seq=head.seq + 1, time=time, kind=kind, actor=str(actor), about=about[:120], detail=detail, prev=head.hash)
        entry.hash = _sealed(entry)
        entry.save(force_insert=True)
        head.seq, head.hash = entry.seq, entry.hash
        head.save()
    if head.seq % _EVERY == 0:
        transaction.on_commit(receipt)


def _sealed(entry: Entry) -> str:
    names = ("seq", "time", "kind", "actor", "about", "detail", "prev")
    return digest({name: getattr(entry, name) for name in names})


def _file() -> Path:
    return Path(settings.HOME) / _RECEIPTS


def receipt() -> None:
    """Append the present head to a file outside the database; copies of that file elsewhere make cutting the log visible."""
    head = Head.objects.filter(pk=1).first()
    if head is not None and head.seq:
        with _file().open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"seq": head.seq, "hash": head.hash}) + "\n")


def verify() -> int:
    """Check every entry, the head and every receipt; how many entries there are.

    Raises:
        VerificationFailed: naming the first that does not agree.
    """
    prev, seq, receipts = GENESIS, 0, _receipts()
    for entry in Entry.objects.order_by("seq").iterator():
        seq += 1
        if entry.seq != seq or entry.prev != prev or entry.hash != _sealed(entry):
            raise VerificationFailed(
                _("entry {seq} of the audit log is not what was written, or one before it is missing").format(seq=seq)
            )
        prev = entry.hash
        if receipts.pop(seq, prev) != prev:
            raise VerificationFailed(_("entry {seq} of the audit log is not the one that was receipted").format(seq=seq))
    head = Head.objects.filter(pk=1).first()
    if (seq, prev) != ((head.seq, head.hash) if head else (0, GENESIS)) or receipts:
        raise VerificationFailed(_("the audit log ends at entry {seq}, and more was written").format(seq=seq))
    return seq


def _receipts() -> dict[int, str]:
    lines = _file().read_text("utf-8").splitlines() if _file().exists() else []
    found: list[Mapping[str, Any]] = [json.loads(line) for line in lines]
    return {int(one["seq"]): str(one["hash"]) for one in found}
