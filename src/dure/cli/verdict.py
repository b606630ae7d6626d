"""The verdict in words: what was found, by what margins, and what was not shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from dure.campaign import claims_of, objectives, shortened
from dure.cli.screen import bounds, grid, heading, number, signed, spoken
from dure.i18n import N_, _
from dure.journal import History
from dure.problem import Goal, Held, Replay
from dure.problem.replay import LABEL
from dure.strategy import Task

__all__ = ["show_verdict"]

WORDS = {
    "supported": (N_("Supported"), "bold green"),
    "refuted": (N_("Refuted"), "bold red"),
    "inconclusive": (N_("Inconclusive"), "bold yellow"),
}


def show_verdict(screen: Console, history: History, task: Task, *, brief: bool = False) -> None:
    """Print the conclusion of the newest plan; every number is a claim."""
    values = {name: claim.value for name, claim in claims_of(history, task).items()}
    ends = history.conclusion or {}
    word, style = WORDS[ends["verdict"]]
    screen.print(Text.assemble((f"{spoken(word)}: ", style), f"{spoken(ends['because'])}. {_found(values, task)}".strip()))
    for said in (_unanswered(history), _past(history, values)):
        if said:
            screen.print(said)
    if brief:
        if isinstance(task.problem.simulate, Replay):
            screen.print(spoken(LABEL))
        return
    for title, rows in _blocks(history, task, values):
        if rows:
            screen.print()
            screen.print(heading(title))
            screen.print(grid(rows))
    screen.print()


def _past(history: History, values: Mapping[str, Any]) -> str:
    """What the family's past was worth, where a model of it was on trial."""
    if values.get("past.weight") is None or not history.decisions[-1]["search"]["past"]["answers"]:
        return ""
    if values["past.ignored"] is not None:
        text = _("The past of the family ({model}) did not help: after {ignored:.0f} answers it stayed out of use.")
    elif values["past.saved"]:
        text = _("Without the past of the family ({model}) forecasts were as good only about {saved:.0f} answers later.")
    else:
        text = _("Without the past of the family ({model}) forecasts were as good.")
    return text.format(model=history.plan["prior"], ignored=values["past.ignored"] or 0, saved=values["past.saved"])


def _unanswered(history: History) -> str:
    """What the last simulation complained about, where none of the plan's gave an answer."""
    states = history.in_plan()
    if not states or any(state.outcome is not None for state in states):
        return ""
    last = states[-1]
    return _("No simulation gave an answer; of the last: {reason}").format(
        reason=last.detail.strip().rpartition("\n")[2] or last.reason
    )


def _found(values: Mapping[str, Any], task: Task) -> str:
    if values.get(f"winner.goal.{task.objective.name}") is None:
        return ""
    text = _("The best design reaches {values}").format(values=_reached(values, task, "winner"))
    gains = {goal.name: gain for goal, suffix in objectives(task) if (gain := values.get(f"gain.baseline{suffix}")) is not None}
    if gains:
        named = len(task.objectives) > 1
        text += _("; the best textbook start reaches {values}, so the gain is {gain}").format(
            values=_reached(values, task, "baseline"),
            gain=", ".join(f"{name} {gain:+.1%}" if named else f"{gain:.1%}" for name, gain in gains.items()),
        )
    if len(task.objectives) > 1:
        return f"{text}. {_covered(values)}"
    if values.get("control.best") is not None:
        text += _("; the best of {count:.0f} random designs reaches {value}").format(
            count=values["count.control.asked"], value=number(values["control.best"], task.objective.unit)
        )
    return f"{text}."


def _reached(values: Mapping[str, Any], task: Task, role: str) -> str:
    return ", ".join(f"{goal.name} = {_measured(values, goal, role)}" for goal in task.objectives)


def _measured(values: Mapping[str, Any], goal: Goal, role: str) -> str:
    """A goal's value in a role; where the design was repeated, with half the interval of its mean."""
    value, half = values[f"{role}.goal.{goal.name}"], values.get(f"{role}.half.{goal.name}")
    return number(value, goal.unit) if half is None else f"{value:.4g} ± {number(half, goal.unit, places='.2g')}"


def _covered(values: Mapping[str, Any]) -> str:
    text = _("It is the knee of a front of {count:.0f} designs, which covers {share:.1%} of the box up to its reference point")
    text = text.format(count=values["front.members"], share=values["hypervolume.front"])
    if values["count.control.answered"]:
        text += _("; {count:.0f} random designs cover {share:.1%}").format(
            count=values["count.control.answered"], share=values["hypervolume.control"]
        )
    return f"{text}."


