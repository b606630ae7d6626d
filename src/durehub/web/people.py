"""One's account with its tokens, projects, organisations, and what operators do, as pages."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST, require_safe

from dure.errors import InputError
from dure.i18n import _
from durehub.accounts.actors import Missing
from durehub.accounts.models import Account, Action, Membership, Organisation, Role
from durehub.catalogue.quotas import stored_by
from durehub.policy import people
from durehub.web.rendering import actor_of, page, signed_in, uniform

__all__ = ["account", "end_token", "leave", "operate", "operator", "organisation", "project", "projects", "token"]

_DIGITS = 5


def _whole(text: str, name: str) -> int:
    if not text.isdecimal() or len(text) > _DIGITS:
        raise InputError(_("{name}: a whole number, in digits").format(name=name))
    return int(text)


# ------------------------------------------------------------------------------------------------------------ account
@require_safe
@signed_in
def account(request: HttpRequest) -> HttpResponse:
    """Who one is, what one stores, one's tokens."""
    return _account(request)


def _account(request: HttpRequest, *, said: str = "", secret: str = "", status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    told: dict[str, Any] = {"tokens": people.tokens_of(actor), "projects": _held(request), "actions": list(Action)}
    if actor.active is not None:
        told["stored"] = stored_by(actor.active)
    return page(request, "account.html", status=status, said=said, secret=secret, **told)


def _held(request: HttpRequest) -> Any:
    held = Membership.objects.filter(account=actor_of(request).active).select_related("project")
    return held.order_by("project__title")


@require_POST
@signed_in
@uniform
def token(request: HttpRequest) -> HttpResponse:
    """Make a token; its secret is on the answer and nowhere else."""
    given = request.POST
    try:
        most = given.get("most", "")
        if most.upper() not in Action.__members__:
            raise InputError(_("{given!r} is nothing a token may do").format(given=most))
        days = _whole(given.get("days", ""), _("Days"))
        _made, secret = people.new_token(
            actor_of(request),
            name=given.get("name", ""),
            most=Action[most.upper()],
            project=given.get("project", ""),
            days=days,
        )
    except InputError as error:
        return _account(request, said=str(error), status=422)
    answer = _account(request, secret=secret)
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_POST
@signed_in
@uniform
def end_token(request: HttpRequest, number: int) -> HttpResponse:
    """Withdraw a token."""
    people.end_token(actor_of(request), number)
    return HttpResponseRedirect("/account")


@require_POST
@signed_in
@uniform
def leave(request: HttpRequest) -> HttpResponse:
    """Leave one's organisation."""
    people.leave(actor_of(request))
    return HttpResponseRedirect("/account")


# ----------------------------------------------------------------------------------------------------------- projects
@signed_in
@uniform
def projects(request: HttpRequest) -> HttpResponse:
    """One's projects, and a new one."""
    said = ""
    if request.method == "POST":
        try:
            made = people.begin_project(actor_of(request), request.POST.get("title", ""))
            return HttpResponseRedirect(f"/projects/{made.handle}")
        except InputError as error:
            said = str(error)
    return page(request, "projects.html", status=422 if said else 200, said=said, projects=_held(request))


@signed_in
@uniform
def project(request: HttpRequest, handle: str) -> HttpResponse:
    """A project's members; who manages it sets their roles."""
    actor, said = actor_of(request), ""
    one, role = people.project_of(actor, handle)
    if request.method == "POST":
        try:
            given = request.POST.get("role", "")
            if given != "none" and given.upper() not in Role.__members__:
                raise InputError(_("{role!r} is no role; there are {known}").format(role=given, known=", ".join(Role.labels)))
            people.set_role(actor, handle, request.POST.get("email", ""), None if given == "none" else Role[given.upper()])
            return HttpResponseRedirect(request.path)
        except InputError as error:
            said = str(error)
    members = one.memberships.select_related("account__organisation").order_by("-role", "account__name")
    told = {"project": one, "manages": role == Role.MANAGER, "members": members, "roles": Role.labels, "said": said}
    return page(request, "project.html", status=422 if said else 200, **told)


# ------------------------------------------------------------------------------------------------------ organisations
@signed_in
@uniform
def organisation(request: HttpRequest, number: int) -> HttpResponse:
    """An organisation: what it is, who is in it; who leads it changes both."""
    actor, said = actor_of(request), ""
    one, leads = people.organisation_for(actor, number)
    if request.method == "POST":
        given = request.POST
        try:
            if "email" in given:
                people.take_in(actor, number, given["email"], given.get("role", ""))
            else:
                told = {name: given.get(name, "") for name in ("name", "kind", "ror")}
                people.change_organisation(actor, number, **told)
            return HttpResponseRedirect(request.path)
        except InputError as error:
            said = str(error)
            one.refresh_from_db()
    members = one.accounts.order_by("-leads", "name", "pk")
    shown = {"organisation": one, "leads": leads, "members": members, "kinds": Organisation.Kind.values, "said": said}
    return page(request, "organisation.html", status=422 if said else 200, **shown)


# ---------------------------------------------------------------------------------------------------------- operators
@require_safe
@signed_in
@uniform
def operator(request: HttpRequest) -> HttpResponse:
    """Organisations and accounts of the hub, for operators."""
    return _operator(request)


_SHOWN = 100


def _operator(request: HttpRequest, *, said: str = "", invitation: str = "", status: int = 200) -> HttpResponse:
    account = actor_of(request).active
    if account is None or not account.is_operator:
        raise Missing
    wanted = request.GET.get("q", "").strip()[:_SHOWN]
    found = Account.objects.filter(email__icontains=wanted).select_related("organisation").order_by("email")
    told = {"organisations": Organisation.objects.order_by("name"), "accounts": found[:_SHOWN], "wanted": wanted}
    kinds = Organisation.Kind.values
    return page(request, "operator.html", status=status, said=said, invitation=invitation, kinds=kinds, **told)


@require_POST
@signed_in
@uniform
def operate(request: HttpRequest) -> HttpResponse:
    """Invite somebody, found an organisation, suspend or let in again, set what may be stored."""
    actor, given = actor_of(request), request.POST
    try:
        match given.get("do"):
            case "invite":
                answer = _operator(request, invitation=f"{settings.URL}/join?invitation={people.invitation(actor)}")
                answer["Cache-Control"] = "private, no-store"
                return answer
            case "found":
                made = people.found_organisation(
                    actor, name=given.get("name", ""), kind=given.get("kind", ""), ror=given.get("ror", "")
                )
                return HttpResponseRedirect(f"/organisations/{made.pk}")
            case "suspend" | "let in":
                people.suspend(actor, _meant(given), given["do"] == "suspend")
            case "room":
                text = given.get("gib", "").strip()
                people.give_room(actor, _meant(given), _whole(text, "GiB") * 2**30 if text else None)
            case _:
                raise Missing
    except InputError as error:
        return _operator(request, said=str(error), status=422)
    return HttpResponseRedirect("/operator")


def _meant(given: Any) -> Account | Organisation:
    found: Account | Organisation | None
    if "account" in given:
        found = Account.objects.filter(handle=given["account"]).first()
    else:
        number = given.get("organisation", "")
        found = Organisation.objects.filter(pk=int(number)).first() if number.isdecimal() and len(number) <= _DIGITS else None
    if found is None:
        raise Missing
    return found
