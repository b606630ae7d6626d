"""Signing in through OpenID Connect, with the certified implementation of npm's oidc-provider running beside the hub."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from benchmarks.hub.servers import free_port
from tests.slow.hubs import Running, serving

pytestmark = pytest.mark.needs("django", "cheroot", "authlib", "oidc-provider")


@dataclass(frozen=True)
class Place:
    hub: Running
    provider: str

    def sign_in(self, name: str, *, browser: requests.Session | None = None) -> requests.Response:
        """What the hub answers somebody who was at the provider, as a browser goes there."""
        browser = browser or requests.Session()
        page = browser.get(f"{self.hub.url}/sign-in/provider?next=/requests")
        while page.url.startswith(self.provider):
            form = re.search(r'action="([^"]+)"', page.text)
            prompt = re.search(r'name="prompt" value="([^"]+)"', page.text)
            assert form, page.text
            assert prompt, page.text
            page = browser.post(form[1], data={"prompt": prompt[1], "login": name, "password": "any"})
        return page


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home, port, here = tmp_path_factory.mktemp("hub"), free_port(), free_port()
    issuer, back = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{here}/sign-in/returned"
    command = ["node", "provider.mjs", str(port), back]
    folder = Path(__file__).with_name("provider")
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as provider:
        try:
            assert provider.stdout is not None
            assert provider.stdout.readline() == "listening\n"
            known = {"CLIENT": "hub", "SECRET": "a secret of the hub", "ISSUER": issuer, "NAME": "The institute"}
            with serving(home, port=here, **{f"DUREHUB_OIDC_{name}": value for name, value in known.items()}) as hub:
                yield Place(hub, issuer)
        finally:
            provider.terminate()


def test_a_first_sign_in_makes_an_account_and_the_next_finds_it(place: Place):
    browser = requests.Session()
    page = place.sign_in("kim", browser=browser)
    assert page.url == f"{place.hub.url}/requests"
    assert "/sign-out" in page.text
    assert place.sign_in("kim").url == f"{place.hub.url}/requests"


def test_an_address_that_was_not_verified_makes_no_account(place: Place):
    page = place.sign_in("lee")
    assert page.status_code == 422
    assert "verified" in page.text
    assert "/sign-out" not in page.text


def test_what_the_provider_did_not_say_signs_nobody_in(place: Place):
    for query in ("", "?code=made-up&state=made-up", "?error=access_denied&state=made-up"):
        page = requests.get(f"{place.hub.url}/sign-in/returned{query}", timeout=30)
        assert page.status_code == 422, query
        assert "The institute did not vouch for you" in page.text


def test_an_answer_meant_for_another_browser_signs_nobody_in(place: Place):
    """The state belongs to the session that began; otherwise one could be signed in as somebody else unawares."""
    theirs = requests.Session()
    began = theirs.get(f"{place.hub.url}/sign-in/provider", allow_redirects=False)
    state = re.search(r"state=([^&]+)", began.headers["Location"])
    assert state
    page = requests.get(f"{place.hub.url}/sign-in/returned", params={"code": "x", "state": state[1]}, timeout=30)
    assert page.status_code == 422
