"""What is published about a record, as the values everything else is written from."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final, Self

from dure.canonical import digest
from dure.errors import InputError
from dure.i18n import _
from dure.record.formats import MOST_FILES, File, check_path
from dure.record.identifiers import licence, orcid, ror

__all__ = ["ID", "KINDS", "About", "Column", "Outcome", "Person", "Record", "description"]

KINDS: Final = ("campaign", "dataset", "model", "report")

ID: Final = re.compile(r"dure:[0-9a-hj-km-np-tv-z]{12}(?:/v[1-9][0-9]{0,5})?", re.ASCII)
"""A record's identifier on a hub; with ``/v2`` that of its second version."""

_TEXTS = {"title": 300, "description": 20_000, "problem": 200, "problem_version": 50, "domain": 50}
_MOST = {"creators": 200, "tags": 50, "columns": 2_000, "derived_from": 200, "outcomes": 2_000}
_WORD = 100


@dataclass(frozen=True)
class Person:
    """A creator: a name as it is to be cited, ORCID iD, institution and its ROR ID where they are known."""

    name: str
    orcid: str = ""
    affiliation: str = ""
    ror: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table in the record; ``file`` is the table's path, ``unit`` empty where none is known."""

    file: str
    name: str
    unit: str = ""


@dataclass(frozen=True)
class Outcome:
    """A number that came out, with its unit. A value out of the files: on a hub it is shown to those who may read them."""

    name: str
    value: float
    unit: str = ""


@dataclass(frozen=True)
class About:
    """What is said of a record. Construction normalises texts (NFC) and identifiers.

    Raises:
        InputError: a text is missing or too long, or an identifier, licence or kind is none.
    """

    kind: str
    title: str
    description: str
    licence: str
    creators: tuple[Person, ...]
    tags: tuple[str, ...] = ()
    problem: str = ""
    problem_version: str = ""
    domain: str = ""
    derived_from: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(
                _("{given!r} is no kind of record; there are {known}").format(given=self.kind, known=", ".join(KINDS))
            )
        made: dict[str, Any] = {name: _text(name, getattr(self, name), most) for name, most in _TEXTS.items()}
        for name in ("title", "description"):
            if not made[name]:
                raise InputError(_("a record needs a {name}: --{name}, or in the file for --describe").format(name=name))
        if not self.creators:
            raise InputError(_('a record needs somebody to cite: --creator "Family, Given <ORCID>"'))
        made["licence"] = licence(self.licence).id
        made["creators"] = tuple(map(_person, self.creators))
        made["tags"] = tuple(dict.fromkeys(_text("tags", tag, _WORD) for tag in self.tags))
        made["columns"] = tuple(
            Column(*(_text("columns", text, most) for text, most in ((one.file, 240), (one.name, _WORD), (one.unit, _WORD))))
            for one in self.columns
        )
        for one in self.derived_from:
            if not ID.fullmatch(one):
                raise InputError(_("{given!r} is no record's identifier; it looks like dure:0123456789ab/v1").format(given=one))
        for name, value in made.items():
            object.__setattr__(self, name, value)
        for name, most in _MOST.items():
            if len(getattr(self, name, ())) > most:
                raise InputError(_("{name}: at most {most}").format(name=name, most=most))


