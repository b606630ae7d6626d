"""What Ctrl-C does."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from dure.cli.face import Stopped

__all__ = ["stoppable"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN_S = 0.01


@contextmanager
def stoppable(how_to_go_on: str, at_once: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Turn the first interrupt into a clean stop, which takes seconds and is not interrupted by the second.

    ``at_once`` is called when it comes, to tell the person; it must not wait for anything. An interrupt that arrives inside a
    destructor or a callback, where Python ignores exceptions, is raised again a moment later.

    Raises:
        Stopped: says ``how_to_go_on``.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        at_once()
        raise KeyboardInterrupt

    def ignored(unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            hook(unraisable)
            return
        signal.signal(signal.SIGINT, stop)
        threading.Timer(_AGAIN_S, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)).start()

    former = {number: signal.signal(number, stop) for number in _SIGNALS}
    hook, sys.unraisablehook = sys.unraisablehook, ignored
    try:
        yield
    except KeyboardInterrupt:
        raise Stopped(how_to_go_on) from None  # and stay deaf: the process is about to end, in order
    except BaseException:
        _restore(former)
        raise
    finally:
        sys.unraisablehook = hook
    _restore(former)


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
