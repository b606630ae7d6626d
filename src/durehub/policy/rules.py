"""The rules of docs/explain/access.md, by their numbers, as one query filter. Every surface of the hub asks here."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Case, Model, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from durehub.accounts.actors import Actor
from durehub.accounts.models import Account, Action, Membership, Role
from durehub.policy.models import Grant, Input, Level

__all__ = ["NOTHING", "visible"]

NOTHING = Q(pk__in=())


def visible(actor: Actor, action: Action) -> Q:
    """The records with which ``actor`` may do ``action`` at this moment, as a filter for a query of records."""
    if action > actor.most:  # 7
        return NOTHING
    account, moment = actor.active, timezone.now()  # 8
    allowed = _by_rules(account, action, moment) & _by_inputs(account, action, moment)
    if account is not None:
        allowed |= Q(owner=account)  # 2
    return allowed & Q(project=actor.project) if actor.project is not None else allowed  # 7


def _by_rules(account: Account | None, action: Action, now: datetime, at: str = "") -> Q:
    """Rules 1, 3, 4 and 5 for the record itself, or for the one that ``at`` leads to."""

    def where(**conditions: object) -> Q:
        return Q(**{f"{at}{name}": value for name, value in conditions.items()})

    roles = dict(Membership.objects.filter(account=account).values_list("project_id", "role")) if account is not None else {}

    def reached(level: str) -> Q:
        if account is None:
            return where(**{level: Level.OPEN})
        return where(**{f"{level}__lte": Level.REGISTERED}) | where(**{level: Level.CONSORTIUM, "project__in": list(roles)})

    free = where(embargo=None) | where(embargo__lte=now)  # 4
    by_level = NOTHING
    if action == Action.SEE:
        by_level = (free | where(metadata_open=True)) & reached("level")  # 1
    elif action == Action.READ:
        by_level = free & reached("level") & reached("files_level")  # 1
    if account is None:
        return by_level
    needed = Role.MANAGER if action == Action.MANAGE else Role.CONTRIBUTOR
    able = [project for project, role in roles.items() if role >= needed]
    by_role = free & where(level__lt=Level.PRIVATE, project__in=able)  # 3
    subject = Q(account=account) | Q(project__in=list(roles))
    if account.organisation_id is not None:
        subject |= Q(organisation=account.organisation_id)
    grants = Grant.objects.filter(subject, record=OuterRef(f"{at}pk"), action__gte=action, ends__gt=now)
    return by_level | by_role | _any(grants)  # 5


def _any(rows: QuerySet[Model]) -> Q:
    # A value in place of EXISTS, which PostgreSQL answers for all records at once before it looks at the newest.
    return Q(Coalesce(Subquery(rows.values(found=Value(True))[:1]), Value(False)))


def _by_inputs(account: Account | None, action: Action, now: datetime) -> Q:
    """Rule 6: no input is left that still counts and that the account may not use."""
    needed = Action.SEE if action == Action.SEE else Action.READ
    usable = _by_rules(account, needed, now, "source__")
    if account is not None:
        usable |= Q(source__owner=account)
    # A condition that is neither true nor false, as with a missing project, must count as false.
    barred = Case(When(usable, then=Value(False)), default=Value(True))
    counting = Input.objects.filter(record=OuterRef("pk"), agreed=False)
    return ~_any(counting.alias(barred=barred).filter(barred=True))
