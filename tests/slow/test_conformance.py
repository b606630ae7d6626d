"""Every registered problem keeps the laws of problems and can be read in every language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dure.i18n import LANGUAGES, _, speaking
from dure.problem import Molecule, Problem, citation_text, names, registered
from tests.fast.problem_laws import LAWS, SIMULATED_LAWS

PROBLEMS = {problem.name: problem for problem in registered()[0]}


def test_every_registered_problem_loads():
    assert registered()[1] == []
    assert set(PROBLEMS) == set(names())


@pytest.mark.parametrize("law", [*LAWS, *SIMULATED_LAWS], ids=lambda law: law.__name__)
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=list(PROBLEMS))
def test_a_registered_problem_keeps_the_laws(problem: Problem, law: Callable[[Problem], None]):
    member = problem.under(problem.make_setting({}))  # a family may state its designs only under a setting
    if any(isinstance(spec, Molecule) and not spec.pool for spec in member.inputs.values()):
        pytest.skip("nobody can draw from all molecules, and docking six of them takes five minutes: python -m benchmarks.bio")
    law(member)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=list(PROBLEMS))
def test_our_own_problems_say_where_they_come_from_and_what_could_hurt(problem: Problem):
    assert problem.cites
    assert all("doi.org" in citation_text(key) or "http" in citation_text(key) for key in problem.cites)
    assert problem.question.endswith("?")


def texts(problem: Problem) -> Iterator[str]:
    """Everything of a problem's statement that a person reads."""
    yield problem.question
    yield from problem.hazards
    yield from (spec.help for spec in (*problem.inputs.values(), *problem.inputs_of_setting.values()))
    yield from (measure.help for measure in problem.measures.values())
    yield from (rung.help for rung in (*problem.fidelities, *problem.beyond))
    yield from (text for check in problem.checks for text in (check.name, check.help))
    yield from (one.help for one in problem.rules)


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != "en"])
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=list(PROBLEMS))
def test_every_text_of_a_problem_is_translated(problem: Problem, code: str):
    said: list[Any] = [text for text in texts(problem) if text]
    with speaking(code):
        missing = [text for text in said if _(text) == text]
    assert len(said) > 3
    assert missing == []
