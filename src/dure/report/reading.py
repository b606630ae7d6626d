"""A finished page read back: which numbers it shows, and which of them are no claims."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

__all__ = ["Reading", "Shown", "read"]

_VOID = frozenset(("meta", "br", "link", "img", "hr", "input", "wbr"))
_OWN_WORDS = frozenset(("code", "pre", "time", "cite", "svg", "style"))
"""Elements whose digits are names, quotations, or drawn."""


@dataclass(frozen=True)
class Shown:
    """A number on the page: the claim it says it is, the full value beside it, and the text a reader sees."""

    claim: str
    value: str
    text: str


@dataclass
class Reading:
    """``loose`` are texts with digits that are neither claims nor quoted."""

    claims: list[Shown] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = Reading()
        self._open: list[tuple[str, bool]] = []
        self._claim: tuple[str, str] | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        given = {name: value or "" for name, value in attrs}
        classes = given.get("class", "").split()
        self._open.append((tag, tag in _OWN_WORDS or "quoted" in classes))
        if tag == "data" and "claim" in classes:
            self._claim, self._text = (given.get("data-claim", ""), given.get("value", "")), ""

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        if tag == "data" and self._claim is not None:
            self.found.claims.append(Shown(*self._claim, self._text))
            self._claim = None

    def handle_data(self, data: str) -> None:
        if self._claim is not None:
            self._text += data
        elif any(letter.isdigit() for letter in data) and not any(own for _tag, own in self._open):
            self.found.loose.append(data.strip())


def read(html: str) -> Reading:
    """The numbers of a page."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.found
