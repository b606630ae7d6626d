"""The page of verification is computed again: every difference lies within what is allowed, and the page says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.reactor import checks, page

PAGE = Path(__file__).parents[2] / "docs" / "explain" / "core-verification.md"
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def test_every_difference_lies_within_what_is_allowed():
    for one in checks():
        assert abs(one.difference) <= one.within, one


def test_the_page_says_what_is_computed(request: pytest.FixtureRequest):
    now = page()
    if request.config.getoption("--rewrite-golden"):
        PAGE.write_text(now, encoding="utf-8")
    then = PAGE.read_text(encoding="utf-8")
    assert NUMBER.sub("#", then) == NUMBER.sub("#", now), "make golden rewrites the page"
    kept, found = ([float(number) for number in NUMBER.findall(text)] for text in (then, now))
    # the last digits are a processor's own; differences are printed to a hundredth
    assert kept == pytest.approx(found, rel=2e-5, abs=0.02)
