"""Problems of every kind that a statement may describe, drawn by hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import islice
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from dure.errors import PlanError, SimulationFailed
from dure.problem import (
    Axis,
    Fidelity,
    Noise,
    NoSetting,
    Problem,
    Rule,
    Space,
    arrangement,
    at_least,
    at_most,
    choice,
    design,
    integer,
    max_over,
    maximise,
    min_over,
    minimise,
    molecule,
    ordered,
    outcome,
    real,
    rule,
    sequence,
    setting,
    sum_over,
    weighted_over,
    within,
)
from dure.strategy import space_filling

__all__ = ["problems"]

Array = NDArray[np.float64]

_SIZES = st.sampled_from((1.0, 1e-30, 1e30, 1e-6, 1e6))
_PART = Axis("part", ("first", "second"))
_REDUCTIONS = (sum_over(_PART), min_over(_PART), max_over(_PART), weighted_over(_PART, (2.0, -1.0)))
_LADDERS = ((), (0.1,), (0.05, 0.4))
"""Costs of the rungs below the top."""
_KINDS = ("real", "log", "integer", "choice", "ordered", "arrangement", "sequence", *(["molecule"] if find_spec("rdkit") else []))
_MOLECULES = ("CCO", "CCN", "c1ccccc1O", "CC(=O)Oc1ccccc1C(=O)O", "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "O")
"""Two of them differ in handedness alone, and one has a single heavy atom."""
_FAILURES = ("never", "never", "some", "nan", "always")


@setting
class Place:
    """A setting that can be moved, so that a journal may hold answers of another task."""

    warmth: float = real(0.0, 1.0, default=0.5)


@dataclass(frozen=True)
class _Output:
    """A number between ``offset`` and ``offset`` + ``size``, or a power of ten of it, by how far a design is from a centre."""

    declared: Any
    offset: float
    size: float
    centre: float
    decades: float
    parts: bool

    def __call__(self, cube: Array, off: float) -> float | tuple[float, float]:
        far = float(np.square(cube - self.centre).mean()) + off
        value = self.offset + self.size * (10 ** (self.decades * far) if self.decades else far)
        return (value, value / 2) if self.parts else value


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """A problem with one to four inputs, one to three objectives, and whatever else an author may state."""
    made = _declared(design, "x", draw(st.lists(_inputs(), min_size=1, max_size=4)))
    space = Space(made)
    candidates = draw(_candidates(space))
    rules = draw(_rules(space, candidates))
    outputs = {f"y{number}": one for number, one in enumerate(draw(_outputs()))}
    problem = Problem(
        name="drawn/problem",
        version="1",
        question="What will be asked next?",
        design=made,
        outcome=_declared(outcome, "y", [one.declared for one in outputs.values()]),
        setting=draw(st.sampled_from((NoSetting, Place))),
        simulate=_simulate(space, outputs, draw(st.sampled_from(_FAILURES))),
        theory=draw(st.sampled_from((None, None, _theory(space, outputs), _nonsense(outputs)))),
        candidates=candidates,
        rules=rules,
        fidelities=draw(_fidelities(tuple(outputs))),
        noise=draw(st.sampled_from((Noise(), Noise(), Noise("unknown"), Noise("known", dict.fromkeys(outputs, 0.1))))),
    )
    try:
        return replace(problem, starts=tuple(islice(space_filling(problem, 5), draw(st.integers(0, 2)))))
    except PlanError:
        return problem


def _declared(kind: Callable[[type], type], letter: str, fields: list[Any]) -> type:
    """A class as an author would write it."""
    named = {f"{letter}{number}": one for number, one in enumerate(fields)}
    return kind(type("Drawn", (), {"__annotations__": dict.fromkeys(named, Any)} | named))


@st.composite
def _inputs(draw: st.DrawFn) -> Any:
    """One input of any kind, molecules where RDKit is installed: with one value, a few, or many."""
    size = draw(_SIZES)
    match draw(st.sampled_from(_KINDS)):
        case "real":
            low = size * draw(st.sampled_from((0.0, -1.0, 1.0)))
            return real(low, low + size * draw(st.sampled_from((1.0, 1e-3, 0.0))))
        case "log":
            return real(size, size * draw(st.sampled_from((100.0, 1.01, 1e12, 1.0))), log=True)
        case "integer":
            low = draw(st.sampled_from((0, -5, 10**9)))
            return integer(low, low + draw(st.sampled_from((2, 0, 1, 30, 10**9))))
        case "choice":
            return choice(*"abcde"[: draw(st.integers(1, 5))])
        case "molecule":
            return molecule(*_MOLECULES[: draw(st.integers(1, len(_MOLECULES)))])
        case "ordered":
            return ordered(*(size * level for level in (1.0, 2.0, 10.0, 1e6)[: draw(st.integers(1, 4))]))
        case "sequence":
            return sequence(*"abc"[: draw(st.integers(1, 3))], most=draw(st.integers(1, 4)), least=draw(st.integers(0, 1)))
        case _:
            return draw(_arrangements(size))


@st.composite
def _arrangements(draw: st.DrawFn, size: float) -> Any:
    places = tuple("ABCD"[: draw(st.integers(1, 4))])
    kinds = draw(st.integers(1, min(3, len(places))))
    inventory = {"plain": len(places) - kinds + 1} | dict.fromkeys(("red", "blue")[: kinds - 1], 1)
    tokens = {kind: {"weight": size * number} for number, kind in enumerate(inventory)}
    return arrangement(places, inventory, tokens=tokens if draw(st.booleans()) else None)


@st.composite
def _candidates(draw: st.DrawFn, space: Space) -> tuple[Any, ...]:
    rows = draw(st.sampled_from((0, 0, 0, 1, 3, 12)))
    cube = np.random.default_rng(draw(st.integers(0, 3))).uniform(size=(rows, space.columns))
    return tuple(dict.fromkeys(space.designs(cube)))


@st.composite
def _rules(draw: st.DrawFn, space: Space, candidates: tuple[Any, ...]) -> tuple[Rule, ...]:
    """A rule that leaves a part of the space, a slice of it, or nothing; with candidates always some of them."""
    band = draw(st.sampled_from((None, None, None, (-1.0, 0.6), (0.4, 0.5), (2.0, 3.0))))
    if band is None:
        return ()

    @rule
    def band_of_the_first(one: Any) -> float:
        column = float(space.encode([one])[0, 0])
        return min(column - band[0], band[1] - column)

    keeps = any(band_of_the_first.function(one) >= 0 for one in candidates)
    return (band_of_the_first,) if keeps or not candidates else ()


@st.composite
def _outputs(draw: st.DrawFn) -> list[_Output]:
    objectives = draw(st.sampled_from((1, 1, 2, 3)))
    return [draw(_output(objective=number < objectives)) for number in range(objectives + draw(st.sampled_from((0, 1, 2))))]


@st.composite
def _output(draw: st.DrawFn, *, objective: bool) -> _Output:
    """An objective or a limit, varying, constant or over many decades, huge or tiny, in parts or not."""
    size, over = draw(_SIZES), draw(st.sampled_from((None, None, *_REDUCTIONS)))
    offset = size * draw(st.sampled_from((0.0, 1.0, -1.0, 1e8)))
    varies = draw(st.sampled_from((True, True, True, False)))
    decades = draw(st.sampled_from((0.0, 0.0, 20.0))) if varies else 0.0
    if decades:
        offset = 0.0
    found = _Output(None, offset, size if varies else 0.0, draw(st.sampled_from((0.3, 0.0, 1.0))), decades, over is not None)
    positive = bool(decades or offset > 0) and draw(st.booleans())
    if objective:
        kind = draw(st.sampled_from((minimise, maximise)))
        return replace(found, declared=kind(over, positive=positive))
    low, middle, high = (
        offset - size,
        offset + size * (10 ** (decades / 10) if decades else 0.1),
        offset + size * 10 ** (decades + 1),
    )
    declared = draw(
        st.sampled_from(
            (
                lambda: at_most(middle, over, positive=positive),
                lambda: at_least(middle, over, positive=positive),
                lambda: within(low, middle, over),
                lambda: at_most(high, over),
                lambda: at_least(high, over),
            )
        )
    )
    return replace(found, declared=declared())


@st.composite
def _fidelities(draw: st.DrawFn, outputs: tuple[str, ...]) -> tuple[Fidelity, ...]:
    trust = draw(st.sampled_from(((), outputs[:1])))
    cheaper = draw(st.sampled_from(_LADDERS))
    return (*(Fidelity(f"rung{number}", cost, trust) for number, cost in enumerate(cheaper)), Fidelity("top"))


def _simulate(space: Space, outputs: Mapping[str, _Output], fails: str) -> Callable[..., dict[str, Any]]:
    """Fails never, for designs on one side, by NaN on that side, or always."""

    def simulate(one: Any, *, fidelity: str) -> dict[str, Any]:
        cube = space.encode([one])[0]
        if fails == "always" or (fails == "some" and cube[-1] > 0.5):
            raise SimulationFailed("outside")
        if fails == "nan" and cube[-1] > 0.5:
            return {name: (float("nan"),) * 2 if one.parts else float("nan") for name, one in outputs.items()}
        off = 0.0 if fidelity == "top" else 0.1 * float(cube[0])
        return {name: one(cube, off) for name, one in outputs.items()}

    return simulate


def _theory(space: Space, outputs: Mapping[str, _Output]) -> Callable[..., dict[str, Any]]:
    """Right but for the centre."""
    elsewhere = {name: replace(one, centre=0.5) for name, one in outputs.items()}
    return lambda one: {name: output(space.encode([one])[0], 0.0) for name, output in elsewhere.items()}


def _nonsense(outputs: Mapping[str, _Output]) -> Callable[..., dict[str, Any]]:
    return lambda _one: {name: (float("nan"),) * 2 if output.parts else float("nan") for name, output in outputs.items()}
