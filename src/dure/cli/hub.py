"""Records and the hub: publish, search, pull, cite, ask for access, decide, grant, log in."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from dure.cli.face import Done, as_json, command
from dure.cli.screen import console
from dure.errors import InputError
from dure.i18n import _

__all__ = ["LEVELS", "cite", "grant", "login", "publish", "pull", "request_access", "requests", "search", "send", "words_of"]

LEVELS = click.Choice(["open", "registered", "consortium", "private"])
_CREATOR = re.compile(r"(?P<name>[^<(]+?)\s*(?:\((?P<affiliation>[^)<]*)\)\s*)?(?:<(?P<orcid>[^>]*)>)?\s*")

_hub = click.option("--hub", "url", metavar="URL", help=_("Address of the hub; the one last logged in to unless given."))


def _day(_context: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    """A day or moment as people give it, in UTC unless it says otherwise."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(_("{value!r} is no day; write it like 2027-01-31").format(value=value)) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@command("login", help=_("URL is the hub's address. A token is kept for it, not the password."))
@click.argument("url")
@click.option("--email", prompt=_("Address"), metavar="ADDRESS", help=_("The account's address; asked for unless given."))
@click.option(
    "--password", prompt=_("Password"), hide_input=True, metavar="TEXT", help=_("Asked for unless given, which is safer.")
)
@as_json
def login(*, url: str, email: str, password: str, as_json: bool) -> Done:
    """Get a token and keep it."""
    from dure.client import sign_in

    kept = sign_in(url, email, password)
    if not as_json:
        console().print(_("Logged in to {url}; the token is in {file}.").format(url=url, file=kept), soft_wrap=True)
    return Done({"url": url, "file": str(kept)})


@command(
    "publish",
    help=_(
        "SOURCE is the folder of a finished campaign or of a model, or a file or folder of other data. With --out nothing leaves "
        "this machine."
    ),
)
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.option("--title", metavar="TEXT", help=_("What it is called; a campaign's question unless given."))
@click.option("--description", metavar="TEXT", help=_("What it is; a campaign describes itself unless given."))
@click.option("--licence", metavar="ID", help=_("An SPDX identifier such as CC-BY-4.0, or LicenseRef-KOGL-1 to -4."))
@click.option(
    "--creator", multiple=True, metavar="PERSON", help=_('Whom to cite: "Family, Given (Institution) <ORCID>"; may be repeated.')
)
@click.option("--tag", multiple=True, metavar="WORD", help=_("A word to find it by; may be repeated."))
@click.option("--derived-from", multiple=True, metavar="RECORD", help=_("A record it was made from; may be repeated."))
@click.option(
    "--describe",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="TOML",
    help=_("A file that says all this and more, such as units of columns; options go before it."),
)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help=_("Write the record there, and send it nowhere."))
@click.option("--level", type=LEVELS, default="private", help=_("Who may see its description; private unless given."))
@click.option("--files", "files_level", type=LEVELS, help=_("Who may read its files; as --level unless given."))
@click.option("--project", metavar="HANDLE", help=_("The project it stands in."))
@click.option("--embargo", callback=_day, metavar="DAY", help=_("Shut to everybody else until that day."))
@click.option("--show-description", is_flag=True, help=_("Under an embargo, show the description already."))
@click.option("--conditions", metavar="TEXT", default="", help=_("What somebody accepts who asks for the files."))
@click.option("--version-of", metavar="RECORD", default="", help=_("The record it is a further version of; its access stays."))
@_hub
@as_json
def publish(
    *,
    source: Path,
    describe: Path | None,
    out: Path | None,
    level: str,
    files_level: str | None,
    project: str | None,
    embargo: datetime | None,
    show_description: bool,
    conditions: str,
    version_of: str,
    url: str | None,
    as_json: bool,
    **said: Any,
) -> Done:
    """Make the record, and send it unless it is to stay here."""
    from dure.record import make

    words = words_of(**said)
    if out is not None:
        record = make(source, out, describe=describe, said=words)
        if not as_json:
            console().print(
                _("The record is in {folder}; {count} files.").format(folder=out, count=len(record.files)), soft_wrap=True
            )
        return Done({"folder": str(out.resolve()), "sha256": record.sha256})
    access = {
        "level": level,
        "files_level": files_level or level,
        "project": project,
        "embargo": embargo.isoformat() if embargo else None,
        "metadata_open": show_description,
        "conditions": conditions,
    }
    return send(source, describe, words, access, version_of=version_of, url=url, quiet=as_json)


