"""bio/dock-design: which new molecule docks best, and is like a drug? Dockstring's published tasks, and each of its targets.

The formulas are those of GarciaOrtegon2022 as its package computes them. A docking score is no binding constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from dure.domains.bio.admet_limits import AMES, HERG, admet_rules
from dure.domains.bio.docking import OPEN_BABEL, PACKAGES, SEED, docked, docked_in_haste, faults, pocket
from dure.domains.bio.drug_likeness import ALERTS, HARDEST, LARGEST, alerts, elements_known, heavy_atoms, qed, synthesis
from dure.domains.bio.screening import read_screen
from dure.errors import SimulationFailed
from dure.i18n import N_, _
from dure.models.admet import ADMET, SHOWN, nearest_approved, predicted
from dure.problem import (
    Answer,
    Axis,
    Check,
    Complex,
    Fidelity,
    Parts,
    Problem,
    Rule,
    Sheet,
    choice,
    design,
    max_over,
    minimise,
    molecule,
    outcome,
    real,
    reported,
    setting,
    sum_over,
)

__all__ = ["TASKS", "Compound", "Docked", "Pocket", "penalty", "problem", "rules", "value"]

TARGETS = (
    *("ABL1", "ACHE", "ADAM17", "ADORA2A", "ADRB1", "ADRB2", "AKT1", "AKT2", "AR", "BACE1", "CA2", "CASP3", "CDK2", "CSF1R"),
    *("CYP2C9", "CYP3A4", "DHFR", "DPP4", "DRD2", "DRD3", "EGFR", "ESR1", "ESR2", "F10", "F2", "FGFR1", "GBA", "HMGCR"),
    *("HSD11B1", "HSP90AA1", "IGF1R", "JAK2", "KDR", "KIT", "LCK", "MAOB", "MAP2K1", "MAPK1", "MAPK14", "MAPKAPK2", "MET"),
    *("MMP13", "NOS1", "NR3C1", "PARP1", "PDE5A", "PGR", "PLK1", "PPARA", "PPARD", "PPARG", "PTGS2", "PTK2", "PTPN1", "REN"),
    *("ROCK1", "SRC", "THRB"),
)
"""Genes of the 58 targets."""

TASKS: Mapping[str, tuple[str, ...]] = {
    **{one: (one,) for one in TARGETS},
    "promiscuous-PPAR": ("PPARA", "PPARD", "PPARG"),
    "selective-JAK2": ("JAK2", "LCK"),
}
"""Targets that each task docks into. F2 and the last two are published; the others are stated as F2 is."""

_LCK_MEDIAN = -8.1
_PENALTY = 10.0
_AGAIN = 3
_SPREAD = 1.0


def penalty(smiles: str) -> float:
    """What every task adds for a molecule that is unlike drugs: ten times what its QED lacks to 1."""
    return _PENALTY * (1.0 - qed(smiles))


def parts_of(task: str, scores: Mapping[str, float], added: float) -> tuple[float, ...]:
    """The parts of a task's value: to be summed, or of promiscuous-PPAR the largest to be taken."""
    if task == "promiscuous-PPAR":
        return tuple(scores[one] + added for one in TASKS[task])
    if task == "selective-JAK2":
        return scores["JAK2"], -min(scores["LCK"] - _LCK_MEDIAN, 0.0), added
    return scores[task], added


def value(task: str, scores: Mapping[str, float], drug_likeness: float) -> float:
    """The published value of a task, lower is better, from docking scores in kcal/mol and QED."""
    parts = np.array(parts_of(task, scores, _PENALTY * (1.0 - drug_likeness)))
    return float(parts.max() if task == "promiscuous-PPAR" else parts.sum())


@design
class Compound:
    """A molecule that need not exist yet."""

    smiles: str = molecule(help=N_("any molecule that the rules allow"))


@setting
class Pocket:
    """What it is to fit, and what it may be feared to do."""

    task: str = choice(*sorted(TASKS), default="F2", help=N_("a target by its gene, or a published task of several"))
    herg: float = real(0.0, 1.0, default=0.5, help=HERG)
    ames: float = real(0.0, 1.0, default=0.5, help=AMES)


