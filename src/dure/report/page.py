"""The page: a dossier laid out by the templates, the same bytes for the same dossier and language."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dure.i18n import _, language, speaking
from dure.report import answer, complexes, course, figures, front, maps, markup, molecules, origin, tables, words
from dure.report.dossier import Dossier
from dure.report.numbers import word

__all__ = ["page"]


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("dure.report"),
        autoescape=True,
        finalize=markup.admit,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["_"] = _
    made.filters |= {name: getattr(markup, name) for name in ("cited", "code", "fill", "quoted", "show", "when")}
    return made


def page(dossier: Dossier, code: str) -> str:
    """The report as HTML in the language ``code``.

    Raises:
        TypeError: a template tried to print a number that is no claim.
    """
    with speaking(code):
        return _environment().get_template("report.html").render(_places(dossier))


def _places(dossier: Dossier) -> dict[str, Any]:
    return {
        "dossier": dossier,
        "plan": dossier.plan,
        "claims": dossier.claims,
        "lang": language(),
        "answer": answer,
        "complexes": complexes,
        "course": course,
        "figures": figures,
        "front": front,
        "maps": maps,
        "molecules": molecules,
        "origin": origin,
        "tables": tables,
        "words": words,
        "word": word,
        "measured": markup.measured,
    }
