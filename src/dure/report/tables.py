"""The rows of the report's tables: claims and words, laid out by the templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from dure.campaign import Claim, objectives
from dure.i18n import N_, _
from dure.journal import TrialState
from dure.problem import Axis, Goal, Held, Sheet
from dure.report.dossier import Dossier
from dure.report.figures import goal_name, margin_bar
from dure.report.markup import admit, quoted, said
from dure.report.numbers import Printed, prefix_of
from dure.report.words import brief
from dure.units import label

__all__ = [
    "ROLE_NAMES",
    "CheckRow",
    "Column",
    "MarginRow",
    "TriedRow",
    "ValueRow",
    "check_rows",
    "check_sizes",
    "columns",
    "design_rows",
    "explanation",
    "failure_rows",
    "goal_rows",
    "heat",
    "largest",
    "margin_rows",
    "parts",
    "rung_help",
    "setting_rows",
    "sheets",
    "tried_rows",
    "tried_sizes",
    "worth_rows",
]

ROLE_NAMES = {
    "winner": N_("winner"),
    "baseline": N_("baseline"),
    "runner_up.1": N_("second best"),
    "runner_up.2": N_("third best"),
}


@dataclass(frozen=True)
class Column:
    """A design that stands beside others."""

    role: str
    name: str


def largest(claims: Iterable[Claim | None]) -> float:
    """The largest size among numbers that stand side by side; 0 when there is none."""
    return max((abs(claim.value) for claim in claims if claim and isinstance(claim.value, float)), default=0.0)


def columns(dossier: Dossier) -> list[Column]:
    """Winner, baseline and runners-up, as far as there are any."""
    return [Column(role, _(ROLE_NAMES[role])) for role in dossier.roles]


@dataclass(frozen=True)
class ValueRow:
    """One quantity over several designs: its own name, what it is, its unit, its bounds, and a claim a column."""

    name: str
    help: str
    unit: str
    low: Claim | None
    high: Claim | None
    claims: Sequence[Claim]

    @property
    def near(self) -> float:
        """The largest of the numbers: it decides on a prefix for all of them."""
        return largest(self.claims)

    @property
    def bare(self) -> bool:
        """Whether the numbers can do without their unit, because it needs no prefix."""
        return not prefix_of(self.near, self.claims[0].unit)


def design_rows(dossier: Dossier) -> list[ValueRow]:
    """One row for each input."""
    found = []
    for name, spec in dossier.task.problem.inputs.items():
        if isinstance(spec, Held):
            continue
        low, high = (_given(dossier.claims.get(f"range.{name}.{side}")) for side in ("low", "high"))
        row = [dossier.claims[f"{role}.input.{name}"] for role in dossier.roles]
        found.append(ValueRow(name, _(spec.help), label(spec.unit), low, high, row))
    return found


def goal_rows(dossier: Dossier) -> list[ValueRow]:
    """One row for each goal, with its limits."""
    found = []
    for name, goal in dossier.task.goals.items():
        low, high = (_given(dossier.claims.get(f"limit.{name}.{side}")) for side in ("low", "high"))
        row = [dossier.claims[f"{role}.goal.{name}"] for role in dossier.roles]
        found.append(ValueRow(name, goal_name(goal), label(goal.unit), low, high, row))
    return found


@dataclass(frozen=True)
class MarginRow:
    """A limit and how far the winner is from it."""

    name: str
    title: str
    help: str
    value: Claim
    low: Claim | None
    high: Claim | None
    margin: Claim
    guard: Claim | None
    bar: Markup
    kept: bool


def margin_rows(dossier: Dossier) -> list[MarginRow]:
    """One row for each limit."""
    return [_margin_row(dossier, name, goal) for name, goal in dossier.task.goals.items() if not goal.is_objective]


def _margin_row(dossier: Dossier, name: str, goal: Goal) -> MarginRow:
    claims = dossier.claims
    margin, guard = claims[f"winner.margin.{name}"], claims.get(f"guard.{name}")
    marks = [("winner", margin), ("baseline", claims.get(f"baseline.margin.{name}"))]
    marks += [("check", claims.get(f"check.{check}.margin.{name}")) for check in dossier.checks]
    places = [(kind, float(claim.value)) for kind, claim in marks if claim is not None and claim.value is not None]
    title = _("Margin of the winner as a bar from the limit on; lines mark the baseline and the checks")
    return MarginRow(
        name,
        goal_name(goal),
        _(goal.measure.help),
        claims[f"winner.goal.{name}"],
        _given(claims[f"limit.{name}.low"]),
        _given(claims[f"limit.{name}.high"]),
        margin,
        guard,
        margin_bar(places, title),
        places[0][1] >= 0,
    )


def _given(claim: Claim | None) -> Claim | None:
    return None if claim is None or claim.value is None else claim


@dataclass(frozen=True)
class CheckRow:
    """A check of the winner and what came of it."""

    name: str
    help: str
    required: bool
    holds: bool | None
    answered: bool
    changes: Sequence[Claim | None]
    margins: Sequence[Claim | None]
    extra: Sequence[tuple[str, Claim]]
    reason: str


def check_rows(dossier: Dossier) -> list[CheckRow]:
    """Required checks first, each group in the problem's order."""
    helps = {check["name"]: check["help"] for check in dossier.plan["problem"]["checks"]}
    checks = sorted(dossier.checks.items(), key=lambda one: not one[1]["required"])
    return [_check_row(dossier, name, helps[name], check) for name, check in checks]


