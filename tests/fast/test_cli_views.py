"""What the command line shows of a campaign: the progress kept event by event, sparklines, numbers."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from dure.campaign import Campaign, make_plan
from dure.cli.live import sparkline
from dure.cli.progress import Progress
from dure.cli.screen import bounds, signed
from dure.journal import Event, History
from tests.fast.bowls import BOWL


@given(st.lists(st.floats(-1e6, 1e6), max_size=60), st.integers(1, 40))
def test_a_sparkline_keeps_the_order_of_values(values: list[float], columns: int):
    bars = sparkline(values, columns)
    shown = values[-columns:]
    assert len(bars) == len(shown)
    for one, bar in zip(shown, bars, strict=True):
        for other, other_bar in zip(shown, bars, strict=True):
            assert (one > other) <= (bar >= other_bar)
    if shown and max(shown) > min(shown):
        assert {bars[shown.index(min(shown))], bars[shown.index(max(shown))]} == {"▁", "█"}


def test_limits_and_differences_read_as_conditions():
    assert bounds(0.0, None, "V") == "≥ 0 V"
    assert bounds(None, 55.0, "degC") == "≤ 55 °C"
    assert bounds(-1.0, 1.0, "1") == "-1 – 1"
    # degrees Celsius are apart by kelvins (SI brochure, 9th ed., 2.3.1)
    assert signed(3.5, "degC") == "+3.5 K"


class Checked(Progress):
    """Compares, after every event, what was kept with what a fresh look at the whole history shows."""

    seen = 0

    def show(self, event: Event, history: History) -> None:
        fresh = Progress(self.workers)
        fresh.begin(history)
        for name in ("best", "front", "course", "runs", "cpu_seconds", "answered", "failed", "left", "share"):
            assert getattr(self, name) == getattr(fresh, name), (event.kind, name)
        assert set(self.running) == {state.key for state in history.unanswered() if state.attempts}
        assert sum(one.since is not None for one in self.running.values()) == min(self.workers, len(self.running))
        self.seen += 1


def test_progress_kept_by_events_is_what_the_history_says(tmp_path: Path):
    bowl = tmp_path / "bowl.py"
    bowl.write_text(BOWL)
    plan = make_plan(str(bowl), strategy_name="sobol")
    view = Checked(2)
    with ThreadPoolExecutor(2) as executor, Campaign.begin(tmp_path / "out", plan, watcher=view) as campaign:
        view.begin(campaign.history)
        campaign.run(workers=2, executor=executor)
    assert view.seen > 3 * 14
    assert view.answered + view.failed == len(campaign.history.in_plan())
    assert view.best == campaign.best()
    assert view.course == sorted(view.course, reverse=True)
    assert math.isclose(view.runs, 14)
