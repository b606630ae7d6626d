"""Problems whose authors state something: Dure with all of it, without each piece, as a black box, and its peers.

    python -m benchmarks.stated [--quick] [--resume DIR] [--json FILE]

Tasks, scores and the peers' kept runs are those of benchmarks.peers. Everyone gets the author's starting designs; what else is
stated (parts, theory, cheaper rungs) only Dure can take. Quick: one seed. A task whose
middle is not known yet is left out, and said so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from benchmarks.figures import Figure, Options, Row, present
from benchmarks.peers.players import ABLATED, OURS, PEERS
from benchmarks.peers.players.with_dure import plays
from benchmarks.peers.scores import across_seeds, log_ratios
from benchmarks.peers.standings import MARK, Standing, covered, ours, tasks_table, theirs
from benchmarks.peers.suites import all_tasks

_QUICK_SEEDS, _SEEDS = 1, 10


def stated(
    mine: Mapping[str, Standing], less: Mapping[str, Mapping[str, Standing]], peers: Mapping[str, Mapping[str, Standing]]
) -> list[Figure]:
    """Where authors state what they know: the best black-box peer of each task over Dure, and what each piece is worth."""
    found = []
    for name, standing in mine.items():
        own = standing.runs[MARK]
        spans = {peer: across_seeds([log_ratios(kept[name].runs[MARK], own)]) for peer, kept in peers.items() if name in kept}
        if spans:
            peer = min(spans, key=lambda one: spans[one][0])
            found.append(Figure(f"{name}: runs to 95 % (best black-box peer)", *spans[peer], target=3.0, peer=peer))
            found.append(Figure("  runs of Dure that did not get there", standing.censored, unit=f"of {len(standing.final)}"))
        for entry, kept in less.items():
            if name in kept:
                span = across_seeds([log_ratios(kept[name].runs[MARK], own)])
                found.append(Figure(f"{name}: runs to 95 %", *span, peer=entry))
    return found


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Run what is missing and sum it up."""
    declared = [task for task in all_tasks() if plays(task) and task.declared]
    tasks = [task for task in declared if not math.isnan(task.reference.middle)]
    for task in declared:
        if task not in tasks:
            options.say(f"{task.name} is left out: python -m benchmarks.peers.references {task.name}")
    seeds = _QUICK_SEEDS if options.quick else _SEEDS
    knowing = ours(options, tasks, min(seeds, OURS.seeds))
    less = {entry.name: ours(options, tasks, min(seeds, entry.seeds), entry) for entry in ABLATED}
    peers = {name: theirs(entry, tasks) for name, entry in PEERS.items()}
    everyone = [knowing, *less.values(), *peers.values()]
    rows = [one[name].row() for name in knowing for one in everyone if name in one]
    print(tasks_table(rows))
    return stated(knowing, less, peers) + covered(knowing), rows


if __name__ == "__main__":
    present("stated", __doc__, study)
