"""The audit log is what was written; nonsense, and addresses that lead nowhere, are answered in order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fast import hub_home
from tests.fast.hub_people import Caller, person

pytestmark = pytest.mark.needs("django", "ninja")

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


def test_it_names_what_happened_and_verifies(owner: Caller, other: Caller):
    from durehub.policy.audit import verify
    from durehub.policy.models import Entry

    handle = owner.publish(level="private")
    other.get(f"records/{handle}")
    other.get(f"records/{NOWHERE}")
    b"".join(owner.get(f"records/{handle}/versions/1/files/a.csv").streaming_content)
    owner.call("POST", f"records/{handle}/grants", {"subject": "other@example.org", "ends": "2999-01-01T00:00:00Z"})
    kinds = list(Entry.objects.order_by("seq").values_list("kind", flat=True))
    assert kinds == ["published", "denied", "denied", "download", "granted"]
    assert verify() == 5


@pytest.mark.parametrize("change", ["edit", "drop one", "drop last", "add", "cut and fit the head"])
def test_a_change_is_found(owner: Caller, hub: Path, change: str):
    from dure.errors import VerificationFailed
    from durehub.policy.audit import receipt, verify
    from durehub.policy.models import Entry, Head

    for number in range(4):
        VISITOR.get(f"records/{number:012d}")
    receipts = hub / "audit.receipts"
    receipts.unlink(missing_ok=True)
    receipt()
    verify()
    last = Entry.objects.get(seq=4)
    if change == "edit":
        Entry.objects.filter(seq=2).update(about="elsewhere")
    elif change == "drop one":
        Entry.objects.filter(seq=2).delete()
    elif change == "drop last":
        last.delete()
    elif change == "add":
        Entry(seq=5, time=last.time, kind="denied", actor="visitor", about="x", prev=last.hash, hash="0" * 64).save(
            force_insert=True
        )
    else:
        last.delete()
        Head.objects.update(seq=3, hash=Entry.objects.get(seq=3).hash)
    try:
        with pytest.raises(VerificationFailed):
            verify()
    finally:
        receipts.unlink()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "records?q=a%00b&licence=%00", None),
        ("GET", "records/" + NOWHERE + "/versions/1/files/a%00.csv", None),
        ("GET", "records/" + NOWHERE + "/versions/99999999999999999999", None),
        ("GET", "records?low=1e999&outcome=x", None),
        ("POST", "projects", {"title": "a\0b"}),
        ("POST", "records", {"record": {"format": 1}, "access": {"embargo": "9999-12-31T23:59:59-12:00"}}),
        ("POST", "records", {"record": {"format": 1}, "access": {"embargo": "2027-01-01T00:00:00"}}),
        ("POST", "records", {"record": [1]}),
        ("POST", "records", b"not json"),
        ("POST", "tokens", {"email": "\0", "password": "x"}),
    ],
)
def test_nonsense_is_refused_in_the_one_shape(owner: Caller, method: str, path: str, body: Any):
    answer = owner.call(method, path, body)
    assert 400 <= answer.status_code < 500, answer.content
    assert set(answer.json()["error"]) == {"code", "message"}


@pytest.mark.parametrize(
    "path", ["/favicon.ico", "/nowhere", "/records/x/y/z", "/records/" + NOWHERE, "/records/" + NOWHERE + "/v1"]
)
def test_an_address_that_leads_nowhere_is_answered_as_a_page(path: str):
    from django.test import Client

    answer = Client(raise_request_exception=False).get(path)
    assert answer.status_code == 404
    assert "There is no such thing here, or not for you." in answer.content.decode()
    assert "default-src 'none'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/requests", "/records/" + NOWHERE + "/request", "/requests/" + NOWHERE])
def test_what_needs_an_account_asks_for_it_first(path: str):
    from django.test import Client

    answer = Client().get(path) if path == "/requests" else Client().post(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in?next=%2F")


def test_nobody_is_led_away_after_signing_in(owner: Caller):
    from django.test import Client

    for wanted, leads in (("https://evil.example/", "/"), ("//evil.example", "/"), ("/requests", "/requests")):
        given = {"email": "owner@example.org", "password": "a long password of owner", "next": wanted}
        assert Client().post("/sign-in", given)["Location"] == leads


def test_a_provider_that_vouches_for_an_address_does_not_get_the_account_that_has_it(hub: None):
    from dure.errors import InputError
    from durehub.accounts.actors import account_of_identity

    known = person("kim").account
    told = {"verified": True, "name": "Kim"}
    with pytest.raises(InputError, match="signs in by password"):
        account_of_identity("https://idp.example", "1", email=f" {known.email.upper()}", **told)
    with pytest.raises(InputError, match="verified"):
        account_of_identity("https://idp.example", "1", email="new@example.org", verified=False, name="")
    made = account_of_identity("https://idp.example", "1", email="new@example.org", **told)
    assert not made.has_usable_password()
    # The provider's own name for the person counts, whatever address it gives later; another provider's is somebody else.
    assert account_of_identity("https://idp.example", "1", email=known.email, **told) == made
    with pytest.raises(InputError):
        account_of_identity("https://other.example", "1", email="new@example.org", **told)
