"""``dure run`` and ``dure resume``."""

from __future__ import annotations

import os
import sys
import webbrowser
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import click

from dure.campaign import Budget, Campaign, make_plan
from dure.cli.face import UNDECIDED, Done, as_json, command
from dure.cli.live import Lines, Screen, watching
from dure.cli.models import prior_of
from dure.cli.options import LIMIT, SETTING, new_folder, refuse_foreign, usable_cpus
from dure.cli.progress import Progress
from dure.cli.screen import console
from dure.cli.statement import show_plan
from dure.cli.stopping import stoppable
from dure.cli.verdict import show_verdict
from dure.i18n import _
from dure.models import read_card
from dure.problem import find

__all__ = ["resume", "run"]

Manner = Literal["full", "quiet", "json"]

_workers = click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    default=usable_cpus,
    help=_("Simulations at a time; one a processor, at most 4, unless given."),
)
_quiet = click.option("--quiet", is_flag=True, help=_("Print the verdict and the report's path only."))


@command(
    "run",
    help=_(
        "PROBLEM is the name of an installed problem (dure list) or the path of a problem file. Ctrl-C stops cleanly.\n\n"
        "Exit codes: 0 supported, 3 refuted or inconclusive, 1 failed, 2 bad input, 130 interrupted."
    ),
)
@click.argument("problem")
@click.option("--setting", type=SETTING, multiple=True, help=_("Hold a setting at another value; may be repeated."))
@click.option("--limit", type=LIMIT, multiple=True, help=_("Change a limit, LOW:HIGH where there are two; may be repeated."))
@click.option("--limits", metavar="NAME", help=_("Use a set of limits the problem publishes."))
@click.option(
    "--runs",
    type=float,
    metavar="N",
    help=_("Budget in runs, simulations at the top of the ladder; cheaper ones count as their share."),
)
@click.option("--cost", type=float, metavar="CPU_SECONDS", help=_("Budget in CPU seconds of simulation, instead of --runs."))
@click.option("--seed", type=click.IntRange(min=0), metavar="S", default=0, help=_("Decides everything random; 0 unless given."))
@_workers
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=_("Folder of the campaign; a new one under runs unless given. A journal of the same problem there is built upon."),
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="TABLE|DIR",
    help=_("Past data: a CSV with the design's inputs and the outcome's outputs, or the folder of a campaign or pulled record."),
)
@click.option(
    "--prior",
    metavar="auto|none|NAME|DIR|RECORD",
    default="auto",
    help=_(
        "A model learned from the family's past, see dure model list; auto, the newest here or else on the hub, unless given."
    ),
)
@click.option(
    "--strategy",
    metavar="NAME",
    default="auto",
    help=_("What chooses the designs: auto, structured, blackbox, cma-es, nsga-ii, sobol or random."),
)
@click.option(
    "--control",
    type=click.IntRange(min=0),
    metavar="N",
    help=_("Random designs simulated for comparison, beside the budget; the problem says how many unless given."),
)
@click.option(
    "--replicates",
    type=click.IntRange(min=0),
    metavar="N",
    help=_("How often leaders and then the winner are repeated under noise, beside the budget; 5 unless given, 0 for never."),
)
@click.option(
    "--certificate",
    type=click.FloatRange(0.5, 1.0, max_open=True),
    metavar="LEVEL",
    help=_("End the search only when more runs would gain no more than the tolerance with this probability, such as 0.95."),
)
@_quiet
@as_json
def run(
    *,
    problem: str,
    setting: tuple[tuple[str, str], ...],
    limit: tuple[tuple[str, Any], ...],
    limits: str | None,
    runs: float | None,
    cost: float | None,
    seed: int,
    workers: int,
    out: Path | None,
    data: Path | None,
    prior: str,
    strategy: str,
    control: int | None,
    replicates: int | None,
    certificate: float | None,
    quiet: bool,
    as_json: bool,
) -> Done:
    """Plan, and go the whole way."""
    if runs is not None and cost is not None:
        raise click.UsageError(_("--runs and --cost exclude each other; give one"))
    found = find(problem)
    model = prior_of(prior, found)
    plan = make_plan(
        problem,
        setting=dict(setting),
        limits=dict(limit),
        limit_set=limits,
        budget=Budget(runs, cost) if runs is not None or cost is not None else None,
        seed=seed,
        strategy_name=strategy,
        prior=read_card(model) if model else None,
        control_runs=control,
        replicates=replicates,
        certificate=certificate,
    )
    folder = out or new_folder(found.name)
    refuse_foreign(folder)
    manner = _manner(quiet, as_json)
    view = _view(manner, workers)
    with _stoppable(folder, view):
        with Campaign.begin(folder, plan, data=data, prior=model, watcher=view) as campaign:
            if manner == "full":
                show_plan(console(), campaign.problem, plan, folder)
            _go(campaign, view)
        return _finish(folder, campaign, manner)


@command(
    "resume", help=_("DIR is the campaign's folder. What is answered stays answered; what was under way is simulated again.")
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@_workers
@click.option(
    "--accept-changed-code", is_flag=True, help=_("Go on although the problem's code is no longer what the plan was made with.")
)
@_quiet
@as_json
def resume(*, folder: Path, workers: int, accept_changed_code: bool, quiet: bool, as_json: bool) -> Done:
    """Go on where the journal ends."""
    manner = _manner(quiet, as_json)
    view = _view(manner, workers)
    with _stoppable(folder, view):
        with Campaign.resume(folder, accept_changed_code=accept_changed_code, watcher=view) as campaign:
            if manner == "full":
                console().print(_(campaign.problem.question))
            _go(campaign, view)
        return _finish(folder, campaign, manner)


def _manner(quiet: bool, as_json: bool) -> Manner:
    return "json" if as_json else "quiet" if quiet else "full"


def _view(manner: Manner, workers: int) -> Progress:
    if manner == "quiet":
        return Progress(workers)
    screen = console()
    live = manner == "full" and screen.is_terminal and not screen.is_dumb_terminal
    return (Screen if live else Lines)(workers, screen=screen)


def _stoppable(folder: Path, view: Progress) -> AbstractContextManager[None]:
    said = _("Stopped; everything answered is kept. Go on with: dure resume {folder}").format(folder=folder)
    return stoppable(said, at_once=view.stop)


def _go(campaign: Campaign, view: Progress) -> None:
    view.begin(campaign.history)
    if campaign.history.conclusion is None:
        with watching(view):
            campaign.run(workers=view.workers)


def _finish(folder: Path, campaign: Campaign, manner: Manner) -> Done:
    """Report and verdict of a concluded campaign whose journal is closed."""
    from dure.report import summary, write_report

    history, task, screen = campaign.history, campaign.task, console()
    if manner != "json":
        show_verdict(screen, history, task, brief=manner == "quiet")
    page = write_report(folder).resolve()
    if manner != "json":
        screen.print(_("Report: {path}").format(path=page), soft_wrap=True)
    if manner == "full" and _has_screen():
        webbrowser.open(page.as_uri())
    code = 0 if (history.conclusion or {})["verdict"] == "supported" else UNDECIDED
    return Done({**summary(history, task), "folder": str(folder.resolve()), "report": str(page)}, code)


def _has_screen() -> bool:
    """Whether somebody could look at a page that opens by itself."""
    shown = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(shown) and not os.environ.get("CI")
