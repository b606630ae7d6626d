"""One database filled and asked, in a process of its own because Django knows one database a process.

python -m benchmarks.hub.queries RECORDS REPEATS    with DUREHUB_HOME and DUREHUB_DATABASE; prints JSON
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.hub.texts import QUESTIONS
from benchmarks.hub.world import fill, readers

__all__ = ["SHAPES", "measured"]

Asked = Iterator[tuple[str, Callable[[], Any]]]
SHAPES = (
    "newest 20",
    "first page of a search",
    "capped count and facets, no words",
    "capped count and facets, words",
    "filter, first page",
    "range of an outcome, first page",
    "whole answer over the API",
)


def measured(records: int, repeats: int) -> dict[str, Any]:
    """Seconds to fill, the database's bytes, and milliseconds of every question in every shape."""
    import django

    django.setup()
    from django.core.management import call_command

    began = time.monotonic()
    call_command("migrate", verbosity=0)
    fill(records)
    filled = time.monotonic() - began
    times: dict[str, list[tuple[str, float]]] = {}
    for shape, asked in _asked().items():
        for name, ask in asked:
            ask()
            for _ in range(repeats):
                start = time.perf_counter()
                ask()
                times.setdefault(shape, []).append((name, 1_000 * (time.perf_counter() - start)))
    return {"fill_s": filled, "bytes": _bytes(), "load": os.getloadavg()[0], "ms": times}


def _asked() -> dict[str, Asked]:
    from django.test import Client
    from django.test.utils import setup_test_environment

    from durehub.accounts.actors import issue_token
    from durehub.accounts.models import Action
    from durehub.catalogue.searching import Question, Range, counted, page_of

    setup_test_environment()
    who = readers()
    browser = Client()

    def each(function: Callable[..., Any], questions: dict[str, Question]) -> Asked:
        for (name, actor), (asked, question) in itertools.product(who.items(), questions.items()):
            yield f"{name}: {asked}", lambda actor=actor, question=question: function(actor, question)  # type: ignore[misc]

    def over_http() -> Asked:
        for name, actor in who.items():
            secret = issue_token(actor.account, "bench", most=Action.READ)[1] if actor.account else ""
            headers = {"Authorization": f"Bearer {secret}"} if secret else {}
            for text in ("", *QUESTIONS[::4]):
                yield f"{name}: {text}", lambda text=text, headers=headers: browser.get(  # type: ignore[misc]
                    "/api/v1/records", {"q": text}, headers=headers
                )

    words = {text: Question(text) for text in QUESTIONS}
    only = {
        "a domain": {"domain": "chip"},
        "a licence and a kind": {"licence": "LicenseRef-KOGL-2", "kind": "report"},
        "an organisation": {"organisation__name": "Institute 7"},
        "a licence nobody has": {"licence": "ODbL-1.0"},
    }
    ranges = {"common": Range("mass", 0.5, 2), "rare": Range("gain", 900, 1_000), "none": Range("mass", -2, -1)}
    return dict(
        zip(
            SHAPES,
            (
                each(page_of, {"newest": Question()}),
                each(page_of, words),
                each(counted, {"all": Question()}),
                each(counted, words),
                each(page_of, {name: Question(only=one) for name, one in only.items()}),
                each(page_of, {name: Question(outcome=one) for name, one in ranges.items()}),
                over_http(),
            ),
            strict=True,
        )
    )


def _bytes() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
        return os.path.getsize(connection.settings_dict["NAME"])


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "durehub.serve.settings"
    print(json.dumps(measured(int(sys.argv[1]), int(sys.argv[2])), ensure_ascii=False))
