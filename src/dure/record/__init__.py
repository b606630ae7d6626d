"""What is published: a finished campaign or any set of files, described, licensed, hashed, and readable without Dure."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dure.record.about import ID, KINDS, About, Column, Outcome, Person, Record
from dure.record.citing import STYLES, Published
from dure.record.formats import FORMATS, HEAD, File, check_head, check_path
from dure.record.identifiers import KOGL, licence, orcid, ror

if TYPE_CHECKING:
    from dure.record.campaign import is_campaign
    from dure.record.making import RECORD, check, least_level, make, read

__all__ = [
    "FORMATS",
    "HEAD",
    "ID",
    "KINDS",
    "KOGL",
    "RECORD",
    "STYLES",
    "About",
    "Column",
    "File",
    "Outcome",
    "Person",
    "Published",
    "Record",
    "check",
    "check_head",
    "check_path",
    "is_campaign",
    "least_level",
    "licence",
    "make",
    "orcid",
    "read",
    "ror",
]

# A hub needs what a record is, not how one is made, which brings numpy, scipy and the whole engine along.
_LATER = {"is_campaign": "campaign"} | dict.fromkeys(("RECORD", "check", "least_level", "make", "read"), "making")


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(name)
    return getattr(import_module(f"dure.record.{_LATER[name]}"), name)
