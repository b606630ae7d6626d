"""What to try next. ``strategy(name)`` imports torch, cma or pymoo only for strategies that need them."""

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from dure.errors import InputError, PlanError, UnknownName
from dure.i18n import _
from dure.models import Card, label_of
from dure.plugins import Broken, Plugins
from dure.problem import Arranged, Molecule
from dure.strategy.base import HAS_A_PAST, Proposal, Review, Strategy, Worth, space_filling
from dure.strategy.evidence import Evidence, Task
from dure.strategy.sampling import Sampling

__all__ = [
    "BY_BUDGET",
    "HAS_A_PAST",
    "NAMES",
    "Evidence",
    "Proposal",
    "Review",
    "Sampling",
    "Strategy",
    "Task",
    "Worth",
    "informed",
    "plugged_in",
    "space_filling",
    "strategy",
    "suited",
]

NAMES = ("auto", "blackbox", "cma-es", "generated", "nsga-ii", "random", "sobol", "structured")
BY_BUDGET = ("cma-es", "generated", "nsga-ii", "random", "sobol")
"""Strategies whose searches end with the budget: their proposals state no gain, or that of one bred pool among many to come."""
_PLUGINS = Plugins("dure.strategies", Strategy, InputError, own=NAMES)
_MANY_RUNS = 2000
"""With more runs than that a model of all answers costs more than cheap answers do."""


def suited(task: Task, runs: float | None) -> str:
    """The strategy that suits a task and a budget of so many runs, None where they are not counted.

    Where any molecule may be tried, pools of them are bred. Generations evolve where runs are many; but not among
    candidates or arrangements, where neighbours are known better.
    """
    any_molecule = [isinstance(spec, Molecule) and not spec.pool for spec in task.problem.inputs.values()] == [True]
    if any_molecule and not task.problem.candidates and len(task.objectives) == 1:
        return "generated"
    arranged = any(isinstance(spec, Arranged) for spec in task.problem.inputs.values())
    if runs is None or runs <= _MANY_RUNS or task.problem.candidates or arranged:
        return "structured"
    return "nsga-ii" if len(task.objectives) > 1 or task.problem.space.stepped else "cma-es"


def plugged_in() -> tuple[list[Strategy], list[Broken]]:
    """Load every strategy that an installed package registers; those that fail come back apart, with the reason."""
    return _PLUGINS.all()


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Ctrl-C waits for the end: libraries in C++ end the process when Python raises an interrupt while they are imported.

    Python hears it in its main thread alone, whichever thread it is sent to; elsewhere nothing is to be done.
    """
    came: list[int] = []
    former = signal.getsignal(signal.SIGINT)
    if former is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
        if came:
            signal.raise_signal(signal.SIGINT)


@_interrupts_wait()
def informed(name: str, card: Mapping[str, Any], weights: bytes) -> Strategy:
    """The strategy of that name with a family prior, kept as ``card`` and ``weights``, on trial beside it.

    Raises:
        PlanError: the strategy has no use for one.
        InputError: the weights are not those of the card.
    """
    if name != "structured":
        raise PlanError(_("strategy {name!r} cannot use a prior; leave the strategy out, or give --prior none").format(name=name))
    from dure.models.weights import restore
    from dure.strategy.informed import Informed
    from dure.strategy.structured import Structured

    made = Card(**card)
    return Informed(Structured(), restore(made, weights), label_of(made))


@cache
@_interrupts_wait()
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
    if name == "generated":
        from dure.strategy.generated import Generated

        return Generated()
    from dure.strategy.structured import Structured

    if name == "blackbox":
        return Structured(name, parts=False, theory=False, starts=False, rungs=False)
    return Structured()
