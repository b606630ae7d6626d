"""``dure order``: what a laboratory should measure next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from dure.cli.face import Done, as_json, command
from dure.cli.options import SETTING
from dure.cli.screen import console, grid, number, spoken
from dure.errors import InputError, SimulationFailed
from dure.i18n import _
from dure.problem import LABEL, Problem, find, values_of

__all__ = ["order"]


@command(
    "order",
    help=_(
        "PROBLEM is one whose designs are listed and partly measured, such as bio/lead-finding. What is measured is learned "
        "from; of the rest the most promising are written down. Put the results among the measured ones, and order again."
    ),
)
@click.argument("problem")
@click.option("--setting", type=SETTING, multiple=True, help=_("Hold a setting at another value; may be repeated."))
@click.option("-n", "--count", type=click.IntRange(min=1), default=8, help=_("How many designs; 8 unless given."))
@click.option("--seed", type=click.IntRange(min=0), metavar="S", default=0, help=_("Decides everything random; 0 unless given."))
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", required=True, help=_("Folder the files are put in."))
@as_json
def order(*, problem: str, setting: tuple[tuple[str, Any], ...], count: int, seed: int, out: Path, as_json: bool) -> Done:
    """Ask once, and write the files."""
    from dure.campaign import Loop

    if find(problem).order is None:
        raise InputError(
            _(
                "{problem} does not say how a laboratory is given its designs; give it order=..., or run it: dure run {problem}"
            ).format(problem=problem)
        )
    loop = Loop(problem, setting=dict(setting), seed=seed)
    stated = loop.task.problem
    stated.check_needs()
    known = _learn(loop)
    wishes = loop.ask(count)
    while len(wishes) < count and (more := loop.ask(count - len(wishes))):  # an opening has an end of its own
        wishes += more
    if not wishes:
        raise InputError(_("nothing is left to measure: all {known} designs were").format(known=known))
    predicted = [loop.history.trials[one.trial.key].predicted for one in wishes]
    files = stated.order([one.design for one in wishes], loop.task.setting, predicted) if stated.order else {}
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
    if not as_json:
        screen, said = console(), _("Measured designs: {known}. The next {count} are in {folder}, with intervals of 90 %:")
        if summary := files.get("summary.txt"):
            screen.print(summary.strip())
        screen.print(said.format(known=known, count=len(wishes), folder=out))
        screen.print(grid([_line(stated, one.design, stating) for one, stating in zip(wishes, predicted, strict=True)], shrink=0))
        screen.print(grid([(spoken(text),) for text in stated.hazards if text != LABEL]))
    return Done(
        {"known": known, "designs": [values_of(one.design) for one in wishes], "files": sorted(files), "folder": str(out)}
    )


def _learn(loop: Any) -> int:
    """Tell what the problem's table already answers; how many that were."""
    problem, setting, known = loop.task.problem, loop.task.setting, 0
    for design in problem.candidates:
        try:
            answer = problem.answer(design, setting, fidelity=problem.top.name, seed=loop.seed)
        except SimulationFailed:
            continue
        loop.tell(design, answer.outcome)
        known += 1
    return known


def _line(problem: Problem, design: Any, predicted: Mapping[str, Any]) -> tuple[str, ...]:
    """A design, and the 90 % interval of each goal that was predicted."""
    cells = [
        _("{goal} {low} to {high}").format(goal=name, low=number(low), high=number(high, problem.measures[name].unit))
        for name, (_median, low, high) in predicted.items()
    ]
    return (", ".join(str(value) for value in values_of(design).values()), *cells)
