"""Where an attempt ran and with which code: what a re-run would have to match."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import ModuleType

from dure.canonical import JSON, digest
from dure.errors import ValueRefused
from dure.i18n import _

__all__ = ["code_hash", "environment"]


_HASHED = (".csv", ".py", ".toml")


def environment(distributions: Iterable[str] = ()) -> dict[str, JSON]:
    """Host, platform, python, cpu, dure, versions, lock: everything but ``versions`` is read once per process.

    ``versions`` maps ``distributions`` to their versions, None where not installed; ``lock`` is the SHA-256 over the sorted
    lines ``name==version`` of all installed distributions, so two environments with one lock have the same packages.
    """
    installed = _installed()
    return {
        "host": platform.node(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "cpu": _cpu(),
        "dure": installed.get("dure"),
        "versions": {name: installed.get(_normal(name)) for name in distributions},
        "lock": _lock(),
    }


def code_hash(source: ModuleType | Path) -> str:
    """SHA-256 of a module's source file or, for a package, over names and contents of its .py files and of its tables.

    Tables are .csv and .toml files: what the code computes follows from them as much. Where the file or folder lies makes no
    difference, and neither do files of other kinds.

    Raises:
        ValueRefused: there is no Python source, as for a module built into the interpreter.
    """
    path = _source(source)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in _HASHED)
        return digest([[file.relative_to(path).as_posix(), _sha256(file)] for file in files])
    return _sha256(path)


def _source(source: ModuleType | Path) -> Path:
    file = source if isinstance(source, Path) else getattr(source, "__file__", None)
    path = Path(file) if file else None
    if path is None or not (path.is_dir() or (path.suffix == ".py" and path.is_file())):
        raise ValueRefused(
            _("{source} has no Python source to be hashed; give a .py file, a package or its module").format(source=source)
        )
    return path.parent if path.name == "__init__.py" else path


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@cache
def _installed() -> dict[str, str]:
    """Versions by normal name; of a name found twice on the path the first counts, as for ``import``."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        found.setdefault(_normal(distribution.name), distribution.version)
    return found


@cache
def _lock() -> str:
    lines = sorted(f"{name}=={version}" for name, version in _installed().items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache
def _cpu() -> str:
    """The processor's model; Linux tells it in a file only."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()


def _normal(name: str) -> str:
    """The name as the packaging standards compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
