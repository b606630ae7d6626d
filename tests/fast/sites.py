"""Installed packages that bring plug-ins, as far as Python's own metadata can tell."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import invalidate_caches
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from dure import plugins


class Site:
    """A folder on the path that looks like installed packages, each with one entry point."""

    def __init__(self, folder: Path, group: str) -> None:
        self.folder, self.group = folder, group

    def install(self, package: str, points: dict[str, str], **files: str) -> None:
        info = self.folder / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
        lines = "".join(f"{name} = {value}\n" for name, value in points.items())
        (info / "entry_points.txt").write_text(f"[{self.group}]\n{lines}", encoding="utf-8")
        for module, text in files.items():
            (self.folder / f"{module}.py").write_text(text, encoding="utf-8")
        invalidate_caches()


@contextmanager
def nothing_else_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Plug-ins come from ``folder`` alone, and are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(folder))
    # Dure's own problems import their simulators, which takes seconds
    monkeypatch.setattr(
        plugins, "entry_points", lambda group: [one for one in entry_points(group=group) if one.dist.name != "dure"]
    )
    before = set(sys.modules)
    plugins._loaded.cache_clear()
    yield
    plugins._loaded.cache_clear()
    for module in set(sys.modules) - before:
        if getattr(sys.modules[module], "__file__", None) and str(folder) in str(sys.modules[module].__file__):
            del sys.modules[module]
