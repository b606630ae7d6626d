"""Every message for people is in the Korean catalogue, translated, and compiled; placeholders survive translation."""

from __future__ import annotations

import string
import tomllib
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from dure import i18n

ROOT = Path(__file__).parents[2]
LOCALE = ROOT / "src/dure/i18n/locale"
TRANSLATED = [code for code in i18n.LANGUAGES if code != "en"]
FIX = "run `make catalogue`, translate what is empty or fuzzy in the .po, run it again"


@cache
def messages() -> frozenset[str]:
    """Every message the library can say, as `make catalogue` extracts them."""
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["babel"]["mappings"]
    methods = [(mapping["pattern"], mapping["method"]) for mapping in mappings]
    found = [
        each
        for package in ("dure", "durehub")
        for each in extract_from_dir(ROOT / "src" / package, method_map=methods, keywords=DEFAULT_KEYWORDS)
    ]
    return frozenset(message for _file, _line, message, _comments, _context in found if isinstance(message, str))


@cache
def po(code: str) -> Catalog:
    with (LOCALE / code / "LC_MESSAGES/dure.po").open("rb") as file:
        return read_po(file, locale=code, domain="dure")


@cache
def mo(code: str) -> Catalog:
    with (LOCALE / code / "LC_MESSAGES/dure.mo").open("rb") as file:
        return read_mo(file)


def test_messages_are_found_at_all():
    # a wrong pattern would make the other tests pass on nothing; this message stands in dure.errors
    assert "Did you mean {names}?" in messages()


@pytest.mark.parametrize("code", TRANSLATED)
def test_nothing_is_missing_or_fuzzy(code: str):
    ready = {entry.id for entry in po(code) if entry.id and entry.string and not entry.fuzzy}
    missing = sorted(messages() - ready)
    assert not missing, f"{len(missing)} messages not in {code}, first {missing[:3]}: {FIX}"


@pytest.mark.parametrize("code", TRANSLATED)
def test_nothing_is_left_over(code: str):
    left = sorted({str(entry.id) for entry in po(code) if entry.id} - messages())
    assert not left, f"no longer said anywhere: {left[:3]}: {FIX}"


@pytest.mark.parametrize("code", TRANSLATED)
def test_source_and_compiled_catalogue_agree(code: str):
    source = {entry.id: entry.string for entry in po(code) if entry.id and entry.string and not entry.fuzzy}
    assert {entry.id: entry.string for entry in mo(code) if entry.id} == source, FIX


def fields(text: str) -> set[str]:
    """Names of the placeholders that str.format would fill; none where braces are meant literally."""
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError:
        return set()
    return {name.split(".")[0].split("[")[0] for _text, name, _spec, _conversion in parsed if name}


@pytest.mark.parametrize("code", TRANSLATED)
def test_placeholders_survive_translation(code: str):
    wrong = [
        entry.id
        for entry in po(code)
        if isinstance(entry.id, str)
        and isinstance(entry.string, str)
        and entry.string
        and fields(entry.id) != fields(entry.string)
    ]
    assert wrong == []
