"""What is published: a finished campaign or any set of files, described, licensed, hashed, and readable without Dure."""

from dure.record.about import ID, KINDS, About, Column, Outcome, Person, Record
from dure.record.campaign import is_campaign
from dure.record.citing import STYLES, Published
from dure.record.formats import FORMATS, HEAD, File, check_head, check_path
from dure.record.identifiers import KOGL, licence, orcid, ror
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
