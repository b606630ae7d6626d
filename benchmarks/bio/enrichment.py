"""Measured pools searched: how early the most active hundredth of the compounds is found, by Dure, a plain peer and at random."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from benchmarks.bio.plain_peer import chosen
from benchmarks.figures import Figure, Options, Row
from benchmarks.peers.scores import across_tasks, log_ratios
from dure.campaign import Loop
from dure.problem import find, fingerprints, tanimoto

__all__ = ["ARMS", "area", "as_pool", "at_random", "enrichment", "figures", "half", "sets"]

BATCH, OPENING = 5, 10
_TOP = 0.01


@dataclass(frozen=True, eq=False)
class Measured:
    """A set as bio/lead-finding reads it: ``smiles`` and (compounds,) ``values``, larger is better."""

    name: str
    file: Path
    smiles: tuple[str, ...]
    values: NDArray[np.float64]

    @property
    def budget(self) -> int:
        """A tenth of the pool, at most 200 assays."""
        return min(200, len(self.smiles) // 10)

    def opening(self, seed: int) -> list[int]:
        """The compounds that every arm begins with, drawn at random and part of the budget."""
        return list(map(int, np.random.default_rng(seed).choice(len(self.smiles), OPENING, replace=False)))


def sets(data: Path) -> dict[str, list[tuple[str, float]]]:
    """SMILES and minus the logarithm of the molar value of each row of the MoleculeACE sets of data/bio (vanTilborg2022)."""
    from pyarrow.parquet import read_table

    found: dict[str, list[tuple[str, float]]] = {}
    for row in read_table(data / "bio/moleculeace_20.parquet", columns=["dataset", "smiles", "p_activity"]).to_pylist():
        found.setdefault(row["dataset"], []).append((row["smiles"], row["p_activity"]))
    return dict(sorted(found.items()))


def as_pool(name: str, rows: Sequence[tuple[str, float]], folder: Path) -> Measured:
    """A set as bio/lead-finding reads it from a table of its own; repeats of a compound become one."""
    file = folder / f"{name}.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("smiles", "pActivity"), *rows])
    problem = find("bio/lead-finding")
    setting = problem.make_setting({"pool": str(file), "column": "pActivity"})
    member = problem.under(setting)
    told = [member.answer(one, setting, fidelity="replay", seed=0).outcome.activity for one in member.candidates]
    return Measured(name, file, tuple(one.smiles for one in member.candidates), np.array(told))


def area(values: NDArray[np.float64], order: Sequence[int]) -> float:
    """Area under the enrichment curve: the share of the best hundredth that was found, in the mean over the assays made.

    Compounds as good as the last of the best count with them; what one assay after the other could find at most is 1.
    """
    return float(_found(values, order).mean())


def half(values: NDArray[np.float64], order: Sequence[int]) -> int:
    """Assays until half of the best hundredth was found; one more than were made if it was not."""
    there = np.flatnonzero(_found(values, order) >= 0.5)
    return int(there[0]) + 1 if len(there) else len(order) + 1


def _found(values: NDArray[np.float64], order: Sequence[int]) -> NDArray[np.float64]:
    """The share of the best hundredth that was found by each assay."""
    wanted = max(1, round(_TOP * len(values)))
    best = values >= np.sort(values)[-wanted]
    return np.asarray(np.cumsum(best[list(order)]) / best.sum())


def at_random(values: NDArray[np.float64], budget: int) -> float:
    """The area that random order has in expectation: a share t / n of whatever is sought after t of n assays."""
    return (budget + 1) / (2 * len(values))


def by_dure(measured: Measured, seed: int) -> list[int]:
    """Rows of the pool in the order in which bio/lead-finding asks for them."""
    loop = Loop("bio/lead-finding", setting={"pool": str(measured.file), "column": "pActivity"}, seed=seed)
    rows = {smiles: row for row, smiles in enumerate(measured.smiles)}

    def answer(row: int) -> dict[str, float]:
        return {"activity": float(measured.values[row]), "beyond": 0.0}

    order = measured.opening(seed)
    for row in order:
        loop.tell(loop.task.problem.candidates[row], answer(row))
    while len(order) < measured.budget and (wishes := loop.ask(min(BATCH, measured.budget - len(order)))):
        for wish in wishes:
            order.append(rows[wish.design.smiles])
            loop.tell(wish, answer(order[-1]))
    return order


def by_peer(measured: Measured, seed: int) -> list[int]:
    """The same by a plain Gaussian process with Tanimoto's kernel and expected improvement."""
    counts = fingerprints(measured.smiles)
    alike = tanimoto(counts, counts)
    order = measured.opening(seed)
    while len(order) < measured.budget:
        order += chosen(alike, measured.values, order, min(BATCH, measured.budget - len(order)), seed)
    return order


