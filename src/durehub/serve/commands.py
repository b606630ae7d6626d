"""What an operator does from a shell: serve, check, verify the audit log, invite."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from dure.errors import DureError, InputError
from dure.i18n import _

__all__ = ["main"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process with its exit code."""
    try:
        _hub.main(arguments, prog_name="dure")
    except DureError as error:
        click.echo(_("Error: {message}").format(message=error), err=True)
        sys.exit(2 if isinstance(error, InputError) else 1)


@click.group()
@click.option("--home", type=click.Path(path_type=Path), default=Path("hub"))
def _hub(*, home: Path) -> None:
    os.environ["DUREHUB_HOME"] = str(home.resolve())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "durehub.serve.settings")


def _ready(*, migrate: bool = False) -> None:
    import django
    from django.core.management import call_command

    home = Path(os.environ["DUREHUB_HOME"])
    if not migrate and not (home / "secret").is_file():
        raise InputError(_("{folder} holds no hub; dure serve makes one").format(folder=home))
    os.umask(0o077)
    django.setup()
    if migrate:
        call_command("migrate", verbosity=0, interactive=False)


@_hub.command()
@click.option("--host", default="127.0.0.1")
@click.option("--port", type=click.IntRange(0, 65_535), default=8400)
@click.option("--threads", type=click.IntRange(1, 64), default=8)
@click.option("--metrics-port", type=click.IntRange(1, 65_535))
@click.option("--check", "only_check", is_flag=True)
def serve(*, host: str, port: int, threads: int, metrics_port: int | None, only_check: bool) -> None:
    """Serve until interrupted; the first time, print the invitation for the first account."""
    if "DUREHUB_URL" not in os.environ and host not in _LOOPBACK:
        raise click.UsageError(
            _("--host {host} is not this machine alone; set DUREHUB_URL to the address people will use").format(host=host)
        )
    if only_check:
        _ready()
        _check()
        return
    bound = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    shown = f"[{host}]" if ":" in host else host
    address = os.environ.setdefault("DUREHUB_URL", f"http://{shown}:{bound.getsockname()[1]}")
    _ready(migrate=True)
    from prometheus_client import start_http_server

    from durehub.accounts.actors import invite
    from durehub.accounts.models import Account
    from durehub.policy.audit import receipt
    from durehub.serve.server import server
    from durehub.serve.wsgi import application

    if metrics_port is not None:
        start_http_server(metrics_port, addr="127.0.0.1")
    serving = server(bound, application, threads=threads)
    click.echo(_("Serving at {url} from {home}; Ctrl-C stops.").format(url=address, home=os.environ["DUREHUB_HOME"]))
    if not Account.objects.exists():
        click.echo(
            _("Make the first account, within a week and once: {url}").format(
                url=f"{address}/join?invitation={invite(operator=True)}"
            )
        )
    sys.stdout.flush()
    try:
        serving.start()
    except KeyboardInterrupt:
        pass
    finally:
        serving.stop()
        receipt()


def _check() -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from durehub.policy.audit import verify

    call_command("check", fail_level="WARNING", verbosity=0)
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        click.echo(_("The database is older than this Dure, or empty; dure serve brings it up to date."))
        sys.exit(1)
    click.echo(_("Everything is in order; the audit log has {count} entries and verifies.").format(count=verify()))


@_hub.command()
def audit_verify() -> None:
    """Verify the audit log."""
    _ready()
    from durehub.policy.audit import receipt, verify

    click.echo(_("The audit log has {count} entries and verifies.").format(count=verify()))
    receipt()


@_hub.command()
def invite() -> None:
    """Print a one-time address for a new account."""
    _ready()
    from django.conf import settings

    from durehub.accounts.actors import invite as make

    click.echo(f"{settings.URL}/join?invitation={make()}")


@_hub.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def backup(*, folder: Path) -> None:
    """Copy everything to a folder while the hub goes on."""
    _ready()
    from durehub.serve.keeping import back_up

    back_up(folder)
    click.echo(_("Everything is in {folder}.").format(folder=folder))


@_hub.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
def restore(*, folder: Path) -> None:
    """Make a hub from a backup, and look whether everything is in it."""
    from durehub.serve import files

    files.restore(folder, Path(os.environ["DUREHUB_HOME"]))
    _ready(migrate=True)
    from durehub.serve.keeping import check

    count, entries = check()
    told = _("Restored: {count} files, each as it was kept, and an audit log of {entries} entries that verifies.")
    click.echo(told.format(count=count, entries=entries))


@_hub.command()
def openapi() -> None:
    """Print the schema of the API."""
    import django

    django.setup()
    import json

    from durehub.api.routes import api

    click.echo(json.dumps(api.get_openapi_schema(), indent=1, ensure_ascii=False, sort_keys=True))
