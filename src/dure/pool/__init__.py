"""What many tasks of a family add up to: the designs that are run to begin a pool, and the one table that journals become."""

from dure.pool.build import build
from dure.pool.generate import Summary, draw_settings, generate
from dure.pool.imports import Imported, import_table
from dure.pool.pool import Answers, Pool, Task
from dure.pool.rows import Source
from dure.pool.sources import UNSTATED
from dure.pool.split import HELD_OUT, TRAIN, leaks, split

__all__ = [
    "HELD_OUT",
    "TRAIN",
    "UNSTATED",
    "Answers",
    "Imported",
    "Pool",
    "Source",
    "Summary",
    "Task",
    "build",
    "draw_settings",
    "generate",
    "import_table",
    "leaks",
    "split",
]
