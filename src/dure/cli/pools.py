"""``dure pool``: what many tasks of a family add up to."""

from __future__ import annotations

from pathlib import Path

import click

from dure.cli.face import Done, Group, as_json
from dure.cli.options import usable_cpus
from dure.cli.screen import console
from dure.i18n import _

__all__ = ["pool"]


@click.group("pool", cls=Group)
def pool() -> None:
    """The group; its commands are below."""


pool.help = None


@pool.command(
    "generate",
    help=_("Simulate designs over tasks of the family of PROBLEM. Resumable: the same command goes on where it was stopped."),
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
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help=_("Folder of the pool; pools/PROBLEM unless given."))
@as_json
def generate(*, problem: str, tasks: int, designs: int, workers: int, seed: int, out: Path | None, as_json: bool) -> Done:
    """Fill the pool."""
    raise NotImplementedError
