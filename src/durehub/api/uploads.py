"""Uploads that can be gone on with: the tus protocol 1.0.0 with its extensions *creation* and *termination*.

The metadata of an upload is the SHA-256 of its bytes, in hexadecimal; its address ends in it, so that whoever was interrupted
finds it by beginning again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Header, Path, Router

from dure.errors import InputError, ValueRefused
from dure.i18n import _
from durehub.api import shapes
from durehub.api.asking import actor_of, fault, signed_in
from durehub.catalogue import uploading
from durehub.catalogue.store import Busy

__all__ = ["blocks_of", "uploads"]

_VERSION = "1.0.0"
_FAULTS = dict.fromkeys((401, 404, 409, 412, 415, 422, 423), shapes.ErrorOut)
_BLOCK = 1 << 17
_KIND = "application/offset+octet-stream"

Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Header(ge=0, le=2**53)]
Resumable = Annotated[str, Header(max_length=20)]

uploads = Router(tags=["uploads"], auth=signed_in)


def blocks_of(request: HttpRequest) -> Iterator[bytes]:
    """The body of a call, block by block."""
    while block := request.read(_BLOCK):
        yield block


def _said(status: int, **headers: object) -> HttpResponse:
    told = {"Tus-Resumable": _VERSION} | {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return HttpResponse(status=status, headers=told | {"Cache-Control": "no-store"})


def _refused(status: int, message: str) -> HttpResponse:
    answer = fault(status, "refused", message)
    answer["Tus-Resumable"] = answer["Tus-Version"] = _VERSION
    return answer


def _busy() -> HttpResponse:
    return _refused(423, _("another call sends these bytes; wait for it"))


def _other_version() -> HttpResponse:
    return _refused(412, _("the header Tus-Resumable must be {version}").format(version=_VERSION))


@uploads.api_operation(["OPTIONS"], "", auth=None, response={204: None}, summary="What of tus is spoken here")
def spoken(request: HttpRequest) -> Any:
    return _said(204, Tus_Version=_VERSION, Tus_Extension="creation,termination", Tus_Max_Size=settings.MOST_BYTES)


@uploads.post("", response={201: None, **_FAULTS}, summary="Begin an upload, or find one that was begun")
def begin(
    request: HttpRequest,
    upload_length: Count,
    upload_metadata: Annotated[str, Header(max_length=1_000)],
    tus_resumable: Resumable = "",
) -> Any:
    if tus_resumable != _VERSION:
        return _other_version()
    sha256 = _metadata(upload_metadata).get("sha256", "")
    uploading.begin(actor_of(request), sha256, upload_length)
    return _said(201, Location=f"{settings.URL}/api/v1/uploads/{sha256}")


def _metadata(given: str) -> dict[str, str]:
    """Names and values, as tus writes them: separated by commas, each value in base 64 behind a space."""
    try:
        pairs = [pair.strip().partition(" ") for pair in given.split(",")]
        return {name: base64.b64decode(value, validate=True).decode() for name, _space, value in pairs}
    except (binascii.Error, UnicodeDecodeError):
        raise InputError(_("Upload-Metadata must hold values in base 64")) from None


@uploads.api_operation(["HEAD"], "/{sha256}", response={200: None, **_FAULTS}, summary="How far an upload is")
def far(request: HttpRequest, sha256: Sha256, tus_resumable: Resumable = "") -> Any:
    if tus_resumable != _VERSION:
        return _other_version()
    try:
        now = uploading.progress(actor_of(request), sha256)
    except Busy:
        return _busy()
    return _said(200, Upload_Offset=now.there, Upload_Length=now.size)


@uploads.patch("/{sha256}", response={204: None, **_FAULTS}, summary="Go on with an upload")
def go_on(request: HttpRequest, sha256: Sha256, upload_offset: Count, tus_resumable: Resumable = "") -> Any:
    if tus_resumable != _VERSION:
        return _other_version()
    if request.content_type != _KIND:
        return _refused(415, _("bytes are sent as {kind}").format(kind=_KIND))
    try:
        now = uploading.go_on(actor_of(request), sha256, blocks_of(request), at=upload_offset)
    except Busy:
        return _busy()
    except ValueRefused as error:
        return _refused(409, str(error))
    return _said(204, Upload_Offset=now.there)


@uploads.delete("/{sha256}", response={204: None, **_FAULTS}, summary="Give an upload up")
def give_up(request: HttpRequest, sha256: Sha256, tus_resumable: Resumable = "") -> Any:
    if tus_resumable != _VERSION:
        return _other_version()
    uploading.give_up(actor_of(request), sha256)
    return _said(204)
