"""The prospect: with what probability more runs would still gain more than the tolerance (wilson2024)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from warnings import catch_warnings, simplefilter

import numpy as np
import torch
from botorch.utils.sampling import manual_seed
from linear_operator.settings import max_cholesky_size
from linear_operator.utils.warnings import NumericalWarning
from torch import Tensor

from dure.errors import PlanError
from dure.problem import Problem
from dure.strategy.aims import Aims
from dure.strategy.base import space_filling
from dure.strategy.calibration import widening
from dure.strategy.evidence import Array
from dure.strategy.peak import listed
from dure.surrogate import Ladder, roughest

__all__ = ["prospect"]

_PATHS, _SINGLE = 512, 64
_EVERYWHERE, _NEARBY, _TOGETHER = 256, 96, 384
_WIDTHS = (0.1, 0.03, 0.01)
_SOURCES = 16
_MOST_LISTED = 2_000
_NEGLIGIBLE = -14.0
"""A design whose own chance has a smaller logarithm, below one in a million, is on no path that counts."""


def prospect(aims: Aims, model: Ladder, incumbents: Tensor, seed: int) -> float | None:
    """Share of sample paths on which some design not yet answered beats the best answer by more than the tolerance.

    Half of the paths are of the fitted belief, half of the roughest one that the answers allow. ``incumbents`` (k, columns) are
    the designs the top rung is believed to like, best first. None with several objectives, and while no answer keeps the limits;
    0 where no design is left. One path more than were drawn counts as one that gains.
    """
    best = aims.evidence.best(aims.ladder[-1])
    if best is None or len(aims.task.objectives) > 1:
        return None
    with torch.no_grad(), torch.random.fork_rng(devices=[]), manual_seed(seed), max_cholesky_size(10**6), catch_warnings():
        simplefilter("ignore", NumericalWarning)  # designs side by side are all but one and the same
        beliefs = [_Belief(aims, one, incumbents, best[1][aims.task.objective.name]) for one in (model, roughest(model))]
        try:
            found = [one.gaining(seed) for one in beliefs]
        except PlanError:  # the rules leave nothing
            return 0.0
    return 0.0 if None in found else (sum(filter(None, found)) + 1) / (len(beliefs) * _PATHS + 1)


@dataclass(frozen=True)
class _Belief:
    """A surrogate with its doubts stretched as far as its stated intervals had to be, never narrowed; and the ``best`` answer."""

    aims: Aims
    model: Ladder
    incumbents: Tensor
    best: float

    @property
    def noisy(self) -> bool:
        return self.aims.task.problem.noise.kind != "none"

    def gaining(self, seed: int) -> int | None:
        """On how many paths something gains more than the tolerance; None where no design is left."""
        aims, goal, answer = self.aims, self.aims.task.objective, self.incumbents[:1]
        enough = aims.task.problem.tolerance * abs(self.best) / aims.spread[goal.name]
        known = (-self.best if goal.measure.sense == "minimise" else self.best) / aims.spread[goal.name]
        # Under noise the best answer was lucky: the design believed best stands for it, on each path at its value there.
        bar = enough + (float(aims.value(self.model.mean(answer))) if self.noisy else known)
        points, chances = _looked_at(aims, lambda rows: self.chances(rows, bar), self.incumbents, seed)
        if not len(points):
            return None
        likely = _likeliest(points, chances, _TOGETHER)[: int((chances > _NEGLIGIBLE).sum())]
        if not len(likely):
            return 0
        samples = self.paths(torch.cat([answer, likely]) if self.noisy else likely)
        values = aims.value(samples)
        over = values - (values[:, :1] + enough if self.noisy else bar)
        return int(((over > 0) & (aims.missed(samples) <= 0)).any(-1).sum())

    def _stretched(self, samples: Tensor, points: Tensor) -> Tensor:
        """(..., n, m) samples at (n, columns) points, spread about their means."""
        outputs, wide = self.aims.outputs, torch.ones(samples.shape[-1], dtype=samples.dtype)
        for name, columns in outputs.slices.items():
            wide[columns] = max(1.0, widening(self.aims.evidence.predictions, name))
        mean = self.model.mean(points)
        return mean + wide * (samples - mean)

    def paths(self, points: Tensor) -> Tensor:
        """(n, columns) points to (paths, n, m) samples, each path one function."""
        return self._stretched(self.model.posterior(points).rsample(torch.Size([_PATHS])), points)

    def chances(self, points: Tensor, bar: float) -> Tensor:
        """(n, columns) points to the logarithm of each one's own chance to pass ``bar`` and keep the limits, as if Gaussian."""
        if not len(points):
            return torch.zeros(0)
        drawn = self.model.posterior(points.unsqueeze(-2)).rsample(torch.Size([_SINGLE])).squeeze(-2)
        samples = self._stretched(drawn, points)
        needs = [self.aims.value(samples) - bar, *(-shortfall(samples) for shortfall in self.aims.shortfalls())]
        return torch.stack([torch.special.log_ndtr(one.mean(0) / one.std(0).clamp_min(1e-9)) for one in needs]).sum(0)


def _looked_at(aims: Aims, chances: Callable[[Tensor], Tensor], incumbents: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """(n, columns) designs not yet answered, and their chances: all of a list, else points everywhere and near the likeliest."""
    problem = aims.task.problem
    generator, every = np.random.default_rng([seed, len(aims.evidence.keys)]), listed(problem)
    if every is not None:
        rows = _unanswered(every[1], aims)
        points = rows if len(rows) <= _MOST_LISTED else rows[generator.permutation(len(rows))[:_MOST_LISTED]]
        return points, chances(points)
    points = _unanswered(problem.space.encode(list(islice(space_filling(problem, seed), _EVERYWHERE))), aims)
    found = chances(points)
    sources = torch.cat([incumbents, _likeliest(points, found, _SOURCES)])
    for width in _WIDTHS:
        near = _unanswered(_around(problem, sources.numpy(), width, generator), aims)
        points, found = torch.cat([points, near]), torch.cat([found, chances(near)])
        sources = _likeliest(points, found, _SOURCES) if len(points) else sources
    return points, found


def _likeliest(points: Tensor, chances: Tensor, most: int) -> Tensor:
    return points[chances.topk(min(most, len(points))).indices]


def _around(problem: Problem, sources: Array, width: float, generator: np.random.Generator) -> Array:
    """(n, columns) designs that keep the rules near ``sources``, or a step from them."""
    space = problem.space
    cube = sources[generator.integers(len(sources), size=_NEARBY)]
    cube = np.clip(cube + generator.normal(scale=width, size=cube.shape), 0.0, 1.0)
    if not (problem.rules or space.stepped):
        return cube
    steps = [one for design in space.designs(sources) for one in space.neighbours(design)] if space.stepped else []
    steps = [steps[number] for number in generator.permutation(len(steps))[:_NEARBY]]
    kept = [one for one in dict.fromkeys([*space.designs(cube), *steps]) if problem.broken_rule(one) is None]
    return space.encode(kept)


def _unanswered(rows: Array, aims: Aims) -> Tensor:
    """Those of ``rows`` that are no design answered at the top rung; all of them under noise, where an answer is not the last."""
    answered = () if aims.task.problem.noise.kind != "none" else aims.evidence.cube(aims.ladder[-1])
    known = {row.tobytes() for row in answered}
    return torch.from_numpy(rows[[row.tobytes() not in known for row in rows]])
