"""Uploads that break off and go on, against the words of tus 1.0.0; downloads of a range, against slices of the bytes."""

from __future__ import annotations

import hashlib
import itertools
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fast import hub_home
from tests.fast.hub_people import Caller, person

pytestmark = pytest.mark.needs("django", "ninja")

DATA = b"temperature,yield\n" + b"300,0.5\n" * 500
SHA256 = hashlib.sha256(DATA).hexdigest()
PIECE = "application/offset+octet-stream"


@pytest.fixture(autouse=True)
def hub() -> Iterator[Path]:
    home = hub_home.ready()
    with hub_home.undone():
        yield home


def tus(caller: Caller, method: str, path: str, data: bytes = b"", **headers: str) -> Any:
    from django.test import Client

    told = {"Authorization": f"Bearer {caller.secret}", "Tus-Resumable": "1.0.0"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    kind = told.pop("Content-Type", PIECE)
    answer = Client(raise_request_exception=False).generic(method, f"/api/v1/{path}", data, content_type=kind, headers=told)
    assert answer["Tus-Resumable"] == "1.0.0"
    return answer


def begin(caller: Caller, data: bytes = DATA, sha256: str = "") -> Any:
    sha256 = sha256 or hashlib.sha256(data).hexdigest()
    named = f"filename {b64encode(b'a.csv').decode()},sha256 {b64encode(sha256.encode()).decode()}"
    return tus(caller, "POST", "uploads", Upload_Length=str(len(data)), Upload_Metadata=named)


def add(caller: Caller, data: bytes, offset: int, sha256: str = SHA256, **more: str) -> Any:
    return tus(caller, "PATCH", f"uploads/{sha256}", data, Upload_Offset=str(offset), **more)


def arrived(caller: Caller, sha256: str = SHA256) -> int | None:
    answer = tus(caller, "HEAD", f"uploads/{sha256}")
    return int(answer["Upload-Offset"]) if answer.status_code == 200 else None


def test_an_upload_goes_on_where_it_broke_off_and_becomes_a_record():
    owner = person("pieces")
    begun = begin(owner)
    assert (begun.status_code, begun["Location"]) == (201, f"http://127.0.0.1:8400/api/v1/uploads/{SHA256}")
    assert add(owner, DATA[:1000], 0).status_code == 204
    assert arrived(owner) == 1000
    assert add(owner, DATA[900:], 900).status_code == 409  # "the Server MUST respond with the 409 Conflict status"
    assert arrived(owner) == 1000
    assert add(owner, DATA[1000:], 1000)["Upload-Offset"] == str(len(DATA))
    assert arrived(owner) == len(DATA)
    handle = owner.publish(data=DATA, level="private")
    answer = owner.get(f"records/{handle}/versions/1/files/a.csv")
    assert b"".join(answer.streaming_content) == DATA


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, len(DATA)), max_size=6), restarts=st.lists(st.booleans(), min_size=7, max_size=7))
def test_however_it_is_cut_the_bytes_are_the_same(cuts: list[int], restarts: list[bool]):
    from durehub.catalogue import store

    with hub_home.undone():
        owner = person("cutter")
        begin(owner)
        for (first, last), restart in zip(_pairs(cuts), restarts, strict=False):
            if restart:
                store._HASHED.clear()  # as in a hub that was killed: what is hashed already is known from the disk alone
            assert add(owner, DATA[first:last], first).status_code == 204
        with store.store().open(owner.account.pk, SHA256) as stream:
            assert stream.read() == DATA


def _pairs(cuts: list[int]) -> list[tuple[int, int]]:
    places = sorted({0, *cuts, len(DATA)})
    return list(itertools.pairwise(places))


def test_other_bytes_than_announced_are_not_kept():
    owner = person("wrong")
    begin(owner)
    assert add(owner, DATA[:-1] + b"x", 0).status_code == 422
    assert arrived(owner) is None
    begin(owner)
    assert add(owner, DATA + b"more", 0).status_code == 422
    assert arrived(owner) == 0
    assert add(owner, DATA, 0).status_code == 204


