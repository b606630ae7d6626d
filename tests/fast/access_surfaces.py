"""The surfaces of the hub, each compared with the judgement from the rules' text for every caller and record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest.mock import patch

from tests.fast.access_world import ACTIONS, CSV, NOW, Stage, allowed

Check = Callable[[Stage], Iterator[tuple[str, Any, Any]]]
SURFACES: dict[str, tuple[Check, bool]] = {}
"""Each yields what it is about, what was found and what was expected: of one record, or (True) of all records at once."""


def surface(check: Check) -> Check:
    """What is found of one record."""
    SURFACES[check.__name__] = check, False
    return check


def of_all(check: Check) -> Check:
    """What is found of all records at once."""
    SURFACES[check.__name__] = check, True
    return check


def check_everything(made: Stage) -> int:
    """Compare every surface; how many (caller, record, surface) cases there were."""
    cases = 0
    with patch("django.utils.timezone.now", lambda: NOW):
        for name, (check, all_at_once) in SURFACES.items():
            for about, found, expected in check(made):
                assert found == expected, f"{name}, {about}: found {found}, the rules say {expected}"
                cases += len(made.records) if all_at_once else 1
    return cases


def may(made: Stage, caller: int, action: str) -> list[int]:
    """The records with which a caller may do ``action``, newest first."""
    told = made.world.callers[caller]
    return [number for number in reversed(range(len(made.records))) if allowed(made.world, told, action, number)]


def filtered(made: Stage, action: str, rules: Any = None) -> Iterator[tuple[str, Any, Any]]:
    """What the filter lets through, that of ``rules`` or the hub's own."""
    from durehub.accounts.models import Action
    from durehub.catalogue.models import Record
    from durehub.policy import rules as own

    visible = (rules or own).visible
    keys = {record.pk: number for number, record in enumerate(made.records)}
    for caller, actor in enumerate(made.actors):
        found = Record.objects.filter(visible(actor, Action[action.upper()])).values_list("pk", flat=True)
        yield f"{made.world.callers[caller]}", sorted((keys[pk] for pk in found), reverse=True), may(made, caller, action)


def _policy(action: str) -> None:
    def check(made: Stage) -> Iterator[tuple[str, Any, Any]]:
        return filtered(made, action)

    check.__name__ = f"policy_{action}"
    of_all(check)


for _action in ACTIONS:
    _policy(_action)


def _search(made: Stage, **asked: Any) -> Iterator[tuple[int, list[int], list[Any]]]:
    """All pages of a search for every caller: the records in order, and the pages."""
    from durehub.catalogue.searching import Question, search

    handles = {record.handle: number for number, record in enumerate(made.records)}
    for caller, actor in enumerate(made.actors):
        pages, after = [], None
        while not pages or after:
            pages.append(search(actor, Question(**asked), size=7, after=after))
            after = pages[-1].after
        yield caller, [handles[record.handle] for page in pages for record in page.records], pages


@of_all
def listing(made: Stage) -> Iterator[tuple[str, Any, Any]]:
    for caller, found, _pages in _search(made):
        yield str(made.world.callers[caller]), found, may(made, caller, "see")


@of_all
def search(made: Stage) -> Iterator[tuple[str, Any, Any]]:
    for caller, found, _pages in _search(made, text="전고체"):
        yield str(made.world.callers[caller]), found, may(made, caller, "see")


@of_all
def words_of_one_record(made: Stage) -> Iterator[tuple[str, Any, Any]]:
    for number in range(0, len(made.records), 5):
        for caller, found, _pages in _search(made, text=f"record{number}"):
            yield f"{made.world.callers[caller]}, {number}", found, [number] if number in may(made, caller, "see") else []


@of_all
def counts_and_facets(made: Stage) -> Iterator[tuple[str, Any, Any]]:
    from durehub.catalogue.searching import CAP

    assert len(made.records) < CAP
    for caller, _found, pages in _search(made, text="배터리"):
        seen = may(made, caller, "see")
        kinds = Counter(made.records[number].kind for number in seen)
        organisations = Counter(made.records[number].organisation.name for number in seen if made.records[number].organisation)
        for page in pages:
            told = (page.count, page.facets["kind"], page.facets["organisation__name"])
            yield str(made.world.callers[caller]), told, (len(seen), dict(kinds), dict(organisations))


@of_all
def filters(made: Stage) -> Iterator[tuple[str, Any, Any]]:
    for caller, found, _pages in _search(made, only={"kind": "campaign"}):
        yield str(made.world.callers[caller]), found, [one for one in may(made, caller, "see") if one % 2 == 0]


@of_all
def range_of_an_outcome(made: Stage) -> Iterator[tuple[str, Any, Any]]:
    from durehub.catalogue.searching import Range

    for caller, found, _pages in _search(made, outcome=Range("mass", 3.0, 9.0)):
        both = set(may(made, caller, "see")) & set(may(made, caller, "read"))
        yield str(made.world.callers[caller]), found, [one for one in sorted(both, reverse=True) if 3 <= one <= 9]


