"""Inputs that a setting holds at one value: the tasks of a family need not vary the same ones."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.errors import UnknownName, ValueRefused
from dure.i18n import _
from dure.problem.classes import design, inputs_of
from dure.problem.fields import Array, Field, specified

__all__ = ["Held", "narrowed"]


@dataclass(frozen=True, kw_only=True)
class Held(Field):
    """An input that a setting holds at one value: it takes no column of the unit cube."""

    value: Any
    within: Field

    @property
    def columns(self) -> int:
        return 0

    def check_values(self) -> None:
        self.within.accept("held", self.value)

    def accept(self, name: str, value: object) -> Any:
        if self.within.accept(name, value) != self.value:
            raise ValueRefused(
                _("{name} = {value!r} is held at {held!r} under this setting").format(name=name, value=value, held=self.value)
            )
        return self.value

    def read(self, name: str, text: str) -> Any:
        return self.within.read(name, text)

    def write(self, value: Any) -> Any:
        return self.within.write(value)

    def encode(self, _value: Any) -> Array:
        return np.zeros(0)

    def decode(self, cube: Array) -> NDArray[Any]:
        if not isinstance(self.value, tuple):
            return np.full(len(cube), self.value)
        values = np.empty(len(cube), dtype=object)
        values[:] = [self.value] * len(cube)
        return values

    def snap(self, _value: Any) -> Any:
        return self.value

    def describe(self) -> dict[str, Any]:
        return {"kind": "held", "value": self.write(self.value), "unit": self.unit, "help": self.help}


def narrowed(cls: type, held: Mapping[str, Any]) -> type:
    """The design class ``cls`` with some of its inputs held.

    Raises:
        UnknownName: an input is none of the class's.
        ValueRefused: it cannot have that value.
    """
    known, taken = inputs_of(cls), []
    for name, value in sorted(held.items()):
        if name not in known:
            raise UnknownName(_("input"), name, known)
        taken.append((name, known[name].accept(name, value)))
    return _narrowed(cls, tuple(taken))


@cache
def _narrowed(cls: type, held: tuple[tuple[str, Any], ...]) -> type:
    inputs, made = inputs_of(cls), {}
    for name, value in held:
        spec = inputs[name]
        made[name] = specified(Held(value=spec.accept(name, value), within=spec, unit=spec.unit, help=spec.help))
    known = ChainMap(*(vars(one).get("__annotations__", {}) for one in cls.__mro__))
    annotations = {name: known[name] for name, _value in held}
    return design(type(cls.__name__, (cls,), {**made, "__annotations__": annotations, "__doc__": cls.__doc__}))
