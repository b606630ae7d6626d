"""One ask: what is believed now, what would improve on it most, and at which rung that is worth asking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from botorch.utils.multi_objective.pareto import is_non_dominated
from torch import Tensor

from dure.i18n import N_
from dure.problem import Problem, Theory
from dure.strategy.acquisition import Wanting, wanting
from dure.strategy.aims import Aims
from dure.strategy.base import Proposal, Worth
from dure.strategy.calibration import stretch
from dure.strategy.evidence import Evidence, Task
from dure.strategy.fallback import skill, variations
from dure.strategy.outputs import Outputs, shapes_of
from dure.strategy.peak import Listed, listed, most_wanted, promising, remembered
from dure.strategy.prospect import prospect
from dure.surrogate import Counts, Ladder, Names, Observations, Past, differentiable, fit_ladder, wary

__all__ = ["Search"]

_GAIN = N_("Largest expected gain: {gain:.3g} {unit} over the best so far; keeps all limits with probability {feasible:.0%}.")
_LISTED = N_(
    "Expected gain: {gain:.3g} {unit} over the last of the best {count}; keeps all limits with probability {feasible:.0%}."
)
_GROWTH = N_("Largest expected growth of the front: {gain:.2%}; keeps all limits with probability {feasible:.0%}.")
_FIRST = N_("No design keeps all limits yet; this one does with probability {feasible:.0%}.")
_VARIED = N_("A variation of one of the best designs: the latest forecasts were hardly better than a constant's.")
_CHEAP = N_("Promising, but uncertain: {fidelity} removes {share:.0%} of the doubt at {cost:.0%} of the cost.")

_ELSEWHERE = N_(
    "Nothing is left to gain where the surrogate is sure ({gain:.3g} {unit}); here it would be wrong if the truth is rougher."
)

_ELSEWHERE_LISTED = N_(
    "Nothing is left to gain over the best where the surrogate is sure; here it would be wrong if the truth is rougher."
)

_MATERIAL = 0.01
_NOTHING = 0.001
_WARY = (1.0, 0.5, 0.25)
_LEAST_SKILL = 0.2
_INCUMBENTS, _NEAR = 8, 40
_SAMPLES_AT_A_GLANCE = 8
_AGAIN = 500
_QUANTILES = (0.05, 0.5, 0.95)


class Search:
    """The fitted surrogate of a task, and the proposals drawn from it.

    ``ladder`` names the rungs used, cheapest first; ``parts`` and ``theory`` say whether they are.
    """

    def __init__(
        self,
        task: Task,
        evidence: Evidence,
        seed: int,
        *,
        ladder: tuple[str, ...],
        parts: bool,
        theory: bool,
        past: Past | None = None,
    ) -> None:
        self.task, self.evidence, self.seed, self.ladder = task, evidence, seed, ladder
        self.outputs = Outputs(task.goals, parts, shapes_of(task, evidence))
        fails = bool(evidence.rungs[ladder[-1]].failed) or (past is not None and past.success is not None)
        self.aims = Aims(task, self.outputs, evidence, ladder, fails)
        self.model = self._fit(theory=theory, past=past)
        self._shortened: dict[float, tuple[Ladder, Tensor]] = {}
        self._wanted_before: dict[float | None, tuple[Any, ...]] = {}

    def _fit(self, *, theory: bool, past: Past | None) -> Ladder:
        task, problem, scale = self.task, self.task.problem, self.aims.scale
        self.observed = [
            Observations(
                torch.from_numpy(self.evidence.cube(name)),
                torch.from_numpy(self.outputs.observed(self.evidence, name)) / scale,
                torch.from_numpy(self.evidence.cube(name, "failed")),
                self._trusted(name),
            )
            for name in self.ladder
        ]
        reference = None
        if theory and problem.theory is not None:
            said = _theory(problem, task.setting, self.outputs.names)
            reference = differentiable(lambda cube: self.outputs.encode(said(np.clip(cube, 0.0, 1.0))) / scale.numpy())
        noise = 1e-6 if problem.noise.kind == "none" and not problem.candidates else None
        near, names = self._near(), _names(problem)
        return fit_ladder(self.observed, theory=reference, noise=noise, names=names, near=near, past=past)

    def _near(self) -> Tensor:
        """(k, columns) where the surrogate has to be right: the best answers of each rung, and their front."""
        found = []
        for name, told in zip(self.ladder, self.observed, strict=True):
            seen = self.aims.seen(name)
            allowed = self.aims.missed(seen) <= 0
            front = allowed & is_non_dominated(self.aims.values(seen).where(allowed[:, None], -torch.inf))
            found += [told.points[self.aims.best_first(seen)[:_NEAR]], told.points[front]]
        return torch.cat(found)

    def _trusted(self, fidelity: str) -> Tensor:
        """(m,) whether the rung's author trusts it for each output."""
        trust = self.task.problem.rung(fidelity).trust or self.outputs.names
        return torch.tensor([name in trust for name in self.outputs.names for _column in range(self.outputs.width(name))])

    def worth(self) -> list[Worth]:
        """See ``Review``; from the calibrations of the fitted surrogate."""
        found = []
        for piece, rung in zip(("theory", *self.ladder), self.model.rungs, strict=False):
            for name, columns in self.outputs.slices.items():
                explained, kept = rung.calibration.explained[columns], rung.calibration.kept[columns]
                said = ~explained.isnan()
                if said.any():
                    found.append(Worth(piece, name, float(explained[said].mean()), float(kept[said].double().mean())))
        return found

    def propose(self, n: int, *, certified: bool = False, besides: Sequence[Proposal] = ()) -> list[Proposal]:
        """Up to ``n`` proposals, each aware of those before it and ``besides``; ``certified``: with their prospect."""
        proposals: list[Proposal] = []
        taken = {*self.evidence.keys, *(self._key(one.design, one.fidelity) for one in besides)}
        under_way = [self.evidence.cube(name, "pending") for name in self.ladder]
        pending = np.concatenate([*under_way, self.task.problem.space.encode([one.design for one in besides])])
        for index in range(n):
            proposal = self._varied(taken) if self._misled and len(taken) % 2 else None
            proposal = proposal or self._one(torch.from_numpy(pending), taken, index)
            if proposal is None:
                break
            if certified and proposal.gain is not None:
                proposal = replace(proposal, prospect=self.prospect)
            proposals.append(proposal)
            taken.add(self._key(proposal.design, proposal.fidelity))
            pending = np.concatenate([pending, self.task.problem.space.encode([proposal.design])])
        return proposals

    @cached_property
    def _misled(self) -> bool:
        """Whether the forecasts of an objective were hardly better than a constant's: then every second proposal does without.

        Not of molecules: where an assay's noise is much of what differs, no forecast is, and their likes are no better guess.
        """
        if self.task.of_molecules:
            return False
        skills = [skill(self.evidence, goal.name) for goal in self.task.objectives]
        return any(one is not None and one < _LEAST_SKILL for one in skills)

    def _varied(self, taken: set[str]) -> Proposal | None:
        problem, top = self.task.problem, self.ladder[-1]
        for design in islice(variations(problem, self.incumbents, self.seed + len(taken)), 200):
            if problem.broken_rule(design) is None and self._key(design, top) not in taken:
                return Proposal(design, top, "search", _VARIED)
        return None

    def _key(self, design: Any, fidelity: str) -> str:
        return self.task.problem.trial(design, self.task.setting, fidelity, self.seed).key

    def _one(self, pending: Tensor, taken: set[str], index: int) -> Proposal | None:
        problem, tried = self.task.problem, set()
        wanted = wanting(self.task, self.aims, self.model, self.incumbents, self._believed, pending, self.seed)
        for design in self._in_order(wanted, index, None):
            if design in tried or problem.broken_rule(design) is not None:
                continue
            tried.add(design)
            rung, share = self._rung_for(design)
            if self._key(design, rung) not in taken:
                found, over = self._at(wanted, design, rung, share)
                return (self._elsewhere(wanted, pending, taken, index) or found) if self._settled(over) else found
        return None

    def _settled(self, gain: float | None) -> bool:
        """Whether a gain over the best is next to nothing, measured by how much the answers differ."""
        if gain is None or len(self.task.objectives) > 1:
            return False
        values = [value for _told, value in self.evidence.values(self.task.objective.name)]
        return len(values) > 1 and gain < _NOTHING * float(np.ptp(values))

    def _elsewhere(self, wanted: Wanting, pending: Tensor, taken: set[str], index: int) -> Proposal | None:
        """What the least wary surrogate wants most that sees something to gain, if any; what is stated of it is the fit's."""
        problem, top = self.task.problem, self.ladder[-1]
        for factor in _WARY:
            model, believed = self._wary(factor)
            about = (self.incumbents, believed, pending, self.seed)
            doubted = wanting(self.task, self.aims, model, *about, least=_MATERIAL)
            every = self._in_order(doubted, index, factor)
            new = (one for one in every if problem.broken_rule(one) is None and self._key(one, top) not in taken)
            if (design := next(new, None)) is None:
                return None
            point = torch.from_numpy(problem.space.encode([design]))
            with torch.no_grad():
                samples = model.posterior(point).rsample(torch.Size([256])).squeeze(-2)
            if not self._settled(self._gain(doubted, point, samples, self.evidence.best(top))):
                why = _ELSEWHERE if problem.short_list == 1 else _ELSEWHERE_LISTED
                return replace(self._at(wanted, design, top, 1.0)[0], why=why)
        return None

    def _in_order(self, wanted: Wanting, index: int, reach: float | None) -> Iterator[Any]:
        """The most wanted first, then ever wider around it, for when it was tried already or breaks a rule.

        ``reach`` is what a wary surrogate's was shortened by; of a list seen already what was wanted most is looked at again.
        """
        space, best = self.task.problem.space, None
        problem, incumbents, glance = self.task.problem, self.incumbents, self._remembered
        before = self._wanted_before.get(reach, ())
        among = (before[:_AGAIN], space.encode(before[:_AGAIN])) if before else self._listed
        order = most_wanted(wanted.acquisition, problem, incumbents, self.seed, glance, among)
        if before:
            order = chain(order, before[_AGAIN:])
        elif among is not None:
            self._wanted_before[reach] = before = tuple(order)
            order = iter(before)
        for design in order:
            best = design if best is None else best
            yield design
        if best is None or self.task.problem.candidates:
            return
        cube = space.encode([best])
        generator = np.random.default_rng([self.seed, len(self.evidence.keys), index])
        for attempt in range(200):
            yield space.designs(np.clip(cube + generator.normal(scale=0.002 * 1.05**attempt, size=cube.shape), 0.0, 1.0))[0]

    @cached_property
    def _listed(self) -> Listed | None:
        """The list to look through, where there is one: of a long one what is promising by itself, whatever is under way."""
        every = listed(self.task.problem)
        if every is None:
            return None
        rows = self.evidence.rungs[self.ladder[-1]]
        asked = self.task.problem.space.encode([*rows.designs, *rows.failed, *rows.pending])
        return promising(self._glance, every, asked)

    @cached_property
    def _glance(self) -> Callable[[Tensor], Tensor]:
        """What is wanted, whatever is under way, by few samples."""
        none, few = self.known[:0], _SAMPLES_AT_A_GLANCE
        return wanting(self.task, self.aims, self.model, self.incumbents, self._believed, none, self.seed, few).acquisition

    @cached_property
    def _remembered(self) -> Callable[[Tensor], Tensor]:
        """The same for the neighbours that one proposal after the other looks at."""
        return remembered(self._glance)

    @cached_property
    def known(self) -> Tensor:
        """(n, columns) designs answered at any rung, each once."""
        return torch.as_tensor(torch.cat([told.points for told in self.observed]).unique(dim=0))

    @cached_property
    def incumbents(self) -> Tensor:
        """The eight designs answered so far, at any rung, that the top rung is believed to like best; or the cube's middle."""
        if not len(self.known):
            return torch.full((1, self.task.problem.space.columns), 0.5, dtype=torch.double)
        return self.known[self.aims.best_first(self._believed)[:_INCUMBENTS]]

    @cached_property
    def _believed(self) -> Tensor:
        """(n, m) what is believed of the designs that are known."""
        return self.model.mean(self.known)

    def _wary(self, reach: float) -> tuple[Ladder, Tensor]:
        """The surrogate with its reach shortened, and what it believes of the designs that are known."""
        if reach not in self._shortened:
            model = wary(self.model, reach)
            self._shortened[reach] = model, model.mean(self.known)
        return self._shortened[reach]

    @cached_property
    def prospect(self) -> float | None:
        """The probability that more runs would gain more than the tolerance; it does not count what is under way."""
        return prospect(self.aims, self.model, self.incumbents, self.seed)

    def _at(self, wanted: Wanting, design: Any, rung: str, share: float) -> tuple[Proposal, float | None]:
        """The proposal of a design, and what it is expected to gain over the best answer."""
        problem, task = self.task.problem, self.task
        point = torch.from_numpy(problem.space.encode([design]))
        if rung != problem.top.name:
            cost = problem.rung(rung).cost
            return Proposal(design, rung, "search", _CHEAP, {"fidelity": rung, "share": share, "cost": cost}), None
        with torch.no_grad():
            samples = self.model.posterior(point).rsample(torch.Size([256])).squeeze(-2)
        feasible = float((self.aims.missed(samples) <= 0).double().mean())
        predicted = {}
        for name in self.outputs.names:
            values = self.outputs.goal(name, self.aims.raw(samples))
            low, middle, high = torch.quantile(values, torch.tensor(_QUANTILES).double()).tolist()
            wide = stretch(self.evidence.predictions, name)
            predicted[name] = (middle, middle - wide.of(middle - low), middle + wide.of(high - middle))
        over = self._gain(wanted, point, samples, self.evidence.best(rung))
        if over is None:
            return Proposal(design, rung, "search", _FIRST, {"feasible": feasible}, predicted), None
        numbers: dict[str, Any] = {"gain": over, "feasible": feasible}
        if len(task.objectives) > 1:
            return Proposal(design, rung, "search", _GROWTH, numbers, predicted, over), over
        numbers["unit"] = task.objective.unit
        if problem.short_list == 1:
            return Proposal(design, rung, "search", _GAIN, numbers, predicted, over), over
        gain = self._gain(wanted, point, samples, self.evidence.listed(rung))
        numbers |= {"gain": gain, "count": problem.short_list}
        return Proposal(design, rung, "search", _LISTED, numbers, predicted, gain), over

    def _gain(self, wanted: Wanting, point: Tensor, samples: Tensor, known: tuple[str, dict[str, float]] | None) -> float | None:
        """Expected improvement on an answer that is ``known``, or growth of the front; None while nothing is allowed."""
        task = self.task
        if known is None:
            return None
        if len(task.objectives) > 1:
            return wanted.growth(point)
        goal = task.objective
        least = -known[1][goal.name] if goal.measure.sense == "minimise" else known[1][goal.name]
        better = (self.outputs.objective(goal, self.aims.raw(samples)) - least).clamp_min(0.0)
        return float((better * (self.aims.missed(samples) <= 0)).mean())

    def _rung_for(self, design: Any) -> tuple[str, float]:
        """The cheapest rung that removes a larger share of the doubt at a design than its share of the cost.

        Doubt below a hundredth of an output's spread is not worth a cheap run, nor is a rung that will likely fail there.
        """
        problem = self.task.problem
        if len(self.ladder) == 1:
            return self.ladder[-1], 1.0
        point = torch.from_numpy(problem.space.encode([design]))
        doubt = self._doubt(point)
        for level, name in enumerate(self.ladder[:-1]):
            removed = doubt[: level + 1].sum(0)
            share = float(removed.sum() / doubt.sum())
            success = self.model.successes[level]
            fails = success is not None and float(success.mean(point).detach()) < 0.5
            known = self._key(design, name) in self.evidence.keys
            if not known and not fails and share > problem.rung(name).cost and float(removed.max()) > _MATERIAL**2:
                return name, share
        return self.ladder[-1], 1.0

    def _doubt(self, point: Tensor) -> Tensor:
        """(rungs, m) variance of the top rung's outputs that each rung could remove, relative to the outputs' spread."""
        shares = []
        slope = torch.ones_like(self.aims.scale)
        for rung in reversed(self.model.rungs):
            with torch.no_grad():
                shares.append(rung.own_variance(point).squeeze(0) * slope.square())
            slope = slope * rung.calibration.slope
        return torch.stack(shares[::-1])


@lru_cache(maxsize=4)
def _names(problem: Problem) -> Names:
    """What tells names apart; numbers as they are, whole ones as the counts of features that they are."""
    return [(some, Counts(told) if told.dtype == np.uint8 else torch.from_numpy(told)) for some, told in problem.space.names]


@lru_cache(maxsize=4)
def _theory(problem: Problem, setting: Any, outputs: tuple[str, ...]) -> Theory:
    """One for all asks of a campaign: neighbours of the same designs are looked at again and again."""
    return Theory(problem, setting, outputs)
