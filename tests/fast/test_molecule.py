"""Molecules as a field: read and checked, written one way, told apart by fragments; and searched in pools long and short."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dure.errors import ProblemError, ValueRefused
from dure.problem import Molecule, Problem, canonical, design, find, fingerprints, maximise, molecule, outcome, values_of
from dure.problem.molecule import tanimoto
from dure.strategy import Task, strategy
from dure.strategy.base import Proposal
from dure.strategy.peak import promising
from dure.surrogate import Counts
from dure.testing import Case

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
POOL = ("CCO", "CCN", "c1ccccc1O", ASPIRIN, "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "CCCCCCCC", "O=C=O")

pytestmark = pytest.mark.needs("rdkit")


@design
class Compound:
    smiles: str = molecule(*POOL)


@design
class Anything:
    smiles: str = molecule()


@outcome
class Potency:
    potency: float = maximise(unit="1")


# ---------------------------------------------------------------------------------------------------------- as a value
@pytest.mark.parametrize("spelling", ["O=C(C)Oc1ccccc1C(=O)O", "OC(=O)C1=CC=CC=C1OC(C)=O", f" {ASPIRIN} "])
def test_another_spelling_is_the_molecule_of_the_pool(spelling: str):
    assert Compound(smiles=spelling) == Compound(smiles=ASPIRIN)
    assert values_of(Compound(smiles=spelling)) == {"smiles": ASPIRIN}


def test_without_a_pool_any_molecule_is_written_one_way():
    assert Anything(smiles="OCC") == Anything(smiles="C(O)C")
    assert Anything(smiles="OCC").smiles == canonical("CCO")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("C1CC", r"'C1CC' is no SMILES"),
        ("", "is no text"),
        ("C(C)(C)(C)(C)C", r"is no molecule: Explicit valence for atom # 0 C, 5, is greater than permitted"),
        ("c1cccc1", r"is no molecule: Can't kekulize"),
        ("CC(=O)[O-].[Na+]", "has 2 parts that no bond joins"),
        ("C" * 151, "has 151 heavy atoms, and small molecules have at most 150"),
        (7, "is no text"),
    ],
)
def test_what_is_no_molecule_is_refused_with_its_reason(given: object, says: str):
    with pytest.raises(ValueRefused, match=says):
        Anything(smiles=given)  # type: ignore[arg-type]


def test_a_molecule_outside_the_pool_is_told_the_likest():
    with pytest.raises(ValueRefused, match=r"none of the 8 molecules of the pool; the likest is 'c1ccccc1O'"):
        Compound(smiles="c1ccccc1N")


def test_a_pool_that_repeats_is_refused_when_the_class_is_made():
    with pytest.raises(ProblemError, match="'CCO' stands twice in the pool"):

        @design
        class Twice:
            smiles: str = molecule("CCO", "CCN", "CCO")


def test_any_molecule_at_all_is_no_space_to_search():
    problem = Problem(name="t/any", version="1", question="?", design=Anything, outcome=Potency)
    with pytest.raises(ProblemError, match="there is no pool to choose from"):
        problem.space.encode([Anything(smiles="CCO")])


# ------------------------------------------------------------------------------------------------------------ likeness
def test_likeness_of_two_known_molecules():
    # ethanol CCO and ethylamine CCN: atom environments of radius 0 (CH3, CH2, OH | CH3, CH2, NH2), 1 and 2 by hand. Each has
    # 3 + 3 environments; 3-atom chains have none of radius 2 that is new. Shared: CH3 and CH2 alone, and CH3 with its CH2.
    counts = fingerprints(["CCO", "CCN"])
    assert counts.sum(1).tolist() == [6, 6]
    assert tanimoto(counts[:1], counts[1:])[0, 0] == pytest.approx(3 / (6 + 6 - 3))


def test_mirror_images_are_told_apart():
    counts = fingerprints(POOL[4:6])
    assert tanimoto(counts[:1], counts[1:])[0, 0] < 1


@given(
    st.lists(st.integers(0, len(POOL) - 1), min_size=1, max_size=6),
    st.lists(st.integers(0, len(POOL) - 1), min_size=1, max_size=6),
)
def test_the_surrogate_sees_the_likeness_that_the_field_states(one: list[int], other: list[int]):
    counts = fingerprints(POOL)
    seen = Counts(counts).likeness(torch.tensor(one), torch.tensor(other)).numpy()
    np.testing.assert_allclose(seen, tanimoto(counts[one], counts[other]), atol=1e-6)


def test_likeness_is_a_kernel():
    every = torch.arange(len(POOL))
    seen = Counts(fingerprints(POOL)).likeness(every, every)
    assert torch.equal(seen.diagonal(), torch.ones(len(POOL), dtype=seen.dtype))
    assert torch.equal(seen, seen.mT)
    assert float(torch.linalg.eigvalsh(seen).min()) > -1e-12


@pytest.mark.parametrize(
    ("smiles", "kin"),
    [
        ("CC(=O)Oc1ccccc1C(=O)O", "c1ccccc1"),  # aspirin: one ring and side chains
        ("CC(=O)Nc1ccc(O)cc1", "c1ccccc1"),  # paracetamol has the same
        ("O=C(c1ccccc1)c1ccccc1", "O=C(c1ccccc1)c1ccccc1"),  # a linker and its double-bonded oxygen belong to it
        ("CCCCCC", None),
    ],
)
def test_kin_of_a_molecule_share_its_rings_and_what_links_them(smiles: str, kin: str | None):
    # by the definition of Bemis and Murcko (1996): side chains are left off
    field = Molecule(pool=(smiles,))
    assert (field.kin(smiles) and canonical(str(field.kin(smiles)))) == (kin and canonical(kin))


def test_neighbours_are_the_likest():
    spec = Compound.__dataclass_fields__["smiles"].metadata["dure"]
    assert isinstance(spec, Molecule)
    near = spec.neighbours("CCO")
    likeness = tanimoto(fingerprints(["CCO"]), fingerprints(near))[0]
    assert "CCO" not in near
    assert near[0] == "CCN"
    assert bool((np.diff(likeness) <= 0).all())


# -------------------------------------------------------------------------------------------------------------- search
def chains(links: int) -> tuple[str, ...]:
    """Chains between a ring and a bromine, each link with one of four things on it: 4 ** links different molecules."""
    return tuple(f"c1ccccc1{''.join(some)}Br" for some in product(("C", "C(F)", "C(O)", "C(N)"), repeat=links))


def fluorines(smiles: str) -> float:
    return float(smiles.count("F"))


def asked(pool: tuple[str, ...], known: int, n: int) -> list[Proposal]:
    """What is asked next of a pool whose molecules are worth their fluorines, once some drawn at random are known."""

    @design
    class One:
        smiles: str = molecule(*pool)

    problem = Problem(
        name="t/fluorines",
        version="1",
        question="Which chain?",
        design=One,
        outcome=Potency,
        simulate=lambda one: {"potency": fluorines(one.smiles)},
        candidates=tuple(One(smiles=text) for text in pool),
    )
    case = Case(Task(problem, problem.setting(), problem.goals), (("planned", {}),), n, 0)
    chosen = np.random.default_rng(0).choice(len(pool), known, replace=False)
    case = case.after([Proposal(problem.candidates[row], "full", "search", "Drawn.") for row in chosen])
    return strategy("structured").ask(case.task, case.history(), n, 0)


def test_a_long_pool_is_searched_by_likeness():
    pool = chains(6)  # longer than a list that is looked at whole
    proposals = asked(pool, 30, 3)
    found = [fluorines(one.design.smiles) for one in proposals]
    assert len({one.design for one in proposals}) == 3
    assert np.mean([fluorines(one) for one in pool]) == 1.5
    assert min(found) >= 4


def test_of_a_long_list_what_was_asked_is_passed_over():
    cube = np.arange(3_000.0)[:, None] / 3_000
    designs, rows = promising(lambda points: points.squeeze(-1).squeeze(-1), (tuple(range(3_000)), cube), cube[2_900:])
    assert len(designs) == 2_000
    assert designs[0] == 2_899
    assert bool((np.diff(rows[:, 0]) < 0).all())


# --------------------------------------------------------------------------------------------------------------- tables
STATEMENT = """
name = "mine/assay"
question = "Which compound is most potent?"
table = "assay.csv"
[features]
smiles = { kind = "molecule" }
[measured]
pic50 = { goal = "maximise" }
"""


def stated(folder: Path, rows: str) -> Path:
    (folder / "assay.csv").write_text(f"smiles,pic50\n{rows}", encoding="utf-8")
    (folder / "assay.toml").write_text(STATEMENT, encoding="utf-8")
    return folder / "assay.toml"


def test_a_column_of_a_table_may_hold_molecules(tmp_path: Path):
    problem = find(str(stated(tmp_path, "CCO,5.0\nOCC,6.0\nCCN,7.0\n")))
    assert isinstance(problem.inputs["smiles"], Molecule)
    assert len(problem.candidates) == 2
    ethanol = problem.answer(problem.design(smiles="C(O)C"), problem.setting(), fidelity="replay", seed=0)
    assert ethanol.outcome.pic50 == 5.5  # two spellings are repeats of one molecule


def test_a_cell_that_is_no_molecule_is_refused_at_its_line(tmp_path: Path):
    with pytest.raises(ProblemError, match=r"line 3: 'C1CC' is no SMILES"):
        find(str(stated(tmp_path, "CCO,5.0\nC1CC,6.0\n")))
