"""Claims: statements whose numbers are recomputed from the journal by a small closed set of expressions, never by code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dure.campaign.ending import conclude
from dure.campaign.queries import Query, evaluate
from dure.i18n import N_
from dure.journal import History
from dure.problem import Goal
from dure.strategy import Task

__all__ = ["Claim", "claims_of", "objectives", "shortened"]

_LONG = 64
"""Letters of a text that are shown where many stand side by side."""


@dataclass(frozen=True)
class Claim:
    """A named number (or word), what it says, its unit, and the query it is recomputed by; ``value`` None: there is none."""

    id: str
    statement: str
    unit: str
    query: Query
    value: float | str | None

    def plain(self) -> dict[str, Any]:
        """As JSON data."""
        return {"id": self.id, "statement": self.statement, "unit": self.unit, "query": self.query.plain(), "value": self.value}


def shortened(text: str) -> str:
    """A claim's text as it is shown: its beginning, where it is long."""
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


class _Collector:
    def __init__(self, history: History, task: Task) -> None:
        self.history, self.task = history, task
        self.found: dict[str, Claim] = {}

    def add(self, claim: str, statement: str, unit: str, op: str, /, **args: Any) -> None:
        query = Query(op, args)
        self.found[claim] = Claim(claim, statement, unit, query, evaluate(query, self.history, self.task))

    def trial(self, role: str, key: str, *, repeats: Sequence[str] = (), inputs: bool = True, parts: bool = True) -> None:
        """What a report says of one trial; where it was repeated, of the mean of its repeats."""
        problem, of = self.task.problem, list(repeats) or key
        for name, spec in problem.inputs.items() if inputs else ():
            self.add(f"{role}.input.{name}", N_("value of an input"), spec.unit, "input", trial=key, name=name)
        for name, goal in self.task.goals.items():
            self.add(f"{role}.goal.{name}", N_("value of a goal"), goal.unit, "goal", trial=of, goal=name)
            if not goal.is_objective:
                text = N_("distance to the limit; negative when broken")
                self.add(f"{role}.margin.{name}", text, _apart(goal.unit), "margin", trial=of, goal=name)
        for name, measure in problem.measures.items():
            for index in range(measure.width) if measure.axis and parts else ():
                text = N_("one part of an outcome")
                self.add(f"{role}.part.{name}.{index}", text, measure.unit, "output", trial=of, output=name, part=index)
            if measure.axis is None and measure.sense is None:
                self.add(f"{role}.output.{name}", N_("a recorded output"), measure.unit, "output", trial=of, output=name)
        if repeats:
            self._doubt(role, list(repeats))

    def _doubt(self, role: str, repeats: list[str]) -> None:
        """How sure the mean of repeats is."""
        self.add(f"{role}.repeats", N_("how often a design was repeated"), "1", "repeats", trial=repeats)
        for name, goal in self.task.goals.items():
            text = N_("half the width of the interval of the mean")
            self.add(f"{role}.half.{name}", text, _apart(goal.unit), "half", trial=repeats, goal=name)
            if not goal.is_objective:
                text = N_("the margin that is kept with the plan's confidence")
                self.add(f"{role}.sure.{name}", text, _apart(goal.unit), "sure_margin", trial=repeats, goal=name)


def _apart(unit: str) -> str:
    """The unit of a difference: degrees Celsius are apart by kelvins."""
    return "K" if unit == "degC" else unit


def objectives(task: Task) -> list[tuple[Goal, str]]:
    """Each objective, and what is added to the name of a claim about it: nothing for the first."""
    return [(goal, f".{goal.name}" if number else "") for number, goal in enumerate(task.objectives)]