@of_all
def own_records(made: Stage) -> Iterator[tuple[str, Any, Any]]:
    for caller, found, _pages in _search(made, mine=True):
        told = made.world.callers[caller]
        active = told.person is not None and made.actors[caller].active is not None
        mine = [one for one in may(made, caller, "see") if active and made.world.things[one].owner == told.person]
        yield str(told), found, mine


def _answers(made: Stage, ask: Callable[[Any, str], Any]) -> Iterator[tuple[int, int, Any]]:
    """What ``ask`` of every caller about every fifth record gives; None when it is missing."""
    from durehub.catalogue.finding import Missing

    for caller, number in made.cases():
        if (caller + number) % 5:
            continue
        try:
            found = ask(made.actors[caller], made.records[number].handle)
        except Missing:
            found = None
        yield caller, number, found


@surface
def metadata_of_a_version(made: Stage) -> Iterator[tuple[str, Any, Any]]:
    from durehub.catalogue.finding import about_of, version_of

    handles = {f"dure:{record.handle}": number for number, record in enumerate(made.records)}
    for caller, number, found in _answers(made, lambda actor, handle: about_of(actor, version_of(actor, handle, 1))):
        seen = may(made, caller, "see")
        yield f"{made.world.callers[caller]}, {number}", found is not None, number in seen
        if found is not None:
            told = {handles[one] for one in found["derived_from"]}
            yield f"{made.world.callers[caller]}, inputs of {number}", told, set(made.world.things[number].inputs) & set(seen)


@surface
def files_of_a_version(made: Stage) -> Iterator[tuple[str, Any, Any]]:
    from durehub.catalogue.finding import files_of

    for caller, number, found in _answers(made, lambda actor, handle: files_of(actor, handle, 1)):
        expected = number in may(made, caller, "read") and not made.world.things[number].withdrawn
        yield f"{made.world.callers[caller]}, {number}", found is not None, expected


@surface
def pages_and_calls(made: Stage) -> Iterator[tuple[str, Any, Any]]:
    """Statuses, and that what is forbidden differs from what is missing in nothing: status, headers, body."""
    from django.test import Client

    from durehub.accounts.actors import issue_token
    from durehub.accounts.models import Action

    for caller, told in enumerate(made.world.callers):
        browser, actor = Client(), made.actors[caller]
        headers = {}
        if actor.account is not None:
            if actor.active is None:
                continue  # such a token is answered with 401 whatever is asked; see test_hub_api.py
            _token, secret = issue_token(actor.account, "test", most=Action(actor.most), project=actor.project)
            headers = {"Authorization": f"Bearer {secret}"}
            if (told.most, told.project) == ("manage", None):
                browser.force_login(actor.account, backend="django.contrib.auth.backends.ModelBackend")
        sees_as_page = (told.most, told.project) == ("manage", None)
        seen, readable = set(may(made, caller, "see")), set(may(made, caller, "read"))
        nothing = {path: _shown(browser.get(path.format("0" * 12), headers=headers)) for path in (*_SEEN, *_READ)}
        for number in range(caller % 5, len(made.records), 20):
            handle, withdrawn = made.records[number].handle, made.world.things[number].withdrawn
            for path in (*_SEEN, *_READ):
                if not path.startswith("/api") and not sees_as_page:
                    continue
                answer = browser.get(path.format(handle), headers=headers)
                expected = number in seen if path in _SEEN else number in readable and not withdrawn
                yield f"{told}, {path.format(handle)}", answer.status_code, 200 if expected else 404
                if not expected:
                    yield f"{told}, {path.format(handle)}", _shown(answer, handle), nothing[path]


_SEEN = (
    "/api/v1/records/{}",
    "/api/v1/records/{}/versions/1",
    "/api/v1/records/{}/versions/1/citation",
    "/records/{}",
    "/records/{}/v1/citation.bibtex",
)
_READ = (
    "/api/v1/records/{}/versions/1/files",
    "/api/v1/records/{}/versions/1/previews/a.csv",
    "/records/{}/v1/previews/a.csv",
)


@surface
def ranges_of_files(made: Stage) -> Iterator[tuple[str, Any, Any]]:
    """A part of a file is the file: what is forbidden differs from what is missing in nothing, whatever range is asked for."""
    for caller, told, browser, headers in _by_token(made):
        readable = set(may(made, caller, "read"))
        for number in range(caller % 5, len(made.records), 5):
            handle = made.records[number].handle
            expected = number in readable and not made.world.things[number].withdrawn
            for asked, status in (("bytes=0-1", 206), ("bytes=99-", 416)):
                path, more = "/api/v1/records/{}/versions/1/files/a.csv", headers | {"Range": asked}
                answer = browser.get(path.format(handle), headers=more)
                yield f"{told}, {number}, {asked}", answer.status_code, status if expected else 404
                if not expected:
                    nothing = browser.get(path.format("0" * 12), headers=more)
                    yield f"{told}, {number}, {asked}", _shown(answer, handle), _shown(nothing)
                elif status == 206:
                    yield f"{told}, {number}, {asked}", answer.getvalue(), CSV[:2]


