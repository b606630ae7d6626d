"""Search, lists, counts and facets, each through the one filter.

Order: title as written, then anywhere as written, then with particles or endings taken off; within each the newest first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core import signing
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from dure.errors import InputError
from dure.i18n import _
from durehub.accounts.actors import Actor
from durehub.accounts.models import Action
from durehub.catalogue import index
from durehub.catalogue.models import Outcome, Record
from durehub.catalogue.terms import terms
from durehub.policy.rules import visible

__all__ = ["CAP", "FACETS", "FILTERS", "Page", "Question", "Range", "counted", "page_of", "search"]

CAP = 1_000
"""How far counts and facets look."""

_FEW = 5_000
"""Up to how many values of an outcome are taken as a list."""

FACETS = ("kind", "domain", "licence", "organisation__name")
_END = 2**62
FILTERS = (*FACETS, "problem")
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
    records, further = page_of(actor, question, size=size, after=after)
    count, facets = counted(actor, question)
    return Page(records, further, count, facets)


def page_of(actor: Actor, question: Question, *, size: int = 20, after: str | None = None) -> tuple[Sequence[Record], str | None]:
    """Records tier by tier, and the cursor behind them.

    Raises:
        InputError: as for ``search``.
    """
    tiers = _tiers(question.text)
    begin, position = _position(after, question, len(tiers))
    readable = _readable(actor, question).select_related("organisation", "owner")
    kept: list[tuple[int, Record]] = []
    for number, tier in enumerate(tiers[begin:], start=begin):
        below = position if number == begin and position is not None else _END
        kept += [(number, record) for record in _newest(readable, tier, size + 1 - len(kept), below)]
        if len(kept) > size:
            break
    shown = kept[:size]
    return [record for _number, record in shown], _cursor(question, *shown[-1]) if len(kept) > size else None


def counted(actor: Actor, question: Question) -> tuple[int, Mapping[str, Mapping[str, int]]]:
    """How many answer the question, up to ``CAP`` + 1, and what the newest ``CAP`` of them are."""
    tiers = _tiers(question.text)
    if not tiers:
        return 0, {name: {} for name in FACETS}
    capped = _newest(_readable(actor, question).values_list(*FACETS), _anywhere(question.text), CAP + 1)
    return len(capped), {name: _tally(row[number] for row in capped[:CAP]) for number, name in enumerate(FACETS)}


def _tally(values: Any) -> dict[str, int]:
    return dict(Counter(value for value in values if value).most_common())


def _readable(actor: Actor, question: Question) -> QuerySet[Record]:
    records = Record.objects.filter(visible(actor, Action.SEE))
    for name, value in question.only.items():
        if name not in FILTERS:
            raise InputError(_("there is no filter {name}; there are {known}").format(name=name, known=", ".join(FILTERS)))
        records = records.filter(**{name: value})
    if question.mine:
        records = records.filter(owner=actor.active) if actor.active else records.none()
    if question.outcome is not None:
        wanted = question.outcome
        bounds = {f"value__{side}": value for side, value in (("gte", wanted.low), ("lte", wanted.high)) if value is not None}
        within = Outcome.objects.filter(name=wanted.name, **bounds)
        few = list(within.values_list("record_id", flat=True)[: _FEW + 1])
        # Few values are looked up by themselves; among many, the newest records soon have one.
        having = Q(pk__in=few) if len(few) <= _FEW else Q(Exists(within.filter(record=OuterRef("pk"))))
        records = records.filter(visible(actor, Action.READ), having)
    return records


def _newest(records: QuerySet[Any, Any], holding: str, count: int, below: int = _END) -> list[Any]:
    """The first ``count`` below a place, in the order of the index's own rows where words are looked for."""
    if not holding:
        return list(records.filter(place__lt=below).order_by("-place")[:count])
    if connection.vendor == "sqlite":
        return list(records.filter(words__terms__holds=holding, words__pk__lt=below).order_by("-words__pk")[:count])
    found: list[Any] = []
    for places in index.places(holding, below, count):
        found += records.filter(place__in=places).order_by("-place")[: count - len(found)] if places else []
        if len(found) == count:
            break
    return found


def _tiers(text: str) -> list[str]:
    """What the index is asked, of falling worth and excluding one another; "" asks for everything."""
    if not text.strip():
        return [""]
    wanted = terms(text)
    if not wanted:
        return []
    raw = [one.raw for one in wanted]
    title, anywhere = index.holding(raw, title=True), index.holding(raw)
    tiers = [title, index.holding(raw, but=title)]
    return tiers if raw == wanted else [*tiers, index.holding(wanted, but=anywhere)]


def _anywhere(text: str) -> str:
    """What holds for every tier."""
    return index.holding(terms(text)) if text.strip() else ""


def _cursor(question: Question, tier: int, record: Record) -> str:
    # Without a timestamp, so that the same question has the same bytes for an answer.
    return signing.Signer(salt=_SALT).sign_object([_named(question), tier, record.place], compress=True)


def _position(after: str | None, question: Question, tiers: int) -> tuple[int, int | None]:
    if after is None:
        return 0, None
    try:
        named, tier, place = signing.Signer(salt=_SALT).unsign_object(after)
    except (signing.BadSignature, ValueError):
        named, tier, place = "", 0, 0
    if named != _named(question) or tier >= tiers:
        raise InputError(_("this cursor belongs to another question; begin again without one"))
    return tier, place


def _named(question: Question) -> str:
    return repr((question.text, sorted(question.only.items()), question.outcome, question.mine))
