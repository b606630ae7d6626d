"""Who calls, in what shape errors are answered, and answers given again to a repeated call."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from django.core.exceptions import ValidationError as Unfit
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from ninja.errors import HttpError, ValidationError

from dure.errors import InputError
from dure.i18n import _
from durehub.accounts.actors import VISITOR, Actor, actor_of_token
from durehub.catalogue.finding import Missing
from durehub.catalogue.models import Reply
from durehub.policy.audit import note

__all__ = ["NotSignedIn", "actor", "actor_of", "answer_errors", "fault", "once", "signed_in"]

_LONGEST_KEY = 100
_log = logging.getLogger("durehub")


class NotSignedIn(Exception):
    """A token that does not hold, or none where one is needed."""


def actor(request: HttpRequest) -> Actor:
    """Whoever calls: by the token it brings, or a visitor.

    Raises:
        NotSignedIn: the token does not hold, for whatever reason.
    """
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    if not scheme:
        return VISITOR
    found = actor_of_token(secret.strip()) if scheme.lower() == "bearer" else None
    if found is None:
        raise NotSignedIn
    return found


def signed_in(request: HttpRequest) -> Actor:
    """Whoever calls, with a token.

    Raises:
        NotSignedIn: there is none that holds.
    """
    found = actor(request)
    if found.account is None:
        raise NotSignedIn
    return found


def actor_of(request: HttpRequest) -> Actor:
    """The actor that the call was let in as."""
    found: Actor = request.auth  # type: ignore[attr-defined] # ninja puts there what actor() returned
    return found


def fault(status: int, code: str, message: str) -> HttpResponse:
    """An error in the one shape."""
    body = json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False)
    return HttpResponse(body, status=status, content_type="application/json")


def _missing(request: HttpRequest) -> HttpResponse:
    note("denied", getattr(request, "auth", VISITOR), request.path)
    return fault(404, "not_found", _("There is no such thing here, or not for you."))


def _broken(request: HttpRequest, error: Exception) -> HttpResponse:
    _log.error("%s %s", request.method, request.path, exc_info=error)
    return fault(500, "broken", _("Something broke here; it was not your doing."))


def answer_errors(api: Any) -> None:
    """Teach ``api`` the one shape of errors."""
    answers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        Missing: lambda request, _error: _missing(request),
        Http404: lambda request, _error: _missing(request),
        NotSignedIn: lambda _request, _error: fault(401, "not_signed_in", _("Sign in: dure login gives a token that holds.")),
        InputError: lambda _request, error: fault(422, "refused", str(error)),
        Unfit: lambda _request, error: fault(422, "refused", " ".join(error.messages)),
        ValidationError: lambda _request, error: fault(422, "invalid", _told(error)),
        HttpError: lambda _request, error: fault(error.status_code, "refused", str(error)),
        Exception: _broken,
    }
    for kind, answer in answers.items():
        api.add_exception_handler(kind, answer)


def _told(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in error.errors)


def once(request: HttpRequest, act: Callable[[], tuple[int, Any]]) -> HttpResponse:
    """What ``act`` answers; when the call carries an Idempotency-Key that was used before, what was answered then.

    Raises:
        InputError: the key was used for another call, or is too long.
    """
    who, key = actor_of(request), request.headers.get("Idempotency-Key", "")
    account, bounds = who.account, f"{who.most} {who.project and who.project.handle}"
    if not key or account is None:
        return _answer(*act())
    if len(key) > _LONGEST_KEY:
        raise InputError(_("an Idempotency-Key has at most {most} letters").format(most=_LONGEST_KEY))
    call = sha256(b"\0".join((str(request.method).encode(), request.path.encode(), bounds.encode(), request.body))).hexdigest()
    known = Reply.objects.filter(account=account, key=key).first()
    if known is None:
        try:
            with transaction.atomic():
                reply = Reply.objects.create(account=account, key=key, call=call, status=0, body="")
                status, body = act()
                reply.status, reply.body = status, body.model_dump_json() if body is not None else ""
                reply.save()
            known = reply
        except IntegrityError:
            known = Reply.objects.filter(account=account, key=key).first()
            if known is None:
                raise
    if known.call != call:
        raise InputError(_("this Idempotency-Key was used for another call; take a new one"))
    return HttpResponse(known.body, status=known.status, content_type="application/json")


def _answer(status: int, body: Any) -> HttpResponse:
    return HttpResponse(body.model_dump_json() if body is not None else "", status=status, content_type="application/json")
