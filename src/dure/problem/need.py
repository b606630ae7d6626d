"""Programs and data that a problem cannot do without, and that no Python package brings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dure.i18n import _
from dure.problem.where import refused

__all__ = ["Need"]


@dataclass(frozen=True)
class Need:
    """A program or data set.

    Args:
        name: what it is called, also by ``dure fetch``.
        found: says what is there, such as a version or a folder; an empty text where nothing is.
        fix: the command that puts it there; ``dure fetch NAME`` where there is ``fetch``.
        fetch: gets it from its public place and checks its hash; only where somebody asks for it.
        optional: only some settings need it, whose members then say so.
    """

    name: str
    found: Callable[[], str]
    fix: str = ""
    fetch: Callable[[], None] | None = None
    optional: bool = False

    def __post_init__(self) -> None:
        if not (self.fix or self.fetch):
            raise refused(_("need {name!r} says neither how to fetch it nor which command puts it there").format(name=self.name))

    @property
    def command(self) -> str:
        """The command that puts it there."""
        return self.fix or f"dure fetch {self.name}"
