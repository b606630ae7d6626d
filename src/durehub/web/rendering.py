"""Templates, the same for every page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.templatetags.static import static
from jinja2 import Environment, StrictUndefined

from dure.i18n import LANGUAGES, N_, _, language
from durehub.accounts.actors import VISITOR, Actor, Missing
from durehub.accounts.models import Account
from durehub.policy.audit import note

__all__ = ["NAMES", "actor_of", "broken", "environment", "missing", "page", "signed_in", "uniform"]

View = Callable[..., HttpResponseBase]

NAMES = {
    "open": N_("open to everybody"),
    "registered": N_("for everybody with an account"),
    "consortium": N_("for its project"),
    "private": N_("private"),
    "campaign": N_("campaign"),
    "dataset": N_("data set"),
    "model": N_("model"),
    "report": N_("report"),
    "waiting": N_("waiting"),
    "granted": N_("granted"),
    "refused": N_("refused"),
    "kind": N_("Kind"),
    "domain": N_("Domain"),
    "licence": N_("Licence"),
    "organisation": N_("Organisation"),
    "institute": N_("institute"),
    "university": N_("university"),
    "company": N_("company"),
    "member": N_("member"),
    "leader": N_("leader"),
    "reader": N_("reader"),
    "contributor": N_("contributor"),
    "manager": N_("manager"),
    "see": N_("see descriptions"),
    "read": N_("read files"),
    "write": N_("publish"),
    "manage": N_("everything"),
}
"""Words of the catalogue as people read them."""


def environment(**options: Any) -> Environment:
    """Jinja as Django makes it, strict about names, with the words every template uses."""
    made = Environment(**options | {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True, "autoescape": True})
    made.globals |= {"_": _, "static": static, "LANGUAGES": LANGUAGES}
    made.filters |= {"said": lambda name: _(NAMES[name]) if name in NAMES else name, "day": lambda time: f"{time:%Y-%m-%d}"}
    return made


def actor_of(request: HttpRequest) -> Actor:
    """Whoever looks: the account of the session, or a visitor."""
    return Actor(request.user) if isinstance(request.user, Account) else VISITOR


def page(request: HttpRequest, template: str, *, status: int = 200, **told: Any) -> HttpResponse:
    """A page in the language that is spoken."""
    common = {"language": language(), "here": request.get_full_path(), "account": actor_of(request).active}
    return render(request, template, common | told, status=status)


def missing(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The one answer to what is not there and to what is not for this reader."""
    note("denied", actor_of(request), request.path)
    return page(request, "missing.html", status=404)


def broken(_request: HttpRequest) -> HttpResponse:
    """When something broke: nothing of what it was is told."""
    return HttpResponse(_("Something broke here; it was not your doing."), status=500, content_type="text/plain; charset=utf-8")


def uniform(view: View) -> View:
    """What is missing and what is forbidden end in the same page."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **named: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **named)
        except Missing:
            return missing(request)

    return wrapped


def signed_in(view: View) -> View:
    """Ask for a sign-in first."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **named: Any) -> HttpResponseBase:
        if actor_of(request).active is None:
            return HttpResponseRedirect(f"/sign-in?{urlencode({'next': request.get_full_path()})}")
        return view(request, *args, **named)

    return wrapped
