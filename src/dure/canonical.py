"""The one encoding of a value that is ever hashed: RFC 8785, the JSON Canonicalization Scheme."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import rfc8785

from dure.errors import ValueRefused
from dure.i18n import _

__all__ = ["JSON", "canonical", "digest", "parse"]

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

_EXACT = 2**53
"""Whole numbers from here on are doubles in JSON, and RFC 8785 refuses them as integers."""


def canonical(value: JSON) -> bytes:
    """The bytes of ``value``: dictionaries with text keys, lists, text, booleans, None and finite numbers.

    Raises:
        ValueRefused: NaN, an infinity, an integer beyond 2^53 or an object that JSON does not have.
    """
    try:
        return rfc8785.dumps(value)
    except ValueError as error:
        raise ValueRefused(
            _(
                "cannot be recorded: {cause}. Allowed are finite numbers (integers below 2^53), text, true, false, none, "
                "lists and dictionaries with text keys; leave out what was not measured."
            ).format(cause=error)
        ) from None


def digest(value: JSON) -> str:
    """SHA-256 of ``canonical(value)``, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def parse(text: str) -> JSON:
    """The value of a JSON ``text``, such that ``canonical`` gives a canonical text back unchanged."""
    value: JSON = _decoder.decode(text)
    return value


def _whole(digits: str) -> int | float:
    number = int(digits)
    return number if -_EXACT < number < _EXACT else float(digits)


_decoder = json.JSONDecoder(parse_int=_whole)
