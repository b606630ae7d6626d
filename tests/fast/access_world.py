"""Worlds of people and records drawn at random, and who may do what in them, by the text of docs/explain/access.md.

The judgement here was written from that page, rule by rule, in plain Python over plain data; it shares nothing with the policy.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
CSV = b"a,b\n1,2\n"
LEVELS = ("open", "registered", "consortium", "private")
ACTIONS = ("see", "read", "write", "manage")
MOMENTS = (
    NOW - timedelta(days=9),
    NOW - timedelta(microseconds=1),
    NOW,
    NOW + timedelta(microseconds=1),
    NOW + timedelta(days=9),
)


@dataclass
class Person:
    organisation: int | None = None
    suspended: bool = False
    operator: bool = False


@dataclass
class Thing:
    """A record: who owns it, where it stands, its levels, its embargo, what it was derived from (by agreement or not)."""

    owner: int
    project: int | None
    level: str
    files_level: str
    embargo: datetime | None
    metadata_open: bool
    inputs: dict[int, bool] = field(default_factory=dict)
    withdrawn: bool = False


@dataclass
class Permit:
    """A grant."""

    record: int
    subject: tuple[str, int]
    action: str
    ends: datetime


@dataclass
class Caller:
    """Who asks: nobody, a person, or a person's token up to an action and perhaps in one project."""

    person: int | None = None
    most: str = "manage"
    project: int | None = None


@dataclass
class World:
    organisations: list[bool]
    """Whether each is suspended."""
    people: list[Person]
    roles: dict[tuple[int, int], str]
    """(project, person): role."""
    projects: int
    things: list[Thing]
    permits: list[Permit]
    callers: list[Caller]


def draw(seed: int, *, people: int = 9, things: int = 24) -> World:
    """A world in which every rule has something to decide."""
    random = Random(seed)
    organisations = [False, False, random.random() < 0.7]
    folk = [
        Person(random.choice([None, 0, 1, 2]), suspended=random.random() < 0.15, operator=random.random() < 0.2)
        for _ in range(people)
    ]
    projects = 3
    roles = {
        (project, person): random.choice(["reader", "contributor", "manager"])
        for project in range(projects)
        for person in range(people)
        if random.random() < 0.35
    }
    made: list[Thing] = []
    for number in range(things):
        embargo = random.choice([None, None, None, *MOMENTS])
        level, files_level = random.choice(LEVELS), random.choice(LEVELS)
        project = random.choice([None, *range(projects)])
        thing = Thing(random.randrange(people), project, level, files_level, embargo, random.random() < 0.5)
        thing.withdrawn = random.random() < 0.1
        if number and random.random() < 0.35:
            for parent in {random.randrange(number) for _ in range(random.choice([1, 1, 2]))}:
                for one in {parent, *made[parent].inputs}:
                    thing.inputs.setdefault(one, random.random() < 0.3)
        made.append(thing)
    permits = []
    for _ in range(things):
        kind = random.choice(["account", "account", "organisation", "project"])
        subject = random.randrange({"account": people, "organisation": len(organisations), "project": projects}[kind])
        permits.append(Permit(random.randrange(things), (kind, subject), random.choice(ACTIONS[:3]), random.choice(MOMENTS)))
    callers = [Caller(), *(Caller(person) for person in range(people))]
    for _ in range(4):
        callers.append(Caller(random.randrange(people), random.choice(ACTIONS), random.choice([None, *range(projects)])))
    return World(organisations, folk, roles, projects, made, permits, callers)


# ------------------------------------------------------------------------------------------------------ the rules' text
def allowed(world: World, caller: Caller, action: str, record: int, now: datetime = NOW) -> bool:
    """Whether the page says that ``caller`` may do ``action`` with a record."""
    thing = world.things[record]
    # 7: through a token as far as it goes, and only with the project's records.
    if ACTIONS.index(action) > ACTIONS.index(caller.most):
        return False
    if caller.project is not None and thing.project != caller.project:
        return False
    # 8: a suspended account has no rights beyond a visitor's.
    who = caller.person
    if who is not None and _suspended(world, who):
        who = None
    # 2: the owner may do everything, at any time. 10: operators are nobody special.
    if who is not None and thing.owner == who:
        return True
    if not _by_rules_1_3_4_5(world, who, action, thing, record, now):
        return False
    # 6: the same with every input that still counts: see to see, read for everything else.
    needed = "see" if action == "see" else "read"
    for source, agreed in thing.inputs.items():
        if agreed:
            continue
        origin = world.things[source]
        owned = who is not None and origin.owner == who
        if not owned and not _by_rules_1_3_4_5(world, who, needed, origin, source, now):
            return False
    return True


def _suspended(world: World, who: int) -> bool:
    person = world.people[who]
    return person.suspended or (person.organisation is not None and world.organisations[person.organisation])


def _by_rules_1_3_4_5(world: World, who: int | None, action: str, thing: Thing, record: int, now: datetime) -> bool:
    shut = thing.embargo is not None and now < thing.embargo
    metadata_level = "private" if shut and not thing.metadata_open else thing.level
    wider = LEVELS.index(thing.files_level) < LEVELS.index(thing.level)
    files_level = "private" if shut else thing.level if wider else thing.files_level
    if action == "see" and _let_in(world, who, metadata_level, thing):
        return True
    if action == "read" and _let_in(world, who, files_level, thing):
        return True
    role = None if who is None or thing.project is None else world.roles.get((thing.project, who))
    if not shut and thing.level != "private":
        if role == "contributor" and action in ("see", "read", "write"):
            return True
        if role == "manager":
            return True
    return any(
        permit.record == record
        and now < permit.ends
        and ACTIONS.index(action) <= ACTIONS.index(permit.action)
        and _names(world, permit.subject, who)
        for permit in world.permits
    )