def test_an_upload_is_its_accounts_alone():
    owner, other = person("first"), person("second")
    begin(owner)
    add(owner, DATA[:10], 0)
    assert arrived(other) is None
    assert add(other, DATA[10:], 10).status_code == 409
    assert tus(other, "DELETE", f"uploads/{SHA256}").status_code == 204
    assert arrived(owner) == 10
    add(owner, DATA[10:], 10)
    assert (arrived(owner), arrived(other)) == (len(DATA), None)
    assert begin(other)["Upload-Offset"] == "0"


def test_what_an_account_has_is_not_sent_again_and_what_is_given_up_is_gone():
    owner = person("again")
    owner.upload(DATA)
    assert begin(owner)["Upload-Offset"] == str(len(DATA))
    begin(owner, b"other")
    sha256 = hashlib.sha256(b"other").hexdigest()
    assert arrived(owner, sha256) == 0
    assert tus(owner, "DELETE", f"uploads/{sha256}").status_code == 204
    assert arrived(owner, sha256) is None
    assert begin(owner, b"")["Upload-Length"] == "0"
    assert arrived(owner, hashlib.sha256(b"").hexdigest()) == 0


def test_two_calls_never_write_at_once(hub: Path):
    from durehub.catalogue.store import Occupied, store

    owner = person("twice")
    begin(owner)

    def interrupted() -> Iterator[bytes]:
        yield DATA[:5]
        with pytest.raises(Occupied):
            store().append(owner.account.pk, SHA256, 0, [DATA])

    assert store().append(owner.account.pk, SHA256, 0, interrupted()) == 5


def test_what_tus_wants_refused_is_refused():
    owner, visitor = person("strict"), Caller()
    reader = Caller(_reader(owner))
    begin(owner)
    assert add(owner, DATA, 0, Tus_Resumable="0.2.2").status_code == 412
    assert add(owner, DATA, 0, **{"Content-Type": "text/csv"}).status_code == 415
    assert tus(owner, "POST", "uploads", Upload_Length="5", Upload_Metadata="filename YQ==").status_code == 422
    assert tus(owner, "POST", "uploads", Upload_Length="5", Upload_Metadata="sha256 YQ==").status_code == 422
    assert tus(owner, "POST", "uploads", Upload_Length=str(2**62), Upload_Metadata=f"sha256 {b64encode(b'0' * 64).decode()}")
    assert begin(visitor).status_code == 401
    assert begin(reader).status_code == 404
    assert tus(reader, "HEAD", f"uploads/{SHA256}").status_code == 404
    told = tus(visitor, "OPTIONS", "uploads")
    assert (told.status_code, told["Tus-Version"]) == (204, "1.0.0")


def _reader(owner: Caller) -> str:
    from durehub.accounts.actors import issue_token
    from durehub.accounts.models import Action

    return issue_token(owner.account, "reader", most=Action.READ)[1]


def test_a_range_is_a_slice():
    owner = person("ranges")
    handle, size = owner.publish(data=DATA), len(DATA)
    path = f"records/{handle}/versions/1/files/a.csv"
    whole = owner.get(path)
    wanted = {
        "bytes=0-0": DATA[:1],
        "bytes=7-": DATA[7:],
        "bytes=5-99": DATA[5:100],
        "bytes=-13": DATA[-13:],
        f"bytes=10-{size + 50}": DATA[10:],
        f"bytes=-{size + 50}": DATA,
    }
    for asked, expected in wanted.items():
        answer = owner.get(path, Range=asked)
        first = size - len(expected) if asked.startswith("bytes=-") else int(asked[6:].partition("-")[0])
        assert answer.status_code == 206, asked
        assert b"".join(answer.streaming_content) == expected
        assert answer["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{size}"
        assert answer["Content-Length"] == str(len(expected))
        for name in ("Content-Type", "Content-Disposition", "ETag", "Cache-Control", "X-Content-Type-Options"):
            assert answer[name] == whole[name]
    for asked in ("bytes=9-5", "bytes=0-1,5-6", "lines=0-1", "bytes=a-b", "bytes=--5"):
        assert b"".join(owner.get(path, Range=asked).streaming_content) == DATA
    for asked in (f"bytes={size}-", "bytes=-0"):
        assert owner.get(path, Range=asked).status_code == 416
    for etag, expected in (('"other"', DATA), (whole["ETag"], DATA[:1])):
        answer = owner.get(path, **{"Range": "bytes=0-0", "If-Range": etag})
        assert b"".join(answer.streaming_content) == expected
    assert b"".join(whole.streaming_content) == DATA
