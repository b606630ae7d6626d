"""Bytes from strangers, sent so that no browser opens them in the hub's name: all of them, or a range of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

__all__ = ["attachment"]

_BLOCK = 1 << 20
_KIND = "application/octet-stream"
# One range alone, as RFC 9110, 14.1.2 writes it; a request for several may be answered with everything.
_RANGE = re.compile(r"bytes=(?:(?P<first>\d{1,19})-(?P<last>\d{0,19})|-(?P<final>\d{1,19}))", re.ASCII)


def attachment(request: HttpRequest, stream: BinaryIO, path: str, sha256: str, size: int) -> HttpResponseBase:
    """The bytes to be saved under the last part of ``path``, of a type that nothing opens by itself."""
    name, etag = path.rpartition("/")[2], f'"{sha256}"'
    span = _span(request, etag, size)
    response: HttpResponseBase
    if span is None:
        response = FileResponse(stream, as_attachment=True, filename=name, content_type=_KIND)
    elif span[0] >= size:
        stream.close()
        response = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    else:
        response = StreamingHttpResponse(_Part(stream, *span), status=206, content_type=_KIND)
        response["Content-Disposition"] = str(content_disposition_header(as_attachment=True, filename=name))
        response["Content-Range"] = f"bytes {span[0]}-{span[1]}/{size}"
        response["Content-Length"] = str(span[1] - span[0] + 1)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-store"
    return response


def _span(request: HttpRequest, etag: str, size: int) -> tuple[int, int] | None:
    """The first and the last byte that are wanted; None for all of them. One that begins behind the end cannot be had."""
    found = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if found is None or request.headers.get("If-Range", etag) != etag:
        return None
    if found["final"]:
        first = max(size - int(found["final"]), 0) if int(found["final"]) else size
        return first, size - 1
    first, last = int(found["first"]), min(int(found["last"] or size), size - 1)
    return None if first <= size - 1 and last < first else (first, last)


class _Part:
    """The bytes from number ``first`` to number ``last``, in blocks; closed with the answer, even if nobody read it."""

    def __init__(self, stream: BinaryIO, first: int, last: int) -> None:
        self._left, self.close, self._read = last - first + 1, stream.close, stream.read
        stream.seek(first)

    def __iter__(self) -> Iterator[bytes]:
        while self._left > 0 and (block := self._read(min(_BLOCK, self._left))):
            self._left -= len(block)
            yield block
