"""A model as a record: published from its folder, found on a hub, fetched and checked; what is closed stays closed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dure.client import fetch_model, fetch_prior, models_on, sign_in
from dure.client.hub import Hub
from dure.errors import HubError, InputError, VerificationFailed
from dure.models import Card, read_card, weights_of
from dure.record import Person, Record, least_level, make

pytestmark = pytest.mark.needs("rocrate")

WEIGHTS = (8).to_bytes(8, "little") + b'{"a":{}}'
SAID = {"creators": (Person("Kim"),)}
PROBLEM: Any = SimpleNamespace(
    name="mine/two", version="1", read_by_priors=("x", "kind"), goals={"y": SimpleNamespace(measure=SimpleNamespace(width=1))}
)


class Shelf:
    """A hub as its client knows it, that holds folders of records; each with its levels, and what the caller may do."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[Path, tuple[str, str], tuple[str, ...]]] = {}

    def put(self, folder: Path, level: str = "open", may: tuple[str, ...] = ("see", "read")) -> str:
        identifier = f"dure:{len(self.kept):012}/v1"
        self.kept[identifier] = (folder, (level, level), may)
        return identifier

    def search(self, **wanted: Any) -> Any:
        assert wanted["kind"] == "model"
        return SimpleNamespace(records=[SimpleNamespace(id=one) for one in reversed(self.kept)])

    def record(self, identifier: str) -> Any:
        _folder, levels, may = self.kept[identifier]
        return SimpleNamespace(id=identifier, levels=levels, may=may, withdrawn=False)

    def files(self, identifier: str) -> Any:
        plain = json.loads((self.kept[identifier][0] / "record.json").read_text("utf-8"))
        return Record.from_plain(plain), {"id": identifier, "url": "", "publisher": "", "published": "2026-01-01"}

    def bytes(self, identifier: str, path: str, *, begin: int = 0) -> Iterator[bytes]:
        yield (self.kept[identifier][0] / path).read_bytes()[begin:]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("DURE_MODELS", str(tmp_path / "models"))
    return Shelf()


def a_model(folder: Path, *, access: str = "open", **more: Any) -> Card:
    """A model of the problem in a folder; its numbers mean nothing."""
    past = {"tasks": 2, "rows": 9, "licences": ["CC-BY-4.0"]}
    sha256 = hashlib.sha256(WEIGHTS).hexdigest()
    card = Card(
        "one", "family prior", "mine/two", "1", ("x", "kind"), {"y": 1}, "full", past, "for tests", access, 0, sha256=sha256
    )
    card = replace(card, **more)
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps(asdict(card)), "utf-8")
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    return card


def published(tmp_path: Path, name: str, *, level: str = "open", **card: Any) -> Path:
    a_model(tmp_path / name, **card)
    make(tmp_path / name, tmp_path / f"{name}-record", said=SAID, level=level)
    return tmp_path / f"{name}-record"


def test_a_model_describes_itself_and_takes_the_licence_of_its_past(tmp_path: Path):
    a_model(tmp_path / "one")
    record = make(tmp_path / "one", tmp_path / "record", said=SAID)
    about = record.about
    assert (about.kind, about.problem, about.problem_version, about.licence) == ("model", "mine/two", "1", "CC-BY-4.0")
    assert {"card.json", "model.safetensors"} <= {one.path for one in record.files}


def test_a_card_states_the_level_its_record_is_published_at_and_never_a_wider_one(tmp_path: Path):
    assert read_card(published(tmp_path, "wide", level="private")).access == "private"
    assert read_card(published(tmp_path, "closed", access="consortium")).access == "consortium"
    assert least_level(tmp_path / "closed") == "consortium"


def test_the_newest_model_that_fits_is_fetched_and_found_here_from_then_on(hub: Any, tmp_path: Path):
    hub.put(published(tmp_path, "old"))
    newest = hub.put(published(tmp_path, "new"))
    hub.put(published(tmp_path, "another", version="2"))
    folder = fetch_prior(hub, PROBLEM)
    assert folder is not None
    assert read_card(folder).record == newest
    assert weights_of(folder) == WEIGHTS
    hub.kept[newest] = (tmp_path / "gone", *hub.kept[newest][1:])
    assert fetch_model(hub, newest) == folder  # not fetched again


def test_a_fetched_model_is_as_closed_as_its_record(hub: Any, tmp_path: Path):
    folder = fetch_model(hub, hub.put(published(tmp_path, "one"), level="private"))
    assert read_card(folder).access == "private"


def test_models_whose_files_may_not_be_read_are_passed_over(hub: Any, tmp_path: Path):
    hub.put(published(tmp_path, "one"), may=("see",))
    assert list(models_on(hub)) == []
    assert fetch_prior(hub, PROBLEM) is None


def test_weights_of_another_hash_are_refused_and_nothing_is_kept(hub: Any, tmp_path: Path):
    swapped = hub.put(published(tmp_path, "one", sha256="0" * 64))
    with pytest.raises(VerificationFailed, match="not those of its card"):
        fetch_model(hub, swapped)
    changed = published(tmp_path, "two")
    identifier = hub.put(changed)
    (changed / "model.safetensors").write_bytes(WEIGHTS[:-1] + b" ")
    with pytest.raises(VerificationFailed):
        fetch_model(hub, identifier)
    assert [one for one in (tmp_path / "models").iterdir() if not one.name.startswith(".")] == []


def test_a_record_without_a_card_is_no_model(hub: Any, tmp_path: Path):
    (tmp_path / "table.csv").write_text("a\n1\n", "utf-8")
    make(tmp_path / "table.csv", tmp_path / "record", said=SAID | {"title": "T", "description": "D", "licence": "CC0-1.0"})
    identifier = hub.put(tmp_path / "record")
    assert list(models_on(hub)) == []
    with pytest.raises(InputError):
        fetch_model(hub, identifier)


def test_a_wrong_password_is_called_that(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_given: object, **_named: object) -> str:
        raise HubError("Sign in", status=401)

    monkeypatch.setattr(Hub, "token", refuse)
    with pytest.raises(HubError, match="no account with that address and password"):
        sign_in("http://127.0.0.1:9", "kim@example.org", "wrong")
