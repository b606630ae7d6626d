"""Uploads by the tus protocol and downloads of ranges, call by call; tests/slow has them with a hub that is killed."""

from __future__ import annotations

import base64
import fcntl
import hashlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fast import hub_home
from tests.fast.hub_people import Caller, person

pytestmark = pytest.mark.needs("django", "ninja", "werkzeug")

TUS = {"Tus-Resumable": "1.0.0"}
DATA = b"a,b\n" + b"1,2\n" * 500
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def hub() -> Iterator[None]:
    hub_home.ready()
    with hub_home.undone():
        yield


def begin(who: Caller, data: bytes = DATA, **more: str) -> Any:
    sha256 = hashlib.sha256(data).hexdigest()
    told = {"Upload-Length": str(len(data)), "Upload-Metadata": f"sha256 {base64.b64encode(sha256.encode()).decode()}"}
    return who.call("POST", "uploads", **TUS | told | more)


def send(who: Caller, data: bytes, at: int, *, sha256: str = SHA, **more: str) -> Any:
    from django.test import Client

    told = TUS | {"Authorization": f"Bearer {who.secret}", "Upload-Offset": str(at)} | more
    kind = told.pop("Content-Type", "application/offset+octet-stream")
    return Client().generic("PATCH", f"/api/v1/uploads/{sha256}", data, content_type=kind, headers=told)


def offset(who: Caller, sha256: str = SHA) -> int | None:
    answer = who.call("HEAD", f"uploads/{sha256}", **TUS)
    return int(answer["Upload-Offset"]) if answer.status_code == 200 else None


@settings(max_examples=20)
@given(st.lists(st.integers(1, 2_003), max_size=6))
def test_however_it_is_cut_the_whole_arrives(cuts: list[int]):
    who = person(f"cut{hashlib.sha256(repr(cuts).encode()).hexdigest()[:12]}")
    with hub_home.undone():
        assert begin(who).status_code == 201
        places = sorted({0, len(DATA), *cuts})
        for at, end in pairwise(places):
            assert offset(who) == at
            answer = send(who, DATA[at:end], at)
            assert (answer.status_code, answer["Upload-Offset"]) == (204, str(end))
        assert offset(who) == len(DATA)
        record = who.record(data=DATA)
        assert who.call("POST", "records", {"record": record, "access": {}}).status_code == 201
    from durehub.catalogue.store import store

    assert store().so_far(who.account.pk, SHA) == 0


def test_a_part_in_the_wrong_place_changes_nothing():
    who = person("kim")
    begin(who)
    send(who, DATA[:100], 0)
    for at in (0, 99, 101, len(DATA)):
        assert send(who, DATA[100:200], at).status_code == 409
    assert offset(who) == 100


def test_more_than_was_said_is_refused_and_nothing_of_it_stays():
    who = person("kim")
    begin(who)
    assert send(who, DATA + b"x", 0).status_code == 422
    assert offset(who) == 0


def test_other_bytes_than_were_said_are_forgotten():
    who = person("kim")
    begin(who)
    send(who, DATA[:100], 0)
    assert send(who, DATA[100:-1] + b"x", 100).status_code == 422
    assert offset(who) == 0
    assert send(who, DATA, 0).status_code == 204


def _stopped_before_keeping(who: Caller, data: bytes = DATA) -> Path:
    """What a hub leaves that is stopped after the last byte was written and before all were checked; the part."""
    begin(who)
    send(who, DATA[:100], 0)
    part = hub_home.ready() / "files" / str(who.account.pk) / SHA[:2] / f"{SHA}.part"
    assert part.read_bytes() == DATA[:100]
    part.write_bytes(data)
    return part


def test_bytes_that_all_arrived_before_the_hub_stopped_are_kept():
    who = person("kim")
    _stopped_before_keeping(who)
    assert offset(who) == len(DATA)
    assert who.call("POST", "records", {"record": who.record(data=DATA), "access": {}}).status_code == 201


def test_bytes_that_were_spoilt_when_the_hub_stopped_begin_again():
    who = person("kim")
    _stopped_before_keeping(who, DATA[:-1] + b"x")
    assert offset(who) == 0
    assert send(who, DATA, 0).status_code == 204


def test_an_upload_that_another_call_holds_is_waited_for():
    who = person("kim")
    with _stopped_before_keeping(who).open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert who.call("HEAD", f"uploads/{SHA}", **TUS).status_code == 423
    assert offset(who) == len(DATA)


def test_an_upload_is_its_owners_alone():
    """Whether somebody else sends, or has, the same bytes is not to be learned."""
    who, other = person("kim"), person("lee")
    begin(who)
    send(who, DATA[:100], 0)
    assert offset(other) is None
    assert send(other, DATA[100:], 100).status_code == 404
    assert other.call("DELETE", f"uploads/{SHA}", **TUS).status_code == 404
    send(who, DATA[100:], 100)
    assert offset(other) is None
    assert begin(other).status_code == 201
    assert offset(other) == 0


