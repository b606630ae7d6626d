"""The view of a running campaign: a live one on a terminal, one plain line an answer everywhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.constrain import Constrain
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dure.cli.progress import Progress, aim
from dure.cli.screen import heading, number, signed, spoken
from dure.i18n import N_, _
from dure.journal import Event, History

__all__ = ["Lines", "Screen", "sparkline", "watching"]

_BARS = "▁▂▃▄▅▆▇█"
ENDINGS = {
    "budget": N_("The search ends: the budget is spent."),
    "tolerance": N_("The search ends: the last proposals promise too little."),
    "certificate": N_("The search ends: more runs would hardly gain more than the tolerance."),
    "exhausted": N_("The search ends: there is nothing left to propose."),
    "failures": N_("The search ends: one simulation after the other failed."),
}


def sparkline(values: Sequence[float], width: int) -> str:
    """The last ``width`` values as bars, lowest to highest; a flat line for equal ones."""
    shown = values[-width:]
    low, high = min(shown, default=0.0), max(shown, default=0.0)
    span = (high - low) or 1.0
    return "".join(_BARS[round((value - low) / span * (len(_BARS) - 1))] for value in shown)


class Lines(Progress):
    """One line an answered or failed trial, one a decision."""

    def __init__(self, workers: int, *, screen: Console) -> None:
        super().__init__(workers)
        self.screen = screen

    def show(self, event: Event, history: History) -> None:
        """Print what the event says, if it is news."""
        if text := _line(self, event, history):
            self.screen.print(text, soft_wrap=True)


class Screen(Lines):
    """The whole state, redrawn in place; decisions stay above it."""

    def show(self, event: Event, history: History) -> None:
        """Print decisions; the rest is seen when the state is drawn."""
        if event.kind in ("decided", "guarded"):
            super().show(event, history)

    def __rich_console__(self, _screen: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, style="bold")
        table.add_column()
        for title, content in _rows(self):
            table.add_row(title, content)
        # Room at the right: where a line is full, the ^C that a terminal writes would begin a new one and spoil the redrawing.
        yield Padding(Constrain(table, options.max_width - 8), (0, 0, 0, 2), expand=False)


@contextmanager
def watching(view: Progress) -> Iterator[None]:
    """Show ``view`` for as long as the block runs."""
    if not isinstance(view, Screen):
        yield
        return
    live = Live(view, console=view.screen, refresh_per_second=4, transient=True)
    try:  # not its own context manager: an interrupt while it starts would leave the cursor hidden
        live.start(refresh=True)
        yield
    finally:
        live.stop()


def _rows(view: Progress) -> Iterator[tuple[str, RenderableType]]:
    now = time.monotonic()
    yield _("best"), _best(view)
    if len(view.task.objectives) > 1:
        yield _("front"), _front(view)
    elif len(view.course) > 1:
        yield _("course"), f"{sparkline(view.course, 40)}  {number(view.course[0])} → {number(view.course[-1])}"
    if view.stopping:
        yield _("now"), heading(_("stopping; everything answered is kept"))
    else:
        busy = [f"{one.what}, {now - one.since:.0f} s" for one in list(view.running.values()) if one.since is not None]
        shown = busy or [_("choosing the next design")]
        waiting = len(view.running) - len(busy)
        yield _("now"), "\n".join([*shown, *([_("{count} waiting").format(count=waiting)] if waiting else [])])
    yield _("why"), view.why
    yield _("spent"), _cost(view)
    yield _("trials"), _("{answered} answered, {failed} failed").format(answered=view.answered, failed=view.failed)


def _best(view: Progress) -> RenderableType:
    if view.best is None:
        return _("no design keeps every limit yet")
    values, margins = view.values(view.best)
    parts = [f"{goal.name} {number(values[goal.name], goal.unit)}" for goal in view.task.objectives]
    parts += [
        _("{name} {value} (margin {margin})").format(
            name=name,
            value=number(values[name], view.task.goals[name].unit),
            margin=signed(margin, view.task.goals[name].unit),
        )
        for name, margin in margins.items()
    ]
    return Text("\n".join(parts))


def _cost(view: Progress) -> RenderableType:
    runs, seconds = view.left
    used = Table.grid(padding=(0, 2, 0, 0))
    used.add_row(ProgressBar(total=1.0, completed=view.share, width=24), f"{view.share:.0%}", _paid(view))
    if runs is None or seconds is None:
        return used
    return Group(used, _("left: about {runs:.3g} runs, {seconds:.3g} CPU s").format(runs=runs, seconds=seconds))


def _paid(view: Progress) -> str:
    return _("{runs:.3g} runs, {seconds:.3g} CPU s").format(runs=view.runs, seconds=view.cpu_seconds)


def _line(view: Progress, event: Event, history: History) -> str | None:
    """What a line says of an event; None for events that are nobody's news."""
    if event.kind == "decided":
        return spoken(ENDINGS[str(event.payload["because"])])
    if event.kind == "guarded":
        guard: Any = event.payload["guard"]
        tightened = ", ".join(f"{name} {number(amount, view.task.goals[name].unit)}" for name, amount in guard.items())
        return _("A check or repeats missed a limit, so limits are tightened and the search goes on: {limits}.").format(
            limits=tightened
        )
    if event.kind not in ("told", "failed"):
        return None
    state = history.trials[str(event.payload["key"])]
    head = f"{view.answered + view.failed:4d}  {state.fidelity}, {aim(history.purpose(state.key))}"
    if event.kind == "failed":
        text = _("failed: {reason}") if event.payload["final"] else _("failed: {reason}; tried again")
        from dure.report.words import failure  # the report is loaded at the end anyway

        last = str(event.payload.get("detail", "")).strip().rpartition("\n")[2]
        return "  ".join(filter(None, (head, text.format(reason=failure(str(event.payload["reason"]))), last)))
    return "  ".join((head, _told(view, state.key, history), f"{view.share:.0%}", _paid(view)))


def _told(view: Progress, key: str, history: History) -> str:
    values, margins = view.values(history.trials[key])
    reached = [f"{goal.name} {number(values[goal.name], goal.unit)}" for goal in view.task.objectives]
    broken = [one for one, margin in margins.items() if margin < 0]
    kept = _("breaks {names}").format(names=", ".join(broken)) if broken else _("keeps all limits")
    best = _("best {value}").format(value=number(view.course[-1] if view.course else None, view.task.objective.unit))
    return f"{', '.join(reached)}, {kept}  {_front(view) if len(reached) > 1 else best}"


def _front(view: Progress) -> str:
    return _("front of {count}").format(count=len(view.front))
