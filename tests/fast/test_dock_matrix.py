"""The matrix of docking scores: a replay that needs DURE_DATA, and says so without it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from dure.domains.bio.dock_matrix import CLASSES, HELD_OUT, Compound, matrix, problem
from dure.errors import MissingPart, SimulationFailed
from dure.problem import canonical


def test_fifty_eight_targets_each_of_one_class():
    targets = [one for some in CLASSES.values() for one in some]
    assert len(targets) == len(set(targets)) == 58  # GarciaOrtegon2022
    assert problem.inputs_of_setting["target"].steps == 58


def test_classes_are_held_out_as_a_whole_and_single_targets_beside_their_relatives():
    kept = {name: set(some) & set(HELD_OUT) for name, some in CLASSES.items()}
    whole = {name for name, some in kept.items() if some == set(CLASSES[name])}
    assert whole == {"protease", "receptor coupled to G proteins"}
    assert {one for name, some in kept.items() if name not in whole for one in some} == {"ESR2", "KIT", "PARP1", "PGR"}
    assert {"F2", "ESR2", "KIT", "PARP1", "PGR"} <= set(HELD_OUT)  # the regression tasks of GarciaOrtegon2022
    asked = {one: problem.holds_out(problem.make_setting({"target": one})) for some in CLASSES.values() for one in some}
    assert {one for one, held in asked.items() if held} == set(HELD_OUT)
    assert len(HELD_OUT) == 17


def test_without_its_data_it_is_listed_and_refuses_to_begin(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DURE_DATA", raising=False)
    with pytest.raises(MissingPart, match=r"bio/dock-matrix needs docked molecules\. Fix: export DURE_DATA=DIR"):
        problem.check_needs()
    code = (
        "from dure.problem import find; print(len(find('bio/dock-matrix').under(find('bio/dock-matrix').setting()).candidates))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "DURE_DATA"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == "0\n"


@pytest.mark.needs("data:bio", "pyarrow", "rdkit")
def test_the_table_is_what_its_description_says():
    table = matrix()
    assert table.scores.shape == (28_862, 58)  # README of data/bio, as are the empty cells
    assert np.isnan(table.scores).sum() == 26
    assert np.nanmax(table.scores) == 0.0  # 600 scores above 0, up to 64.6, are clashes
    assert (table.scores == 0.0).sum() >= 600
    # facts of section 5: the best F2 score of these molecules less the penalty is 8.67, so some dock at -9 or better
    assert np.nanmin(table.of("F2")) < -9.0


@pytest.mark.needs("data:bio", "pyarrow", "rdkit")
def test_a_molecule_answers_with_its_score_for_the_target():
    table, setting = matrix(), problem.make_setting({"target": "JAK2"})
    member = problem.under(setting)
    assert len(member.candidates) == 28_862
    row = int(np.nanargmin(table.of("JAK2")))
    told = member.answer(member.candidates[row], setting, fidelity="replay", seed=0)
    assert told.outcome.score == np.nanmin(table.of("JAK2"))
    lost = int(np.flatnonzero(np.isnan(table.of("MAOB")))[0])
    with pytest.raises(SimulationFailed, match="has no docking score for MAOB"):
        member.answer(member.candidates[lost], problem.make_setting({"target": "MAOB"}), fidelity="replay", seed=0)
    with pytest.raises(SimulationFailed, match="no row of"):
        problem.answer(Compound(smiles="CCO"), setting, fidelity="replay", seed=0)
    assert canonical(table.smiles[0])
