"""An arrangement uses up its inventory, whatever the cube says, and stays what it is from statement to report."""

from __future__ import annotations

import math
from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure import cli
from dure.campaign import Campaign, Loop, claims_of, make_plan, shortened
from dure.campaign.given import rows_from_table
from dure.canonical import canonical, parse
from dure.errors import InputError, ProblemError, ValueRefused
from dure.journal import fold
from dure.problem import Arranged, Problem, arrangement, design, find, minimise, outcome, program, text_values
from dure.report import verify, write_report
from dure.strategy import space_filling
from tests.fast import core_loading
from tests.fast.report_campaigns import Here

CORE = Path(core_loading.__file__)


def field(counts: list[int], **more: Any) -> Arranged:
    places = tuple(f"P{number}" for number in range(sum(counts)))
    return Arranged(places=places, inventory={f"kind{number}": count for number, count in enumerate(counts)}, **more)


fields = st.lists(st.integers(1, 5), min_size=1, max_size=5).map(field)  # one kind and one place among them


@st.composite
def arranged(draw: st.DrawFn) -> tuple[Arranged, tuple[str, ...]]:
    spec = draw(fields)
    stock = [kind for kind, count in spec.inventory.items() for _one in range(count)]
    return spec, tuple(draw(st.permutations(stock)))


# -------------------------------------------------------------------------------------------------------------- laws
@given(fields, st.data())
def test_every_point_of_the_cube_uses_up_the_inventory(spec: Arranged, data: st.DataObject):
    cube = data.draw(st.lists(st.floats(0, 1), min_size=spec.columns, max_size=spec.columns))  # ties among them
    (value,) = spec.decode(np.array([cube]))
    assert Counter(value) == spec.inventory
    assert spec.accept("x", spec.snap(value)) == value


@given(arranged())
def test_an_arrangement_survives_the_cube_exactly(drawn: tuple[Arranged, tuple[str, ...]]):
    spec, value = drawn
    spec.validate()
    code = spec.encode(value)
    assert code.shape == (spec.columns,)
    assert spec.decode(code[None, :])[0] == value
    # middles of the kinds' intervals, kinds in the order of the inventory
    assert [math.floor(one * spec.steps) for one in code] == [list(spec.inventory).index(kind) for kind in value]
    assert np.allclose(code * spec.steps % 1.0, 0.5)


@given(arranged())
def test_swaps_are_all_neighbours_and_lead_back(drawn: tuple[Arranged, tuple[str, ...]]):
    spec, value = drawn
    pairs = spec.swaps(value)
    # two places differ in kind: all pairs without those within a kind
    assert len(pairs) == math.comb(len(value), 2) - sum(math.comb(count, 2) for count in spec.inventory.values())
    for one, other in pairs:
        neighbour = spec.swapped(value, one, other)
        assert Counter(neighbour) == spec.inventory
        assert sum(now != then for now, then in zip(neighbour, value, strict=True)) == 2
        assert (one, other) in spec.swaps(neighbour)
        assert spec.swapped(neighbour, one, other) == value


@given(arranged())
def test_its_text_is_read_back_and_its_list_has_one_key(drawn: tuple[Arranged, tuple[str, ...]]):
    spec, value = drawn
    assert spec.accept("x", spec.read("x", spec.write(value))) == value
    assert spec.accept("x", parse(canonical(list(value)).decode())) == value


def test_uniform_points_give_uniform_arrangements():
    # 12 arrangements of 4 places (4!/2!): chi-square over 6,000 draws, 11 degrees of freedom, 0.1 % bound 31.3
    spec = field([2, 1, 1])
    counts = Counter(spec.decode(np.random.default_rng(5).uniform(size=(6000, 4))))
    assert set(counts) == set(permutations(["kind0", "kind0", "kind1", "kind2"]))
    assert sum((count - 500) ** 2 / 500 for count in counts.values()) < 31.3


def test_tokens_are_scaled_over_the_kinds():
    tokens = {"kind0": {"u": 2.0, "gd": 5.0}, "kind1": {"u": 4.0, "gd": 5.0}, "kind2": {"u": 3.5, "gd": 5.0}}
    told = field([1, 1, 1], tokens=tokens).tokens_of()  # features by name: gd is the same of all, u lies in [2, 4]
    assert told.tolist() == [[0.0, 0.0], [0.0, 1.0], [0.0, 0.75]]
    assert field([1, 2]).tokens_of().tolist() == [[1.0, 0.0], [0.0, 1.0]]
    huge = {"kind0": {"u": -1.5e308}, "kind1": {"u": 1.5e308}}
    assert field([1, 1], tokens=huge).tokens_of().tolist() == [[0.0], [1.0]]


