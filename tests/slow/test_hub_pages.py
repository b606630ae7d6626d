"""The pages in Debian's Chromium, as member, partner and outsider: what each sees and does, in two languages, on two screens.

Pictures of every page are left in the folder that DURE_PICTURES names, for people to look at.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.slow.hubs import PASSWORD, Running, dure, serving

pytestmark = pytest.mark.needs("chromium", "playwright", "django", "cheroot", "rocrate", "mlcroissant")

SIZES = {"phone": {"width": 360, "height": 740}, "desk": {"width": 1280, "height": 900}}
PDF = b"%PDF-1.7\nsigned\n"
SAID = ("--licence", "CC-BY-4.0", "--creator", "Kim, Minji (Seoul National University) <0000-0002-1825-0097>")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Three records of a member: open, open with files on request, private."""
    home = tmp_path_factory.mktemp("hub")
    with serving(home) as running:
        member = running.join("Kim Member", running.invitation)
        running.join("Lee Partner")
        dure("login", running.url, "--email", member, "--password", PASSWORD, cwd=home, who="member")
        (home / "table.csv").write_text("temperature,yield\n300,0.5\n310,0.6\n", encoding="utf-8")
        for title, levels in (
            ("전고체 전해질의 이온전도도", ("--level", "open")),
            (
                "황화물 전해질, 파일은 요청 시",
                ("--level", "open", "--files", "private", "--conditions", "Cite us. 인용해 주십시오."),
            ),
            ("비공개 전해질", ("--level", "private")),
        ):
            told = ("--title", title, "--description", "측정한 표. A table that was measured.", "--tag", "배터리", *SAID, *levels)
            dure("publish", "table.csv", *told, cwd=home, who="member")
        yield running


class Reader:
    """A browser of somebody's; a script error or a refused part of a page fails the test."""

    def __init__(self, chromium: Any, hub: Running, language: str, size: str) -> None:
        locale = {"ko": "ko-KR", "en": "en-GB"}[language]
        self.context = chromium.new_context(locale=locale, viewport=SIZES[size], accept_downloads=True)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on(
            "console", lambda said: self.wrong.append(said.text) if said.type == "error" and "404" not in said.text else None
        )
        self.hub, self.name = hub, f"{size}-{language}"

    def go(self, path: str) -> Any:
        return self.page.goto(f"{self.hub.url}{path}")

    def sign_in(self, name: str) -> None:
        self.go("/sign-in")
        self.page.fill("#email", f"{name}@example.org")
        self.page.fill("#password", PASSWORD)
        self.page.press("#password", "Enter")
        self.page.wait_for_selector('a[href="/requests"]')

    def picture(self, name: str) -> None:
        """No page is wider than the screen; what it looks like is kept if somebody wants to see it."""
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{name} is wider than the screen"
        if folder := os.environ.get("DURE_PICTURES"):
            self.page.screenshot(path=str(Path(folder) / f"{name}-{self.name}.png"), full_page=True)

    def titles(self) -> list[str]:
        return [one.strip() for one in self.page.locator(".records .title").all_inner_texts()]


@pytest.fixture
def reader(chromium: Any, hub: Running) -> Iterator[Any]:
    opened: list[Reader] = []

    def make(language: str = "ko", size: str = "desk") -> Reader:
        opened.append(Reader(chromium, hub, language, size))
        return opened[-1]

    yield make
    for one in opened:
        assert one.wrong == []
        one.context.close()


def test_outsider_partner_and_member_see_what_is_theirs(reader: Any):
    seen = {}
    for who in ("outsider", "partner", "member"):
        one = reader()
        if who != "outsider":
            one.sign_in(who)
        one.go("/?q=전해질")
        seen[who] = (len(one.titles()), one.page.locator("h1.count").inner_text().split("건")[0])
    assert [count for count, _text in seen.values()] == [2, 2, 3]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_pages_fit_and_speak_the_readers_language(reader: Any, language: str, size: str):
    one = reader(language, size)
    one.go("/")
    assert one.page.locator("html").get_attribute("lang") == language
    one.picture("search")
    one.page.click(".records .title >> nth=0")
    one.page.wait_for_selector("#citation")
    one.picture("record-shut")
    one.go("/sign-in")
    one.picture("sign-in")
    assert one.go("/records/000000000000").status == 404
    one.picture("missing")
    one.sign_in("member")
    one.go("/?q=이온전도도")
    one.page.click(".records .title >> nth=0")
    one.page.wait_for_selector("table")
    one.picture("record")
    if shutil.which("bwrap"):
        one.page.focus("a[hx-get]")
        one.page.keyboard.press("Enter")
        one.page.wait_for_selector("#preview table", timeout=90_000)
        assert "305" in one.page.inner_text("#preview")  # the mean of 300 and 310
        one.picture("preview")
    one.go("/requests")
    one.picture("requests")
    for path in ("account", "projects", "operator"):
        one.go(f"/{path}")
        one.picture(path)


