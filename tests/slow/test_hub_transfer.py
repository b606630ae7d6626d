"""A large upload killed at 20 random moments, with an independent client of tus beside ours; a download that breaks off."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dure.client import Hub
from tests.slow.hubs import PASSWORD, Running, serving

pytestmark = pytest.mark.needs("django", "waitress", "requests", "tusclient")

KILLS, SIZE = 20, 120 << 20
SEND = """
import sys
from pathlib import Path
import dure.client.hub
from dure.client import Hub
dure.client.hub.PIECE = 1 << 20
hub = Hub(sys.argv[1], sys.argv[2])
print("sending", flush=True)
hub.upload(sys.argv[3], Path(sys.argv[4]))
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("hub")) as running:
        running.join("Kim Sender", running.invitation)
        yield running


@pytest.fixture(scope="module")
def token(hub: Running) -> str:
    return Hub(hub.url).token("sender@example.org", PASSWORD, name="test")


def large(folder: Path, seed: int, size: int) -> tuple[Path, str]:
    """A file of random bytes, and its hash."""
    data = random.Random(seed).randbytes(size)
    path = folder / f"{seed}.bin"
    path.write_bytes(data)
    return path, hashlib.sha256(data).hexdigest()


def kept(hub: Running, sha256: str) -> bytes:
    (file,) = (hub.home / "files").glob(f"*/*/{sha256}")
    return file.read_bytes()


def test_an_upload_killed_twenty_times_arrives_byte_for_byte(hub: Running, token: str, tmp_path: Path):
    path, sha256 = large(tmp_path, 1, SIZE)
    moments, places = random.Random(20), []
    for _kill in range(KILLS):
        command = [sys.executable, "-c", SEND, hub.url, token, sha256, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
            assert sender.stdout is not None
            sender.stdout.readline()
            time.sleep(moments.uniform(0, 0.15))
            sender.kill()
        places += [part.stat().st_size for part in (hub.home / "files").glob(f"*/parts/{sha256}.*")]
    assert places == sorted(places), "what had arrived stays"
    print(f"{len(places)} kills on the way; where it stood after each, MB: {[place >> 20 for place in places]}")
    Hub(hub.url, token).upload(sha256, path)
    assert kept(hub, sha256) == path.read_bytes()
    assert not list((hub.home / "files").glob("*/parts/*"))


def test_a_hub_killed_on_the_way_goes_on_where_it_was(tmp_path: Path):
    """The hub ends in the middle and comes back at another port: what it had of the bytes is asked for again."""
    path, sha256 = large(tmp_path, 2, 40 << 20)
    (tmp_path / "hub").mkdir()
    with serving(tmp_path / "hub") as first:
        first.join("Kim Sender", first.invitation)
        token = Hub(first.url).token("sender@example.org", PASSWORD, name="test")
        command = [sys.executable, "-c", SEND, first.url, token, sha256, str(path)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as sender:
            for _ in range(600):
                if sender.poll() is not None or any(
                    part.stat().st_size for part in (first.home / "files").glob(f"*/parts/{sha256}.*")
                ):
                    break
                time.sleep(0.01)
            for process in first.processes():
                os.kill(process, signal.SIGKILL)
            sender.kill()
    with serving(tmp_path / "hub", fresh=False) as second:
        Hub(second.url, token).upload(sha256, path)
        assert kept(second, sha256) == path.read_bytes()


def test_another_client_of_tus_uploads_and_goes_on(hub: Running, token: str, tmp_path: Path):
    from tusclient.client import TusClient

    path, sha256 = large(tmp_path, 3, 5 << 20)
    client = TusClient(f"{hub.url}/api/v1/uploads", headers={"Authorization": f"Bearer {token}"})
    with path.open("rb") as stream:
        told: dict[str, Any] = {"file_stream": stream, "chunk_size": 1 << 20, "metadata": {"sha256": sha256}}
        first = client.uploader(**told)
        first.upload(stop_at=2 << 20)
        second = client.uploader(**told, url=first.url)
        assert second.offset == 2 << 20
        second.upload()
    assert kept(hub, sha256) == path.read_bytes()
