"""Where bytes lie: one interface, local files for now. Names are the server's own: the owner and the hash."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from uuid import uuid4

from django.conf import settings

from dure.errors import DureError, InputError, VerificationFailed
from dure.i18n import _

__all__ = ["PARTS_LAST", "Elsewhere", "LocalStore", "Occupied", "Store", "store"]

PARTS_LAST = 7 * 86_400
"""Seconds after which bytes that nothing was added to may be dropped."""

_BLOCK = 1 << 20


class Elsewhere(DureError):
    """Bytes were to be added at another place than where those that arrived end."""


class Occupied(DureError):
    """Somebody else is adding to the same bytes at this moment."""


class Store(Protocol):
    """Keeps bytes by owner and hash; what was put is on the disk before ``put`` returns."""

    def put(self, owner: int, sha256: str, blocks: Iterable[bytes], most: int) -> int:
        """Keep the bytes if they have that hash; how many there are. Refuses more than ``most``."""

    def open(self, owner: int, sha256: str) -> BinaryIO:
        """The bytes, for reading."""

    def begin(self, owner: int, sha256: str, length: int) -> None:
        """Make room for that many bytes, to arrive piece by piece; what had arrived of them is dropped."""

    def arrived(self, owner: int, sha256: str) -> tuple[int, int] | None:
        """How many bytes are there of how many; None when none are awaited."""

    def append(self, owner: int, sha256: str, offset: int, blocks: Iterable[bytes]) -> int:
        """Add bytes at ``offset``, where those before end; where these end. The last of them make the bytes as ``put`` does."""

    def drop(self, owner: int, sha256: str) -> None:
        """Await no more bytes, and drop what arrived."""


class LocalStore:
    """Files in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path(self, owner: int, sha256: str) -> Path:
        """Where the bytes lie."""
        return self._root / str(owner) / sha256[:2] / sha256

    def put(self, owner: int, sha256: str, blocks: Iterable[bytes], most: int) -> int:
        """See ``Store``.

        Raises:
            InputError: the bytes have another hash, or are too many; nothing is kept.
        """
        target, hasher, count = self.path(owner, sha256), hashlib.sha256(), 0
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f"{uuid4().hex}.draft")
        try:
            with draft.open("xb") as stream:
                for block in blocks:
                    count += len(block)
                    if count > most:
                        raise InputError(_("a file may have at most {most} bytes").format(most=most))
                    hasher.update(block)
                    stream.write(block)
                stream.flush()
                os.fsync(stream.fileno())
            if hasher.hexdigest() != sha256:
                raise InputError(_("what arrived does not have the hash {sha256}; send it again").format(sha256=sha256))
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        return count

    def open(self, owner: int, sha256: str) -> BinaryIO:
        """See ``Store``."""
        return self.path(owner, sha256).open("rb")

    def check(self, owner: int, sha256: str) -> None:
        """Read the bytes once more.

        Raises:
            VerificationFailed: they are missing, or have another hash.
        """
        try:
            with self.path(owner, sha256).open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            found = str(error.strerror)
        if found != sha256:
            raise VerificationFailed(_("the file {sha256} is not what was uploaded: {found}").format(sha256=sha256, found=found))

    def _part(self, owner: int, sha256: str) -> Path | None:
        """The file of what has arrived; how much is awaited stands in its name."""
        return next((self._root / str(owner) / "parts").glob(f"{sha256}.*"), None)

    def begin(self, owner: int, sha256: str, length: int) -> None:
        """See ``Store``; parts of the same owner that were given up are dropped on the way."""
        folder = self._root / str(owner) / "parts"
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.iterdir():
            if part.name.startswith(sha256) or part.stat().st_mtime < time.time() - PARTS_LAST:
                part.unlink(missing_ok=True)
        (folder / f"{sha256}.{length}").touch()

    def arrived(self, owner: int, sha256: str) -> tuple[int, int] | None:
        """See ``Store``."""
        part = self._part(owner, sha256)
        return None if part is None else (part.stat().st_size, int(part.suffix[1:]))

    def append(self, owner: int, sha256: str, offset: int, blocks: Iterable[bytes]) -> int:
        """See ``Store``.

        Raises:
            Elsewhere: the bytes that arrived do not end at ``offset``, or none are awaited.
            Occupied: another call is adding to them.
            InputError: there are more than were awaited, or all of them have another hash, and then nothing is kept.
        """
        part = self._part(owner, sha256)
        if part is None:
            raise Elsewhere
        length, target = int(part.suffix[1:]), self.path(owner, sha256)
        with _alone(part) as stream:
            if stream.seek(0, os.SEEK_END) != offset:
                raise Elsewhere
            hasher, count = _hashed(part, offset), offset
            for block in blocks:
                count += len(block)
                if count > length:
                    stream.truncate(offset)
                    raise InputError(_("there are more bytes than the {length} that were announced").format(length=length))
                hasher.update(block)
                stream.write(block)
            stream.flush()
            os.fsync(stream.fileno())
            if count < length:
                _HASHED[part] = count, hasher
            elif hasher.hexdigest() != sha256:
                part.unlink()
                raise InputError(_("what arrived does not have the hash {sha256}; send it again").format(sha256=sha256))
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                part.replace(target)
        return count

    def drop(self, owner: int, sha256: str) -> None:
        """See ``Store``."""
        if (part := self._part(owner, sha256)) is not None:
            part.unlink(missing_ok=True)
            _HASHED.pop(part, None)


_HASHED: dict[Path, tuple[int, Any]] = {}
"""Of parts that this process added to: how far they are hashed, so that no byte is read again."""


def _hashed(part: Path, offset: int) -> Any:
    """The hash of the first ``offset`` bytes, to go on from."""
    known, hasher = _HASHED.pop(part, (0, None))
    if hasher is not None and known == offset:
        return hasher
    hasher = hashlib.sha256()
    with part.open("rb") as stream:
        while block := stream.read(_BLOCK):
            hasher.update(block)
    return hasher


@contextmanager
def _alone(part: Path) -> Iterator[BinaryIO]:
    """The part, for adding to, by one caller at a time."""
    try:
        with part.open("r+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(stream.fileno()), part.stat()):  # it became the bytes, or began anew, meanwhile
                raise Elsewhere
            yield stream
    except FileNotFoundError:
        raise Elsewhere from None
    except BlockingIOError:
        raise Occupied from None


def store() -> Store:
    """The store of this hub."""
    return LocalStore(Path(settings.HOME) / "files")
