"""The answer in words, and what was not shown."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from dure.campaign import objectives
from dure.i18n import _
from dure.report.dossier import Dossier
from dure.report.figures import goal_name
from dure.report.markup import fill, listed, measured, quoted, show
from dure.report.words import because

__all__ = ["cautions", "sentence"]


def sentence(dossier: Dossier) -> Markup:
    """The verdict's reason as one sentence with the numbers it rests on."""
    if "winner" not in dossier.roles:
        if dossier.concluded:
            return fill(_("No design was found that keeps every limit."))
        return fill(_("No design that keeps every limit has been found yet."))
    return Markup("; ").join(_clauses(dossier)) + Markup(".")


def _clauses(dossier: Dossier) -> Iterator[Markup]:
    claims, objective = dossier.claims, dossier.task.objective
    start = _("With the best design found, {objective} is {value}")
    if not dossier.concluded:
        start = _("With the best design found so far, {objective} is {value}")
    for goal, suffix in objectives(dossier.task):
        text = _("{objective} is {value}") if suffix else start
        yield fill(text, objective=quoted(goal_name(goal)), value=measured(claims, "winner", goal.name))
    if len(dossier.task.objectives) > 1:
        yield fill(_("it is the knee of a front of {count} designs"), count=show(claims["front.members"]))
        yield from _traded(dossier)
    elif "gain.baseline" in claims:
        worse = (
            dossier.ends["because"] == "nothing better than the textbook start was found"
            or float(claims["gain.baseline"].value or 0) <= 0
        )
        text = (
            _("no better than the best textbook start ({baseline})")
            if worse
            else _("{gain} better than the best textbook start ({baseline})")
        )
        gain, baseline = show(claims["gain.baseline"], 3, percent=True), measured(claims, "baseline", objective.name)
        yield fill(text, gain=gain, baseline=baseline)
        if "gain.sure" in claims and not worse:
            sure, confidence = claims["gain.sure"], claims["plan.replication.confidence"]
            yield fill(
                _("at least {sure} better with {confidence} confidence"),
                sure=show(sure, 3, percent=True),
                confidence=show(confidence, percent=True),
            )
    if "gain.baseline" not in claims and dossier.concluded and dossier.task.problem.starts:
        yield fill(_("no textbook start keeps every limit"))
    margins = [
        fill("{margin} ({goal})", margin=show(claims[f"winner.margin.{name}"], 2), goal=quoted(goal_name(goal)))
        for name, goal in dossier.task.goals.items()
        if not goal.is_objective
    ]
    if margins:
        kept = all(
            float(claims[f"winner.margin.{name}"].value or 0.0) >= 0
            for name, goal in dossier.task.goals.items()
            if not goal.is_objective
        )
        text = _("every limit is kept, with {margins} to spare") if kept else _("the margins are {margins}")
        yield fill(text, margins=listed(margins))
    yield from _required(dossier)


def _traded(dossier: Dossier) -> Iterator[Markup]:
    """Against the best textbook start, each objective; positive is better."""
    gains = [(goal, dossier.claims.get(f"gain.baseline{suffix}")) for goal, suffix in objectives(dossier.task)]
    parts = [
        fill("{gain} ({goal})", gain=show(claim, 3, sign=True, percent=True), goal=quoted(goal_name(goal)))
        for goal, claim in gains
        if claim is not None
    ]
    if parts:
        yield fill(_("beside the best textbook start, positive being better: {gains}"), gains=listed(parts))


def _required(dossier: Dossier) -> Iterator[Markup]:
    texts = {
        True: _("passed, as required: {checks}"),
        False: _("failed, though required: {checks}"),
        None: _("required and without an answer: {checks}"),
    }
    for held, text in texts.items():
        names = [quoted(_(name)) for name, check in dossier.checks.items() if check["required"] and check["holds"] is held]
        if names:
            yield fill(text, checks=listed(names))


def cautions(dossier: Dossier) -> list[Markup]:
    """What a reader must know before using the answer."""
    found = [quoted(_(hazard)) for hazard in dossier.plan["problem"]["hazards"]]
    if not dossier.concluded:
        found.insert(0, fill(_("The campaign has not ended: nothing here is a verdict.")))
    checks = {name: check for name, check in dossier.checks.items() if not check["required"]}
    broken = [quoted(_(name)) for name, check in checks.items() if check["holds"] is False]
    if broken:
        text = _("The answer does not hold under every check that was made: a limit is broken under {checks}.")
        found.append(fill(text, checks=listed(broken)))
    silent = [quoted(_(name)) for name, check in checks.items() if check["holds"] is None]
    if silent:
        found.append(fill(_("Not shown: {checks}."), checks=listed(silent)))
    skipped = [quoted(_(name)) for name in dossier.plan["skipped_checks"]]
    if skipped:
        found.append(fill(_("Not possible under this setting: {checks}."), checks=listed(skipped)))
    if dossier.ends.get("front") and "repeats" in dossier.ends:
        found.append(fill(_("The front is drawn from single noisy runs; only the winner and its baseline were repeated.")))
    if len(dossier.ends.get("front", ())) > 1:
        found.append(
            fill(_("Of the front only the knee was checked: no other member has met more than the limits at the top rung."))
        )
    if dossier.task.problem.noise.kind != "none" and dossier.checks:
        found.append(fill(_("Each check is one noisy run; checks were not repeated.")))
    if "winner" in dossier.roles:
        found += _beaten(dossier)
        found.append(fill(_("That no better design exists was not shown: the search ended because {why}."), why=_stop(dossier)))
        found += _prospect(dossier)
    return found


def _beaten(dossier: Dossier) -> Iterator[Markup]:
    """Said where a design drawn for comparison is better than the winner, and both were asked once and judged alike."""
    task, drawn = dossier.task, dossier.claims["control.best"].value if "control.best" in dossier.claims else None
    found = dossier.claims.get(f"winner.goal.{task.objective.name}")
    alike = len(task.objectives) == 1 and task.problem.noise.kind == "none" and not task.guard
    if not alike or drawn is None or found is None or found.value is None:
        return
    drawn, best = float(drawn), float(found.value)
    if drawn < best if task.objective.measure.sense == "minimise" else drawn > best:
        text = _("A random design, which was not checked, is better than the winner ({best}): give the search more runs.")
        yield fill(text, best=show(dossier.claims["control.best"]))


def _prospect(dossier: Dossier) -> Iterator[Markup]:
    """What more runs might have gained."""
    tolerance, share = dossier.claims["plan.stopping.tolerance"], dossier.claims["prospect"]
    if len(dossier.task.objectives) > 1:
        yield fill(_("What more runs would gain is not estimated where there are several objectives."))
    elif share.value is not None:
        text = _("By the model's last estimate, more runs would gain more than {tolerance} with a probability of {share}.")
        yield fill(text, tolerance=show(tolerance, percent=True), share=show(share, 2, percent=True))


def _stop(dossier: Dossier) -> str:
    decided = dossier.history.decisions[-1].get("search")
    return because(decided["because"]) if decided else _("the campaign is still running")
