"""What to try next. ``strategy(name)`` imports torch only for strategies that need it."""

from functools import cache

from dure.errors import InputError, UnknownName
from dure.i18n import _
from dure.plugins import Broken, Plugins
from dure.strategy.base import Proposal, Strategy, Worth, space_filling
from dure.strategy.evidence import Evidence, Task
from dure.strategy.sampling import Sampling

__all__ = ["NAMES", "Evidence", "Proposal", "Sampling", "Strategy", "Task", "Worth", "plugged_in", "space_filling", "strategy"]

NAMES = ("auto", "blackbox", "random", "sobol", "structured")
_PLUGINS = Plugins("dure.strategies", Strategy, InputError, own=NAMES)


def plugged_in() -> tuple[list[Strategy], list[Broken]]:
    """Load every strategy that an installed package registers; those that fail come back apart, with the reason."""
    return _PLUGINS.all()


@cache
def strategy(name: str) -> Strategy:
    """The strategy of that name; "auto" uses all that the problem states.

    Raises:
        UnknownName: there is none of that name.
        InputError: an installed package registers it wrongly; names the package.
    """
    plugged = _PLUGINS.names()
    if name in plugged:
        found: Strategy = _PLUGINS.load(name)
        return found
    if name not in NAMES:
        raise UnknownName(_("strategy"), name, [*NAMES, *plugged])
    if name in ("random", "sobol"):
        return Sampling(name)
    from dure.strategy.structured import Structured

    if name == "blackbox":
        return Structured(name, parts=False, theory=False, starts=False, rungs=False)
    return Structured()
