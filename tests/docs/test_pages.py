"""Every code block of the pages runs, or the page says why not.

Blocks of a page run from top to bottom in one empty folder. ``python`` blocks are scripts of their own. In ``console`` blocks the
lines after ``$`` are commands and must end with exit code 0; ``bash`` blocks are run as they stand. An HTML comment above the
block changes that:

    <!-- not run: needs a cluster -->      the reason why it is not run here
    <!-- file: mine.py -->                 the block is the content of that file, used by blocks further down
    <!-- exit: 0, 3 -->                    other exit codes are fine too (3: refuted or inconclusive)

A translation with the very blocks of its original is not run a second time.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [page for page in (ROOT / "README.md", ROOT / "README.ko.md", *sorted((ROOT / "docs").rglob("*.md"))) if page.exists()]
RUN = {"python", "console", "bash"}
SHOWN = {"text", "toml", "json", "bibtex", "html", "mermaid"}

BLOCK = re.compile(
    r"(?:^<!-- (?P<order>not run|file|exit): (?P<word>.+?) -->\n+)?^```(?P<language>[^\n]*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    line: int
    language: str
    body: str
    order: str | None
    word: str

    @property
    def exits(self) -> set[int]:
        return {int(code) for code in self.word.split(",")} if self.order == "exit" else {0}

    def command(self) -> list[str]:
        if self.language == "python":
            return [sys.executable, "-c", self.body]
        text = self.body
        if self.language == "console":
            joined = text.replace("\\\n", " ")
            text = "\n".join(line[2:] for line in joined.splitlines() if line.startswith("$ "))
        return ["bash", "-euo", "pipefail", "-c", text]


def blocks(page: str) -> Iterator[Block]:
    for found in BLOCK.finditer(page):
        line = page.count("\n", 0, found.start("language")) + 1
        yield Block(line, found["language"].strip(), found["body"], found["order"], found["word"] or "")


def run_elsewhere(page: Path) -> bool:
    """Whether it is a translation of a page with the same blocks."""
    original = page.with_name(page.name.replace(".ko.md", ".md"))
    if original == page or not original.exists():
        return False
    own, others = (
        [(one.body, one.word) for one in blocks(some.read_text(encoding="utf-8")) if one.order == "file" or one.language in RUN]
        for some in (page, original)
    )
    return own == others


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_run(page: Path, tmp_path: Path):
    if run_elsewhere(page):
        return
    home = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{home}{os.pathsep}{os.environ['PATH']}", "BROWSER": "true"}
    for block in blocks(page.read_text(encoding="utf-8")):
        where = f"{page.relative_to(ROOT)}:{block.line}"
        assert block.language in RUN | SHOWN, f"{where}: name the block's language, one of {sorted(RUN | SHOWN)}"
        if block.order == "file":
            (tmp_path / block.word).write_text(block.body, encoding="utf-8")
        elif block.order != "not run" and block.language in RUN:
            done = subprocess.run(block.command(), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode in block.exits, (
                f"{where}: exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
            )


def test_only_a_translation_with_the_same_blocks_is_not_run(tmp_path: Path):
    original, translation = tmp_path / "page.md", tmp_path / "page.ko.md"
    original.write_text("One.\n```bash\ntrue\n```\n", encoding="utf-8")
    translation.write_text("하나.\n```bash\ntrue\n```\n```text\n답\n```\n", encoding="utf-8")
    assert run_elsewhere(translation)
    assert not run_elsewhere(original)
    translation.write_text("하나.\n```bash\nfalse\n```\n", encoding="utf-8")
    assert not run_elsewhere(translation)


def test_blocks_are_read_as_written():
    page = (
        "a\n<!-- not run: slow -->\n```python\n1/0\n```\n"
        "```console\n$ echo one \\\n  two\none two\n$ true\n```\n\n"
        "<!-- exit: 0, 3 -->\n\n```bash\nexit 3\n```\n"
    )
    first, second, third = blocks(page)
    assert (first.order, first.word, first.language, first.line) == ("not run", "slow", "python", 3)
    assert second.command()[-1] == "echo one    two\ntrue"
    assert third.exits == {0, 3}
