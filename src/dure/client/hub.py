"""The calls of a hub, one method each."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from dure.errors import HubError, HubUnreachable, InputError, MissingPart
from dure.i18n import _
from dure.i18n import language as spoken
from dure.record import ID, About, Record

if TYPE_CHECKING:
    from requests import Response

__all__ = ["Described", "Found", "Hit", "Hub", "Request"]

_SECONDS = (10, 120)
_BLOCK = 1 << 20
_PART = 8 << 20
_TUS = {"Tus-Resumable": "1.0.0"}
_PARTIAL = 206
_MOVED = (409, 423)
"""Statuses of an upload that an earlier call, given up by this side, still goes on with."""


@dataclass(frozen=True)
class Hit:
    """A record in a list; ``newest`` is the number of its newest version."""

    id: str
    title: str
    kind: str
    licence: str
    domain: str
    problem: str
    owner: str
    organisation: str | None
    newest: int
    published: datetime


@dataclass(frozen=True)
class Found:
    """A page of a search; ``count`` and the facets end at "1,000+", ``next`` is where the next page begins."""

    records: tuple[Hit, ...]
    count: str
    facets: Mapping[str, Mapping[str, int]]
    next: str | None


@dataclass(frozen=True)
class Described:
    """A version of a record, as far as it may be seen.

    ``levels`` are those of its description and of its files; ``may`` lists what else the caller may do with it.
    """

    id: str
    version: int
    url: str
    publisher: str
    published: datetime
    about: About
    citation: str
    conditions: str
    levels: tuple[str, str]
    may: tuple[str, ...]
    withdrawn: bool


@dataclass(frozen=True)
class Request:
    """An access request and what became of it: "waiting", "granted" or "refused"."""

    handle: str
    record: str
    title: str
    account: str
    purpose: str
    state: str
    answer: str


class Hub:
    """A hub at ``url``, called with ``token`` or, without one, as a visitor. Errors come in the language that is spoken.

    Every method raises ``HubUnreachable`` when there is no answer, and ``HubError`` when the hub refuses.
    """

    def __init__(self, url: str, token: str = "") -> None:
        try:
            import requests
        except ModuleNotFoundError:
            raise MissingPart(_('a hub is called through requests: pip install "dure[record]"')) from None
        if not url.startswith(("http://", "https://")):
            raise InputError(
                _("{url!r} is no address of a hub; it begins with https:// or, on this machine, http://").format(url=url)
            )
        self.url, self._session = url.rstrip("/"), requests.Session()
        self._session.headers["Accept-Language"] = spoken()
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self._session.close()

    def token(self, email: str, password: str, *, name: str, days: int = 90) -> str:
        """A token for an account."""
        return str(self._json("POST", "tokens", {"email": email, "password": password, "name": name, "days": days})["token"])

    def search(self, text: str = "", *, after: str | None = None, size: int = 20, **filters: str | float | bool | None) -> Found:
        """Records by words and by kind, domain, problem, licence, organisation, and outcome with low and high."""
        given = {"q": text, "size": size, "after": after} | filters
        found = self._json("GET", "records", query={name: value for name, value in given.items() if value not in (None, "")})
        hits = tuple(Hit(**one | {"published": datetime.fromisoformat(one["published"])}) for one in found.pop("records"))
        return Found(records=hits, **found)

    def record(self, identifier: str) -> Described:
        """What is said of a record, by its identifier; of its newest version if it names none."""
        found = self._json("GET", _at(identifier))
        about = Record.from_plain(
            {"format": 1, "made": "2000-01-01", "about": found["about"], "files": _ONE_FILE, "outcomes": []}
        ).about
        return Described(
            id=found["id"],
            version=found["version"],
            url=found["url"],
            publisher=found["publisher"],
            published=datetime.fromisoformat(found["published"]),
            about=about,
            citation=found["citation"],
            conditions=found["access"]["conditions"],
            levels=(found["access"]["level"], found["access"]["files_level"]),
            may=tuple(found["access"]["may"]),
            withdrawn=found["withdrawn"] is not None,
        )

    def files(self, identifier: str) -> tuple[Record, Mapping[str, str]]:
        """A version's record with its files; beside it where and when it was published."""
        found = self._json("GET", f"{_at(identifier)}/files")
        return Record.from_plain(found.pop("record")), found

    def bytes(self, identifier: str, path: str, *, begin: int = 0) -> Iterator[bytes]:
        """The bytes of a version's file, from the one at ``begin`` on."""
        from requests import RequestException

        headers = {"Range": f"bytes={begin}-"} if begin else {}
        with self._call("GET", f"{_at(identifier)}/files/{quote(path)}", stream=True, headers=headers) as response:
            if begin and response.status_code != _PARTIAL:
                raise HubError(_("the hub does not send parts of a file"), status=response.status_code)
            try:
                yield from response.iter_content(_BLOCK)
            except RequestException as error:
                raise self._silent(error) from None

    def upload(self, sha256: str, file: Path) -> None:
        """Put a file's bytes on the hub: a small one at once, a large one in parts, from where an earlier call got to."""
        size = file.stat().st_size
        with file.open("rb") as stream:
            if size <= _PART:
                self._call("PUT", f"blobs/{sha256}", data=stream).close()
                return
            at = f"uploads/{sha256}"
            told = f"sha256 {base64.b64encode(sha256.encode()).decode()}"
            self._call("POST", "uploads", headers=_TUS | {"Upload-Length": str(size), "Upload-Metadata": told}).close()
            while (there := self._offset(at)) < size:
                stream.seek(there)
                headers = _TUS | {"Upload-Offset": str(there), "Content-Type": "application/offset+octet-stream"}
                self._in_turn("PATCH", at, data=stream.read(_PART), headers=headers).close()

    def _offset(self, at: str) -> int:
        with self._in_turn("HEAD", at, headers=_TUS) as response:
            return int(response.headers["Upload-Offset"])

    def _in_turn(self, method: str, at: str, **options: Any) -> Response:
        """A call about an upload; while an earlier one still holds it, it is as if there was no answer yet."""
        try:
            return self._call(method, at, **options)
        except HubError as error:
            raise HubUnreachable(str(error), status=error.status) if error.status in _MOVED else error from None

    def publish(self, record: Record, access: Mapping[str, Any], *, to: str = "", key: str = "") -> str:
        """Publish a record whose files are uploaded, or a version of the record ``to``; its identifier.

        Calls with the same ``key`` publish once, and are all answered alike.
        """
        given = {"record": record.plain()} | ({} if to else {"access": dict(access)})
        found = self._json("POST", f"{_at(to)}/versions" if to else "records", given, once=True, key=key)
        return str(found["id"])

    def cite(self, identifier: str, style: str = "text") -> str:
        """How a version is cited: "text", "bibtex" or "datacite"."""
        at = _at(identifier if "/v" in identifier else self.record(identifier).id)
        with self._call("GET", f"{at}/citation", params={"style": style}) as response:
            return bytes(response.content).decode()

    def grant(self, identifier: str, subject: str, *, action: str, ends: datetime) -> str:
        """Grant ``action`` until ``ends`` to an address, ``project:HANDLE`` or ``organisation:NAME``; the grant's handle."""
        given = {"subject": subject, "action": action, "ends": ends.isoformat()}
        return str(self._json("POST", f"{_at(_concept(identifier))}/grants", given, once=True)["handle"])

    def end_grant(self, identifier: str, handle: str) -> None:
        """End a grant now."""
        self._call("DELETE", f"{_at(_concept(identifier))}/grants/{handle}").close()

    def request_access(
        self, identifier: str, purpose: str, *, accepts_conditions: bool = False, agreement: Path | None = None
    ) -> Request:
        """Ask for a record's files; ``agreement`` is a signed PDF, sent along."""
        given: dict[str, Any] = {"purpose": purpose, "accepts_conditions": accepts_conditions}
        if agreement is not None:
            given["agreement"] = hashlib.sha256(agreement.read_bytes()).hexdigest()
            self.upload(given["agreement"], agreement)
        return _request(self._json("POST", f"{_at(_concept(identifier))}/requests", given, once=True))

    def requests(self) -> tuple[tuple[Request, ...], tuple[Request, ...]]:
        """One's own requests, and those to decide."""
        found = self._json("GET", "requests")
        return tuple(map(_request, found["mine"])), tuple(map(_request, found["to_decide"]))

    def decide(self, handle: str, *, granted: bool, answer: str = "", days: int = 365) -> Request:
        """Decide a request; a grant lasts ``days``."""
        return _request(self._json("POST", f"requests/{handle}/decision", {"granted": granted, "answer": answer, "days": days}))

    def _json(
        self,
        method: str,
        path: str,
        given: Mapping[str, Any] | None = None,
        *,
        query: Any = None,
        once: bool = False,
        key: str = "",
    ) -> Any:
        headers = {"Idempotency-Key": key or secrets.token_hex(16)} if once else {}
        with self._call(method, path, json=given, params=query, headers=headers) as response:
            return response.json()

    def _call(self, method: str, path: str, **options: Any) -> Response:
        from requests import RequestException

        try:
            response = self._session.request(
                method, f"{self.url}/api/v1/{path}", timeout=_SECONDS, allow_redirects=False, **options
            )
        except RequestException as error:
            raise self._silent(error) from None
        if not response.ok or response.is_redirect:
            raise HubError(_refusal(response), status=response.status_code)
        return response

    def _silent(self, error: Exception) -> HubUnreachable:
        return HubUnreachable(_("the hub at {url} does not answer: {cause}").format(url=self.url, cause=error))


_ONE_FILE = [{"path": "unread.txt", "sha256": "0" * 64, "bytes": 0, "format": "text/plain"}]


def _refusal(response: Response) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return _("the hub answered {status} {reason}").format(status=response.status_code, reason=response.reason)


def _concept(identifier: str) -> str:
    return identifier.partition("/v")[0]


def _at(identifier: str) -> str:
    """The path of a record or version.

    Raises:
        InputError: it is no identifier.
    """
    if not ID.fullmatch(identifier):
        raise InputError(_("{given!r} is no record's identifier; it looks like dure:0123456789ab/v1").format(given=identifier))
    handle, version, number = identifier.removeprefix("dure:").partition("/v")
    return f"records/{handle}" + (f"/versions/{number}" if version else "")


def _request(found: Mapping[str, Any]) -> Request:
    return Request(**{name: found[name] for name in Request.__dataclass_fields__})
