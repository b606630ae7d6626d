"""Where bytes lie: one interface, local files for now. Names are the server's own: the owner and the hash."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import uuid4

from django.conf import settings

from dure.errors import InputError
from dure.i18n import _

__all__ = ["LocalStore", "Store", "store"]


class Store(Protocol):
    """Keeps bytes by owner and hash; what was put is on the disk before ``put`` returns."""

    def put(self, owner: int, sha256: str, blocks: Iterable[bytes], most: int) -> int:
        """Keep the bytes if they have that hash; how many there are. Refuses more than ``most``."""

    def open(self, owner: int, sha256: str) -> BinaryIO:
        """The bytes, for reading."""


class LocalStore:
    """Files in a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, owner: int, sha256: str) -> Path:
        return self._root / str(owner) / sha256[:2] / sha256

    def put(self, owner: int, sha256: str, blocks: Iterable[bytes], most: int) -> int:
        """See ``Store``.

        Raises:
            InputError: the bytes have another hash, or are too many; nothing is kept.
        """
        target, hasher, count = self._path(owner, sha256), hashlib.sha256(), 0
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
        return self._path(owner, sha256).open("rb")


def store() -> Store:
    """The store of this hub."""
    return LocalStore(Path(settings.HOME) / "files")
