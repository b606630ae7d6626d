"""Does a finished campaign still say what its evidence says? Everything is recomputed; nothing is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dure.campaign import Claim, Query, conclude, evaluate, shortened, task_of
from dure.canonical import canonical, digest
from dure.errors import DureError, InputError, JournalCorrupted, ProblemError, VerificationFailed
from dure.execute.attempt import simulator_code
from dure.i18n import _, speaking
from dure.journal import Event, History, Journal
from dure.problem import Problem, find
from dure.report.dossier import Dossier
from dure.report.numbers import NONE, agrees, full
from dure.report.reading import Shown, read
from dure.report.words import verdict
from dure.report.writing import CLAIMS, REPORT, RESULTS, made, renderer

__all__ = ["verify"]


def verify(folder: Path) -> list[str]:
    """Recompute the campaign in ``folder`` from its journal: what was checked, and what could not be, as sentences.

    Works on read-only folders. The journal is a chain of hashes; whoever rewrites all of it is found by comparing its head with
    one that was kept elsewhere.

    Raises:
        VerificationFailed: names every disagreement.
        ProblemError: the journal is sound, and the problem cannot be loaded here to recompute what follows from it.
        JournalError: there is no journal, or it cannot be read.
    """
    with Journal.open(folder, write=False) as journal:
        try:
            journal.verify()
            return _verified(folder, journal, list(journal.events()))
        except JournalCorrupted as error:
            raise VerificationFailed(str(error)) from error


def _verified(folder: Path, journal: Journal, events: Sequence[Event]) -> list[str]:
    text = _("The {count} events of the journal follow one another, and every artefact is what was recorded.")
    checked = [text.format(count=len(events))]
    if any("pool" in event.payload for event in events if event.kind == "planned"):
        raise InputError(_("{folder} holds a pool, not a campaign; there are no claims to verify").format(folder=folder))
    wrong = _contradictions(events)
    _raise(wrong)
    checked.append(_("Every plan, trial, answer and environment hashes to what was recorded."))
    problem = _problem(events)
    try:
        wrong += _conclusions(events, problem)
        reported = next((event for event in reversed(events) if event.kind == "reported"), None)
        dossier = Dossier.read(journal, reported.seq if reported else None)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise VerificationFailed(_("the journal's events contradict one another: {error!r}").format(error=error)) from error
    if any(event.kind == "concluded" for event in events):
        checked.append(_("Every conclusion follows from the answers before it."))
    if reported is None:
        left = [name for name in (REPORT, CLAIMS) if (folder / name).exists()]
        _raise(wrong + [_("{file}: the journal knows of no report").format(file=name) for name in left])
        return [*checked, _("No report was written yet.")]
    wrong += _report(folder, dossier, reported.payload, checked)
    planned, stated = dossier.plan["problem"], dossier.task.problem.describe()
    differing = [name for name in planned if not _same(planned[name], stated.get(name))]
    if differing:
        text = _("The problem is not stated today as it was in the plan: {names}. Numbers that rest on these may differ.")
        (wrong if wrong else checked).append(text.format(names=", ".join(differing)))
    _raise(wrong)
    if any(event.kind in ("planned", "concluded") for event in events[reported.seq :]):
        checked.append(_("The report is older than the journal's newest plan or conclusion; write it again."))
    return checked


def _raise(wrong: Sequence[str]) -> None:
    if wrong:
        raise VerificationFailed("\n".join(wrong))


def _same(one: Any, other: Any) -> bool:
    return canonical(one) == canonical(other)


def _problem(events: Sequence[Event]) -> Problem:
    plans: list[Any] = [event.payload for event in events if event.kind == "planned"]
    if not plans:
        raise VerificationFailed(_("the journal holds no plan"))
    try:
        found = find(plans[-1]["reference"])
    except InputError as error:
        text = _("The journal is sound, but its problem cannot be loaded here, so nothing was recomputed from it. {error}")
        raise ProblemError(text.format(error=error)) from error
    return found if "pool" in plans[-1] else found.under(found.make_setting(plans[-1]["setting"]))


def _contradictions(events: Sequence[Event]) -> list[str]:
    """Events whose own hashes do not agree with what they hold."""
    wrong = []
    for event in events:
        payload: Any = event.payload
        pairs: list[tuple[Any, Any]] = []
        if event.kind == "planned":
            pairs.append((digest({name: value for name, value in payload.items() if name != "hash"}), payload["hash"]))
        elif event.kind == "environment":
            pairs.append((digest(payload["environment"]), payload["hash"]))
        elif event.kind == "given":
            pairs += [(digest(row["trial"]), row["key"]) for row in payload["rows"]]
        elif event.kind == "asked":
            pairs.append((digest(payload["trial"]), payload["key"]))
        elif event.kind in ("started", "told", "failed"):
            pairs.append((payload["key"], payload.get("input_hash", payload["key"])))
        if event.kind == "told":
            pairs.append((digest(payload["outcome"]), payload["output_hash"]))
        if any(found != recorded for found, recorded in pairs):
            text = _("event {seq} ({kind}): its content does not have the hash it names")
            wrong.append(text.format(seq=event.seq, kind=event.kind))
    return wrong


def _conclusions(events: Sequence[Event], problem: Problem) -> list[str]:
    """Conclusions that do not follow from what was known when they were drawn.

    A plan made of another statement of the problem cannot be judged by today's; its conclusion is left to the chain.
    """
    wrong, history = [], History()
    for event in events:
        if event.kind == "concluded" and _same(history.plan["problem"], problem.describe()):
            drawn: Any = conclude(history, task_of(history, problem))
            if not _same(drawn, dict(event.payload)):
                recorded = event.payload.get("verdict")
                text = _("event {seq}: the conclusion recorded there ({recorded}) does not follow from the answers ({drawn})")
                wrong.append(text.format(seq=event.seq, recorded=recorded, drawn=drawn["verdict"]))
        history.apply(event)
    return wrong


def _report(folder: Path, dossier: Dossier, reported: Mapping[str, Any], checked: list[str]) -> list[str]:
    """What is wrong with the files of a report; what was found right is added to ``checked``."""
    recorded = {REPORT: reported["report"], CLAIMS: reported["claims"]}
    recorded |= {f"{RESULTS}/{name}": value for name, value in reported["results"].items()}
    wrong, found = [], {}
    for name, value in recorded.items():
        try:
            found[name] = (folder / name).read_bytes()
        except OSError as error:
            wrong.append(_("{file} cannot be read: {cause}").format(file=name, cause=error.strerror))
            continue
        if hashlib.sha256(found[name]).hexdigest() != value:
            wrong.append(_("{file} is not the file that was written").format(file=name))
    if CLAIMS in found:
        wrong += _claims(dossier, found[CLAIMS])
        checked.append(_("All {count} claims were recomputed from the journal.").format(count=len(dossier.claims)))
    if REPORT in found:
        numbers = read(found[REPORT].decode(errors="replace"))
        wrong += _numbers(dossier, numbers.claims, reported["language"])
        wrong += [_("{file}: {text!r} holds a number that is no claim").format(file=REPORT, text=text) for text in numbers.loose]
        checked.append(_("The {count} numbers in the page's text agree with their claims.").format(count=len(numbers.claims)))
    if not wrong:
        wrong += _redrawn(dossier, reported, recorded, checked)
    return wrong


def _claims(dossier: Dossier, data: bytes) -> list[str]:
    try:
        found = json.loads(data)
        given = {one["id"]: one for one in found["claims"]}
        anchors = (found["plan"], found["head"], len(found["claims"]))
    except (ValueError, KeyError, TypeError) as error:
        return [_("{file} cannot be read: {cause}").format(file=CLAIMS, cause=repr(error))]
    wrong = []
    if anchors != (dossier.plan["hash"], dossier.head, len(given)):
        wrong.append(_("{file} belongs to another plan or another state of the journal").format(file=CLAIMS))
    wrong += [_("claim {name} is missing").format(name=name) for name in dossier.claims if name not in given]
    added = [name for name in given if name not in dossier.claims]
    wrong += [_("claim {name} does not follow from the journal").format(name=name) for name in added]
    compared = [_difference(dossier, claim, given[name]) for name, claim in dossier.claims.items() if name in given]
    return wrong + [difference for difference in compared if difference]


def _difference(dossier: Dossier, claim: Claim, given: Mapping[str, Any]) -> str:
    """Why a claim of the file is not the journal's, its own query recomputed; empty when it is."""
    try:
        query = {name: value for name, value in given["query"].items() if name != "op"}
        value = evaluate(Query(given["query"]["op"], query), dossier.history, dossier.task)
    except (DureError, AttributeError, KeyError, TypeError) as error:
        return _("claim {name}: {error}").format(name=claim.id, error=error)
    if given.get("value") != value or type(given.get("value")) is not type(value):
        text = _("claim {name} says {given}; recomputed it is {value}")
        return text.format(name=claim.id, given=given.get("value"), value=value)
    same = dict(given) == claim.plain()
    return "" if same else _("claim {name} asks for something else than the report does").format(name=claim.id)


