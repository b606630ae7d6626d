"""Tables of results on the pages are the committed results, to the letter."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
MARK = re.compile(r"^<!-- results: (\w+) -->\n\n((?:\|.*\n)*)\n?([^\n]*)", re.MULTILINE)
SHOWN = [
    (page, *found.groups()) for page in sorted(ROOT.glob("docs/**/*.md")) for found in MARK.finditer(page.read_text("utf-8"))
]


@pytest.mark.parametrize(("page", "name", "table", "line"), SHOWN, ids=[f"{page.name}-{name}" for page, name, *_rest in SHOWN])
def test_a_page_shows_the_committed_table_with_machine_and_date(page: Path, name: str, table: str, line: str):
    result = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    assert table.strip() == result["table"], f"put the table of benchmarks/results/{name}.json into {page.relative_to(ROOT)}"
    assert result["date"] in line
    assert result["machine"]["cpu"] in line


def test_some_page_shows_results():
    assert SHOWN
