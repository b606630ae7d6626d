"""The plot of a search's progress: what was best after how many runs, beside random designs and the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from markupsafe import Markup

from dure.campaign import allowed, covering, members, unguarded
from dure.i18n import _
from dure.journal import TrialState
from dure.report.dossier import Dossier
from dure.report.figures import LINES, Drawn, axis_text, goal_name, goal_value
from dure.report.style import COLOURS, panel, svg

__all__ = ["progress"]

_RUNG_MARKERS = ("^", "s", "D", "v")


def progress(dossier: Dossier) -> Drawn | None:
    """The best design that keeps every limit against what was spent; None before the first answer.

    With several objectives it is what the front covers.
    """
    steps = list(_search_steps(dossier))
    several, objective = len(dossier.task.objectives) > 1, dossier.task.objective
    if not steps or (several and not any(step.keeps and step.rung == 0 for step in steps)):
        return None
    wide, marks = _progress_panel(dossier, steps, "progress", 920, 360)
    narrow, _marks = _progress_panel(dossier, steps, "progress-narrow", 380, 300)
    title = _("hypervolume of the front") if several else axis_text(goal_name(objective), objective.unit)
    return Drawn(title, wide, narrow, marks)


@dataclass(frozen=True)
class _Step:
    cost: float
    state: TrialState
    value: float
    rung: int
    keeps: bool


def _search_steps(dossier: Dossier) -> Iterator[_Step]:
    """Answers of the search in the order they came, with the runs spent until then; rung 0 is the top."""
    task, names = dossier.task, [rung.name for rung in reversed(dossier.task.problem.fidelities)]
    states = [state for state in dossier.history.in_plan("start", "search") if not state.is_open]
    cost = 0.0
    for state in sorted(states, key=lambda one: one.answered or 0):
        if state.key in dossier.history.asked_in_plan:
            cost += task.problem.rung(state.fidelity).cost * max(1, state.attempts)
        if state.outcome is not None:
            values = task.goal_values(state.outcome)
            keeps = min(task.margins(values).values(), default=0.0) >= 0
            yield _Step(cost, state, values[task.objective.name], names.index(state.fidelity), keeps)


def _control_steps(dossier: Dossier) -> list[_Step]:
    """Random designs that keep every limit; each costs a run."""
    task, states = dossier.task, dossier.history.in_plan("control")
    kept = {state.key for state in allowed(unguarded(task), states)}
    return [
        _Step(float(number), state, task.goal_values(state.outcome or {})[task.objective.name], 0, True)
        for number, state in enumerate(states, start=1)
        if state.key in kept
    ]


def _so_far(dossier: Dossier, steps: Sequence[_Step], end: float) -> tuple[list[float], list[float]]:
    """Corners of the best value, or of what the front covers, after each step, drawn on to ``end``."""
    task = dossier.task
    if len(task.objectives) > 1:
        best = _covered(dossier, [step.state for step in steps])
    else:
        better = min if task.objective.measure.sense == "minimise" else max
        best = list(accumulate((step.value for step in steps), better))
    return [*(step.cost for step in steps), end], [*best, best[-1]]


def _covered(dossier: Dossier, states: Sequence[TrialState]) -> list[float]:
    """The hypervolume after each of ``states``, which keep every limit."""
    cover = covering(dossier.history, dossier.task)
    front: list[TrialState] = []
    found = []
    for state in states:
        front = members(dossier.task, [*front, state])
        found.append(cover.share(front) if cover else 0.0)
    return found


def _progress_panel(dossier: Dossier, steps: Sequence[_Step], name: str, width: int, height: int) -> tuple[Markup, list[str]]:
    control = _control_steps(dossier)
    kept = [step for step in steps if step.keeps and step.rung == 0]
    end = max(steps[-1].cost, len(dossier.history.in_plan("control")))
    several, marks = len(dossier.task.objectives) > 1, []
    with panel(width, height, name) as axes:
        if not several:
            _by_factors(axes, [step.value for step in (*steps, *control)])
        if control:
            grey = {"color": COLOURS["other"]}
            costs, best = _so_far(dossier, control, end)
            axes.step(costs, best, where="post", linewidth=1.6, linestyle=(0, (1, 1)), **grey)
            axes.plot(costs[:-1], best[:-1] if several else [step.value for step in control], "x", markersize=5, **grey)
            marks.append("random")
        if "baseline" in dossier.roles:
            axes.axhline(_baseline(dossier), **LINES["baseline"])
            marks.append("baseline")
        if not several:
            marks = [*_scatter(axes, steps), *marks]
        if kept:
            axes.step(*_so_far(dossier, kept, end), where="post", color=COLOURS["winner"], linewidth=2.2)
            marks.insert(0, "best")
        axes.set_xlabel(_("spent on the search (runs)"), loc="right")
        axes.set_xlim(0, end * 1.02)
        axes.locator_params(axis="x", steps=[1, 2, 5, 10])
        title = _("Best design that keeps every limit against the runs spent, beside random designs and the baseline")
        if several:
            title = _("What the front covers against the runs spent, beside random designs and the textbook starts")
        return svg(axes, name, title), marks


def _baseline(dossier: Dossier) -> float:
    if len(dossier.task.objectives) > 1:
        return float(dossier.claims["hypervolume.starts"].value or 0.0)
    return goal_value(dossier, "baseline", dossier.task.objective.name)


def _by_factors(axes: Any, values: Sequence[float]) -> None:
    """A logarithmic axis where values span more than a factor of twenty."""
    from matplotlib.ticker import LogLocator

    if min(values) > 0 and max(values) > 20 * min(values):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")


def _scatter(axes: Any, steps: Sequence[_Step]) -> list[str]:
    """Every answer as a mark: filled if it keeps every limit, its shape by rung."""
    marks = []
    for rung in sorted({step.rung for step in steps}):
        marker = "o" if rung == 0 else _RUNG_MARKERS[(rung - 1) % len(_RUNG_MARKERS)]
        colour = COLOURS["winner"] if rung == 0 else COLOURS["soft"]
        for keeps in (True, False):
            points = [(step.cost, step.value) for step in steps if step.rung == rung and step.keeps == keeps]
            if points:
                fill = colour if keeps else "none"
                axes.plot(*zip(*points, strict=True), marker, color=colour, markerfacecolor=fill, markersize=6 - (rung > 0))
                marks.append(f"rung-{min(rung, len(_RUNG_MARKERS))} {'kept' if keeps else 'broken'}")
    return marks
