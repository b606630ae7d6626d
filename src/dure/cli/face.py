"""The face itself: which commands there are, what becomes of their answers and of errors.

Exit codes: 0 done and supported, 3 done but refuted or inconclusive, 1 run or verification failed, 2 bad input,
130 interrupted. With ``--json`` standard output carries one JSON object and nothing else.
"""

from __future__ import annotations

import gettext
import json
import os
import sys
import traceback
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final

import click

from dure import i18n
from dure.errors import DureError, InputError, UnknownName
from dure.i18n import N_, _

__all__ = ["FAILED", "UNDECIDED", "Command", "Done", "Group", "Stopped", "as_json", "command", "main"]

FAILED, WRONG_INPUT, UNDECIDED, INTERRUPTED = 1, 2, 3, 130

# Name on the command line: file of this room, name in it, what it does.
COMMANDS: Final = {
    "list": ("problems", "list_problems", N_("List the problems that are installed.")),
    "show": ("problems", "show", N_("Show what a problem asks, varies, wants and costs.")),
    "fetch": ("problems", "fetch", N_("Get data that problems need into the cache.")),
    "new": ("new", "new", N_("Write a problem file to start from.")),
    "run": ("campaigns", "run", N_("Answer a problem's question: plan, simulate, learn, check, report.")),
    "resume": ("campaigns", "resume", N_("Go on with a campaign that was interrupted.")),
    "report": ("reports", "report", N_("Write the report of a campaign again.")),
    "verify": ("reports", "verify", N_("Recompute every claim of a campaign from its journal.")),
    "pool": ("pools", "pool", N_("Collect results over many tasks of a family.")),
    "publish": ("hub", "publish", N_("Make a citable record of a campaign or other data, and put it on a hub.")),
    "search": ("hub", "search", N_("Find records on a hub.")),
    "pull": ("hub", "pull", N_("Fetch a record from a hub.")),
    "cite": ("hub", "cite", N_("Say how a record is cited.")),
    "request-access": ("hub", "request_access", N_("Ask for the files of a record.")),
    "requests": ("hub", "requests", N_("List access requests, and decide them.")),
    "grant": ("hub", "grant", N_("Let somebody use a record of yours for a time.")),
    "login": ("hub", "login", N_("Get a token for a hub.")),
    "serve": ("serving", "serve", N_("Run a hub on this machine.")),
    "invite": ("serving", "invite", N_("Invite somebody to the hub on this machine.")),
    "backup": ("serving", "backup", N_("Copy everything a hub on this machine keeps.")),
    "restore": ("serving", "restore", N_("Make a hub on this machine from a backup.")),
    "audit": ("serving", "audit", N_("Verify the audit log of the hub on this machine.")),
    "doctor": ("doctor", "doctor", N_("Say what is installed, what is missing and how to get it.")),
}

_FILLER = "\N{WORD JOINER}"


@dataclass(frozen=True)
class Done:
    """How a command ended: ``data`` is what ``--json`` prints, ``code`` the exit code."""

    data: Mapping[str, Any]
    code: int = 0


class Stopped(Exception):
    """A person interrupted; the text says how to go on."""


def _filled(text: str) -> str:
    return "".join(f"{one}{_FILLER}" if unicodedata.east_asian_width(one) in "WF" else one for one in text)


class _Formatter(click.HelpFormatter):
    """click counts characters. A filler behind each wide one makes it count twice, and is taken out when written."""

    def write_text(self, text: str) -> None:
        super().write_text(_filled(text))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl([(_filled(term), _filled(text)) for term, text in rows], col_max, col_spacing)

    def write(self, string: str) -> None:
        super().write(string.replace(_FILLER, ""))


class _Context(click.Context):
    formatter_class = _Formatter


class Command(click.Command):
    """A command whose help knows wide letters."""

    context_class = _Context


class Group(click.Group):
    """A group whose help knows wide letters."""

    context_class = _Context
    command_class = Command


class _Face(Group):
    """All of ``dure``; a command's file is imported when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name.startswith("-"):
            return None
        if cmd_name not in COMMANDS:
            raise UnknownName(_("command"), cmd_name, COMMANDS)
        file, name, text = COMMANDS[cmd_name]
        found: click.Command = getattr(import_module(f"dure.cli.{file}"), name)
        if found.short_help is None:
            found.short_help = _(text)
            found.help = "\n\n".join(filter(None, (_(text), found.help)))
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, _(text)) for name, (_file, _name, text) in COMMANDS.items()])


command: Callable[..., Callable[[Callable[..., Done]], Command]] = partial(click.command, cls=Command)
"""As ``click.command``, for functions that return ``Done``."""

as_json = click.option("--json", "as_json", is_flag=True, help=_("Print one JSON object and nothing else."))


@click.group(
    "dure",
    cls=_Face,
    help=_("From a research question to a verified answer, every number traceable."),
    epilog=_("Start with: dure list, dure show PROBLEM, dure run PROBLEM. DURE_LANG=ko speaks Korean."),
)
@click.version_option(package_name="dure", message="dure %(version)s", help=_("Show the version and exit."))
def _dure() -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    wants_json = "--json" in given
    _teach_click()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that cannot write a letter must not end a campaign
            stream.reconfigure(errors="replace")
    # What a problem's file prints must not land in the JSON; the object goes to where standard output was.
    output = sys.stdout
    with redirect_stdout(sys.stderr) if wants_json else nullcontext():
        done = _outcome(given, wants_json)
    if wants_json and done.data:
        plain = output.encoding is None or not output.encoding.lower().startswith("utf")
        print(json.dumps(done.data, ensure_ascii=plain, indent=2, allow_nan=False), file=output, flush=True)
    sys.exit(done.code)


def _teach_click() -> None:
    """Let click, which speaks through the standard library's global domain, speak our language."""
    gettext.bindtextdomain("click", Path(i18n.__file__).parent / "locale")
    gettext.textdomain("click")
    os.environ["LANGUAGE"] = i18n.language()


def _outcome(given: list[str], wants_json: bool) -> Done:
    try:
        done = _dure.main(given, prog_name="dure", standalone_mode=False)
        return done if isinstance(done, Done) else Done({}, int(done or 0))
    except click.ClickException as error:
        if not wants_json:
            error.show(sys.stderr)
        return _failed(error, error.format_message(), error.exit_code, say=False)
    except DureError as error:
        return _failed(error, str(error), WRONG_INPUT if isinstance(error, InputError) else FAILED, say=not wants_json)
    except (Stopped, click.Abort) as error:
        return _failed(error, str(error) or _("Interrupted; nothing was started."), INTERRUPTED, say=not wants_json)
    except ModuleNotFoundError as error:
        text = _("{name} is not installed. dure doctor says which command installs it.").format(name=error.name)
        return _failed(error, text, WRONG_INPUT, say=not wants_json)
    except OSError as error:
        text = ": ".join(filter(None, (str(error.filename or ""), error.strerror or str(error))))
        return _failed(error, text, FAILED, say=not wants_json)
    except Exception as error:
        text = _("Something went wrong that should not have: {kind}: {error}. DURE_DEBUG=1 shows where.")
        return _failed(error, text.format(kind=type(error).__name__, error=error), FAILED, say=not wants_json)


def _failed(error: Exception, message: str, code: int, *, say: bool) -> Done:
    if os.environ.get("DURE_DEBUG") == "1":
        traceback.print_exception(error, file=sys.stderr)
    if say:
        click.echo(_("Error: {message}").format(message=message) if code != INTERRUPTED else message, err=True)
    return Done({"error": {"kind": type(error).__name__, "message": message}}, code)
