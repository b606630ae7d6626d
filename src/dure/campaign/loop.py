"""Ask and tell, for people with a loop of their own: the same strategies, without plan, executor or journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dure.campaign.leaders import front_of, ranked
from dure.errors import InputError
from dure.i18n import N_, _
from dure.journal import Event, History
from dure.problem import Problem, Trial, find, values_of, with_limits
from dure.strategy import Strategy, Task, suited
from dure.strategy import strategy as of_name
from dure.units import label

__all__ = ["Loop", "Wish"]

_OWN = N_("A design of one's own.")


@dataclass(frozen=True)
class Wish:
    """A design to try next, at which fidelity, with which seed if the simulator is noisy, and why."""

    design: Any
    fidelity: str
    seed: int
    why: str
    trial: Trial


class Loop:
    """Proposals for a problem whose answers come from the caller.

        loop = Loop(problem)
        for _round in range(30):
            for wish in loop.ask():
                loop.tell(wish, measure(wish.design))
        print(loop.best())

    The same answers in the same order and the same seed give the same proposals on the same machine.
    """

    def __init__(
        self,
        problem: Problem | str,
        *,
        setting: Mapping[str, Any] | None = None,
        limits: Mapping[str, float | tuple[float, float]] | None = None,
        strategy: str | Strategy = "auto",
        seed: int = 0,
    ) -> None:
        found = find(problem) if isinstance(problem, str) else problem
        made = found.make_setting(setting or {})
        member = found.under(made)
        self.task = Task(member, made, with_limits(member.goals, limits or {}))
        self.history = History()
        self.seed = seed
        name = suited(self.task, None) if strategy == "auto" else strategy
        self._strategy = of_name(name) if isinstance(name, str) else name
        self._events = 0
        self._apply("planned", {})

    def ask(self, n: int = 1) -> list[Wish]:
        """Up to ``n`` designs to try, none asked for before; fewer, or none, when nothing is left to try.

        The strategies of generations, cma-es and nsga-ii, give none either while a generation waits for its last answers.

        May be called again before the answers are there: what is under way is taken into account.
        """
        wishes = []
        for one in self._strategy.ask(self.task, self.history, n, self.seed):
            trial = self.task.problem.trial(one.design, self.task.setting, one.fidelity, self.seed)
            stated = {"numbers": one.numbers, "predicted": one.predicted, "gain": one.gain, "prospect": one.prospect}
            self._asked(trial, one.purpose, one.why, **stated)
            numbers = {**one.numbers, "unit": label(self.task.objective.unit)}
            why = " ".join(_(one.why).format(**numbers).split())  # a number without a unit leaves no gap
            wishes.append(Wish(one.design, one.fidelity, trial.seed, why, trial))
        return wishes

    def tell(self, what: Any, outcome: Any) -> None:
        """Give the answer to a wish, or to a design of one's own: an outcome, a mapping of its fields, or None where it failed.

        Raises:
            InputError: the outcome is incomplete, misspelt or not finite, there was an answer already, or the design is none of
                the candidates.
        """
        problem = self.task.problem
        if not isinstance(what, Wish):
            problem.check_candidate(what)
        trial = what.trial if isinstance(what, Wish) else problem.trial(what, self.task.setting, seed=self.seed)
        state = self.history.trials.get(trial.key)
        if state is not None and not state.is_open:
            raise InputError(_("{design} was answered before; one design has one answer").format(design=trial.design))
        made = problem.make_outcome(outcome) if isinstance(outcome, Mapping) else outcome
        if made is not None and not isinstance(made, problem.outcome):
            raise InputError(
                _("answer {given!r} is no {cls}; give one, a mapping of its fields, or None for a failure").format(
                    given=outcome, cls=problem.outcome.__name__
                )
            )
        if state is None:
            self._asked(trial, "search", _OWN)
        if made is None:
            self._apply("failed", {"key": trial.key, "reason": "no answer", "final": True})
        else:
            self._apply("told", {"key": trial.key, "outcome": values_of(made)})

    def best(self) -> Any:
        """The best design answered so far that keeps every limit, of a front its knee; None while there is none."""
        found = ranked(self.history, self.task)
        return self.task.problem.make_design(found[0].trial["design"]) if found else None

    @property
    def prospect(self) -> float | None:
        """The probability that more runs would gain more than the problem's tolerance; None before an answer keeps the limits."""
        return self._strategy.review(self.task, self.history, self.seed).prospect

    def front(self) -> list[Any]:
        """Designs answered so far that keep every limit and that no other such design dominates, by the first objective."""
        return [self.task.problem.make_design(state.trial["design"]) for state in front_of(self.history, self.task)]

    def _asked(self, trial: Trial, purpose: str, why: str, **stated: Any) -> None:
        self._apply("asked", {"key": trial.key, "trial": trial.plain(), "purpose": purpose, "why": why, **stated})

    def _apply(self, kind: str, payload: Mapping[str, Any]) -> None:
        self._events += 1
        self.history.apply(Event(self._events, kind, "", payload, "", ""))
