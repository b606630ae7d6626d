"""Where in an author's file a statement stands, for messages that point at it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

__all__ = ["author_line"]

_package = str(Path(__file__).parents[1])


def author_line() -> tuple[str | None, int | None]:
    """File and line of the nearest caller outside the library; domains count as authors."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        generated = name.startswith("<")
        if not generated and (not name.startswith(_package) or name.startswith(f"{_package}/domains")):
            return name, frame.f_lineno
        frame = frame.f_back
    return None, None
