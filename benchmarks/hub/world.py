"""Very many records, straight into the hub's database; Django must be set up."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from benchmarks.hub.texts import text_of

__all__ = ["fill", "readers"]

ACCOUNTS, ORGANISATIONS, PROJECTS = 1_000, 50, 200
_BATCH = 2_000
_DRAWN = 20_000
_YEARS = timedelta(days=5 * 365)
_BEGAN = datetime(1970, 1, 1, tzinfo=UTC)
_LICENCES = ("CC-BY-4.0", "CC-BY-4.0", "CC0-1.0", "LicenseRef-KOGL-1", "LicenseRef-KOGL-2", "MIT")


def fill(count: int) -> None:
    """``count`` records of 1,000 accounts in 50 organisations and 200 projects, three grants for every ten records.

    The second account stands in five projects. One record in ten is under an embargo, half of these have ended; one in
    twenty was derived from another. 20,000 are drawn; the others are copies of these, at other times of the five years.
    """
    from durehub.accounts.models import Account, Membership, Organisation, Project

    random = Random(1)
    organisations = Organisation.objects.bulk_create(Organisation(name=f"Institute {n}") for n in range(ORGANISATIONS))
    accounts = Account.objects.bulk_create(
        Account(email=f"person{n}@example.org", name=f"Person {n}", password="!", organisation=organisations[n % ORGANISATIONS])
        for n in range(ACCOUNTS)
    )
    projects = Project.objects.bulk_create(Project(title=f"Project {n}") for n in range(PROJECTS))
    memberships = {(project.pk, accounts[random.randrange(2, ACCOUNTS)].pk) for project in projects for _ in range(8)}
    memberships |= {(project.pk, accounts[1].pk) for project in projects[:5]}
    Membership.objects.bulk_create(Membership(project_id=project, account_id=account) for project, account in memberships)
    with _index_later():
        drawn = min(count, _DRAWN)
        for numbers in _batches(drawn):
            _records(random, numbers, drawn, accounts, projects)
        for copy in range(1, count // drawn):
            _again(drawn, copy, count // drawn)
    _analyse()


def _batches(count: int) -> Iterator[Sequence[int]]:
    numbers = iter(range(count))
    while batch := list(itertools.islice(numbers, _BATCH)):
        yield batch


def _records(random: Random, numbers: Sequence[int], count: int, accounts: list[Any], projects: list[Any]) -> None:
    from django.db import transaction

    from durehub.catalogue import index
    from durehub.catalogue.models import Outcome, Record
    from durehub.policy.models import Grant, Input

    now = datetime.now(UTC)
    texts = {number: text_of(number) for number in numbers}
    records = []
    for number in numbers:
        published = now - _YEARS * (1 - number / count)
        owner, level = random.choice(accounts), random.choices((0, 1, 2, 3), (40, 20, 20, 20))[0]
        record = Record(
            owner=owner,
            organisation_id=owner.organisation_id,
            project=random.choice(projects) if random.random() < 0.5 or level == 2 else None,
            level=level,
            files_level=max(level, random.choice((0, 1, 2, 3))),
            embargo=now + random.uniform(-1, 1) * timedelta(days=365) if random.random() < 0.1 else None,
            metadata_open=random.random() < 0.5,
            published=published,
            place=(published - _BEGAN) // timedelta(microseconds=1),
            newest=1,
            title=texts[number][0],
            kind=random.choices(("campaign", "dataset", "model", "report"), (30, 50, 10, 10))[0],
            licence=random.choice(_LICENCES),
            domain=random.choice(("energy", "chip", "reactor", "bio", "")),
            problem=random.choice(("energy/fast-charge", "chip/opamp", "reactor/core-loading", "", "")),
        )
        records.append(record)
    with transaction.atomic():
        Record.objects.bulk_create(records)
        index.enter((record.place, *texts[number]) for number, record in zip(numbers, records, strict=True))
        Outcome.objects.bulk_create(
            Outcome(record=one, name=random.choice(("mass", "minutes", "gain")), unit="1", value=random.lognormvariate(0, 2))
            for one in records
        )
        Grant.objects.bulk_create(
            Grant(
                record=one,
                action=random.choice((0, 1, 2)),
                ends=now + random.uniform(-1, 1) * timedelta(days=365),
                given_by_id=one.owner_id,
                **_subject(random, accounts, projects),
            )
            for one in random.sample(records, len(records) * 3 // 10)
        )
        derived = random.sample(records, len(records) // 20)
        Input.objects.bulk_create(
            Input(record=one, source=source, agreed=random.random() < 0.2)
            for one in derived
            if (source := random.choice(records)) is not one
        )


def _again(drawn: int, copy: int, copies: int) -> None:
    """All that was drawn once more, by the database itself; neighbours in time are others than before."""
    from django.db import connection, transaction

    from durehub.catalogue.models import Outcome, Record
    from durehub.policy.models import Grant, Input

    last = int(datetime.now(UTC).timestamp()) * 1_000_000
    span = _YEARS // timedelta(microseconds=1)
    turned = f"{last} - ({last} - {{0}} + {copy * (span // copies + 1)}) % {span}"
    shift = copy * drawn
    named = {"handle": f"'c{copy:02}' || (100000000 + id)", "place": turned.format("place")}
    with transaction.atomic(), connection.cursor() as cursor:
        for model, limit in ((Record, "id"), (Outcome, "record_id"), (Grant, "record_id"), (Input, "record_id")):
            table = model._meta.db_table  # noqa: SLF001 # Django's public face of a model's columns
            columns = [str(field.column) for field in model._meta.concrete_fields]  # noqa: SLF001
            cursor.execute(f"SELECT max(id) FROM {table} WHERE {limit} <= {drawn}")
            rows = cursor.fetchone()[0] * copy
            moved = named | {"id": f"id + {rows}", "record_id": f"record_id + {shift}", "source_id": f"source_id + {shift}"}
            taken = ", ".join(moved.get(name, name) for name in columns)
            into = f"INSERT INTO {table} ({', '.join(columns)})"
            cursor.execute(f"{into} SELECT {taken} FROM {table} WHERE {limit} <= {drawn}")
        words = "terms" if connection.vendor == "postgresql" else "title, title_bridged, body, body_bridged"
        cursor.execute(
            f"INSERT INTO catalogue_words (rowid, {words}) SELECT {turned.format('r.place')}, w.{words.replace(', ', ', w.')} "
            f"FROM catalogue_words w JOIN catalogue_record r ON r.place = w.rowid WHERE r.id <= {drawn}"
        )


def _subject(random: Random, accounts: list[Any], projects: list[Any]) -> dict[str, Any]:
    if random.random() < 0.8:
        return {"account": random.choice(accounts)}
    return (
        {"project": random.choice(projects)}
        if random.random() < 0.5
        else {"organisation_id": random.choice(accounts).organisation_id}
    )


class _index_later:  # noqa: N801 # read as a word in a with statement
    """PostgreSQL builds the index of words once, at the end, which is quicker."""

    def __enter__(self) -> None:
        from django.db import connection

        self.later = connection.vendor == "postgresql"
        with connection.cursor() as cursor:
            if self.later:
                cursor.execute("DROP INDEX catalogue_words_terms")
            else:
                cursor.execute("PRAGMA synchronous = OFF")

    def __exit__(self, *_details: object) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            if self.later:
                cursor.execute("CREATE INDEX catalogue_words_terms ON catalogue_words USING gin (terms)")


def _analyse() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def readers() -> dict[str, Any]:
    """Who looks: a visitor, an account with one organisation and five projects, one that owns and is granted things only."""
    from durehub.accounts.actors import VISITOR, Actor
    from durehub.accounts.models import Account

    return {
        "visitor": VISITOR,
        "member": Actor(Account.objects.get(email="person1@example.org")),
        "stranger": Actor(Account.objects.get(email="person0@example.org")),
    }