def test_htmx_brings_the_results_alone_and_the_address_follows(reader: Any):
    one = reader("en")
    one.go("/")
    one.page.evaluate("window.here = 1")
    one.page.fill("#q", "이온전도도")
    one.page.press("#q", "Enter")
    one.page.wait_for_selector(".records li:only-child")
    assert one.page.evaluate("window.here") == 1
    assert "q=" in one.page.url
    one.page.reload()
    assert one.titles() == ["전고체 전해질의 이온전도도"]


def test_a_language_is_chosen_and_remembered(reader: Any):
    one = reader("en")
    one.go("/")
    one.page.click('button[name="language"]')
    one.page.wait_for_selector("html[lang=ko]")
    one.go("/sign-in")
    assert one.page.locator("html").get_attribute("lang") == "ko"


def test_a_partner_asks_by_keyboard_a_member_grants_and_the_file_comes(reader: Any, tmp_path: Path):
    partner, member = reader("en"), reader("ko")
    partner.sign_in("partner")
    partner.go("/?q=황화물")
    partner.page.focus(".records .title")
    partner.page.keyboard.press("Enter")
    partner.page.wait_for_selector("#purpose")
    partner.page.focus("#purpose")
    partner.page.keyboard.type("A comparison of conductivities")
    partner.page.keyboard.press("Tab")
    partner.page.keyboard.press("Space")
    partner.page.set_input_files("#agreement", {"name": "signed.pdf", "mimeType": "application/pdf", "buffer": PDF})
    partner.page.keyboard.press("Tab")
    partner.page.keyboard.press("Tab")
    partner.page.keyboard.press("Enter")
    partner.page.wait_for_selector(".state.waiting")
    partner.picture("asked")
    member.sign_in("member")
    member.go("/requests")
    assert "A comparison of conductivities" in member.page.inner_text("main")
    member.picture("deciding")
    with member.page.expect_download() as agreement:
        member.page.click("a[download]")
    assert Path(agreement.value.path()).read_bytes() == PDF
    member.page.fill("textarea", "기꺼이.")
    member.page.click('button[value="grant"]')
    member.page.wait_for_selector('button[value="grant"]', state="detached")
    partner.page.reload()
    assert "기꺼이." in partner.page.inner_text("main")
    partner.page.click("article h3 a")
    partner.page.wait_for_selector("table")
    with partner.page.expect_download() as download:
        partner.page.click('a[download]:has-text("table.csv")')
    assert Path(download.value.path()).read_text("utf-8").startswith("temperature,yield")


def test_a_member_makes_a_token_that_reads_and_withdraws_it(reader: Any, hub: Running):
    one = reader("en", "phone")
    one.sign_in("member")
    one.go("/account")
    one.page.fill("#name", "A notebook")
    one.page.select_option("#most", "read")
    one.page.press("#name", "Enter")
    secret = one.page.inner_text("#secret")
    one.picture("token")
    headers = {"Authorization": f"Bearer {secret}"}
    assert requests.get(f"{hub.url}/api/v1/account", headers=headers, timeout=30).json()["most"] == "read"
    one.page.click('button:has-text("Withdraw")')
    one.page.wait_for_url("**/account")
    assert requests.get(f"{hub.url}/api/v1/account", headers=headers, timeout=30).status_code == 401


def test_an_operator_founds_an_organisation_and_a_leader_takes_somebody_in(reader: Any):
    one = reader("ko", "phone")
    one.sign_in("member")  # the first account of a hub is its operator's
    one.go("/operator")
    one.page.fill("#name", "한국원자력연구원")
    one.page.click('button:has-text("기관 만들기")')
    one.page.wait_for_url("**/organisations/*")
    one.page.fill("#email", "partner@example.org")
    one.page.click('button:has-text("역할 정하기")')
    one.page.wait_for_selector("article:has-text('Lee Partner')")
    one.picture("organisation")
    partner = reader("en")
    partner.sign_in("partner")
    partner.go("/account")
    partner.page.click('a:has-text("한국원자력연구원")')
    assert "Lee Partner" in partner.page.inner_text("main")
    assert partner.go("/operator").status == 404


def test_everything_on_the_search_page_is_reached_by_tab(reader: Any):
    one = reader("en")
    one.go("/")
    wanted = one.page.locator("main a, main button, main input:not([type=hidden]), main summary, header a, header button")
    names = set(wanted.evaluate_all("all => all.filter(one => one.checkVisibility()).map(one => one.outerHTML)"))
    reached: set[str] = set()
    for _ in range(len(names) + 10):
        one.page.keyboard.press("Tab")
        reached.add(one.page.evaluate("document.activeElement.outerHTML"))
    assert names <= reached
