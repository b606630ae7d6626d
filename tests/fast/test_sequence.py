"""A sequence keeps its order and its bounds, whatever the cube says, and its neighbours are one edit away."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure import cli
from dure.campaign import Loop
from dure.canonical import canonical, parse
from dure.errors import ProblemError, ValueRefused
from dure.problem import Problem, Sequenced, design, maximise, minimise, outcome, sequence
from dure.problem.held import narrowed
from dure.problem.space import Space


@st.composite
def fields(draw: st.DrawFn) -> Sequenced:
    most = draw(st.integers(1, 6))
    return Sequenced(symbols=tuple("abcd"[: draw(st.integers(1, 4))]), most=most, least=draw(st.integers(0, most)))


@st.composite
def written(draw: st.DrawFn) -> tuple[Sequenced, tuple[str, ...]]:
    spec = draw(fields())
    return spec, tuple(draw(st.lists(st.sampled_from(spec.symbols), min_size=spec.least, max_size=spec.most)))


@given(fields(), st.data())
def test_every_point_of_the_cube_is_a_sequence_of_the_field(spec: Sequenced, data: st.DataObject):
    cube = data.draw(st.lists(st.floats(0, 1), min_size=spec.columns, max_size=spec.columns))
    (value,) = spec.decode(np.array([cube]))
    assert spec.accept("x", spec.snap(value)) == value


@given(written())
def test_a_sequence_survives_the_cube_its_text_and_its_json(drawn: tuple[Sequenced, tuple[str, ...]]):
    spec, value = drawn
    spec.validate()
    code = spec.encode(value)
    assert code.shape == (spec.columns,)
    assert np.allclose(code * spec.steps % 1.0, 0.5)
    assert spec.decode(code[None, :])[0] == value
    assert spec.accept("x", spec.read("x", spec.write(value))) == value
    assert spec.accept("x", parse(canonical(list(value)).decode())) == value


def edits(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Damerau's distance in its optimal string alignment: insertions, deletions, substitutions, exchanges of neighbours."""
    table = np.add.outer(np.arange(len(one) + 1), np.arange(len(other) + 1))
    for i, a in enumerate(one, 1):
        for j, b in enumerate(other, 1):
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a != b))
            if i > 1 and j > 1 and (a, b) == (other[j - 2], one[i - 2]):
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return int(table[-1, -1])


@given(written())
def test_neighbours_are_one_edit_away_each_once_and_lead_back(drawn: tuple[Sequenced, tuple[str, ...]]):
    spec, value = drawn
    near = spec.neighbours(value)
    assert len(set(near)) == len(near)
    for one in near:
        assert spec.accept("x", one) == one
        assert edits(value, one) == 1
        assert value in spec.neighbours(one)


@given(st.integers(1, 4), st.integers(0, 5))
def test_all_insertions_and_deletions_are_among_the_neighbours(kinds: int, length: int):
    # Of one symbol n times: k - 1 others at each of n + 1 places and one more of its own; one deletion; (k - 1) n exchanges.
    spec = Sequenced(symbols=tuple("abcd"[:kinds]), most=6)
    assert len(spec.neighbours(("a",) * length)) == (length + 1) * (kinds - 1) + 1 + (length > 0) + length * (kinds - 1)


@pytest.mark.parametrize(
    ("symbols", "more", "says"),
    [
        ((), {"most": 3}, "symbols .* are empty"),
        (("a", "a"), {"most": 3}, "repeat"),
        (("a", ""), {"most": 3}, "no texts"),
        (("a;b",), {"most": 3}, "holds ;"),
        (("-",), {"most": 3}, "stands for nothing"),
        (("a",), {"most": 0}, "whole numbers"),
        (("a",), {"most": 2, "least": 3}, "a sequence of 3 to 2 symbols"),
        (("a",), {"most": 2.5}, "whole numbers"),
    ],
)
def test_a_wrong_declaration_is_refused_at_its_line(symbols: Any, more: Any, says: str):
    with pytest.raises(ProblemError, match=rf"test_sequence\.py:\d+: .*{says}"):

        @design
        class Recipe:
            steps: tuple[str, ...] = sequence(*symbols, **more)


