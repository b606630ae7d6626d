"""``dure roadmap``: what the models of each domain are to do, by when, and how far they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dure.cli.face import Done, as_json, command
from dure.cli.screen import console, heading, number, spoken
from dure.errors import UnknownName
from dure.i18n import N_, _, language
from dure.roadmap import Milestone, Roadmap, found, read

__all__ = ["roadmap"]

_STATUS: Mapping[str, tuple[str, str, str]] = {
    "met": ("●", "green", N_("met")),
    "not met": ("◐", "yellow", N_("not met")),
    "not measured": ("○", "dim", N_("not measured")),
}
_UNITS = (N_("times fewer"), N_("of 10"), N_("of 20"), N_("of 58"))
"""Units of figures that are words, for the catalogue."""
_BOUNDS = {"low": N_("lower bound"), "high": N_("upper bound")}
_YEAR = 12
"""Letters a year takes on a line of milestones."""


@command(
    "roadmap",
    help=_(
        "Every status is computed from benchmark results committed in the repository; what is only in the folder does not count."
    ),
)
@click.option("--domain", metavar="NAME", help=_("One domain only."))
@click.option(
    "--repository", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR", help=_("Dure's repository.")
)
@as_json
def roadmap(*, domain: str | None, repository: Path | None, as_json: bool) -> Done:
    """Milestones and their status."""
    roads = read(found(repository))
    if domain is not None and domain not in [one.domain for one in roads]:
        raise UnknownName(_("domain"), domain, [one.domain for one in roads])
    roads = [one for one in roads if domain in (None, one.domain)]
    today = datetime.now(UTC).date()
    if not as_json:
        _show(console(), roads, today)
    return Done({"date": today.isoformat(), "domains": [_plain(one, today) for one in roads]})


def _plain(road: Roadmap, today: date) -> dict[str, Any]:
    return {
        "domain": road.domain,
        "vision": dict(road.vision),
        "milestones": [
            asdict(one) | {"due": one.due.isoformat(), "status": one.status, "judged": one.judged, "overdue": one.overdue(today)}
            for one in road.milestones
        ],
    }


def _show(screen: Console, roads: Sequence[Roadmap], today: date) -> None:
    _picture(screen, roads, today)
    for road in roads:
        screen.print()
        screen.print(heading(f"{road.domain}: {road.vision[language()]}"))
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for title in ("", _("due"), _("capability"), _("wanted"), _("found"), _("ran")):
            table.add_column(title, no_wrap=title in ("", _("due")), overflow="fold")
        for one in road.milestones:
            table.add_row(*_row(one, today))
        screen.print(table)
        screen.print(_budget(road))
    screen.print()
    texts = [Text(f"{sign} {_(text)}", style=style) for sign, style, text in _STATUS.values()]
    screen.print(Text("   ").join(texts))


def _picture(screen: Console, roads: Sequence[Roadmap], today: date) -> None:
    """One line a domain: its milestones along the years."""
    years = range(
        min(one.due.year for road in roads for one in road.milestones),
        1 + max(one.due.year for road in roads for one in road.milestones),
    )
    lines = Table.grid(padding=(0, 2, 0, 0))
    lines.add_row("", Text("".join(f"{year:<{_YEAR}}" for year in years), style="dim"))
    for road in roads:
        line = [Text("─", style="dim") for _letter in range(_YEAR * len(years))]
        for one in road.milestones:
            at = (one.due.year - years[0]) * _YEAR + (one.due.month - 1) * _YEAR // 12
            while at + 1 < len(line) and line[at].plain != "─":
                at += 1
            sign, style, _text = _STATUS[one.status]
            line[at] = Text(sign, style="red" if one.overdue(today) else style)
        lines.add_row(road.domain, Text("").join(line))
    screen.print(lines)


def _budget(road: Roadmap) -> str:
    """What all milestones of a domain are estimated to need."""
    budgets = [one.budget for one in road.milestones]
    text = _("Estimated: {months:,.0f} person-months, {hours:,.0f} CPU hours, {won:,.0f} million won")
    return text.format(
        months=sum(one.person_months for one in budgets),
        hours=sum(one.cpu_hours for one in budgets),
        won=sum(one.won_millions for one in budgets),
    )


def _row(one: Milestone, today: date) -> tuple[Text | str, ...]:
    sign, style, _status = _STATUS[one.status]
    due = Text(one.due.isoformat(), style="red" if one.overdue(today) else "")
    wanted = f"{'≤' if one.at_most else '≥'} {number(one.target, spoken(one.unit))}"
    if one.bound != "value":
        wanted += f" ({_(_BOUNDS[one.bound])})"
    capability = f"{one.capability[language()]} [{one.id}]"
    if one.found is None:
        return Text(sign, style=style), due, capability, wanted, _("not measured"), one.why
    ran = _("re-run by {who}").format(who=one.found.by) if one.found.by else _("self-reported")
    told = f"{ran}, {one.found.commit}, {one.found.date}"
    return Text(sign, style=style), due, capability, wanted, number(one.judged, spoken(one.unit)), told
