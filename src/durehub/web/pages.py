"""Search, a record, requests and decisions, as pages."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.views.decorators.http import require_POST, require_safe

from dure.errors import InputError
from dure.i18n import _
from dure.record import STYLES
from durehub.accounts.models import Action
from durehub.catalogue import finding, granting, previewing, searching, uploading
from durehub.lib import attachment
from durehub.policy.models import Level
from durehub.web.rendering import actor_of, page, signed_in, uniform

__all__ = ["agreement", "ask", "citation", "decide", "file", "preview", "record", "requests", "search"]

_LONGEST = 300


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """The list of records, newest first or by words; htmx takes the results alone."""
    given = {name: request.GET.get(name, "").strip()[:_LONGEST] for name in ("q", "outcome", "low", "high", *_FILTERS)}
    said, found = "", searching.Page((), None, 0, {})
    try:
        found = searching.search(actor_of(request), _question(given), after=request.GET.get("after") or None)
    except InputError as error:
        said = str(error)
    kept = {name: value for name, value in given.items() if value}
    facets = [
        (name, [(value, count, _address(kept | {name: value})) for value, count in found.facets.get(_FILTERS[name], {}).items()])
        for name in _FILTERS
        if name not in kept
    ]
    chosen = [
        (name, kept[name], _address({other: value for other, value in kept.items() if other != name}))
        for name in _FILTERS
        if name in kept
    ]
    further = _address(kept | {"after": found.after}) if found.after else ""
    template = "results.html" if getattr(request, "htmx", False) else "search.html"
    status = 422 if said else 200
    return page(
        request, template, status=status, given=given, found=found, facets=facets, chosen=chosen, further=further, problem=said
    )


_FILTERS = {"kind": "kind", "domain": "domain", "licence": "licence", "organisation": "organisation__name"}


def _address(given: dict[str, str]) -> str:
    return f"/?{urlencode(given)}" if given else "/"


def _question(given: dict[str, str]) -> searching.Question:
    only = {_FILTERS[name]: given[name] for name in _FILTERS if given[name]}
    outcome = None
    if given["outcome"]:
        try:
            low, high = (float(given[name]) if given[name] else None for name in ("low", "high"))
        except ValueError:
            raise InputError(_("the range of an outcome is given in numbers")) from None
        outcome = searching.Range(given["outcome"], low, high)
    return searching.Question(given["q"], only, outcome)


@require_safe
@uniform
def record(request: HttpRequest, handle: str, number: int | None = None) -> HttpResponse:
    """A version of a record, its files where they may be read."""
    return _record(request, handle, number)


def _record(request: HttpRequest, handle: str, number: int | None, *, said: str = "", status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    version = finding.version_of(actor, handle, number)
    readable = finding.may(actor, Action.READ, version.record)
    asked = [one for one in granting.requests_of(actor) if one.record == version.record]
    return page(
        request,
        "record.html",
        status=status,
        version=version,
        about=finding.about_of(actor, version),
        versions=version.record.versions.order_by("-number").defer("plain"),
        levels={"metadata": Level(version.record.level).label, "files": Level(version.record.files_level).label},
        readable=readable,
        files=version.files.order_by("path").select_related("blob") if readable and not version.withdrawn else (),
        looked_into=previewing.KINDS,
        outcomes=version.plain["outcomes"] if readable and not version.withdrawn else (),
        asked=asked[0] if asked else None,
        said=said,
        styles=STYLES,
    )


@require_safe
@uniform
def file(request: HttpRequest, handle: str, number: int, name: str) -> HttpResponseBase:
    """A file, to be saved."""
    one, stream = finding.file_of(actor_of(request), handle, number, name)
    return attachment(request, stream, one.path, one.blob.sha256, one.blob.bytes)


@require_safe
@uniform
def preview(request: HttpRequest, handle: str, number: int, name: str) -> HttpResponse:
    """A look into a table; htmx takes the table alone."""
    told: dict[str, Any] = {"name": name, "back": f"/records/{handle}/v{number}", "said": "", "found": None}
    try:
        told["found"] = previewing.preview(actor_of(request), handle, number, name)
    except InputError as error:
        told["said"] = str(error)
    return page(request, "table.html" if getattr(request, "htmx", False) else "preview.html", **told)


@require_safe
@uniform
def citation(request: HttpRequest, handle: str, number: int, style: str) -> HttpResponse:
    """A citation as text, BibTeX or DataCite."""
    version = finding.version_of(actor_of(request), handle, number)
    if style not in STYLES:
        raise finding.Missing
    return HttpResponse(STYLES[style](version.cited), content_type="text/plain; charset=utf-8")


@require_POST
@signed_in
@uniform
def ask(request: HttpRequest, handle: str) -> HttpResponse:
    """Ask to read the files."""
    actor, given = actor_of(request), request.POST
    finding.found(actor, Action.SEE, handle)  # before anything is stored
    try:
        signed = _agreement(request)
        purpose, accepts = given.get("purpose", ""), "accepts" in given
        granting.ask(actor, handle, purpose=purpose, accepts=accepts, agreement=signed)
    except InputError as error:
        return _record(request, handle, None, said=str(error), status=422)
    return HttpResponseRedirect("/requests")


def _agreement(request: HttpRequest) -> str:
    """The hash of a PDF that came with the form, stored as an upload of its sender's; empty without one."""
    file = request.FILES.get("agreement")
    if file is None or isinstance(file, list):
        if int(request.META.get("CONTENT_LENGTH") or 0) > granting.MOST_AGREEMENT:  # it was left out for its size
            raise InputError(_("an agreement has at most {most} MiB").format(most=granting.MOST_AGREEMENT >> 20))
        return ""
    content = file.read()
    sha256 = hashlib.sha256(content).hexdigest()
    uploading.upload(actor_of(request), sha256, [content])
    return sha256


@require_safe
@signed_in
@uniform
def agreement(request: HttpRequest, handle: str) -> HttpResponseBase:
    """The signed agreement that came with a request, to be saved."""
    one, stream = granting.agreement_of(actor_of(request), handle)
    return attachment(request, stream, granting.AGREEMENT, one.agreement_sha256, one.agreement_bytes)


@require_safe
@signed_in
def requests(request: HttpRequest) -> HttpResponse:
    """One's own requests, and those that wait for one's decision."""
    return _requests(request)


def _requests(request: HttpRequest, *, said: str = "", status: int = 200) -> HttpResponse:
    actor = actor_of(request)
    told = {"mine": granting.requests_of(actor), "waiting": granting.requests_to_decide(actor), "said": said}
    return page(request, "requests.html", status=status, **told)


@require_POST
@signed_in
@uniform
def decide(request: HttpRequest, handle: str) -> HttpResponse:
    """Grant or refuse."""
    days = request.POST.get("days", "365")
    try:
        if not days.isdecimal():
            raise InputError(_("for how many days, in digits"))
        granted = request.POST.get("decision") == "grant"
        granting.decide(actor_of(request), handle, granted=granted, answer=request.POST.get("answer", ""), days=int(days[:5]))
    except InputError as error:
        return _requests(request, said=str(error), status=422)
    return HttpResponseRedirect("/requests")
