"""Runs needed, by Dure and by its peers, on small problems with known references.

    python -m benchmarks.peers [--quick] [--resume DIR] [--json FILE]

Dure runs; its peers' trajectories are those kept under benchmarks/results/peers (``collect`` makes them), on the same starting
designs, answers and budgets. Quick: two seeds on a handful of tasks. Full: every task, 20 seeds.

A ratio is a peer's runs to 95 % of the reference over Dure's, seed by seed; runs include the starting designs, and a run that
does not get there counts as its budget and one. Tasks count alike. A peer that cannot take a suite did not get there.

Problems that state something stand apart, in benchmarks.stated.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from benchmarks.figures import Figure, Options, Row, present
from benchmarks.peers.players import OURS, PEERS, Entry
from benchmarks.peers.players.with_dure import plays
from benchmarks.peers.scores import across_seeds, across_tasks, log_ratios
from benchmarks.peers.standings import MARK, Standing, covered, ours, tasks_table, theirs
from benchmarks.peers.suites import QUICK, all_tasks
from benchmarks.peers.tasks import Array

_QUICK_SEEDS = 2


def ratios(entry: Entry, peer: Mapping[str, Standing], mine: Mapping[str, Standing]) -> dict[str, Array]:
    """Logarithms of the peer's runs to 95 % over ours, by task and seed; tasks not collected yet are left out."""
    found = {}
    for name, standing in mine.items():
        own = standing.runs[MARK]
        if not entry.takes(standing.task):
            other = dict.fromkeys(own, standing.task.budget + 1.0)
        elif name in peer:
            other = peer[name].runs[MARK]
        else:
            continue
        if len(logs := log_ratios(other, own)):
            found[name] = logs
    return found


def compared(
    compared_with: Mapping[str, Mapping[str, Array]],
    mine: Mapping[str, Standing],
    peers: Mapping[str, Mapping[str, Standing]],
    quick: bool,
) -> list[Figure]:
    """Ratios over all suites together and by suite, and what lies behind them."""
    found: list[Figure] = []
    most = max((len(one) for one in compared_with.values()), default=0)
    complete = {name: one for name, one in compared_with.items() if one and len(one) == most}
    if not complete:
        return found
    best = min(complete, key=lambda name: float(np.mean([one.mean() for one in complete[name].values()])))
    for name, one in compared_with.items():
        if one:
            mean, low, high = across_tasks(list(one.values()))
            worst = min(one, key=lambda task: float(one[task].mean()))
            label = f"all {len(one)} tasks: runs to 95 %" + (" (single best peer)" if name == best else "")
            goal = 1.3 if name == best and not quick else None
            found.append(Figure(label, mean, low, high, target=goal, peer=name))
            if name == best:
                found.append(Figure("  lower end of that interval", low, target=None if quick else 1.0, peer=name))
            found.append(Figure(f"  worst task: {worst}", float(np.exp(one[worst].mean())), peer=name))
            missed = [standing.censored for task, standing in peers[name].items() if task in one]
            total = sum(len(standing.final) for task, standing in peers[name].items() if task in one)
            found.append(Figure("  runs of the peer that did not get there", sum(missed), unit=f"of {total}", peer=name))
    return found + by_suite(complete, mine, quick)


def by_suite(complete: Mapping[str, Mapping[str, Array]], mine: Mapping[str, Standing], quick: bool) -> list[Figure]:
    """Each suite against the peer that is best in it."""
    found = []
    for suite in dict.fromkeys(standing.task.suite for standing in mine.values()):
        names = [task for task, standing in mine.items() if standing.task.suite == suite]
        spans = {
            peer: across_seeds([one[task] for task in names if task in one])
            for peer, one in complete.items()
            if any(task in one for task in names)
        }
        peer = min(spans, key=lambda name: spans[name][0])
        mean, low, high = spans[peer]
        found.append(Figure(f"{suite}: runs to 95 % (best peer of the suite)", mean, low, high, peer=peer))
        found.append(Figure("  lower end of that interval", low, target=None if quick else 0.9, peer=peer))
        missed = sum(mine[task].censored for task in names)
        found.append(Figure("  runs of Dure that did not get there", missed, unit=f"of {sum(len(mine[t].final) for t in names)}"))
    return found


def crashes(mine: Mapping[str, Standing], quick: bool) -> list[Figure]:
    """What crashes cost Dure: runs to 95 %, and those that answered, beside the runs on the same function without crashes."""
    wanted = (
        ("hartmann-6-region", "hartmann-6", 1.2, None),
        ("branin-2-region", "branin-2", 1.2, None),
        ("hartmann-6-crashes", "hartmann-6", 1.9, 1.15),
    )
    found = []
    for crashing, plain, most, most_answered in wanted:
        if crashing not in mine or plain not in mine:
            continue
        before = mine[plain].runs[MARK]
        for label, after, limit in (
            ("runs", mine[crashing].runs[MARK], most),
            ("answers", mine[crashing].answered, most_answered),
        ):
            mean, low, high = across_seeds([log_ratios(after, before)])
            goal = None if quick else limit
            name = f"{crashing}: {label} over runs of {plain}"
            found.append(Figure(name, mean, low, high, target=goal, at_most=True, peer="dure"))
    return found


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Run what is missing and sum it up."""
    tasks = [task for task in all_tasks() if plays(task) and not task.declared and (not options.quick or task.name in QUICK)]
    mine = ours(options, tasks, _QUICK_SEEDS if options.quick else OURS.seeds)
    peers = {name: theirs(entry, tasks) for name, entry in PEERS.items()}
    logs = {name: ratios(entry, peers[name], mine) for name, entry in PEERS.items()}
    figures = compared(logs, mine, peers, options.quick) + crashes(mine, options.quick) + covered(mine)
    rows = [one[name].row() for name in mine for one in (mine, *peers.values()) if name in one]
    print(tasks_table(rows))
    return figures, rows


if __name__ == "__main__":
    present("peers", __doc__, study)
