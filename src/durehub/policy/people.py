"""Tokens, projects, organisations, invitations, suspension: changed by those who may, each change noted."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

import dure.record
from dure.errors import InputError
from dure.i18n import _
from durehub.accounts.actors import Actor, Missing, invite, issue_token
from durehub.accounts.models import Account, Action, Membership, Organisation, Project, Role, Token
from durehub.policy.audit import note

__all__ = [
    "begin_project",
    "change_organisation",
    "end_token",
    "found_organisation",
    "give_room",
    "invitation",
    "leave",
    "new_token",
    "organisation_for",
    "project_of",
    "set_role",
    "suspend",
    "take_in",
    "tokens_of",
]

_MOST_DAYS = 3650
_MOST_TOKENS = 200


def _self(actor: Actor) -> Account:
    """The account, unbounded: nothing here is done through a token that narrows it."""
    if actor.active is None or actor.most < Action.MANAGE or actor.project is not None:
        raise Missing
    return actor.active


def _operator(actor: Actor) -> Account:
    account = _self(actor)
    if not account.is_operator:
        raise Missing
    return account


# ------------------------------------------------------------------------------------------------------------- tokens
def tokens_of(actor: Actor) -> QuerySet[Token]:
    """The actor's tokens that hold, the last made first."""
    return _self(actor).tokens.filter(withdrawn=False, ends__gt=timezone.now()).select_related("project").order_by("-pk")


def new_token(actor: Actor, *, name: str, most: Action, project: str, days: int) -> tuple[Token, str]:
    """A token and its secret, which is told this once; ``project`` is a handle, or empty for all.

    Raises:
        InputError: no name, no such project of the actor's, too many days or tokens.
        Missing: the actor has no account, or comes with a token of less than all rights.
    """
    account = _self(actor)
    if not 1 <= days <= _MOST_DAYS:
        raise InputError(_("a token lasts 1 to {days} days").format(days=_MOST_DAYS))
    if not name.strip() or len(name) > 100:
        raise InputError(_("give the token a name to know it by, of at most 100 letters"))
    bound = Project.objects.filter(handle=project, members=account).first() if project else None
    if project and bound is None:
        raise InputError(_("you are in no project {project}").format(project=project))
    if tokens_of(actor).count() >= _MOST_TOKENS:
        raise InputError(_("you have {most} tokens already; withdraw one first").format(most=_MOST_TOKENS))
    with transaction.atomic():
        token, secret = issue_token(account, name.strip(), most=most, project=bound, days=days)
        note("token", actor, f"token {token.pk}", most=most.label, project=project, ends=token.ends.isoformat())
    return token, secret


def end_token(actor: Actor, number: int) -> None:
    """Withdraw a token of the actor's, at once.

    Raises:
        Missing: it has none of that number.
    """
    with transaction.atomic():
        token = Token.objects.select_for_update().filter(account=_self(actor), pk=number, withdrawn=False).first()
        if token is None:
            raise Missing
        token.withdrawn = True
        token.save(update_fields=["withdrawn"])
        note("token withdrawn", actor, f"token {number}")


# ----------------------------------------------------------------------------------------------------------- projects
def begin_project(actor: Actor, title: str) -> Project:
    """A new project, which the actor manages.

    Raises:
        InputError: it has no title, or too long a one.
        Missing: the actor may not.
    """
    account = _self(actor)
    if not title.strip() or len(title) > 200:
        raise InputError(_("a project has a title of at most 200 letters"))
    with transaction.atomic():
        made = Project.objects.create(title=title.strip())
        Membership.objects.create(project=made, account=account, role=Role.MANAGER)
        note("project", actor, made.handle)
    return made


def project_of(actor: Actor, handle: str) -> tuple[Project, Role]:
    """A project and the actor's role in it.

    Raises:
        Missing: it is in no such project.
    """
    held = Membership.objects.filter(project__handle=handle, account=_self(actor)).select_related("project").first()
    if held is None:
        raise Missing
    return held.project, Role(held.role)


def set_role(actor: Actor, handle: str, email: str, role: Role | None) -> None:
    """Give somebody a role in a project that the actor manages; None ends it.

    Raises:
        InputError: there is no such account, or it is the actor's own.
        Missing: the actor manages no such project.
    """
    with transaction.atomic():
        project, own = project_of(actor, handle)
        if own < Role.MANAGER:
            raise Missing
        who = _account(email)
        if who == actor.active:
            raise InputError(_("nobody changes their own role; another manager can"))
        Membership.objects.filter(project=project, account=who).delete()
        if role is not None:
            Membership.objects.create(project=project, account=who, role=role)
        note("role", actor, handle, account=who.handle, role=role.label if role is not None else "none")


def _account(email: str) -> Account:
    who = Account.objects.filter(email=email.strip().lower()).first()
    if who is None:
        raise InputError(_("{email} has no account here").format(email=email))
    return who


