"""``dure list`` and ``dure show``."""

from __future__ import annotations

import click

from dure.cli.face import Done, as_json, command
from dure.cli.screen import console, grid
from dure.cli.statement import show_problem
from dure.errors import UnknownName
from dure.i18n import _
from dure.problem import find, registered
from dure.report import VIEWER

__all__ = ["fetch", "list_problems", "show"]


@command("list")
@as_json
def list_problems(*, as_json: bool) -> Done:
    """Registered problems, and plug-ins that could not be loaded."""
    problems, broken = registered()
    if not as_json:
        console().print(grid([(one.name, _(one.question)) for one in problems], indent=0))
    for one in broken:
        click.echo(_("{name} was left out: {reason}").format(name=one.name, reason=one.reason), err=True)
    return Done(
        {
            "problems": [{"name": one.name, "version": one.version, "question": one.question} for one in problems],
            "broken": [{"name": one.name, "source": one.source, "reason": one.reason} for one in broken],
        }
    )


@command("show", help=_("PROBLEM is the name of an installed problem or the path of a problem file."))
@click.argument("problem")
@as_json
def show(*, problem: str, as_json: bool) -> Done:
    """A problem's statement."""
    found = find(problem)
    found = found.under(found.setting())
    if not as_json:
        show_problem(console(), found)
    return Done(found.describe())


@command(
    "fetch",
    help=_(
        "Get data that problems need and no package brings, from its public place, and check its hash. NAME is what dure doctor "
        "calls it; all that is missing unless given."
    ),
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@as_json
def fetch(*, names: tuple[str, ...], as_json: bool) -> Done:
    """Data into the cache."""
    needs = [VIEWER, *(need for problem in registered()[0] for need in problem.needs)]
    known = {need.name: need for need in needs if need.fetch}
    for name in names:
        if name not in known:
            raise UnknownName(_("data set"), name, known)
    for name in names or [name for name, need in known.items() if not need.found()]:
        get = known[name].fetch
        if get is not None:
            get()
    found = {name: need.found() for name, need in known.items()}
    if not as_json:
        console().print(grid([(name, place or _("not there")) for name, place in found.items()], indent=0))
    return Done({"found": found})