def check_sizes(rows: Sequence[CheckRow]) -> list[float]:
    """The largest margin of each goal over the checks."""
    return [largest(column) for column in zip(*(row.margins for row in rows), strict=True)]


def _check_row(dossier: Dossier, name: str, text: str, check: Mapping[str, Any]) -> CheckRow:
    claims, state = dossier.claims, dossier.history.trials.get(check["key"])
    extra = [
        (brief(measure.help) or output, claim)
        for output, measure in dossier.task.problem.measures.items()
        if (claim := claims.get(f"check.{name}.output.{output}"))
        and claim.value is not None
        and claims[f"winner.output.{output}"].value is None
    ]
    margins = [claims.get(f"check.{name}.margin.{goal}") for goal in _limited(dossier)]
    changes = [claims.get(f"check.{name}.change{suffix}") for _goal, suffix in objectives(dossier.task)]
    reason = state.reason if state and state.reason else ""
    return CheckRow(name, text, check["required"], check["holds"], check["answered"], changes, margins, extra, reason)


def _limited(dossier: Dossier) -> list[str]:
    return [name for name, goal in dossier.task.goals.items() if not goal.is_objective]


def parts(dossier: Dossier) -> Sequence[tuple[Axis, ValueRow]]:
    """The winner's parts, each output with its axis."""
    found = []
    for name, measure in dossier.task.problem.measures.items():
        if measure.axis and "winner" in dossier.roles:
            row = [dossier.claims[f"winner.part.{name}.{index}"] for index in range(measure.width)]
            title = brief(measure.help) or name.replace("_", " ")
            found.append((measure.axis, ValueRow(name, title, label(measure.unit), None, None, row)))
    return found


def sheets(dossier: Dossier) -> list[tuple[str, Sequence[str], Sequence[Sequence[str]]]]:
    """Sheets of the winner, then of its checks: title, headings and rows, numbers to four figures, as the simulator said them."""
    return [
        (_(sheet.name), [_(one) for one in sheet.columns], [[_cell(cell) for cell in row] for row in sheet.rows])
        for sheet in (*dossier.shown(Sheet), *dossier.of_checks(Sheet))
    ]


def _cell(cell: str | float) -> str:
    """A text in the reader's language, or a number."""
    if isinstance(cell, str):
        return _(cell) if cell else ""
    return f"{cell:.4g}".replace("-", "\N{MINUS SIGN}")


def mattering(dossier: Dossier) -> list[str]:
    """The inputs that have a rank and so a correlation with some goal; a molecule has none."""
    inputs, goals = dossier.task.problem.inputs, dossier.task.goals
    return [name for name in inputs if any(dossier.claims[f"matters.{name}.{goal}"].value is not None for goal in goals)]


