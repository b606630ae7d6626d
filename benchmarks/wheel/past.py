"""A family's past as benchmarks draw it: random designs of random tasks, those kept for evaluation left out, and priors of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from benchmarks.wheel.rows import COLD, SHUFFLED
from dure.models.prior import FamilyPrior, PastTask
from dure.models.training import train
from dure.pool import TRAIN, Pool, build, generate, split
from dure.pool.lessons import lesson
from dure.strategy import Strategy, strategy
from dure.strategy.informed import Informed

__all__ = ["drawn", "player_of"]


def drawn(family: str, folder: Path, *, tasks: int, designs: int) -> Path:
    """The training part of a pool at the family's cheapest rung; what is there already is not drawn again."""
    name = family.replace("/", "-")
    parts = folder / f"{name}-split"
    if not (parts / TRAIN).exists():
        generate(family, folder / name, tasks=tasks, designs=designs)
        table = folder / f"{name}.parquet"
        build(family, [folder / name], table)
        split(table, parts)
    return parts / TRAIN


def player_of(name: str, pool: Path) -> Strategy:
    """The engine with what a problem's author states: without a past, with that of a pool, or with a pool's answers shuffled."""
    plain: Any = strategy("structured")
    return plain if name == COLD else Informed(plain, _prior(pool, name == SHUFFLED), name)


@cache
def _prior(pool: Path, shuffled: bool) -> FamilyPrior:
    lessons = [one for one in map(lesson, Pool.read(pool).tasks) if one is not None]
    return train([_shuffled(one, number) for number, one in enumerate(lessons)] if shuffled else lessons)


def _shuffled(lesson: PastTask, seed: int) -> PastTask:
    """A task whose answers belong to other designs, the best among them."""
    order = torch.randperm(len(lesson.outputs), generator=torch.Generator().manual_seed(seed))
    best = None if lesson.best is None else lesson.points[order[: len(lesson.best)]]
    return replace(lesson, outputs=lesson.outputs[order], best=best)
