"""Which files a record may hold: an allow-list, checked by name and by first bytes. What could run when loaded is refused."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from dure.errors import InputError
from dure.i18n import _

__all__ = ["FORMATS", "HEAD", "MOST_FILES", "File", "check_head", "check_path", "look"]

HEAD: Final = 4096
"""How many first bytes decide whether a file is what its name says."""

MOST_FILES: Final = 10_000

# Ending: media type, and the bytes such a file begins with; None where it is text.
FORMATS: Final[dict[str, tuple[str, tuple[bytes, ...] | None]]] = {
    ".bib": ("application/x-bibtex", None),
    ".cir": ("text/plain", None),
    ".csv": ("text/csv", None),
    ".html": ("text/html", None),
    ".json": ("application/json", None),
    ".jsonl": ("application/jsonl", None),
    ".log": ("text/plain", None),
    ".md": ("text/markdown", None),
    ".onnx": ("application/octet-stream", (b"\x08",)),
    ".parquet": ("application/vnd.apache.parquet", (b"PAR1",)),
    ".pdf": ("application/pdf", (b"%PDF-",)),
    ".png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    ".safetensors": ("application/octet-stream", ()),
    ".sdf": ("chemical/x-mdl-sdfile", None),
    ".smi": ("chemical/x-daylight-smiles", None),
    ".spice": ("text/plain", None),
    ".sqlite": ("application/vnd.sqlite3", (b"SQLite format 3\x00",)),
    ".toml": ("application/toml", None),
    ".tsv": ("text/tab-separated-values", None),
    ".txt": ("text/plain", None),
    ".xyz": ("chemical/x-xyz", None),
    ".yaml": ("application/yaml", None),
}

_MOST_LETTERS = 240
_RUNS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_TOO_LONG_HEADER = 100_000_000
_CONTROL = re.compile(rb"[\x00-\x1f]")
"""What nobody's library writes into a header, and pickles need for most names of what they call."""


@dataclass(frozen=True, order=True)
class File:
    """A file of a record: its path in it, the SHA-256 of its bytes in hexadecimal, how many there are, the media type."""

    path: str
    sha256: str
    bytes: int
    format: str


def check_path(path: str) -> str:
    """The media type of a file called ``path`` within a record.

    Raises:
        InputError: the path could lead out of the record or be read differently elsewhere, or no such files are taken.
    """
    parts = path.split("/")
    plain = path == unicodedata.normalize("NFC", path) and path.isprintable() and not re.search(r'[\\:*?"<>|]', path)
    if not plain or len(path) > _MOST_LETTERS or any(part in ("", ".", "..") or part[-1] in " ." for part in parts):
        raise InputError(
            _(
                "{path!r} cannot be a file's path in a record: at most {most} letters, parted by /, without .. and without the "
                "letters some systems cannot have"
            ).format(path=path, most=_MOST_LETTERS)
        )
    found = FORMATS.get(PurePosixPath(path).suffix.lower())
    if found is None:
        raise InputError(
            _(
                "{path}: files of this kind are not taken, because loading some of them runs code. Taken are {known}. "
                "Save models as safetensors or ONNX, tables as Parquet or CSV"
            ).format(path=path, known=" ".join(FORMATS))
        )
    return found[0]


def check_head(path: str, head: bytes) -> None:
    """Refuse a file whose first bytes (up to ``HEAD``) are not what its name promises.

    Raises:
        InputError: saying so; a pickle under another name is called one.
    """
    begins = FORMATS[PurePosixPath(path).suffix.lower()][1]
    if begins is None:
        try:
            head[: len(head) - 3 if len(head) == HEAD else None].decode()
        except UnicodeDecodeError as error:
            sound = error.start > len(head) - 8 and len(head) == HEAD
        else:
            sound = True
        sound = sound and b"\0" not in head
    elif path.lower().endswith(".safetensors"):
        sound = _begins_safely(head)
    else:
        sound = head.startswith(begins)
    if not sound and head.startswith(_RUNS):
        raise InputError(_("{path} is a pickle, which runs code when it is loaded; save it in another format").format(path=path))
    if not sound:
        raise InputError(_("{path} is not what its name says; rename it, or save it again in that format").format(path=path))


def _begins_safely(head: bytes) -> bool:
    """Whether safetensors begins so: a header's length, which may look as a pickle begins, and as much of it as is there."""
    length = int.from_bytes(head[:8], "little")
    if not 0 < length < _TOO_LONG_HEADER or head[8:10] not in (b'{"', b"{}") or _CONTROL.search(head[8 : 8 + length]):
        return False
    if length > len(head) - 8:
        return len(head) == HEAD
    try:
        return isinstance(json.loads(head[8 : 8 + length]), dict)
    except (ValueError, RecursionError):
        return False


def look(root: Path, names: Iterable[str]) -> list[File]:
    """The files ``names`` below ``root``, hashed, in order of their paths.

    Raises:
        InputError: one of them cannot be part of a record, two differ in case only, or there are too many.
    """
    found = [_file(root, name) for name in sorted(names)]
    folded = [one.path.casefold() for one in found]
    if len(set(folded)) < len(folded):
        twice = next(one.path for number, one in enumerate(found) if folded.index(one.path.casefold()) < number)
        raise InputError(_("{path}: two files differ only in large and small letters; rename one").format(path=twice))
    if len(found) > MOST_FILES:
        raise InputError(_("a record holds at most {most} files, not {given}").format(most=MOST_FILES, given=len(found)))
    return found


def _file(root: Path, name: str) -> File:
    kind, path, hasher = check_path(name), root / name, hashlib.sha256()
    try:
        with path.open("rb") as stream:
            check_head(name, stream.read(HEAD))
            stream.seek(0)
            while block := stream.read(1 << 20):
                hasher.update(block)
            return File(name, hasher.hexdigest(), stream.tell(), kind)
    except OSError as error:
        raise InputError(_("{path} cannot be read: {cause}").format(path=path, cause=error.strerror)) from None
