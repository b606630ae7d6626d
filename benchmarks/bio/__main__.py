"""Drug discovery: pools of measured compounds searched, docking beside its published references and searches.

    python -m benchmarks.bio [--quick] [--resume DIR] [--json FILE]

Needs DURE_DATA. The area under the enrichment curve over MoleculeACE's sets is compared with a plain Tanimoto Gaussian process
with expected improvement, written with BoTorch's public parts, and with random order; assays come in fives, the ten compounds
that begin are the same for both and count. Reference scores of dockstring are docked anew at its default effort, one a target.
The published searches' best values are computed from their recorded calls; three campaigns of 100 default docks each stand beside
them, which take an hour and a half of a processor each. Quick: the three smallest sets, one seed, two docks.
"""

from __future__ import annotations

import os
import time
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from benchmarks.bio.designs import designed, designs
from benchmarks.bio.docks import courses, references, reproduced
from benchmarks.bio.enrichment import enrichment, figures
from benchmarks.figures import Figure, Options, Row, present
from dure.campaign import Loop
from dure.models.admet import predicted, predicted_of
from dure.problem import drawn

_SEEDS, _REFERENCES, _SETS_SEEDS = 3, 12, 10
_QUICK = ("CHEMBL2835_Ki", "CHEMBL4203_Ki", "CHEMBL2034_Ki")


def ask(answers: int) -> Row:
    """CPU seconds of one ask over 28,862 docked molecules with so many answers, the third of three."""
    loop = Loop("bio/dock-matrix", setting={"target": "JAK2"})
    problem, setting = loop.task.problem, loop.task.setting
    for one in problem.candidates[:: len(problem.candidates) // answers][:answers]:
        loop.tell(one, problem.answer(one, setting, fidelity="replay", seed=0).outcome)
    times = []
    for _time in range(3):
        began = time.process_time()
        (wish,) = loop.ask()
        times.append(time.process_time() - began)
        loop.tell(wish, problem.answer(wish.design, setting, fidelity="replay", seed=0).outcome)
    return {"answers": answers, "ask_s": times}


def feared(molecules: int) -> Row:
    """CPU seconds to predict what so many molecules of ZINC250k may do in a body, one by one, again, and as a pool."""
    smiles = tuple(islice(drawn(2 * molecules, 0), molecules))
    times = []
    for _time in range(2):
        began = time.process_time()
        for one in smiles:
            predicted(one)
        times.append(time.process_time() - began)
    with TemporaryDirectory() as folder, patch.dict(os.environ, DURE_CACHE=folder):
        began = time.process_time()
        predicted_of(smiles)
    return {"molecules": len(smiles), "first_s": times[0], "again_s": times[1], "pool_s": time.process_time() - began}


def study(options: Options) -> tuple[list[Figure], list[Row]]:
    """All of it; what takes longest comes last."""
    data = Path(os.environ.get("DURE_DATA") or "/nonexistent")
    asked = options.row("ask over 28,862 molecules", partial(ask, 100))
    told = options.row("ADMET of 1,000 molecules", partial(feared, 1_000))
    published = courses(data)
    docked = references(options, 2 if options.quick else _REFERENCES)
    searched = enrichment(options, data, 1 if options.quick else _SETS_SEEDS, _QUICK if options.quick else ())
    made = designs(options, 0 if options.quick else _SEEDS)
    ready = Figure("ADMET-AI for 1,000 molecules, loading included", told["first_s"], unit="CPU s", target=60, at_most=True)
    at_once = Figure("  of a pool, once loaded", told["pool_s"], unit="CPU s", peer="one by one")
    again = Figure("an ask over 28,862 molecules, 100 answers", asked["ask_s"][-1], unit="CPU s", target=0.3, at_most=True)
    found = [*figures(searched), *reproduced(docked), *designed(made, published), ready, at_once, again]
    return found, [asked, told, *published, *docked, *searched, *made]


if __name__ == "__main__":
    present("bio", __doc__, study)
