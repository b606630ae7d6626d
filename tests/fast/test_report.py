"""The report: every number a claim, the same journal the same bytes, refusals that leave everything as it was."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from markupsafe import Markup

from dure.campaign import Claim, Query, task_of
from dure.errors import JournalBusy, JournalError, JournalReadOnly, UnknownName
from dure.journal import Journal, fold
from dure.problem import find
from dure.report import summary, verify, write_report
from dure.report.dossier import Dossier
from dure.report.markup import admit, fill, show
from dure.report.origin import command
from dure.report.page import _environment
from dure.report.reading import read
from dure.report.results import results
from tests.fast.report_beam import DENSITY, LENGTH
from tests.fast.report_campaigns import BEAM, campaign

FILES = ("report.html", "claims.json", "results/winner.json", "results/beam.csv")
VOID = {"meta", "br"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        yield campaign(tmp_path_factory.mktemp("beam") / "run", patch)


@pytest.fixture(scope="module")
def written(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "run"
    shutil.copytree(finished, folder)
    write_report(folder, language="en")
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "run"))


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def dossier_of(folder: Path) -> Dossier:
    with Journal.open(folder, write=False) as journal:
        return Dossier.read(journal)


def kinds(folder: Path) -> list[str]:
    with Journal.open(folder, write=False) as journal:
        return [event.kind for event in journal.events()]


# ------------------------------------------------------------------------------------------------ the same bytes
def test_writing_again_changes_no_byte_and_is_recorded(folder: Path):
    before = contents(folder)
    assert write_report(folder, language="en") == folder / "report.html"
    assert contents(folder) == before
    assert kinds(folder)[-2:] == ["reported", "reported"]


def test_only_the_page_depends_on_the_language(folder: Path):
    before = contents(folder)
    write_report(folder, language="ko")
    changed = {name for name, data in contents(folder).items() if data != before[name]}
    assert changed == {"report.html"}
    page = (folder / "report.html").read_text()
    assert '<html lang="ko">' in page
    assert "최종 설계" in page
    verify(folder)


def test_a_language_without_a_catalogue_is_refused(folder: Path):
    with pytest.raises(UnknownName, match="'fr'"):
        write_report(folder, language="fr")


# ------------------------------------------------------------------------------------------------ every number a claim
@pytest.mark.parametrize("value", [3, 2.5, True, None, "in 12 steps", "٣"])
def test_the_page_refuses_a_number_that_is_no_claim(value: object):
    with pytest.raises(TypeError, match="no claim"):
        _environment().from_string("{{ value }}").render(value=value)
    with pytest.raises(TypeError, match="no claim"):
        fill("of {value}", value=value)  # type: ignore[arg-type]


def test_what_is_marked_up_is_admitted():
    claim = Claim("x", "a length", "m", Query("plan"), 0.5)
    assert _environment().from_string("{{ claim|show }}").render(claim=claim) == show(claim)
    assert admit("no digit") == "no digit"
    assert admit(Markup("<b>1</b>")) == "<b>1</b>"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_number_of_the_page_is_loose(folder: Path, language: str):
    if language != "en":
        write_report(folder, language=language)
    page = read((folder / "report.html").read_text())
    assert page.loose == []
    known = {claim["id"] for claim in json.loads((folder / "claims.json").read_bytes())["claims"]}
    assert {shown.claim for shown in page.claims} <= known
    assert len(page.claims) > 100


@pytest.mark.parametrize("code", ["en", "ko"])
def test_no_sentence_of_the_report_brings_a_number_of_its_own(code: str):
    # a translation with a digit would be refused when the page is made, so it must be found here
    po = Path(__file__).parents[2] / "src/dure/i18n/locale/ko/LC_MESSAGES/dure.po"
    with po.open("rb") as file:
        entries = [entry for entry in read_po(file) if any("report/templates" in place for place, _line in entry.locations)]
    texts = [str(entry.string if code == "ko" else entry.id) for entry in entries]
    assert len(texts) > 80
    assert [text for text in texts if re.search(r"\d", re.sub(r"\{[^{}]*\}", "", text))] == []


def test_the_winner_is_what_the_closed_form_says(folder: Path):
    winner = json.loads((folder / "results/winner.json").read_bytes())
    beam = {name: spec["value"] for name, spec in winner["design"].items()}
    # mass = density x volume; tip deflection = F L^3 / (3 E I), I = b h^3 / 12 (Timoshenko 1930)
    assert winner["goals"]["mass"]["value"] == pytest.approx(DENSITY[beam["material"]] * beam["width"] * beam["height"] * LENGTH)
    deflection = winner["goals"]["deflection"]
    assert deflection["margin"]["value"] == pytest.approx(0.02 - deflection["value"])
    assert deflection["margin"]["value"] >= 0
    assert winner["verdict"] == "supported"


def test_sentences_carry_the_numbers_of_the_journal(folder: Path):
    dossier = dossier_of(folder)
    shown = {one.claim: one.text for one in read((folder / "report.html").read_text()).claims}
    state = next(state for state in dossier.history.in_plan("search") if state.gain is not None)
    number = 1 + dossier.history.in_plan("start", "search").index(state)
    assert shown[f"tried.{number}.gain"] == f"{state.gain:.3g}"
    assert shown[f"tried.{number}.feasible"] == "62\N{NARROW NO-BREAK SPACE}%"  # 0.625, half to even
    assert shown["verdict"] == "Supported"


def test_what_the_author_stated_and_misled_is_said_to_be_left_out(folder: Path):
    page = (folder / "report.html").read_text()
    shown = {one.claim: one.text for one in read(page).claims}
    assert shown["worth.rough.mass.explained"] == "75\N{NARROW NO-BREAK SPACE}%"
    assert shown["worth.rough.deflection.explained"].endswith("25\N{NARROW NO-BREAK SPACE}%")
    section = page[page.index('id="worth"') :]
    assert section[: section.index("</table>")].count("left out") == 1


# ------------------------------------------------------------------------------------------------ the page itself
class Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.crossed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids.update(value or "" for name, value in attrs if name == "id")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if self.open.pop() != tag:
            self.crossed.append(tag)


@pytest.fixture(scope="module")
def outline(written: Path) -> Outline:
    parser = Outline()
    parser.feed((written / "report.html").read_text())
    return parser


def test_the_page_is_well_formed(outline: Outline):
    assert outline.crossed == []
    assert outline.open == []
    assert outline.tags["h1"] == 1
    assert outline.tags["caption"] == outline.tags["table"] > 5


def test_drawings_do_not_clash_and_refer_to_what_is_there(outline: Outline, written: Path):
    assert [name for name, count in outline.ids.items() if count > 1] == []
    page = (written / "report.html").read_text()
    assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', page)) <= set(outline.ids)
    # two curves, two widths of the progress, three goals, two margins
    assert outline.tags["svg"] == page.count('role="img"><title>') == 2 + 2 + 3 + 2


def test_nothing_is_fetched_and_nothing_runs(outline: Outline, written: Path):
    assert outline.tags["script"] == outline.tags["link"] == outline.tags["img"] == outline.tags["iframe"] == 0
    assert [
        value for tag, name, value in outline.attributes if name in {"src", "srcset", "action"} or name.startswith("on")
    ] == []
    links = [value for tag, name, value in outline.attributes if name == "href"]
    assert all(link.startswith("https://doi.org/") for link in links)
    policy = [value for _tag, name, value in outline.attributes if name == "content" and "default-src" in value]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]
    style = (written / "report.html").read_text().partition("<style>")[2].partition("</style>")[0]
    assert "@import" not in style
    assert "url(" not in style


def test_what_an_author_writes_cannot_become_markup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    nasty = tmp_path / "nasty.py"
    source = (
        BEAM.read_text().replace("How light can", "How <b>light</b> & bright can").replace("A toy:", "<script>alert(1)</script>")
    )
    nasty.write_text(source)
    folder = campaign(tmp_path / "run", monkeypatch, problem=nasty, runs=2)
    page = write_report(folder, language="en").read_text()
    assert "<script" not in page
    assert "How &lt;b&gt;light&lt;/b&gt; &amp; bright can" in page


def test_a_limit_is_drawn_only_where_the_goal_is_the_curves_own_extreme(written: Path):
    page = (written / "report.html").read_text()
    curves = re.findall(r"<figcaption><span class=\"quoted\">([^<]*)</span></figcaption>(<svg.*?</svg>)", page, re.DOTALL)
    limited = {title: "var(--limit)" in drawing for title, drawing in curves[:2]}
    assert limited == {"deflection (m)": True, "moment (N·m)": False}


def test_failures_show_their_last_lines(written: Path):
    dossier = dossier_of(written)
    failed = [state for state in dossier.history.in_plan() if state.reason]
    assert failed
    page = (written / "report.html").read_text()
    assert "the simulator gave no answer" in page
    assert "mesh collapsed\nat element 7 of 12" in page
    assert dossier.claims["failures.no answer"].value == len(failed)


def test_the_command_repeats_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = campaign(tmp_path / "run", monkeypatch, runs=2, setting={"load": 0.75}, limits={"deflection": 0.03}, seed=3)
    words = command(dossier_of(folder)).split()
    assert words[:3] == ["dure", "run", str(BEAM)]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    expected = {"--setting": "load=0.75", "--limit": "deflection=0.03", "--runs": "2", "--seed": "3", "--strategy": "sobol"}
    assert options == expected | {"--prior": "none", "--control": "6"}


@pytest.mark.parametrize(("runs", "drawn"), [(2, 40), (12, 1)])
def test_chance_that_does_better_than_the_search_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: int, drawn: int):
    folder = campaign(tmp_path / "run", monkeypatch, runs=runs, control_runs=drawn)
    claims = dossier_of(folder).claims
    better = claims["control.best"].value is not None and claims["control.best"].value < claims["winner.goal.mass"].value
    assert better == (drawn == 40)
    assert ("better than the winner" in write_report(folder, language="en").read_text()) == better


# ------------------------------------------------------------------------------------------------ states of a campaign
def test_a_campaign_under_way_has_a_report_without_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = campaign(tmp_path / "run", monkeypatch, most=14)
    page = write_report(folder, language="en").read_text()
    assert "Still running" in page
    assert "nothing here is a verdict" in page
    first = contents(folder) if (folder / "results/winner.json").exists() else page
    write_report(folder, language="en")
    assert (contents(folder) if isinstance(first, dict) else (folder / "report.html").read_text()) == first
    assert any("recomputed" in line for line in verify(folder))
    with Journal.open(folder, write=False) as journal:
        history = fold(journal.events())
    assert summary(history, task_of(history, find(str(BEAM))))["verdict"] is None


def test_without_a_winner_there_are_no_results_and_none_are_left(folder: Path, monkeypatch: pytest.MonkeyPatch):
    campaign(folder, monkeypatch, runs=3, limits={"deflection": 1e-9})
    assert "No design was found that keeps every limit" in write_report(folder, language="en").read_text()
    assert list((folder / "results").iterdir()) == []
    assert json.loads((folder / "claims.json").read_bytes())["claims"][0]["value"] == "inconclusive"
    verify(folder)


def test_an_export_that_fails_costs_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    broken = tmp_path / "broken.py"
    broken.write_text(BEAM.read_text().replace('return {"beam.csv"', 'return {"../beam.csv"'))
    folder = campaign(tmp_path / "run", monkeypatch, problem=broken)
    write_report(folder)
    assert sorted(path.name for path in (folder / "results").iterdir()) == ["winner.json"]
    assert "'../beam.csv' cannot be the name of a result" in results(dossier_of(folder)).fault


def test_a_journal_without_a_plan_is_refused(tmp_path: Path):
    Journal.create(tmp_path).close()
    with pytest.raises(JournalError, match="no plan yet"):
        write_report(tmp_path)


def test_the_summary_says_what_the_claims_say(written: Path):
    dossier = dossier_of(written)
    found = summary(dossier.history, dossier.task)
    winner = dossier.roles["winner"]
    assert found["verdict"] == "supported"
    assert found["because"] == "all limits and required checks hold"
    assert found["best"] == winner.trial["design"]
    assert found["margins"]["deflection"] == {"value": dossier.claims["winner.margin.deflection"].value, "unit": "m"}
    assert found["outcomes"]["fine"]["outcome"] == winner.outcome
    # the required check is the same design at the rung beyond
    assert set(found["outcomes"]) >= {"fine", "finest"}
    assert found["cost"]["rough"]["runs"] == 0.25 * sum(s.fidelity == "rough" for s in dossier.history.in_plan())
    assert found["claims"] == json.loads((written / "claims.json").read_bytes())["claims"]
    json.dumps(found, allow_nan=False)


# ------------------------------------------------------------------------------------------------ refusals
@pytest.mark.parametrize(("call", "fault"), [("fsync", errno.ENOSPC), ("replace", errno.EROFS)])
def test_a_folder_that_cannot_be_written_keeps_its_report(folder: Path, monkeypatch: pytest.MonkeyPatch, call: str, fault: int):
    before = contents(folder)

    def refuse(*_args: object) -> None:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(JournalReadOnly, match=os.strerror(fault)):
        write_report(folder, language="ko")
    assert contents(folder) == before
    assert [path for path in folder.rglob("*") if "draft" in path.name] == []


def test_a_campaign_that_is_being_driven_is_left_alone(folder: Path):
    before = contents(folder)
    with Journal.open(folder), pytest.raises(JournalBusy):
        write_report(folder, language="ko")
    assert contents(folder) == before


def test_verifying_writes_nothing(folder: Path):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(verify(folder)) >= 5
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