def _numbers(dossier: Dossier, shown: Sequence[Shown], language: str) -> list[str]:
    wrong = []
    with speaking(language):
        for one in shown:
            claim = dossier.claims.get(one.claim)
            if claim is None or one.value != full(claim.value) or not _says(claim, one.text):
                text = _("{file}: {text!r} is not claim {name} ({value})")
                value = claim.value if claim else NONE
                wrong.append(text.format(file=REPORT, text=one.text, name=one.claim, value=value))
    return wrong


def _says(claim: Claim, text: str) -> bool:
    if claim.id == "verdict":
        return text == verdict(claim.value if isinstance(claim.value, str) else None)
    if isinstance(claim.value, float):
        return agrees(text, claim.value, claim.unit)
    return text == (NONE if claim.value is None else shortened(claim.value))


def _redrawn(dossier: Dossier, reported: Mapping[str, Any], recorded: Mapping[str, str], checked: list[str]) -> list[str]:
    """Files that come out differently when they are made again, where that can be told."""
    if renderer() != reported["versions"]:
        checked.append(_("The files were not made again: another version of Dure or of its libraries made them."))
        return []
    if simulator_code(dossier.task.problem) != dossier.plan["code"]:
        checked.append(_("The files were not made again: the problem's code has changed since the plan."))
        return []
    again = {name: hashlib.sha256(data).hexdigest() for name, data in made(dossier, reported["language"]).items()}
    wrong = [name for name in sorted(again.keys() | recorded.keys()) if again.get(name) != recorded.get(name)]
    if not wrong:
        checked.append(_("Made again from the journal, every file comes out the same to the byte."))
    return [_("{file}: made again from the journal it comes out differently").format(file=name) for name in wrong]
