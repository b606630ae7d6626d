"""Finding texts in Korean: recall and precision over questions of every kind, and what each rule of the tokeniser is for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate, pairwise
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fast import hub_home
from tests.fast.korean_texts import STRAY, TEXTS, questions

pytestmark = pytest.mark.needs("django", "snowballstemmer")


@pytest.fixture(scope="module")
def filled() -> Iterator[None]:
    hub_home.ready()
    from durehub.catalogue import index

    with hub_home.undone():
        index.enter((number + 1, text, "") for number, text in enumerate(TEXTS))
        yield


def found(question: str, *, raw: bool = False) -> set[int]:
    from durehub.catalogue import index
    from durehub.catalogue.models import Words
    from durehub.catalogue.terms import terms

    asked = index.holding([one.raw if raw else one for one in terms(question)])
    return {place - 1 for place in Words.objects.filter(terms__holds=asked).values_list("pk", flat=True)}


def test_recall_and_precision_over_all_kinds_of_questions(filled: None):
    asked = questions()
    assert len(asked) >= 300
    scores: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in asked:
        hits = found(one.text)
        right = len(hits & one.answers)
        scores[one.kind].append((right / len(one.answers), right / len(hits) if hits else 0.0))
    for kind, pairs in scores.items():
        recall, precision = (sum(values) / len(values) for values in zip(*pairs, strict=True))
        print(f"{kind}: {len(pairs)} questions, recall {recall:.3f}, precision {precision:.3f}")
        assert recall >= 0.98, kind
        assert precision >= 0.90, kind


def test_syllables_that_straddle_a_space_are_no_hit(filled: None):
    for question in ("전지", "원자로", "상전이", "고속로", "신뢰도"):
        assert not {TEXTS[number] for number in found(question, raw=True)} & set(STRAY), question


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("전고체전지", "전고체 전지에서"),
        ("전고체 전지", "전고체전지의"),
        ("SiC전력반도체", "SiC 전력반도체"),
        ("sic 전력 반도체", "SiC 전력반도체"),
    ],
)
def test_compounds_are_found_however_they_are_spaced(filled: None, question: str, text: str):
    assert any(text in TEXTS[number] for number in found(question))


@pytest.mark.parametrize("word", ["원자로", "반응로", "친화도", "용해도", "상전이", "초전도", "집적회로", "광도파로", "수송로"])
def test_a_noun_that_ends_like_a_particle_keeps_its_own_form_first(word: str):
    from durehub.catalogue.terms import stripped, terms

    (term,) = terms(word)
    assert stripped(word) != word
    assert term.raw.phrases[0][0] == tuple(first + second for first, second in pairwise(word))
    assert len(term.phrases) == 2


@pytest.mark.parametrize(
    ("word", "rest"),
    [("전해질에서의", "전해질"), ("회로", "회로"), ("셀은", "셀은"), ("전지를", "전지"), ("NMC811의", "NMC811의")],
)
def test_a_particle_comes_off_where_two_syllables_remain(word: str, rest: str):
    from durehub.catalogue.terms import stripped

    assert stripped(word) == rest


@settings(max_examples=30)
@given(text=st.text(max_size=60))
def test_whatever_is_typed_is_a_question_the_database_understands(filled: None, text: str):
    from durehub.catalogue.terms import bridged, separate, terms

    if terms(text):
        found(text)
    assert all(token == "_" or token.isalnum() for token in (*separate(text), *bridged(text)))


@settings(max_examples=30)
@given(text=st.sampled_from(TEXTS), start=st.integers(0, 40), length=st.integers(2, 12))
def test_any_words_of_a_text_find_it(filled: None, text: str, start: int, length: int):
    words = text.split()[start % len(text.split()) :][:length]
    assert TEXTS.index(text) in found(" ".join(words))


@given(
    gaps=st.lists(st.integers(1, 40), min_size=1, max_size=40),
    holds=st.lists(st.sampled_from(["온도", "압력", "온도 압력"]), min_size=40, max_size=40),
    start=st.none() | st.integers(0, 39),
    wanted=st.integers(1, 30),
)
@settings(max_examples=150, deadline=None)
def test_hits_come_whole_and_the_newest_first_however_few_rows_are_looked_at_at_once(gaps, holds, start, wanted):
    """PostgreSQL in stretches of two rows, of which at most six are walked: what a look at every row finds."""
    hub_home.ready()
    from django.db import connection

    from durehub.catalogue import index
    from durehub.catalogue.models import Words
    from durehub.catalogue.terms import terms

    places = list(accumulate(gaps))
    below = 2**62 if start is None else places[min(start, len(places) - 1)]
    few = {"_FIRST": 2, "_WALKED": 6, "_GROWTH": 2, "_ALL": 20, "_ENOUGH": 1, "_SOME": 3, "_MANY": 5}
    with hub_home.undone(), patch.multiple(index, **few):
        Words.objects.all().delete()
        index.enter((place, text, "") for place, text in zip(places, holds, strict=False))
        asked = index.holding(terms("온도"))
        if connection.vendor == "postgresql":
            found = [place for stretch in index.places(asked, below, wanted) for place in stretch]
        else:
            found = list(Words.objects.filter(terms__holds=asked, pk__lt=below).order_by("-pk").values_list("pk", flat=True))
    hits = [place for place, text in zip(places, holds, strict=False) if "온도" in text and place < below]
    assert found == hits[::-1]
