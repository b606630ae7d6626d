"""The plan: hypothesis, metrics, budget and stopping rule, written and hashed before the first trial."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from dure.canonical import digest
from dure.errors import InputError, PlanError, UnknownName
from dure.execute.attempt import simulator_code
from dure.i18n import N_, _
from dure.journal import History
from dure.models import Card, check_fits, label_of
from dure.problem import Check, Goal, Molecule, Problem, find, lasting, values_of, with_limits
from dure.strategy import BY_BUDGET, HAS_A_PAST, Task, strategy, suited

__all__ = ["HYPOTHESIS", "PATIENCE", "REPLICATES", "Budget", "applicable_checks", "make_plan", "shifted", "task_of"]

HYPOTHESIS = N_("Some design keeps every limit and is better than the best textbook start that does.")
HYPOTHESIS_OF_SEVERAL = N_(
    "Some design keeps every limit, and in some objective it is better than the best textbook start that does."
)
HYPOTHESIS_WITHOUT_STARTS = N_("Some design keeps every limit; the best that the budget finds is reported.")
CHEAP = N_("So many runs are allowed that a model of their answers would cost more than they do.")
PATIENCE = 2
"""How many proposals in a row must promise too little, or bear a certificate out, before the search stops."""

REPLICATES = 5
"""How often a leader is repeated under noise, unless the plan says otherwise."""


@dataclass(frozen=True)
class Budget:
    """What a search may cost: ``runs`` (top-rung equivalents), or ``cpu_seconds`` of simulation."""

    runs: float | None = None
    cpu_seconds: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.runs, self.cpu_seconds) if value is not None]
        if len(given) != 1 or not (given[0] > 0 and math.isfinite(given[0])):
            raise PlanError(_("budget must be one number above 0: runs, or CPU seconds; got {given}").format(given=given))


def shifted(problem: Problem, check: Check, setting: Any) -> Any:
    """``setting`` as ``check`` moves it.

    Raises:
        ValueRefused: that lies outside what the setting declares.
    """
    values = values_of(setting)
    moved = {name: values[name] + amount for name, amount in check.shift.items()}
    return problem.make_setting(values | moved | dict(check.replace))


def applicable_checks(problem: Problem, setting: Any) -> tuple[list[Check], list[Check]]:
    """Checks that can be run under ``setting``, and those whose shifted setting would lie outside its range."""
    runnable, skipped = [], []
    for check in problem.checks:
        try:
            shifted(problem, check, setting)
            runnable.append(check)
        except InputError:
            skipped.append(check)
    return runnable, skipped


def make_plan(
    reference: str,
    *,
    setting: Mapping[str, Any] | None = None,
    limits: Mapping[str, float | tuple[float, float]] | None = None,
    limit_set: str | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    strategy_name: str = "auto",
    prior: Card | None = None,
    control_runs: int | None = None,
    replicates: int | None = None,
    certificate: float | None = None,
    required_checks_only: bool = False,
) -> dict[str, Any]:
    """A plan as plain data, with everything that decides what the campaign will do.

    The strategy "auto" becomes the one that suits problem and budget. ``replicates`` says how often each leader, and then the
    winner, is repeated where the simulator is noisy. ``certificate`` is the probability with which more runs must gain no more
    than the tolerance before the search ends; it takes the place of the rule that looks at the next proposals only. ``prior`` is
    the card of a family prior, whose weights ``Campaign.begin`` is given; other strategies than "structured" leave it out.

    Raises:
        InputError: unknown names, values out of range, or a check that is required but cannot be run.
    """
    family = find(reference)
    made = family.make_setting(setting or {})
    problem = family.under(made)
    problem.check_needs()
    chosen: dict[str, float | tuple[float, float]] = {}
    if limit_set is not None:
        if limit_set not in problem.limits:
            raise UnknownName(_("set of limits"), limit_set, problem.limits)
        chosen |= problem.limits[limit_set]
    chosen |= limits or {}
    goals = with_limits(problem.goals, chosen)
    runnable, skipped = applicable_checks(problem, made)
    for check in skipped:
        if check.required:
            raise PlanError(_("check {name!r} is required and cannot be run under this setting").format(name=check.name))
    task = Task(problem, made, goals)
    if control_runs and any(isinstance(one, Molecule) and not one.pool for one in problem.inputs.values()):
        raise PlanError(_("there are no random designs to compare with where any molecule may be tried; leave --control out"))
    budget = budget or Budget(runs=problem.runs)
    suits = suited(task, None if certificate else budget.runs) if strategy_name == "auto" else strategy_name
    reason = [CHEAP] if strategy_name == "auto" and suits not in ("structured", "generated") else []
    if suits != "structured":
        prior = None  # a plan with another strategy has no use for it
    explanation = strategy(suits).explain(task)
    plan: dict[str, Any] = {
        "problem": problem.describe(),
        "reference": lasting(reference),
        "setting": values_of(made),
        "goals": {name: _limits_of(goal) for name, goal in goals.items()},
        "hypothesis": _hypothesis(task),
        "strategy": suits,
        "explanation": [*reason, *explanation, *([HAS_A_PAST] if prior else [])],
        "seed": seed,
        "prior": label_of(prior) if prior else "none",
        "budget": {"runs": budget.runs, "cpu_seconds": budget.cpu_seconds},
        "stopping": {"tolerance": problem.tolerance, "patience": PATIENCE, "certificate": _certificate(task, suits, certificate)},
        "checks": [check.name for check in runnable if check.required or not required_checks_only],
        "skipped_checks": [check.name for check in skipped],
        "control_runs": problem.control_runs if control_runs is None else control_runs,
        # Other settings draw other designs: a past that saw this campaign's would propose the best of them.
        "control_seed": [seed, 7919, int(digest(values_of(made))[:8], 16)],
        "code": simulator_code(problem),
    }
    if prior is not None:
        check_fits(prior, family)
        plan["model"] = asdict(prior)
    plan |= _replication(problem, replicates)
    return plan | {"hash": digest(plan)}


def _certificate(task: Task, strategy_name: str, level: float | None) -> float | None:
    if level is not None and not 0.5 <= level < 1:
        raise PlanError(_("certificate is {given}; give a probability of at least 0.5 and below 1").format(given=level))
    if level is not None and strategy_name in BY_BUDGET:
        raise PlanError(
            _("a certificate needs a model of all designs, and strategy {name!r} has none; leave out one of them").format(
                name=strategy_name
            )
        )
    if level is not None and len(task.objectives) > 1:
        raise PlanError(_("a certificate needs one objective, and {name} has several").format(name=task.problem.name))
    if level is not None and task.problem.short_list > 1:
        raise PlanError(_("a certificate is about the best design, and {name} wants a short list").format(name=task.problem.name))
    return level


def _replication(problem: Problem, replicates: int | None) -> dict[str, Any]:
    noisy = problem.noise.kind != "none"
    count = REPLICATES if replicates is None else replicates
    if replicates is not None and (replicates < 0 or replicates == 1 or (replicates and not noisy)):
        raise PlanError(_("replicates is {given}; give 0, or at least 2 where the problem states noise").format(given=replicates))
    return {"replication": {"replicates": count, "leaders": 3, "confidence": 0.95}} if noisy else {}


def _hypothesis(task: Task) -> str:
    if not task.problem.starts:
        return HYPOTHESIS_WITHOUT_STARTS
    return HYPOTHESIS_OF_SEVERAL if len(task.objectives) > 1 else HYPOTHESIS


def _limits_of(goal: Goal) -> dict[str, Any]:
    measure = goal.measure
    return {
        "sense": measure.sense,
        "unit": measure.unit,
        "low": None if math.isinf(measure.low) else measure.low,
        "high": None if math.isinf(measure.high) else measure.high,
    }


def task_of(history: History, problem: Problem) -> Task:
    """The task the newest plan describes, with the guards found so far."""
    plan = history.plan
    setting = problem.make_setting(plan["setting"])
    problem = problem.under(setting)
    goals = {}
    for name, goal in problem.goals.items():
        kept = plan["goals"][name]
        low = -math.inf if kept["low"] is None else kept["low"]
        high = math.inf if kept["high"] is None else kept["high"]
        goals[name] = Goal(name, replace(goal.measure, low=low, high=high))
    return Task(problem, setting, goals, dict(history.guards[-1]))