def _let_in(world: World, who: int | None, level: str, thing: Thing) -> bool:
    if level == "open":
        return True
    if who is None:
        return False
    if level == "registered":
        return True
    return level == "consortium" and thing.project is not None and (thing.project, who) in world.roles


def _names(world: World, subject: tuple[str, int], who: int | None) -> bool:
    kind, number = subject
    if who is None:
        return False
    if kind == "account":
        return number == who
    if kind == "organisation":
        return world.people[who].organisation == number
    return (number, who) in world.roles


# ------------------------------------------------------------------------------------------------------ into a database
@dataclass
class Stage:
    """A world in the hub's database: keys and actors in the world's order."""

    world: World
    records: list[Any]
    actors: list[Any]
    accounts: list[Any]
    blob: str
    """The hash of the one file that every record holds."""

    def cases(self) -> Iterator[tuple[int, int]]:
        """Every caller with every record."""
        return itertools.product(range(len(self.actors)), range(len(self.records)))


def stage(world: World) -> Stage:
    """Put a world into the hub's database."""
    from durehub.accounts.actors import VISITOR, Actor
    from durehub.accounts.models import Account, Action, Membership, Organisation, Project, Role
    from durehub.catalogue import index
    from durehub.catalogue.models import Blob, Outcome, Record, Version, VersionFile
    from durehub.catalogue.store import store
    from durehub.policy.models import Grant, Input, Level

    organisations = [
        Organisation.objects.create(name=f"organisation {n}", suspended=gone) for n, gone in enumerate(world.organisations)
    ]
    accounts = [
        Account.objects.create(
            email=f"person{n}@example.org",
            name=f"Person {n}",
            organisation=None if one.organisation is None else organisations[one.organisation],
            suspended=one.suspended,
            is_operator=one.operator,
        )
        for n, one in enumerate(world.people)
    ]
    projects = [Project.objects.create(title=f"project {n}") for n in range(world.projects)]
    for (project, person), role in world.roles.items():
        Membership.objects.create(project=projects[project], account=accounts[person], role=Role[role.upper()])
    records, sha256 = [], hashlib.sha256(CSV).hexdigest()
    for number, thing in enumerate(world.things):
        record = Record.objects.create(
            owner=accounts[thing.owner],
            organisation=accounts[thing.owner].organisation,
            project=None if thing.project is None else projects[thing.project],
            level=Level[thing.level.upper()],
            files_level=Level[thing.files_level.upper()],
            embargo=thing.embargo,
            metadata_open=thing.metadata_open,
            title=f"전고체 record{number}",
            kind="dataset" if number % 2 else "campaign",
            licence="CC-BY-4.0",
            newest=1,
            published=NOW - timedelta(days=100 - number),
            place=number + 1,
        )
        inputs = [f"dure:{records[source].handle}" for source in sorted(thing.inputs)]
        version = Version.objects.create(
            record=record,
            number=1,
            published=record.published,
            publisher=record.owner,
            plain=plain(f"전고체 record{number}", inputs),
            sha256="0" * 64,
            withdrawn=NOW if thing.withdrawn else None,
        )
        store().put(record.owner_id, sha256, [CSV], len(CSV))
        blob = Blob.objects.get_or_create(owner=record.owner, sha256=sha256, defaults={"bytes": len(CSV)})[0]
        VersionFile.objects.create(version=version, blob=blob, path="a.csv", format="text/csv")
        for source, agreed in thing.inputs.items():
            Input.objects.create(record=record, source=records[source], agreed=agreed)
        Outcome.objects.create(record=record, name="mass", unit="kg", value=float(number))
        index.enter([(record.place, f"전고체 record{number}", "배터리 수명")])
        records.append(record)
    subjects = {"account": accounts, "organisation": organisations, "project": projects}
    for permit in world.permits:
        kind, number = permit.subject
        Grant.objects.create(
            record=records[permit.record],
            action=Action[permit.action.upper()],
            ends=permit.ends,
            given_by=records[permit.record].owner,
            **{kind: subjects[kind][number]},
        )
    actors = [
        VISITOR
        if one.person is None
        else Actor(accounts[one.person], Action[one.most.upper()], None if one.project is None else projects[one.project])
        for one in world.callers
    ]
    return Stage(world, records, actors, accounts, sha256)


def plain(title: str, derived_from: list[str]) -> dict[str, Any]:
    """A record as it is published."""
    about = {
        "kind": "dataset",
        "title": title,
        "description": "배터리 수명",
        "licence": "CC-BY-4.0",
        "creators": [{"name": "Kim, Minji", "orcid": "", "affiliation": "", "ror": ""}],
        "tags": [],
        "problem": "",
        "problem_version": "",
        "domain": "",
        "derived_from": derived_from,
        "columns": [],
    }
    files = [{"path": "a.csv", "sha256": "0" * 64, "bytes": 4, "format": "text/csv"}]
    return {"format": 1, "made": "2027-01-01", "about": about, "files": files, "outcomes": []}
