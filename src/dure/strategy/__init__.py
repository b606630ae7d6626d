"""What to try next. ``strategy(name)`` imports torch only for strategies that need it."""

from dure.errors import UnknownName
from dure.i18n import _
from dure.strategy.base import Proposal, Strategy, Worth, space_filling
from dure.strategy.evidence import Evidence, Task
from dure.strategy.sampling import Sampling

__all__ = ["NAMES", "Evidence", "Proposal", "Sampling", "Strategy", "Task", "Worth", "space_filling", "strategy"]

NAMES = ("auto", "blackbox", "random", "sobol", "structured")


def strategy(name: str) -> Strategy:
    """The strategy of that name; "auto" uses all that the problem states.

    Raises:
        UnknownName: there is none of that name.
    """
    if name not in NAMES:
        raise UnknownName(_("strategy"), name, NAMES)
    if name in ("random", "sobol"):
        return Sampling(name)
    from dure.strategy.structured import Structured

    if name == "blackbox":
        return Structured(name, parts=False, theory=False, starts=False, rungs=False)
    return Structured()
