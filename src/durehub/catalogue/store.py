"""Where bytes lie: one interface, local files for now. Names are the server's own: the owner and the hash."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from uuid import uuid4

from django.conf import settings

from dure.errors import DureError, InputError, ValueRefused
from dure.i18n import _

__all__ = ["Busy", "LocalStore", "Store", "store"]


class Busy(DureError):
    """Somebody else is writing these bytes at this moment."""


class Store(Protocol):
    """Keeps bytes by owner and hash, whole or as a part that grows; what was put is on the disk before a method returns."""

    def put(self, owner: int, sha256: str, blocks: Iterable[bytes], most: int) -> int:
        """Keep the bytes if they have that hash; how many there are. Refuses more than ``most``."""

    def append(self, owner: int, sha256: str, blocks: Iterable[bytes], *, at: int, size: int) -> int:
        """Lengthen the part that has ``at`` bytes towards ``size`` bytes, and keep it when it has them all and that hash.

        How many bytes there are now; whatever arrived before the blocks broke off counts.
        """

    def so_far(self, owner: int, sha256: str) -> int:
        """How many bytes of the part there are."""

    def drop(self, owner: int, sha256: str) -> None:
        """Forget the part."""

    def open(self, owner: int, sha256: str) -> BinaryIO:
        """The bytes, for reading."""


class LocalStore:
    """Files in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, owner: int, sha256: str) -> Path:
        return self._root / str(owner) / sha256[:2] / sha256

    def _part(self, owner: int, sha256: str) -> Path:
        return self._path(owner, sha256).with_suffix(".part")

    def put(self, owner: int, sha256: str, blocks: Iterable[bytes], most: int) -> int:
        """See ``Store``.

        Raises:
            InputError: the bytes have another hash, or are too many; nothing is kept.
        """
        target, hasher = self._path(owner, sha256), hashlib.sha256()
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f"{uuid4().hex}.draft")
        try:
            with draft.open("xb") as stream:
                count = _written(stream, blocks, hasher, most)
            _keep(draft, target, hasher.hexdigest())
        finally:
            draft.unlink(missing_ok=True)
        return count

    def append(self, owner: int, sha256: str, blocks: Iterable[bytes], *, at: int, size: int) -> int:
        """See ``Store``.

        Raises:
            Busy: somebody else appends.
            ValueRefused: the part has not ``at`` bytes.
            InputError: more than ``size`` bytes came, or all of them have another hash, and the part is forgotten.
        """
        part, hasher = self._part(owner, sha256), hashlib.sha256()
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("a+b") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy from None
            opened = os.fstat(stream.fileno())
            try:
                same = os.path.samestat(opened, part.stat())
            except FileNotFoundError:
                same = False
            if not same:
                raise Busy  # another call kept or dropped it between opening and locking
            now = opened.st_size
            if now != at:
                raise ValueRefused(_("the part has {now} bytes, not {at}; go on from there").format(now=now, at=at))
            now = at + _written(stream, blocks, hasher, size - at)
            if now == size:
                if at:  # bytes of earlier calls are read once, now that all are there
                    stream.seek(0)
                    hasher = hashlib.file_digest(stream, "sha256")
                try:
                    _keep(part, self._path(owner, sha256), hasher.hexdigest())
                finally:
                    part.unlink(missing_ok=True)
        return now

    def so_far(self, owner: int, sha256: str) -> int:
        """See ``Store``."""
        part = self._part(owner, sha256)
        return part.stat().st_size if part.exists() else 0

    def drop(self, owner: int, sha256: str) -> None:
        """See ``Store``."""
        self._part(owner, sha256).unlink(missing_ok=True)

    def open(self, owner: int, sha256: str) -> BinaryIO:
        """See ``Store``."""
        return self._path(owner, sha256).open("rb")


def _written(stream: BinaryIO, blocks: Iterable[bytes], hasher: Any, most: int) -> int:
    """How many bytes were written and hashed; none beyond ``most``."""
    count = 0
    for block in blocks:
        count += len(block)
        if count > most:
            raise InputError(_("a file may have at most {most} bytes").format(most=most))
        hasher.update(block)
        stream.write(block)
    stream.flush()
    os.fsync(stream.fileno())
    return count


def _keep(draft: Path, target: Path, sha256: str) -> None:
    if sha256 != target.name:
        raise InputError(_("what arrived does not have the hash {sha256}; send it again").format(sha256=target.name))
    draft.replace(target)


def store() -> Store:
    """The store of this hub."""
    return LocalStore(Path(settings.HOME) / "files")
