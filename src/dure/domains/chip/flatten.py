"""Model cards as plain numbers, cut to the bins a design uses.

The whole library takes minutes to load and a device's own files take seconds; the few cards that a design needs, with every
expression worked out, take milliseconds. The mismatch terms are left out here: ``Cards.sigma`` says what they would be.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from pathlib import Path

from dure.cache import cache
from dure.domains.chip.pdk import Kind, Process
from dure.errors import ProblemError
from dure.i18n import _

__all__ = ["Card", "cards", "cut"]

_PARAMETER = re.compile(r"(\w+)\s*=\s*([-+.\deE]+)(?![\w.({])")
_ASSIGNMENT = re.compile(r"(\w+)\s*=\s*(\{[^}]*\}|[^\s{]+)")
_MISMATCH = re.compile(r"\+MC_MM_SWITCH\*AGAUSS\([^)]*\)\*\((.*)\)")
_SLOPE = re.compile(r"\w+__vth0_slope\d*")
_TERM = re.compile(r"[-+]?(?:[\d.]+(?:[eE][-+]?\d+)?|[A-Za-z_]\w*)")
_LINE = 118
_SLACK = (1 - 1e-9, 1 + 1e-9)


@dataclass(frozen=True)
class Card:
    """One bin: ``lmin <= L < lmax`` and ``wmin <= W < wmax`` per finger, in metres.

    Thresholds spread by ``slope``, V m, over the root of the gate's area, of which ``lost`` is the length that does not count
    and ``gained`` the width that counts besides.
    """

    lmin: float
    lmax: float
    wmin: float
    wmax: float
    slope: float
    text: str
    lost: float = 0.0
    gained: float = 0.0

    def covers(self, width: float, length: float) -> bool:
        """Whether a finger of this size falls into the bin; the lower edge belongs to it."""
        return self.lmin <= length < self.lmax and self.wmin <= width < self.wmax


@lru_cache(maxsize=32)
def cards(process: Process, kind: Kind, corner: str) -> tuple[Card, ...]:
    """All bins of a kind of transistor at a corner, made once from the fetched models and kept in the cache by their hash.

    Raises:
        MissingPart: the models were not fetched yet.
        ProblemError: the model text is not of the shape this was written for.
    """
    texts = process.texts(kind, corner)
    key = hashlib.sha256("\n".join([Path(__file__).read_text("utf-8"), *texts]).encode()).hexdigest()
    kept = cache() / "flat" / f"{process.name}-{kind}-{corner}-{key[:16]}.json"
    if kept.exists():
        return tuple(Card(**values) for values in json.loads(kept.read_text("utf-8")))
    made = tuple(_cards(texts))
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=kept.parent, delete=False, encoding="utf-8") as draft:
        json.dump([vars(one) for one in made], draft)
    os.replace(draft.name, kept)
    return made


def cut(process: Process, kind: Kind, corner: str, sizes: Iterable[tuple[float, float]]) -> str:
    """The model cards for fingers of these (W, L) in metres.

    Raises:
        ProblemError: a size lies in no bin.
    """
    every = cards(process, kind, corner)
    used: set[int] = set()
    for width, length in sizes:
        # On an edge, which ngspice compares with a little slack, a size gets its neighbours.
        near = [(width * off, length * other) for off in _SLACK for other in _SLACK]
        found = {number for number, card in enumerate(every) if any(card.covers(*size) for size in near)}
        if not found:
            raise ProblemError(
                _("no model of {device} covers a finger of W={width:g} m and L={length:g} m").format(
                    device=process.card(kind), width=width, length=length
                )
            )
        used |= found
    # Where two neighbours cover a size, their order decides which of them ngspice takes.
    return "\n".join(every[number].text for number in sorted(used))


def _cards(texts: Sequence[str]) -> Iterable[Card]:
    *parameters, model = texts
    names: dict[str, float] = {}
    head, *blocks = re.split(r"^(?=\.model )", model, flags=re.MULTILINE)
    for text in (*parameters, head):
        plain = "\n".join(line for line in text.splitlines() if not line.startswith("*"))
        names |= {name.lower(): float(value) for name, value in _PARAMETER.findall(plain)}
    if not blocks:
        raise ProblemError(_("there is no model card in what was to be cut to its bins"))
    for block in blocks:
        yield _card(block, names)


def _card(block: str, names: dict[str, float]) -> Card:
    first, *rest = [line for line in block.splitlines() if line and not line.startswith("*")]
    continued = " ".join(line.removeprefix("+") for line in takewhile(lambda line: line.startswith("+"), rest))
    # GF180 states one slope a transistor, SKY130 one in each card's own mismatch term.
    values, slope = {}, 0.7071e-6 * names.get("par_vth", 0.0)
    for name, given in _ASSIGNMENT.findall(continued):
        if name == "vth0" and (term := _MISMATCH.search(given)) and (named := _SLOPE.search(term[1])):
            slope = names[named[0].lower()] * 1e-6
        values[name] = _number(given, names)
    lines, line = [first], "+"
    for name, value in values.items():
        word = f" {name}={value:.10g}"
        if len(line) + len(word) > _LINE:
            lines, line = [*lines, line], "+"
        line += word
    lmin, lmax, wmin, wmax = (values[edge] for edge in ("lmin", "lmax", "wmin", "wmax"))
    lost, gained = names.get("par_l", 0.0), -names.get("par_w", 0.0)
    return Card(lmin, lmax, wmin, wmax, slope, "\n".join([*lines, line]), lost, gained)


def _number(given: str, names: dict[str, float]) -> float:
    """A number, or a sum of numbers and parameters; the mismatch term counts as zero."""
    try:
        return float(given)
    except ValueError:
        text = _MISMATCH.sub("", given.strip("{}")).replace(" ", "")
    terms = _TERM.findall(text)
    if "".join(terms) != text:
        raise ProblemError(_("model expression {text} is no sum of numbers and parameters").format(text=given))
    return math.fsum(_term(term, names) for term in terms)


def _term(term: str, names: dict[str, float]) -> float:
    sign, bare = (-1.0 if term.startswith("-") else 1.0), term.lstrip("+-")
    return sign * (names[bare.lower()] if bare[0].isalpha() or bare[0] == "_" else float(bare))
