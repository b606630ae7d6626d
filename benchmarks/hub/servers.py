"""PostgreSQL on a free port, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["as_postgres", "free_port", "postgresql"]


def as_postgres(command: list[str]) -> list[str]:
    """PostgreSQL does not run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def postgresql(*, settings: str = "-c fsync=off") -> Iterator[str]:
    """An empty database, as ``DUREHUB_DATABASE`` names it; gone after the block."""
    tools = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    home, port = Path(tempfile.mkdtemp(prefix="dure-pg-")), free_port()
    home.chmod(0o700)
    if os.geteuid() == 0:
        shutil.chown(home, "postgres", "postgres")
    data = str(home / "data")
    try:
        initdb = [str(tools / "initdb"), "-D", data, "-A", "trust", "-U", "dure", "-E", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run(as_postgres(initdb), check=True, capture_output=True, cwd="/")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} {settings}"
        start = [str(tools / "pg_ctl"), "-D", data, "-w", "-t", "120", "-o", options, "-l", str(home / "log"), "start"]
        subprocess.run(as_postgres(start), check=True, capture_output=True, cwd="/")
        try:
            yield f"postgresql://dure@127.0.0.1:{port}/postgres"
        finally:
            stop = [str(tools / "pg_ctl"), "-D", data, "-m", "immediate", "-w", "stop"]
            subprocess.run(as_postgres(stop), check=True, capture_output=True, cwd="/")
    finally:
        shutil.rmtree(home, ignore_errors=True)
