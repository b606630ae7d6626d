"""A hub that runs, as a user starts it, and people who sign in to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.slow.beams import DURE, run

PASSWORD = "a rather long password"


@dataclass(frozen=True)
class Running:
    """A hub that answers at ``url``; ``invitation`` makes the first account."""

    url: str
    home: Path
    invitation: str

    def join(self, name: str, invitation: str = "") -> str:
        """Make an account through the page, as a person would; its address."""
        email = f"{name.split()[-1].lower()}@example.org"
        with requests.Session() as browser:
            page = browser.get(f"{self.url}/join", params={"invitation": invitation or self.invite()})
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            secret = re.search(r'name="invitation" value="([^"]+)"', page.text)
            assert token
            assert secret
            given = {"csrfmiddlewaretoken": token[1], "invitation": secret[1], "name": name, "email": email, "password": PASSWORD}
            answer = browser.post(f"{self.url}/join", data=given, headers={"Referer": page.url}, allow_redirects=False)
            assert answer.status_code == 302, answer.text
        return email

    def invite(self) -> str:
        """A further invitation, from the operator's shell."""
        told = run("invite", "--home", self.home, cwd=self.home, DUREHUB_URL=self.url).stdout
        return told.strip().partition("invitation=")[2]


@contextmanager
def serving(home: Path, *, port: int = 0, restored: bool = False, **settings: str) -> Iterator[Running]:
    """``dure serve`` until the block ends, on a free port unless one is given."""
    command = [*DURE, "serve", "--home", str(home), "--port", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=home, env=os.environ | {"PYTHONUNBUFFERED": "1"} | settings
    ) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline()]
            url = re.search(r"http://\S+:\d+", lines[0])
            assert url, lines
            # A hub that was restored has accounts, and prints no invitation.
            invitation = None if restored else re.search(r"invitation=(\S+)", process.stdout.readline())
            assert restored or invitation
            yield Running(url[0], home, invitation[1] if invitation else "")
        finally:
            children = _children(process.pid)
            for child in children:
                os.kill(child, signal.SIGINT)
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                for child in [*children, process.pid]:  # the test fails, and does not wait for ever
                    os.kill(child, signal.SIGKILL)
                raise


def _children(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def dure(*arguments: object, cwd: Path, who: str) -> str:
    """A command of Dure's as somebody, whose settings lie beside ``cwd``; what it printed."""
    return run(*arguments, cwd=cwd, XDG_CONFIG_HOME=str(cwd / f"settings-{who}")).stdout
