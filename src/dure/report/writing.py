"""Writing a report: everything is made first, then recorded, then put in place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dure
from dure.canonical import digest
from dure.errors import JournalReadOnly, UnknownName
from dure.i18n import LANGUAGES, _
from dure.i18n import language as spoken
from dure.journal import Journal
from dure.report.complexes import VIEWER, VIEWER_VERSION
from dure.report.dossier import Dossier
from dure.report.page import page
from dure.report.results import NAME, claims_file, results

__all__ = ["CLAIMS", "REPORT", "RESULTS", "made", "renderer", "write_report"]

REPORT, CLAIMS, RESULTS = "report.html", "claims.json", "results"

_DRAWN_BY = ("Jinja2", "MarkupSafe", "matplotlib", "numpy", "scipy")


def write_report(folder: Path, *, language: str | None = None) -> Path:
    """Write report.html, claims.json and results/ into the campaign's folder; the path of the page.

    All three are functions of the journal up to its newest conclusion, or up to now while there is none. What they hash to is
    recorded as an event ``reported`` before they take the place of earlier ones.

    Raises:
        UnknownName: there is no such language.
        InputError: the problem cannot be loaded here.
        JournalError: the journal cannot be read, another driver holds it, or the folder cannot be written.
    """
    code = language or spoken()
    if code not in LANGUAGES:
        raise UnknownName(_("language"), code, LANGUAGES)
    with Journal.open(folder) as journal:
        files = made(Dossier.read(journal), code)
        former: Any = next((event.payload for event in reversed(list(journal.events())) if event.kind == "reported"), {})
        drafts: dict[Path, Path] = {}
        try:
            for name, data in files.items():
                drafts[folder / name] = _draft(folder / name, data)
            journal.append("reported", _record(files, code))
            for target, draft in drafts.items():
                _faultless(target, lambda target=target, draft=draft: os.replace(draft, target))
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)
        for name in former.get("results", {}):
            if f"{RESULTS}/{name}" not in files and NAME.fullmatch(name):
                (folder / RESULTS / name).unlink(missing_ok=True)
    return folder / REPORT


def made(dossier: Dossier, language: str) -> dict[str, bytes]:
    """The files of a report by their path within the folder."""
    files = {f"{RESULTS}/{name}": data for name, data in results(dossier).files.items()}
    return files | {CLAIMS: claims_file(dossier), REPORT: page(dossier, language).encode()}


def renderer() -> dict[str, str]:
    """What decides how a dossier becomes a page: two equal ones give the same bytes."""
    root = Path(dure.__file__).parent
    kinds = (".py", ".html", ".css", ".mo", ".bib")
    files = sorted(path for path in root.rglob("*") if path.suffix in kinds)
    code = digest([[path.relative_to(root).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()] for path in files])
    return {name: version(name) for name in ("dure", *_DRAWN_BY)} | {"code": code, **_optional()}


def _optional() -> dict[str, str]:
    """What draws molecules, where it is there."""
    return {"rdkit": version("rdkit") if find_spec("rdkit") else "", VIEWER.name: VIEWER.found() and VIEWER_VERSION}


def _record(files: Mapping[str, bytes], language: str) -> dict[str, Any]:
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    prefix = f"{RESULTS}/"
    return {
        "language": language,
        "report": hashes[REPORT],
        "claims": hashes[CLAIMS],
        "results": {name.removeprefix(prefix): value for name, value in hashes.items() if name.startswith(prefix)},
        "versions": renderer(),
    }


def _draft(target: Path, data: bytes) -> Path:
    """``data`` on the disk beside its target, under another name."""
    draft = target.with_name(f".{target.name}.draft")

    def write() -> None:
        target.parent.mkdir(exist_ok=True)
        with draft.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())

    try:
        _faultless(target, write)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _faultless(target: Path, act: Any) -> None:
    try:
        act()
    except OSError as error:
        raise JournalReadOnly(
            _(
                "{file} cannot be written: {cause}. Earlier files were left as they are; free some space or make the folder "
                "writable, then write the report again."
            ).format(file=target, cause=error.strerror)
        ) from error
