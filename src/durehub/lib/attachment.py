"""Bytes from strangers, sent so that no browser opens them in the hub's name; all of them, or a stretch that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header
from werkzeug.http import parse_range_header

__all__ = ["attachment"]

_BLOCK = 1 << 20
_KIND = "application/octet-stream"


def attachment(
    request: HttpRequest, stream: BinaryIO, path: str, sha256: str, size: int
) -> FileResponse | StreamingHttpResponse | HttpResponse:
    """The bytes to be saved under the last part of ``path``, of a type that nothing opens by itself.

    One range of bytes is answered with these; several, or a range of another file's, with everything.
    """
    tag, name = f'"{sha256}"', path.rpartition("/")[2]
    response: FileResponse | StreamingHttpResponse | HttpResponse
    asked = parse_range_header(request.headers.get("Range"))
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or request.headers.get("If-Range", tag) != tag:
        response = FileResponse(stream, as_attachment=True, filename=name, content_type=_KIND)
    elif (stretch := asked.range_for_length(size)) is None:
        stream.close()
        response = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    else:
        response = StreamingHttpResponse(_Stretch(stream, *stretch), status=206, content_type=_KIND)
        response["Content-Range"] = f"bytes {stretch[0]}-{stretch[1] - 1}/{size}"
        response["Content-Length"] = str(stretch[1] - stretch[0])
        response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["ETag"], response["Accept-Ranges"], response["Cache-Control"] = tag, "bytes", "private, no-store"
    return response


@dataclass
class _Stretch:
    """Closed by whoever sends it, begun or not."""

    stream: BinaryIO
    begin: int
    end: int

    def __iter__(self) -> Iterator[bytes]:
        self.stream.seek(self.begin)
        left = self.end - self.begin
        while left and (block := self.stream.read(min(_BLOCK, left))):
            left -= len(block)
            yield block
        self.close()

    def close(self) -> None:
        self.stream.close()
