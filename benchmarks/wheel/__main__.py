"""What a family's past is worth to its next task: campaigns with a prior and without, and peers that are given the same past.

    python -m benchmarks.wheel [--quick] [--resume DIR] [--json FILE]

Tables: HPO-B's development spaces, one task left out. Docking: targets and classes of proteins that the family keeps for
evaluation. Controls: a prior whose past answers are shuffled, which must cost nothing. Runs to a mark count the opening; a search
that does not get there counts as its budget and one.

Amplifiers, batteries and functions that crash stand by themselves, in benchmarks.wheel.amplifiers, batteries and failures.
"""

from __future__ import annotations

from benchmarks.figures import Figure, Options, Row, present
from benchmarks.wheel import docking, tables


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Both kinds of family."""
    found = [part.study(options) for part in (docking, tables)]
    return [figure for figures, _rows in found for figure in figures], [row for _figures, rows in found for row in rows]


if __name__ == "__main__":
    present("wheel", __doc__, study)
