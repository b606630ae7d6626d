"""What a campaign does next: a function of its history, so that resuming needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Any

from dure.campaign.ending import check_states, conclude, deficits, taken
from dure.campaign.leaders import baseline_of, leading, ranked
from dure.campaign.plan import PATIENCE
from dure.campaign.repeats import MOST_ROUNDS, answered, chosen, contenders, is_repeated, reaches, repeats
from dure.i18n import N_
from dure.journal import History, TrialState
from dure.problem import Check, Trial
from dure.strategy import BY_BUDGET, Strategy, Task, space_filling

__all__ = ["Step", "Wanted", "next_step", "spent", "stop_reason"]

_BASELINE = N_("A textbook start at the top rung: the winner must beat the best of them.")
_CONTROL = N_("A random design, to see what the search was worth; not part of the budget.")
_CHECK = N_("Check of the winner: {check}.")
_LEADER = N_("A leader again under another seed: the best in the mean wins, not the luckiest.")
_FRESH = N_("The winner, or its baseline, again under seeds that did not choose it.")
_MOST_GUARDS = 4
_MOST_FAILURES = 25
_MOST_FIRST_FAILURES = 5


@dataclass(frozen=True)
class Wanted:
    """A trial to be asked for, and why."""

    trial: Trial
    purpose: str
    why: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    predicted: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    gain: float | None = None
    prospect: float | None = None


@dataclass(frozen=True)
class Step:
    """Trials wanted now (none: wait for answers), or an event to record instead."""

    wanted: list[Wanted] = field(default_factory=list)
    event: tuple[str, dict[str, Any]] | None = None


def spent(history: History, task: Task, *purposes: str) -> dict[str, float]:
    """Runs (top-rung equivalents, every attempt counted) and CPU seconds of the newest plan's trials."""
    tallies = [(rung, tally) for (purpose, rung), tally in history.tallies.items() if not purposes or purpose in purposes]
    return {
        "runs": sum(task.problem.rung(rung).cost * tally.attempts for rung, tally in tallies),
        "cpu_seconds": sum(tally.cpu_seconds for _rung, tally in tallies),
    }


def stop_reason(history: History, task: Task) -> str | None:
    """Why the search ends now; None to go on."""
    budget, used = history.plan["budget"], spent(history, task, "start", "search")
    cheapest = task.problem.fidelities[0].cost
    if budget["runs"] is not None and used["runs"] + cheapest > budget["runs"] + 1e-9:
        return "budget"
    if budget["cpu_seconds"] is not None and used["cpu_seconds"] >= budget["cpu_seconds"]:
        return "budget"
    answered = history.failures_in_a_row < sum(tally.trials for tally in history.tallies.values())
    if history.failures_in_a_row >= (_MOST_FAILURES if answered else _MOST_FIRST_FAILURES):
        return "failures"
    if history.plan.get("strategy") in BY_BUDGET:
        return None
    recent = [history.trials[key] for key in history.forecast[-PATIENCE:]]
    if len(recent) < PATIENCE or any(state.is_open for state in recent):
        return None
    if level := history.plan["stopping"].get("certificate"):
        sure = all(state.prospect is not None and state.prospect <= 1 - level for state in recent)
        return "certificate" if sure else None
    best = ranked(history, task)
    if not best or best[0].outcome is None:
        return None
    # With several objectives a gain is a share already: of the hypervolume that the front covers.
    scale = 1.0 if len(task.objectives) > 1 else abs(task.goal_values(best[0].outcome)[task.objective.name])
    small = history.plan["stopping"]["tolerance"] * scale
    return "tolerance" if all((state.gain or 0.0) < small for state in recent) else None


def next_step(history: History, task: Task, strategy: Strategy, free: int) -> Step:
    """What to do now with ``free`` workers idle."""
    if "search" not in history.decisions[-1]:
        return _search(history, task, strategy, free)
    step = _after_search(history, task)
    return replace(step, wanted=step.wanted[:free])


def _after_search(history: History, task: Task) -> Step:
    """Baseline, repeats, required checks, controls, the other checks, the conclusion."""
    for stage in (_compare, _repeat, _require, _control, _check_further):
        if step := stage(history, task):
            return step
    return Step(event=("concluded", conclude(history, task)))


def _gather(history: History, wanted: Iterable[Wanted]) -> Step | None:
    """Ask for what the newest plan has not asked for yet, then wait for what is open; None once all of it has ended."""
    trials = {one.trial.key: one for one in wanted}
    states = [(one, taken(history, one.trial)) for one in trials.values()]
    if missing := [one for one, state in states if state is None]:
        return Step(wanted=missing)
    return Step() if any(state is not None and state.is_open for _one, state in states) else None