@surface
def previews(made: Stage) -> Iterator[tuple[str, Any, Any]]:
    """Looked into here without a sandbox, which tests/slow/test_hub_preview.py tries; the access to it is the same."""
    from durehub.catalogue.previewing import preview
    from durehub.lib import summary

    def look(_program: Any, kind: str, *, stdin: Any) -> bytes:
        return json.dumps(summary.summary(stdin, kind)).encode()

    with patch("durehub.lib.sandbox.shut_in", look):
        for caller, number, found in _answers(made, lambda actor, handle: preview(actor, handle, 1, "a.csv")["first"]):
            expected = number in may(made, caller, "read") and not made.world.things[number].withdrawn
            yield f"{made.world.callers[caller]}, {number}", found, [["1", "2"]] if expected else None


@surface
def uploads(made: Stage) -> Iterator[tuple[str, Any, Any]]:
    """Whether anybody else has bytes, or sends them, makes no difference to an upload of one's own."""
    from base64 import b64encode

    for _caller, told, browser, headers in _by_token(made):
        if not headers:
            continue
        able = told.most in ("write", "manage")
        owns = any(thing.owner == told.person for thing in made.world.things)
        sha256, tus = made.blob, headers | {"Tus-Resumable": "1.0.0"}
        found = browser.head(f"/api/v1/uploads/{sha256}", headers=tus)
        yield f"{told}, head", found.status_code, 200 if able and owns else 404
        metadata = f"sha256 {b64encode(sha256.encode()).decode()}"
        begun = browser.post(
            "/api/v1/uploads", content_type="application/json", headers=tus | {"Upload-Length": "8", "Upload-Metadata": metadata}
        )
        yield f"{told}, begin", begun.status_code, 201 if able else 404
        if able:
            offset = browser.head(f"/api/v1/uploads/{sha256}", headers=tus)["Upload-Offset"]
            yield f"{told}, offset", offset, "8" if owns else "0"


@surface
def metrics(made: Stage) -> Iterator[tuple[str, Any, Any]]:
    """Asking for what is forbidden moves the same figures as asking for what is missing, and no figure names a record."""
    from prometheus_client import REGISTRY

    def moved(ask: Callable[[], Any]) -> dict[Any, float]:
        before = figures()
        ask()
        return {key: value - before.get(key, 0.0) for key, value in figures().items() if value != before.get(key, 0.0)}

    def figures() -> dict[Any, float]:
        samples = (one for family in REGISTRY.collect() if family.name.startswith("durehub") for one in family.samples)
        return {(one.name, *sorted(one.labels.items())): one.value for one in samples if one.name.endswith("_total")}

    for caller, told, browser, headers in _by_token(made):
        seen = set(may(made, caller, "see"))
        for number in range(caller % 5, len(made.records), 10):
            if number in seen:
                continue
            handle, path = made.records[number].handle, "/api/v1/records/{}"
            forbidden = moved(partial(browser.get, path.format(handle), headers=headers))
            nothing = moved(partial(browser.get, path.format("0" * 12), headers=headers))
            yield f"{told}, {number}", forbidden, nothing
            yield f"{told}, {number}", [key for key in figures() if handle in repr(key)], []


def _by_token(made: Stage) -> Iterator[tuple[int, Any, Any, dict[str, str]]]:
    """Every caller whose calls are let in, with a browser and the header it calls with."""
    from django.test import Client

    from durehub.accounts.actors import issue_token
    from durehub.accounts.models import Action

    for caller, told in enumerate(made.world.callers):
        actor = made.actors[caller]
        if actor.account is None:
            yield caller, told, Client(), {}
        elif actor.active is not None:
            _token, secret = issue_token(actor.account, "test", most=Action(actor.most), project=actor.project)
            yield caller, told, Client(), {"Authorization": f"Bearer {secret}"}


def _shown(answer: Any, handle: str = "0" * 12) -> tuple[int, str, str]:
    """Status, headers and body, with what the reader gave taken out."""
    headers = json.dumps(
        {name: value for name, value in sorted(answer.headers.items()) if name not in ("ETag", "Content-Length")}
    )
    body = answer.content.decode()
    hidden = "csrfmiddlewaretoken"
    lines = [line.split('name="next"')[0] for line in body.replace(handle, "HANDLE").splitlines() if hidden not in line]
    return answer.status_code, headers, "\n".join(lines)
