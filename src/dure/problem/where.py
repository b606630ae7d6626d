"""Where in an author's file a statement stands, for messages that point at it."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from types import FrameType

from dure.errors import ProblemError

__all__ = ["author_line", "line_within", "refused"]

_LIBRARY = str(Path(__file__).parents[1]) + os.sep
_DOMAINS = os.path.join(_LIBRARY, "domains", "")


def author_line() -> tuple[str | None, int | None]:
    """File and line of the nearest caller outside the library; domains count as authors. Generated code has neither."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the standard library's own way to the caller's line
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith("<") and (name.startswith(_DOMAINS) or not name.startswith(_LIBRARY)):
            return name, frame.f_lineno
        frame = frame.f_back
    return None, None


def line_within(path: str | Path, error: BaseException) -> int | None:
    """The innermost line of file ``path`` that ``error`` came through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None


def refused(message: str) -> ProblemError:
    """The error for a statement that is wrong where it stands in the author's file."""
    file, line = author_line()
    return ProblemError(message, file=file, line=line)
