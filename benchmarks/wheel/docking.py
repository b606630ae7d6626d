"""Docking scores: half of the best hundredth of 28,862 molecules, on targets that no prior has seen.

The engine is told, as an author would, that a hundred good ones are wanted. Every player opens with the same ten molecules, drawn
at random; molecules are asked for in batches of twenty. How the gain grows with the past is seen on targets whose classes of
proteins the past knows. Needs bio/docking_scores.parquet under DURE_DATA.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import torch

from benchmarks.figures import Figure, Options, Row
from benchmarks.peers.scores import across_seeds
from benchmarks.wheel.molecules import GIVEN, PEERS, Player
from benchmarks.wheel.rows import COLD, SHUFFLED, WARM, best_of, held, intervals, logs_of
from dure.campaign import Loop
from dure.domains.bio.dock_matrix import CLASSES, Matrix, Pocket, matrix, problem
from dure.models.prior import FamilyPrior, PastTask
from dure.models.training import train
from dure.pool.lessons import kept_wide, names_of
from dure.strategy import strategy
from dure.strategy.informed import Informed
from dure.strategy.outputs import shape_of

__all__ = ["study"]

BUDGET, BATCH = 600, 20
TOP, SHARES = 0.01, (0.25, 0.5)
_SEEDS, _WANTED = 3, 100
_FEW = {"dure, 5 past targets": 5, "dure, 20 past targets": 20}


def targets() -> dict[str, bool]:
    """Targets that the family keeps for evaluation, and whether the past has any of the target's class of proteins."""
    kept = problem.held_out["target"]
    if not isinstance(kept, tuple):
        raise TypeError(kept)
    return {one: not set(next(some for some in CLASSES.values() if one in some)) <= set(kept) for one in kept}


def past(target: str) -> tuple[str, ...]:
    """The targets that are not kept for evaluation, and not that one."""
    return tuple(one for one in matrix().targets if one not in targets() and one != target)


@cache
def prior(names: tuple[str, ...], *, shuffled: bool = False) -> FamilyPrior:
    """A family prior of the scores of past targets; shuffled, it knows nothing."""
    table, member = matrix(), problem.under(Pocket(target=names[0]))
    cube = torch.from_numpy(member.space.encode(member.candidates))
    lessons = []
    for number, name in enumerate(names):
        scores = table.of(name)
        if shuffled:
            scores = np.random.default_rng(number).permutation(scores)
        there = ~np.isnan(scores)
        goal = problem.goals["score"]
        shape = shape_of(goal, scores[there], theory=False)
        outputs = -scores if shape is None else np.full(len(scores), np.nan)
        if shape is not None:
            outputs[there] = kept_wide(shape, goal).encode(scores[there])
        nothing = torch.zeros(0, dtype=torch.double)
        told, best = torch.from_numpy(outputs[there])[:, None], cube[[int(np.nanargmin(scores))]]
        lessons.append(PastTask(name, name, cube[there], told, nothing, best=best))
    return train(lessons, names=names_of(member))


def best(target: str) -> frozenset[int]:
    """The best hundredth of the molecules, by row."""
    scores = np.nan_to_num(matrix().of(target), nan=np.inf)
    return frozenset(np.argsort(scores, kind="stable")[: round(TOP * len(scores))].tolist())


def found(target: str, asked: Sequence[int]) -> Row:
    """How many of the best were found after every twenty runs, and runs to each share of them."""
    wanted = best(target)
    course = np.cumsum([row in wanted for row in asked])
    row: Row = {"hits": course[BATCH - 1 :: BATCH].tolist(), "found": int(course[-1])}
    for share in SHARES:
        there = np.flatnonzero(course >= share * len(wanted))
        row[f"{share:.0%}"] = int(there[0]) + 1 if len(there) else BUDGET + 1
    return row


def opening(seed: int) -> list[int]:
    """Ten rows at random."""
    return [int(row) for row in np.random.default_rng([seed, 7]).permutation(len(matrix().smiles))[:10]]


def ours(target: str, player: Any, seed: int) -> Row:
    """The engine, told the opening; it asks for the rest."""
    table: Matrix = matrix()
    numbers = {smiles: row for row, smiles in enumerate(table.smiles)}
    scores = table.of(target)
    loop = Loop(replace(problem, short_list=_WANTED), setting={"target": target}, strategy=player, seed=seed)
    made = problem.under(Pocket(target=target)).candidates
    asked = opening(seed)
    for row in asked:
        loop.tell(made[row], None if np.isnan(scores[row]) else {"score": scores[row]})
    while len(asked) < BUDGET and (wishes := loop.ask(min(BATCH, BUDGET - len(asked)))):
        for wish in wishes:
            row = numbers[wish.design.smiles]
            loop.tell(wish, None if np.isnan(scores[row]) else {"score": scores[row]})
            asked.append(row)
    return found(target, asked) | held(loop)


