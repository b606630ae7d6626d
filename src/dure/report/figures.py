"""The plots of a report. Each kind of view has one function that draws it; a domain never draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from dure.i18n import _
from dure.journal import TrialState
from dure.problem import Curve, Fan, Goal
from dure.report.dossier import Dossier
from dure.report.style import COLOURS, panel, svg
from dure.report.words import brief
from dure.units import label

__all__ = [
    "LINES",
    "Drawn",
    "axis_text",
    "calibration",
    "check_curves",
    "curves",
    "fan_panel",
    "fans",
    "goal_name",
    "goal_value",
    "margin_bar",
]

LINES: Mapping[str, Mapping[str, Any]] = {
    "runner_up.2": {"color": COLOURS["other"], "linewidth": 1.0, "linestyle": (0, (1, 1.6))},
    "runner_up.1": {"color": COLOURS["other"], "linewidth": 1.0},
    "baseline": {"color": COLOURS["baseline"], "linewidth": 1.8, "linestyle": (0, (5, 2))},
    "winner": {"color": COLOURS["winner"], "linewidth": 2.2},
}
"""From back to front; told apart without colour by weight and dashes."""


@dataclass(frozen=True)
class Drawn:
    """A plot with its title, and the kinds of mark in it, for the legend: CSS classes that have a meaning in the page."""

    title: str
    svg: Markup
    narrow: Markup | None = None
    marks: Sequence[str] = ()


def goal_name(goal: Goal) -> str:
    """What a goal is called on the page."""
    return brief(goal.measure.help) or goal.name.replace("_", " ")


def axis_text(name: str, unit: str) -> str:
    """A quantity with its unit, as it stands at an axis."""
    return f"{name} ({label(unit)})" if label(unit) else name


def curves(dossier: Dossier) -> list[Drawn]:
    """One panel for each named curve of the winner, with the same curve of baseline and runners-up."""
    return [_curve_panel(dossier, f"curve-{number}", curve) for number, curve in enumerate(dossier.shown(Curve), start=1)]


def check_curves(dossier: Dossier) -> list[Drawn]:
    """One panel for each curve that a check of the winner shows and the top rung does not."""
    return [_check_panel(f"check-curve-{number}", curve) for number, curve in enumerate(dossier.of_checks(Curve), start=1)]


def _check_panel(name: str, shown: Curve) -> Drawn:
    with panel(450, 290, name) as axes:
        axes.plot(shown.x, shown.y, **LINES["winner"])
        axes.set_xlabel(axis_text(_(shown.x_name), shown.x_unit), loc="right")
        title = axis_text(_(shown.y_name), shown.y_unit)
        return Drawn(title, svg(axes, name, title))


def _same(dossier: Dossier, role: str, wanted: Curve) -> Curve | None:
    return next((curve for curve in dossier.shown(Curve, role) if curve.name == wanted.name), None)


def _curve_panel(dossier: Dossier, name: str, wanted: Curve) -> Drawn:
    with panel(450, 290, name) as axes:
        for role, line in LINES.items():
            if curve := _same(dossier, role, wanted):
                axes.plot(curve.x, curve.y, **line)
        for limit, above in _limits_seen(dossier, wanted):
            _limit_line(axes, limit, above=above)
            _look_near(axes, [line.get_ydata() for line in axes.lines[:-1]], limit, above=above)
        axes.set_xlabel(axis_text(_(wanted.x_name), wanted.x_unit), loc="right")
        text = _("{y} against {x}, for the winner and the designs it is compared with")
        said = text.format(y=_(wanted.y_name), x=_(wanted.x_name))
        return Drawn(axis_text(_(wanted.y_name), wanted.y_unit), svg(axes, name, said))


def _limits_seen(dossier: Dossier, wanted: Curve) -> Iterator[tuple[float, bool]]:
    """Limits on this curve, and whether they lie above it: where a goal of its unit is the curve's own extreme, for every role.

    Curves are thinned for the page, so the extreme may be missed by a fiftieth of the curve's span.
    """
    for goal in dossier.task.goals.values():
        if goal.is_objective or goal.unit != wanted.y_unit:
            continue
        for limit, extreme, above in ((goal.measure.low, min, False), (goal.measure.high, max, True)):
            if abs(limit) == float("inf"):
                continue
            shown = [(role, curve) for role in dossier.roles if (curve := _same(dossier, role, wanted))]
            values = [goal_value(dossier, role, goal.name) for role, _curve in shown]
            if all(
                abs(extreme(curve.y) - value) <= 0.02 * (max(curve.y) - min(curve.y))
                for (_role, curve), value in zip(shown, values, strict=True)
            ):
                yield limit, above


_FAN: Sequence[Mapping[str, Any]] = (
    {"color": COLOURS["winner"], "linewidth": 2.2},
    {"color": COLOURS["ink"], "linewidth": 1.2, "linestyle": (0, (6, 2))},
    {"color": COLOURS["ink"], "linewidth": 1.2, "linestyle": (0, (1, 1.6))},
    {"color": COLOURS["soft"], "linewidth": 1.2, "linestyle": (0, (4, 1.5, 1, 1.5))},
    {"color": COLOURS["soft"], "linewidth": 1.2},
)
"""The first line stands out; the others are told apart without colour by their dashes, and from a sixth on they repeat."""

_DOTS: Sequence[Mapping[str, Any]] = (
    {"color": COLOURS["winner"], "linestyle": "", "marker": "D", "markersize": 5.5},
    {"color": COLOURS["ink"], "linestyle": "", "marker": "o", "markersize": 4.5, "markerfacecolor": "none"},
    {"color": COLOURS["soft"], "linestyle": "", "marker": ".", "markersize": 2.0, "zorder": 1},
)
"""Points without an order: the first case stands out, the last lies behind."""


def _dots(number: int, count: int) -> Mapping[str, Any]:
    return _DOTS[0 if number == 0 else 2 if number == count - 1 else 1]


def fans(dossier: Dossier) -> list[Drawn]:
    """One panel for each fan of the winner, then of its checks, with the lines named."""
    shown = [*dossier.shown(Fan), *dossier.of_checks(Fan)]
    return [fan_panel(f"fan-{number}", fan) for number, fan in enumerate(shown, start=1)]


def fan_panel(name: str, fan: Fan) -> Drawn:
    """All lines of a fan, told apart without colour."""
    with panel(450, 290, name) as axes:
        for number, (title, x, y) in reversed(list(enumerate(fan.lines))):
            axes.plot(x, y, label=_(title), **(_dots(number, len(fan.lines)) if fan.dots else _FAN[number % len(_FAN)]))
        if fan.x_log:
            axes.set_xscale("log")
        handles, titles = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], titles[::-1], frameon=False, fontsize=11, handlelength=2.8, labelspacing=0.3)
        axes.set_xlabel(axis_text(_(fan.x_name), fan.x_unit), loc="right")
        text = _("{y} against {x}, dots for {lines}") if fan.dots else _("{y} against {x}, one line each for {lines}")
        said = text.format(y=_(fan.y_name), x=_(fan.x_name), lines=", ".join(_(title) for title, _x, _y in fan.lines))
        return Drawn(axis_text(_(fan.y_name), fan.y_unit), svg(axes, name, said))


def goal_value(dossier: Dossier, role: str, goal: str) -> float:
    """A goal's value of the trial in a role."""
    value = dossier.claims[f"{role}.goal.{goal}"].value
    return float(value) if value is not None else float("nan")


