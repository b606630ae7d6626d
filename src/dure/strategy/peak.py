"""Where an acquisition function is largest, by the kind of space: a box, a mixture with steps and names, a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import chain, product
from math import prod
from typing import Any

import numpy as np
import torch
from botorch.optim import optimize_acqf
from botorch.optim.initializers import sample_truncated_normal_perturbations
from botorch.utils.sampling import draw_sobol_samples
from numpy.typing import NDArray
from torch import Tensor

from dure.problem import Problem

__all__ = ["Listed", "listed", "most_wanted", "moved", "promising", "remembered"]

_EVERYWHERE, _NEARBY, _POLISHED = 256, 128, 4
_ROUNDS = 8
_CHUNK = 256
_GLANCED = 4_096
_NEIGHBOURS, _SHORT = 256, 64
_MOST_LISTED = 2_000

Array = NDArray[np.float64]
Listed = tuple[tuple[Any, ...], Array]
"""Designs, and their (n, columns) rows of the unit cube."""


def most_wanted(
    acquisition: Callable[[Tensor], Tensor],
    problem: Problem,
    incumbents: Tensor,
    seed: int,
    glance: Callable[[Tensor], Tensor],
    among: Listed | None = None,
) -> Iterator[Any]:
    """Designs in falling order of ``acquisition``, (n, 1, columns) to (n,), as far as it was looked for; the largest comes first.

    ``incumbents`` (k, columns) are designs near which better ones are likely; ``glance`` is an acquisition function that is quick
    to evaluate, by which the most promising of very many are chosen; ``among`` is the part of a list to look through, where it is
    not all of it.
    """
    every = among or listed(problem)
    if every is not None:
        return _of_a_list(acquisition, every)
    if problem.space.stepped:
        return _of_a_mixture(acquisition, problem, incumbents, seed, glance)
    return _of_a_box(acquisition, problem, incumbents, seed)


@lru_cache(maxsize=4)
def listed(problem: Problem) -> Listed | None:
    """All designs that keep the rules and their cube rows, where there are few or they are given; None in other spaces."""
    space, designs = problem.space, problem.candidates
    specs = list(space.fields.values())
    if not designs:
        if any(spec.steps is None or spec.columns > 1 for spec in specs) or prod(one.steps or 1 for one in specs) > _MOST_LISTED:
            return None
        middles = [(np.arange(spec.steps or 1) + 0.5) / (spec.steps or 1) for spec in specs]
        designs = tuple(space.designs(np.array(list(product(*middles)))))
    kept = tuple(design for design in designs if problem.broken_rule(design) is None)
    return kept, space.encode(kept)


def promising(glance: Callable[[Tensor], Tensor], every: Listed, asked: Array) -> Listed:
    """Of a long list the 2,000 that look best at first sight and were not ``asked`` (n, columns) for; a short one as it is.

    ``glance`` is an acquisition function that is quick to evaluate.
    """
    designs, cube = every
    if len(designs) <= _MOST_LISTED:
        return every
    known = {row.tobytes() for row in asked}
    left = np.array([number for number, row in enumerate(cube) if row.tobytes() not in known], dtype=int)
    values = _values(glance, cube[left], _GLANCED)
    rows = left[np.argsort(-values, kind="stable")[:_MOST_LISTED]]
    return tuple(designs[row] for row in rows), cube[rows]


def remembered(acquisition: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """``acquisition``, (n, 1, columns) to (n,), which is asked once for each point; its values have no slope."""
    known: dict[bytes, float] = {}

    def values(points: Tensor) -> Tensor:
        keys = [row.tobytes() for row in points.numpy()]
        new = {key: number for number, key in enumerate(keys) if key not in known}
        if new:
            known.update(zip(new, _values(acquisition, points[list(new.values())].squeeze(-2)).tolist(), strict=True))
        return torch.tensor([known[key] for key in keys], dtype=points.dtype)

    return values


def _values(acquisition: Callable[[Tensor], Tensor], cube: Any, together: int = _CHUNK) -> Array:
    with torch.no_grad():
        parts = [acquisition(part.unsqueeze(-2)) for part in torch.as_tensor(cube).split(together)]
    return np.asarray(torch.cat(parts).numpy())


def _of_a_list(acquisition: Callable[[Tensor], Tensor], among: Listed) -> Iterator[Any]:
    designs, cube = among
    if not len(designs):
        return iter(())
    return (designs[row] for row in np.argsort(-_values(acquisition, cube), kind="stable"))


def _of_a_box(acquisition: Callable[[Tensor], Tensor], problem: Problem, incumbents: Tensor, seed: int) -> Iterator[Any]:
    """The best of many points, part of them near the incumbents, polished by gradient from the best four."""
    raw = _raw(problem.space.columns, incumbents, seed)
    values = torch.as_tensor(_values(acquisition, raw.squeeze(-2)))
    reached, values = _polished(acquisition, raw[values.topk(_POLISHED).indices], {})
    yield problem.space.designs(reached[values.argmax()].numpy())[0]


def _raw(columns: int, incumbents: Tensor, seed: int) -> Tensor:
    bounds = torch.stack([torch.zeros(columns), torch.ones(columns)]).double()
    everywhere = draw_sobol_samples(bounds, n=_EVERYWHERE, q=1, seed=seed)
    nearby = [
        sample_truncated_normal_perturbations(incumbents, n_discrete_points=_NEARBY, sigma=sigma, bounds=bounds).unsqueeze(-2)
        for sigma in (0.1, 0.01)
    ]
    return torch.cat([everywhere, *nearby])


def _polished(acquisition: Any, starts: Tensor, held: Mapping[int, Tensor]) -> tuple[Tensor, Tensor]:
    """(k, 1, columns) points reached by gradient from as many starts, some columns of each held, and their (k,) values."""
    columns = starts.shape[-1]
    options: dict[str, Any] = {"maxiter": 100, "ftol": 1e-4, "factr": None}
    reached, values = optimize_acqf(
        acquisition,
        bounds=torch.stack([torch.zeros(columns), torch.ones(columns)]).double(),
        q=1,
        num_restarts=len(starts),
        batch_initial_conditions=starts,
        fixed_features=held or None,
        options=options,
        return_best_only=False,
        retry_on_optimization_warning=False,
    )
    return reached, torch.as_tensor(values)


def _of_a_mixture(
    acquisition: Callable[[Tensor], Tensor], problem: Problem, incumbents: Tensor, seed: int, glance: Callable[[Tensor], Tensor]
) -> Iterator[Any]:
    """Alternately: real columns by gradient, then one step of one field to the best neighbour, until neither helps."""
    space, generator = problem.space, np.random.default_rng(seed)
    raw = space.designs(_raw(space.columns, incumbents, seed).squeeze(-2).numpy())
    likely = space.designs(incumbents.numpy())
    raw += [moved(problem, likely[generator.integers(len(likely))], generator) for _one in range(_NEARBY)] + likely
    raw = [design for design in dict.fromkeys(raw) if problem.broken_rule(design) is None]
    if not raw:
        return iter(())
    many = len(space.neighbours(raw[-1])) > _NEIGHBOURS
    raw = _short(raw, problem, glance) if many else raw
    found = dict(zip(raw, _values(acquisition, space.encode(raw)).tolist(), strict=True))
    climbers = sorted(found, key=lambda one: -found[one])[: _POLISHED // 2 if many else _POLISHED]
    for _round in range(_ROUNDS):
        settled = _settled(acquisition, problem, climbers) if len(space.stepped) < space.columns else climbers
        near = [[one, *space.neighbours(one)] for one in settled]
        tried = [one for one in dict.fromkeys(chain(*near)) if one not in found and problem.broken_rule(one) is None]
        if not tried:
            break
        tried = (
            list(dict.fromkeys([*_short(tried, problem, glance), *(one for one in tried if one in settled)])) if many else tried
        )
        found |= dict(zip(tried, _values(acquisition, space.encode(tried)).tolist(), strict=True))
        best = [
            max([here, *(one for one in some if one in found)], key=found.__getitem__)
            for here, some in zip(climbers, near, strict=True)
        ]
        climbers = list(dict.fromkeys(one for here, one in zip(climbers, best, strict=True) if one != here))
        if not climbers:
            break
    return iter(sorted(found, key=lambda one: -found[one]))


def _short(designs: list[Any], problem: Problem, glance: Callable[[Tensor], Tensor]) -> list[Any]:
    """The few that look best at a glance."""
    order = np.argsort(-_values(glance, problem.space.encode(designs), _GLANCED), kind="stable")
    return [designs[row] for row in order[:_SHORT]]


def moved(problem: Problem, design: Any, generator: np.random.Generator, wide: float = 0.05) -> Any:
    """A design one to three steps away, its real fields shaken by about ``wide`` of their range."""
    space = problem.space
    for _step in range(int(generator.integers(1, 4))):
        design = space.neighbour(design, generator)
    cube = space.encode([design])
    real = np.setdiff1d(np.arange(space.columns), space.stepped)
    cube[:, real] += generator.normal(scale=wide, size=(1, len(real)))
    return space.designs(cube)[0]


def _settled(acquisition: Callable[[Tensor], Tensor], problem: Problem, designs: list[Any]) -> list[Any]:
    """``designs`` with their real columns where the acquisition is largest for their other fields."""
    starts = torch.from_numpy(problem.space.encode(designs)).unsqueeze(-2)
    held = {column: starts[:, 0, column] for column in problem.space.stepped}
    reached, _values = _polished(acquisition, starts, held)
    return problem.space.designs(reached.squeeze(-2).numpy())
