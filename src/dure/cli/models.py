"""``dure model``: what was learned from the past, and how good it is."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from dure.cli.face import Done, Group, as_json
from dure.cli.screen import console
from dure.i18n import _
from dure.models import Card, cards, find_model, label_of, read_card

__all__ = ["model"]

model = Group("model")


@model.command("list", help=_("The models in ./models and in this user's own folder, newest first."))
@as_json
def listing(*, as_json: bool) -> Done:
    """Show what there is."""
    found = list(cards())
    if not as_json:
        table = Table(_("model"), _("problem"), _("tasks"), _("rows"), _("access"), _("folder"), box=None)
        for folder, card in found:
            past = card.trained_on
            table.add_row(label_of(card), card.problem, str(past["tasks"]), str(past["rows"]), card.access, str(folder))
        console().print(table if found else _("No models. Make one with: dure model train POOL --name NAME"))
    return Done({"models": [asdict(card) | {"folder": str(folder)} for folder, card in found]})


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
@click.option("--seed", type=click.IntRange(min=0), metavar="S", default=0, help=_("Decides everything random; 0 unless given."))
@as_json
def train(*, pool: Path, name: str, out: Path | None, seed: int, as_json: bool) -> Done:
    """Train, and keep weights and card."""
    from dure.models.weights import save
    from dure.pool import Pool
    from dure.pool.lessons import train_prior

    say = (lambda _text: None) if as_json else console().print
    prior, card = train_prior(Pool.read(pool), name, seed=seed, say=say)
    folder = out or Path("models") / name
    kept = save(prior, card, folder)
    if not as_json:
        _print(kept)
        said = _("Kept in {folder}. Campaigns of {problem} take the newest model under models; --prior {folder} names this one.")
        console().print(said.format(folder=folder, problem=kept.problem))
    return Done(asdict(kept) | {"folder": str(folder)})


@model.command(
    "evaluate",
    help=_("Forecast the answers of the tasks in POOL, best of those held out, with models NAMES and without any, and compare."),
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
    rows = forecast_errors(opened, {name: prior for name, (prior, _card) in loaded.items()}, answers=answers, seed=seed)
    if not as_json:
        table = Table(_("goal"), _("model"), _("error"), _("intervals that held"), _("tasks"), box=None)
        for row in rows:
            table.add_row(row["goal"], row["model"], f"{row['error']:.2f}", f"{row['held']:.0%}", str(row["tasks"]))
        console().print(table)
        console().print(
            _("Error: root of the mean square, in units of the outputs' spread, {n} answers known.").format(n=answers)
        )
    return Done({"forecasts": rows})


def _named(name: str) -> tuple[Path, Card]:
    """A folder, or a name among the models found."""
    for folder, card in cards():
        if name in (card.name, label_of(card)):
            return folder, card
    return Path(name), read_card(Path(name))


def _print(card: Card) -> None:
    past = card.trained_on
    table = Table.grid(padding=(0, 2))
    rows: list[tuple[str, Any]] = [
        (_("model"), f"{label_of(card)}: {card.kind}"),
        (_("problem"), f"{card.problem} {card.version}"),
        (_("learned from"), _("{tasks} tasks, {rows} answers at {fidelity}").format(fidelity=card.fidelity, **past)),
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
