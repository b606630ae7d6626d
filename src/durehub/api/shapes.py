"""What goes in and out, as types. Every number has bounds, every text a longest length."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AwareDatetime, ConfigDict, Field

__all__ = [
    "AccessIn",
    "AccessOut",
    "AccountOut",
    "AgreementIn",
    "BlobOut",
    "ColumnOut",
    "DecisionIn",
    "ErrorOut",
    "FilesOut",
    "GrantIn",
    "GrantOut",
    "GrantsOut",
    "MemberIn",
    "OrganisationIn",
    "OrganisationMemberIn",
    "OrganisationMemberOut",
    "OrganisationOut",
    "PreviewOut",
    "ProjectIn",
    "ProjectOut",
    "ProjectsOut",
    "PublishIn",
    "RecordOut",
    "RequestIn",
    "RequestOut",
    "RequestsOut",
    "SearchOut",
    "SummaryOut",
    "TokenIn",
    "TokenLine",
    "TokenOut",
    "TokensOut",
    "VersionIn",
    "WithdrawalIn",
]

Level = Literal["open", "registered", "consortium", "private"]
Action = Literal["see", "read", "write", "manage"]
Handle = Annotated[str, Field(pattern=r"^[0-9a-hj-km-np-tv-z]{12}$")]
Line = Annotated[str, Field(min_length=1, max_length=200)]
Moment = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9000, 1, 1, tzinfo=UTC))]
Text = Annotated[str, Field(max_length=4_000)]


class _In(Schema):
    model_config = ConfigDict(extra="forbid")


class Fault(Schema):
    """One error: ``code`` for programs, ``message`` for people."""

    code: str
    message: str


class ErrorOut(Schema):
    """The one shape of every error."""

    error: Fault


class AccessIn(_In):
    """How a record is to be accessible; its files as its description, unless they are to be stricter."""

    level: Level = "private"
    files_level: Level | None = None
    project: Handle | None = None
    embargo: Moment | None = None
    metadata_open: bool = False
    conditions: Text = ""


class AccessOut(Schema):
    """How a record is accessible, for those who may see it."""

    level: str
    files_level: str
    project: str | None
    embargo: datetime | None
    metadata_open: bool
    conditions: str
    may: list[str]


class PublishIn(_In):
    """A record as ``record.json`` holds it, and its access."""

    record: dict[str, Any]
    access: AccessIn = AccessIn()


class VersionIn(_In):
    """A further version."""

    record: dict[str, Any]


class SummaryOut(Schema):
    """A record in a list."""

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


class SearchOut(Schema):
    """A page of records; ``count`` ends at "1,000+", and so do the facets. ``next`` is the cursor of the next page."""

    records: list[SummaryOut]
    count: str
    facets: dict[str, dict[str, int]]
    next: str | None


class VersionLine(Schema):
    """A version in the list of a record's versions."""

    id: str
    number: int
    published: datetime
    withdrawn: datetime | None
    reason: str


class RecordOut(Schema):
    """A version of a record: its metadata, and nothing of its files."""

    id: str
    version: int
    url: str
    publisher: str
    published: datetime
    owner: str
    about: dict[str, Any]
    withdrawn: datetime | None
    reason: str
    versions: list[VersionLine]
    access: AccessOut
    citation: str


class FilesOut(Schema):
    """The record as it was published, files and outcomes included."""

    id: str
    published: datetime
    publisher: str
    url: str
    record: dict[str, Any]


class ColumnOut(Schema):
    """A column of a table: how many values it has, and of numbers the least, the largest and the mean, in ``unit``."""

    name: str
    type: str
    unit: str
    count: int
    least: float | None
    largest: float | None
    mean: float | None


class PreviewOut(Schema):
    """A look into a table: its size, its first rows as text, and its first columns."""

    rows: int
    columns: int
    first: list[list[str]]
    about: list[ColumnOut]


class BlobOut(Schema):
    """Bytes that were kept."""

    sha256: str
    bytes: int


class TokenIn(_In):
    """What a token is made from."""

    email: Line
    password: Annotated[str, Field(min_length=1, max_length=1_000)]
    name: Line = "dure"
    most: Action = "manage"
    project: Handle | None = None
    days: Annotated[int, Field(ge=1, le=3_650)] = 90


class TokenOut(Schema):
    """A token; shown this once."""

    token: str
    ends: datetime
    account: str


class TokenLine(Schema):
    """A token that holds, by its number."""

    number: int
    name: str
    most: str
    project: str | None
    ends: datetime


class TokensOut(Schema):
    """The account's tokens that hold."""

    tokens: list[TokenLine]


class OrganisationIn(_In):
    """An organisation; ``ror`` is its ROR ID, or empty."""

    name: Line
    kind: Literal["institute", "university", "company"] = "institute"
    ror: Annotated[str, Field(max_length=60)] = ""


class OrganisationMemberIn(_In):
    """Somebody to be a member or leader; "none" takes the person out."""

    email: Line
    role: Literal["member", "leader", "none"] = "member"


class OrganisationMemberOut(Schema):
    """Somebody in an organisation; the address is told to those who lead."""

    name: str
    email: str | None
    role: str


class OrganisationOut(Schema):
    """An organisation and who is in it."""

    number: int
    name: str
    kind: str
    ror: str
    members: list[OrganisationMemberOut]


class AccountOut(Schema):
    """Whose token it is; ``stored`` bytes of the ``most_stored`` that it may store."""

    handle: str
    name: str
    email: str
    organisation: str | None
    most: str
    stored: int
    most_stored: int


class ProjectIn(_In):
    """A new project; whoever makes it manages it."""

    title: Line


class MemberIn(_In):
    """A member and its role; None takes the member out."""

    email: Line
    role: Literal["reader", "contributor", "manager"] | None


class ProjectOut(Schema):
    """A project of the account."""

    handle: str
    title: str
    role: str


class ProjectsOut(Schema):
    """The account's projects."""

    projects: list[ProjectOut]


class GrantIn(_In):
    """A grant: to an account's address, project:HANDLE or organisation:NAME."""

    subject: Line
    action: Literal["see", "read", "write"] = "read"
    ends: Moment


class GrantOut(Schema):
    """A grant of a record."""

    handle: str
    subject: str
    action: str
    ends: datetime


class GrantsOut(Schema):
    """The grants of a record that have not ended."""

    grants: list[GrantOut]


class RequestIn(_In):
    """A question for access to files; ``agreement`` is the SHA-256 of a signed PDF that was uploaded before."""

    purpose: Annotated[str, Field(min_length=1, max_length=4_000)]
    accepts_conditions: bool = False
    agreement: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class RequestOut(Schema):
    """An access request, as its requester or who decides sees it."""

    handle: str
    record: str
    title: str
    account: str
    organisation: str | None
    purpose: str
    conditions: str
    agreement: str | None
    asked: datetime
    state: str
    answer: str
    decided: datetime | None


class RequestsOut(Schema):
    """The account's own requests, and those it may decide."""

    mine: list[RequestOut]
    to_decide: list[RequestOut]


class DecisionIn(_In):
    """A decision on a request; a grant to read lasts ``days``."""

    granted: bool
    answer: Text = ""
    days: Annotated[int, Field(ge=1, le=3_650)] = 365


class AgreementIn(_In):
    """``record``, derived from this one, may stand by itself."""

    record: Handle


class WithdrawalIn(_In):
    """Why a version is withdrawn; the reason stays."""

    reason: Annotated[str, Field(min_length=1, max_length=4_000)]
