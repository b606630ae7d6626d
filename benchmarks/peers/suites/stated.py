"""Problems whose authors state what they know, against optima declared in benchmarks/references.

One file a problem, and in it its tasks: name, setting, limits, budget in runs, the best value known, its design, and which search
found it. Whoever adds a file adds to the bench; a problem whose simulator is not installed is left out.
"""

from __future__ import annotations

import json

from benchmarks.peers.tasks import DECLARED, Task
from dure.errors import DureError
from dure.problem import find

__all__ = ["tasks"]


def tasks() -> tuple[Task, ...]:
    """The suite."""
    found = []
    for file in sorted(DECLARED.glob("*.json")):
        declared = json.loads(file.read_text("utf-8"))
        try:
            problem = find(declared["problem"])
        except DureError:
            continue
        for one in declared["tasks"]:
            member = problem.under(problem.make_setting(one["setting"]))
            found.append(
                Task("stated", member, one["budget"], declared=one["name"], setting=one["setting"], limited=one["limits"])
            )
    return tuple(found)
