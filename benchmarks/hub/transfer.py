"""One large file sent to the hub, with its hash checked, beside nginx's WebDAV, which checks nothing; in turns, over loopback."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

from benchmarks.figures import Figure, Row
from benchmarks.hub.servers import free_port

__all__ = ["first_record", "sent", "transfers"]

_PASSWORD = "a rather long password"
_DURE = [sys.executable, "-c", "from dure.cli import main; main()"]
_NGINX = """
daemon off; worker_processes 1; pid {home}/pid; error_log {home}/log;
events {{}}
http {{
  access_log off; client_body_temp_path {home}/body;
  server {{ listen 127.0.0.1:{port}; root {home}/files; client_max_body_size 0; location / {{ dav_methods PUT; }} }}
}}
"""


@contextmanager
def _nginx(home: Path) -> Iterator[str]:
    port = free_port()
    (home / "files").mkdir()
    home.chmod(0o777)
    (home / "files").chmod(0o777)
    (home / "nginx.conf").write_text(_NGINX.format(home=home, port=port), "utf-8")
    with subprocess.Popen(["nginx", "-c", str(home / "nginx.conf"), "-e", str(home / "log")]) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/")
            yield f"http://127.0.0.1:{port}/file"
        finally:
            process.terminate()


@contextmanager
def _hub(home: Path) -> Iterator[tuple[str, str, int]]:
    """The hub's address, a token, and its process."""
    with subprocess.Popen(
        [*_DURE, "serve", "--home", str(home), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            if process.stdout is None:
                raise RuntimeError
            url = re.search(r"http://\S+:\d+", process.stdout.readline())
            invitation = re.search(r"invitation=(\S+)", process.stdout.readline())
            if url is None or invitation is None:
                raise RuntimeError(process.stdout.read())
            (child,) = psutil.Process(process.pid).children(recursive=True)
            yield url[0], _token(url[0], invitation[1]), child.pid
        finally:
            children = psutil.Process(process.pid).children(recursive=True)  # nobody's any more once it has ended
            process.terminate()
            for one in children:
                one.terminate()


def _token(url: str, invitation: str) -> str:
    with requests.Session() as browser:
        page = browser.get(f"{url}/join", params={"invitation": invitation})
        field = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        told = {"csrfmiddlewaretoken": field[1] if field else "", "invitation": invitation}
        told |= {"name": "Kim", "email": "kim@example.org", "password": _PASSWORD}
        browser.post(f"{url}/join", data=told, headers={"Referer": page.url})
        given = {"email": "kim@example.org", "password": _PASSWORD}
        return str(browser.post(f"{url}/api/v1/tokens", json=given).json()["token"])


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            requests.get(url, timeout=5)
            return
        except requests.ConnectionError:
            time.sleep(0.1)


def sent(megabytes: int, times: int) -> Row:
    """MB/s of each, in turns, and the most memory that the hub's process held meanwhile, in MB."""
    ours, theirs, peak = [], [], 0.0
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        home.chmod(0o755)
        (home / "nginx").mkdir()
        (home / "hub").mkdir()
        with _nginx(home / "nginx") as dav, _hub(home / "hub") as (url, token, process), _watching(process) as memory:
            for number in range(times):
                file, sha256 = _file(home, megabytes, number)
                theirs.append(megabytes / _put(dav, file, {}))
                where, who = f"{url}/api/v1/blobs/{sha256}", {"Authorization": f"Bearer {token}"}
                ours.append(megabytes / _put(where, file, who))
            peak = max(memory)
    return {"ours_MB/s": ours, "nginx_MB/s": theirs, "peak_MB": peak, "load": os.getloadavg()[0]}


@contextmanager
def _watching(process: int) -> Iterator[list[float]]:
    """Resident memory, looked at a hundred times a second."""
    seen, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            seen.append(psutil.Process(process).memory_info().rss / 1e6)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _file(home: Path, megabytes: int, number: int) -> tuple[Path, str]:
    file, hasher = home / "file", hashlib.sha256()
    with file.open("wb") as stream:
        for _ in range(megabytes):
            block = os.urandom(500_000) * 2
            hasher.update(block)
            stream.write(block)
    return file, hasher.hexdigest()


def _put(url: str, file: Path, headers: dict[str, str]) -> float:
    with file.open("rb") as stream:
        began = time.perf_counter()
        answer = requests.put(url, data=stream, headers=headers, timeout=600)
        answer.raise_for_status()
        return time.perf_counter() - began


def first_record() -> Row:
    """Seconds from starting the hub of an installed package to the first published record, all by commands."""
    with tempfile.TemporaryDirectory() as scratch:
        home, began = Path(scratch), time.monotonic()
        (home / "hub").mkdir()
        (home / "table.csv").write_text("temperature,yield\n300,0.5\n", "utf-8")
        with _hub(home / "hub") as (url, token, _process):
            said = ("--title", "A table", "--description", "Numbers", "--licence", "CC0-1.0", "--creator", "Kim")
            environment = os.environ | {"DURE_TOKEN": token}
            command = [*_DURE, "publish", str(home / "table.csv"), *said, "--hub", url]
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            return {"seconds": time.monotonic() - began}


def transfers(rows: dict[str, Row]) -> list[Figure]:
    """Figures from ``sent`` and ``first_record``."""
    row, first = rows["sent"], rows["first"]
    ratios = [ours / theirs for ours, theirs in zip(row["ours_MB/s"], row["nginx_MB/s"], strict=True)]
    middle = sorted(ratios)[len(ratios) // 2]
    peer: Any = f"nginx WebDAV {_version()}, nothing hashed"
    return [
        Figure("upload with SHA-256", middle, min(ratios), max(ratios), unit="times nginx's MB/s", target=0.7, peer=peer),
        Figure("memory of the hub while it is uploaded to", row["peak_MB"], unit="MB", target=100, at_most=True),
        Figure("to the first published record", first["seconds"], unit="s", target=60, at_most=True),
    ]


def _version() -> str:
    if shutil.which("nginx") is None:
        return ""
    return subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr.strip().rpartition("/")[2]
