"""Where jobs run: worker processes on this machine, each owning whatever its job starts.

``LocalRunner`` is a standard ``concurrent.futures.Executor``; so is whatever takes its place on a cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dure.execute.dispatch import Dispatch
    from dure.execute.local import LocalFuture, LocalRunner, WorkerLost

__all__ = ["Dispatch", "LocalFuture", "LocalRunner", "WorkerLost"]


def __getattr__(name: str) -> Any:
    # A worker imports this package too, and must not pay for the driver's half of it.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dure.execute import dispatch, local

    return getattr(dispatch if name == "Dispatch" else local, name)
