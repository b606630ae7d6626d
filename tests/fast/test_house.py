"""The house keeps its own rules: rooms, pages, decisions, light imports, public names."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import bibtexparser
import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "src" / "dure"

FORBIDDEN_ROOMS = {"common", "helper", "helpers", "misc", "util", "utils"}
HEAVY = ("numpy", "torch", "botorch", "pybamm", "django", "pint", "matplotlib", "pandas", "scipy")


def rooms() -> dict[str, Path]:
    """Every room of the library and the file that is its public face."""
    found = {path.stem: path for path in LIBRARY.glob("*.py") if not path.stem.startswith("__")}
    found |= {path.parent.name: path for path in LIBRARY.glob("*/__init__.py")}
    return found


def sources() -> Iterator[Path]:
    for folder in ("src", "tests", "benchmarks", "examples"):
        yield from (ROOT / folder).rglob("*.py")


def test_the_architecture_page_and_the_rooms_agree():
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = page.split("## Rooms", 1)[1].split("\n## ", 1)[0]
    listed = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == set(rooms())


def test_every_room_has_a_place_in_the_layers():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    placed = {room.strip(" ()") for layer in layers for room in layer.split("|")}
    assert placed == set(rooms())


def test_no_room_is_a_drawer_for_everything():
    named = {part for path in sources() for part in (*path.relative_to(ROOT).parts[1:-1], path.stem)}
    assert not named & FORBIDDEN_ROOMS


@pytest.mark.parametrize("module", ["dure", "dure.cli"])
def test_importing_is_light(module: str):
    code = f"import sys, {module}; print(*sorted(set({HEAVY!r}) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [], (
        f"import {module} pulls in {done.stdout.strip()}; import it inside the function that needs it"
    )


def _public_names(face: Path) -> set[str]:
    """Names a reader can import from a room: what its face defines, and what it takes from the room's own files.

    A face that loads late declares the same names under ``if TYPE_CHECKING``.
    """
    names: set[str] = set()
    package = "dure." + face.parent.name if face.name == "__init__.py" else None
    top = ast.parse(face.read_text(encoding="utf-8")).body
    for node in [*top, *(inner for branch in top if isinstance(branch, ast.If) for inner in branch.body)]:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.ImportFrom) and package and (node.level or (node.module or "").startswith(package + ".")):
            names |= {alias.asname or alias.name for alias in node.names}
    return {name for name in names if not name.startswith("_")}


def _declared(face: Path) -> list[str]:
    for node in ast.parse(face.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return [str(name) for name in ast.literal_eval(node.value)]
    return []


@pytest.mark.parametrize("room", sorted(rooms()))
def test_public_names_of_a_room_are_declared(room: str):
    face = rooms()[room]
    declared = _declared(face)
    assert len(declared) == len(set(declared))
    # "_" is gettext's own name; ruff (RUF022) keeps the order
    assert _public_names(face) == set(declared) - {"_"}


HEADINGS = ["Status", "Context", "Decision", "Consequences"]
DECISIONS = sorted((ROOT / "docs/explain/decisions").glob("[0-9]*.md"))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_is_one_page_with_four_headings(page: Path):
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert len(text.split()) <= 500


def test_decisions_are_numbered_without_gaps():
    assert DECISIONS
    assert [page.name[:4] for page in DECISIONS] == [f"{number:04d}" for number in range(1, len(DECISIONS) + 1)]


def test_links_between_pages_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changes").glob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("page", sorted((ROOT / "changes").glob("[0-9]*.md")), ids=lambda page: page.stem)
def test_a_change_fragment_is_named_by_issue_and_kind(page: Path):
    assert re.fullmatch(r"\d+\.(feature|bugfix|change|removal)(\.\d+)?\.md", page.name)
    assert page.read_text(encoding="utf-8").strip()


def test_one_list_of_references_serves_library_and_reader():
    assert (ROOT / "references.bib").resolve() == LIBRARY / "references.bib"


def test_references_are_complete_enough_to_be_found():
    library = bibtexparser.parse_file(str(ROOT / "references.bib"))
    assert library.failed_blocks == []
    for entry in library.entries:
        fields = entry.fields_dict
        assert re.fullmatch(r"[A-Za-z]+\d{4}[a-z]?", entry.key)
        assert {"title", "author", "year"} <= fields.keys(), entry.key
        assert fields["year"].value == entry.key.rstrip("abcdef")[-4:], entry.key
        assert fields.keys() & {"journal", "booktitle", "publisher", "institution", "url"}, entry.key
        if "doi" in fields:
            assert re.fullmatch(r"10\.\d{4,9}/\S+", fields["doi"].value), entry.key