def _limit_line(axes: Any, value: float, *, above: bool) -> None:
    axes.axhline(value, color=COLOURS["limit"], linewidth=1.0, zorder=1.5)
    axes.annotate(
        _("limit"),
        (1.0, value),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3 if above else -3),
        textcoords="offset points",
        ha="right",
        va="bottom" if above else "top",
        color=COLOURS["limit"],
        fontsize=11,
    )


def _look_near(axes: Any, curves: Sequence[Any], limit: float, *, above: bool) -> None:
    """Leave out the twentieth of all points that lies furthest from the limit: a first instant must not flatten the rest."""
    values = np.concatenate(curves)
    ends = np.quantile(values, [0.05, 1.0] if above else [0.0, 0.95])
    low, high = min(ends[0], limit), max(ends[1], limit)
    axes.set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))


def calibration(dossier: Dossier) -> list[Drawn]:
    """One panel for each goal: stated means with their 90 % intervals against what was measured."""
    goals = dossier.task.goals.items()
    states = [state for state in dossier.history.in_plan("search") if state.outcome is not None]
    return [
        _calibration_panel(dossier, f"calibration-{number}", goal, [state for state in states if name in state.predicted])
        for number, (name, goal) in enumerate(goals, start=1)
        if any(name in state.predicted for state in states)
    ]


