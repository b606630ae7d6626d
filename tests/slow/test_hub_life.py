"""A hub lived in at random: publish, add versions, grant, embargo, withdraw, let time pass; after each step who sees what is compared
with a plain account of what was done, judged by the text of docs/explain/access.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule, run_state_machine_as_test

from tests.fast import hub_home
from tests.fast.hub_people import Caller, person

pytestmark = pytest.mark.needs("django", "ninja")

LEVELS = ("open", "registered", "private")
NAMES = ("owner", "reader", "stranger", "visitor")


@dataclass
class Kept:
    """What was done with one record."""

    level: str
    files_level: str
    embargo: datetime | None
    metadata_open: bool
    versions: int = 1
    withdrawn: set[int] = field(default_factory=set)
    grants: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """Handle: (action, end), all to the reader."""


class Life(RuleBasedStateMachine):
    """The hub's clock is ours; it only goes on."""

    records = Bundle("records")

    def __init__(self) -> None:
        super().__init__()
        hub_home.ready()
        self.undone = hub_home.undone()
        self.undone.__enter__()
        self.now = datetime.now(UTC)
        self.clock = patch("django.utils.timezone.now", lambda: self.now)
        self.clock.start()
        self.kept: dict[str, Kept] = {}

    @initialize()
    def arrive(self) -> None:
        self.who = {name: person(name) for name in NAMES[:3]} | {"visitor": Caller()}

    @property
    def owner(self) -> Caller:
        return self.who["owner"]

    def teardown(self) -> None:
        self.clock.stop()
        self.undone.__exit__(None, None, None)

    @rule(
        target=records,
        level=st.sampled_from(LEVELS),
        files_level=st.sampled_from(LEVELS),
        days=st.none() | st.integers(-2, 5),
        shown=st.booleans(),
    )
    def publish(self, level: str, files_level: str, days: int | None, shown: bool) -> str:
        access = self._access(level, files_level, days, shown)
        handle = self.owner.publish(f"Record {len(self.kept)}", **access)
        self.kept[handle] = Kept(level, files_level, self._moment(days), shown)
        return handle

    def _moment(self, days: int | None) -> datetime | None:
        return None if days is None else self.now + timedelta(days=days)

    def _access(self, level: str, files_level: str, days: int | None, shown: bool) -> dict[str, Any]:
        moment = self._moment(days)
        embargo = moment.isoformat() if moment else None
        return {"level": level, "files_level": files_level, "embargo": embargo, "metadata_open": shown}

    @rule(
        handle=records,
        level=st.sampled_from(LEVELS),
        files_level=st.sampled_from(LEVELS),
        days=st.none() | st.integers(-2, 5),
        shown=st.booleans(),
    )
    def put_under_other_rules(self, handle: str, level: str, files_level: str, days: int | None, shown: bool) -> None:
        answer = self.owner.call("PUT", f"records/{handle}/access", self._access(level, files_level, days, shown))
        assert answer.status_code == 200, answer.content
        one = self.kept[handle]
        one.level, one.files_level, one.embargo, one.metadata_open = level, files_level, self._moment(days), shown

    @rule(handle=records, who=st.sampled_from(NAMES))
    def add_a_version(self, handle: str, who: str) -> None:
        caller = self.who[who]
        record = self.owner.record("A version") if who == "visitor" else caller.record("A version")
        answer = caller.call("POST", f"records/{handle}/versions", {"record": record})
        able = who == "owner" or (who == "reader" and self._granted(self.kept[handle], "write"))
        assert answer.status_code == (201 if able else 401 if who == "visitor" else 404), answer.content
        self.kept[handle].versions += able

    grants = Bundle("grants")

    @rule(target=grants, handle=records, action=st.sampled_from(["see", "read", "write"]), days=st.integers(1, 4))
    def grant(self, handle: str, action: str, days: int) -> tuple[str, str]:
        ends = self.now + timedelta(days=days)
        told = {"subject": "reader@example.org", "action": action, "ends": ends.isoformat()}
        answer = self.owner.call("POST", f"records/{handle}/grants", told)
        assert answer.status_code == 201, answer.content
        made = str(answer.json()["handle"])
        self.kept[handle].grants[made] = (action, ends)
        return handle, made

    @rule(grant=consumes(grants))
    def end_a_grant(self, grant: tuple[str, str]) -> None:
        handle, made = grant
        assert self.owner.call("DELETE", f"records/{handle}/grants/{made}").status_code == 204
        del self.kept[handle].grants[made]

    @rule(target=records, handle=records, number=st.integers(1, 4), who=st.sampled_from(["owner", "reader"]))
    def withdraw(self, handle: str, number: int, who: str) -> Any:
        one, caller = self.kept[handle], self.who[who]
        answer = caller.call("POST", f"records/{handle}/versions/{number}/withdrawal", {"reason": "a mistake"})
        if who != "owner" or number > one.versions:
            assert answer.status_code == 404
        else:
            assert answer.status_code == (422 if number in one.withdrawn else 200)
            one.withdrawn.add(number)
        return multiple()

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    def _granted(self, one: Kept, action: str) -> bool:
        order = ("see", "read", "write")
        return any(self.now < ends and order.index(action) <= order.index(given) for given, ends in one.grants.values())

    def _may(self, who: str, action: str, one: Kept) -> bool:
        if who == "owner" or (who == "reader" and self._granted(one, action)):
            return True
        shut = one.embargo is not None and self.now < one.embargo
        level = max(one.level, one.files_level, key=LEVELS.index) if action == "read" else one.level
        if shut and not (action == "see" and one.metadata_open):
            level = "private"
        return level == "open" or (level == "registered" and who != "visitor")

    @invariant()
    def everybody_sees_what_is_theirs(self) -> None:
        for name, caller in getattr(self, "who", {}).items():
            listed = {one["id"].removeprefix("dure:") for one in caller.get("records?size=100").json()["records"]}
            assert listed == {handle for handle, one in self.kept.items() if self._may(name, "see", one)}, name
            for handle, one in self.kept.items():
                seen = caller.get(f"records/{handle}")
                assert seen.status_code == (200 if self._may(name, "see", one) else 404)
                if seen.status_code == 200:
                    assert seen.json()["version"] == one.versions
                number = 1 + len(handle + name) % one.versions
                readable = self._may(name, "read", one) and number not in one.withdrawn
                path = f"records/{handle}/versions/{number}/files"
                assert caller.get(path).status_code == (200 if readable else 404)
                part = caller.get(f"{path}/a.csv", Range="bytes=0-1")
                assert part.status_code == (206 if readable else 404)
                assert len(part.getvalue()) == 2 or not readable


def test_whatever_is_done_everybody_sees_what_the_rules_say():
    run_state_machine_as_test(Life, settings=settings(max_examples=15, stateful_step_count=15))  # type: ignore[no-untyped-call]