ARMS: dict[str, Callable[[Measured, int], list[int]]] = {"plain": by_peer, "dure": by_dure}


def enrichment(options: Options, data: Path, seeds: int, names: Sequence[str] = ()) -> list[Row]:
    """Areas of every set and seed, seed by seed over all sets, so that a first part is already of use."""
    every, rows = sets(data), []
    known = cache(lambda name: as_pool(name, every[name], options.folder))
    for seed in range(seeds):
        for name in names or every:
            for arm in ARMS:
                rows.append(options.row(f"{arm}, {name}, seed {seed}", partial(_searched, known, name, arm, seed)))
    return rows


def _searched(known: Callable[[str], Measured], name: str, arm: str, seed: int) -> Row:
    one, began = known(name), time.process_time()
    order = ARMS[arm](one, seed)
    return {
        "set": name,
        "arm": arm,
        "seed": seed,
        "compounds": len(one.smiles),
        "budget": one.budget,
        "area": area(one.values, order),
        "half": half(one.values, order),
        "random": at_random(one.values, one.budget),
        "cpu_s": time.process_time() - began,
    }


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Sets on which Dure's mean area is above the peer's, how often random's it is, and how early half of the best is found."""
    by_set: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        by_set.setdefault(row["set"], {}).setdefault(row["arm"], []).append(row)
    whole = {name: arms for name, arms in by_set.items() if len(arms) == len(ARMS)}
    apart, times = [], []
    for arms in whole.values():
        ours, plain = (mean(row["area"] for row in arms[arm]) for arm in ("dure", "plain"))
        apart.append(ours - plain)
        times.append(ours / arms["dure"][0]["random"])
    seeds = len({row["seed"] for row in rows})
    peer = f"BoTorch, Tanimoto kernel, expected improvement; {len(whole)} sets, {seeds} seeds"
    above, least = sum(one > 0 for one in apart), min(times)
    logs = {name: _halves(arms["plain"], arms["dure"]) for name, arms in whole.items()}
    worst = min(logs, key=lambda name: float(logs[name].mean()))
    late = {arm: sum(row["half"] > row["budget"] for arms in whole.values() for row in arms[arm]) for arm in ARMS}
    total = sum(len(arms["dure"]) for arms in whole.values())
    return [
        Figure("assays to half of the best hundredth", *across_tasks(list(logs.values())), unit="times fewer", peer=peer),
        Figure(f"  worst set: {worst}", float(np.exp(logs[worst].mean())), unit="times fewer", peer=peer),
        Figure("  searches of Dure that did not find half", late["dure"], unit=f"of {total}"),
        Figure("  searches of the peer that did not", late["plain"], unit=f"of {total}"),
        Figure(
            "measured sets with more enrichment than a Tanimoto Gaussian process" + ("" if len(whole) == 20 else ", a part"),
            above,
            unit=f"of {len(whole)}",
            target=15 if len(whole) == 20 else None,
            peer=peer,
        ),
        Figure("area under the enrichment curve, more than", float(np.median(apart)), min(apart), max(apart), peer=peer),
        Figure("area under the enrichment curve, worst set", least, unit="times", target=2, peer="random order, in expectation"),
        Figure("area under the enrichment curve", float(np.median(times)), least, max(times), unit="times", peer="random order"),
    ]


def _halves(slow: Sequence[Row], fast: Sequence[Row]) -> NDArray[np.float64]:
    """Logarithms of assays to half of the best over those of the faster, seed by seed."""
    return log_ratios(*({row["seed"]: row["half"] for row in rows} for rows in (slow, fast)))
