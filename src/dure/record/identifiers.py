"""Identifiers of people, institutions and licences: checked by their own check digits and lists, without a network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from dure.errors import InputError
from dure.i18n import _

__all__ = ["KOGL", "Licence", "licence", "orcid", "ror"]

KOGL = {f"LicenseRef-KOGL-{number}": f"https://www.kogl.or.kr/info/licenseType{number}.do" for number in range(1, 5)}
"""공공누리, the Korea Open Government Licence, which the SPDX list does not have: identifier and where its terms stand."""

_ROR = re.compile(r"(?:https://ror\.org/)?(0[0-9a-hj-km-np-tv-z]{6})([0-9]{2})", re.ASCII)
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def orcid(text: str) -> str:
    """The ORCID iD as ``https://orcid.org/0000-...``.

    Raises:
        InputError: it has another form, or its check digit (ISO 7064 MOD 11-2) is wrong.
    """
    import idutils

    if not idutils.is_orcid(text):
        raise InputError(
            _("{given!r} is no ORCID iD; write it like 0000-0002-1825-0097 and look at its digits").format(given=text)
        )
    return f"https://orcid.org/{idutils.normalize_orcid(text)}"


def ror(text: str) -> str:
    """The ROR ID of an institution as ``https://ror.org/0...``.

    Raises:
        InputError: it has another form, or its check digits (ISO 7064 MOD 97-10 over base 32) are wrong.
    """
    found = _ROR.fullmatch(text)
    number = 0
    for letter in found[1] if found else "":
        number = number * 32 + _CROCKFORD.index(letter)
    if not found or 98 - number * 100 % 97 != int(found[2]):
        raise InputError(
            _("{given!r} is no ROR ID; write it like https://ror.org/04h9pn542 and look at its letters").format(given=text)
        )
    return f"https://ror.org/{found[1]}{found[2]}"


@dataclass(frozen=True)
class Licence:
    """``id`` is an SPDX expression, or the identifier of a KOGL type; ``url`` is where its terms stand."""

    id: str
    url: str


def licence(text: str) -> Licence:
    """The licence called ``text``: an SPDX expression, or LicenseRef-KOGL-1 to -4.

    Raises:
        InputError: the list has no such licence.
    """
    if text in KOGL:
        return Licence(text, KOGL[text])
    found = _spdx().validate(text)
    if not text or found.errors:
        raise InputError(
            _(
                "{given!r} is no licence; give an SPDX identifier such as CC-BY-4.0, CC0-1.0 or Apache-2.0, or one of {ours}"
            ).format(given=text, ours=", ".join(KOGL))
        )
    return Licence(found.normalized_expression, f"https://spdx.org/licenses/{re.split(r'[ ()]', found.normalized_expression)[0]}")


@cache
def _spdx() -> Any:
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()
