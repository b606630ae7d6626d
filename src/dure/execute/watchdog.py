"""A shell that outlives the driver by a moment, to kill the workers' process groups.

Its standard input is a pipe whose only write end the driver holds, close-on-exec. However the driver dies, the pipe
ends; the shell then sends SIGKILL to every group it was told of and not told to forget. Lines arrive in the order they
were written, so a group forgotten before its leader is reaped can never be killed under a reused number.
A process that moved itself to a new session is out of reach: untrusted simulators belong in a container.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import weakref

__all__ = ["Watchdog"]

# dash takes `kill -9 -GROUP`, and refuses the form with `--`.
_SCRIPT = """
groups=
while read -r word group; do
  case $word in
    watch) groups="$groups -$group" ;;
    forget) kept=
      for one in $groups; do [ "$one" = "-$group" ] || kept="$kept $one"; done
      groups=$kept ;;
  esac
done
[ -z "$groups" ] || kill -9 $groups
"""

_open: weakref.WeakSet[Watchdog] = weakref.WeakSet()


class Watchdog:
    """One shell that watches over all workers of a runner; started again if somebody kills it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._start()
        _open.add(self)

    def watch(self, group: int) -> None:
        """From now on kill this process group when the driver is gone."""
        with self._lock:
            self._groups.add(group)
            self._tell("watch", group)

    def forget(self, group: int) -> None:
        """No longer; call it before the group's leader is reaped."""
        with self._lock:
            self._groups.discard(group)
            self._tell("forget", group)

    def close(self) -> None:
        """End the shell; the groups it still watches die."""
        with self._lock:
            _open.discard(self)
            os.close(self._pipe)
            self._shell.wait()

    def let_go(self) -> None:
        """Close the pipe and nothing else."""
        with contextlib.suppress(OSError):
            os.close(self._pipe)

    def _start(self) -> None:
        theirs, self._pipe = os.pipe()
        try:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, "dure-watchdog"],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(theirs)

    def _tell(self, word: str, group: int) -> None:
        try:
            os.write(self._pipe, f"{word} {group}\n".encode())
        except BrokenPipeError:
            os.close(self._pipe)
            self._shell.wait()
            self._start()
            for watched in self._groups:
                os.write(self._pipe, f"watch {watched}\n".encode())


def _in_forked_child() -> None:
    # A forked child of the driver would otherwise hold the pipe open after the driver's death.
    for watchdog in _open:
        watchdog.let_go()


os.register_at_fork(after_in_child=_in_forked_child)
