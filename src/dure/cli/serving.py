"""``dure serve`` and ``dure audit``: the hub on this machine, run as a program of its own because the library knows no Django."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import click

from dure.cli.face import Done, Group, command
from dure.errors import MissingPart
from dure.i18n import _

__all__ = ["audit", "backup", "invite", "restore", "serve"]

_home = click.option(
    "--home",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=Path("hub"),
    help=_("Folder of everything the hub keeps; hub unless given."),
)


def _hub(home: Path, *arguments: str) -> Done:
    if importlib.util.find_spec("django") is None:
        raise MissingPart(_('the hub needs its own packages: pip install "dure[hub]"'))
    command = [sys.executable, "-m", "durehub", "--home", str(home), *arguments]
    with subprocess.Popen(command) as process:
        while True:
            try:
                return Done({}, process.wait())
            except KeyboardInterrupt:  # it got the interrupt as well, and stops by itself
                continue


@command(
    "serve",
    help=_(
        "One process, SQLite and files in one folder, for this machine alone. The first time it prints the address with which "
        "the first account is made. DUREHUB_DATABASE and DUREHUB_URL change that: docs/howto/run-a-hub.md."
    ),
)
@_home
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help=_("What to listen on; this machine alone unless given."))
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8400, metavar="N", help=_("8400 unless given; 0 takes a free one.")
)
@click.option(
    "--metrics-port",
    type=click.IntRange(1, 65_535),
    metavar="N",
    help=_("Where on this machine Prometheus finds figures; nowhere unless given."),
)
@click.option("--check", is_flag=True, help=_("Look whether everything is in order, and do not serve."))
def serve(*, home: Path, host: str, port: int, metrics_port: int | None, check: bool) -> Done:
    """Run the hub."""
    metrics = ["--metrics-port", str(metrics_port)] if metrics_port else []
    return _hub(home, "serve", "--host", host, "--port", str(port), *metrics, *(["--check"] if check else []))


audit = Group("audit")


@audit.command("verify", help=_("Check that no entry of the hub's audit log was changed, removed or added."))
@_home
def verify(*, home: Path) -> Done:
    """Verify the chain."""
    return _hub(home, "audit-verify")


@command("invite", help=_("Prints the address with which an account is made, once and within a week."))
@_home
def invite(*, home: Path) -> Done:
    """Invite."""
    return _hub(home, "invite")


@command("backup", help=_("Copies everything the hub keeps to DIR, while it serves; a second time only what is new."))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@_home
def backup(*, folder: Path, home: Path) -> Done:
    """Back up."""
    return _hub(home, "backup", str(folder))


@command("restore", help=_("Makes a hub in --home, which must be new, from the backup in DIR, and checks every file of it."))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR")
@_home
def restore(*, folder: Path, home: Path) -> Done:
    """Restore."""
    return _hub(home, "restore", str(folder))
