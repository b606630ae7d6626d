"""Where things are kept that can be made or fetched again."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["cache"]


def cache() -> Path:
    """The folder of what can be made or fetched again; the environment variable DURE_CACHE names another."""
    return Path(os.environ.get("DURE_CACHE") or platformdirs.user_cache_dir("dure"))
