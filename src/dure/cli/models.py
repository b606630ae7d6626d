"""``dure model``: what was learned from the past, and how good it is."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from dure.cli.face import Done, Group, as_json
from dure.cli.hub import LEVELS, send, words_of
from dure.cli.screen import console
from dure.errors import DureError, InputError
from dure.i18n import _
from dure.models import Card, cards, check_fits, find_model, label_of, read_card, unreadable
from dure.problem import Problem

if TYPE_CHECKING:
    from dure.pool import Pool
    from dure.pool.trial import Compared

__all__ = ["model", "prior_of"]

model = Group("model")


@model.command(
    "list", help=_("The models in ./models, in this user's own folder, and on the hub that is logged in to, the newest first.")
)
@as_json
def listing(*, as_json: bool) -> Done:
    """Show what there is."""
    found = [(str(folder), card) for folder, card in cards()]
    here = {card.record for _folder, card in found}
    found += [(identifier, card) for identifier, card in _on_the_hub() if identifier not in here]
    if not as_json:
        table = Table(_("model"), _("problem"), _("tasks"), _("rows"), _("access"), _("folder or record"), box=None)
        for place, card in found:
            past = card.trained_on
            told = (str(past.get(name, "")) for name in ("tasks", "rows"))
            table.add_row(label_of(card), card.problem, *told, card.access, place)
        console().print(table if found else _("No models. Make one with: dure model train POOL --name NAME"))
    for folder, error in unreadable():
        click.echo(_("{folder} was passed over: {error}").format(folder=folder, error=error), err=True)
    return Done({"models": [asdict(card) | {"folder": place} for place, card in found]})


def _on_the_hub() -> list[tuple[str, Card]]:
    from dure.client import known_hub, models_on

    try:
        if (hub := known_hub()) is None:
            return []
        with hub:
            return list(models_on(hub))
    except DureError as error:
        click.echo(_("Models on the hub are not listed: {error}").format(error=error), err=True)
        return []


@model.command("show", help=_("The card of a model: what it learned from, under what terms, how good it was found."))
@click.argument("name")
@as_json
def show(*, name: str, as_json: bool) -> Done:
    """Print a card."""
    folder, card = _named(name)
    if not as_json:
        _print(card)
    return Done(asdict(card) | {"folder": str(folder)})


@model.command(
    "train",
    help=_(
        "Learn a family prior from POOL, a table made by dure pool. Tasks that the family holds out are refused: dure pool split "
        "takes them out."
    ),
)
@click.argument("pool", type=click.Path(path_type=Path))
@click.option("--name", required=True, metavar="NAME", help=_("What the model is called; also its folder under models."))
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help=_("Folder of the model; models/NAME unless given."))
@click.option(
    "--designs/--no-designs",
    default=True,
    help=_("Whether it keeps the best design of each task as it was, for campaigns to open with; yes unless refused."),
)
@click.option("--seed", type=click.IntRange(min=0), metavar="S", default=0, help=_("Decides everything random; 0 unless given."))
@as_json
def train(*, pool: Path, name: str, out: Path | None, designs: bool, seed: int, as_json: bool) -> Done:
    """Train, and keep weights and card."""
    from dure.models.weights import save
    from dure.pool import Pool
    from dure.pool.lessons import train_prior

    say = (lambda _text: None) if as_json else console().print
    prior, card = train_prior(Pool.read(pool), name, designs=designs, seed=seed, say=say)
    folder = out or Path("models") / name
    kept = save(prior, card, folder)
    if not as_json:
        _print(kept)
        said = _("Kept in {folder}. Campaigns of {problem} take the newest model under models; --prior {folder} names this one.")
        console().print(said.format(folder=folder, problem=kept.problem))
    return Done(asdict(kept) | {"folder": str(folder)})


@model.command(
    "evaluate",
    help=_(
        "Forecast the answers of the tasks in POOL, which no model NAMES has seen, with these models and without any: compare."
    ),
)
@click.argument("pool", type=click.Path(path_type=Path))
@click.argument("names", nargs=-1, required=True)
@click.option("--answers", type=click.IntRange(min=1), metavar="N", default=10, help=_("Known answers a task; 10 unless given."))
@click.option("--seed", type=click.IntRange(min=0), metavar="S", default=0, help=_("Decides everything random; 0 unless given."))
@as_json
def evaluate(*, pool: Path, names: tuple[str, ...], answers: int, seed: int, as_json: bool) -> Done:
    """Set models against each other and against none."""
    from dure.models.weights import load
    from dure.pool import Pool
    from dure.pool.trial import forecast_errors

    opened = Pool.read(pool)
    loaded = {name: load(find_model(name, opened.problem) or Path(name)) for name in names}
    for name, (_prior, card) in loaded.items():
        _check_unseen(opened, name, card)
    rows = forecast_errors(opened, {name: prior for name, (prior, _card) in loaded.items()}, answers=answers, seed=seed)
    if not as_json:
        table = Table(_("goal"), _("model"), _("error"), _("intervals that held"), _("tasks"), box=None)
        for row in rows:
            held = "" if row["held"] is None else f"{row['held']:.0%}"
            table.add_row(row["goal"], row["model"], f"{row['error']:.2f}", held, str(row["tasks"]))
        console().print(table)
        console().print(
            _("Errors are roots of mean squares in units of the outputs' spread, with {n} answers known.").format(n=answers)
        )
        if few := len(opened.tasks) - rows[0]["tasks"]:
            console().print(_("Left out: {few} tasks with too few answers to have more than that.").format(few=few))
    return Done({"forecasts": rows})


@model.command(
    "compare",
    help=_(
        "Whether NEW, such as a model trained again with more tasks, may take the place of OLD: no class of tasks in POOL may be "
        "forecast worse, beyond noise. Exit code 3 where one is."
    ),
)
@click.argument("pool", type=click.Path(path_type=Path))
@click.argument("old")
@click.argument("new")
@click.option("--answers", type=click.IntRange(min=1), metavar="N", default=10, help=_("Known answers a task; 10 unless given."))
@click.option(
    "--repeats", type=click.IntRange(min=2), metavar="R", default=5, help=_("How often they are drawn anew; 5 unless given.")
)
@click.option("--seed", type=click.IntRange(min=0), metavar="S", default=0, help=_("Decides everything random; 0 unless given."))
@as_json
def compare(*, pool: Path, old: str, new: str, answers: int, repeats: int, seed: int, as_json: bool) -> Done:
    """Set a model against the one before it, class by class."""
    from dure.pool import Pool

    opened = Pool.read(pool)
    folders = [find_model(name, opened.problem) or Path(name) for name in (old, new)]
    rows, worse = _compared(opened, *folders, answers=answers, repeats=repeats, seed=seed, quiet=as_json)
    if not as_json:
        console().print(_verdict(worse, old, new), soft_wrap=True)
    return Done({"errors": [asdict(row) for row in rows], "worse": worse}, 3 if worse else 0)


def _compared(pool: Pool, old: Path, new: Path, *, quiet: bool, **how: int) -> tuple[list[Compared], list[str]]:
    """Two models class by class, as a table too; and what got worse.

    Raises:
        InputError: a model is of something else, or the new one learned from the tasks that it is to be judged by.
    """
    from dure.models.weights import load
    from dure.pool.trial import compare

    loaded = [load(folder) for folder in (old, new)]
    for _prior, card in loaded:
        check_fits(card, pool.problem)
    _check_unseen(pool, str(new), loaded[1][1])
    say = (lambda _text: None) if quiet else console().print
    rows, untold = compare(pool, loaded[0][0], loaded[1][0], say=say, **how)
    if not quiet:
        table = Table(_("class"), _("goal"), _("tasks"), _("error before"), _("error after"), _("change"), "", box=None)
        for row in rows:
            change = f"{row.change:+.0%} ({row.low:+.0%} … {row.high:+.0%})"
            told = _("worse") if row.worse else ""
            table.add_row(row.group, row.goal, str(row.tasks), f"{row.old:.3f}", f"{row.new:.3f}", change, told)
        console().print(table)
        console().print(
            _("Changes are geometric means over tasks; their intervals, of 95 %, are over draws of the known answers.")
        )
        if untold:
            console().print(_("Too few answers to tell: {classes}").format(classes=", ".join(untold)))
    return rows, [f"{row.group}: {row.goal}" for row in rows if row.worse]


def _check_unseen(pool: Pool, model: str, card: Card) -> None:
    """Refuse to judge a model by what it learned from (InputError)."""
    from dure.pool.lessons import group_of

    if known := sorted({group_of(task) for task in pool.tasks} & set(card.trained_on.get("groups", ()))):
        raise InputError(
            _("{model} learned from {count} classes of {pool}, such as {group}; judge it by tasks that it never saw").format(
                model=model, count=len(known), pool=pool.path, group=known[0]
            )
        )


def _verdict(worse: list[str], old: str, new: str) -> str:
    if worse:
        return _(
            "{new} forecasts worse than {old}, beyond noise: {errors}. It must not take its place; train it with more tasks of "
            "that kind, or publish it as a record of its own."
        ).format(new=new, old=old, errors="; ".join(worse))
    return _("No error of {new} is larger than that of {old}, beyond noise.").format(new=new, old=old)


@model.command(
    "publish",
    help=_(
        "NAME is a model's name or folder. It becomes a record on the hub, at no wider level than the strictest of the rows it "
        "learned from; dure run --prior auto finds it there."
    ),
)
@click.argument("name")
@click.option("--licence", metavar="ID", help=_("An SPDX identifier; that of all it learned from unless given."))
@click.option(
    "--creator", multiple=True, metavar="PERSON", help=_('Whom to cite: "Family, Given (Institution) <ORCID>"; may be repeated.')
)
@click.option("--level", type=LEVELS, help=_("Who may find and use it; as its card says unless given."))
@click.option("--project", metavar="HANDLE", help=_("The project it stands in."))
@click.option("--conditions", metavar="TEXT", default="", help=_("What somebody accepts who asks for the files."))
@click.option("--version-of", metavar="RECORD", default="", help=_("The record it is a further version of; its access stays."))
@click.option(
    "--judged-on",
    type=click.Path(path_type=Path),
    metavar="POOL",
    help=_("Tasks of which it must forecast no class worse than the version before; needed with --version-of."),
)
@click.option("--hub", "url", metavar="URL", help=_("Address of the hub; the one last logged in to unless given."))
@as_json
def publish(
    *,
    name: str,
    licence: str | None,
    creator: tuple[str, ...],
    level: str | None,
    project: str | None,
    conditions: str,
    version_of: str,
    judged_on: Path | None,
    url: str | None,
    as_json: bool,
) -> Done:
    """Make a record of a model and send it; a version that got worse is refused."""
    folder, card = _named(name)
    if version_of:
        if judged_on is None:
            raise click.UsageError(_("--version-of needs --judged-on: a further version is compared with the one before"))
        _check_no_worse(version_of, folder, judged_on, url=url, quiet=as_json)
    learned = sorted({*card.trained_on.get("licences", ())})
    if licence is None and len(learned) > 1:
        raise click.UsageError(
            _("{model} learned from rows under {licences}; say which licence it gets with --licence").format(
                model=card.name, licences=", ".join(learned)
            )
        )
    if licence is not None and learned and learned != [licence]:
        told = _("{model} learned from rows under {licences}; whether they allow {licence} is for you to know")
        click.echo(told.format(model=card.name, licences=", ".join(learned), licence=licence), err=True)
    asked = level or card.access
    access = {"level": asked, "files_level": asked, "project": project, "conditions": conditions}
    words = words_of(creator, licence=licence)
    return send(folder, None, words, access, version_of=version_of, url=url, quiet=as_json)


def _check_no_worse(record: str, folder: Path, pool: Path, *, url: str | None, quiet: bool) -> None:
    """Refuse a model that forecasts a class of tasks worse than the newest version of a record (InputError)."""
    from dure.client import pull, signed_in
    from dure.pool import Pool

    with tempfile.TemporaryDirectory() as scratch, signed_in(url) as hub:
        before = Path(scratch) / "before"
        pull(hub, record, before)
        _rows, worse = _compared(Pool.read(pool), before, folder, answers=10, repeats=5, seed=0, quiet=quiet)
    if worse:
        raise InputError(_verdict(worse, record, str(folder)))


def prior_of(name: str, problem: Problem) -> Path | None:
    """The folder of the model that ``name`` means for a problem; "auto" looks on the hub that is logged in to when none is here.

    Raises:
        DureError: as for ``find_model``; or a named record cannot be fetched.
    """
    from dure.client import fetch_model, fetch_prior, known_hub, signed_in
    from dure.record import ID

    if ID.fullmatch(name):
        with signed_in() as hub:
            folder = fetch_model(hub, name)
        check_fits(read_card(folder), problem)
        return folder
    found = find_model(name, problem)
    if found is not None or name != "auto" or (known := known_hub()) is None:
        return found
    try:
        with known:
            return fetch_prior(known, problem)
    except DureError as error:
        click.echo(_("No model was taken from the hub: {error}").format(error=error), err=True)
        return None


def _named(name: str) -> tuple[Path, Card]:
    """A folder, or a name among the models found."""
    for folder, card in cards():
        if name in (card.name, label_of(card)):
            return folder, card
    return Path(name), read_card(Path(name))


def _learned_from(card: Card) -> str:
    told = {"failures": 0} | dict(card.trained_on) | {"fidelity": card.fidelity}
    if told["failures"]:
        return _("{tasks} tasks, {rows} answers and {failures} failures at {fidelity}").format(**told)
    return _("{tasks} tasks, {rows} answers at {fidelity}").format(**told)


def _print(card: Card) -> None:
    past = card.trained_on
    table = Table.grid(padding=(0, 2))
    rows: list[tuple[str, Any]] = [
        (_("model"), f"{label_of(card)}: {card.kind}"),
        (_("problem"), f"{card.problem} {card.version}"),
        (_("learned from"), _learned_from(card)),
        (_("holds as they are"), _("{count} designs, the best of past tasks").format(count=past.get("best_designs", 0))),
        (_("licences"), ", ".join(past["licences"]) or "-"),
        (_("access"), card.access),
        (_("use"), _(card.intended_use)),
    ]
    rows += [
        (_(what), ", ".join(f"{goal} {value:.0%}" for goal, value in found.items())) for what, found in card.measured.items()
    ]
    for name, value in rows:
        table.add_row(name, str(value))
    console().print(table)