@pytest.mark.parametrize(
    ("value", "says"),
    [("abc", "not a list of 1 to 2 symbols"), ((), "1 to 2"), (("a",) * 3, "1 to 2"), (("a", "z"), "'z' is not one of a, b")],
)
def test_a_wrong_sequence_is_refused(value: Any, says: str):
    with pytest.raises(ValueRefused, match=says):
        Sequenced(symbols=("a", "b"), most=2, least=1).accept("steps", value)


def test_nothing_is_written_as_a_dash_and_a_held_sequence_is_a_design():
    spec = Sequenced(symbols=("a", "b"), most=2)
    assert (spec.write(()), spec.read("x", "-"), spec.read("x", "")) == ("-", (), ())
    made = narrowed(Recipe, {"steps": ["heat", "stir"]})
    (one,) = Space(made).designs(np.zeros((1, 0)))
    assert one.steps == ("heat", "stir")


@design
class Recipe:
    """Six steps at most."""

    steps: tuple[str, ...] = sequence("heat", "stir", "cool", most=6)


@outcome
class Made:
    """How good it is, and what it costs."""

    quality: float = maximise()


@outcome
class Far:
    """How many edits away."""

    edits: float = minimise()


def test_a_search_finds_a_hidden_recipe_in_a_tenth_of_all_of_them():
    """Of 1,093 recipes the loop may ask 100; edits are a distance that goes down step by step."""
    hidden = ("cool", "heat", "heat", "stir")
    problem = Problem(name="mine/recipe", version="1", question="Which recipe is it?", design=Recipe, outcome=Far)
    assert sum(3**length for length in range(7)) == 1093
    loop = Loop(problem, seed=1)
    asked = []
    while len(asked) < 100 and hidden not in asked:
        (wish,) = loop.ask()
        asked.append(wish.design.steps)
        loop.tell(wish, {"edits": float(edits(wish.design.steps, hidden))})
    assert asked[-1] == hidden


def test_what_is_asked_is_a_tuple_and_its_order_counts():
    problem = Problem(name="mine/recipe", version="1", question="Which recipe is best?", design=Recipe, outcome=Made)
    loop = Loop(problem, strategy="random", seed=1)
    for wish in loop.ask(20):
        assert isinstance(wish.design.steps, tuple)
        loop.tell(wish, {"quality": math.fsum(place for place, one in enumerate(wish.design.steps) if one == "cool")})
    assert loop.best().steps


STATED = """
from dure import Problem, design, minimise, outcome, sequence

@design
class Recipe:
    steps: tuple[str, ...] = sequence("heat", "stir", "cool", most=6, help="what is done")

@outcome
class Made:
    time: float = minimise(unit="s")

problem = Problem(
    name="mine/recipe", version="1", question="Which recipe is quickest?", design=Recipe, outcome=Made,
    simulate=lambda one: {"time": 10.0 + len(one.steps) - 2.0 * ("cool" in one.steps)}, starts=(Recipe(steps=("heat", "heat")),)
)
"""


def done(*arguments: str) -> object:
    """The code with which a command ends."""
    with pytest.raises(SystemExit) as ended:
        cli.main([*arguments])
    return ended.value.code


def test_a_campaign_shows_reports_and_verifies_sequences(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "recipe.py").write_text(STATED, encoding="utf-8")
    assert done("show", str(tmp_path / "recipe.py")) == 0
    assert "0 to 6 of heat, stir, cool, in order" in " ".join(capsys.readouterr().out.split())
    out = tmp_path / "run"
    arguments = ["run", str(tmp_path / "recipe.py"), "--runs", "12", "--control", "0", "--workers", "1", "--strategy", "sobol"]
    assert done(*arguments, "--out", str(out), "--json") in (0, 3)
    assert done("verify", str(out)) == 0
    winner = json.loads((out / "results" / "winner.json").read_text("utf-8"))
    assert set(winner["design"]["steps"]["value"].split(";")) <= {"heat", "stir", "cool"}
    assert "heat;heat" in (out / "report.html").read_text("utf-8")
