"""A problem: what is asked, of which simulator, and what is already known about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from dure.canonical import digest
from dure.errors import InputError, MissingPart, ProblemError, UnknownName, ValueRefused
from dure.i18n import _
from dure.problem.classes import inputs_of, measures_of, values_of
from dure.problem.fields import Field
from dure.problem.goals import Goal, Measure
from dure.problem.held import narrowed
from dure.problem.ladder import Check, Fidelity, Noise, Rule
from dure.problem.need import Need
from dure.problem.space import Space
from dure.problem.statement import arguments, check_statement
from dure.problem.tokens import Tokens
from dure.problem.trial import Trial
from dure.problem.views import Answer, Fan
from dure.problem.where import author_line, line_within

__all__ = ["NoSetting", "Problem"]


@dataclass(frozen=True)
class NoSetting:
    """The setting of a problem that has none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """A question to a simulator, with everything its author knows about the answer.

    Args:
        name: lower-case words, with one "/" between domain and problem.
        version: declared by the author; part of every trial's key, so raise it when answers change.
        question: one sentence that ends in a question mark.
        design, outcome, setting: classes made with the decorators of those names.
        simulate: ``simulate(design[, setting][, fidelity=...][, seed=...])`` gives an outcome, an ``Answer`` or a mapping.
            May be left out where people answer, through ``dure.Loop``.
        candidates: the only designs there are, such as the rows of a table; empty for the whole space.
        family: names of the settings that tell its tasks apart; the others keep their defaults. Empty: all of them.
        held_out: what is kept for evaluation and never trained on, by name: of a setting a tuple of values, and so their tasks;
            of an input whose values have kin, such as molecules, a share of all kin.
        members: ``members(setting)`` gives what of the statement a setting changes, by the names of these arguments: the design
            class, starts, rules, limits. Under ``held`` it may give inputs that mean nothing there, each with its one value.
        theory: a cheap estimate with the signature of ``simulate``; may be wrong, is calibrated, is never claimed on.
        tokens: numbers that every member has, whatever its inputs; what a family prior reads in place of the design.
        starts: textbook designs; the first feasible one is the baseline that a winner must beat.
        rules: functions of a design that must be >= 0 before it is simulated.
        fidelities: the ladder, cheapest first; the campaign optimises the last.
        beyond: fidelities used only by checks.
        limits: named sets of limits for ``--limits``.
        needs: programs and data that no Python package brings.
        short_list: how many good designs are wanted; with more than one, a gain is one over the last of the best so many.
        runs: budget in runs when the user gives none. tolerance: relative gain too small to go on for.
        control_runs: random designs simulated after the search, to compare it with; not part of the budget.
        timeout: seconds one simulation may take. memory_gb: how much memory it may use.
        retry_safe: whether a lost attempt may be repeated unasked. hazards: what could hurt somebody.
        cites: keys of references.bib or "doi:..." strings.
        overview: ``overview(designs, setting)`` gives fans on all top-rung answers together, in the order they came.
        source: file the problem stands in; found by itself.
        export: ``export(design, setting, outcome)`` gives files in the field's own format, by name.
        order: ``order(designs, setting, predicted)`` gives files by which a laboratory measures several designs at once; for each
            design ``predicted`` has median, low and high of a 90 % interval by goal, as far as there is a prediction; a file
            ``summary.txt`` is printed as well.

    Raises:
        ProblemError: anything in the statement is wrong; names the field, the value, the bound and the usual fix.
    """

    name: str
    version: str
    question: str
    design: type
    outcome: type
    simulate: Callable[..., Any] | None = None
    setting: type = NoSetting
    candidates: tuple[Any, ...] = ()
    family: tuple[str, ...] = ()
    held_out: Mapping[str, tuple[Any, ...] | float] = field(default_factory=dict)
    members: Callable[[Any], Mapping[str, Any]] | None = None
    theory: Callable[..., Any] | None = None
    tokens: Tokens | None = None
    starts: tuple[Any, ...] = ()
    rules: tuple[Rule, ...] = ()
    fidelities: tuple[Fidelity, ...] = (Fidelity("full"),)
    beyond: tuple[Fidelity, ...] = ()
    checks: tuple[Check, ...] = ()
    limits: Mapping[str, Mapping[str, float | tuple[float, float]]] = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    noise: Noise = field(default_factory=Noise)
    short_list: int = 1
    runs: float = 30.0
    tolerance: float = 1e-3
    control_runs: int = 0
    timeout: float | None = None
    memory_gb: float | None = None
    retry_safe: bool = True
    hazards: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    export: Callable[[Any, Any, Any], Mapping[str, str]] | None = None
    order: Callable[[Sequence[Any], Any, Sequence[Mapping[str, Any]]], Mapping[str, str]] | None = None
    overview: Callable[[Sequence[Any], Any], Sequence[Fan]] | None = None
    source: Path | None = None

    def __post_init__(self) -> None:
        file, line = author_line() if self.source is None else (str(self.source), None)
        if file:
            object.__setattr__(self, "source", Path(file).resolve())
        try:
            check_statement(self)
        except (InputError, TypeError) as error:
            if isinstance(error, ProblemError) and error.file:
                raise
            raise ProblemError(f"Problem({self.name!r}): {error}", file=file, line=line) from None

    @cached_property
    def inputs(self) -> dict[str, Field]:
        """Fields of the design class by name."""
        return inputs_of(self.design)

    @cached_property
    def inputs_of_setting(self) -> dict[str, Field]:
        """Fields of the setting class by name; empty without settings."""
        return inputs_of(self.setting)

    def descriptors(self, setting: Any) -> list[float]:
        """Numbers that say what kind of task a setting makes; a name says nothing unless its author told its kinds apart."""
        found: list[float] = []
        for name, spec in self.inputs_of_setting.items():
            tokens = spec.tokens_of()
            if tokens is not None and len(tokens) == tokens.shape[1] and np.array_equal(tokens, np.eye(len(tokens))):
                continue
            encoded = spec.encode(getattr(setting, name))
            if tokens is None:
                found += encoded.tolist()
            else:
                found += tokens[(encoded * len(tokens)).astype(int).clip(0, len(tokens) - 1)].ravel().tolist()
        return found

    @property
    def read_by_priors(self) -> tuple[str, ...]:
        """Names of the numbers that a family prior reads of a design: the tokens', or its inputs'."""
        return self.tokens.names if self.tokens else tuple(self.inputs)

    def stated_for_priors(self) -> dict[str, dict[str, Any]]:
        """What the numbers mean that a family prior reads and says, as plain data.

        Ranges and units of inputs and settings, units and senses of goals. Where there are tokens they are read instead of
        inputs; a setting's name means what its tokens say. What members state of their own is not in it.
        """
        read = {} if self.tokens else {f"design.{name}": spec for name, spec in self.inputs.items()}
        read |= {f"setting.{name}": spec for name, spec in self.inputs_of_setting.items() if spec.tokens_of() is None}
        said = {name: {key: value for key, value in spec.describe().items() if key != "help"} for name, spec in read.items()}
        said |= {f"outcome.{name}": {"unit": goal.unit, "sense": goal.measure.sense} for name, goal in self.goals.items()}
        return said

    @cached_property
    def measures(self) -> dict[str, Measure]:
        """Fields of the outcome class by name."""
        return measures_of(self.outcome)

    @cached_property
    def goals(self) -> dict[str, Goal]:
        """Objectives and limits as declared, by name."""
        return {name: Goal(name, measure) for name, measure in self.measures.items() if measure.sense}

    @cached_property
    def space(self) -> Space:
        """The unit cube behind the design class."""
        return Space(self.design)

    @property
    def top(self) -> Fidelity:
        """The rung that is optimised."""
        return self.fidelities[-1]

    def rung(self, name: str) -> Fidelity:
        """The fidelity of that name, also one used only by checks."""
        for rung in (*self.fidelities, *self.beyond):
            if rung.name == name:
                return rung
        raise UnknownName(_("fidelity"), name, [rung.name for rung in (*self.fidelities, *self.beyond)])

    def under(self, setting: Any) -> Problem:
        """The problem as it is stated under ``setting``; itself where that changes nothing.

        Raises:
            InputError: there is no such member of the family.
        """
        if self.members is None:
            return self
        if setting not in self._under:
            changed = dict(self.members(setting))
            if held := changed.pop("held", None):
                design = changed["design"] = narrowed(changed.get("design", self.design), held)
                changed["starts"] = tuple(design(**values_of(one)) for one in changed.get("starts", self.starts))
            self._under[setting] = replace(self, **{**changed, "members": None})
        return self._under[setting]

    @cached_property
    def _under(self) -> dict[Any, Problem]:
        """One problem a setting, so that what is remembered of a problem serves again."""
        return {}

    def holds_out(self, setting: Any) -> bool:
        """Whether the task with that setting is kept for evaluation."""
        return any(isinstance(kept, tuple) and getattr(setting, name) in kept for name, kept in self.held_out.items())

    def check_needs(self) -> None:
        """Refuse to begin where a program or data set is missing (MissingPart)."""
        missing = [need for need in self.needs if not (need.optional or need.found())]
        if missing:
            raise MissingPart(
                _("{problem} needs {names}. Fix: {commands}").format(
                    problem=self.name,
                    names=", ".join(need.name for need in missing),
                    commands=" && ".join(need.command for need in missing),
                )
            )

    def make_setting(self, given: Mapping[str, Any]) -> Any:
        """A setting from values by name; the rest keep their defaults. Text is read as the field's type."""
        return self.setting(**{name: _read(_("setting"), name, text, self.inputs_of_setting) for name, text in given.items()})

    def make_design(self, given: Mapping[str, Any]) -> Any:
        """A design from values by name."""
        values = {name: _read(_("input"), name, text, self.inputs) for name, text in given.items()}
        missing = [name for name in self.inputs if name not in values]
        if missing:
            raise ValueRefused(_("design lacks {names}").format(names=", ".join(missing)))
        return self.design(**values)

    def check_candidate(self, design: Any) -> None:
        """Refuse a design that somebody brings and that is none of the candidates, where there are any (ValueRefused)."""
        if self.candidates and design not in self._listed:
            apart = self.space.distances(design, self.space.encode(self.candidates))
            raise ValueRefused(
                _("{design} is none of the {count} candidates, and there are no other designs; the nearest is {near}").format(
                    design=design, count=len(self.candidates), near=self.candidates[int(apart.argmin())]
                )
            )

    @cached_property
    def _listed(self) -> frozenset[Any]:
        return frozenset(self.candidates)

    def make_outcome(self, given: Mapping[str, Any]) -> Any:
        """An outcome from plain data, checked; a value that is missing or of no use is refused."""
        unknown = [name for name in given if name not in self.measures]
        if unknown:
            raise UnknownName(_("outcome"), unknown[0], self.measures)
        missing = [name for name, measure in self.measures.items() if name not in given and not measure.optional]
        if missing:
            raise ValueRefused(_("outcome lacks {names}").format(names=", ".join(missing)))
        return self.outcome(**given)

    def trial(self, design: Any, setting: Any, fidelity: str = "", seed: int = 0) -> Trial:
        """The trial that asks for ``design``; without noise the seed is no part of the question."""
        return _trial(self, design, setting, fidelity or self.top.name, seed if self.noise.kind != "none" else 0)

    def broken_rule(self, design: Any) -> Rule | None:
        """The first rule that ``design`` breaks, if any.

        Raises:
            ProblemError: a rule raises, or gives no number; points at its line.
        """
        for one in self.rules:
            try:
                kept = float(one.function(design)) >= 0
            except Exception as error:
                message = _("rule {name!r} fails on {design}: {error!r}").format(name=one.name, design=design, error=error)
                file = str(self.source or "")
                raise ProblemError(message, file=file, line=line_within(file, error)) from error
            if not kept:
                return one
        return None

    def call(self, function: Callable[..., Any], design: Any, setting: Any, *, fidelity: str, seed: int) -> Any:
        """Call simulate or theory with just the arguments it takes."""
        # By number, as a callable object need not be hashable; the function is kept so that its number stays its own.
        known = self._signatures
        if id(function) not in known:
            known[id(function)] = function, arguments(function)
        positional, by_keyword = known[id(function)][1]
        given = (design, setting)[:positional] if self.inputs_of_setting else (design,)
        offered = {"fidelity": fidelity, "seed": seed}
        return function(*given, **{name: offered[name] for name in by_keyword})

    def answer(self, design: Any, setting: Any, *, fidelity: str, seed: int) -> Answer:
        """Simulate, and check what came back.

        Raises:
            InputError: the outcome is incomplete, misspelt, not finite, or of the wrong shape.
        """
        if self.simulate is None:
            raise ProblemError(
                _("problem {name!r} has no simulate; give one, or answer through dure.Loop").format(name=self.name)
            )
        given = self.call(self.simulate, design, setting, fidelity=fidelity, seed=seed)
        outcome, views = (given.outcome, given.views) if isinstance(given, Answer) else (given, ())
        if isinstance(outcome, Mapping):
            outcome = self.make_outcome(outcome)
        if not isinstance(outcome, self.outcome):
            raise ValueRefused(
                _("simulate gave {given!r}; it must give a {cls}, a mapping of its fields, or an Answer with one of them").format(
                    given=outcome, cls=self.outcome.__name__
                )
            )
        return Answer(outcome, views)

    def describe(self) -> dict[str, Any]:
        """As plain data, for plans and ``dure show --json``."""
        return {
            "name": self.name,
            "version": self.version,
            "question": self.question,
            "design": {name: spec.describe() for name, spec in self.inputs.items()},
            "candidates": self._candidates,
            "setting": {name: spec.describe() | {"default": spec.default} for name, spec in self.inputs_of_setting.items()},
            "family": list(self.family or self.inputs_of_setting),
            "held_out": {name: list(kept) if isinstance(kept, tuple) else kept for name, kept in self.held_out.items()},
            "outcome": {name: measure.describe() for name, measure in self.measures.items()},
            "theory": self.theory is not None,
            "tokens": list(self.tokens.names) if self.tokens else [],
            "starts": [values_of(start) for start in self.starts],
            "rules": {one.name: one.help for one in self.rules},
            "fidelities": [
                {"name": rung.name, "cost": rung.cost, "trust": list(rung.trust), "help": rung.help} for rung in self.fidelities
            ],
            "beyond": [{"name": rung.name, "cost": rung.cost, "help": rung.help} for rung in self.beyond],
            "checks": [check.describe() for check in self.checks],
            "limits": {name: dict(limits) for name, limits in self.limits.items()},
            "noise": {"kind": self.noise.kind, "deviation": dict(self.noise.deviation)},
            **({"short_list": self.short_list} if self.short_list > 1 else {}),  # plans made before lists could be wanted stand
            "runs": self.runs,
            "tolerance": self.tolerance,
            "retry_safe": self.retry_safe,
            "hazards": list(self.hazards),
            "cites": list(self.cites),
        }

    @cached_property
    def _signatures(self) -> dict[int, tuple[Callable[..., Any], tuple[int, tuple[str, ...]]]]:
        """Looking into a function's signature costs more than many a function."""
        return {}

    @cached_property
    def _candidates(self) -> dict[str, Any] | None:
        """How many there are, and the hash of their list: a plan names them without repeating them."""
        if not self.candidates:
            return None
        return {"count": len(self.candidates), "sha256": digest([values_of(one) for one in self.candidates])}


def _read(kind: str, name: str, value: Any, specs: Mapping[str, Field]) -> Any:
    if name not in specs:
        raise UnknownName(kind, name, specs)
    return specs[name].read(name, value) if isinstance(value, str) else value


@lru_cache(maxsize=256)
def _trial(problem: Problem, design: Any, setting: Any, fidelity: str, seed: int) -> Trial:
    """Remembered because strategy and campaign ask for the same one in turn, and its key costs a hash."""
    return Trial(problem.name, problem.version, values_of(setting), values_of(design), fidelity, seed)
