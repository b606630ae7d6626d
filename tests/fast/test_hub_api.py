"""The life of a record through the API: publish, find, read, ask, decide, agree, withdraw; and what is refused on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.fast import hub_home
from tests.fast.hub_people import CSV, Caller, person

pytestmark = pytest.mark.needs("django", "ninja")

ROOT = Path(__file__).parents[2]
VISITOR = Caller()
NOWHERE = "0" * 12


@pytest.fixture(autouse=True)
def hub() -> Iterator[Path]:
    home = hub_home.ready()
    with hub_home.undone():
        yield home


@pytest.fixture
def owner() -> Caller:
    return person("owner")


@pytest.fixture
def other() -> Caller:
    return person("other")


def refused(answer: Any, status: int, code: str) -> str:
    """An error has one shape; its message."""
    assert answer.status_code == status, answer.content
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["code"] == code
    return str(body["error"]["message"])


def later(**amount: float) -> Any:
    """The clock, set forward."""
    from django.utils import timezone

    moment = timezone.now() + timedelta(**amount)
    return patch("django.utils.timezone.now", lambda: moment)


def test_what_is_published_is_found_and_read_byte_for_byte(owner: Caller, other: Caller):
    handle = owner.publish("전고체 전해질 자료", level="open")
    assert [one["id"] for one in VISITOR.get("records?q=전해질을").json()["records"]] == [f"dure:{handle}"]
    told = VISITOR.get(f"records/{handle}").json()
    assert told["access"]["may"] == ["see", "read"]
    assert "files" not in told["about"]
    assert told["citation"].startswith("Kim, Minji (")
    (file,) = other.get(f"records/{handle}/versions/1/files").json()["record"]["files"]
    answer = other.get(f"records/{handle}/versions/1/files/{file['path']}")
    assert b"".join(answer.streaming_content) == CSV
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "private, no-store"


def test_a_private_record_is_nowhere_for_others(owner: Caller, other: Caller):
    handle = owner.publish("secret", level="private")
    for caller in (VISITOR, other):
        for path in ("records/{}", "records/{}/versions/1", "records/{}/versions/1/files", "records/{}/versions/1/files/a.csv"):
            forbidden, missing = caller.get(path.format(handle)), caller.get(path.format(NOWHERE))
            refused(forbidden, 404, "not_found")
            assert (forbidden.content, dict(forbidden.headers)) == (missing.content, dict(missing.headers))
        assert caller.get("records?q=secret").json() == {
            "records": [],
            "count": "0",
            "facets": {"kind": {}, "domain": {}, "licence": {}, "organisation": {}},
            "next": None,
        }
    for method, path, body in (
        ("PUT", "records/{}/access", {}),
        ("POST", "records/{}/versions", {"record": {}}),
        ("POST", "records/{}/versions/1/withdrawal", {"reason": "no"}),
        ("POST", "records/{}/grants", {"subject": "other@example.org", "ends": "2999-01-01T00:00:00Z"}),
        ("POST", "records/{}/requests", {"purpose": "curiosity"}),
        ("DELETE", f"records/{{}}/grants/{NOWHERE}", None),
    ):
        answers = [other.call(method, path.format(one), body) for one in (handle, NOWHERE)]
        assert answers[0].status_code == answers[1].status_code >= 400
        assert answers[0].content == answers[1].content


def test_answers_to_others_do_not_change_by_a_byte_when_private_records_come(owner: Caller, other: Caller):
    for number in range(5):
        owner.publish(f"전고체 자료 {number}", level="open")
    asked = [
        "records",
        "records?q=전고체",
        "records?q=자료&size=2",
        "records?q=전고체&kind=dataset",
        "records?q=비밀",
        "records?outcome=mass",
    ]
    before = [(one.content, one["ETag"]) for caller in (VISITOR, other) for path in asked for one in [caller.get(path)]]
    for number in range(4):
        owner.publish(f"전고체 비밀 자료 {number}", level="private")
    owner.publish("전고체 비밀 자료", level="open", embargo="2999-01-01T00:00:00Z")
    after = [(one.content, one["ETag"]) for caller in (VISITOR, other) for path in asked for one in [caller.get(path)]]
    assert after == before
    assert owner.get("records?q=비밀").json()["count"] == "5"


def test_every_token_that_does_not_hold_is_answered_alike(owner: Caller):
    from durehub.accounts.actors import issue_token
    from durehub.accounts.models import Action, Organisation

    gone = person("gone", organisation=Organisation.objects.create(name="Closed", suspended=True))
    suspended = person("suspended", suspended=True)
    token, secret = issue_token(owner.account, "old", most=Action.MANAGE)
    token.withdrawn = True
    token.save()
    callers = [Caller("dure_never-was"), gone, suspended, Caller(secret)]
    answers = [one.get(path) for one in callers for path in ("records", "account")]
    with later(days=91):
        answers.append(owner.get("account"))
    assert len({answer.content for answer in answers}) == 1
    refused(answers[0], 401, "not_signed_in")
    assert VISITOR.get("account").content == answers[0].content


def test_suspension_counts_at_once_and_ends_at_once(owner: Caller):
    assert owner.get("account").status_code == 200
    owner.account.suspended = True
    owner.account.save()
    assert owner.get("account").status_code == 401
    owner.account.suspended = False
    owner.account.save()
    assert owner.get("account").status_code == 200


def test_a_token_only_narrows(owner: Caller):
    from durehub.accounts.actors import issue_token
    from durehub.accounts.models import Action

    handle = owner.publish(level="private")
    narrow = {most: Caller(issue_token(owner.account, "t", most=most)[1], owner.account) for most in Action}
    assert [one.get(f"records/{handle}/versions/1/files").status_code for one in narrow.values()] == [404, 200, 200, 200]
    assert [one.call("PUT", f"records/{handle}/access", {}).status_code for one in narrow.values()] == [404, 404, 404, 200]
    assert [one.call("POST", "projects", {"title": "p"}).status_code for one in narrow.values()] == [404, 404, 404, 201]


def test_an_embargo_ends_by_the_clock_alone(owner: Caller, other: Caller):
    from django.utils import timezone

    until = (timezone.now() + timedelta(days=10)).isoformat()
    hidden = owner.publish("hidden", level="open", files_level="open", embargo=until)
    shown = owner.publish("shown", level="open", files_level="open", embargo=until, metadata_open=True)
    assert [other.get(f"records/{one}").status_code for one in (hidden, shown)] == [404, 200]
    assert [other.get(f"records/{one}/versions/1/files").status_code for one in (hidden, shown)] == [404, 404]
    assert other.get("records?outcome=mass").json()["count"] == "0"
    with later(days=10, seconds=1):
        assert [other.get(f"records/{one}/versions/1/files").status_code for one in (hidden, shown)] == [200, 200]
        assert other.get("records?outcome=mass&low=4&high=6").json()["count"] == "2"
        assert other.get("records?outcome=mass&low=6").json()["count"] == "0"


def test_access_is_asked_for_decided_by_a_person_used_and_ends(owner: Caller, other: Caller):
    handle = owner.publish(level="registered", files_level="private", conditions="Cite us.")
    assert "conditions" in refused(other.call("POST", f"records/{handle}/requests", {"purpose": "a comparison"}), 422, "refused")
    asked = other.call("POST", f"records/{handle}/requests", {"purpose": "a comparison", "accepts_conditions": True})
    assert asked.status_code == 201
    again = other.call("POST", f"records/{handle}/requests", {"purpose": "again", "accepts_conditions": True})
    refused(again, 422, "refused")
    assert other.get(f"records/{handle}/versions/1/files").status_code == 404
    (waiting,) = owner.get("requests").json()["to_decide"]
    assert (waiting["purpose"], waiting["conditions"]) == ("a comparison", "Cite us.")
    assert other.get("requests").json()["to_decide"] == []
    decision = {"granted": True, "answer": "Gladly.", "days": 30}
    refused(other.call("POST", f"requests/{waiting['handle']}/decision", decision), 404, "not_found")
    assert owner.call("POST", f"requests/{waiting['handle']}/decision", decision).json()["state"] == "granted"
    refused(owner.call("POST", f"requests/{waiting['handle']}/decision", decision), 422, "refused")
    (mine,) = other.get("requests").json()["mine"]
    assert (mine["state"], mine["answer"]) == ("granted", "Gladly.")
    assert other.get(f"records/{handle}/versions/1/files").status_code == 200
    with later(days=30, seconds=1):
        assert other.get(f"records/{handle}/versions/1/files").status_code == 404
    (grant,) = owner.get(f"records/{handle}/grants").json()["grants"]
    assert owner.call("DELETE", f"records/{handle}/grants/{grant['handle']}").status_code == 204
    assert other.get(f"records/{handle}/versions/1/files").status_code == 404


def test_a_derived_record_waits_for_the_owner_of_its_input(owner: Caller, other: Caller):
    source = owner.publish("source", level="registered", files_level="private")
    refused(other.call("POST", "records", {"record": other.record(derived_from=[f"dure:{source}"])}), 422, "refused")
    unknown = other.call("POST", "records", {"record": other.record(derived_from=[f"dure:{NOWHERE}"])})
    assert source not in refused(unknown, 422, "refused")
    owner.call("POST", f"records/{source}/grants", {"subject": "other@example.org", "ends": "2999-01-01T00:00:00Z"})
    derived = other.publish("derived", derived_from=[f"dure:{source}/v1"], level="open", files_level="open")
    third = person("third")
    assert [one.get(f"records/{derived}").status_code for one in (VISITOR, third)] == [404, 200]
    assert third.get(f"records/{derived}/versions/1/files").status_code == 404
    further = other.publish("derived again", derived_from=[f"dure:{derived}"], level="open", files_level="open")
    assert third.get(f"records/{further}/versions/1/files").status_code == 404
    refused(other.call("POST", f"records/{source}/agreements", {"record": derived}), 404, "not_found")
    assert owner.call("POST", f"records/{source}/agreements", {"record": derived}).status_code == 204
    assert third.get(f"records/{derived}/versions/1/files").status_code == 200
    assert third.get(f"records/{further}/versions/1/files").status_code == 404
    assert VISITOR.get(f"records/{derived}").json()["about"]["derived_from"] == []
    assert third.get(f"records/{derived}").json()["about"]["derived_from"] == [f"dure:{source}/v1"]


def test_versions_stay_as_they_were_and_a_withdrawal_leaves_a_tombstone(owner: Caller):
    handle = owner.publish("first", level="open")
    before = VISITOR.get(f"records/{handle}/versions/1/files").json()
    second = owner.call("POST", f"records/{handle}/versions", {"record": owner.record("second", b"c\n3\n")})
    assert second.json()["id"] == f"dure:{handle}/v2"
    assert VISITOR.get(f"records/{handle}").json()["about"]["title"] == "second"
    assert VISITOR.get(f"records/{handle}/versions/1/files").json() == before
    withdrawn = {"reason": "A column was wrong."}
    assert owner.call("POST", f"records/{handle}/versions/1/withdrawal", withdrawn).status_code == 200
    told = VISITOR.get(f"records/{handle}/versions/1").json()
    assert (told["about"]["title"], told["reason"]) == ("first", "A column was wrong.")
    for caller in (VISITOR, owner):
        refused(caller.get(f"records/{handle}/versions/1/files"), 404, "not_found")
        refused(caller.get(f"records/{handle}/versions/1/files/a.csv"), 404, "not_found")
    assert VISITOR.get(f"records/{handle}/versions/2/files").status_code == 200
    refused(owner.call("POST", f"records/{handle}/versions/1/withdrawal", withdrawn), 422, "refused")


def test_a_contributor_writes_a_reader_reads_and_a_manager_manages(owner: Caller, other: Caller):
    project = owner.call("POST", "projects", {"title": "Joint"}).json()["handle"]
    handle = owner.publish("joint", level="consortium", project=project)
    wanted = {"reader": [200, 404, 404], "contributor": [200, 201, 404], "manager": [200, 201, 200], None: [404, 404, 404]}
    for role, statuses in wanted.items():
        owner.call("PUT", f"projects/{project}/members", {"email": "other@example.org", "role": role})
        found = [
            other.get(f"records/{handle}/versions/1/files").status_code,
            other.call("POST", f"records/{handle}/versions", {"record": other.record("next")}).status_code,
            other.call("PUT", f"records/{handle}/access", {"level": "consortium", "project": project}).status_code,
        ]
        assert found == statuses, role
    refused(other.call("PUT", f"projects/{project}/members", {"email": "other@example.org", "role": "manager"}), 404, "not_found")
    refused(other.call("POST", "records", {"record": other.record(), "access": {"project": project}}), 422, "refused")


def test_knowing_a_hash_gives_nothing(owner: Caller, other: Caller):
    from durehub.catalogue.models import Blob

    owner.publish(data=b"x\n1\n", level="private")
    sha256 = hashlib.sha256(b"x\n1\n").hexdigest()
    claimed = other.record()
    claimed["files"][0] |= {"sha256": sha256, "bytes": 4}
    message = refused(other.call("POST", "records", {"record": claimed}), 422, "refused")
    claimed["files"][0]["sha256"] = hashlib.sha256(b"never").hexdigest()
    assert refused(other.call("POST", "records", {"record": claimed}), 422, "refused").replace("*", "") != ""
    assert "was not uploaded" in message
    other.upload(b"x\n1\n")
    assert Blob.objects.filter(sha256=sha256).count() == 2


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("model.pkl", b"\x80\x04K\x01."),
        ("model.csv", b"\x80\x04K\x01."),
        ("model.safetensors", b"\x80\x04K\x01."),
        ("run.py", b"print()"),
        ("../a.csv", CSV),
        ("/a.csv", CSV),
        ("a/../../b.csv", CSV),
        ("a\\b.csv", CSV),
        ("a.parquet", CSV),
        ("a.csv", b"\x00\x01\x02"),
    ],
)
def test_files_that_could_run_or_lead_elsewhere_are_refused(owner: Caller, path: str, data: bytes):
    record = owner.record("bad", data)
    record["files"][0] |= {"path": path}
    refused(owner.call("POST", "records", {"record": record}), 422, "refused")


def test_bytes_that_do_not_have_the_hash_are_not_kept(owner: Caller, hub: Path):
    from durehub.catalogue.models import Blob

    sha256 = hashlib.sha256(b"what was meant").hexdigest()
    refused(owner.call("PUT", f"blobs/{sha256}", b"what arrived"), 422, "refused")
    refused(VISITOR.call("PUT", f"blobs/{sha256}", b"what was meant"), 401, "not_signed_in")
    assert not Blob.objects.filter(sha256=sha256).exists()
    assert not list((hub / "files").rglob(sha256))
    assert not list((hub / "files").rglob("*.draft"))


def test_a_call_repeated_with_its_key_counts_once(owner: Caller, other: Caller):
    body = {"record": owner.record("once"), "access": {"level": "open"}}
    key = {"Idempotency-Key": "k1"}
    first, again = (owner.call("POST", "records", body, **key) for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert owner.get("records?q=once").json()["count"] == "1"
    refused(owner.call("POST", "records", {"record": owner.record("else")}, **key), 422, "refused")
    assert other.call("POST", "records", {"record": other.record("once")}, **key).status_code == 201
    # a refused call leaves its key free
    refused(owner.call("POST", "records", {"record": {}}, **{"Idempotency-Key": "k2"}), 422, "refused")
    assert owner.call("POST", "records", body, **{"Idempotency-Key": "k2"}).status_code == 201


def test_pages_follow_one_another_without_gap_or_repeat(owner: Caller):
    published = [owner.publish(f"table {number}" if number % 3 else f"{number}", level="open") for number in range(8)]
    seen, after = [], ""
    while True:
        page = VISITOR.get(f"records?size=3{after}").json()
        seen += [one["id"].removeprefix("dure:") for one in page["records"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == published[::-1]
    for wrong in ("&q=table", "x", "&size=0", "&size=101", "&size=99999999999999999999"):
        assert VISITOR.get(f"records?size=3{after}{wrong}").status_code == 422


def test_title_comes_before_text_and_what_was_written_before_what_was_taken_off(owner: Caller):
    names = {}
    for title, description in (("수명", "원자로 관련"), ("원자로 노심", "x"), ("원자 배열", "y")):
        record = owner.record(title)
        record["about"]["description"] = description
        names[owner.call("POST", "records", {"record": record, "access": {"level": "open"}}).json()["id"].partition("/")[0]] = (
            title
        )
    found = [names[one["id"]] for one in VISITOR.get("records?q=원자로").json()["records"]]
    assert found == ["원자로 노심", "수명", "원자 배열"]


def test_an_entity_tag_spares_the_body_until_something_changes(owner: Caller):
    handle = owner.publish(level="open")
    tag = VISITOR.get(f"records/{handle}")["ETag"]
    assert VISITOR.get(f"records/{handle}", **{"If-None-Match": tag}).status_code == 304
    owner.call("POST", f"records/{handle}/versions", {"record": owner.record("second")})
    assert VISITOR.get(f"records/{handle}", **{"If-None-Match": tag}).status_code == 200


def test_too_many_wrong_passwords_wait(owner: Caller):
    wrong = {"email": "owner@example.org", "password": "no"}
    answers = [VISITOR.call("POST", "tokens", wrong).status_code for _ in range(9)]
    assert answers[:7] == [401] * 7
    assert answers[-1] == 429
    right = {"email": "owner@example.org", "password": "a long password of owner"}
    refused(VISITOR.call("POST", "tokens", right), 429, "slow_down")


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/x-www-form-urlencoded; charset=latin-1"])
def test_forms_are_refused_before_anything_is_done(owner: Caller, kind: str):
    from django.test import Client

    wrong = json.dumps({"email": "owner@example.org", "password": "no"})
    client = Client(raise_request_exception=False)
    answers = [client.generic("POST", "/api/v1/tokens", wrong, content_type=kind) for _ in range(12)]
    for answer in answers:
        refused(answer, 415, "unsupported")  # and a right password would be answered alike: nobody tries passwords this way
    right = {"email": "owner@example.org", "password": "a long password of owner"}
    refused(client.generic("POST", "/api/v1/tokens", json.dumps(right), content_type=kind), 415, "unsupported")
    assert VISITOR.call("POST", "tokens", right).status_code == 201


def test_a_password_gives_a_token_and_an_unknown_address_looks_like_a_wrong_password(owner: Caller):
    right = {"email": "Owner@Example.org", "password": "a long password of owner"}
    given = VISITOR.call("POST", "tokens", right)
    assert given.status_code == 201
    assert Caller(given.json()["token"]).get("account").json()["email"] == "owner@example.org"
    answers = [
        VISITOR.call("POST", "tokens", {"email": one, "password": "no"}) for one in ("owner@example.org", "no@example.org")
    ]
    assert answers[0].content == answers[1].content


def test_the_committed_schema_is_the_one_that_is_served():
    from durehub.api.routes import api

    committed = json.loads((ROOT / "docs/reference/openapi.json").read_text("utf-8"))
    assert json.loads(json.dumps(api.get_openapi_schema())) == committed, "make openapi, and read the difference"


def test_an_invitation_makes_one_account(owner: Caller):
    from dure.errors import InputError
    from durehub.accounts.actors import invite, join

    secret = invite()
    with pytest.raises(InputError):
        join(secret, email="new@example.org", name="New", password="short")
    join(secret, email="new@example.org", name="New", password="a rather long one")
    with pytest.raises(InputError, match="invitation"):
        join(secret, email="newer@example.org", name="Newer", password="a rather long one")
    other = invite()
    with later(days=8), pytest.raises(InputError, match="invitation"):
        join(other, email="newest@example.org", name="Newest", password="a rather long one")