def heat(claim: Claim) -> str:
    """The CSS class that colours a correlation: its sign, and a fifth of its range."""
    if not isinstance(claim.value, float):
        return ""
    steps = ("none", "faint", "weak", "clear", "strong")
    size = steps[min(4, int(abs(claim.value) * 5))]
    return f"heat-{'up' if claim.value > 0 else 'down'}-{size}"


@dataclass(frozen=True)
class TriedRow:
    """A design of the search: why it was tried and what came of it."""

    rung: str
    why: Markup
    values: Sequence[Claim | None]
    answered: bool
    keeps: bool
    reason: str


def tried_rows(dossier: Dossier) -> list[TriedRow]:
    """The search, in the order it asked."""
    states = dossier.history.in_plan("start", "search")
    return [_tried_row(dossier, f"tried.{number}", state) for number, state in enumerate(states, start=1)]


def _tried_row(dossier: Dossier, prefix: str, state: TrialState) -> TriedRow:
    keeps = False
    if state.outcome is not None:
        keeps = min(dossier.task.margins(dossier.task.goal_values(state.outcome)).values(), default=0.0) >= 0
    why = explanation(dossier, prefix, state)
    values = [dossier.claims.get(f"{prefix}.goal{suffix}") for _goal, suffix in objectives(dossier.task)]
    return TriedRow(state.fidelity, why, values, state.outcome is not None, keeps, state.reason or "")


def tried_sizes(rows: Sequence[TriedRow]) -> list[float]:
    """The largest value of each objective over the search."""
    return [largest(column) for column in zip(*(row.values for row in rows), strict=True)]


def explanation(dossier: Dossier, prefix: str, state: TrialState) -> Markup:
    """Why the trial was asked for, in the reader's language, its numbers as claims."""
    places: dict[str, Markup | Printed] = {}
    for name, value in state.numbers.items():
        if isinstance(value, str):
            places[name] = quoted(label(value) if name == "unit" else _(value))
        else:
            places[name] = Printed(dossier.claims[f"{prefix}.{name}"])
    return said(_(state.why), **places)


def failure_rows(dossier: Dossier) -> Sequence[tuple[str, Claim, Sequence[str]]]:
    """Each class of failures, how many trials ended so, and the last lines of up to three of them."""
    found = []
    for claim in dossier.claims.values():
        if claim.id.startswith("failures."):
            reason = claim.id.removeprefix("failures.")
            said = [state.detail for state in dossier.history.in_plan() if state.reason == reason and state.detail]
            found.append((reason, claim, ["\n".join(text.splitlines()[-20:]) for text in said[:3]]))
    return found


def dropped_rows(dossier: Dossier) -> list[tuple[str, str, Claim]]:
    """Each rule of which it was counted how many designs it kept out: name, what it says, claim."""
    rules = dossier.task.problem.rules
    known = [(one, dossier.claims.get(f"dropped.{one.name}")) for one in rules]
    return [(_(one.name), _(one.help), claim) for one, claim in known if claim is not None]


def worth_rows(dossier: Dossier) -> list[tuple[str, list[tuple[Claim, Claim] | None]]]:
    """What the author stated, and for each goal the share of variance it explains and the share of parts it was used for."""
    stated = dossier.history.decisions[-1].get("search", {}).get("worth", ())
    known = {(one["piece"], one["goal"]): f"worth.{one['piece']}.{one['goal']}" for one in stated}
    claims = {of: (dossier.claims[f"{name}.explained"], dossier.claims[f"{name}.used"]) for of, name in known.items()}
    pieces = dict.fromkeys(piece for piece, _goal in known)
    return [(piece, [claims.get((piece, goal)) for goal in dossier.task.goals]) for piece in pieces]


def setting_rows(dossier: Dossier) -> list[tuple[str, str, Claim]]:
    """What the campaign held fixed: name, what it is, claim."""
    fields = dossier.task.problem.inputs_of_setting.items()
    return [(name, _(spec.help), dossier.claims[f"setting.{name}"]) for name, spec in fields]


def rung_help(dossier: Dossier) -> list[tuple[str, str]]:
    """Every fidelity that was used: name, what it is."""
    problem = dossier.task.problem
    used = {state.fidelity for state in dossier.history.in_plan()}
    return [(rung.name, admit(quoted(_(rung.help)))) for rung in (*problem.fidelities, *problem.beyond) if rung.name in used]