@dataclass(frozen=True)
class Record:
    """A record before it has an identifier: what is said of it, its files, and outcomes for those who may read the files."""

    about: About
    files: tuple[File, ...]
    outcomes: tuple[Outcome, ...] = ()
    made: str = ""

    def plain(self) -> dict[str, Any]:
        """As JSON data: what ``record.json`` holds."""
        about = {name: _plain(value) for name, value in vars(self.about).items()}
        return {
            "format": 1,
            "made": self.made,
            "about": about,
            "files": [asdict(one) for one in self.files],
            "outcomes": [asdict(one) for one in self.outcomes],
        }

    @property
    def sha256(self) -> str:
        """The hash of all of it, files included through theirs."""
        return digest(self.plain())

    @classmethod
    def from_plain(cls, given: Any) -> Self:
        """The record that ``plain`` gave; everything is checked as if a stranger had written it.

        Raises:
            InputError: it is not one.
        """
        try:
            if given["format"] != 1:
                raise InputError(_("this record was written by a newer Dure; update yours"))
            about = {name: _typed(name, value) for name, value in given["about"].items()}
            files = tuple(sorted(File(**one) for one in given["files"]))
            outcomes = tuple(Outcome(**one) for one in given["outcomes"])
            record = cls(About(**about), files, outcomes, date.fromisoformat(given["made"]).isoformat())
            _check_files(record)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(_("this is no record as Dure writes them: {cause}").format(cause=error)) from None
        return record


def _check_files(record: Record) -> None:
    for one in record.files:
        if check_path(one.path) != one.format or not re.fullmatch(r"[0-9a-f]{64}", str(one.sha256)) or not 0 <= one.bytes < 2**53:
            raise ValueError(one.path)
    folded = {one.path.casefold() for one in record.files}
    if not 1 <= len(record.files) <= MOST_FILES or len(folded) < len(record.files):
        raise ValueError(_("a record has at least one file, and no path twice"))
    for outcome in record.outcomes:
        _text("outcomes", outcome.unit, _WORD)
        if not _text("outcomes", outcome.name, _WORD) or not abs(float(outcome.value)) < float("inf"):
            raise ValueError(outcome.name)
    if len(record.outcomes) > _MOST["outcomes"]:
        raise ValueError(_("{name}: at most {most}").format(name="outcomes", most=_MOST["outcomes"]))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [one if isinstance(one, str) else asdict(one) for one in value]
    return value


def _typed(name: str, value: Any) -> Any:
    made = {"creators": Person, "columns": Column}.get(name)
    return tuple(made(**one) if made else one for one in value) if isinstance(value, list) else value


def _text(name: str, value: Any, most: int) -> str:
    if not isinstance(value, str):
        raise InputError(_("{name} must be a text, not {given!r}").format(name=name, given=value))
    text = unicodedata.normalize("NFC", value).strip()
    if len(text) > most or any(unicodedata.category(one) == "Cc" and one not in "\n\t" for one in text):
        raise InputError(_("{name}: at most {most} letters, and no control characters").format(name=name, most=most))
    return text


def _person(given: Person) -> Person:
    name = _text("creators", given.name, _WORD)
    if not name:
        raise InputError(_('a record needs somebody to cite: --creator "Family, Given <ORCID>"'))
    return Person(
        name,
        orcid(given.orcid) if given.orcid else "",
        _text("creators", given.affiliation, 2 * _WORD),
        ror(given.ror) if given.ror else "",
    )


def description(path: Path) -> dict[str, Any]:
    """What a TOML file says of a record, in the words of ``About``.

    Raises:
        InputError: it cannot be read, or has other words.
    """
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(_("{file} cannot be read as TOML: {cause}").format(file=path, cause=error)) from None
    if unknown := sorted(set(given) - set(About.__dataclass_fields__)):
        known = ", ".join(About.__dataclass_fields__)
        raise InputError(
            _("{file}: {names} is nothing that is said of a record; there are {known}").format(
                file=path, names=", ".join(unknown), known=known
            )
        )
    try:
        return {name: _typed(name, value) for name, value in given.items()}
    except TypeError as error:
        raise InputError(_("{file} cannot be read as TOML: {cause}").format(file=path, cause=error)) from None


def with_columns(about: About, columns: Sequence[Column]) -> About:
    """``about`` with the columns of its tables; units that were stated for a name are kept."""
    stated: Mapping[tuple[str, str], str] = {(one.file, one.name): one.unit for one in about.columns}
    return replace(about, columns=tuple(replace(one, unit=stated.get((one.file, one.name), one.unit)) for one in columns))
