"""Search, lists, counts and facets, each through the one filter.

Order: title as written, then anywhere as written, then with particles or endings taken off; within each the newest first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import Exists, OuterRef, Q, QuerySet

from dure.errors import InputError
from dure.i18n import _
from durehub.accounts.actors import Actor
from durehub.accounts.models import Action
from durehub.catalogue import index
from durehub.catalogue.models import Outcome, Record
from durehub.catalogue.terms import terms
from durehub.policy.rules import visible

__all__ = ["CAP", "FACETS", "Page", "Question", "Range", "search"]

CAP = 1_000
"""How far counts and facets look."""

FACETS = ("kind", "domain", "licence", "organisation__name")
_SALT = "durehub.cursor"


@dataclass(frozen=True)
class Range:
    """Records of which an outcome called ``name`` lies within; only of those whose files the reader may read."""

    name: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Question:
    """What is looked for. ``only`` maps a facet to the value wanted of it."""

    text: str = ""
    only: Mapping[str, str] = field(default_factory=dict)
    outcome: Range | None = None
    mine: bool = False


@dataclass(frozen=True)
class Page:
    """Some records in order, where to go on (None: nowhere), how many there are up to ``CAP`` + 1, and what they are."""

    records: Sequence[Record]
    after: str | None
    count: int
    facets: Mapping[str, Mapping[str, int]]

    @property
    def counted(self) -> str:
        """The count as it is shown."""
        return f"{CAP:,}+" if self.count > CAP else f"{self.count:,}"


def search(actor: Actor, question: Question, *, size: int = 20, after: str | None = None) -> Page:
    """The first records that answer the question, or those after a cursor.

    Raises:
        InputError: the cursor is none of this hub's, or belongs to another question.
    """
    readable = _readable(actor, question)
    tiers = _tiers(question.text)
    if tiers is None:
        return Page((), None, 0, {name: {} for name in FACETS})
    begin, position = _position(after, question, len(tiers))
    kept: list[tuple[int, Record]] = []
    for number, tier in enumerate(tiers[begin:], start=begin):
        left = readable.filter(tier)
        if number == begin and position is not None:
            time, handle = position
            left = left.filter(Q(published__lt=time) | Q(published=time, handle__lt=handle))
        kept += [(number, record) for record in left[: size + 1 - len(kept)]]
        if len(kept) > size:
            break
    shown = kept[:size]
    cursor = _cursor(question, *shown[-1]) if len(kept) > size else None
    capped = list(readable.filter(_any(tiers)).values_list(*FACETS)[: CAP + 1])
    facets = {name: _tally(row[number] for row in capped[:CAP]) for number, name in enumerate(FACETS)}
    return Page([record for _number, record in shown], cursor, len(capped), facets)


def _tally(values: Any) -> dict[str, int]:
    return dict(Counter(value for value in values if value).most_common())


def _readable(actor: Actor, question: Question) -> QuerySet[Record]:
    records = Record.objects.filter(visible(actor, Action.SEE)).select_related("organisation", "owner")
    for name, value in question.only.items():
        if name not in FACETS:
            raise InputError(_("there is no filter {name}; there are {known}").format(name=name, known=", ".join(FACETS)))
        records = records.filter(**{name: value})
    if question.mine:
        records = records.filter(owner=actor.active) if actor.active else records.none()
    if question.outcome is not None:
        wanted = question.outcome
        bounds = {f"value__{side}": value for side, value in (("gte", wanted.low), ("lte", wanted.high)) if value is not None}
        outcomes = Outcome.objects.filter(record=OuterRef("pk"), name=wanted.name, **bounds)
        records = records.filter(visible(actor, Action.READ), Exists(outcomes))
    return records.order_by("-published", "-handle")


def _tiers(text: str) -> list[Q] | None:
    """Conditions of falling worth that exclude one another; None when the text has no words to look for."""
    if not text.strip():
        return [Q()]
    wanted = terms(text)
    if not wanted:
        return None
    raw = [one.raw for one in wanted]
    title, anywhere = Q(pk__in=index.hits(raw, title=True)), Q(pk__in=index.hits(raw))
    tiers = [title, anywhere & ~title]
    return tiers if raw == wanted else [*tiers, Q(pk__in=index.hits(wanted)) & ~anywhere]


def _any(tiers: Sequence[Q]) -> Q:
    joined = tiers[0]
    for tier in tiers[1:]:
        joined |= tier
    return joined


def _cursor(question: Question, tier: int, record: Record) -> str:
    # Without a timestamp, so that the same question has the same bytes for an answer.
    place = [_named(question), tier, record.published.isoformat(), record.handle]
    return signing.Signer(salt=_SALT).sign_object(place, compress=True)


def _position(after: str | None, question: Question, tiers: int) -> tuple[int, tuple[datetime, str] | None]:
    if after is None:
        return 0, None
    try:
        named, tier, time, handle = signing.Signer(salt=_SALT).unsign_object(after)
    except (signing.BadSignature, ValueError):
        named, tier, time, handle = "", 0, "", ""
    if named != _named(question) or tier >= tiers:
        raise InputError(_("this cursor belongs to another question; begin again without one"))
    return tier, (datetime.fromisoformat(time), handle)


def _named(question: Question) -> str:
    return repr((question.text, sorted(question.only.items()), question.outcome, question.mine))
