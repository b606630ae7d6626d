"""Words for the index and for queries: Korean in overlapping pairs of syllables, other words whole.

Compounds are written joined or spaced at will, so each text goes into the index twice: once word by word, and once with
Hangul bridged over single spaces. Two or three syllables are looked for inside words only, where bridging would find pairs
that straddle a space; longer ones in the bridged form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

__all__ = ["GAP", "PARTICLES", "Term", "bridged", "separate", "stripped", "terms"]

GAP = "_"
"""Stands between words, so that no phrase reaches over."""

_LISTED = """
에서의 까지 부터의 들의 에서 으로 에는 에게 을 를 이 가 은 는 의 에 와 과 로 도 만 에서도 에서는
으로서 으로써 로서 로써 이라는 라는 이란 란 이며 며 이라도 라도 에게서 처럼 보다 만으로 마저 조차 부터
이나 나 든지 이든지 께서 한테 하고 이랑 랑 에의 으로의 로의 와의 과의 만의 까지의 에서만 으로만 로만
"""
PARTICLES = tuple(sorted(_LISTED.split(), key=len, reverse=True))
"""Case and topic particles, longest first."""

_NEEDLESS = "및 등 위한 대한 통한 관한 의한 따른 이용한 기반한 the of and for in on a an to with by"
_IDLE = frozenset(_NEEDLESS.split())
"""Words that a question can do without, as long as it has others."""

_LEAST_STEM = 2
_LONGEST_WITHIN = 3
_LEAST_ENGLISH = 4
_PIECES = re.compile(r"[가-힣]+|[^\W_가-힣]+")
_WORDS = re.compile(r"[^\W_]+")
# A word of one syllable belongs to the next as often as not: 핵 융합 is 핵융합.
_SINGLE = re.compile(r"(?<![^\W_])([가-힣]) (?=([가-힣]+))")
_MIXED = re.compile(r"[^\W\d_가-힣]+|\d+")


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


def _pairs(run: str) -> list[str]:
    if not "가" <= run[0] <= "힣":
        return [run]
    return ["".join(pair) for pair in pairwise(run)] or [run]


def _tokens(word: str) -> list[str]:
    return [token for run in _PIECES.findall(word) for token in _pairs(run)]


def _also(word: str) -> Iterator[str]:
    """Further forms a word of other letters is found by: the parts of a formula, the stem of an English word."""
    for run in _PIECES.findall(word):
        if "가" <= run[0] <= "힣":
            continue
        parts = _MIXED.findall(run)
        if len(parts) > 1:
            yield from parts
        elif run.isascii() and run.isalpha() and len(run) >= _LEAST_ENGLISH and _stem(run) != run:
            yield _stem(run)


@cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


@lru_cache(2**16)
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word))


def separate(text: str) -> list[str]:
    """The tokens of ``text`` word by word, ``GAP`` between words; further forms of its words at the end."""
    normal = _normal(text)
    words = _WORDS.findall(normal)
    joined = ["".join(found) for found in _SINGLE.findall(normal)]
    tokens = [token for word in (*words, *joined) for token in (*_tokens(word), GAP)]
    return tokens + [token for word in words for also in _also(word) for token in (also, GAP)]


def bridged(text: str) -> list[str]:
    """The tokens of ``text`` with single spaces left out, ``GAP`` where anything else stands between words."""
    tokens: list[str] = []
    for stretch in re.split(r"[^\w ]|_| {2,}", _normal(text)):
        joined = re.sub(r"(?<=[가-힣]) (?=[가-힣])", "", stretch)
        tokens += [*_tokens(joined), GAP] if joined.strip() else []
    return tokens


def stripped(word: str) -> str:
    """``word`` without its particle, where at least two syllables remain; otherwise as it is."""
    for particle in PARTICLES:
        rest = word.removesuffix(particle)
        if rest != word and len(rest) >= _LEAST_STEM and re.fullmatch("[가-힣]+", rest[-_LEAST_STEM:]):
            return rest
    return word


@dataclass(frozen=True)
class Term:
    """A word of a question: phrases of tokens, any of which will do, the words' own first; ``within``: inside words only."""

    phrases: tuple[tuple[tuple[str, ...], bool], ...]

    @property
    def raw(self) -> Term:
        """The word as it was written, and nothing else."""
        return Term(self.phrases[:1])


def terms(question: str) -> list[Term]:
    """What every hit must hold; none when the question has no words."""
    words = list(dict.fromkeys(_WORDS.findall(_normal(question))))
    needed = [word for word in words if word not in _IDLE] or words
    needed = _WORDS.findall(_SINGLE.sub(r"\1", " ".join(needed)))
    return [_term(word) for word in needed[:_MOST_WORDS]]


_MOST_WORDS = 16
_MOST_TOKENS = 40


def _term(word: str) -> Term:
    forms = [word, *([stripped(word)] if stripped(word) != word else [])]
    phrases = [(tuple(_tokens(form)[:_MOST_TOKENS]), _is_within(form)) for form in forms]
    phrases += [((stem,), True) for stem in _also(word) if stem.isalpha() and len(list(_also(word))) == 1]
    return Term(tuple(phrases))


def _is_within(word: str) -> bool:
    """Whether a word is too short to be looked for across spaces."""
    runs: Sequence[str] = _PIECES.findall(word)
    return len(runs) == 1 and (len(word) <= _LONGEST_WITHIN or not "가" <= word[0] <= "힣")
