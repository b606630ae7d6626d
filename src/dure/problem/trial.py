"""One design at one fidelity with one seed under one setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dure.canonical import digest

__all__ = ["Trial"]


@dataclass(frozen=True)
class Trial:
    """What is asked of a simulator. Limits are no part of it, so one answer serves every limit."""

    problem: str
    version: str
    setting: Mapping[str, Any]
    design: Mapping[str, Any]
    fidelity: str
    seed: int = 0

    @cached_property
    def key(self) -> str:
        """sha256 over the canonical encoding of exactly these fields, in hexadecimal."""
        return digest(self.plain())

    def plain(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "problem": self.problem,
            "version": self.version,
            "setting": dict(self.setting),
            "design": dict(self.design),
            "fidelity": self.fidelity,
            "seed": self.seed,
        }
