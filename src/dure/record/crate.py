"""A record as an RO-Crate: one JSON-LD file that any reader of crates, or a person with an editor, understands."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from dure.record.about import About, Person
from dure.record.campaign import PROVENANCE, Finished
from dure.record.croissant import CROISSANT
from dure.record.formats import File
from dure.record.identifiers import licence

__all__ = ["CRATE", "crate"]

CRATE = "ro-crate-metadata.json"
_VERSION = "1.1"
_PROCESS_RUN = "https://w3id.org/ro/wfrun/process/0.5"
_STANDARDS = {
    CROISSANT: "http://mlcommons.org/croissant/1.0",
    PROVENANCE: "https://www.w3.org/submissions/prov-json/",
}


def crate(root: Path, about: About, files: list[File], made: str, finished: Finished | None) -> bytes:
    """``ro-crate-metadata.json`` for the files of a record; of a campaign in the profile Process Run Crate."""
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    written = ROCrate(version=_VERSION)

    def entity(address: str, kind: str | list[str], **properties: Any) -> Any:
        said = {"@type": kind} | {name: value for name, value in properties.items() if value}
        return written.add(ContextEntity(written, address, properties=said))

    terms = licence(about.licence)
    written.name, written.description, written.datePublished = about.title, about.description, made
    written.license = entity(terms.url, "CreativeWork", name=terms.id, identifier=terms.id)
    people = [_person(entity, number, one) for number, one in enumerate(about.creators, start=1)]
    written.root_dataset["author"] = _single(people)
    if about.tags:
        written.keywords = _single(list(about.tags))
    if about.derived_from:
        written.isBasedOn = _single([entity(f"#{one}", "CreativeWork", name=one, identifier=one) for one in about.derived_from])
    written.root_dataset["additionalType"] = about.kind
    for one in files:
        properties: dict[str, Any] = {
            "name": one.path,
            "encodingFormat": one.format,
            "contentSize": str(one.bytes),
            "sha256": one.sha256,
        }
        properties |= {"conformsTo": {"@id": _STANDARDS[one.path]}} if one.path in _STANDARDS else {}
        written.add_file(root / one.path, one.path, properties=properties)
        if one.path in _STANDARDS:
            entity(_STANDARDS[one.path], "CreativeWork", name=one.path)
    if finished is not None:
        _run(written, entity, people, finished)
    return (json.dumps(written.metadata.generate(), indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _single(values: list[Any]) -> Any:
    """One value stands by itself, several as a list: what readers of crates expect."""
    return values[0] if len(values) == 1 else values


def _person(entity: Any, number: int, person: Person) -> Any:
    institution = (
        entity(person.ror or f"#institution-{number}", "Organization", name=person.affiliation or person.ror)
        if person.affiliation or person.ror
        else None
    )
    return entity(person.orcid or f"#person-{number}", "Person", name=person.name, affiliation=institution)


def _run(written: Any, entity: Any, people: list[Any], finished: Finished) -> None:
    """The campaign as one action: what ran, on what, when, and what came of it."""
    plan, problem = finished.history.plan, finished.problem
    software = entity(
        f"urn:dure:problem:{problem['name']}",
        "SoftwareApplication",
        name=problem["name"],
        softwareVersion=str(problem["version"]),
        description=problem["question"],
    )
    concluded = next(event for event in reversed(finished.events) if event.kind == "concluded")
    planned = next(event for event in reversed(finished.events) if event.kind == "planned")
    written.add_action(
        software,
        f"#{plan['hash']}",
        result=[one for one in written.data_entities if one.id != CROISSANT],
        properties={
            "name": f"Campaign on {problem['name']}",
            "description": plan["hypothesis"],
            "startTime": _seconds(planned.time),
            "endTime": _seconds(concluded.time),
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )
    action = written.dereference(f"#{plan['hash']}")
    action["agent"] = _single(people)
    profile = entity(_PROCESS_RUN, ["CreativeWork", "Profile"], name="Process Run Crate", version="0.5")
    written.root_dataset["conformsTo"] = profile
    written.root_dataset["mentions"] = action


def _seconds(time: str) -> str:
    """A journal's time without the milliseconds, which the profile's own checks do not take."""
    return datetime.fromisoformat(time).isoformat(timespec="seconds")
