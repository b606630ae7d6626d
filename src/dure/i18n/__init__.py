"""The language Dure speaks to people in: ``DURE_LANG``, or the locale's language where it has a catalogue."""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

__all__ = ["LANGUAGES", "N_", "_", "language", "speaking", "use"]

LANGUAGES = ("en", "ko")
"""Languages with a complete catalogue; English is the source language."""

_catalogues = Path(__file__).parent / "locale"
_Speech = tuple[str, gettext.NullTranslations]
_current: _Speech | None = None
# Of one thread or request: two people may be spoken to at once in two languages.
_for_now: ContextVar[_Speech | None] = ContextVar("speech", default=None)


def _wanted() -> str:
    """The first variable that is set decides."""
    for name in ("DURE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if code := os.environ.get(name, ""):
            return re.split("[_.@-]", code)[0].lower()
    return "en"


def use(code: str) -> None:
    """Speak ``code`` from now on; an unknown code means English."""
    global _current
    _current = _speech(code)


@cache
def _speech(code: str) -> _Speech:
    code = code if code in LANGUAGES else "en"
    return code, gettext.translation("dure", _catalogues, languages=[code], fallback=True)


def _speaking() -> _Speech:
    """The language in use and its catalogue, taken from the environment when nothing was said yet."""
    global _current
    if _current is None:
        _current = _speech(_wanted())
    return _for_now.get() or _current


def language() -> str:
    """The two-letter code of the language in use."""
    return _speaking()[0]


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak ``code`` inside the block and in its thread, the former language after it."""
    before = _for_now.set(_speech(code))
    try:
        yield
    finally:
        _for_now.reset(before)


def _(text: str) -> str:
    """``text`` in the language in use, looked up at the moment of the call."""
    return _speaking()[1].gettext(text) if text else text  # an empty text asks gettext for the catalogue's header


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "translate later"
    """Mark ``text`` for the catalogue without translating it yet."""
    return text
