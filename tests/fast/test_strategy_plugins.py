"""A strategy that an installed package brings is used by its name; what is wrong with one is told, and the others load."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dure.campaign import Loop
from dure.errors import InputError, UnknownName
from dure.strategy import NAMES, plugged_in, strategy
from tests.fast.sites import Site, nothing_else_installed
from tests.fast.squares import square

MODULE = """
from itertools import islice
from dure.strategy import Proposal, Review, space_filling

class Corner:
    name = "{name}"

    def explain(self, task):
        return ("The first design of a fixed sequence.",)

    def ask(self, task, history, n, seed):
        found = islice(space_filling(task.problem, 0, start=len(history.trials)), n)
        return [Proposal(one, task.problem.top.name, "search", "It comes next.") for one in found]

    def review(self, task, history, seed):
        return Review()

strategy = Corner()
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    strategy.cache_clear()
    with nothing_else_installed(tmp_path, monkeypatch):
        yield Site(tmp_path, "dure.strategies")
    strategy.cache_clear()


def test_an_installed_package_brings_its_strategy(site: Site):
    site.install("cornerpack", {"mine/corner": "cornerpack_one:strategy"}, cornerpack_one=MODULE.format(name="mine/corner"))
    assert [one.name for one in plugged_in()[0]] == ["mine/corner"]
    (wish,) = Loop(square(), strategy="mine/corner").ask()
    assert wish.why == "It comes next."
    with pytest.raises(UnknownName, match="mine/corner"):
        strategy("mine/korner")


def test_two_packages_that_register_one_name_are_both_named(site: Site):
    site.install("firstpack", {"mine/corner": "firstpack_one:strategy"})
    site.install("otherpack", {"mine/corner": "otherpack_one:strategy"})
    for ask in (plugged_in, lambda: strategy("mine/corner"), lambda: strategy("sobol")):
        with pytest.raises(InputError, match=r"mine/corner.*uninstall one") as error:
            ask()
        assert "firstpack" in str(error.value)
        assert "otherpack" in str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_the_names_of_our_own_cannot_be_taken(site: Site, name: str):
    site.install("thief", {name: "thief_one:strategy"}, thief_one=MODULE.format(name=name))
    with pytest.raises(InputError, match=f"'{name}': dure and .*thief"):
        strategy(name)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import no_such_solver", "ModuleNotFoundError.*no_such_solver"),
        ("strategy = 3", "not a Strategy named 'mine/broken'"),
        (MODULE.format(name="mine/other"), "not a Strategy named 'mine/broken'"),
        (MODULE.format(name="mine/broken") + "strategy = Corner", "not a Strategy named 'mine/broken'"),
        ("", "AttributeError.*strategy"),
    ],
)
def test_a_broken_package_is_told_and_the_others_load(site: Site, text: str, says: str):
    site.install("brokenpack", {"mine/broken": "broken_one:strategy"}, broken_one=text)
    site.install("cornerpack", {"mine/corner": "cornerpack_one:strategy"}, cornerpack_one=MODULE.format(name="mine/corner"))
    sound, (fault,) = plugged_in()
    assert [one.name for one in sound] == ["mine/corner"]
    assert "brokenpack" in fault.source
    with pytest.raises(InputError, match=says) as error:
        strategy("mine/broken")
    assert str(error.value) == fault.reason
    assert strategy("sobol").name == "sobol"
