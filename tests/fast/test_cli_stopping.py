"""Ctrl-C is heard wherever the program happens to be."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from dure.cli.face import Stopped
from dure.cli.stopping import stoppable


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """A stop leaves the process deaf; the test run is not to be."""
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


class Dying:
    """Its destructor is where an interrupt arrives; Python ignores what is raised there."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_and_says_how_to_go_on(number: signal.Signals):
    told = []
    with pytest.raises(Stopped, match="go on"), stoppable("go on", at_once=lambda: told.append(1)):
        signal.raise_signal(number)
    assert told == [1]


def test_an_interrupt_inside_a_destructor_is_not_lost():
    def interrupted() -> None:
        with stoppable("go on"):
            dying = Dying()
            del dying
            time.sleep(30)  # ended by the interrupt that is raised again

    with pytest.raises(Stopped):
        interrupted()
