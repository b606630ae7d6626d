"""The report's own words for what the journal holds as codes."""

from __future__ import annotations

import re

from dure.i18n import N_, _

__all__ = ["REASONS", "VERDICTS", "WHY_ENDED", "WHY_STOPPED", "because", "brief", "failure", "verdict"]

VERDICTS = {
    "supported": N_("Supported"),
    "refuted": N_("Refuted"),
    "inconclusive": N_("Inconclusive"),
    None: N_("Still running"),
}

WHY_ENDED = (
    N_("all limits and required checks hold"),
    N_("a required check failed"),
    N_("a required check gave no answer"),
    N_("a required check leaves open whether it holds"),
    N_("nothing better than the textbook start was found"),
    N_("the simulator is noisy and the winner was not repeated"),
    N_("a repeat of the winner gave no answer"),
    N_("the mean of the winner's repeats breaks a limit"),
    N_("the winner's repeats leave open whether every limit is kept"),
    N_("the repeats do not show the winner to be better than the textbook start"),
    N_("the best design rests on past data, not on a run of this campaign"),
    N_("no design kept every limit"),
)

WHY_STOPPED = {
    "budget": N_("the budget is spent"),
    "tolerance": N_("no proposal promised enough any more"),
    "certificate": N_("more runs would hardly have gained more than the tolerance"),
    "exhausted": N_("the strategy had nothing left to propose"),
    "failures": N_("one simulation after the other failed"),
}

REASONS = {
    "no answer": N_("the simulator gave no answer"),
    "unusable outcome": N_("the answer was incomplete or not finite"),
    "crash": N_("the simulator crashed"),
    "out of memory": N_("the simulator ran out of memory"),
    "timeout": N_("the simulator took too long"),
    "cancelled": N_("the trial was cancelled"),
    "lost": N_("the worker was lost"),
}


def verdict(code: str | None) -> str:
    """The verdict in the language in use."""
    return _(VERDICTS[code])


def because(code: str) -> str:
    """Why the campaign ended as it did, or why the search stopped."""
    return _(WHY_STOPPED.get(code, code))


def failure(reason: str) -> str:
    """The class of a failure; the system's own words where it has no other."""
    return _(REASONS.get(reason, reason))


def brief(text: str) -> str:
    """A help text's first clause, translated: it names the thing, what follows explains it."""
    return re.split(r"[,;:(]", _(text), maxsplit=1)[0].strip()
