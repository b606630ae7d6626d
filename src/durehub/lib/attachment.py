"""Bytes from strangers, sent so that no browser opens them in the hub's name."""

from __future__ import annotations

from typing import BinaryIO

from django.http import FileResponse

__all__ = ["attachment"]


def attachment(stream: BinaryIO, path: str, sha256: str) -> FileResponse:
    """The bytes to be saved under the last part of ``path``, of a type that nothing opens by itself."""
    response = FileResponse(stream, as_attachment=True, filename=path.rpartition("/")[2], content_type="application/octet-stream")
    response["ETag"] = f'"{sha256}"'
    response["Cache-Control"] = "private, no-store"
    return response
