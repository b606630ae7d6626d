"""The tree at the top of dure.errors is the tree there is; errors survive the way back from a worker."""

from __future__ import annotations

import pickle
import re

import pytest

import dure.errors
from dure.errors import DureError, ProblemError, UnknownName
from dure.execute import WorkerLost
from dure.i18n import speaking


def drawn() -> dict[str, tuple[str, str]]:
    """Each name of the drawing with its parent's and what is said of it."""
    parents, found = {-1: ""}, {}
    for line in (dure.errors.__doc__ or "").splitlines():
        if node := re.match(r"^((?:│   |    )*)(?:[├└]── )?(\w+)(?: +(.*))?$", line):
            indent, name, text = node.groups()
            depth = len(indent) // 4 + ("──" in line)
            if name[0].isupper() and (depth or name == "DureError"):
                found[name] = (parents[depth - 1], text or "")
                parents[depth] = name
    return found


def test_the_drawing_is_the_tree():
    real = {name: getattr(dure.errors, name) for name in dure.errors.__all__} | {"WorkerLost": WorkerLost}
    tree = drawn()
    assert set(tree) == set(real)
    for name, (parent, _text) in tree.items():
        assert real[name].__base__.__name__ == (parent or "Exception"), name


@pytest.mark.parametrize(
    "error",
    [
        UnknownName("setting", "amb", ["ambient", "cell"]),
        ProblemError("range is empty", file="mine.py", line=7),
        WorkerLost("timeout", "last words", 1.0, 2.0),
    ],
)
def test_an_error_comes_back_from_another_process_as_it_went(error: DureError):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_an_unknown_name_suggests_what_was_meant_in_the_readers_language():
    error = UnknownName("setting", "amient", ["ambient", "cell"])
    assert str(error) == "Unknown setting 'amient'. Did you mean ambient?"
    with speaking("ko"):
        assert "Did you mean" not in str(error)
        assert "ambient" in str(error)
    assert str(UnknownName("setting", "zzz", ["b", "a"])) == "Unknown setting 'zzz'. Known: a, b."
    assert str(UnknownName("setting", "zzz", [])) == "Unknown setting 'zzz'. Known: none."


def test_a_problem_error_begins_with_the_place():
    assert str(ProblemError("wrong", file="mine.py", line=7)) == "mine.py:7: wrong"
    assert str(ProblemError("wrong", file="mine.py")) == "mine.py: wrong"
    assert str(ProblemError("wrong")) == "wrong"
