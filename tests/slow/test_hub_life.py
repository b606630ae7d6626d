"""A hub as people use it for months, in an order nobody planned: after every step each of them sees what the rules' text says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.fast import hub_home
from tests.fast.access_world import ACTIONS, LEVELS, NOW, Caller, Permit, Person, Thing, World, allowed, plain, sha256_of
from tests.fast.hub_people import CSV
from tests.fast.hub_people import Caller as Somebody

pytestmark = pytest.mark.needs("django", "ninja")

PEOPLE = 4
ROLES = {(0, 0): "manager", (0, 1): "contributor", (0, 2): "reader"}
FILES = {"files": [{"path": "a.csv", "sha256": sha256_of(CSV), "bytes": len(CSV), "format": "text/csv"}]}
DAYS = st.integers(1, 40)
PERSON = st.integers(0, PEOPLE - 1)
LEVEL = st.sampled_from(LEVELS)


class Hub(RuleBasedStateMachine):
    """The hub through its API, and beside it what is true by the text alone."""

    def __init__(self) -> None:
        super().__init__()
        hub_home.ready()
        self.now = NOW
        self.undone = hub_home.undone()
        self.undone.__enter__()
        self.clock = patch("django.utils.timezone.now", lambda: self.now)
        self.clock.start()
        self.people, self.project = _people()
        self.callers = [Caller(), *(Caller(one) for one in range(PEOPLE))]
        self.world = World([], [Person() for _ in range(PEOPLE)], dict(ROLES), 1, [], [], self.callers)
        self.handles: list[str] = []
        self.versions: list[int] = []
        self.grants: list[tuple[str, Permit]] = []

    def teardown(self) -> None:
        self.clock.stop()
        self.undone.__exit__(None, None, None)

    def may(self, person: int, action: str, record: int) -> bool:
        return allowed(self.world, Caller(person), action, record, self.now)

    def call(self, person: int, method: str, path: str, body: Any, expected: int) -> Any:
        answer = self.people[person].call(method, path, body)
        if self.world.people[person].suspended:
            expected = 401
        assert answer.status_code == expected, (method, path, body, answer.content)
        return answer.json() if answer.content and expected < 400 else None

    @precondition(lambda self: len(self.handles) < 6)
    @rule(data=st.data(), owner=PERSON, level=LEVEL, files_level=LEVEL, shut=st.none() | DAYS, shown=st.booleans())
    def publish(self, data: Any, owner: int, level: str, files_level: str, shut: int | None, shown: bool) -> None:
        project = 0 if owner < 2 and data.draw(st.booleans()) else None
        source = data.draw(st.none() | st.sampled_from(range(len(self.handles)))) if self.handles else None
        about = plain(f"record {len(self.handles)}", [] if source is None else [f"dure:{self.handles[source]}"]) | FILES
        embargo = None if shut is None else self.now + timedelta(days=shut)
        access = {"level": level, "files_level": files_level, "project": None if project is None else self.project}
        access |= {"embargo": embargo and embargo.isoformat(), "metadata_open": shown}
        usable = source is None or self.may(owner, "read", source)
        made = self.call(owner, "POST", "records", {"record": about, "access": access}, 201 if usable else 422)
        if made is not None:
            thing = Thing(owner, project, level, files_level, embargo, shown)
            if source is not None:
                thing.inputs = dict.fromkeys([source, *self.world.things[source].inputs], False)
            self.world.things.append(thing)
            self.handles.append(made["id"].removeprefix("dure:").partition("/")[0])
            self.versions.append(1)

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), person=PERSON)
    def publish_version(self, data: Any, person: int) -> None:
        record = self.drawn(data)
        able = self.may(person, "write", record)
        body = {"record": plain(f"again {record}", []) | FILES}
        self.call(person, "POST", f"records/{self.handles[record]}/versions", body, 201 if able else 404)
        if able and not self.world.people[person].suspended:
            self.versions[record] += 1
            self.world.things[record].withdrawn = False

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), person=PERSON, level=LEVEL, files_level=LEVEL, shut=st.none() | DAYS)
    def change_access(self, data: Any, person: int, level: str, files_level: str, shut: int | None) -> None:
        record = self.drawn(data)
        thing, embargo = self.world.things[record], None if shut is None else self.now + timedelta(days=shut)
        able = self.may(person, "manage", record)
        access = {"level": level, "files_level": files_level, "embargo": embargo and embargo.isoformat()}
        access["project"] = self.project if thing.project is not None else None
        self.call(person, "PUT", f"records/{self.handles[record]}/access", access, 200 if able else 404)
        if able and not self.world.people[person].suspended:
            thing.level, thing.files_level, thing.embargo, thing.metadata_open = level, files_level, embargo, False

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), person=PERSON, to=PERSON, action=st.sampled_from(ACTIONS[:3]), days=DAYS)
    def grant(self, data: Any, person: int, to: int, action: str, days: int) -> None:
        record, ends = self.drawn(data), self.now + timedelta(days=days)
        able = self.may(person, "manage", record)
        body = {"subject": self.people[to].account.email, "action": action, "ends": ends.isoformat()}
        made = self.call(person, "POST", f"records/{self.handles[record]}/grants", body, 201 if able else 404)
        if made is not None:
            self.grants.append((made["handle"], Permit(record, ("account", to), action, ends)))
            self.world.permits.append(self.grants[-1][1])

    @precondition(lambda self: self.grants)
    @rule(data=st.data(), person=PERSON)
    def end_grant(self, data: Any, person: int) -> None:
        handle, permit = data.draw(st.sampled_from(self.grants))
        able = self.may(person, "manage", permit.record)
        self.call(person, "DELETE", f"records/{self.handles[permit.record]}/grants/{handle}", None, 204 if able else 404)
        if able and not self.world.people[person].suspended:
            permit.ends = min(permit.ends, self.now)

    @precondition(lambda self: any(thing.inputs for thing in self.world.things))
    @rule(data=st.data(), person=PERSON)
    def agree(self, data: Any, person: int) -> None:
        links = [(one, source) for one, thing in enumerate(self.world.things) for source in thing.inputs]
        record, source = data.draw(st.sampled_from(links))
        able = self.may(person, "manage", source)
        self.call(
            person, "POST", f"records/{self.handles[source]}/agreements", {"record": self.handles[record]}, 204 if able else 404
        )
        if able and not self.world.people[person].suspended:
            self.world.things[record].inputs[source] = True

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), person=PERSON)
    def withdraw(self, data: Any, person: int) -> None:
        record = self.drawn(data)
        able, thing = self.may(person, "manage", record), self.world.things[record]
        path = f"records/{self.handles[record]}/versions/{self.versions[record]}/withdrawal"
        self.call(person, "POST", path, {"reason": "wrong units"}, 404 if not able else 422 if thing.withdrawn else 200)
        if able and not self.world.people[person].suspended:
            thing.withdrawn = True

    @rule(person=PERSON)
    def suspend_or_not(self, person: int) -> None:
        self.world.people[person].suspended = not self.world.people[person].suspended
        account = self.people[person].account
        account.suspended = self.world.people[person].suspended
        account.save()

    @rule(days=DAYS)
    def wait(self, days: int) -> None:
        self.now: datetime = self.now + timedelta(days=days)

    def drawn(self, data: Any) -> int:
        return int(data.draw(st.sampled_from(range(len(self.handles)))))

    @invariant()
    def everybody_sees_what_the_text_says(self) -> None:
        for number, handle in enumerate(self.handles):
            for caller, somebody in zip(self.callers, [Somebody(), *self.people], strict=True):
                if caller.person is not None and self.world.people[caller.person].suspended:
                    assert somebody.get(f"records/{handle}").status_code == 401
                    continue
                sees, reads = (allowed(self.world, caller, action, number, self.now) for action in ("see", "read"))
                reads = reads and sees_files(self.world.things[number])
                path = f"records/{handle}/versions/{self.versions[number]}"
                assert somebody.get(path).status_code == (200 if sees else 404), (number, caller)
                assert somebody.get(f"{path}/files").status_code == (200 if reads else 404), (number, caller)


def sees_files(thing: Thing) -> bool:
    """The newest version's files are there for somebody."""
    return not thing.withdrawn


def _people() -> tuple[list[Somebody], str]:
    from durehub.accounts.actors import issue_token
    from durehub.accounts.models import Account, Action, Membership, Project, Role

    project, made = Project.objects.create(title="together"), []
    for number in range(PEOPLE):
        account = Account.objects.create_user(f"person{number}@example.org", f"Person {number}")
        made.append(Somebody(issue_token(account, "test", most=Action.MANAGE, days=100_000)[1], account))
        made[-1].upload(CSV)
        if (role := ROLES.get((0, number))) is not None:
            Membership.objects.create(project=project, account=account, role=Role[role.upper()])
    return made, project.handle


TestHub = Hub.TestCase
TestHub.settings = settings(max_examples=20, stateful_step_count=20)
TestHub.pytestmark = pytestmark  # type: ignore[attr-defined]
