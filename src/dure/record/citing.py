"""How a record is cited: a line of text, BibTeX, the fields of DataCite."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from dure.record.about import About, Person
from dure.record.identifiers import licence

__all__ = ["STYLES", "Published"]

_TYPES = {"campaign": "Collection", "dataset": "Dataset", "model": "Model", "report": "Report"}
_UNKNOWN = "(:unav)"
"""DataCite's word for a value that is not known."""


@dataclass(frozen=True)
class Published:
    """A version of a record where it stands: ``identifier`` with its version, ``published`` as YYYY-MM-DD.

    Only what is said of a record is cited, nothing of its files.
    """

    about: About
    identifier: str
    url: str
    publisher: str
    published: str

    @property
    def version(self) -> str:
        """The number of the version, as text."""
        return self.identifier.rpartition("/v")[2]

    def text(self) -> str:
        """Creators (year): title. Version. Publisher. Type. URL: the order DataCite recommends."""
        about = self.about
        names = "; ".join(one.name for one in about.creators)
        return (
            f"{names} ({self.published[:4]}): {about.title}. Version {self.version}. {self.publisher}. "
            f"{_TYPES[about.kind]}. {self.identifier}. {self.url}"
        )

    def bibtex(self) -> str:
        """One entry of the kind ``misc``."""
        from bibtexparser import Library, write_string
        from bibtexparser.model import Entry, Field

        about = self.about
        values = {
            "author": " and ".join(one.name for one in about.creators),
            "title": f"{{{_safe(about.title)}}}",
            "year": self.published[:4],
            "publisher": self.publisher,
            "version": self.version,
            "howpublished": self.identifier,
            "url": self.url,
            "note": _TYPES[about.kind],
        }
        plain = ("title", "url", "howpublished")
        fields = [Field(name, value if name in plain else _safe(value)) for name, value in values.items()]
        return write_string(Library([Entry("misc", self._key(), fields)])).strip() + "\n"

    def datacite(self) -> str:
        """The metadata DataCite asks for (schema 4.5), as its JSON; the identifier is the hub's, no DOI is claimed."""
        about = self.about
        terms = licence(about.licence)
        fields = {
            "schemaVersion": "http://datacite.org/schema/kernel-4",
            "alternateIdentifiers": [{"alternateIdentifier": self.identifier, "alternateIdentifierType": "Dure"}],
            "url": self.url,
            "creators": [_creator(one) for one in about.creators],
            "titles": [{"title": about.title}],
            "descriptions": [{"description": about.description, "descriptionType": "Abstract"}],
            "publisher": {"name": self.publisher or _UNKNOWN},
            "publicationYear": self.published[:4],
            "dates": [{"date": self.published, "dateType": "Issued"}],
            "types": {"resourceTypeGeneral": _TYPES[about.kind], "resourceType": about.kind},
            "subjects": [{"subject": one} for one in about.tags],
            "rightsList": [{"rights": terms.id, "rightsUri": terms.url, "rightsIdentifier": terms.id}],
            "version": self.version,
        }
        return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"

    def _key(self) -> str:
        family = re.sub(r"[^A-Za-z]", "", self.about.creators[0].name.partition(",")[0]) or "record"
        return f"{family}{self.published[:4]}{re.sub(r'[^0-9a-z]', '', self.identifier.partition(':')[2])}"


STYLES: Final[dict[str, Callable[[Published], str]]] = {
    "text": lambda one: f"{one.text()}\n",
    "bibtex": Published.bibtex,
    "datacite": Published.datacite,
}


def _creator(person: Person) -> dict[str, Any]:
    family, comma, given = person.name.partition(",")
    made: dict[str, Any] = {"name": person.name}
    made |= {"nameType": "Personal", "familyName": family.strip(), "givenName": given.strip()} if comma else {}
    if person.orcid:
        made["nameIdentifiers"] = [
            {"nameIdentifier": person.orcid, "nameIdentifierScheme": "ORCID", "schemeUri": "https://orcid.org"}
        ]
    if person.affiliation or person.ror:
        made["affiliation"] = [{"name": person.affiliation or person.ror}]
        if person.ror:
            made["affiliation"][0] |= {"affiliationIdentifier": person.ror, "affiliationIdentifierScheme": "ROR"}
    return made


def _safe(text: str) -> str:
    """Letters that TeX would take for commands."""
    return re.sub(r"([&%$#_{}])", r"\\\1", text.replace("\\", "/"))