def words_of(creator: Sequence[str] = (), tag: Sequence[str] = (), **said: Any) -> dict[str, Any]:
    """What options say of a record, in the words of ``About``."""
    return said | {"tags": tuple(tag), "creators": tuple(map(_person, creator))}


def send(
    source: Path,
    describe: Path | None,
    words: Mapping[str, Any],
    access: Mapping[str, Any],
    *,
    version_of: str = "",
    url: str | None,
    quiet: bool,
) -> Done:
    """Make a record and publish it, at no wider level than what it was made from allows."""
    from dure.client import publish as put
    from dure.client import signed_in
    from dure.models import strictest
    from dure.record import least_level, make

    least = least_level(source)
    levels = {name: strictest([access[name], least]) for name in ("level", "files_level")}
    files = strictest(levels.values())
    with signed_in(url) as hub, tempfile.TemporaryDirectory() as folder:
        if version_of and strictest([least, *hub.record(version_of).levels]) != strictest(hub.record(version_of).levels):
            raise InputError(
                _("{record} is wider than {level}, the level of the models in {source}; narrow its access first").format(
                    record=version_of, level=least, source=source
                )
            )
        make(source, Path(folder) / "record", describe=describe, said=words, level=files)
        identifier = put(hub, Path(folder) / "record", dict(access) | levels, to=version_of, progress=_progress(quiet))
        citation = hub.cite(identifier).strip()
    if not quiet:
        console().print(_("Published: {identifier}").format(identifier=identifier), soft_wrap=True)
        if not version_of and levels != {name: access[name] for name in levels}:
            console().print(_("Its level is {level}, that of a model in it.").format(level=files))
        console().print(citation, soft_wrap=True)
    return Done({"id": identifier, "citation": citation})


def _person(text: str) -> Any:
    from dure.record import Person

    found = _CREATOR.fullmatch(text.strip())
    if found is None:
        raise InputError(
            _('--creator {given!r} must be written like "Kim, Minji (Seoul National University) <0000-0002-1825-0097>"').format(
                given=text
            )
        )
    return Person(found["name"].strip(), found["orcid"] or "", (found["affiliation"] or "").strip())


def _progress(quiet: bool) -> Any:
    screen = console()
    return lambda path: None if quiet or not screen.is_terminal else screen.print(path, soft_wrap=True)


@command("pull", help=_("RECORD is its identifier, such as dure:0123456789ab or dure:0123456789ab/v2."))
@click.argument("record")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help=_("Folder for it; one named after the record unless given.")
)
@_hub
@as_json
def pull(*, record: str, out: Path | None, url: str | None, as_json: bool) -> Done:
    """Fetch a record, every file checked."""
    from dure.client import pull as fetch
    from dure.client import signed_in

    folder = out or Path(re.sub(r"[:/]", "-", record))
    with signed_in(url) as hub:
        fetched = fetch(hub, record, folder, progress=_progress(as_json))
    if not as_json:
        text = _("{title}: {count} files in {folder}, each as it was published.")
        console().print(text.format(title=fetched.about.title, count=len(fetched.files), folder=folder), soft_wrap=True)
    return Done({"folder": str(folder.resolve()), "sha256": fetched.sha256, "files": len(fetched.files)})


@command("search", help=_("TEXT is in Korean or English; without it the newest records are listed."))
@click.argument("text", nargs=-1)
@click.option("--kind", metavar="KIND", help=_("campaign, dataset, model or report."))
@click.option("--domain", metavar="NAME", help=_("Such as energy."))
@click.option("--licence", metavar="ID", help=_("Such as CC-BY-4.0."))
@click.option(
    "--outcome", metavar="NAME", help=_("An outcome whose value lies between --low and --high; needs access to the files.")
)
@click.option("--low", type=float, metavar="NUMBER", help=_("The least value of the outcome."))
@click.option("--high", type=float, metavar="NUMBER", help=_("The largest value of the outcome."))
@click.option("--mine", is_flag=True, help=_("One's own records only."))
@_hub
@as_json
def search(*, text: tuple[str, ...], url: str | None, as_json: bool, **filters: Any) -> Done:
    """Find records."""
    from dure.client import signed_in

    with signed_in(url) as hub:
        found = hub.search(" ".join(text), **{name: value for name, value in filters.items() if value})
    if not as_json:
        screen = console()
        for hit in found.records:
            screen.print(f"{hit.id}  {hit.title}", soft_wrap=True, highlight=False)
            screen.print(f"    {hit.kind}, {hit.licence}, {hit.owner}, {hit.published:%Y-%m-%d}", soft_wrap=True, highlight=False)
        screen.print(_("{shown} of {count}").format(shown=len(found.records), count=found.count))
    return Done(
        {"count": found.count, "records": [asdict(one) | {"published": one.published.isoformat()} for one in found.records]}
    )


