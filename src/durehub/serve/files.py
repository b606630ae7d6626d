"""What a backup is made of, and laying one out as a new hub, which comes before Django can be set up."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dure.errors import InputError
from dure.i18n import _

__all__ = ["DATABASES", "SMALL", "restore", "run"]

DATABASES = {"sqlite": "hub.sqlite", "postgresql": "hub.pgdump"}
"""What the copy of the database is called in a backup."""
SMALL = ("secret", "audit.receipts")


def restore(folder: Path, home: Path) -> None:
    """Lay the files of a backup into a new home, and its database where ``DUREHUB_DATABASE`` says.

    Raises:
        InputError: the folder is no backup for such a database, or the home holds a hub.
    """
    address = os.environ.get("DUREHUB_DATABASE", "")
    database = folder / DATABASES["postgresql" if address else "sqlite"]
    if not database.is_file() or not (folder / "secret").is_file():
        raise InputError(_("{folder} holds no backup with {name}").format(folder=folder, name=database.name))
    if home.exists() and any(home.iterdir()):
        raise InputError(_("{folder} is not empty; a backup is restored into a new folder").format(folder=home))
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in SMALL:
        if (folder / name).exists():
            shutil.copy2(folder / name, home / name)
    if (folder / "files").is_dir():
        shutil.copytree(folder / "files", home / "files")
    if not address:
        shutil.copy2(database, home / database.name)
    else:
        given = urlsplit(address)
        known = {
            "PGHOST": given.hostname,
            "PGPORT": str(given.port or ""),
            "PGUSER": given.username,
            "PGPASSWORD": given.password,
        }
        name = unquote(given.path.lstrip("/"))
        command = ["pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--dbname", name, str(database)]
        run(command, {key: unquote(value) for key, value in known.items() if value})


def run(command: list[str], more: dict[str, str]) -> None:
    """A program of PostgreSQL's; what it needs to know about the database goes by the environment, which others cannot read.

    Raises:
        InputError: it is not installed, or says no.
    """
    try:
        done = subprocess.run(command, env=os.environ | more, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise InputError(_("{program} is not installed; it comes with PostgreSQL's client").format(program=command[0])) from None
    if done.returncode:
        raise InputError(f"{command[0]}: {done.stderr.strip()}")