def test_an_upload_is_given_up():
    who = person("kim")
    begin(who)
    send(who, DATA[:100], 0)
    assert who.call("DELETE", f"uploads/{SHA}", **TUS).status_code == 204
    assert offset(who) is None
    begin(who)
    assert offset(who) == 0


def test_the_protocols_own_refusals():
    who = person("kim")
    assert begin(who, **{"Tus-Resumable": "0.2.2"}).status_code == 412
    assert begin(who, **{"Upload-Metadata": "sha256 !"}).status_code == 422
    assert begin(who, **{"Upload-Length": "0"}).status_code == 422
    assert begin(Caller()).status_code == 401
    assert begin(who).status_code == 201
    assert begin(who, **{"Upload-Length": "7"}).status_code == 422
    assert send(who, DATA, 0, **{"Content-Type": "text/plain"}).status_code == 415
    told = Caller().call("OPTIONS", "uploads")
    assert (told.status_code, told["Tus-Version"]) == (204, "1.0.0")


def test_a_token_that_may_only_read_uploads_nothing():
    from durehub.accounts.actors import issue_token
    from durehub.accounts.models import Action

    who = person("kim")
    reader = Caller(issue_token(who.account, "read", most=Action.READ)[1], who.account)
    assert begin(reader).status_code == 404
    begin(who)
    assert offset(reader) is None


@settings(max_examples=20)
@given(st.integers(0, 2_100), st.integers(0, 2_100))
def test_a_range_is_that_stretch_of_the_file(first: int, last: int):
    """RFC 9110, 14: a range past the end is cut there, one that begins there is 416, one turned round is ignored."""
    who = person(f"range{first}x{last}")
    with hub_home.undone():
        at = f"records/{who.publish(data=DATA)}/versions/1/files/a.csv"
        answer = who.get(at, Range=f"bytes={first}-{last}")
        body = answer.getvalue() if answer.status_code != 416 else b""
        if last < first:
            assert (answer.status_code, body) == (200, DATA)
        elif first >= len(DATA):
            assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(DATA)}")
        else:
            assert (answer.status_code, body) == (206, DATA[first : last + 1])
            assert answer["Content-Range"] == f"bytes {first}-{min(last + 1, len(DATA)) - 1}/{len(DATA)}"
            assert int(answer["Content-Length"]) == len(body)
            assert answer["Content-Disposition"] == 'attachment; filename="a.csv"'


@pytest.mark.parametrize("asked", ["bytes=-4", "bytes=2000-", "bytes=0-1,3-4", "lines=0-1", "bytes=x", "bytes=0-1;"])
def test_ends_of_files_and_ranges_that_are_none(asked: str):
    who = person("kim")
    at = f"records/{who.publish(data=DATA)}/versions/1/files/a.csv"
    answer = who.get(at, Range=asked)
    expected = {"bytes=-4": DATA[-4:], "bytes=2000-": DATA[2000:]}.get(asked, DATA)
    assert answer.getvalue() == expected
    assert answer.status_code == (200 if expected == DATA else 206)
    other = who.get(at, Range="bytes=0-1", **{"If-Range": '"of another file"'})
    assert (other.status_code, other.getvalue()) == (200, DATA)


def test_a_range_of_what_may_not_be_read_is_a_thing_that_is_not_there():
    who, other = person("kim"), person("lee")
    shut = who.publish(data=DATA, level="open", files_level="private")
    answers = [
        other.get(f"records/{handle}/versions/1/files/a.csv", Range=asked)
        for handle in (shut, "0" * 12)
        for asked in ("bytes=0-1", "bytes=9999-", "bytes=x")
    ]
    assert {(answer.status_code, answer.content, answer.get("Content-Range")) for answer in answers} == {
        (404, answers[0].content, None)
    }


@pytest.mark.parametrize("status", [409, 423])
def test_a_client_waits_where_an_earlier_call_of_its_own_still_sends(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The hub's first answer to a part is that another call is at it; the second time it goes through."""
    from dure.client import Hub, transfer
    from dure.errors import HubError

    file, there, refused = tmp_path / "large.bin", [0], [status]
    file.write_bytes(bytes(9 << 20))
    monkeypatch.setattr(transfer, "_PAUSES", (0.0,))

    class Answer:
        def __init__(self) -> None:
            self.headers = {"Upload-Offset": str(there[0])}

        def __enter__(self) -> Answer:
            return self

        def __exit__(self, *_details: object) -> None: ...

        def close(self) -> None: ...

    def call(_hub: Hub, method: str, _path: str, **given: Any) -> Answer:
        if method == "PATCH" and refused:
            raise HubError("another call sends these bytes", status=refused.pop())
        if method == "PATCH":
            assert given["headers"]["Upload-Offset"] == str(there[0])
            there[0] += len(given["data"])
        return Answer()

    monkeypatch.setattr(Hub, "_call", call)
    transfer._patiently(lambda: Hub("http://127.0.0.1:9").upload(SHA, file))
    assert there == [9 << 20]
    assert not refused
