"""What to try next. ``strategy(name)`` imports torch, cma or pymoo only for strategies that need them."""

from functools import cache

from dure.errors import InputError, UnknownName
from dure.i18n import _
from dure.plugins import Broken, Plugins
from dure.problem import Arranged
from dure.strategy.base import Proposal, Review, Strategy, Worth, space_filling
from dure.strategy.evidence import Evidence, Task
from dure.strategy.sampling import Sampling

__all__ = [
    "NAMES",
    "Evidence",
    "Proposal",
    "Review",
    "Sampling",
    "Strategy",
    "Task",
    "Worth",
    "plugged_in",
    "space_filling",
    "strategy",
    "suited",
]

NAMES = ("auto", "blackbox", "cma-es", "nsga-ii", "random", "sobol", "structured")
_PLUGINS = Plugins("dure.strategies", Strategy, InputError, own=NAMES)
_MANY_RUNS = 2000
"""With more runs than that a model of all answers costs more than cheap answers do."""


def suited(task: Task, runs: float | None) -> str:
    """The strategy that suits a task and a budget of so many runs, None where they are not counted.

    Generations evolve where runs are many; but not among candidates or arrangements, where neighbours are known better.
    """
    arranged = any(isinstance(spec, Arranged) for spec in task.problem.inputs.values())
    if runs is None or runs <= _MANY_RUNS or task.problem.candidates or arranged:
        return "structured"
    return "nsga-ii" if len(task.objectives) > 1 or task.problem.space.stepped else "cma-es"


def plugged_in() -> tuple[list[Strategy], list[Broken]]:
    """Load every strategy that an installed package registers; those that fail come back apart, with the reason."""
    return _PLUGINS.all()


@cache
def strategy(name: str) -> Strategy:
    """The strategy of that name; "auto" is the one that uses all that the problem states.

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
    if name == "cma-es":
        from dure.strategy.cma_es import CMA_ES

        return CMA_ES
    if name == "nsga-ii":
        from dure.strategy.nsga_ii import NSGA_II

        return NSGA_II
    from dure.strategy.structured import Structured

    if name == "blackbox":
        return Structured(name, parts=False, theory=False, starts=False, rungs=False)
    return Structured()
