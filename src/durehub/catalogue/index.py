"""The full-text index in either database: filled from the terms of a record's metadata, asked for phrases of them.

SQLite has an FTS5 table with a column for each stream of tokens, PostgreSQL a stored tsvector with a weight for each. Neither is
ever asked for a rank: how rare a word is would tell of records the reader may not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models.expressions import RawSQL

from durehub.catalogue.terms import Term, bridged, separate

__all__ = ["CREATE", "DROP", "enter", "hits", "leave"]

_TABLE = "catalogue_words"
_MOST = 8_000
"""Tokens of a stream that are kept; PostgreSQL counts positions up to 16,383."""

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


def enter(pk: int, title: str, body: str) -> None:
    """Put a record's texts into the index, in place of those it had."""
    leave(pk)
    streams = [form(text)[:_MOST] for text in (title, body) for form in (separate, bridged)]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                f"INSERT INTO {_TABLE} (rowid, title, title_bridged, body, body_bridged) VALUES (%s, %s, %s, %s, %s)",
                [pk, *map(" ".join, streams)],
            )
        else:
            cursor.execute(f"INSERT INTO {_TABLE} (rowid, terms) VALUES (%s, {_sum(len(streams))})", [pk, *_weighed(streams)])


def leave(pk: int) -> None:
    """Take a record's texts out of the index."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {_TABLE} WHERE rowid = %s", [pk])


def _sum(count: int) -> str:
    """Vectors one after another: each keeps its weight, and no phrase reaches from one into the next."""
    return " || ".join(["%s::tsvector"] * count)


def _weighed(streams: Sequence[Sequence[str]]) -> list[str]:
    return [
        " ".join(f"'{token}':{position}{weight}" for position, token in enumerate([*tokens, "_"], start=1))
        for tokens, weight in zip(streams, "ABCD", strict=True)
    ]


def hits(terms: Sequence[Term], *, title: bool = False) -> Any:
    """The primary keys of records whose texts hold every term, in the title if so asked; for ``pk__in``."""
    one = _fts5 if connection.vendor == "sqlite" else _tsquery
    joined = (" AND " if connection.vendor == "sqlite" else " & ").join(one(term, title) for term in terms)
    match = f"{_TABLE} MATCH %s" if connection.vendor == "sqlite" else "terms @@ %s::tsquery"
    return RawSQL(f"SELECT rowid FROM {_TABLE} WHERE {match}", [joined])


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
