"""The routes, noun by noun; each reads its input, calls the catalogue once, and answers."""

from __future__ import annotations

from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import NinjaAPI, Path, Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from dure.errors import InputError
from dure.i18n import _
from dure.record import STYLES
from durehub.accounts.models import Action
from durehub.api import shapes, telling
from durehub.api.asking import actor, actor_of, answer_errors, once, signed_in
from durehub.api.people import people
from durehub.api.uploads import blocks_of, uploads
from durehub.catalogue import finding, granting, previewing, publishing, searching, uploading
from durehub.lib import attachment
from durehub.policy.models import Grant, Level

__all__ = ["api"]

_FAULTS = {401: shapes.ErrorOut, 404: shapes.ErrorOut, 422: shapes.ErrorOut}

Handle = Annotated[str, Path(pattern=r"^[0-9a-hj-km-np-tv-z]{12}$")]
Number = Annotated[int, Path(ge=1, le=999_999)]

api = NinjaAPI(title="Dure hub", version="1", openapi_url="/openapi.json", docs_url=None, auth=actor, urls_namespace="api-1")
answer_errors(api)
records, asking = Router(tags=["records"]), Router(tags=["requests"], auth=signed_in)


class _Search(Schema):
    """What is looked for."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[str, Field(max_length=300)] = ""
    kind: Annotated[str, Field(max_length=20)] | None = None
    domain: Annotated[str, Field(max_length=50)] | None = None
    problem: Annotated[str, Field(max_length=200)] | None = None
    licence: Annotated[str, Field(max_length=200)] | None = None
    organisation: Annotated[str, Field(max_length=200)] | None = None
    outcome: Annotated[str, Field(max_length=100)] | None = None
    low: Annotated[float, Field(ge=-1e300, le=1e300)] | None = None
    high: Annotated[float, Field(ge=-1e300, le=1e300)] | None = None
    mine: bool = False
    size: Annotated[int, Field(ge=1, le=100)] = 20
    after: Annotated[str, Field(max_length=2_000)] | None = None


def question(given: Any) -> searching.Question:
    """A search as the catalogue takes it, from anything that has its fields."""
    only = {name: getattr(given, name) for name in ("kind", "domain", "problem", "licence") if getattr(given, name)}
    only |= {"organisation__name": given.organisation} if given.organisation else {}
    outcome = searching.Range(given.outcome, given.low, given.high) if given.outcome else None
    return searching.Question(given.q, only, outcome, given.mine)


def _access(given: shapes.AccessIn) -> publishing.Access:
    level, files_level = Level[given.level.upper()], Level[(given.files_level or given.level).upper()]
    return publishing.Access(level, files_level, given.project, given.embargo, given.metadata_open, given.conditions)


@records.get("", response={200: shapes.SearchOut, **_FAULTS}, summary="Search, or list the newest")
def search(request: HttpRequest, given: Annotated[_Search, Query()]) -> Any:
    return telling.page(searching.search(actor_of(request), question(given), size=given.size, after=given.after))


@records.post(
    "", auth=signed_in, response={201: shapes.RecordOut, **_FAULTS}, summary="Publish a record whose files were uploaded"
)
def publish(request: HttpRequest, given: shapes.PublishIn) -> Any:
    who = actor_of(request)
    return once(request, lambda: (201, telling.record(who, publishing.publish(who, given.record, _access(given.access)))))


@records.get("/{handle}", response={200: shapes.RecordOut, **_FAULTS}, summary="The newest version's metadata")
def newest(request: HttpRequest, handle: Handle) -> Any:
    return telling.record(actor_of(request), finding.version_of(actor_of(request), handle, None))


@records.put(
    "/{handle}/access", auth=signed_in, response={200: shapes.AccessOut, **_FAULTS}, summary="Put a record under other rules"
)
def change_access(request: HttpRequest, handle: Handle, given: shapes.AccessIn) -> Any:
    who = actor_of(request)
    return telling.access(who, publishing.change_access(who, handle, _access(given)))


@records.post(
    "/{handle}/versions", auth=signed_in, response={201: shapes.RecordOut, **_FAULTS}, summary="Publish a further version"
)
def publish_version(request: HttpRequest, handle: Handle, given: shapes.VersionIn) -> Any:
    who = actor_of(request)
    return once(request, lambda: (201, telling.record(who, publishing.publish_version(who, handle, given.record))))


@records.get("/{handle}/versions/{number}", response={200: shapes.RecordOut, **_FAULTS}, summary="A version's metadata")
def version(request: HttpRequest, handle: Handle, number: Number) -> Any:
    return telling.record(actor_of(request), finding.version_of(actor_of(request), handle, number))


@records.post(
    "/{handle}/versions/{number}/withdrawal",
    auth=signed_in,
    response={200: shapes.RecordOut, **_FAULTS},
    summary="Withdraw a version",
)
def withdraw(request: HttpRequest, handle: Handle, number: Number, given: shapes.WithdrawalIn) -> Any:
    who = actor_of(request)
    withdrawn = publishing.withdraw(who, handle, number, given.reason)
    return telling.record(who, withdrawn)


@records.get("/{handle}/versions/{number}/citation", response={200: None, **_FAULTS}, summary="As text, BibTeX or DataCite")
def citation(request: HttpRequest, handle: Handle, number: Number, style: Annotated[str, Query(max_length=20)] = "text") -> Any:
    found = finding.version_of(actor_of(request), handle, number)
    if style not in STYLES:
        raise InputError(_("there is no style {style}; there are {known}").format(style=style, known=", ".join(STYLES)))
    return HttpResponse(STYLES[style](found.cited), content_type="text/plain; charset=utf-8")


@records.get(
    "/{handle}/versions/{number}/files", response={200: shapes.FilesOut, **_FAULTS}, summary="The list of files, and outcomes"
)
def files(request: HttpRequest, handle: Handle, number: Number) -> Any:
    return telling.files(finding.files_of(actor_of(request), handle, number))


@records.get(
    "/{handle}/versions/{number}/files/{path:name}",
    response={200: None, 206: None, **_FAULTS},
    summary="A file's bytes, or a range of them",
)
def file(request: HttpRequest, handle: Handle, number: Number, name: str) -> Any:
    one, stream = finding.file_of(actor_of(request), handle, number, name)
    return attachment(request, stream, one.path, one.blob.sha256, one.blob.bytes)


@records.get(
    "/{handle}/versions/{number}/previews/{path:name}",
    response={200: shapes.PreviewOut, **_FAULTS},
    summary="The first rows of a table, and what its columns hold",
)
def preview(request: HttpRequest, handle: Handle, number: Number, name: str) -> Any:
    return previewing.preview(actor_of(request), handle, number, name)


@records.get("/{handle}/grants", response={200: shapes.GrantsOut, **_FAULTS}, summary="The grants that have not ended")
def grants(request: HttpRequest, handle: Handle) -> Any:
    record = finding.found(actor_of(request), Action.MANAGE, handle)
    held = (
        Grant.objects.filter(record=record, ends__gt=timezone.now())
        .select_related("account", "project", "organisation")
        .order_by("ends")
    )
    return shapes.GrantsOut(grants=[telling.grant(one) for one in held])


@records.post("/{handle}/grants", auth=signed_in, response={201: shapes.GrantOut, **_FAULTS}, summary="Give a grant")
def give(request: HttpRequest, handle: Handle, given: shapes.GrantIn) -> Any:
    who, action = actor_of(request), Action[given.action.upper()]
    return once(
        request, lambda: (201, telling.grant(granting.give(who, handle, subject=given.subject, action=action, ends=given.ends)))
    )


@records.delete("/{handle}/grants/{grant}", auth=signed_in, response={204: None, **_FAULTS}, summary="End a grant now")
def end(request: HttpRequest, handle: Handle, grant: Handle) -> Any:
    granting.end(actor_of(request), handle, grant)
    return Status(204, None)


@records.post("/{handle}/requests", auth=signed_in, response={201: shapes.RequestOut, **_FAULTS}, summary="Ask to read the files")
def ask(request: HttpRequest, handle: Handle, given: shapes.RequestIn) -> Any:
    who = actor_of(request)

    def act() -> tuple[int, Any]:
        asked = granting.ask(
            who, handle, purpose=given.purpose, accepts=given.accepts_conditions, agreement=given.agreement or ""
        )
        return 201, telling.request_out(asked)

    return once(request, act)


@records.post(
    "/{handle}/agreements", auth=signed_in, response={204: None, **_FAULTS}, summary="Let a derived record stand by itself"
)
def agree(request: HttpRequest, handle: Handle, given: shapes.AgreementIn) -> Any:
    granting.agree(actor_of(request), handle, given.record)
    return Status(204, None)


@asking.get("/requests", response={200: shapes.RequestsOut, **_FAULTS}, summary="One's own requests, and those to decide")
def requests(request: HttpRequest) -> Any:
    who = actor_of(request)
    mine, waiting = granting.requests_of(who), granting.requests_to_decide(who)
    return shapes.RequestsOut(
        mine=[telling.request_out(one) for one in mine], to_decide=[telling.request_out(one) for one in waiting]
    )


@asking.post("/requests/{handle}/decision", response={200: shapes.RequestOut, **_FAULTS}, summary="Decide a request")
def decide(request: HttpRequest, handle: Handle, given: shapes.DecisionIn) -> Any:
    decided = granting.decide(actor_of(request), handle, granted=given.granted, answer=given.answer, days=given.days)
    return telling.request_out(decided)


@asking.get(
    "/requests/{handle}/agreement", response={200: None, 206: None, **_FAULTS}, summary="The signed agreement that came with it"
)
def agreement(request: HttpRequest, handle: Handle) -> Any:
    one, stream = granting.agreement_of(actor_of(request), handle)
    return attachment(request, stream, granting.AGREEMENT, one.agreement_sha256, one.agreement_bytes)


@asking.put("/blobs/{sha256}", response={200: shapes.BlobOut, **_FAULTS}, summary="Upload bytes under their hash")
def blob(request: HttpRequest, sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]) -> Any:
    kept = uploading.upload(actor_of(request), sha256, blocks_of(request))
    return shapes.BlobOut(sha256=kept.sha256, bytes=kept.bytes)


@api.get("/health", auth=None, tags=["hub"], summary="Whether the hub answers")
def health(request: HttpRequest) -> dict[str, str]:
    return {"status": "ok", "name": settings.NAME}


api.add_router("/records", records)
api.add_router("/uploads", uploads)
api.add_router("", asking)
api.add_router("", people)