# ---------------------------------------------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("places", "inventory", "tokens", "says"),
    [
        ((), {}, None, "places"),
        ("AB", {"a": 1, "b": 1}, None, "places AB are empty, repeat or are no texts"),
        (("A", "A"), {"a": 2}, None, "repeat"),
        (("A", "B"), {"a": 1}, None, "does not fill 2 places"),
        (("A", "B"), {"a": 2, "b": 0}, None, "at least 1"),
        (("A", "B"), {"a": 1.5, "b": 0.5}, None, "whole numbers"),
        (("A",), {"a;b": 1}, None, "names without ;"),
        (("A",), {" a": 1}, None, "a kind that is no name"),
        (("A",), ["a"], None, "a kind that is no name|inventory"),
        (("A", "B"), {"a": 1, "b": 1}, {"a": {"u": 1.0}}, "every kind every feature"),
        (("A", "B"), {"a": 1, "b": 1}, {"a": {"u": 1.0}, "b": {"v": 1.0}}, "every kind every feature"),
        (("A", "B"), {"a": 1, "b": 1}, {"a": {"u": 1.0}, "b": {"u": math.inf}}, "every kind every feature"),
        (("A", "B"), {"fresh": 1, "b": 1}, {"frehs": {"u": 1.0}}, "'frehs'. Did you mean fresh"),
    ],
)
def test_a_wrong_declaration_is_refused_at_its_line(places: Any, inventory: Any, tokens: Any, says: str):
    with pytest.raises(ProblemError, match=rf"test_arrangement\.py:\d+: Core\.loading: .*{says}"):

        @design
        class Core:
            loading: Any = arrangement(places, inventory, tokens=tokens)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("kind0;kind0;kind1", "not one kind for each of 3 places"),  # a text is read at the door, not taken as a value
        (("kind0", "kind1"), "not one kind for each of 3 places"),
        (("kind0", "kind0", "kind2"), "x: 'kind2' at P2 is not one of kind0, kind1"),
        (("kind0", "kind0", "kind0"), "uses kind0 3 times; the inventory holds 2"),
        ((0, 0, 1), "not one kind"),
        (None, "not one kind"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(value: object, says: str):
    with pytest.raises(ValueRefused, match=says):
        field([2, 1]).accept("x", value)


# ---------------------------------------------------------------------------------------------- from statement to report
@pytest.fixture
def core() -> Problem:
    return find(str(CORE))


def test_designs_come_from_plain_data_and_from_cells(core: Problem, tmp_path: Path):
    text = "once; fresh;once;twice;fresh;once"
    (start,) = core.starts
    assert core.make_design({"loading": text, "boron": "0"}) == start
    assert core.make_design({"loading": text.replace(" ", "").split(";"), "boron": 0}) == start
    table = tmp_path / "past.csv"
    table.write_text(f"loading,boron,cycle,peak\n{text},0,3.0,1.2\n", encoding="utf-8")
    (row,) = rows_from_table(core, {}, table)["rows"]
    assert row["key"] == core.trial(start, core.setting()).key
    assert row["trial"]["design"]["loading"] == ["once", "fresh", "once", "twice", "fresh", "once"]
    table.write_text(f"loading,boron,cycle,peak\n{text.replace('twice', 'once')},0,3.0,1.2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 2: Core\.loading uses once 4 times"):
        rows_from_table(core, {}, table)


@pytest.mark.parametrize("uniform", [True, False])
def test_space_filling_designs_differ_and_can_be_asked_for(core: Problem, uniform: bool):
    designs = [one for one, _n in zip(space_filling(core, 3, uniform=uniform), range(64), strict=False)]
    assert len({one.loading for one in designs}) > 35  # of 60 = 6!/(2! 3! 1!)
    assert core.space.designs(core.space.encode(designs)) == designs


def test_a_program_reads_the_text(tmp_path: Path):
    @design
    class Row:
        order: Any = arrangement(("A", "B"), {"x": 1, "y": 1})

    @outcome
    class Measured:
        length: float = minimise()

    problem = Problem(
        name="toy/row",
        version="1",
        question="?",
        design=Row,
        outcome=Measured,
        simulate=program(["sh", "-c", 'test "$order" = "y;x" && echo length=2'], reads=text_values({"length": r"length=(\S+)"})),
    )
    told = problem.answer(Row(order=("y", "x")), problem.setting(), fidelity="full", seed=0)
    assert told.outcome.length == 2.0


def test_a_loop_of_ones_own(core: Problem):
    loop = Loop(core, strategy="random")
    for _round in range(5):
        for wish in loop.ask(2):
            loop.tell(wish, vars(core_loading.simulate(wish.design)))
    assert Counter(loop.best().loading) == core_loading.INVENTORY


def test_a_campaign_from_plan_to_verified_report(core: Problem, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with Campaign.begin(tmp_path / "run", make_plan(str(CORE), strategy_name="random")) as campaign:
        ends = campaign.run(executor=Here(10**6))
        history, task = fold(campaign.journal.events()), campaign.task
    winner = history.trials[ends["winner"]]
    claims = claims_of(history, task)
    assert claims["winner.input.loading"].value == ";".join(winner.trial["design"]["loading"])
    assert claims["matters.loading.cycle"].value is None  # names have no ranks
    assert isinstance(claims["matters.boron.cycle"].value, float)
    page = write_report(tmp_path / "run").read_text(encoding="utf-8")
    assert f">{';'.join(winner.trial['design']['loading'])}</data>" in page
    assert any("claims were recomputed" in text for text in verify(tmp_path / "run"))
    for arguments, said in ((["show", str(CORE)], "2 fresh, 3 once, 1 twice over 6 places"), (["resume"], "loading")):
        with pytest.raises(SystemExit):
            cli.main([*arguments, *([str(tmp_path / "run")] if arguments == ["resume"] else [])])
        shown = capsys.readouterr().out
        assert said in shown
    assert claims["winner.input.loading"].value in shown.replace("\n", "")


def test_a_long_arrangement_is_shortened_where_it_is_shown():
    assert shortened("once;" * 3) == "once;once;once;"
    assert shortened("once;" * 40) == ("once;" * 13)[:63] + "…"