def _outcome(axis: Axis, targets: Axis, *, largest: bool) -> type:
    @outcome
    class Docked:
        """What docking said of it, and what is known without."""

        value: Parts = minimise(
            max_over(axis) if largest else sum_over(axis),
            unit="1",
            help=N_("value of the task; docking score in kcal/mol and ten times what QED lacks to 1, no binding constant"),
        )
        scores: Parts = reported(targets, unit="kcal/mol", help=N_("docking scores; no binding constants"))
        qed: float = reported(unit="1", help=N_("likeness to drugs, from 0 to 1"))
        synthesis: float = reported(unit="1", help=N_("how hard it looks to make, from 1, easy, to 10"))
        spread: float = reported(unit="1", default=None, help=N_("largest less smallest value of docks with other seeds"))
        faults: float = reported(unit="1", default=None, help=N_("tests of PoseBusters that a pose fails"))

    return Docked


@cache
def _outcome_of(task: str) -> Any:
    targets = TASKS[task]
    if task == "promiscuous-PPAR":
        return _outcome(Axis("target", targets), Axis("target", targets), largest=True)
    terms = ("JAK2", "LCK", "QED") if task == "selective-JAK2" else (task, "QED")
    return _outcome(Axis("term", terms), Axis("target", targets), largest=False)


Docked = _outcome_of("F2")


def _members(where: Pocket) -> Mapping[str, Any]:
    return {"outcome": _outcome_of(where.task), "rules": rules(where)}


def simulate(compound: Compound, where: Pocket, *, fidelity: str) -> Answer:
    """Dock a molecule into every target of the task.

    Raises:
        SimulationFailed: one of the docks failed; then there is no value.
        MissingPart: a package or Open Babel is not there.
    """
    smiles = compound.smiles
    if read_screen().blocks(smiles):
        raise SimulationFailed(_("the screen blocks this molecule"))
    if not elements_known(smiles):
        raise SimulationFailed(_("{smiles} has an element or a radical that cannot be docked").format(smiles=smiles))
    targets = TASKS[where.task]
    more: dict[str, float | None] = {}
    views: tuple[Complex | Sheet, ...] = ()
    if fidelity == "haste":
        scores = {one: docked_in_haste(smiles, one) for one in targets}
    elif fidelity == "full":
        poses = {one: docked(smiles, one) for one in targets}
        scores = {one: pose.score for one, pose in poses.items()}
        views = (_passed(smiles), *(Complex(one, pose.block, pocket(one, pose)) for one, pose in poses.items()))
    else:
        scores, more = _again(smiles, where.task)
        views = (_feared(smiles, where), _alike(smiles))
    parts = parts_of(where.task, scores, penalty(smiles))
    told = {"value": parts, "scores": tuple(scores.values()), "qed": qed(smiles), "synthesis": synthesis(smiles), **more}
    return Answer(told, views)


def _again(smiles: str, task: str) -> tuple[dict[str, float], dict[str, float | None]]:
    """Docks with three other seeds: the median of each score, the spread of the value, and how many tests the best poses fail."""
    poses = {one: [docked(smiles, one, SEED + number) for number in range(1, _AGAIN + 1)] for one in TASKS[task]}
    values = [value(task, {one: some[n].score for one, some in poses.items()}, qed(smiles)) for n in range(_AGAIN)]
    found = [faults(min(some, key=lambda pose: pose.score), one) for one, some in poses.items()]
    wrong = None if None in found else float(sum(len(one or ()) for one in found))
    scores = {one: float(np.median([pose.score for pose in some])) for one, some in poses.items()}
    return scores, {"spread": max(values) - min(values), "faults": wrong}


def _passed(smiles: str) -> Sheet:
    """The filters with their thresholds, and what this molecule has; it was docked, so it passed them."""
    return Sheet(
        _("Filters passed"),
        (_("filter"), _("this molecule"), _("allowed")),
        (
            (_("synthetic accessibility (Ertl2009)"), round(synthesis(smiles), 2), f"<= {HARDEST}"),
            (_("structural alerts: PAINS and Brenk"), float(len(alerts(smiles))), "0"),
            (_("heavy atoms"), float(heavy_atoms(smiles)), f"<= {LARGEST}"),
            (_("schedules of controlled agents, deny list"), _("nothing found"), _("nothing")),
        ),
    )