# ------------------------------------------------------------------------------------------------------ organisations
def found_organisation(actor: Actor, *, name: str, kind: str, ror: str) -> Organisation:
    """A new organisation; only operators make one.

    Raises:
        InputError: the name is taken or too long, it is no kind, or no ROR ID.
        Missing: the actor is no operator.
    """
    _operator(actor)
    made = Organisation(name=name.strip(), kind=kind, ror=dure.record.ror(ror) if ror.strip() else "")
    return _kept(actor, made, "organisation")


def change_organisation(actor: Actor, number: int, *, name: str, kind: str, ror: str) -> Organisation:
    """Correct an organisation's name, kind or ROR ID; its leaders and operators do.

    Raises:
        InputError: as for ``found_organisation``.
        Missing: the actor neither leads such an organisation nor is an operator.
    """
    changed, leads = organisation_for(actor, number)
    if not leads:
        raise Missing
    changed.name, changed.kind, changed.ror = name.strip(), kind, dure.record.ror(ror) if ror.strip() else ""
    return _kept(actor, changed, "organisation changed")


def _kept(actor: Actor, one: Organisation, entry: str) -> Organisation:
    with transaction.atomic():
        try:
            one.full_clean()
        except ValidationError as error:
            raise InputError(" ".join(error.messages)) from None
        try:
            with transaction.atomic():
                one.save()
        except IntegrityError:  # somebody else took the name a moment ago
            raise InputError(_("this name is taken")) from None
        note(entry, actor, f"organisation {one.pk}", name=one.name, sort=str(one.kind), ror=one.ror)
    return one


def organisation_for(actor: Actor, number: int) -> tuple[Organisation, bool]:
    """An organisation, and whether the actor may change who is in it.

    Raises:
        Missing: there is none, or the actor is neither in it nor an operator.
    """
    account = _self(actor)
    found = Organisation.objects.filter(pk=number).first()
    inside = account.organisation_id == number
    if found is None or not (inside or account.is_operator):
        raise Missing
    return found, account.is_operator or (inside and account.leads)


def take_in(actor: Actor, number: int, email: str, role: str) -> None:
    """Make an account a "member" or a "leader" of an organisation; "none" takes it out.

    Who leads takes in those who are in no organisation; an operator moves anybody else, and begins an organisation that nobody is
    in. What was published before stays as it is.

    Raises:
        InputError: there is no such account or role, it is in another organisation, or it is the actor's own.
        Missing: the actor neither leads such an organisation nor is an operator.
    """
    with transaction.atomic():
        organisation, may = organisation_for(actor, number)
        if not may:
            raise Missing
        if role not in _ROLES:
            raise InputError(_("{role!r} is no role; there are {known}").format(role=role, known=", ".join(_ROLES)))
        who = _account(email)
        operator = actor.active is not None and actor.active.is_operator
        if who == actor.active and not (operator and not organisation.accounts.exists()):
            raise InputError(_("nobody changes their own role; another leader or the operator can"))
        elsewhere = who.organisation_id not in (None, number)
        if elsewhere and (not operator or role == "none"):
            raise InputError(_("{email} is in another organisation, and has to leave it first").format(email=email))
        who.organisation, who.leads = (None, False) if role == "none" else (organisation, role == "leader")
        who.save(update_fields=["organisation", "leads"])
        note("organisation role", actor, f"organisation {number}", account=who.handle, role=role)


_ROLES = ("member", "leader", "none")


def leave(actor: Actor) -> None:
    """Leave one's organisation, and its grants, at once.

    Raises:
        Missing: the actor is in none.
    """
    with transaction.atomic():
        account = _self(actor)
        if account.organisation_id is None:
            raise Missing
        note("organisation role", actor, f"organisation {account.organisation_id}", account=account.handle, role="none")
        account.organisation, account.leads = None, False
        account.save(update_fields=["organisation", "leads"])


# ---------------------------------------------------------------------------------------------------------- operators
def invitation(actor: Actor) -> str:
    """A one-time secret for a new account.

    Raises:
        Missing: the actor is no operator.
    """
    _operator(actor)
    note("invitation", actor, "invitation")
    return invite()


def give_room(actor: Actor, one: Account | Organisation, most: int | None) -> None:
    """Set how many bytes an account or an organisation's accounts may store; None: as the hub says.

    Raises:
        Missing: the actor is no operator.
    """
    _operator(actor)
    with transaction.atomic():
        one.most_bytes = most
        one.save(update_fields=["most_bytes"])
        note("room", actor, f"{type(one).__name__.lower()} {one.pk}", most=most)


def suspend(actor: Actor, one: Account | Organisation, suspended: bool) -> None:
    """Suspend an account or organisation, or let it in again; it holds from the next question on.

    Raises:
        InputError: it is the actor's own account or organisation.
        Missing: the actor is no operator.
    """
    account = _operator(actor)
    if one in (account, account.organisation):
        raise InputError(_("nobody suspends themselves; another operator can"))
    with transaction.atomic():
        one.suspended = suspended
        one.save(update_fields=["suspended"])
        note("suspended" if suspended else "let in again", actor, f"{type(one).__name__.lower()} {one.pk}")
