"""A finished campaign as a record: what is said of it, its trials as a table anyone can read, its provenance as PROV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dure.campaign import Query, evaluate, task_of
from dure.errors import InputError
from dure.i18n import _
from dure.journal import Event, History, Journal, fold
from dure.models import strictest
from dure.problem import find
from dure.record.about import Column, Outcome

__all__ = ["FILES", "PROVENANCE", "TRIALS", "Finished", "is_campaign"]

JOURNAL, TRIALS, PROVENANCE = "journal.sqlite", "trials.csv", "prov.json"
FILES = (JOURNAL, "report.html", "claims.json")
"""What of a campaign's folder goes into its record, beside everything under results/."""

_COLUMNS = ("trial", "purpose", "fidelity", "seed", "status", "reason")


def is_campaign(folder: Path) -> bool:
    """Whether ``folder`` holds a journal."""
    return (folder / JOURNAL).is_file()


class Finished:
    """A campaign that has a conclusion and a report, read once.

    Raises:
        InputError: it has not.
        JournalError: the journal cannot be read, or was changed.
    """

    def __init__(self, folder: Path) -> None:
        with Journal.open(folder, write=False) as journal:
            journal.verify()
            self.events: Sequence[Event] = list(journal.events())
        self.folder, self.history = folder, fold(self.events)
        missing = [name for name in FILES if not (folder / name).is_file()]
        if not self.history.plans or self.history.conclusion is None or missing:
            raise InputError(
                _("{folder} holds no finished campaign with its report; dure resume goes on, dure report writes it").format(
                    folder=folder
                )
            )
        self._models = [plan["model"] for plan in self.history.plans if plan.get("model")]
        self.problem: Mapping[str, Any] = self.history.plan["problem"]

    @property
    def level(self) -> str:
        """The strictest level of the models it used, whose weights its journal holds."""
        return strictest(model["access"] for model in self._models)

    def names(self) -> list[str]:
        """The files that go into the record, below the folder."""
        results = sorted(
            path.relative_to(self.folder).as_posix() for path in (self.folder / "results").rglob("*") if path.is_file()
        )
        return [*FILES, *results]

    def about(self) -> dict[str, Any]:
        """What was planned, in the words of ``About``: nothing that came out, which is for readers of the files.

        People and licence are left to the author.
        """
        name = str(self.problem["name"])
        told = "A campaign on {problem}, version {version}. Hypothesis: {hypothesis}"
        return {
            "kind": "campaign",
            "title": str(self.problem["question"]),
            "description": told.format(problem=name, version=self.problem["version"], hypothesis=self.history.plan["hypothesis"]),
            "problem": name,
            "problem_version": str(self.problem["version"]),
            "domain": name.partition("/")[0],
            "columns": tuple(self.columns()),
            "derived_from": tuple(dict.fromkeys(model["record"] for model in self._models if model.get("record"))),
        }

    def outcomes(self) -> tuple[Outcome, ...]:
        """The winner's goals; none without a winner, or where the problem cannot be loaded here to compute them."""
        key = (self.history.conclusion or {})["winner"]
        try:
            task = task_of(self.history, find(self.history.plan["reference"]))
        except InputError:
            return ()
        values = {name: evaluate(Query("goal", {"trial": key, "goal": name}), self.history, task) for name in task.goals if key}
        return tuple(
            Outcome(name, float(value), task.goals[name].unit)
            for name, value in values.items()
            if isinstance(value, (int, float))
        )

    def columns(self) -> Iterator[Column]:
        """Those of the table of trials, with the problem's units."""
        yield from (Column(TRIALS, name) for name in _COLUMNS)
        for group in ("setting", "design"):
            yield from (Column(TRIALS, f"{group}.{name}", spec["unit"]) for name, spec in self.problem[group].items())
        for name, spec in self.problem["outcome"].items():
            yield from (Column(TRIALS, column, spec["unit"]) for column in _parts(name, spec))

    def rows(self) -> Iterator[dict[str, Any]]:
        """One for every trial that was answered or failed, in the journal's order."""
        for state in self.history.trials.values():
            if state.is_open:
                continue
            row = {"trial": state.key, "purpose": state.purpose, "fidelity": state.fidelity, "seed": state.trial["seed"]}
            row |= {"status": "failed" if state.reason else "answered", "reason": state.reason or ""}
            for group in ("setting", "design"):
                row |= {f"{group}.{name}": value for name, value in state.trial[group].items()}
            for name, value in (state.outcome or {}).items():
                columns = _parts(name, self.problem["outcome"].get(name, {}))
                row |= dict(zip(columns, value if isinstance(value, Sequence) else [value], strict=False))
            yield row

    def table(self) -> bytes:
        """The trials as CSV, in UTF-8; numbers have all their digits."""
        out = io.StringIO(newline="")
        writer = csv.DictWriter(out, [one.name for one in self.columns()], extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows())
        return out.getvalue().encode()

    def provenance(self) -> bytes:
        """The journal as W3C PROV in its JSON form: plan, trials, attempts, answers, environments."""
        return provenance(self.events, self.history)


def _parts(name: str, spec: Mapping[str, Any]) -> list[str]:
    axis = spec.get("axis")
    return [f"{name}.{label}" for label in axis["labels"]] if axis else [name]


def provenance(events: Sequence[Event], history: History) -> bytes:
    """PROV-JSON of a campaign's newest plan and of every attempt that ended with an answer or a failure."""
    from prov.model import ProvDocument

    document = ProvDocument()
    document.add_namespace("dure", "urn:dure:")
    document.add_namespace("sha256", "urn:hash::sha256:")
    plan = document.entity(
        f"sha256:{history.plan['hash']}", {"prov:type": "prov:Plan", "dure:question": history.plan["problem"]["question"]}
    )
    begun: dict[tuple[str, int], str] = {}
    for event in events:
        payload: Any = event.payload
        if event.kind == "environment":
            found = payload["environment"]
            document.agent(
                f"sha256:{payload['hash']}",
                {"prov:type": "prov:SoftwareAgent", "dure:version": str(found["dure"]), "dure:python": str(found["python"])},
            )
        elif event.kind == "asked":
            document.entity(f"dure:trial-{payload['key']}", {"prov:type": "dure:Trial", "dure:purpose": payload["purpose"]})
            document.wasDerivedFrom(f"dure:trial-{payload['key']}", plan)
        elif event.kind == "started":
            begun[payload["key"], payload["attempt"]] = event.time
        elif event.kind in ("told", "failed"):
            _attempt(document, event, begun.get((payload["key"], payload["attempt"])))
    return (str(document.serialize(format="json", indent=1)) + "\n").encode()


def _attempt(document: Any, event: Event, began: str | None) -> None:
    payload: Any = event.payload
    name = f"dure:attempt-{payload['key']}-{payload['attempt']}"
    said = {"dure:code": payload["code"]} if payload.get("code") else {}
    document.activity(name, began, event.time, said | {"dure:reason": payload.get("reason", "answered")})
    document.used(name, f"dure:trial-{payload['key']}")
    if payload.get("environment"):
        document.wasAssociatedWith(name, f"sha256:{payload['environment']}")
    if event.kind == "told":
        document.entity(f"sha256:{payload['output_hash']}", {"prov:type": "dure:Outcome"})
        document.wasGeneratedBy(f"sha256:{payload['output_hash']}", name, event.time)
