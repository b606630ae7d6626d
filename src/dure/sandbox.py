"""Walls around a program that is not trusted: no network, no other process, no file but those it is given.

Bubblewrap (https://github.com/containers/bubblewrap) makes them. Who finds none runs nothing: a program that is not shut in is
not in a lesser sandbox, it is in none.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from dure.errors import MissingPart
from dure.i18n import _

__all__ = ["there", "walls"]

_SYSTEM = ("/usr", "/lib", "/lib64", "/bin")
_MOST_SCRATCH = str(64 << 20)
"""Bytes of a folder for scratch, which some programs cannot do without."""


def there() -> str | None:
    """Where bubblewrap is; None when it is not installed."""
    return shutil.which("bwrap")


def walls(*, python: bool = False, read: Mapping[Path, str] | None = None, write: Path | None = None) -> list[str]:
    """The words to put before a command, so that it sees the system's programs, what it is given, and nothing else.

    Args:
        python: show this interpreter and its packages as well.
        read: files and folders by where they lie, with the places they are seen at.
        write: the folder the command starts in and may write to.

    Raises:
        MissingPart: bubblewrap is not installed.
    """
    bwrap = there()
    if bwrap is None:
        raise MissingPart(
            _("bubblewrap is not installed, and nothing else shuts a foreign program in. Fix: {command}").format(
                command="apt-get install bubblewrap"
            )
        )
    made = [bwrap, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    made += ["--setenv", "OMP_NUM_THREADS", "1", "--setenv", "PATH", "/usr/local/bin:/usr/bin:/bin"]
    made += ["--setenv", "HOME", "/tmp", "--proc", "/proc", "--dev", "/dev", "--size", _MOST_SCRATCH, "--tmpfs", "/tmp"]
    system = [*map(Path, _SYSTEM), *([Path(sys.base_prefix), Path(sys.prefix)] if python else [])]
    for one in dict.fromkeys(one for one in system if one.exists()):
        made += ["--symlink", str(one.readlink()), str(one)] if one.is_symlink() else ["--ro-bind", str(one), str(one)]
    for path, seen in (read or {}).items():
        made += ["--ro-bind", str(path), seen]
    if write is not None:
        made += ["--bind", str(write), "/work", "--chdir", "/work"]
    return [*made, "--remount-ro", "/dev", "--remount-ro", "/", "--"]
