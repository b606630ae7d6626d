"""What is refused at the door: everything in a problem's statement that contradicts itself or names what is not there."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from dure.errors import ProblemError, UnknownName
from dure.i18n import _
from dure.problem.citations import check_citations
from dure.problem.fields import Choice, Field, is_number
from dure.problem.goals import Measure, with_limits
from dure.problem.ladder import Check, Fidelity, Rule
from dure.problem.need import Need
from dure.problem.program import Program

if TYPE_CHECKING:
    from dure.problem.problem import Problem

__all__ = ["arguments", "check_statement"]

_RESERVED = ("fidelity", "here", "seed")
"""Names that stand beside a problem's own in tables and templates."""
_MOST_OBJECTIVES = 3


_LONG = 300
"""Letters of a wrong list that a message repeats."""


def arguments(function: Callable[..., Any]) -> tuple[int, tuple[str, ...]]:
    """How many positional arguments ``function`` takes, and whether it takes "fidelity" and "seed" by keyword."""
    parameters = inspect.signature(function).parameters.values()
    named = {one.name for one in parameters}
    everything = any(one.kind is one.VAR_KEYWORD for one in parameters)
    by_keyword = tuple(name for name in ("fidelity", "seed") if everything or name in named)
    positional = [
        one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) and one.name not in by_keyword
    ]
    return len(positional), by_keyword


def check_statement(problem: Problem) -> None:
    """Refuse what is wrong.

    Raises:
        InputError: the first thing that is; names it, what was given, what is allowed and the usual fix.
    """
    for check in (
        _check_texts,
        _check_classes,
        _check_lists,
        _check_functions,
        _check_ladder,
        _check_checks,
        _check_rest,
        _check_candidates,
    ):
        check(problem)


def _check_texts(problem: Problem) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)?", problem.name):
        raise ProblemError(_('name {name!r} is not lower-case words such as "energy/fast-charge"').format(name=problem.name))
    for role in ("version", "question"):
        given = getattr(problem, role)
        if not (isinstance(given, str) and given.strip()):
            raise ProblemError(_('{role} is {given!r}; give it as text, such as "1"').format(role=role, given=given))


def _check_lists(problem: Problem) -> None:
    """A forgotten comma makes a tuple of one a plain value, and a text a tuple of letters."""
    kinds: Mapping[str, tuple[type, str]] = {
        "family": (str, _("names of settings")),
        "starts": (problem.design, _("designs")),
        "candidates": (problem.design, _("designs")),
        "rules": (Rule, _("functions made with @rule")),
        "fidelities": (Fidelity, "Fidelity(...)"),
        "beyond": (Fidelity, "Fidelity(...)"),
        "checks": (Check, "Check(...)"),
        "needs": (Need, "Need(...)"),
        "hazards": (str, _("texts")),
        "cites": (str, _("keys of references.bib")),
    }
    for role, (kind, wanted) in kinds.items():
        given = getattr(problem, role)
        if not isinstance(given, (tuple, list)) or not all(isinstance(one, kind) for one in given):
            shown = repr(given) if len(repr(given)) < _LONG else f"{repr(given)[:_LONG]}…"
            raise ProblemError(_("{role}={given} must be a tuple of {wanted}").format(role=role, given=shown, wanted=wanted))


def _check_classes(problem: Problem) -> None:
    for role, kind in (("design", Field), ("outcome", Measure), ("setting", Field)):
        cls = getattr(problem, role)
        declared = fields(cls) if isinstance(cls, type) and is_dataclass(cls) else None
        if declared is None or not all(isinstance(item.metadata.get("dure"), kind) for item in declared):
            raise ProblemError(_("{role}={given!r} is not a class made with @{role}").format(role=role, given=cls))
    objectives = [name for name, goal in problem.goals.items() if goal.is_objective]
    if not objectives:
        raise ProblemError(_("no outcome is minimised or maximised; declare one with minimise() or maximise()"))
    if len(objectives) > _MOST_OBJECTIVES:
        raise ProblemError(
            _(
                "outcomes {names} are all objectives, and a campaign has at most three; make the others limits or reported()"
            ).format(names=", ".join(objectives))
        )
    seen = set(_RESERVED)
    for name in (*problem.inputs, *problem.inputs_of_setting, *problem.measures):
        if name in seen:
            raise ProblemError(_("name {name!r} is taken twice; inputs, settings and outcomes share tables").format(name=name))
        seen.add(name)


def _check_functions(problem: Problem) -> None:
    most = 1 if not problem.inputs_of_setting else 2
    stated = {"simulate": problem.simulate, "theory": problem.theory, "tokens": problem.tokens and problem.tokens.function}
    for role, function in stated.items():
        if function is not None and not (callable(function) and _can_be_given(function, most)):
            raise ProblemError(
                _(
                    "{role} must be a function of the design{setting} and, by keyword, of fidelity and seed if it needs them"
                ).format(role=role, setting=_(" and the setting") if most == 2 else "")
            )
    if isinstance(problem.simulate, Program):
        problem.simulate.check((*problem.inputs, *problem.inputs_of_setting))


def _can_be_given(function: Callable[..., Any], most: int) -> bool:
    """Whether ``function`` takes a design, with ``most`` 2 also a setting, and needs nothing that is never offered."""
    positional, by_keyword = arguments(function)
    try:
        inspect.signature(function).bind(*[None] * min(positional, most), **dict.fromkeys(by_keyword))
    except TypeError:
        return False
    return positional >= 1


