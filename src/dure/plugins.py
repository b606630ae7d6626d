"""What installed packages bring: entry points, found by their name and loaded at first use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from dure.errors import DureError, InputError
from dure.i18n import _

__all__ = ["Broken", "Plugins"]


@dataclass(frozen=True)
class Broken:
    """A plug-in that could not be loaded, and why."""

    name: str
    source: str
    reason: str


@dataclass(frozen=True)
class Plugins:
    """The plug-ins of one entry-point group: objects of ``kind`` that know the name they are registered under.

    ``fault`` is the error that says what is wrong with them; ``own`` are names that no plug-in may take.
    """

    group: str
    kind: type[Any]
    fault: type[InputError]
    own: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """All that are registered, loaded or not.

        Raises:
            InputError: two packages register one name.
        """
        return sorted(_points(self))

    def load(self, name: str) -> Any:
        """The plug-in of a name that ``names`` gives.

        Raises:
            InputError: it cannot be loaded, or is something else; names the package.
        """
        return _loaded(self, name)

    def all(self) -> tuple[list[Any], list[Broken]]:
        """Load every one; those that fail come back apart, with the reason."""
        sound, broken = [], []
        for name, point in sorted(_points(self).items()):
            try:
                sound.append(self.load(name))
            except DureError as error:
                broken.append(Broken(name, _source(point), str(error)))
        return sound, broken


def _points(plugins: Plugins) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=plugins.group):
        first = "dure" if point.name in plugins.own else _source(found.setdefault(point.name, point))
        if first != _source(point):
            raise plugins.fault(
                _("two packages register {name!r}: {first} and {second}; uninstall one").format(
                    name=point.name, first=first, second=_source(point)
                )
            )
    return found


def _source(point: EntryPoint) -> str:
    return f"{point.value} ({point.dist.name if point.dist else '?'})"


@cache
def _loaded(plugins: Plugins, name: str) -> Any:
    point = _points(plugins)[name]
    try:
        loaded = point.load()
    except DureError:
        raise
    except (Exception, SystemExit) as error:
        raise plugins.fault(
            _("plug-in {source} cannot be loaded: {error!r}").format(source=_source(point), error=error)
        ) from error
    if isinstance(loaded, type) or not isinstance(loaded, plugins.kind) or loaded.name != name:
        raise plugins.fault(
            _("plug-in {source} is not a {kind} named {name!r}").format(
                source=_source(point), kind=plugins.kind.__name__, name=name
            )
        )
    return loaded
