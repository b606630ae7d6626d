"""Uploads and downloads of a hub that is killed again and again: every byte arrives, and little is sent twice."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from benchmarks.hub.servers import free_port
from tests.slow.beams import DURE
from tests.slow.hubs import PASSWORD, Running, dure

pytestmark = pytest.mark.needs("django", "cheroot", "requests", "rocrate", "mlcroissant")

SIZE = 96 << 20
KILLS = 20


class Frail:
    """A hub that is killed, with everything it started, and started again on the same port."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.url, self.starts = f"http://127.0.0.1:{self.port}", 0
        self.invitation = self.start()

    def start(self) -> str:
        command = [*DURE, "serve", "--home", str(self.home), "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, start_new_session=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
        )
        assert self.process.stdout is not None
        lines = [self.process.stdout.readline()] + ([] if self.starts else [self.process.stdout.readline()])
        self.starts += 1
        found = re.search(r"invitation=(\S+)", lines[-1])
        return found[1] if found else ""

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def frail(home: Path) -> Iterator[Frail]:
    hub = Frail(home)
    try:
        yield hub
    finally:
        hub.kill()


def _go_on(hub: Frail, cwd: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"XDG_CONFIG_HOME": str(cwd / "settings-kim")}
    with (cwd / "said").open("ab") as said:
        return subprocess.Popen([*DURE, *arguments], cwd=cwd, env=environment, stdout=said, stderr=said)


def _parts(home: Path) -> int:
    return sum(one.stat().st_size for one in (home / "files").rglob("*.part"))


def test_a_large_file_survives_twenty_kills_up_and_down(tmp_path: Path):
    random = Random(8)
    home = tmp_path / "hub"
    home.mkdir()
    (tmp_path / "large.txt").write_bytes(random.randbytes(SIZE // 2).hex().encode())
    wanted = hashlib.sha256((tmp_path / "large.txt").read_bytes()).hexdigest()
    with frail(home) as hub:
        email = Running(hub.url, home, hub.invitation).join("Kim", hub.invitation)
        dure("login", hub.url, "--email", email, "--password", PASSWORD, cwd=tmp_path, who="kim")
        said = ("--title", "Large", "--description", "Letters", "--licence", "CC0-1.0", "--creator", "Kim")
        client = _go_on(hub, tmp_path, "publish", "large.txt", *said)
        reached = [0]
        for kill in range(KILLS):
            time.sleep(random.uniform(0.2, 1.5))
            hub.kill()
            there = _parts(home)
            assert there >= reached[-1] or there == 0  # what was stored stays; none left: all of it had arrived
            reached.append(there)
            if kill % 5 == 4:  # the client as well
                client.kill()
                client.wait(60)
                client = _go_on(hub, tmp_path, "publish", "large.txt", *said)
            hub.start()
        assert client.wait(300) == 0, (tmp_path / "said").read_text("utf-8")
        (hit,) = _found(tmp_path)
        client = _go_on(hub, tmp_path, "pull", hit, "--out", "back")
        for kill in range(5):
            time.sleep(random.uniform(0.2, 1.5))
            hub.kill()
            if kill % 2:
                client.kill()
                client.wait(60)
                client = _go_on(hub, tmp_path, "pull", hit, "--out", "back")
            hub.start()
        client.wait(300)
        if not (tmp_path / "back" / "record.json").exists():
            dure("pull", hit, "--out", "back", cwd=tmp_path, who="kim")
    assert hashlib.sha256((tmp_path / "back" / "large.txt").read_bytes()).hexdigest() == wanted
    assert not list(home.rglob("*.part"))


def _found(cwd: Path) -> list[str]:
    import json

    return sorted({one["id"] for one in json.loads(dure("search", "--mine", "--json", cwd=cwd, who="kim"))["records"]})[:1]
