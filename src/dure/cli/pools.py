"""``dure pool``: what many tasks of a family add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich.progress import Progress

from dure.cli.face import Done, Group, as_json
from dure.cli.options import usable_cpus
from dure.cli.screen import console
from dure.cli.stopping import stoppable
from dure.i18n import _
from dure.problem import find

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