def _front(task: Task, ends: Mapping[str, Any], values: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The members of the front, by the first objective; empty with one objective."""
    members = list(enumerate(ends.get("front", ()), start=1))
    rows = [("", *(goal.name for goal in task.objectives), "")] if members else []
    for place, key in members:
        reached = [number(values[f"front.{place}.goal.{goal.name}"], goal.unit) for goal in task.objectives]
        rows.append((str(place), *reached, _("the knee; only this design was checked") if key == ends["winner"] else ""))
    return rows


def _blocks(history: History, task: Task, values: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, ...]]]]:
    problem, ends = task.problem, history.conclusion or {}
    design: list[tuple[str, ...]] = []
    if ends["winner"]:
        design = [
            (name, number(_shown(values[f"winner.input.{name}"]), spec.unit, places=".6g"))
            for name, spec in problem.inputs.items()
            if not isinstance(spec, Held)
        ]
    return [
        (_("Front"), _front(task, ends, values)),
        (_("Design"), design),
        (_("Margins"), _margins(task, ends, values)),
        (_("Checks"), [_check(task, name, check, values) for name, check in ends["checks"].items()]),
        (_("Not shown"), _not_shown(history, task, values)),
        (_("Cost"), _cost(values)),
    ]


def _shown(value: Any) -> Any:
    return shortened(value) if isinstance(value, str) else value


def _margins(task: Task, ends: Mapping[str, Any], values: Mapping[str, Any]) -> list[tuple[str, ...]]:
    required = [name for name, check in ends["checks"].items() if check["required"] and check["answered"]]
    rows = []
    for name, goal in task.goals.items():
        value = values.get(f"winner.goal.{name}")
        if goal.is_objective or value is None:
            continue
        limit = bounds(values[f"limit.{name}.low"], values[f"limit.{name}.high"], goal.unit)
        margin = _("margin {margin}").format(margin=signed(values[f"winner.margin.{name}"], goal.unit))
        if (sure := values.get(f"winner.sure.{name}")) is not None:
            text = _("{margin}, at least {sure} with {confidence:.0%} confidence")
            confidence = values["plan.replication.confidence"]
            margin = text.format(margin=margin, sure=signed(sure, goal.unit), confidence=confidence)
        others = [
            _("{margin} in check {check}").format(
                margin=signed(values[f"check.{check}.margin.{name}"], goal.unit), check=spoken(check)
            )
            for check in required
        ]
        rows.append((name, _measured(values, goal, "winner"), limit, "; ".join([margin, *others])))
    return list(rows)


def _check(task: Task, name: str, check: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[str, str]:
    if not check["answered"]:
        return spoken(name), _("no answer")
    parts = [_("all limits hold") if check["holds"] else _("breaks {names}").format(names=", ".join(_broken(task, name, values)))]
    parts += [f"{goal.name} {number(values[f'check.{name}.goal.{goal.name}'], goal.unit)}" for goal in task.objectives]
    for output, measure in task.problem.measures.items():
        value = values.get(f"check.{name}.output.{output}")
        if value is not None and values.get(f"winner.output.{output}") is None:
            parts.append(f"{output} {number(value, measure.unit)}")
    return spoken(name), ", ".join(parts)


def _broken(task: Task, check: str, values: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} ({signed(margin, goal.unit)})"
        for name, goal in task.goals.items()
        if (margin := values.get(f"check.{check}.margin.{name}")) is not None and margin < 0
    ]


def _not_shown(history: History, task: Task, values: Mapping[str, Any]) -> list[tuple[str, ...]]:
    unanswered = [spoken(name) for name, check in (history.conclusion or {})["checks"].items() if not check["answered"]]
    open_checks = [*unanswered, *(spoken(name) for name in history.plan["skipped_checks"])]
    rows = [(_("Nothing is known of these checks: {names}.").format(names=", ".join(open_checks)),)] if open_checks else []
    if values["prospect"] is not None:
        text = _(
            "By the model's last estimate, more runs would gain more than {tolerance:.2g} % with a probability of {share:.3g} %."
        )
        rows.append((text.format(tolerance=100 * values["plan.stopping.tolerance"], share=100 * values["prospect"]),))
    return [*rows, *((spoken(text),) for text in task.problem.hazards)]


def _cost(values: Mapping[str, Any]) -> list[tuple[str, ...]]:
    purposes = {
        "search": _("search"),
        "check": _("checks"),
        "baseline": _("baseline"),
        "replicate": _("repeats"),
        "control": _("comparison"),
    }
    rows = []
    for name, text in purposes.items():
        count = {status: values.get(f"count.{name}.{status}") for status in ("asked", "failed", "reused")}
        if not count["asked"]:
            continue
        cost = _("{runs:.3g} runs, {seconds:.3g} CPU s")
        parts = [cost.format(runs=values[f"spent.{name}.runs"], seconds=values[f"spent.{name}.cpu_seconds"])]
        parts += [_("{count:.0f} failed").format(count=count["failed"])] if count["failed"] else []
        parts += [_("{count:.0f} known before").format(count=count["reused"])] if count["reused"] else []
        rows.append((text, ", ".join(parts)))
    return list(rows)
