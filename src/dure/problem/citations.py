"""Citations: keys of references.bib, or DOIs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

from dure.errors import ProblemError, UnknownName
from dure.i18n import _

__all__ = ["check_citations", "citation_text"]

_DOI = re.compile(r"doi:10\.\d{4,9}/\S+")


@cache
def _entries() -> dict[str, Any]:
    import bibtexparser

    library = bibtexparser.parse_string(resources.files("dure").joinpath("references.bib").read_text("utf-8"))
    return dict(library.entries_dict)


def check_citations(keys: Iterable[str]) -> None:
    """Refuse a key that neither references.bib nor the form of a DOI explains.

    Raises:
        UnknownName: the key is not in references.bib.
        ProblemError: it begins with "doi:" and is not one.
    """
    for key in keys:
        if key.startswith("doi:"):
            if not _DOI.fullmatch(key):
                raise ProblemError(_("{key!r} is not a DOI; write it like doi:10.1038/s41586-020-1994-5").format(key=key))
        elif key not in _entries():
            raise UnknownName(_("citation"), key, _entries())


def citation_text(key: str) -> str:
    """The reference behind ``key`` in one line: family names, year, title, where it appeared, DOI."""
    if key.startswith("doi:"):
        return f"https://doi.org/{key[4:]}"
    values = {name: str(item.value).replace("{", "").replace("}", "") for name, item in _entries()[key].fields_dict.items()}
    families = [author.partition(",")[0] for author in re.split(r"\s+and\s+", values.get("author", ""))]
    names = " and ".join(families) if len(families) <= 2 else f"{families[0]} et al."
    place = " ".join(filter(None, (values.get("journal") or values.get("booktitle", ""), values.get("volume", ""))))
    doi = f"https://doi.org/{values['doi']}" if "doi" in values else values.get("url", "")
    return ", ".join(filter(None, (f"{names} ({values.get('year', '')})", values.get("title", ""), place, doi)))
