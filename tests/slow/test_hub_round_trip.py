"""From folder A over a hub to folder B: published, found, pulled as somebody else, verified, and of use without a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slow.beams import finished, run
from tests.slow.hubs import PASSWORD, Running, dure, serving

pytestmark = pytest.mark.needs("django", "cheroot", "rocrate", "mlcroissant", "requests")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("hub")
    with serving(home) as running:
        yield running


def test_a_campaign_goes_from_folder_to_folder_and_answers_there(hub: Running, tmp_path: Path):
    here, there = tmp_path / "A", tmp_path / "B"
    for folder in (here, there):
        folder.mkdir()
    campaign = finished(here)
    addresses = {"a": hub.join("Kim Minji", hub.invitation), "b": hub.join("Lee Jun")}
    for who, folder in (("a", here), ("b", there)):
        dure("login", hub.url, "--email", addresses[who], "--password", PASSWORD, cwd=folder, who=who)

    # A publishes for everybody with an account, the files on request.
    told = dure(
        *("publish", campaign, "--licence", "CC-BY-4.0", "--creator", "Kim, Minji <0000-0002-1825-0097>"),
        *("--tag", "가벼운 들보", "--level", "registered", "--files", "private", "--conditions", "Cite us.", "--json"),
        cwd=here,
        who="a",
    )
    identifier = json.loads(told)["id"]

    # B finds it, in Korean, and asks; A decides.
    (hit,) = json.loads(dure("search", "가벼운 들보를", "--json", cwd=there, who="b"))["records"]
    assert identifier == f"{hit['id']}/v1"
    with pytest.raises(AssertionError, match="no such thing"):
        dure("pull", identifier, cwd=there, who="b")
    dure("request-access", hit["id"], "--purpose", "a heavier beam", "--accept-conditions", cwd=there, who="b")
    (waiting,) = json.loads(dure("requests", "--json", cwd=here, who="a"))["to_decide"]
    dure("requests", "--grant", waiting["handle"], "--answer", "Gladly.", cwd=here, who="a")

    # B pulls it, verifies it there, cites it offline.
    dure("pull", identifier, "--out", "record", cwd=there, who="b")
    dure("verify", "record", cwd=there, who="b")
    assert identifier in dure("cite", "record", "--as", "bibtex", cwd=there, who="b")
    for one in ("journal.sqlite", "report.html"):
        assert (there / "record" / one).read_bytes() == (campaign / one).read_bytes()

    # B's campaign is compared with the textbook starts, which A has answered: they cost nothing.
    (there / "beam.py").write_bytes((here / "beam.py").read_bytes())
    run(
        "run",
        "./beam.py",
        "--runs",
        3,
        "--strategy",
        "sobol",
        "--control",
        0,
        "--data",
        "record",
        "--out",
        "mine",
        "--json",
        cwd=there,
    )
    from dure.journal import Journal, fold

    with Journal.open(there / "mine", write=False) as journal:
        journal.verify()
        events = list(journal.events())
    (given,) = [event.payload for event in events if event.kind == "given"]
    answered = {row["key"] for row in given["rows"]}  # type: ignore[index, union-attr, call-overload] # JSON, as the journal writes it
    asked = {event.payload["key"] for event in events if event.kind == "asked"}
    reused = {event.payload["key"] for event in events if event.kind == "reused"}
    assert len(reused) == 2
    assert reused <= answered
    assert not asked & answered
    history = fold(events)
    assert sum(history.trials[key].cpu_seconds for key in reused) == 0
    dure("verify", "mine", cwd=there, who="b")


def test_a_record_that_was_changed_on_the_way_does_not_verify(hub: Running, tmp_path: Path):
    email = hub.join("Park Changer")
    dure("login", hub.url, "--email", email, "--password", PASSWORD, cwd=tmp_path, who="c")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    said = ("--title", "A table", "--description", "Numbers", "--licence", "CC0-1.0", "--creator", "Park")
    identifier = json.loads(dure("publish", "table.csv", *said, "--json", cwd=tmp_path, who="c"))["id"]
    dure("pull", identifier, "--out", "record", cwd=tmp_path, who="c")
    dure("verify", "record", cwd=tmp_path, who="c")
    (tmp_path / "record" / "table.csv").write_text("a,b\n1,3\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"table\.csv is not the file that was published"):
        dure("verify", "record", cwd=tmp_path, who="c")


def test_the_operator_checks_the_hub_and_its_log(hub: Running):
    assert "verifies" in run("audit", "verify", "--home", hub.home, cwd=hub.home).stdout
    assert "in order" in run("serve", "--check", "--home", hub.home, cwd=hub.home).stdout
    assert (hub.home / "secret").stat().st_mode & 0o077 == 0
    assert (hub.home / "hub.sqlite").stat().st_mode & 0o077 == 0
