"""A task of the bench: a problem, a budget, and the answers every player gets alike."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dure.canonical import digest
from dure.errors import SimulationFailed
from dure.problem import Arranged, Field, Goal, Problem, Real, design, outcome, values_of, with_limits
from dure.problem.held import Held
from dure.strategy import space_filling

__all__ = ["DECLARED", "Answer", "Array", "Design", "Reference", "Task", "designs_of", "outcomes_of", "references"]

Array = NDArray[np.float64]
Design = Mapping[str, Any]

REFERENCES = Path(__file__).with_name("references.json")
DECLARED = Path(__file__).parents[1] / "references"
_MOST_STARTS = 10
_FINGERPRINTS = 8


def designs_of(**fields: Any) -> type:
    """A design class of fields made with real, integer, choice, ordered and arrangement."""
    return design(type("Design", (), {"__annotations__": dict.fromkeys(fields, Any), **fields}))


def outcomes_of(**fields: Any) -> type:
    """An outcome class of fields made with minimise, at_most and the like."""
    return outcome(type("Outcome", (), {"__annotations__": dict.fromkeys(fields, float), **fields}))


@dataclass(frozen=True)
class Answer:
    """What a run gave: the outcome itself, its objectives (smaller is better) and its violations (kept at 0 or less)."""

    outcome: Mapping[str, Any]
    objectives: tuple[float, ...]
    violations: tuple[float, ...]

    @property
    def worst(self) -> float:
        """The worst violation; 0 where every limit is kept."""
        return max((0.0, *self.violations))


@dataclass(frozen=True)
class Reference:
    """What a task is measured by: the best value known, the middle of 64 Sobol designs that keep the limits, and the source.

    With two objectives ``best`` is the largest hypervolume known, negative, and ``middle`` is 0: no front at all.
    """

    best: float
    middle: float
    source: str
    design: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Task:
    """A problem with its budget in runs, starting designs included.

    ``exact`` gives the outcome without noise where the problem has some. ``corner`` is the point that hypervolume is measured
    from, for two objectives, smaller being better. ``lottery`` says that designs crash at random, so that crashes teach nothing.
    ``declared`` is the name of a task of a problem that ships, with its setting and its limits.
    """

    suite: str
    problem: Problem
    budget: int
    exact: Callable[[Any], Mapping[str, float]] | None = None
    corner: tuple[float, ...] = ()
    lottery: bool = False
    declared: str = ""
    setting: Mapping[str, Any] = field(default_factory=dict)
    limited: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The declared one, or the problem's without "bench/"."""
        return self.declared or self.problem.name.removeprefix("bench/")

    @property
    def noisy(self) -> bool:
        """Whether two runs of one design differ."""
        return self.problem.noise.kind != "none"

    @cached_property
    def fields(self) -> dict[str, Field]:
        """What players vary, by name: the problem's inputs, but of an arrangement a key for each place, which are sorted.

        What a setting holds at one value is not varied.
        """
        found: dict[str, Field] = {}
        for name, spec in self.problem.inputs.items():
            if isinstance(spec, Arranged):
                found |= {f"{name}_{place}": Real(low=0.0, high=1.0) for place in spec.places}
            elif not isinstance(spec, Held):
                found[name] = spec
        return found

    def flat(self, given: Design) -> Design:
        """A design by ``fields``."""
        found: dict[str, Any] = {}
        for name, spec in self.problem.inputs.items():
            if isinstance(spec, Arranged):
                found |= {
                    f"{name}_{place}": key for place, key in zip(spec.places, spec.encode(given[name]).tolist(), strict=True)
                }
            elif not isinstance(spec, Held):
                found[name] = given[name]
        return found

    def whole(self, given: Design) -> Design:
        """A design by the problem's inputs, from one by ``fields`` or by inputs."""
        found: dict[str, Any] = {}
        for name, spec in self.problem.inputs.items():
            if isinstance(spec, Arranged) and name not in given:
                found[name] = spec.decode(np.array([[given[f"{name}_{place}"] for place in spec.places]], dtype=float))[0]
            else:
                found[name] = spec.value if isinstance(spec, Held) else given[name]
        return found

    @cached_property
    def wanted(self) -> dict[str, Goal]:
        """The problem's goals, under the task's limits."""
        return with_limits(self.problem.goals, self.limited)

    @cached_property
    def limits(self) -> tuple[str, ...]:
        """Names of the goals that have limits."""
        return tuple(name for name, goal in self.wanted.items() if not goal.is_objective)

    @cached_property
    def goals(self) -> tuple[Goal, ...]:
        """The objectives, in order."""
        return tuple(goal for goal in self.wanted.values() if goal.is_objective)

    def starts(self, seed: int) -> list[Design]:
        """The designs everyone begins with: the author's, or 2d + 2 Sobol points, at most ten, or as many rows of a table."""
        if self.problem.starts:
            return [values_of(one) for one in self.problem.starts]
        wanted = min(2 * len(self.fields) + 2, _MOST_STARTS)
        return self.sample((seed, 1), wanted)

    def sample(self, seed: tuple[int, ...], wanted: int) -> list[Design]:
        """Sobol designs, or random rows of a table."""
        if self.problem.candidates:
            rows = np.random.default_rng(seed).permutation(len(self.problem.candidates))[:wanted]
            return [values_of(self.problem.candidates[row]) for row in rows]
        return [values_of(one) for one in islice(space_filling(self.problem, seed), wanted)]

    def snapped(self, given: Design, taken: frozenset[int] | set[int] = frozenset()) -> Design:
        """A proposal as a design of the problem; in a table the nearest row that was not ``taken``."""
        fields, given = self.problem.inputs, self.whole(given)
        if not self.problem.candidates:
            return values_of(self.problem.design(**{name: fields[name].snap(given[name]) for name in fields}))
        cube = np.concatenate([fields[name].encode(given[name]) for name in fields])
        away = np.square(self.rows - cube).sum(1)
        away[list(taken)] = np.inf
        return values_of(self.problem.candidates[int(away.argmin())])

    @cached_property
    def rows(self) -> Array:
        """(rows, columns) the candidates in the unit cube."""
        return self.problem.space.encode(self.problem.candidates)

    @cached_property
    def row_of(self) -> dict[tuple[Any, ...], int]:
        """Number of each candidate by its values."""
        return {tuple(values_of(one).values()): row for row, one in enumerate(self.problem.candidates)}

    def run(self, given: Design, seed: int = 0, rung: str = "") -> Answer | None:
        """Answer a design, at the top rung where none is named; None where it crashes.

        The same seed gives the same noise and crashes to everyone.
        """
        one, setting = self.problem.make_design(given), self.problem.make_setting(self.setting)
        try:
            found = self.problem.answer(one, setting, fidelity=rung or self.problem.top.name, seed=seed)
        except SimulationFailed:
            return None
        return self.read(values_of(found.outcome))

    def truth(self, given: Design) -> Answer:
        """Answer a design without noise and without random crashes."""
        if self.exact is None:
            raise ValueError(f"{self.name} has no noise to be without")
        return self.read(self.exact(self.problem.make_design(given)))

    def read(self, found: Mapping[str, Any]) -> Answer:
        """An outcome with every objective to be made small, and every limit kept at 0 or less."""
        values = {name: float(goal.value(np.asarray(found[name], dtype=float))) for name, goal in self.wanted.items()}
        signs = [1.0 if goal.measure.sense == "minimise" else -1.0 for goal in self.goals]
        objectives = tuple(sign * values[goal.name] for sign, goal in zip(signs, self.goals, strict=True))
        violations = tuple(-self.wanted[name].margin(values[name]) for name in self.limits)
        return Answer(found, objectives, violations)

    @cached_property
    def definition(self) -> str:
        """A hash of what the task is: budget, starting designs, and answers to eight designs, to six figures.

        A declared task is what its problem's version says.
        """
        if self.declared:
            said: Any = [self.problem.version, dict(self.setting), dict(self.limited)]
            return digest({"budget": self.budget, "starts": [dict(one) for one in self.starts(0)], "said": said})[:12]
        designs = self.sample((7,), _FINGERPRINTS)
        answers = [self.run(one, seed=3) for one in designs]
        plain = [None if one is None else [f"{value:.5e}" for value in one.outcome.values()] for one in answers]
        return digest({"budget": self.budget, "starts": [dict(one) for one in self.starts(0)], "answers": plain})[:12]

    @property
    def reference(self) -> Reference:
        """What the task is measured by."""
        return references()[self.name]


def references() -> dict[str, Reference]:
    """Every task's reference: from ``references.json``, which ``python -m benchmarks.peers.references`` wrote, or as declared."""
    found = {name: Reference(**one) for name, one in json.loads(REFERENCES.read_text("utf-8")).items()}
    for file in DECLARED.glob("*.json"):
        for one in json.loads(file.read_text("utf-8"))["tasks"]:
            middle = math.nan if one["middle"] is None else one["middle"]  # not found yet
            found[one["name"]] = Reference(one["best"], middle, one["source"], one["design"])
    return found
