"""The only ways onto the page. A bare number is refused everywhere: it has to be a claim, or part of something quoted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from dure.campaign import Claim
from dure.report.numbers import Printed, prefix_of, printed

__all__ = ["admit", "cited", "code", "fill", "listed", "measured", "quoted", "said", "show", "when"]


def admit(value: Any) -> str:
    """``value`` if it may stand on the page: marked up by one of the functions here, or plain text without a digit.

    Raises:
        TypeError: it is a number, or text that hides one.
    """
    if isinstance(value, Markup) or (isinstance(value, str) and not any(letter.isdigit() for letter in value)):
        return value
    raise TypeError(f"{value!r} would be a number on the page that is no claim")


def show(claim: Claim, digits: int = 4, **form: Any) -> Markup:
    """A claim, rounded; ``form`` as in ``numbers.shown``."""
    return printed(claim, digits, **form)


def measured(claims: Mapping[str, Claim], role: str, goal: str) -> Markup:
    """A goal's value in a role; where the design was repeated, with half the interval of its mean."""
    value, half = claims[f"{role}.goal.{goal}"], claims.get(f"{role}.half.{goal}")
    if half is None or not isinstance(value.value, float):
        return show(value)
    near = abs(value.value)
    return Markup("{} ± {}").format(show(value, bare=not prefix_of(near, value.unit)), show(half, 2, near=near))


def code(text: str) -> Markup:
    """A name, hash, version or command, letter for letter."""
    return Markup("<code>{}</code>").format(text)


def quoted(text: str) -> Markup:
    """Words that somebody wrote, digits and all: a problem's author, a plan, a simulator."""
    return Markup('<span class="quoted">{}</span>').format(text)


def when(time: str) -> Markup:
    """A moment in UTC, to the minute."""
    return Markup('<time datetime="{}">{} UTC</time>').format(time, time[:16].replace("T", " "))


def fill(text: str, **places: Markup | Printed | str) -> Markup:
    """``text`` with its named places filled; it and what fills them must be fit for the page themselves."""
    admit(re.sub(r"\{[^{}]*\}", "", text))
    return _filled(text, places)


def said(text: str, **places: Markup | Printed | str) -> Markup:
    """``text`` as ``fill`` has it, but somebody else's, so that it may hold digits of its own."""
    return Markup('<span class="quoted">{}</span>').format(_filled(text, places))


def _filled(text: str, places: Mapping[str, Markup | Printed | str]) -> Markup:
    fit = {name: place if isinstance(place, Printed) else admit(place) for name, place in places.items()}
    return Markup(escape(text)).format(**fit)


def cited(reference: str) -> Markup:
    """A reference, its address at the end as a link."""
    text, link, address = reference.rpartition("https://")
    if not link:
        return Markup('<cite class="quoted">{}</cite>').format(reference)
    return Markup('<cite class="quoted">{}<a href="{}">{}</a></cite>').format(text, link + address, link + address)


def listed(parts: list[Markup]) -> Markup:
    """``parts`` side by side."""
    return Markup(", ").join(parts)