def _once(kind: str, names: Iterable[str]) -> None:
    listed = list(names)
    if repeated := sorted({name for name in listed if listed.count(name) > 1}):
        raise ProblemError(_("{kind} {name!r} stands twice; give each a name of its own").format(kind=kind, name=repeated[0]))


def _known(kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    names = list(known)
    for name in given:
        if name not in names:
            raise UnknownName(kind, name, names)


def _check_ladder(problem: Problem) -> None:
    if not problem.fidelities:
        raise ProblemError(_('fidelities are empty; leave them out, or give at least Fidelity("full")'))
    _once(_("fidelity"), (rung.name for rung in (*problem.fidelities, *problem.beyond)))
    costs = [rung.cost for rung in problem.fidelities]
    if costs != sorted(costs) or problem.top.cost != 1.0:
        raise ProblemError(_("costs {costs} do not rise to 1.0; write the cheapest rung first").format(costs=costs))
    for rung in problem.fidelities:
        _known(_("outcome"), rung.trust, problem.measures)


def _check_checks(problem: Problem) -> None:
    _once(_("check"), (check.name for check in problem.checks))
    for check in problem.checks:
        if check.fidelity:
            problem.rung(check.fidelity)
        _known(_("setting"), (*check.shift, *check.replace), problem.inputs_of_setting)
        if not (check.shift or check.replace) and check.fidelity in ("", problem.top.name):
            raise ProblemError(
                _("check {check!r} asks what the top rung has answered; give it another fidelity, or move a setting").format(
                    check=check.name
                )
            )
        for name, amount in check.shift.items():
            if not is_number(amount) or isinstance(problem.inputs_of_setting[name], Choice):
                raise ProblemError(
                    _("check {check!r} shifts {name} by {amount!r}; shift numbers by numbers, and replace choices").format(
                        check=check.name, name=name, amount=amount
                    )
                )
        for name, value in check.replace.items():
            problem.inputs_of_setting[name].accept(_("check {check!r}: {name}").format(check=check.name, name=name), value)
        limited = [name for name, goal in problem.goals.items() if not goal.is_objective]
        _known(_("limit"), check.slack, limited)
        if not all(is_number(slack) and slack >= 0 for slack in check.slack.values()):
            raise ProblemError(_("check {check!r}: slack must be numbers of at least 0").format(check=check.name))


def _check_rest(problem: Problem) -> None:
    _known(_("setting"), problem.family, problem.inputs_of_setting)
    _check_held_out(problem)
    _known(_("outcome"), problem.noise.deviation, problem.measures)
    _once(_("rule"), (one.name for one in problem.rules))
    for start in problem.starts:
        if (broken := problem.broken_rule(start)) is not None:
            raise ProblemError(_("start {start!r} breaks rule {rule!r}").format(start=start, rule=broken.name))
    for limits in problem.limits.values():
        with_limits(problem.goals, limits)
    for role, least in (("runs", 0), ("timeout", 0), ("memory_gb", 0)):
        given = getattr(problem, role)
        if not (is_number(given) and given > least) and not (given is None and role != "runs"):
            raise ProblemError(_("{role} is {given!r}; give a number above 0").format(role=role, given=given))
    if not (is_number(problem.tolerance) and 0 <= problem.tolerance < 1):
        raise ProblemError(_("tolerance is {given!r}; give a share of at least 0 and below 1").format(given=problem.tolerance))
    for role, least in (("control_runs", 0), ("short_list", 1)):
        count: object = getattr(problem, role)
        if not (isinstance(count, int) and count >= least):
            raise ProblemError(
                _("{role} is {given!r}; give a whole number of at least {least}").format(role=role, given=count, least=least)
            )
    if problem.short_list > 1 and sum(goal.is_objective for goal in problem.goals.values()) > 1:
        raise ProblemError(
            _("short_list is {given}, and several objectives end in a front; leave it out").format(given=problem.short_list)
        )
    check_citations(problem.cites)
    problem.under(problem.setting())


def _check_held_out(problem: Problem) -> None:
    given: Mapping[str, object] = problem.held_out
    _known(_("setting or input"), given, {**problem.inputs_of_setting, **problem.inputs})
    for name, kept in given.items():
        if name in problem.inputs:
            if not (is_number(kept) and 0 < kept < 1):
                raise ProblemError(_("held_out: {name} is {given!r}; give a share between 0 and 1").format(name=name, given=kept))
            continue
        if not (isinstance(kept, tuple) and kept):
            raise ProblemError(
                _('held_out: {name} is {given!r}; give a tuple of values, such as ("one", "other")').format(name=name, given=kept)
            )
        for value in kept:
            problem.inputs_of_setting[name].accept(f"held_out.{name}", value)


def _check_candidates(problem: Problem) -> None:
    seen: set[Any] = set()
    for one in problem.candidates:
        if one in seen:
            raise ProblemError(_("candidate {design} stands twice; list each design once").format(design=one))
        seen.add(one)
    for start in problem.starts:
        problem.check_candidate(start)
    broken = None
    if problem.candidates and all((broken := problem.broken_rule(one)) is not None for one in problem.candidates):
        raise ProblemError(_("every candidate breaks a rule, the last one {rule!r}").format(rule=broken.name if broken else ""))
