"""Uploads: in one call, or by tus 1.0.0 (https://tus.io/protocols/resumable-upload), which goes on where one broke off.

An upload's address is made of the hash of its bytes, below the account that calls: a client that lost everything finds it again.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Header, Path, Router
from pydantic import Field

from dure.errors import InputError
from dure.i18n import _
from durehub.api import shapes
from durehub.api.asking import actor_of, fault, signed_in
from durehub.catalogue import uploading
from durehub.catalogue.store import Elsewhere, Occupied

__all__ = ["TUS", "answer_tus", "router"]

TUS = "1.0.0"
_BLOCK = 1 << 20
_FAULTS = {401: shapes.ErrorOut, 404: shapes.ErrorOut, 422: shapes.ErrorOut}
_PIECES = {409: shapes.ErrorOut, 412: shapes.ErrorOut, 423: shapes.ErrorOut}

Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
Bytes = Annotated[int, Field(ge=0, le=2**62)]

router = Router(tags=["uploads"], auth=signed_in)


class _OtherProtocol(Exception):
    """Not the version of tus that is spoken here."""


def answer_tus(api: Any) -> None:
    """Teach ``api`` what tus wants said where an upload cannot go on."""
    answers = {
        Elsewhere: (409, "elsewhere", lambda: _("The bytes that arrived end elsewhere; ask where with HEAD, and go on there.")),
        Occupied: (423, "busy", lambda: _("Another call is adding to this upload; wait for it.")),
        _OtherProtocol: (412, "other_protocol", lambda: _("Uploads speak tus {version}; say so.").format(version=TUS)),
    }
    for kind, (status, code, said) in answers.items():
        api.add_exception_handler(kind, lambda _request, _error, told=(status, code, said): fault(told[0], told[1], told[2]()))


def _spoken(request: HttpRequest) -> None:
    if request.headers.get("Tus-Resumable") != TUS:
        raise _OtherProtocol


def _blocks(request: HttpRequest) -> Iterator[bytes]:
    while block := request.read(_BLOCK):
        yield block


def _told(status: int, one: uploading.Upload, **more: str) -> HttpResponse:
    response = HttpResponse(status=status, headers={"Upload-Offset": str(one.offset), "Cache-Control": "no-store", **more})
    response["Upload-Length"] = str(one.length)
    return response


@router.put("/blobs/{sha256}", response={200: shapes.BlobOut, **_FAULTS}, summary="Upload bytes under their hash, in one call")
def blob(request: HttpRequest, sha256: Sha256) -> Any:
    kept = uploading.upload(actor_of(request), sha256, _blocks(request))
    return shapes.BlobOut(sha256=kept.sha256, bytes=kept.bytes)


@router.api_operation(["OPTIONS"], "/uploads", auth=None, response={204: None}, summary="What of tus is spoken")
def spoken(request: HttpRequest) -> Any:
    extensions = "creation,termination,expiration"
    told = {"Tus-Version": TUS, "Tus-Extension": extensions, "Tus-Max-Size": str(settings.MOST_BYTES)}
    return HttpResponse(status=204, headers=told)


@router.post("/uploads", response={201: None, **_FAULTS, **_PIECES}, summary="Begin an upload; its metadata names the sha256")
def begin(
    request: HttpRequest,
    upload_length: Annotated[Bytes, Header()],
    upload_metadata: Annotated[str, Header(max_length=4_000)],
) -> Any:
    _spoken(request)
    begun = uploading.begin(actor_of(request), _sha256(upload_metadata), upload_length)
    return _told(201, begun, Location=f"{settings.URL}{request.path}/{begun.sha256}")


def _sha256(metadata: str) -> str:
    """Out of tus's pairs of a key and a value in base64."""
    pairs = dict([*one.split(), ""][:2] for one in metadata.split(",") if one.split())
    try:
        return base64.b64decode(pairs["sha256"], validate=True).decode("ascii")
    except (KeyError, binascii.Error, UnicodeDecodeError):
        raise InputError(_("Upload-Metadata must hold sha256 and, in base64, the hash of all bytes in hexadecimal")) from None


@router.api_operation(["HEAD"], "/uploads/{sha256}", response={200: None, **_FAULTS, **_PIECES}, summary="How far an upload is")
def standing(request: HttpRequest, sha256: Sha256) -> Any:
    _spoken(request)
    now = uploading.standing(actor_of(request), sha256)
    # What is one's own and not there was denied to nobody: no entry in the audit log.
    return HttpResponse(status=404) if now is None else _told(200, now)


@router.patch("/uploads/{sha256}", response={204: None, **_FAULTS, **_PIECES}, summary="Go on with an upload")
def add(request: HttpRequest, sha256: Sha256, upload_offset: Annotated[Bytes, Header()]) -> Any:
    _spoken(request)
    if request.content_type != "application/offset+octet-stream":
        return fault(415, "refused", _("pieces of an upload are application/offset+octet-stream"))
    return _told(204, uploading.add(actor_of(request), sha256, upload_offset, _blocks(request)))


@router.delete("/uploads/{sha256}", response={204: None, **_FAULTS, **_PIECES}, summary="Give an upload up")
def drop(request: HttpRequest, sha256: Sha256) -> Any:
    _spoken(request)
    uploading.drop(actor_of(request), sha256)
    return HttpResponse(status=204)
