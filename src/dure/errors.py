"""Every error Dure raises on purpose.

DureError
├── InputError                 what the user gave cannot be used; exit code 2, nothing was changed
│   ├── ProblemError           a problem's statement is wrong: names field, value, bound, usual fix
│   ├── ValueRefused           a design, setting or outcome value lies outside what was declared
│   ├── UnknownName            no problem, setting, goal or strategy of that name; suggests the nearest
│   ├── PoolError              a pool, or a source of one, cannot be used: other problem, held-out tasks, no terms
│   ├── MissingPart            an optional package or program is needed; names the one command that installs it
│   └── PlanError              a plan cannot be carried out (no budget, no feasible design)
├── JournalError               the journal cannot be read or written as asked
│   ├── JournalNotFound        no journal in that folder; an InputError too
│   ├── JournalCorrupted       bytes, chain or index do not agree: somebody or something changed it
│   ├── JournalTooNew          written by a newer Dure than this one
│   ├── JournalReadOnly        the folder or file cannot be written, or the disk is full
│   ├── JournalBusy            another driver holds this campaign
│   └── Refused                an answer came too late, twice, or with a stale fencing number
├── SimulatorChanged           resume found other simulator code than the journal's
├── SimulationFailed           raised by a simulator: a recorded outcome, never the end of a campaign
├── HubError                   the hub refused a call; its own words
│   └── HubUnreachable         the hub does not answer
├── WorkerLost                 a worker ended before its job did; lives in dure.execute.process, which knows why
└── VerificationFailed         a claim, report or journal does not say what the evidence says
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from dure.i18n import _

__all__ = [
    "DureError",
    "HubError",
    "HubUnreachable",
    "InputError",
    "JournalBusy",
    "JournalCorrupted",
    "JournalError",
    "JournalNotFound",
    "JournalReadOnly",
    "JournalTooNew",
    "MissingPart",
    "PlanError",
    "PoolError",
    "ProblemError",
    "Refused",
    "SimulationFailed",
    "SimulatorChanged",
    "UnknownName",
    "ValueRefused",
    "VerificationFailed",
]


class DureError(Exception):
    """Root of the tree; its text is meant for the person at the terminal."""


class InputError(DureError):
    """What the user gave cannot be used; nothing was changed."""


class ProblemError(InputError):
    """A problem's statement is wrong.

    ``file`` and ``line`` are those of the author's statement, where they are known; the text then begins with them.
    """

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None) -> None:
        self.file = file
        self.line = line
        place = ":".join(str(part) for part in (file, line) if part)
        super().__init__(f"{place}: {message}" if place else message)


class ValueRefused(InputError):
    """A value lies outside what its field declares."""


class UnknownName(InputError):
    """No such problem, setting, goal or strategy."""

    def __init__(self, kind: str, given: str, known: Iterable[str]) -> None:
        self.kind, self.given, self.known = kind, given, sorted(known)
        super().__init__(kind, given, self.known)  # all of it, so that the error survives the way back from a worker

    def __str__(self) -> str:
        near = difflib.get_close_matches(self.given, self.known, n=3, cutoff=0.4)
        hint = (
            _("Did you mean {names}?").format(names=", ".join(near))
            if near
            else _("Known: {names}.").format(names=", ".join(self.known) or _("none"))
        )
        return _("Unknown {kind} {given!r}. {hint}").format(kind=self.kind, given=self.given, hint=hint)


class MissingPart(InputError):
    """An optional package or program is needed; the message ends in the command that installs it."""


class PoolError(InputError):
    """A pool, or a source of one, cannot be used as asked."""


class PlanError(InputError):
    """A plan cannot be carried out."""


class JournalError(DureError):
    """The journal cannot be read or written as asked."""


class JournalNotFound(JournalError, InputError):
    """No journal in that folder."""


class JournalCorrupted(JournalError):
    """Bytes, chain or index do not agree."""


class JournalTooNew(JournalError):
    """Written by a newer Dure than this one."""


class JournalReadOnly(JournalError):
    """The folder or file cannot be written, or the disk is full."""


class JournalBusy(JournalError):
    """Another driver holds this campaign."""


class Refused(JournalError):
    """An answer came too late, twice, or with a stale fencing number."""


class SimulatorChanged(DureError):
    """Resume found other simulator code than the one the journal recorded."""


class SimulationFailed(DureError):
    """Raised by a simulator that has no answer: recorded with its reason."""


class HubError(DureError):
    """The hub refused a call; ``status`` is that of its answer, 0 when there was none."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        self.status = status
        super().__init__(message)


class HubUnreachable(HubError):
    """The hub does not answer, or is busy with an earlier call; the same call may succeed later."""


class VerificationFailed(DureError):
    """A claim, report or journal does not say what the evidence says."""
