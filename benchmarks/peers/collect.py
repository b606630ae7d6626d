"""Run peers and keep what they got, from where an earlier sitting stopped.

    .venv-peers/bin/python -m benchmarks.peers.collect PEER... [--seeds N] [--tasks NAME...] [--minutes 50]

Seed by seed, so that every peer has something on every task early. `make peers` makes .venv-peers.
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.peers.players import PEERS, Entry
from benchmarks.peers.suites import all_tasks
from benchmarks.peers.tasks import Task
from benchmarks.peers.trajectories import FOLDER, append, forget, load, play

__all__ = ["collect"]


def collect(entry: Entry, tasks: list[Task], seeds: int, until: float) -> bool:
    """Play what is missing, forget what was played of tasks that have changed; False when time was up first.

    Raises:
        SystemExit: another version than the pinned one is installed.
    """
    if entry.installed != entry.pinned:
        sys.exit(f"{entry.name}: {entry.package} {entry.installed} is installed, {entry.pinned} is pinned: make peers")
    runs = list(load(entry, entry.pinned))
    now = {task.name: task.definition for task in tasks}
    names = {(run["task"], run["definition"]) for run in runs}
    if stale := {(name, definition) for name, definition in names if now.get(name, definition) != definition}:
        forget(stale, entry, entry.pinned)
    known = {(run["task"], run["definition"], run["seed"]) for run in runs}
    for seed in range(seeds):
        for task in tasks:
            if not entry.takes(task) or (task.name, task.definition, seed) in known:
                continue
            if time.monotonic() > until:
                return False
            began = time.process_time()
            append(play(entry, task, seed), entry, entry.pinned)
            print(f"{entry.name:14} {task.name:22} seed {seed:2}  {time.process_time() - began:7.1f} CPU s", flush=True)
    return True


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser("python -m benchmarks.peers.collect", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("peers", nargs="+", choices=list(PEERS))
    parser.add_argument("--seeds", type=int, help="default: 20, or 5 for peers that fit Gaussian processes")
    parser.add_argument("--tasks", nargs="*", default=[])
    parser.add_argument("--minutes", type=float, default=50.0)
    given = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + 60 * given.minutes
    tasks = [task for task in all_tasks() if not given.tasks or task.name in given.tasks]
    done = [collect(PEERS[name], tasks, given.seeds or PEERS[name].seeds, until) for name in given.peers]
    sys.exit(0 if all(done) else 3)


if __name__ == "__main__":
    main()