def claims_of(history: History, task: Task) -> dict[str, Claim]:
    """Every number a report of the newest plan may print, by id; a function of the history alone.

    Before the conclusion they are those of where the campaign stands, without a verdict.
    """
    made = _Collector(history, task)
    made.add("verdict", N_("the verdict"), "", "verdict")
    ends, each = history.conclusion or conclude(history, task), objectives(task)
    roles = {"winner": ends["winner"], "baseline": ends["baseline"]}
    roles |= {f"runner_up.{index}": key for index, key in enumerate(ends["runners_up"], start=1)}
    repeats = ends.get("repeats", {})
    for role, key in roles.items():
        if key:
            made.trial(role, key, repeats=repeats.get(role, ()))
    winner, baseline = (repeats.get(role) or roles[role] for role in ("winner", "baseline"))
    for goal, suffix in each if winner and baseline else ():
        args = {"trial": winner, "against": baseline, "goal": goal.name}
        made.add(f"gain.baseline{suffix}", N_("relative gain over the textbook start"), "1", "change", **args)
        if len(repeats) == 2:
            text = N_("relative gain that is reached with the plan's confidence")
            made.add(f"gain.sure{suffix}", text, "1", "sure_change", **args)
    for name, check in ends["checks"].items():
        if check["answered"]:
            made.trial(f"check.{name}", check["key"], inputs=False, parts=False)
            for goal, suffix in each:
                args = {"trial": check["key"], "against": winner, "goal": goal.name}
                text = N_("relative change of the objective under the check")
                made.add(f"check.{name}.change{suffix}", text, "1", "change", **args)
    for number, key in enumerate(ends.get("front", ()), start=1):
        made.trial(f"front.{number}", key, parts=False)
    for part in (_planned, _effort, _dropped, _failures, _tried, _belief, *([_volumes] if len(each) > 1 else [])):
        part(made)
    return made.found


def _planned(made: _Collector) -> None:
    plan, text = made.history.plan, N_("a number of the plan")
    for name, goal in made.task.goals.items():
        for side in ("low", "high") if not goal.is_objective else ():
            made.add(f"limit.{name}.{side}", N_("a limit"), goal.unit, "limit", goal=name, side=side)
        if name in made.task.guard:
            made.add(f"guard.{name}", N_("by how much a limit was tightened"), _apart(goal.unit), "guard", goal=name)
    for name, spec in plan["problem"]["design"].items():
        for side in ("low", "high") if "low" in spec else ():
            made.add(f"range.{name}.{side}", text, spec["unit"], "plan", path=["problem", "design", name, side])
    if plan["problem"].get("candidates"):
        made.add("candidates", N_("how many designs there are"), "1", "plan", path=["problem", "candidates", "count"])
    for name in plan["setting"]:
        made.add(f"setting.{name}", text, plan["problem"]["setting"][name]["unit"], "plan", path=["setting", name])
    for index, rung in enumerate(plan["problem"]["fidelities"]):
        made.add(f"cost.{rung['name']}", text, "1", "plan", path=["problem", "fidelities", index, "cost"])
    units = {"budget.cpu_seconds": "s"}
    paths = ["budget.runs", "budget.cpu_seconds", "stopping.tolerance", "stopping.patience", "seed", "control_runs"]
    paths += ["stopping.certificate"] if plan["stopping"].get("certificate") else []
    paths += ["replication.replicates", "replication.leaders", "replication.confidence"] if "replication" in plan else []
    for path in paths:
        made.add(f"plan.{path}", text, units.get(path, "1"), "plan", path=path.split("."))


def _effort(made: _Collector) -> None:
    repeats = ["replicate"] if "replication" in made.history.plan else []
    for purpose in ("search", "check", "baseline", "control", *repeats, ""):
        suffix = purpose or "all"
        for unit, text in (("runs", "1"), ("cpu_seconds", "s"), ("wall_seconds", "s")):
            made.add(f"spent.{suffix}.{unit}", N_("what was spent"), text, "spent", unit=unit, purpose=purpose)
        for status in ("asked", "answered", "failed", "reused", "repeated"):
            made.add(f"count.{suffix}.{status}", N_("how many trials"), "1", "count", status=status, purpose=purpose)
    for rung in (*made.task.problem.fidelities, *made.task.problem.beyond):
        for status in ("answered", "failed"):
            made.add(f"count.rung.{rung.name}.{status}", N_("how many trials"), "1", "count", status=status, fidelity=rung.name)
        for unit, text in (("runs", "1"), ("cpu_seconds", "s")):
            made.add(f"spent.rung.{rung.name}.{unit}", N_("what was spent"), text, "spent", unit=unit, fidelity=rung.name)