@command("cite", help=_("RECORD is its identifier, or the folder it was pulled to."))
@click.argument("record")
@click.option("--as", "style", type=click.Choice(["text", "bibtex", "datacite"]), default="text", help=_("text unless given."))
@_hub
@as_json
def cite(*, record: str, style: str, url: str | None, as_json: bool) -> Done:
    """Say how it is cited."""
    from dure.client import citation_of, signed_in
    from dure.record import STYLES

    if Path(record).is_dir():
        text = STYLES[style](citation_of(Path(record)))
    else:
        with signed_in(url) as hub:
            text = hub.cite(record, style)
    if not as_json:
        click.echo(text, nl=False)
    return Done({"citation": text})


@command("request-access", help=_("RECORD is its identifier. Its owner decides; dure requests says what was decided."))
@click.argument("record")
@click.option("--purpose", required=True, metavar="TEXT", help=_("What the files are needed for."))
@click.option("--accept-conditions", is_flag=True, help=_("Accept the record's conditions, which are printed otherwise."))
@click.option(
    "--agreement",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="PDF",
    help=_("A signed agreement to go with it, as PDF."),
)
@_hub
@as_json
def request_access(
    *, record: str, purpose: str, accept_conditions: bool, agreement: Path | None, url: str | None, as_json: bool
) -> Done:
    """Ask for files."""
    from dure.client import signed_in

    with signed_in(url) as hub:
        conditions = hub.record(record).conditions
        if conditions and not accept_conditions:
            raise InputError(
                _("The conditions are:\n{conditions}\nAccept them with --accept-conditions.").format(conditions=conditions)
            )
        asked = hub.request_access(record, purpose, accepts_conditions=accept_conditions, agreement=agreement)
    if not as_json:
        console().print(_("Asked; dure requests says when it is decided."))
    return Done(asdict(asked))


@command("requests", help=_("With --grant or --refuse, decide one that waits for you."))
@click.option("--grant", "granted", metavar="REQUEST", help=_("Grant this request."))
@click.option("--refuse", "refused", metavar="REQUEST", help=_("Refuse this request."))
@click.option("--answer", metavar="TEXT", default="", help=_("What the person will read."))
@click.option(
    "--days", type=click.IntRange(1, 3650), metavar="N", default=365, help=_("How long the access lasts; 365 unless given.")
)
@_hub
@as_json
def requests(*, granted: str | None, refused: str | None, answer: str, days: int, url: str | None, as_json: bool) -> Done:
    """Requests of one's own, and those to decide."""
    from dure.client import signed_in

    if granted and refused:
        raise click.UsageError(_("--grant and --refuse exclude each other; give one"))
    with signed_in(url) as hub:
        if handle := granted or refused:
            hub.decide(handle, granted=granted is not None, answer=answer, days=days)
        mine, waiting = hub.requests()
    if not as_json:
        screen = console()
        for title, several in ((_("For you to decide"), waiting), (_("Yours"), mine)):
            screen.print(title)
            for one in several:
                screen.print(
                    f"  {one.handle}  {one.state}  {one.record}  {one.account}: {one.purpose}", soft_wrap=True, highlight=False
                )
    return Done({"mine": [asdict(one) for one in mine], "to_decide": [asdict(one) for one in waiting]})


@command("grant", help=_("RECORD is yours; SUBJECT is an account's address, project:HANDLE or organisation:NAME."))
@click.argument("record")
@click.argument("subject")
@click.option("--action", type=click.Choice(["see", "read", "write"]), default="read", help=_("read unless given."))
@click.option("--until", callback=_day, metavar="DAY", help=_("The grant's last moment; in a year unless given."))
@_hub
@as_json
def grant(*, record: str, subject: str, action: str, until: datetime | None, url: str | None, as_json: bool) -> Done:
    """Let somebody in for a time."""
    from dure.client import signed_in

    ends = until or datetime.now(UTC) + timedelta(days=365)
    with signed_in(url) as hub:
        handle = hub.grant(record, subject, action=action, ends=ends)
    if not as_json:
        console().print(_("Granted until {day}.").format(day=f"{ends:%Y-%m-%d}"))
    return Done({"grant": handle, "ends": ends.isoformat()})
