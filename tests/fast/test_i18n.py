"""Which language Dure speaks, and when."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dure.i18n import LANGUAGES, N_, _, language, speaking

SAID = "none"


@pytest.mark.parametrize(
    ("environment", "spoken"),
    [
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko"}, "ko"),
        ({"LANG": "kok_IN.UTF-8"}, "en"),  # Konkani is not Korean
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_ALL": "C.UTF-8", "LANG": "ko_KR.UTF-8"}, "en"),
        ({"LC_MESSAGES": "ko_KR.UTF-8", "LANG": "en_US.UTF-8"}, "ko"),
        ({"DURE_LANG": "ko", "LC_ALL": "en_US.UTF-8"}, "ko"),
        ({"DURE_LANG": "en", "LANG": "ko_KR.UTF-8"}, "en"),
        ({"DURE_LANG": "", "LANG": "ko_KR.UTF-8"}, "ko"),
    ],
)
def test_the_first_variable_that_is_set_decides(environment: dict[str, str], spoken: str):
    clean = {name: value for name, value in os.environ.items() if name not in ("DURE_LANG", "LC_ALL", "LC_MESSAGES", "LANG")}
    code = "from dure.i18n import language; print(language())"
    done = subprocess.run([sys.executable, "-c", code], env=clean | environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == spoken


def test_a_language_is_spoken_inside_a_block_and_not_after_it():
    def korean() -> None:
        with speaking("ko"):
            assert language() == "ko"
            assert _(SAID) != SAID
            raise KeyError

    before = language()
    with pytest.raises(KeyError):
        korean()
    assert language() == before
    with speaking("xx"):
        assert language() == "en"


def test_marking_is_not_translating_and_nothing_stays_nothing():
    for code in LANGUAGES:
        with speaking(code):
            assert N_(SAID) == SAID
            assert _("") == ""
            assert _("no such message in any catalogue") == "no such message in any catalogue"
