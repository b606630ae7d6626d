"""The one list of tasks."""

from functools import lru_cache

from benchmarks.peers.suites import arrangement, constrained, continuous, crashing, fronts, mixed, noisy, stated, tables
from benchmarks.peers.tasks import Task

__all__ = ["QUICK", "all_tasks"]

QUICK = ("branin-2", "gramacy-2", "vessel-plates", "branin-2-noisy", "branin-2-region")
"""A handful that takes minutes."""


@lru_cache(maxsize=1)
def all_tasks() -> tuple[Task, ...]:
    """Every task whose data are there, suite by suite."""
    suites = (continuous, constrained, mixed, noisy, crashing, fronts, arrangement, tables, stated)
    return tuple(task for suite in suites for task in suite.tasks())
