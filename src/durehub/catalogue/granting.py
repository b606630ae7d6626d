"""Grants, access requests and decisions, and the agreement of an input's owner: each by a person, each noted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import BinaryIO

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

import dure.record
from dure.canonical import digest
from dure.errors import InputError
from dure.i18n import _
from durehub.accounts.actors import Actor
from durehub.accounts.models import Account, Action, Organisation, Project
from durehub.catalogue.finding import Missing, found, may
from durehub.catalogue.models import Blob, Record
from durehub.catalogue.store import store
from durehub.policy.audit import note
from durehub.policy.models import AccessRequest, Grant, Input
from durehub.policy.rules import visible

__all__ = [
    "AGREEMENT",
    "MOST_AGREEMENT",
    "agree",
    "agreement_of",
    "ask",
    "decide",
    "end",
    "give",
    "inputs_to_agree",
    "requests_of",
    "requests_to_decide",
]


def give(actor: Actor, handle: str, *, subject: str, action: Action, ends: datetime) -> Grant:
    """Grant ``action`` to a subject until ``ends``: an account by its address, ``project:HANDLE`` or ``organisation:NAME``.

    Raises:
        InputError: there is no such subject, the action cannot be granted, or the end lies in the past.
        Missing: there is no such record that the actor may manage.
    """
    with transaction.atomic():
        record = found(actor, Action.MANAGE, handle)
        return _give(actor, record, _subject(subject), action, ends)


def _give(actor: Actor, record: Record, subject: Account | Organisation | Project, action: Action, ends: datetime) -> Grant:
    if action not in (Action.SEE, Action.READ, Action.WRITE):
        raise InputError(_("a grant gives see, read or write"))
    if timezone.is_naive(ends) or ends <= timezone.now():
        raise InputError(_("a grant ends at a moment to come, with its time zone"))
    giver, name = actor.active, type(subject).__name__.lower()
    if giver is None:
        raise Missing
    grant = Grant.objects.create(record=record, action=action, ends=ends, given_by=giver, **{name: subject})
    note(
        "granted",
        actor,
        record.identifier,
        grant=grant.handle,
        subject=f"{name} {subject.pk}",
        action=action.label,
        ends=ends.isoformat(),
    )
    return grant


def _subject(text: str) -> Account | Organisation | Project:
    kind, colon, name = text.partition(":")
    found: Account | Organisation | Project | None
    if colon and kind == "project":
        found = Project.objects.filter(handle=name).first()
    elif colon and kind == "organisation":
        found = Organisation.objects.filter(name=name).first()
    else:
        found = Account.objects.filter(email=text.strip().lower()).first()
    if found is None:
        raise InputError(
            _("{subject!r} is nobody here; give an account's address, project:HANDLE or organisation:NAME").format(subject=text)
        )
    return found


def end(actor: Actor, handle: str, grant: str) -> None:
    """End a grant now.

    Raises:
        Missing: there is no such grant of a record that the actor may manage.
    """
    with transaction.atomic():
        record = found(actor, Action.MANAGE, handle)
        one = Grant.objects.select_for_update().filter(record=record, handle=grant).first()
        if one is None:
            raise Missing
        one.ends = min(one.ends, timezone.now())
        one.save(update_fields=["ends"])
        note("grant ended", actor, record.identifier, grant=grant)


def ask(actor: Actor, handle: str, *, purpose: str, accepts: bool, agreement: str = "") -> AccessRequest:
    """Ask to read the files of a record that the actor can see; ``agreement`` is the SHA-256 of a PDF that it uploaded.

    Raises:
        InputError: no purpose, the conditions were not accepted, the files can be read already, a request waits already, or the
            agreement was not uploaded or is no PDF.
        Missing: there is no such record for the actor, or it has no account.
    """
    if actor.active is None or (agreement and (actor.most < Action.WRITE or actor.project is not None)):
        raise Missing  # who may not read all that the account uploaded names none of it either
    with transaction.atomic():
        record = found(actor, Action.SEE, handle)
        if may(actor, Action.READ, record):
            raise InputError(_("you may read these files already"))
        if not purpose.strip() or len(purpose) > _MOST_TEXT:
            raise InputError(_("say what the files are needed for, in at most {most} letters").format(most=_MOST_TEXT))
        if record.conditions and not accepts:
            raise InputError(_("the record has conditions; accept them to ask"))
        if AccessRequest.objects.filter(record=record, account=actor.active, state=AccessRequest.State.WAITING).exists():
            raise InputError(_("you have asked already, and wait for the decision"))
        signed = _agreement(actor.active, agreement) if agreement else None
        request = AccessRequest.objects.create(
            record=record,
            account=actor.active,
            purpose=purpose.strip(),
            conditions=record.conditions,
            conditions_sha256=digest(record.conditions),
            agreement_sha256=signed.sha256 if signed else "",
            agreement_bytes=signed.bytes if signed else 0,
            asked=timezone.now(),
        )
        note("asked for access", actor, record.identifier, request=request.handle, agreement=agreement)
    return request


def _agreement(account: Account, sha256: str) -> Blob:
    signed = Blob.objects.filter(owner=account, sha256=sha256).first()
    if signed is None:
        raise InputError(
            _("{file} was not uploaded: PUT its bytes to /api/v1/blobs/{sha256} first").format(file=AGREEMENT, sha256=sha256)
        )
    if signed.bytes > MOST_AGREEMENT:
        raise InputError(_("an agreement has at most {most} MiB").format(most=MOST_AGREEMENT >> 20))
    with store().open(account.pk, sha256) as stream:
        dure.record.check_head(AGREEMENT, stream.read(dure.record.HEAD))
    return signed


AGREEMENT = "agreement.pdf"
MOST_AGREEMENT = 10 * 2**20


def agreement_of(actor: Actor, request: str) -> tuple[AccessRequest, BinaryIO]:
    """The agreement that came with a request, for who asked and for who may decide; that it was read is noted.

    Raises:
        Missing: there is no such request with an agreement, or not for this actor.
    """
    mine = Q(account=actor.active, record__in=Record.objects.filter(visible(actor, Action.SEE)))
    wanted = mine | Q(record__in=_manageable(actor))
    one = AccessRequest.objects.filter(wanted, handle=request).exclude(agreement_sha256="").select_related("record").first()
    if one is None or actor.active is None:
        raise Missing
    note("agreement read", actor, one.record.identifier, request=one.handle)
    return one, store().open(one.account_id, one.agreement_sha256)


_MOST_TEXT = 4_000


def decide(actor: Actor, request: str, *, granted: bool, answer: str, days: int = 365) -> AccessRequest:
    """Grant or refuse a waiting request; a grant is one to read, for that many days.

    Raises:
        InputError: it was decided already, or the days are not between 1 and 3650.
        Missing: there is no such request about a record that the actor may manage.
    """
    if not 1 <= days <= _MOST_DAYS or len(answer) > _MOST_TEXT:
        raise InputError(
            _("access lasts 1 to {days} days, and the answer has at most {most} letters").format(days=_MOST_DAYS, most=_MOST_TEXT)
        )
    with transaction.atomic():
        one = AccessRequest.objects.select_for_update().filter(handle=request, record__in=_manageable(actor)).first()
        if one is None:
            raise Missing
        if one.state != AccessRequest.State.WAITING:
            raise InputError(_("this request was decided already"))
        if granted:
            one.grant = _give(actor, one.record, one.account, Action.READ, timezone.now() + timedelta(days=days))
        one.state = AccessRequest.State.GRANTED if granted else AccessRequest.State.REFUSED
        one.decided_by, one.decided, one.answer = actor.active, timezone.now(), answer.strip()
        one.save()
        note("decided", actor, one.record.identifier, request=one.handle, state=str(one.state), answer=digest(one.answer))
    return one


_MOST_DAYS = 3650


def _manageable(actor: Actor) -> QuerySet[Record]:
    return Record.objects.filter(visible(actor, Action.MANAGE))


def requests_to_decide(actor: Actor) -> Sequence[AccessRequest]:
    """Waiting requests about records that the actor may manage, oldest first."""
    waiting = AccessRequest.objects.filter(state=AccessRequest.State.WAITING, record__in=_manageable(actor))
    return list(waiting.select_related("record", "account__organisation").order_by("asked"))


def requests_of(actor: Actor) -> Sequence[AccessRequest]:
    """The actor's own requests about records it can still see, newest first: the confirmation that each was decided."""
    if actor.active is None:
        return []
    seen = Record.objects.filter(visible(actor, Action.SEE))
    return list(AccessRequest.objects.filter(account=actor.active, record__in=seen).select_related("record").order_by("-asked"))


def inputs_to_agree(actor: Actor) -> Sequence[Input]:
    """Derived records that still depend on a record the actor may manage, as far as the actor can see them."""
    both = Q(source__in=_manageable(actor), record__in=Record.objects.filter(visible(actor, Action.SEE)))
    return list(Input.objects.filter(both, agreed=False).select_related("record", "source"))


def agree(actor: Actor, source: str, record: str) -> None:
    """As who may manage ``source``, let ``record`` that was derived from it stand by itself.

    Raises:
        Missing: the actor may not manage the source, or the record was not derived from it.
    """
    with transaction.atomic():
        managed = found(actor, Action.MANAGE, source)
        one = Input.objects.select_for_update().filter(source=managed, record__handle=record).first()
        if one is None:
            raise Missing
        one.agreed = True
        one.save(update_fields=["agreed"])
        note("agreed", actor, one.record.identifier, source=managed.identifier)
