"""The language Dure speaks to people in: ``DURE_LANG``, or the locale's language where it has a catalogue."""

from __future__ import annotations

import gettext
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["LANGUAGES", "N_", "_", "language", "speaking", "use"]

LANGUAGES = ("en", "ko")
"""Languages with a complete catalogue; English is the source language."""

_catalogues = Path(__file__).parent / "locale"
_current: tuple[str, gettext.NullTranslations] | None = None


def _wanted() -> str:
    for name in ("DURE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        code = os.environ.get(name, "")[:2].lower()
        if code:
            return code if code in LANGUAGES else "en"
    return "en"


def use(code: str) -> None:
    """Speak ``code`` from now on; an unknown code means English."""
    global _current
    code = code if code in LANGUAGES else "en"
    _current = (code, gettext.translation("dure", _catalogues, languages=[code], fallback=True))


def language() -> str:
    """The two-letter code of the language in use."""
    if _current is None:
        use(_wanted())
    assert_current = _current
    return assert_current[0] if assert_current else "en"


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak ``code`` inside the block, the former language after it."""
    before = language()
    use(code)
    try:
        yield
    finally:
        use(before)


def _(text: str) -> str:
    """``text`` in the language in use, looked up at the moment of the call."""
    language()
    return _current[1].gettext(text) if _current and text else text


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "translate later"
    """Mark ``text`` for the catalogue without translating it yet."""
    return text
