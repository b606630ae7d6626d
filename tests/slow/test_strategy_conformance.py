"""Our own strategies in many more cases than the fast tests have time for, and in processes that hash differently."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings

from dure.strategy import NAMES, strategy
from dure.testing import Case, cases, check_strategy

OWN = [name for name in NAMES if name != "auto"]


@pytest.mark.parametrize("name", OWN)
@settings(max_examples=100, derandomize=True)
@given(case=cases())
def test_a_strategy_of_our_own_keeps_the_laws(name: str, case: Case):
    check_strategy(strategy(name), case)


ASK = """
from contextlib import suppress
from hypothesis import HealthCheck, Phase, given, settings
from dure.errors import PlanError
from dure.strategy import NAMES, strategy
from dure.testing import cases

settings.register_profile("ask", derandomize=True, deadline=None, database=None, suppress_health_check=[*HealthCheck])

@settings(settings.get_profile("ask"), max_examples=12, phases=[Phase.generate])
@given(case=cases())
def show(case):
    for name in NAMES:
        with suppress(PlanError):
            strategy(name).explain(case.task)
            print(strategy(name).ask(case.task, case.history(), case.n, case.seed))

show()
"""


def test_another_process_gives_the_same_next_ask():
    said = [
        subprocess.run(
            [sys.executable, "-c", ASK],
            env=os.environ | {"PYTHONHASHSEED": str(number)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for number in (1, 2)
    ]
    assert said[0].count("Proposal(") > 50
    assert said[0] == said[1]
