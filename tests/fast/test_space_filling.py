"""Endless designs that keep the rules can be entered anywhere, and nothing but the seed decides them."""

from __future__ import annotations

import textwrap
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.errors import PlanError
from dure.problem import Problem, find
from dure.strategy import space_filling

STATEMENT = """
    from dure import Problem, design, minimise, outcome, real, rule

    @design
    class Box:
        width: float = real(0.0, 1.0)
        height: float = real(0.0, 1.0)

    @outcome
    class Weighed:
        weight: float = minimise()

    @rule
    def narrow(box):
        \"\"\"No wider than it is high.\"\"\"
        return box.height - box.width - MARGIN

    problem = Problem(
        name="toy/box", version="1", question="How light?", design=Box, outcome=Weighed, rules=(narrow,),
        simulate=lambda box: Weighed(weight=box.width),
    )
"""


def box(folder: Path, margin: float) -> Problem:
    file = folder / f"box_{margin}.py"
    file.write_text(f"MARGIN = {margin}\n" + textwrap.dedent(STATEMENT), encoding="utf-8")
    return find(str(file))


@pytest.fixture(scope="module")
def loose(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    return box(tmp_path_factory.mktemp("loose"), 0.0)


@given(seed=st.integers(0, 2**32), start=st.integers(0, 200), uniform=st.booleans())
def test_a_sequence_entered_late_goes_on_as_if_entered_at_the_start(loose: Problem, seed: int, start: int, uniform: bool):
    whole = list(islice(space_filling(loose, seed, uniform=uniform), start + 5))
    assert list(islice(space_filling(loose, seed, uniform=uniform, start=start), 5)) == whole[start:]
    assert all(one.height >= one.width for one in whole)
    assert whole != list(islice(space_filling(loose, seed + 1, uniform=uniform), start + 5))


def test_rules_that_leave_nothing_are_named_each_time(tmp_path: Path):
    impossible = box(tmp_path, 2.0)
    for _time in range(2):
        with pytest.raises(PlanError, match="narrow"):
            next(space_filling(impossible, 0))
