"""Decorators that make frozen, typed, checked values of an author's classes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar, dataclass_transform

from dure.errors import InputError, ProblemError
from dure.i18n import _
from dure.problem.arrangement import arrangement
from dure.problem.fields import Field, choice, integer, ordered, real
from dure.problem.goals import Measure, at_least, at_most, maximise, minimise, reported, within
from dure.problem.molecule import molecule
from dure.problem.sequence import sequence
from dure.problem.where import refused
from dure.units import check_unit

__all__ = ["design", "inputs_of", "measures_of", "outcome", "setting", "values_of"]

T = TypeVar("T")

_INPUTS = "real(...), integer(...), choice(...), ordered(...), molecule(...), arrangement(...) or sequence(...)"
_OUTPUTS = "minimise(...), maximise(...), at_least(...), at_most(...), within(...) or reported(...)"


def _declare(cls: type[T], kind: type[Field] | type[Measure], hint: str) -> type[T]:
    declared = getattr(cls, "__annotations__", {})
    for name in declared:
        spec = getattr(getattr(cls, name, None), "metadata", {}).get("dure")
        if not isinstance(spec, kind):
            raise refused(_("{cls}.{name} is declared without {hint}").format(cls=cls.__name__, name=name, hint=hint))
    for name, item in vars(cls).items():
        if "dure" in getattr(item, "metadata", {}):
            _check(cls, name, item, typed=name in declared)
    if "__post_init__" in vars(cls):
        raise refused(_("{cls} defines __post_init__, which would be lost; check designs with a rule").format(cls=cls.__name__))

    def __post_init__(self: Any) -> None:  # noqa: N807 - it becomes the class's own
        for name, spec in specs.items():
            object.__setattr__(self, name, spec.accept(f"{cls.__name__}.{name}", getattr(self, name)))

    cls.__post_init__ = __post_init__  # type: ignore[attr-defined]
    made = dataclass(frozen=True, kw_only=True)(cls)
    specs: dict[str, Any] = {item.name: item.metadata["dure"] for item in fields(made)}  # type: ignore[arg-type]
    if not specs:
        raise refused(_("{cls} has no fields; declare at least one with {hint}").format(cls=cls.__name__, hint=hint))
    return made


def _check(cls: type, name: str, item: Any, *, typed: bool) -> None:
    """Refuse one declaration of an author's class, pointing at its line."""
    spec = item.metadata["dure"]
    try:
        if not typed:
            raise ProblemError(_("its type is missing; write {name}: float = ...").format(name=name))
        check_unit(spec.unit)
        spec.validate()
    except InputError as error:
        file, line = item.metadata["where"]
        raise ProblemError(f"{cls.__name__}.{name}: {error}", file=file, line=line) from None


@dataclass_transform(
    kw_only_default=True, frozen_default=True, field_specifiers=(real, integer, choice, ordered, molecule, arrangement, sequence)
)
def design(cls: type[T]) -> type[T]:
    """Make ``cls`` a design class: every field says what may be varied.

    Raises:
        ProblemError: a field is not declared with real, integer, choice, ordered, molecule, arrangement or sequence.
    """
    return _declare(cls, Field, _INPUTS)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(real, integer, choice, ordered))
def setting(cls: type[T]) -> type[T]:
    """Make ``cls`` a setting class: what a campaign holds fixed. Every field needs a default.

    Raises:
        ProblemError: a field is not declared with real, integer, choice or ordered, or has no default.
    """
    made = _declare(cls, Field, _INPUTS)
    for item in fields(made):  # type: ignore[arg-type]
        if item.metadata["dure"].default is None:
            file, line = item.metadata["where"]
            message = _("setting {cls}.{name} has no default; add default=...").format(cls=cls.__name__, name=item.name)
            raise ProblemError(message, file=file, line=line)
    return made


@dataclass_transform(
    kw_only_default=True, frozen_default=True, field_specifiers=(minimise, maximise, at_least, at_most, within, reported)
)
def outcome(cls: type[T]) -> type[T]:
    """Make ``cls`` an outcome class: every field says what is measured and what is wanted of it.

    Raises:
        ProblemError: a field is not declared with minimise, maximise, at_least, at_most, within or reported.
    """
    return _declare(cls, Measure, _OUTPUTS)


def inputs_of(cls: type) -> dict[str, Field]:
    """The fields of a design or setting class, by name."""
    return {item.name: item.metadata["dure"] for item in fields(cls)}


def measures_of(cls: type) -> dict[str, Measure]:
    """The outputs of an outcome class, by name."""
    return {item.name: item.metadata["dure"] for item in fields(cls)}


def values_of(value: Any) -> dict[str, Any]:
    """A design, setting or outcome as plain JSON data; parts and arrangements become lists."""
    plain = {item.name: getattr(value, item.name) for item in fields(value)}
    return {name: list(given) if isinstance(given, tuple) else given for name, given in plain.items()}
