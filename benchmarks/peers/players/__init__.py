"""Dure and its peers, by name; each is imported when it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from benchmarks.peers.players.base import Player
from benchmarks.peers.tasks import Task

__all__ = ["ABLATED", "OURS", "PEERS", "Entry"]

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Entry:
    """A player: the file and class it is made of, the package it comes from, and tasks it cannot take."""

    name: str
    file: str
    cls: str
    package: str
    seeds: int
    strategy: str | None = None
    without: tuple[str, ...] = ()

    @property
    def installed(self) -> str:
        """Version of its package here."""
        return version(self.package)

    @property
    def pinned(self) -> str:
        """Version of its package that the bench compares with."""
        pins = (ROOT / "constraints.txt", ROOT / "benchmarks" / "peers" / "requirements.txt")
        lines = [line for file in pins for line in file.read_text("utf-8").splitlines() if "==" in line]
        return dict(line.split("==") for line in lines)[self.package]

    def make(self, task: Task, seed: int) -> Player:
        """Ready to be told the starting designs."""
        made: Callable[..., Player] = getattr(import_module(f"benchmarks.peers.players.{self.file}"), self.cls)
        return partial(made, strategy=self.strategy)(task, seed) if self.strategy else made(task, seed)

    def takes(self, task: Task) -> bool:
        """Whether it has a way of its own to take part; suites it lacks are counted as not reached."""
        return task.suite not in self.without

    def opens(self, task: Task) -> bool:
        """Whether it makes its own start, because it may use what the problem's author stated."""
        return bool(task.declared and self.strategy and self.strategy != "blackbox")


OURS = Entry("dure", "with_dure", "Dure", "dure", 20, strategy="auto")

ABLATED = tuple(
    Entry(f"dure-{strategy.replace(' ', '-')}", "with_dure", "Dure", "dure", 5, strategy=strategy)
    for strategy in ("without parts", "without theory", "without starts", "without rungs", "blackbox")
)
"""Dure less a piece of what authors state, and less all of it."""

PEERS = {
    one.name: one
    for one in (
        Entry("random", "with_sampling", "Random", "scipy", 20),
        Entry("sobol", "with_sampling", "Sobol", "scipy", 20),
        Entry("optuna-tpe", "with_optuna", "Tpe", "optuna", 20),
        Entry("optuna-cmaes", "with_optuna", "CmaEs", "optuna", 20, without=("fronts",)),
        Entry("nevergrad", "with_nevergrad", "NgOpt", "nevergrad", 20),
        Entry("optuna-gp", "with_optuna", "GaussianProcess", "optuna", 5),
        Entry("botorch", "with_botorch", "BoTorch", "botorch", 5),
        Entry("ax", "with_ax", "Ax", "ax-platform", 5),
        Entry("smac", "with_smac", "Smac", "smac", 5, without=("fronts",)),
        Entry("baybe", "with_baybe", "BayBe", "baybe", 5, without=("fronts",)),
    )
}
