"""Fidelities, checks, rules and noise: what surrounds a simulate function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dure.i18n import _
from dure.problem.fields import is_number
from dure.problem.where import refused

__all__ = ["Check", "Fidelity", "Noise", "Rule", "rule"]


@dataclass(frozen=True)
class Fidelity:
    """One rung of a ladder; ``cost`` is its share of the top rung's.

    ``trust`` names the outputs whose trends the rung gets right; empty means all of them.
    """

    name: str
    cost: float = 1.0
    trust: tuple[str, ...] = ()
    help: str = ""

    def __post_init__(self) -> None:
        if not (is_number(self.cost) and self.cost > 0):
            raise refused(
                _("fidelity {name!r} has cost {cost!r}; give its share of the top rung's cost, above 0").format(
                    name=self.name, cost=self.cost
                )
            )


@dataclass(frozen=True)
class Check:
    """What a winner must survive beyond the top rung.

    The winner is simulated again at ``fidelity`` (default: the top rung) with settings moved by ``shift`` (numbers are
    added) or replaced by ``replace``. A ``required`` check holds when every limit still holds there, each allowed to be
    missed by no more than ``slack`` in its own unit; any other check is reported and decides nothing.

    ``judge`` says of the outcome what limits cannot: whether the check holds besides, or None where that stays open.
    """

    name: str
    fidelity: str = ""
    shift: Mapping[str, float] = field(default_factory=dict)
    replace: Mapping[str, Any] = field(default_factory=dict)
    required: bool = False
    fresh_process: bool = False
    slack: Mapping[str, float] = field(default_factory=dict)
    judge: Callable[[Any], bool | None] | None = None
    help: str = ""

    def describe(self) -> dict[str, Any]:
        """As plain data, for plans and ``dure show --json``."""
        return {
            "name": self.name,
            "fidelity": self.fidelity,
            "shift": dict(self.shift),
            "replace": dict(self.replace),
            "required": self.required,
            "fresh_process": self.fresh_process,
            "slack": dict(self.slack),
            "help": self.help,
        }


@dataclass(frozen=True)
class Rule:
    """A cheap, named function of a design that must be >= 0 before the design is worth simulating."""

    name: str
    function: Callable[..., Any]
    help: str = ""


def rule(function: Callable[..., Any]) -> Rule:
    """Make a rule of a function of a design; its name and docstring become the rule's.

    Raises:
        ProblemError: ``function`` is none.
    """
    if not callable(function):
        raise refused(_("rule {given!r} is not a function of a design").format(given=function))
    return Rule(function.__name__, function, (function.__doc__ or "").strip())


@dataclass(frozen=True)
class Noise:
    """How far two runs of one trial may differ: not at all, by known standard deviations, or by an unknown amount."""

    kind: Literal["none", "known", "unknown"] = "none"
    deviation: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = self.kind == "known"
        positive = all(is_number(value) and value > 0 for value in self.deviation.values())
        if self.kind not in ("none", "known", "unknown") or known != bool(self.deviation) or not positive:
            raise refused(
                _(
                    'noise {kind!r} with deviations {deviation}; give "none", "unknown", or "known" with deviations above 0'
                ).format(kind=self.kind, deviation=dict(self.deviation))
            )