def theirs(target: str, make: Callable[..., Player], seed: int) -> Row:
    """A peer, told the opening; it is asked for the rest. Scores are made large for it; docks that failed it is not told of."""
    table = matrix()
    scores = -table.of(target)
    known = -np.stack([table.of(one) for one in past(target)], axis=1)
    player = make(problem.under(Pocket(target=target)).space.names[0][1], known, seed)
    asked = opening(seed)
    while len(asked) < BUDGET:
        told = [row for row in asked if not np.isnan(scores[row])]
        merit = np.array(player(np.array(told), scores[told]), dtype=float)
        merit[asked] = -np.inf
        asked += np.argsort(-merit, kind="stable")[: min(BATCH, BUDGET - len(asked))].tolist()
    return found(target, asked)


def _player(name: str, target: str, seed: int) -> Any:
    plain: Any = strategy("structured")
    if name == COLD:
        return plain
    known = past(target)
    if name in _FEW:
        known = tuple(str(one) for one in np.random.default_rng([seed, 5]).permutation(known)[: _FEW[name]])
    return Informed(plain, prior(known, shuffled=name == SHUFFLED), name)


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """Play the targets that were held out with every player; of classes that were held out as a whole every sixth target."""
    alone = [one for one, kin in targets().items() if not kin]
    chosen = [*(one for one, kin in targets().items() if kin), *alone[::6]]
    rows = []
    for seed in range(1 if options.quick else _SEEDS):
        for target in chosen[:1] if options.quick else chosen:
            for name in (WARM, COLD, SHUFFLED, *PEERS, *(_FEW if targets()[target] else ())):
                play = partial(_played, name, target, seed)
                row = options.row(f"docking {target}, {name}, seed {seed}", play)
                rows.append(row | {"family": "docking", "target": target, "player": name, "seed": seed})
    return _figures(rows, quick=options.quick), rows


def _played(name: str, target: str, seed: int) -> Row:
    return theirs(target, PEERS[name], seed) if name in PEERS else ours(target, _player(name, target, seed), seed)


def _figures(rows: Sequence[Row], *, quick: bool) -> list[Figure]:
    cold = [name for name in PEERS if not name.endswith(GIVEN)]
    given = [name for name in PEERS if name.endswith(GIVEN)]
    figures = []
    for mark in (f"{one:.0%}" for one in SHARES[::-1]):
        for label, slow, fast, kin, target in (
            ("held-out targets: warm against the best cold peer", cold, WARM, True, 2.0),
            ("held-out targets: warm against the best peer given the same past", given, WARM, True, 1.3),
            ("held-out targets: warm against cold", [COLD], WARM, True, None),
            ("held-out classes: warm against the best cold peer", cold, WARM, False, 1.5),
            ("held-out classes: warm against the best peer given the same past", given, WARM, False, None),
            *((f"held-out targets: {few} against cold", [COLD], few, True, None) for few in _FEW),
            ("shuffled past against none", [COLD], SHUFFLED, None, 0.95),
            ("cold against the best cold peer", cold, COLD, None, None),
        ):
            some = [row for row in rows if kin is None or targets()[row["target"]] == kin]
            if not any(row["player"] == fast for row in some):
                continue
            peer = best_of(some, slow, mark)
            logs = logs_of(some, peer, fast, mark)
            name = f"bio/dock-matrix, {label}" + ("" if mark == "50%" else f", {mark} of the best hundredth")
            judged = target if mark == "50%" and not quick else None
            figures.append(Figure(name, *across_seeds(logs), unit="times fewer", target=judged, peer=peer))
            worst = float(np.exp(min(one.mean() for one in logs)))
            figures.append(Figure("  worst target", worst, unit="times fewer", peer=peer))
    figures += intervals(rows, "bio/dock-matrix")
    for player in dict.fromkeys(row["player"] for row in rows):
        some = [row for row in rows if row["player"] == player]
        count = float(np.mean([row["found"] for row in some]))
        figures.append(Figure(f"  {player}: of the best hundredth, found after {BUDGET}", count, unit="of 289"))
        missed = sum(row["50%"] > BUDGET for row in some)
        figures.append(Figure(f"  {player}: searches that did not find half", missed, unit=f"of {len(some)}"))
    return figures
