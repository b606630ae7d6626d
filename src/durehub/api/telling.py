"""From what the catalogue found to what is answered."""

from __future__ import annotations

from django.conf import settings

from durehub.accounts.actors import Actor
from durehub.accounts.models import Action
from durehub.api.shapes import AccessOut, FilesOut, GrantOut, RecordOut, RequestOut, SearchOut, SummaryOut, VersionLine
from durehub.catalogue.finding import about_of, may
from durehub.catalogue.models import Record, Version
from durehub.catalogue.searching import Page
from durehub.policy.models import AccessRequest, Grant, Level

__all__ = ["access", "files", "grant", "page", "record", "request_out"]


def _summary(one: Record) -> SummaryOut:
    return SummaryOut(
        id=one.identifier,
        title=one.title,
        kind=one.kind,
        licence=one.licence,
        domain=one.domain,
        problem=one.problem,
        owner=one.owner.name,
        organisation=one.organisation.name if one.organisation else None,
        newest=one.newest,
        published=one.published,
    )


def page(found: Page) -> SearchOut:
    """A page of a search."""
    facets = {name.partition("__")[0]: dict(values) for name, values in found.facets.items()}
    return SearchOut(records=[_summary(one) for one in found.records], count=found.counted, facets=facets, next=found.after)


def access(actor: Actor, one: Record) -> AccessOut:
    """Under which rules a record stands, and what of it the actor may do."""
    return AccessOut(
        level=Level(one.level).label,
        files_level=Level(one.files_level).label,
        project=one.project.handle if one.project else None,
        embargo=one.embargo,
        metadata_open=one.metadata_open,
        conditions=one.conditions,
        may=[action.label for action in Action if may(actor, action, one)],
    )


def record(actor: Actor, version: Version) -> RecordOut:
    """A version's metadata."""
    lines = [
        VersionLine(
            id=f"{version.record.identifier}/v{one.number}",
            number=one.number,
            published=one.published,
            withdrawn=one.withdrawn,
            reason=one.reason,
        )
        for one in version.record.versions.order_by("-number").defer("plain")
    ]
    return RecordOut(
        id=version.identifier,
        version=version.number,
        url=version.cited.url,
        publisher=settings.NAME,
        published=version.published,
        owner=version.record.owner.name,
        about=about_of(actor, version),
        withdrawn=version.withdrawn,
        reason=version.reason,
        versions=lines,
        access=access(actor, version.record),
        citation=version.cited.text(),
    )


def files(version: Version) -> FilesOut:
    """A version with its files and outcomes."""
    return FilesOut(
        id=version.identifier, published=version.published, publisher=settings.NAME, url=version.cited.url, record=version.plain
    )


def grant(one: Grant) -> GrantOut:
    """A grant, its subject in the words it is given in."""
    subject = (
        one.account.email
        if one.account
        else f"project:{one.project.handle}"
        if one.project
        else f"organisation:{one.organisation}"
    )
    return GrantOut(handle=one.handle, subject=subject, action=Action(one.action).label, ends=one.ends)


def request_out(one: AccessRequest) -> RequestOut:
    """An access request."""
    return RequestOut(
        handle=one.handle,
        record=one.record.identifier,
        title=one.record.title,
        account=one.account.name,
        organisation=one.account.organisation.name if one.account.organisation else None,
        purpose=one.purpose,
        conditions=one.conditions,
        agreement=one.agreement_sha256 or None,
        asked=one.asked,
        state=str(one.state),
        answer=one.answer,
        decided=one.decided,
    )
