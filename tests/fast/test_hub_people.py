"""Tokens, organisations, projects, quotas and agreements, as a person does it on pages and a program over the API."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fast import hub_home
from tests.fast.hub_people import CSV, Caller, person

pytestmark = pytest.mark.needs("django", "ninja")

PDF = b"%PDF-1.7\nsigned\n"


@pytest.fixture(autouse=True)
def hub() -> Iterator[None]:
    hub_home.ready()
    with hub_home.undone():
        yield


def browser(who: Caller) -> Any:
    from django.test import Client

    client = Client()
    client.force_login(who.account, backend="django.contrib.auth.backends.ModelBackend")
    return client


def bytes_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_a_token_is_shown_once_narrows_rights_and_ends_when_withdrawn():
    kim = person("kim")
    private = kim.publish("A private table")
    page = browser(kim)
    made = page.post("/account/tokens", {"name": "reads", "most": "read", "project": "", "days": "7"})
    secret = re.search(r'id="secret">([^<]+)<', made.content.decode())
    assert secret
    assert made["Cache-Control"] == "private, no-store"
    assert secret[1] not in page.get("/account").content.decode()
    narrow = Caller(secret[1], kim.account)
    assert bytes_of(narrow.get(f"records/{private}/versions/1/files/a.csv")) == CSV
    assert narrow.call("PUT", f"records/{private}/access", {"level": "open"}).status_code == 404
    # A token of less than all rights neither lists nor withdraws tokens: it cannot be widened by what it reads.
    assert narrow.get("tokens").status_code == 404
    number = kim.account.tokens.get(name="reads").pk
    assert person("lee").call("DELETE", f"tokens/{number}").status_code == 404
    assert page.post(f"/account/tokens/{number}").status_code == 302
    assert narrow.get("account").status_code == 401


@pytest.mark.parametrize("given", [{"most": "own"}, {"days": "0"}, {"days": "99999"}, {"name": " "}, {"project": "000000000000"}])
def test_a_token_that_cannot_be_is_refused_with_a_reason(given: dict[str, str]):
    told = {"name": "one", "most": "read", "project": "", "days": "7"} | given
    answer = browser(person("kim")).post("/account/tokens", told)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()


def test_an_operator_founds_an_organisation_and_its_leader_takes_people_in():
    operator, lead, member = person("operator", is_operator=True), person("lead"), person("member")
    made = operator.call("POST", "organisations", {"name": "KAERI", "kind": "institute", "ror": "https://ror.org/01xb4fs50"})
    assert made.status_code == 201, made.content
    number = made.json()["number"]
    assert lead.get(f"organisations/{number}").status_code == 404  # not in it, and so it might not be there
    there = f"organisations/{number}/members"
    assert lead.call("PUT", there, {"email": lead.account.email, "role": "leader"}).status_code == 404
    assert operator.call("PUT", there, {"email": lead.account.email, "role": "leader"}).status_code == 204
    assert lead.call("PUT", there, {"email": member.account.email}).status_code == 204
    assert member.call("PUT", there, {"email": operator.account.email}).status_code == 404
    assert lead.call("PUT", there, {"email": lead.account.email, "role": "none"}).status_code == 422
    told = member.get(f"organisations/{number}").json()
    assert {(one["name"], one["role"], one["email"]) for one in told["members"]} == {
        ("Lead", "leader", None),
        ("Member", "member", None),
    }
    # What an organisation is granted, its members have, and those who left have not.
    table = operator.publish("Granted", files_level="private")
    until = {"subject": "organisation:KAERI", "action": "read", "ends": "2100-01-01T00:00:00Z"}
    assert operator.call("POST", f"records/{table}/grants", until).status_code == 201
    assert member.get(f"records/{table}").status_code == 200
    assert browser(member).post("/account/leave").status_code == 302
    assert member.get(f"records/{table}").status_code == 404


def test_only_operators_see_their_page_and_suspension_holds_at_once():
    operator, kim = person("operator", is_operator=True), person("kim")
    assert browser(kim).get("/operator").status_code == 404
    assert browser(kim).post("/operator/do", {"do": "invite"}).status_code == 404
    page = browser(operator)
    assert "kim@example.org" in page.get("/operator?q=kim").content.decode()
    assert kim.get("account").status_code == 200
    assert page.post("/operator/do", {"do": "suspend", "account": kim.account.handle}).status_code == 302
    assert kim.get("account").status_code == 401
    assert page.post("/operator/do", {"do": "let in", "account": kim.account.handle}).status_code == 302
    assert kim.get("account").status_code == 200
    assert page.post("/operator/do", {"do": "suspend", "account": operator.account.handle}).status_code == 422


def test_what_is_stored_has_an_end_that_is_said():
    operator, kim = person("operator", is_operator=True), person("kim")
    kim.upload(b"a,b\n1,2\n")
    browser(operator).post("/operator/do", {"do": "room", "account": kim.account.handle, "gib": "0"})
    kim.upload(b"a,b\n1,2\n")  # what is there takes no room again
    other = b"a,b\n3,4\n"
    refused = kim.call("PUT", f"blobs/{hashlib.sha256(other).hexdigest()}", other)
    assert refused.status_code == 422
    assert "0.0 GiB" in refused.json()["error"]["message"]
    browser(operator).post("/operator/do", {"do": "room", "account": kim.account.handle, "gib": ""})
    kim.upload(other)
    assert kim.get("account").json()["stored"] == 16


def test_an_organisations_room_is_shared():
    from durehub.accounts.models import Organisation

    full = Organisation.objects.create(name="Full", most_bytes=10)
    person("kim", organisation=full).upload(b"a,b\n1,2\n")
    lee, other = person("lee", organisation=full), b"a,b\n3,4\n"
    refused = lee.call("PUT", f"blobs/{hashlib.sha256(other).hexdigest()}", other)
    assert refused.status_code == 422


def test_an_agreement_goes_with_a_request_to_who_decides_and_to_nobody_else():
    from django.core.files.uploadedfile import SimpleUploadedFile

    owner, partner, outsider = person("owner"), person("partner"), person("outsider")
    table = owner.publish("On request", level="open", files_level="private", conditions="Cite us.")
    signed = {"purpose": "A comparison", "accepts": "on", "agreement": SimpleUploadedFile("mine.pdf", PDF)}
    assert browser(partner).post(f"/records/{table}/request", signed).status_code == 302
    (asked,) = owner.get("requests").json()["to_decide"]
    assert asked["agreement"] == hashlib.sha256(PDF).hexdigest()
    where = f"requests/{asked['handle']}/agreement"
    for who in (owner, partner):
        answer = who.get(where)
        assert answer["Content-Disposition"].startswith("attachment")
        assert bytes_of(answer) == PDF
    assert outsider.get(where).content == outsider.get("requests/000000000000/agreement").content
    assert owner.call("POST", f"requests/{asked['handle']}/decision", {"granted": True, "answer": "Yes"}).status_code == 200
    assert partner.get("requests").json()["mine"][0]["state"] == "granted"


@pytest.mark.parametrize("content", [b"MZ\x90\x00 no PDF", b""])
def test_what_is_no_pdf_is_no_agreement(content: bytes):
    owner, partner = person("owner"), person("partner")
    table = owner.publish("On request", level="open", files_level="private")
    given = {"purpose": "A comparison", "agreement": partner.upload(content)}
    assert partner.call("POST", f"records/{table}/requests", given).status_code == 422


def test_a_project_is_begun_and_its_roles_are_set_on_its_page():
    kim, lee = person("kim"), person("lee")
    begun = browser(kim).post("/projects", {"title": "Electrolytes"})
    assert begun.status_code == 302
    assert browser(lee).get(begun["Location"]).status_code == 404
    assert browser(kim).post(begun["Location"], {"email": lee.account.email, "role": "reader"}).status_code == 302
    assert "Kim" in browser(lee).get(begun["Location"]).content.decode()
    assert browser(lee).post(begun["Location"], {"email": kim.account.email, "role": "none"}).status_code == 404
