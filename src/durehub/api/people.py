"""Accounts, tokens, projects and organisations."""

from __future__ import annotations

from typing import Annotated, Any

from django.contrib.auth import authenticate
from django.http import HttpRequest
from ninja import Path, Router, Status

from durehub.accounts.actors import Actor
from durehub.accounts.models import Account, Action, Membership, Organisation, Role
from durehub.api import shapes
from durehub.api.asking import NotSignedIn, actor_of, once, signed_in
from durehub.catalogue.quotas import stored_by
from durehub.policy import people as rules

__all__ = ["people"]

_FAULTS = {401: shapes.ErrorOut, 404: shapes.ErrorOut, 422: shapes.ErrorOut}
Handle = Annotated[str, Path(pattern=r"^[0-9a-hj-km-np-tv-z]{12}$")]
Number = Annotated[int, Path(ge=1, le=2**53)]

people = Router(tags=["people"], auth=signed_in)


@people.post("/tokens", auth=None, response={201: shapes.TokenOut, **_FAULTS}, summary="A token for a password")
def token(request: HttpRequest, given: shapes.TokenIn) -> Any:
    account = authenticate(request, username=given.email.strip().lower(), password=given.password)
    if not isinstance(account, Account):
        raise NotSignedIn
    most = Action[given.most.upper()]
    made, secret = rules.new_token(Actor(account), name=given.name, most=most, project=given.project or "", days=given.days)
    return Status(201, shapes.TokenOut(token=secret, ends=made.ends, account=account.name))


@people.get("/tokens", response={200: shapes.TokensOut, **_FAULTS}, summary="One's tokens that hold, without their secrets")
def tokens(request: HttpRequest) -> Any:
    return shapes.TokensOut(
        tokens=[
            shapes.TokenLine(
                number=one.pk,
                name=one.name,
                most=Action(one.most).label,
                project=one.project.handle if one.project else None,
                ends=one.ends,
            )
            for one in rules.tokens_of(actor_of(request))
        ]
    )


@people.delete("/tokens/{number}", response={204: None, **_FAULTS}, summary="Withdraw a token now")
def end_token(request: HttpRequest, number: Number) -> Any:
    rules.end_token(actor_of(request), number)
    return Status(204, None)


@people.get("/account", response={200: shapes.AccountOut, **_FAULTS}, summary="Whose token this is, and what the account stores")
def account(request: HttpRequest) -> Any:
    who = actor_of(request)
    one = who.account
    if one is None:
        raise NotSignedIn
    stored = stored_by(one)
    return shapes.AccountOut(
        handle=one.handle,
        name=one.name,
        email=one.email,
        organisation=one.organisation.name if one.organisation else None,
        most=who.most.label,
        stored=stored.used,
        most_stored=stored.most,
    )


@people.get("/projects", response={200: shapes.ProjectsOut, **_FAULTS}, summary="One's projects")
def projects(request: HttpRequest) -> Any:
    held = Membership.objects.filter(account=actor_of(request).active).select_related("project").order_by("project__title")
    return shapes.ProjectsOut(
        projects=[
            shapes.ProjectOut(handle=one.project.handle, title=one.project.title, role=Role(one.role).label) for one in held
        ]
    )


@people.post("/projects", response={201: shapes.ProjectOut, **_FAULTS}, summary="Begin a project")
def begin(request: HttpRequest, given: shapes.ProjectIn) -> Any:
    def act() -> tuple[int, Any]:
        made = rules.begin_project(actor_of(request), given.title)
        return 201, shapes.ProjectOut(handle=made.handle, title=made.title, role="manager")

    return once(request, act)


@people.put("/projects/{handle}/members", response={204: None, **_FAULTS}, summary="Set or end somebody's role")
def member(request: HttpRequest, handle: Handle, given: shapes.MemberIn) -> Any:
    role = Role[given.role.upper()] if given.role is not None else None
    rules.set_role(actor_of(request), handle, given.email, role)
    return Status(204, None)


@people.post("/organisations", response={201: shapes.OrganisationOut, **_FAULTS}, summary="Found an organisation, as an operator")
def found(request: HttpRequest, given: shapes.OrganisationIn) -> Any:
    who = actor_of(request)
    return once(
        request, lambda: (201, _told(rules.found_organisation(who, name=given.name, kind=given.kind, ror=given.ror), leads=True))
    )


@people.get("/organisations/{number}", response={200: shapes.OrganisationOut, **_FAULTS}, summary="One's organisation")
def organisation(request: HttpRequest, number: Number) -> Any:
    one, leads = rules.organisation_for(actor_of(request), number)
    return _told(one, leads=leads)


@people.put(
    "/organisations/{number}", response={200: shapes.OrganisationOut, **_FAULTS}, summary="Correct its name, kind or ROR ID"
)
def change(request: HttpRequest, number: Number, given: shapes.OrganisationIn) -> Any:
    changed = rules.change_organisation(actor_of(request), number, name=given.name, kind=given.kind, ror=given.ror)
    return _told(changed, leads=True)


@people.put("/organisations/{number}/members", response={204: None, **_FAULTS}, summary="Take somebody in, or out")
def take_in(request: HttpRequest, number: Number, given: shapes.OrganisationMemberIn) -> Any:
    rules.take_in(actor_of(request), number, given.email, given.role)
    return Status(204, None)


def _told(one: Organisation, *, leads: bool) -> shapes.OrganisationOut:
    """Members by address for those who lead, by name alone for others."""
    return shapes.OrganisationOut(
        number=one.pk,
        name=one.name,
        kind=str(one.kind),
        ror=one.ror,
        members=[
            shapes.OrganisationMemberOut(
                name=who.name, email=who.email if leads else None, role="leader" if who.leads else "member"
            )
            for who in one.accounts.order_by("name", "pk")
        ],
    )