def _feared(smiles: str, where: Pocket) -> Sheet:
    """What ADMET-AI predicts of a molecule, with the limits of the setting."""
    told, limits = predicted(smiles), {"hERG": where.herg, "AMES": where.ames}
    rows = ((_(text), round(told[name], 3), f"<= {limits[name]:g}" if name in limits else "") for name, text in SHOWN.items())
    return Sheet(
        _("What it may do in a body, predicted (Swanson2024)"), (_("endpoint"), _("predicted"), _("allowed")), tuple(rows)
    )


def _alike(smiles: str) -> Sheet:
    """The approved drugs most like a molecule."""
    rows = tuple((name, other, round(alike, 2)) for name, other, alike in nearest_approved(smiles))
    return Sheet(_("Approved drugs most like it"), (_("drug"), _("structure"), _("likeness")), rows)


def theory(compound: Compound, where: Pocket) -> Mapping[str, Any]:
    """The penalty is known without docking; of the scores nothing is said."""
    return {"value": parts_of(where.task, dict.fromkeys(TASKS[where.task], 0.0), penalty(compound.smiles))}


_ALWAYS = (
    Rule(
        N_("can be made"),
        lambda one: HARDEST - synthesis(one.smiles),
        N_("synthetic accessibility (Ertl2009) of at most 4.5, where 1 is easy and 10 is hard"),
    ),
    Rule(N_("no alerts"), lambda one: -len(alerts(one.smiles)), ALERTS),
    Rule(N_("size"), lambda one: LARGEST - heavy_atoms(one.smiles), N_("at most 45 heavy atoms: size alone improves scores")),
    Rule(
        N_("elements"), lambda one: float(elements_known(one.smiles)) - 1.0, N_("C, N, O, F, P, S, Cl, Br, I and H; no radicals")
    ),
    Rule(
        N_("screen"),
        lambda one: -float(read_screen().blocks(one.smiles)),
        N_("nothing of the published schedules of chemical agents (Opcw2020) or of your deny list"),
    ),
)


def rules(where: Pocket) -> tuple[Rule, ...]:
    """What every molecule must keep, and under a setting its ADMET limits, which come last because they take longest."""
    return (*_ALWAYS, *admet_rules(where.herg, where.ames))


problem = Problem(
    name="bio/dock-design",
    version="1",
    question=N_("Which new molecule docks best into this target and is still like a drug?"),
    design=Compound,
    setting=Pocket,
    outcome=Docked,
    members=_members,
    simulate=simulate,
    theory=theory,
    rules=rules(Pocket()),
    fidelities=(
        Fidelity("haste", 0.1, help=N_("Vina 1.2 at an exhaustiveness of 1")),
        Fidelity("full", help=N_("dockstring's default, which alone compares with published scores")),
    ),
    beyond=(Fidelity("again", 3.0, help=N_("dockstring's default with three other seeds")),),
    checks=(
        Check(
            N_("other seeds"),
            "again",
            judge=lambda told: told.spread <= _SPREAD,
            help=N_("docks with three other seeds differ by no more than 1 in value"),
        ),
        Check(
            N_("pose"),
            "again",
            judge=lambda told: None if told.faults is None else told.faults == 0,
            help=N_("the best pose passes all tests of PoseBusters (Buttenschoen2024)"),
        ),
    ),
    needs=(PACKAGES, OPEN_BABEL, ADMET),
    runs=100,
    timeout=3600.0,
    cites=(
        "GarciaOrtegon2022",
        "Trott2010",
        "Buttenschoen2024",
        "Ertl2009",
        "Bickerton2012",
        "Swanson2024",
        "Tripp2023",
        "Opcw2020",
    ),
    hazards=(
        N_(
            "A docking score is no binding constant: a molecule that docks well need not bind, and one that binds may dock badly."
        ),
        N_("Whether a molecule can be made, is stable, is safe or is new was estimated from its structure or not at all."),
    ),
)