def _search(history: History, task: Task, strategy: Strategy, free: int) -> Step:
    open_trials = history.unanswered("start", "search")
    if reason := stop_reason(history, task):
        return Step() if open_trials else _ended(history, task, strategy, reason)
    if free <= 0:
        return Step()
    if before := [state for state in history.left_open("start", "search") if task.asks(state.trial)]:
        return Step(wanted=[Wanted(Trial(**state.trial), state.purpose, state.why) for state in before])
    seed = int(history.plan["seed"])
    proposals = strategy.ask(task, history, free, seed)
    if not proposals:
        return Step() if open_trials else _ended(history, task, strategy, "exhausted")
    budget = history.plan["budget"]["runs"]
    left = float("inf") if budget is None else budget - spent(history, task, "start", "search")["runs"]
    wanted = []
    for one in proposals:
        left -= task.problem.rung(one.fidelity).cost
        if left < -1e-9:
            break
        trial = task.problem.trial(one.design, task.setting, one.fidelity, seed)
        wanted.append(Wanted(trial, one.purpose, one.why, one.numbers, one.predicted, one.gain, one.prospect))
    if wanted or open_trials:
        return Step(wanted=wanted)
    return _ended(history, task, strategy, "budget")


def _ended(history: History, task: Task, strategy: Strategy, because: str) -> Step:
    """The search ends; the strategy reviews all that it found."""
    review = asdict(strategy.review(task, history, int(history.plan["seed"])))
    return Step(event=("decided", {"stage": "search", "because": because} | review))


def _compare(history: History, task: Task) -> Step | None:
    """Simulate every textbook start at the top rung: the winner must beat the best of them."""
    problem, seed = task.problem, int(history.plan["seed"])
    starts = [start for start in problem.starts if problem.broken_rule(start) is None]
    return _gather(history, (Wanted(problem.trial(start, task.setting, seed=seed), "baseline", _BASELINE) for start in starts))


def _repeat(history: History, task: Task) -> Step | None:
    """Under noise: repeat the leaders, choose the best in the mean, then repeat it afresh, and the baseline it must beat."""
    _task, best = leading(history, task)
    if not best or not is_repeated(history):
        return None
    leaders = [trial for state in contenders(history, best) for trial in repeats(history, task, state, fresh=False)]
    if step := _gather(history, (Wanted(trial, "replicate", _LEADER) for trial in leaders)):
        return step
    winner = chosen(history, task, best)
    known = answered(history, repeats(history, task, winner, fresh=False))
    if len(known) > 1 and history.guard_rounds < MOST_ROUNDS - 1 and ranked(history, task):
        missed = {name: -margin for name, margin in reaches(history, task, known).items() if margin < 0}
        if missed:
            return _guarded(task, winner, missed)
    rivals = [winner, *filter(None, [baseline_of(history, task)])]
    fresh = [trial for state in rivals for trial in repeats(history, task, state, fresh=True)]
    return _gather(history, (Wanted(trial, "replicate", _FRESH) for trial in fresh))


def _require(history: History, task: Task) -> Step | None:
    """The required checks of the winner; where one misses a limit, a guard."""
    _task, best = leading(history, task)
    if not best:
        return None
    winner = chosen(history, task, best)
    checks = [one for one in check_states(history, task, winner) if one[0].required]
    if step := _gather(history, _checks(checks)):
        return step
    if history.guard_rounds >= _MOST_GUARDS or not ranked(history, task):
        return None
    missed: dict[str, float] = {}
    for check, _trial, state in checks:
        if state is not None and state.outcome is not None:
            for name, amount in deficits(task, check, state.outcome).items():
                missed[name] = max(missed.get(name, 0.0), amount)
    return _guarded(task, winner, missed) if missed else None


def _check_further(history: History, task: Task) -> Step | None:
    """The checks that decide nothing."""
    _task, best = leading(history, task)
    if not best:
        return None
    checks = check_states(history, task, chosen(history, task, best))
    return _gather(history, _checks([one for one in checks if not one[0].required]))


def _checks(checks: Sequence[tuple[Check, Trial, TrialState | None]]) -> list[Wanted]:
    return [Wanted(trial, f"check: {check.name}", _CHECK, {"check": check.name}) for check, trial, _state in checks]


def _guarded(task: Task, winner: TrialState, missed: Mapping[str, float]) -> Step:
    """Guards under which this winner would have failed at the top rung, with a quarter to spare."""
    values = task.goal_values(winner.outcome or {})
    guard = {name: max(task.goals[name].margin(values[name]), 0.0) + 1.25 * amount for name, amount in missed.items()}
    return Step(event=("guarded", {"guard": guard, "winner": winner.key}))


def _control(history: History, task: Task) -> Step | None:
    problem, seed = task.problem, int(history.plan["seed"])
    drawn = history.plan.get("control_seed")  # plans made before it was stated drew the same for every setting
    designs = islice(
        space_filling(problem, seed + 7919 if drawn is None else tuple(drawn), uniform=True), int(history.plan["control_runs"])
    )
    return _gather(history, (Wanted(problem.trial(design, task.setting, seed=seed), "control", _CONTROL) for design in designs))
