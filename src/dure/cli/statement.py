"""A problem and a plan in words: what is asked, what may vary, what it may cost, when it ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from dure.campaign import MOST_ROUNDS
from dure.cli.screen import bounds, grid, heading, number, spoken
from dure.i18n import N_, _
from dure.problem import Problem, Replay
from dure.problem.citations import citation_text
from dure.strategy import BY_BUDGET
from dure.units import label

__all__ = ["show_plan", "show_problem"]

_MOST_LISTED = 12
SENSES = {"minimise": N_("minimise"), "maximise": N_("maximise")}


def show_problem(screen: Console, problem: Problem) -> None:
    """All that a problem states."""
    plain = problem.describe()
    blocks = [
        _question(plain),
        _block(_("What may vary"), _inputs(plain)),
        _block(_("Settings, held fixed in a campaign"), _settings(plain, {})),
        _block(_("What is wanted"), _goals(plain, plain["outcome"])),
        _block(_("What is recorded beside"), _records(plain)),
        _block(_("Rules a design must keep"), [(name, spoken(text)) for name, text in plain["rules"].items()]),
        _block(_("Ladder"), _ladder(problem)),
        _block(_("Checks of the winner"), _checks(problem, [one.name for one in problem.checks])),
        _block(_("Sets of limits for --limits"), _limit_sets(problem)),
        _block(_("Kept for evaluation; no prior may learn from it"), _held_out(plain)),
        _block(_("Unless told otherwise"), [(_("budget"), _("{runs:g} runs").format(runs=problem.runs))]),
        _block(_("Hazards"), [(spoken(text),) for text in problem.hazards]),
        _block(_("Sources"), [(citation_text(key),) for key in problem.cites]),
    ]
    _print(screen, blocks)


def show_plan(screen: Console, problem: Problem, plan: Mapping[str, Any], folder: object) -> None:
    """What a campaign is about to do, before it does anything."""
    plain = plan["problem"]
    checks = _checks(problem, plan["checks"])
    checks += [
        (spoken(name), _("left out: the setting it needs lies outside what is declared")) for name in plan["skipped_checks"]
    ]
    blocks = [
        _question(plain),
        _block(_("What may vary"), _inputs(plain)),
        _block(_("Settings, held fixed"), _settings(plain, plan["setting"])),
        _block(_("What is wanted"), _goals(plain, plan["goals"])),
        _block(_("Ladder"), _ladder(problem)),
        _block(_("Plan"), _course(problem, plan, folder)),
        _block(_("Checks of the winner"), checks),
    ]
    _print(screen, blocks)


def _held_out(plain: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [(name, _listed(kept) if isinstance(kept, list) else f"{kept:.0%}") for name, kept in plain["held_out"].items()]


def _print(screen: Console, blocks: list[RenderableType | None]) -> None:
    for block in blocks:
        if block is not None:
            screen.print(block)
            screen.print()


def _block(title: str, rows: list[tuple[str, ...]]) -> RenderableType | None:
    return Group(heading(title), grid(rows)) if rows else None


def _question(plain: Mapping[str, Any]) -> RenderableType:
    name = _("{name}, version {version}").format(name=plain["name"], version=plain["version"])
    return Group(heading(spoken(plain["question"])), Padding(Text(name, style="dim"), (0, 0, 0, 2)))


def _range(spec: Mapping[str, Any]) -> str:
    if "options" in spec:
        return _listed(spec["options"])
    if "levels" in spec:
        return f"{_listed([f'{level:g}' for level in spec['levels']])} {label(spec['unit'])}".rstrip()
    if "inventory" in spec:
        stock = _listed([f"{count} {kind}" for kind, count in spec["inventory"]])
        return _("{stock} over {count} places").format(stock=stock, count=len(spec["places"]))
    if "symbols" in spec:
        symbols = _listed(spec["symbols"])
        return _("{least} to {most} of {symbols}, in order").format(least=spec["least"], most=spec["most"], symbols=symbols)
    if spec["kind"] == "molecule":
        return _("{count} molecules").format(count=spec["pool"]["count"]) if spec["pool"] else _("any molecule")
    text = bounds(spec["low"], spec["high"], spec["unit"])
    return _("{range}, by factors").format(range=text) if spec.get("log") else text


def _listed(values: Sequence[str]) -> str:
    if len(values) <= _MOST_LISTED:
        return ", ".join(values)
    return _("{some} and {more} more").format(some=", ".join(values[:_MOST_LISTED]), more=len(values) - _MOST_LISTED)


def _inputs(plain: Mapping[str, Any]) -> list[tuple[str, ...]]:
    free = {name: spec for name, spec in plain["design"].items() if spec["kind"] != "held"}
    wide = any({"options", "inventory", "symbols"} & set(spec) for spec in free.values())
    rows = [(name, _range(spec), spoken(spec["help"])) for name, spec in free.items()]
    shown: list[tuple[str, ...]] = list(rows)
    if wide:
        shown = [(name, " · ".join(filter(None, rest))) for name, *rest in rows]
    if plain["candidates"]:
        shown.append((_("candidates"), _("{count} designs, and no others").format(count=plain["candidates"]["count"])))
    return shown


def _settings(plain: Mapping[str, Any], chosen: Mapping[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for name, spec in plain["setting"].items():
        value = chosen.get(name, spec["default"])
        known = "" if chosen else _range(spec)
        rows.append((name, number(value, spec["unit"], places="g"), " · ".join(filter(None, (spoken(spec["help"]), known)))))
    return list(rows)


def _goals(plain: Mapping[str, Any], goals: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    rows = []
    for name, goal in goals.items():
        if goal["sense"] is None:
            continue
        wanted = spoken(SENSES[goal["sense"]]) if goal["sense"] in SENSES else bounds(goal["low"], goal["high"], goal["unit"])
        unit = f" ({label(goal['unit'])})" if goal["sense"] in SENSES and label(goal["unit"]) else ""
        rows.append((name, wanted + unit, spoken(plain["outcome"][name]["help"])))
    return list(rows)


def _records(plain: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [(name, label(goal["unit"]), spoken(goal["help"])) for name, goal in plain["outcome"].items() if goal["sense"] is None]


def _ladder(problem: Problem) -> list[tuple[str, ...]]:
    top = problem.top.name
    rows = []
    for rung in problem.fidelities:
        cost = _("{cost:g} run").format(cost=rung.cost)
        rows.append((rung.name, cost, " · ".join(filter(None, (spoken(rung.help), _("optimised") if rung.name == top else "")))))
    return list(rows)


def _checks(problem: Problem, names: list[str]) -> list[tuple[str, ...]]:
    rows = []
    for check in problem.checks:
        if check.name in names:
            what = _("decides the verdict") if check.required else _("reported")
            rows.append((spoken(check.name), " · ".join(filter(None, (what, spoken(check.help))))))
    return list(rows)


def _limit_sets(problem: Problem) -> list[tuple[str, ...]]:
    rows = []
    for name, limits in problem.limits.items():
        shown = []
        for goal, limit in limits.items():
            text = " – ".join(f"{one:g}" for one in limit) if isinstance(limit, tuple) else f"{limit:g}"
            shown.append(f"{goal} = {number(text, problem.goals[goal].unit)}")
        rows.append((name, ", ".join(shown)))
    return list(rows)


def _course(problem: Problem, plan: Mapping[str, Any], folder: object) -> list[tuple[str, ...]]:
    budget, stopping = plan["budget"], plan["stopping"]
    if budget["runs"] is not None:
        text = _("{runs:g} runs; one run is one simulation at {rung}")
        if isinstance(problem.simulate, Replay):
            text = _("{runs:g} runs; one run looks up one candidate")
        cost = text.format(runs=budget["runs"], rung=problem.top.name)
    else:
        cost = _("{seconds:g} CPU seconds of simulation").format(seconds=budget["cpu_seconds"])
    stop = _("budget spent, or {patience} proposals in a row that promise less than {tolerance:.2g} % more")
    if plan["strategy"] in BY_BUDGET:
        stop = _("budget spent")
    elif stopping["certificate"]:
        stop = _(
            "budget spent, or {patience} times in a row a certainty of {level:.3g} % that more runs would gain "
            "at most {tolerance:.2g} %"
        )
    shares = {"tolerance": 100 * stopping["tolerance"], "level": 100 * (stopping["certificate"] or 0.0)}
    rows = [
        (_("hypothesis"), spoken(plan["hypothesis"])),
        (_("budget"), cost),
        (_("ends when"), stop.format(**shares, patience=stopping["patience"])),
        (_("strategy"), f"{plan['strategy']}: {' '.join(_(text) for text in plan['explanation'])}"),
    ]
    if "replication" in plan:
        rows.append((_("repeats"), _repeated(plan["replication"])))
    if plan["control_runs"]:
        rows.append((_("afterwards"), _("{runs} random designs for comparison").format(runs=plan["control_runs"])))
    return [*rows, (_("seed"), str(plan["seed"])), (_("plan"), plan["hash"][:12]), (_("folder"), str(folder))]


def _repeated(planned: Mapping[str, Any]) -> str:
    """What noise costs beside the budget."""
    if not planned["replicates"]:
        return _("none, so that noise leaves the answer open")
    text = _("{leaders} leaders {times} times each, then the winner and its baseline {times} times afresh; up to {rounds} rounds")
    return text.format(leaders=planned["leaders"], times=planned["replicates"], rounds=MOST_ROUNDS)
