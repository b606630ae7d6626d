"""While a surrogate is fitted or asked, no library takes more than one thread; while it is imported, an interrupt waits."""

from __future__ import annotations

import os
import signal

import pytest

pytest.importorskip("torch", reason="torch is not installed; make setup installs it")

import torch
from threadpoolctl import threadpool_info, threadpool_limits

from dure.strategy import _interrupts_wait
from dure.strategy.structured import calmly


def threads() -> set[int]:
    return {int(one["num_threads"]) for one in threadpool_info()}


def test_linear_algebra_takes_one_thread_and_gives_it_back():
    with threadpool_limits(limits=2):
        before = threads()
        assert 2 in before
        with calmly(0):
            assert threads() == {1}
            assert torch.get_num_threads() == 1
        assert threads() == before


def test_an_interrupt_waits_until_all_is_imported():
    reached = []

    @_interrupts_wait()
    def imports() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        reached.append(sum(range(1000)))

    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            imports()
    finally:
        signal.signal(signal.SIGINT, former)
    assert reached
