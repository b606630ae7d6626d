"""``dure pool``: what many tasks of a family add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import Progress

from dure.cli.face import Done, Group, as_json
from dure.cli.options import SETTING, usable_cpus
from dure.cli.pooled import show_import, show_pool
from dure.cli.screen import console
from dure.cli.stopping import stoppable
from dure.i18n import _
from dure.models import cards, label_of
from dure.problem import find

if TYPE_CHECKING:
    from dure.pool import Pool

__all__ = ["pool"]

_LINES = 20

pool = Group("pool")


@pool.command(
    "generate",
    help=_(
        "Simulate designs for tasks drawn from the family of PROBLEM, an installed problem or a problem file. The same command "
        "given again goes on where it was stopped."
    ),
)
@click.argument("problem")
@click.option("--tasks", type=click.IntRange(min=1), metavar="N", required=True, help=_("How many tasks of the family."))
@click.option("--designs", type=click.IntRange(min=1), metavar="N", default=48, help=_("Designs a task; 48 unless given."))
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    default=usable_cpus,
    help=_("Simulations at a time; one a processor, at most 4, unless given."),
)
@click.option("--seed", type=click.IntRange(min=0), metavar="S", default=0, help=_("Decides everything random; 0 unless given."))
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help=_("Folder of the pool; one under runs unless given."))
@as_json
def generate(*, problem: str, tasks: int, designs: int, workers: int, seed: int, out: Path | None, as_json: bool) -> Done:
    """Fill the pool."""
    from dure.pool import generate as fill

    name = find(problem).name.replace("/", "-")
    folder = out or Path("runs") / f"pool-{name}-{tasks}x{designs}-{seed}"
    with (
        stoppable(_("Stopped; everything answered is kept. Give the same command again to go on.")),
        _watching(_("{tasks} tasks, {designs} designs each").format(tasks=tasks, designs=designs)) as progress,
    ):
        made = fill(problem, folder, tasks=tasks, designs=designs, workers=workers, seed=seed, progress=progress)
    if not as_json:
        said = _("{answered} answered, {failed} failed, {seconds:.3g} CPU s. Pool: {folder}")
        said = said.format(answered=made.answered, failed=made.failed, seconds=made.cpu_seconds, folder=folder)
        console().print(said, soft_wrap=True)
    return Done(asdict(made) | {"throughput": made.throughput, "folder": str(folder.resolve())})


_licence = click.option(
    "--licence", metavar="ID", help=_("SPDX identifier, or LicenseRef-KOGL-1 to -4; NOASSERTION, not stated, unless given.")
)
_access = click.option(
    "--access",
    type=click.Choice(["open", "registered", "consortium", "private"]),
    default="private",
    help=_("Who may use the rows; private unless given."),
)


@pool.command(
    "build",
    help=_(
        "Put what SOURCES know of the family of PROBLEM into one table. A source is the folder of a campaign, of dure pool "
        "generate or of a record, or another pool."
    ),
)
@click.argument("problem")
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", required=True, help=_("The pool, a Parquet file."))
@_licence
@_access
@click.option("--without", multiple=True, metavar="SOURCE", help=_("Leave out the rows of a source, by its name or identifier."))
@as_json
def build(
    *,
    problem: str,
    sources: tuple[Path, ...],
    out: Path,
    licence: str | None,
    access: str,
    without: tuple[str, ...],
    as_json: bool,
) -> Done:
    """Journals, records and pools as one pool."""
    from dure.pool import build as put

    made = put(problem, sources, out, licence=_checked(licence), access=access, without=without)
    for folder, card in cards() if without else ():
        if set(card.trained_on.get("sources", ())) & set(made.said["withdrawn"]):
            told = _("{model} in {folder} learned from what was left out; train it again and delete it")
            click.echo(told.format(model=label_of(card), folder=folder), err=True)
    return _said(made, as_json)


@pool.command(
    "import",
    help=_(
        "Put the rows of TABLE, CSV or Parquet, into a pool. Headers are names of the problem's inputs, settings and outcomes, "
        "also fidelity, seed and failure; a unit may follow in square brackets. What is not taken is said, with the reason."
    ),
)
@click.argument("table", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--problem", metavar="PROBLEM", required=True, help=_("An installed problem or a problem file."))
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", required=True, help=_("The pool, a Parquet file."))
@click.option(
    "--column", "columns", type=SETTING, multiple=True, metavar="NAME=HEADER", help=_("The header of a name, if another.")
)
@click.option("--setting", "settings", type=SETTING, multiple=True, help=_("A setting that is the same in all rows."))
@click.option("--fidelity", metavar="NAME", default="", help=_("Fidelity of all rows; the top rung unless given."))
@click.option(
    "--across",
    type=SETTING,
    metavar="SETTING=OUTCOME",
    help=_("In a wide table: headers that are values of that setting hold that outcome."),
)
@_licence
@_access
@as_json
def import_(
    *,
    table: Path,
    problem: str,
    out: Path,
    columns: tuple[tuple[str, str], ...],
    settings: tuple[tuple[str, str], ...],
    fidelity: str,
    across: tuple[str, str] | None,
    licence: str | None,
    access: str,
    as_json: bool,
) -> Done:
    """A table as a pool."""
    from dure.pool import import_table

    made = import_table(
        problem,
        table,
        out,
        columns=dict(columns),
        setting=dict(settings),
        fidelity=fidelity,
        across=across,
        licence=_checked(licence),
        access=access,
    )
    if not as_json:
        show_import(console(), made)
    untaken = {"columns": dict(made.columns), "rows": {why: list(lines) for why, lines in made.rows.items()}}
    return Done(made.pool.describe() | {"matched": dict(made.matched), "assumed": dict(made.assumed), "not_taken": untaken})


def _checked(licence: str | None) -> str:
    from dure.pool import UNSTATED
    from dure.record import licence as known

    return UNSTATED if licence in (None, UNSTATED) else known(licence).id


@pool.command("describe", help=_("Say what a pool holds: tasks, rows, failures, ranges with units, licences, strictest access."))
@click.argument("file", metavar="POOL", type=click.Path(path_type=Path, exists=True))
@as_json
def describe(*, file: Path, as_json: bool) -> Done:
    """What a pool holds."""
    from dure.pool import Pool

    return _said(Pool.read(file), as_json)


@pool.command(
    "split",
    help=_(
        "Write train.parquet and held-out.parquet: what the family's author keeps for evaluation stands apart, and nothing leaks."
    ),
)
@click.argument("file", metavar="POOL", type=click.Path(path_type=Path, exists=True))
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", required=True, help=_("Folder of the two parts."))
@as_json
def split(*, file: Path, out: Path, as_json: bool) -> Done:
    """Training part and held-out part."""
    from dure.pool import split as part

    train, held_out = part(file, out)
    if not as_json:
        for one in (train, held_out):
            show_pool(console(), one)
    return Done({"train": train.describe(), "held_out": held_out.describe()})


def _said(made: Pool, as_json: bool) -> Done:
    if not as_json:
        show_pool(console(), made)
    return Done(made.describe())


@contextmanager
def _watching(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, some twenty lines everywhere else."""
    screen = console()
    if screen.is_terminal and not screen.is_dumb_terminal:
        with Progress(console=screen, transient=True) as bar:
            line = bar.add_task(title)
            yield lambda done, total: bar.update(line, completed=done, total=total)
    else:
        yield lambda done, total: None if done % max(1, total // _LINES) else screen.print(f"{title}: {done}/{total}")
