"""The full-text index in either database: filled from the terms of a record's metadata, asked for phrases of them.

SQLite has an FTS5 table with a column for each stream of tokens, PostgreSQL a stored tsvector with a weight for each. Neither is
ever asked for a rank: how rare a word is would tell of records the reader may not see. A row's number is its record's place, so
that the newest hits come first without sorting all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import connection, models
from django.db.models.lookups import Lookup

from durehub.catalogue.terms import Term, bridged, separate

__all__ = ["CREATE", "DROP", "Holds", "TermsField", "enter", "holding", "leave", "places"]

_TABLE = "catalogue_words"
_MOST = 8_000
"""Tokens of a stream that are kept; PostgreSQL counts positions up to 16,383."""
_STREAMS = 4

CREATE = {
    "sqlite": [
        f"CREATE VIRTUAL TABLE {_TABLE} USING fts5(title, title_bridged, body, body_bridged, "
        "tokenize = \"unicode61 remove_diacritics 0 tokenchars '_'\")"
    ],
    "postgresql": [
        f"CREATE TABLE {_TABLE} (rowid bigint PRIMARY KEY, terms tsvector NOT NULL)",
        f"CREATE INDEX {_TABLE}_terms ON {_TABLE} USING gin (terms)",
    ],
}
DROP = f"DROP TABLE {_TABLE}"


class TermsField(models.Field):  # type: ignore[type-arg] # never read or written through a model
    """The indexed terms of a row."""

    def db_type(self, connection: Any) -> str:
        """Only asked for when a table is made, which CREATE does."""
        return "tsvector"


@TermsField.register_lookup
class Holds(Lookup):
    """``words__terms__holds=holding(...)``: the row's texts hold that."""

    lookup_name = "holds"
    prepare_rhs = False

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """FTS5 matches a table by a column of the table's own name."""
        return f"{_TABLE}.{_TABLE} MATCH %s", [self.rhs]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """A tsvector matches a tsquery."""
        return f"{_TABLE}.terms @@ %s::tsquery", [self.rhs]


def enter(texts: Iterable[tuple[int, str, str]]) -> None:
    """Put places, titles and bodies into the index."""
    if connection.vendor == "sqlite":
        statement = f"INSERT INTO {_TABLE} (rowid, title, title_bridged, body, body_bridged) VALUES (%s, %s, %s, %s, %s)"
        rows: list[list[Any]] = [[place, *map(" ".join, _streams(title, body))] for place, title, body in texts]
    else:
        # Vectors one after another: each keeps its weight, and no phrase reaches from one into the next.
        statement = f"INSERT INTO {_TABLE} (rowid, terms) VALUES (%s, {' || '.join(['%s::tsvector'] * _STREAMS)})"
        rows = [[place, *_weighed(_streams(title, body))] for place, title, body in texts]
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)


def _streams(title: str, body: str) -> list[Sequence[str]]:
    return [form(text)[:_MOST] for text in (title, body) for form in (separate, bridged)]


def leave(place: int) -> None:
    """Take the texts at a place out of the index."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {_TABLE} WHERE rowid = %s", [place])


def places(asked: str, below: int, wanted: int) -> Iterator[list[int]]:
    """In PostgreSQL: the places below one whose texts hold what is asked, the newest first, some at a time.

    The newest rows are looked at one after the other, and say how far down ``_ENOUGH`` times the wanted hits may be expected, for
    a reader does not see all of them. A short way down is walked; over a longer one the index is asked, for a stretch of places
    that grows. Left to itself PostgreSQL's planner guesses by a thousandfold wrong, and asks the index for all hits, each of
    which it has to look at.
    """
    stretch, seen, hits, began = _FIRST, 0, 0, 0
    with connection.cursor() as cursor:
        while stretch <= _WALKED:
            cursor.execute(
                f"SELECT rowid, terms @@ %s::tsquery FROM {_TABLE} WHERE rowid < %s ORDER BY rowid DESC LIMIT {stretch}",
                [asked, below],
            )
            rows = cursor.fetchall()
            found = [place for place, holds in rows if holds]
            yield found
            if len(rows) < stretch:
                return
            began, below = began or rows[0][0], rows[-1][0]
            seen, hits = seen + len(rows), hits + len(found)
            stretch = max(_GROWTH * stretch, _ENOUGH * wanted * seen // hits if hits else _ALL)
        span = (began - below) / seen  # of a row
        while below > 0:
            floor = below - int(span * stretch) if stretch < _ALL else 0
            cursor.execute(  # "+ 0": sorted, not walked down in order
                f"SELECT rowid FROM {_TABLE} WHERE terms @@ %s::tsquery AND rowid >= %s AND rowid < %s "
                f"ORDER BY rowid + 0 DESC LIMIT {_MANY}",
                [asked, floor, below],
            )
            found = [place for (place,) in cursor.fetchall()]
            yield from (found[start : start + _SOME] for start in range(0, len(found), _SOME))
            below, stretch = (found[-1], stretch) if len(found) == _MANY else (floor, _GROWTH * stretch)


_FIRST, _WALKED, _GROWTH, _ALL = 2_000, 18_000, 4, 1_000_000
"""Rows: looked at first, the longest way that is walked, its growth, and so many that all that are left are asked for."""
_ENOUGH, _SOME, _MANY = 4, 2_000, 20_000
"""Hits: expected of the next stretch for one that is wanted, handed on at a time, and taken from the index at a time."""


def _weighed(streams: Sequence[Sequence[str]]) -> list[str]:
    return [
        " ".join(f"'{token}':{position}{weight}" for position, token in enumerate([*tokens, "_"], start=1))
        for tokens, weight in zip(streams, "ABCD", strict=True)
    ]


def holding(terms: Sequence[Term], *, title: bool = False, but: str = "") -> str:
    """What ``holds`` takes: every term, in the title if so asked, and not what ``but`` says."""
    sqlite = connection.vendor == "sqlite"
    one = _fts5 if sqlite else _tsquery
    joined = (" AND " if sqlite else " & ").join(one(term, title) for term in terms)
    if not but:
        return joined
    return f"({joined}) NOT ({but})" if sqlite else f"({joined}) & !({but})"


def _fts5(term: Term, title: bool) -> str:
    def column(within: bool) -> str:
        return ("title" if title else "title body") if within else ("title_bridged" if title else "title_bridged body_bridged")

    return "(" + " OR ".join(f'({{{column(within)}}} : "{" ".join(tokens)}")' for tokens, within in term.phrases) + ")"


def _tsquery(term: Term, title: bool) -> str:
    def weight(within: bool) -> str:
        return ("A" if title else "AC") if within else ("B" if title else "BD")

    return (
        "("
        + " | ".join(
            "(" + " <-> ".join(f"'{token}':{weight(within)}" for token in tokens) + ")" for tokens, within in term.phrases
        )
        + ")"
    )