def _dropped(made: _Collector) -> None:
    """Where the strategy makes designs of its own and counts those that it drops."""
    if any(name.startswith("dropped.") for state in made.history.in_plan() for name in state.numbers):
        for rule in made.task.problem.rules:
            made.add(f"dropped.{rule.name}", N_("designs left out before they were asked for"), "1", "dropped", rule=rule.name)


def _failures(made: _Collector) -> None:
    for reason in sorted({state.reason for state in made.history.in_plan() if state.reason}):
        made.add(f"failures.{reason}", N_("how many trials"), "1", "count", status="failed", reason=reason)


def _tried(made: _Collector) -> None:
    """The search, trial by trial: what was expected and what came of it."""
    each = objectives(made.task)
    for number, state in enumerate(made.history.in_plan("start", "search"), start=1):
        for name, value in state.numbers.items():
            if not isinstance(value, str):
                unit = made.task.objective.unit if name == "gain" and len(each) == 1 else "1"
                made.add(f"tried.{number}.{name}", N_("stated before the trial ran"), unit, "stated", trial=state.key, name=name)
        for goal, suffix in each if state.outcome is not None else ():
            text, args = N_("value of a goal"), {"trial": state.key, "goal": goal.name}
            made.add(f"tried.{number}.goal{suffix}", text, goal.unit, "goal", **args)


def _volumes(made: _Collector) -> None:
    """How much of the possible the front covers, beside textbook starts and random designs."""
    made.add("front.members", N_("designs of the front"), "1", "members")
    for goal in made.task.objectives:
        made.add(f"reference.{goal.name}", N_("reference point of the hypervolume"), goal.unit, "reference", goal=goal.name)
    for of in ("front", "starts", "control"):
        made.add(
            f"hypervolume.{of}", N_("hypervolume, as a share of the box up to the reference point"), "1", "hypervolume", of=of
        )


def _belief(made: _Collector) -> None:
    made.add("prospect", N_("probability that more runs would gain more than the tolerance, as last stated"), "1", "prospect")
    made.add("predictions", N_("predictions stated before the answer"), "1", "predictions")
    for goal, suffix in objectives(made.task):
        args = {"goal": goal.name} if suffix else {}
        made.add(f"control.best{suffix}", N_("best feasible random design"), goal.unit, "best_control", **args)
    for wanted in made.task.goals:
        text = N_("share of answers inside the interval meant to hold nine in ten")
        made.add(f"coverage.{wanted}", text, "1", "coverage", goal=wanted)
        for name in made.task.problem.inputs:
            text, pair = N_("rank correlation of an input with a goal"), {"name": name, "goal": wanted}
            made.add(f"matters.{name}.{wanted}", text, "1", "rank_correlation", **pair)
    for one in made.history.decisions[-1].get("search", {}).get("worth", ()):
        of = {"piece": one["piece"], "goal": one["goal"]}
        for number, text in (
            ("explained", N_("share of a goal's variance that something stated explains")),
            ("used", N_("share of a goal's parts for which something stated was used")),
        ):
            made.add(f"worth.{one['piece']}.{one['goal']}.{number}", text, "1", "worth", number=number, **of)
    if made.history.decisions[-1].get("search", {}).get("past"):
        for number, text in (
            ("weight", N_("weight of the family's past when the search ended")),
            ("saved", N_("answers that its absence would have cost")),
            ("saved.low", N_("answers that its absence would have cost, lower end of the interval that holds nine in ten")),
            ("saved.high", N_("answers that its absence would have cost, upper end of the interval that holds nine in ten")),
            ("ignored", N_("answers after which the family's past stayed out of use")),
            ("tasks", N_("past tasks that the model learned from")),
            ("rows", N_("past answers that the model learned from")),
        ):
            made.add(f"past.{number}", text, "1", "past", number=number)
