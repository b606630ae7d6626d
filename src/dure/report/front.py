"""The front of several objectives: its picture, and a row for each member."""

from __future__ import annotations

from markupsafe import Markup

from dure.campaign import allowed, unguarded
from dure.i18n import _
from dure.problem import Goal
from dure.report.dossier import Dossier
from dure.report.figures import Drawn, axis_text, goal_name
from dure.report.markup import fill, listed, quoted, show
from dure.report.style import COLOURS, panel, svg
from dure.report.tables import ValueRow
from dure.report.words import brief
from dure.units import label

__all__ = ["columns", "drawn", "reference", "undrawn"]


def drawn(dossier: Dossier) -> Drawn | None:
    """The first two objectives against each other; None with one objective, or without a design that keeps the limits."""
    if not dossier.ends.get("front"):
        return None
    x, y = dossier.task.objectives[:2]
    wide, narrow = _panel(dossier, x, y, "front", 920, 420), _panel(dossier, x, y, "front-narrow", 380, 320)
    return Drawn(axis_text(goal_name(y), y.unit), wide, narrow)


def undrawn(dossier: Dossier) -> str:
    """The objective the picture leaves out; empty if it shows all."""
    return ", ".join(goal_name(goal) for goal in dossier.task.objectives[2:])


def reference(dossier: Dossier) -> Markup:
    """The reference point of the hypervolume, objective by objective."""
    return listed(
        [
            fill("{goal} {value}", goal=quoted(goal_name(goal)), value=show(dossier.claims[f"reference.{goal.name}"]))
            for goal in dossier.task.objectives
        ]
    )


def _panel(dossier: Dossier, x: Goal, y: Goal, name: str, width: int, height: int) -> Markup:
    history, task = dossier.history, dossier.task
    front = sorted(_at(dossier, key, x, y) for key in dossier.ends["front"])
    known = [state.key for state in allowed(unguarded(task), history.trials.values())]
    with panel(width, height, name) as axes:
        axes.plot(*zip(*(_at(dossier, key, x, y) for key in known), strict=True), "o", markersize=4, color=COLOURS["other"])
        if len(task.objectives) == 2:
            # Corners of what the front dominates: beyond each member, on the worse side of the first objective.
            where = "post" if x.measure.sense == "minimise" else "pre"
            axes.step(*zip(*front, strict=True), where=where, color=COLOURS["winner"], linewidth=1.4)
        axes.plot(*zip(*front, strict=True), "o", markersize=6, color=COLOURS["winner"])
        for role, marker in (("baseline", "D"), ("winner", "o")):
            if role in dossier.roles:
                ring = {"markersize": 12, "markerfacecolor": "none", "markeredgewidth": 2.0, "color": COLOURS[role]}
                axes.plot(*_at(dossier, dossier.ends[role], x, y), marker, **ring)
        axes.set_xlabel(axis_text(goal_name(x), x.unit), loc="right")
        said = _("{y} against {x}: the front, the other designs that keep every limit, the winner and the baseline")
        return svg(axes, name, said.format(x=goal_name(x), y=goal_name(y)))


def _at(dossier: Dossier, key: str, x: Goal, y: Goal) -> tuple[float, float]:
    values = dossier.task.goal_values(dossier.history.trials[key].outcome or {})
    return values[x.name], values[y.name]


def columns(dossier: Dossier) -> list[ValueRow]:
    """The members' table, a column each: objectives, margins, inputs; its claims are in the order of the front."""
    task, margin = dossier.task, _("margin: {goal}")
    found = [_column(dossier, f"goal.{goal.name}", goal_name(goal)) for goal in task.objectives]
    for name, goal in task.goals.items():
        if not goal.is_objective:
            found.append(_column(dossier, f"margin.{name}", margin.format(goal=goal_name(goal))))
    inputs = task.problem.inputs.items()
    return [*found, *(_column(dossier, f"input.{name}", brief(spec.help) or name.replace("_", " ")) for name, spec in inputs)]


def _column(dossier: Dossier, name: str, title: str) -> ValueRow:
    claims = [dossier.claims[f"front.{place}.{name}"] for place in range(1, len(dossier.ends["front"]) + 1)]
    return ValueRow(name, title, label(claims[0].unit), None, None, claims)