def _calibration_panel(dossier: Dossier, name: str, goal: Goal, states: Sequence[TrialState]) -> Drawn:
    with panel(320, 300, name) as axes:
        seen, ends = [], []
        for state in states:
            measured = dossier.task.goal_values(state.outcome or {})[goal.name]
            middle, low, high = state.predicted[goal.name]
            colour = COLOURS["winner"] if low <= measured <= high else COLOURS["limit"]
            axes.plot([measured, measured], [low, high], color=colour, linewidth=1.4)
            axes.plot([measured], [middle], "o" if low <= measured <= high else "D", color=colour, markersize=5)
            seen += [measured, middle]
            ends += [low, high]
        low, high = min(seen), max(seen)
        pad = 0.08 * (high - low) or 1.0
        deep, tall = max(min(ends), 2 * low - high), min(max(ends), 2 * high - low)  # what is wider still would leave no room
        axes.plot([low - pad, high + pad], [low - pad, high + pad], color=COLOURS["other"], linewidth=1.0, zorder=1)
        axes.set(xlim=(low - pad, high + pad), ylim=(min(low, deep) - pad, max(high, tall) + pad))
        axes.locator_params(nbins=5)
        axes.set_xlabel(axis_text(_("measured"), goal.unit), loc="right")
        said = _("Predicted against measured: {goal}").format(goal=goal_name(goal))
        title = _("predicted {goal}").format(goal=axis_text(goal_name(goal), goal.unit))
        return Drawn(title, svg(axes, name, said))


def margin_bar(margins: Sequence[tuple[str, float]], title: str) -> Markup:
    """Margins of one goal on a common scale from the limit on, the winner's as a bar, most important first.

    Each is a kind of mark (a CSS class) and a margin.
    """
    most = max([abs(margin) for _kind, margin in margins]) or 1.0
    low = min([0.0, *(margin for _kind, margin in margins)])
    high = max([0.0, *(margin for _kind, margin in margins)])
    pad = 0.06 * (high - low or most)

    def at(value: float) -> str:
        return f"{4 + 152 * (value - low + pad) / (high - low + 2 * pad):.1f}"

    zero = at(0.0)
    parts = [f'<path class="zero" d="M{zero} 0V24"/>']
    for kind, margin in reversed(margins):
        if kind == "winner":
            parts.append(f'<path class="{kind}" d="M{zero} 12H{at(margin)}"/>')
            parts.append(f'<circle class="{kind}" cx="{at(margin)}" cy="12" r="4"/>')
        else:
            parts.append(f'<path class="{kind}" d="M{at(margin)} {"4V20" if kind == "baseline" else "7V17"}"/>')
    head = Markup('<svg class="margin" viewBox="0 0 160 24" role="img"><title>{}</title>').format(title)
    return head + Markup("".join(parts)) + Markup("</svg>")
