"""Constrained Bayesian optimisation that uses all an author stated: parts, theory, starts and cheaper rungs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from botorch.acquisition.logei import qLogExpectedImprovement, qLogNoisyExpectedImprovement
from botorch.acquisition.objective import GenericMCObjective
from botorch.optim import optimize_acqf
from botorch.optim.initializers import sample_truncated_normal_perturbations
from botorch.sampling import SobolQMCNormalSampler
from botorch.utils.sampling import draw_sobol_samples, manual_seed
from torch import Tensor

from dure.i18n import N_
from dure.journal import History
from dure.problem import Theory
from dure.strategy.base import Proposal, space_filling
from dure.strategy.evidence import Evidence, Task
from dure.strategy.outputs import Outputs, worth_a_logarithm
from dure.surrogate import Ladder, Observations, differentiable, fit_ladder

__all__ = ["Structured"]

_START = N_("A textbook start given by the problem's author.")
_FILL = N_("A space-filling point: the trend is learned before a model is trusted.")
_GAIN = N_("Largest expected gain: {gain:.3g} {unit} over the best so far; keeps all limits with probability {feasible:.0%}.")
_FIRST = N_("No design keeps all limits yet; this one does with probability {feasible:.0%}.")
_CHEAP = N_("Promising, but uncertain: {fidelity} removes {share:.0%} of the doubt at {cost:.0%} of the cost.")

_MATERIAL = 0.01


@dataclass(frozen=True)
class Structured:
    """Every piece can be left out, to measure what it is worth; without any it is black-box Bayesian optimisation.

    Surrogates follow Kennedy & O'Hagan (kennedy2000), acquisition is the logarithm of noisy expected improvement under
    constraints (letham2019, ament2023).
    """

    name: str = "structured"
    parts: bool = True
    theory: bool = True
    starts: bool = True
    rungs: bool = True

    def explain(self, task: Task) -> tuple[str, ...]:
        """See ``Strategy``."""
        problem = task.problem
        pieces = (
            (N_("The parts of each outcome are modelled."), self.parts and any(one.axis for one in problem.measures.values())),
            (N_("The author's theory, calibrated, is the mean."), self.theory and problem.theory is not None),
            (N_("Textbook starts come first."), self.starts and bool(problem.starts)),
            (N_("Cheaper rungs are asked where they are worth their cost."), self.rungs and len(problem.fidelities) > 1),
        )
        return (N_("Constrained expected improvement over Gaussian processes."), *(text for text, used in pieces if used))

    def ask(self, task: Task, history: History, n: int, seed: int) -> list[Proposal]:
        """See ``Strategy``."""
        evidence = Evidence(task, history)
        opening = self._opening(task, evidence, seed)
        if opening:
            return opening[:n]
        with _one_thread(), torch.random.fork_rng(devices=[]), manual_seed(seed + len(history.trials)):
            return _Search(self, task, evidence, seed).propose(n)

    def ladder_of(self, task: Task) -> tuple[str, ...]:
        """Names of the fidelities used, cheapest first."""
        names = tuple(rung.name for rung in task.problem.fidelities)
        return names if self.rungs else names[-1:]

    def _opening(self, task: Task, evidence: Evidence, seed: int) -> list[Proposal]:
        """Starts and space-filling points not asked for yet; none once as many answers are there, from wherever."""
        problem, rung = task.problem, self.ladder_of(task)[0]
        starts = [design for design in problem.starts if self.starts and problem.broken_rule(design) is None]
        filling = max(2, problem.space.columns - 1) if starts else problem.space.columns + 1
        planned = [Proposal(design, rung, "start", _START) for design in starts]
        planned += [Proposal(design, rung, "start", _FILL) for design in islice(space_filling(problem, seed), filling)]
        if len(evidence.rungs[rung].designs) >= len(planned):
            return []
        unique = {problem.trial(one.design, task.setting, one.fidelity, seed).key: one for one in planned}
        return [one for key, one in unique.items() if key not in evidence.keys]


@contextmanager
def _one_thread() -> Iterator[None]:
    """These models are small: more threads cost four times the processor time, and take it from the simulators."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Search:
    """One ask: the fitted surrogate and the proposals drawn from it."""

    def __init__(self, strategy: Structured, task: Task, evidence: Evidence, seed: int) -> None:
        self.task, self.evidence, self.seed = task, evidence, seed
        self.ladder_names = strategy.ladder_of(task)
        self.outputs = Outputs(task.goals, strategy.parts, worth_a_logarithm(task, evidence))
        self.pending = [evidence.cube(name, "pending") for name in self.ladder_names]
        self.scale = self._observed_scale()
        self.goal_spread = self._goal_spread()
        self.model = self._fit(strategy)

    def _fit(self, strategy: Structured) -> Ladder:
        task, problem = self.task, self.task.problem
        observed = [
            Observations(
                torch.from_numpy(self.evidence.cube(name)),
                torch.from_numpy(self.outputs.observed(self.evidence, name)) / self.scale,
                torch.from_numpy(self.evidence.cube(name, "failed")),
                self._trusted(name),
            )
            for name in self.ladder_names
        ]
        reference = None
        if strategy.theory and problem.theory is not None:
            theory = Theory(problem, task.setting, self.outputs.names)
            scale = self.scale.numpy()
            reference = differentiable(lambda cube: self.outputs.encode(theory(np.clip(cube, 0.0, 1.0))) / scale)
        return fit_ladder(observed, theory=reference, noise=1e-6 if problem.noise.kind == "none" else None)

    def _trusted(self, fidelity: str) -> Tensor:
        """(m,) whether the rung's author trusts it for each output."""
        trust = self.task.problem.rung(fidelity).trust or self.outputs.names
        return torch.tensor([name in trust for name in self.outputs.names for _column in range(self.outputs.width(name))])

    def propose(self, n: int) -> list[Proposal]:
        """Up to ``n`` proposals, each aware of those before it."""
        proposals: list[Proposal] = []
        taken = set(self.evidence.keys)
        pending = np.concatenate(self.pending)
        for index in range(n):
            proposal = self._one(pending, taken, index)
            if proposal is None:
                break
            proposals.append(proposal)
            taken.add(self._key(proposal))
            pending = np.concatenate([pending, self.task.problem.space.encode([proposal.design])])
        return proposals

    def _key(self, proposal: Proposal) -> str:
        return self.task.problem.trial(proposal.design, self.task.setting, proposal.fidelity, self.seed).key

    def _one(self, pending: Any, taken: set[str], index: int) -> Proposal | None:
        baseline = self._incumbents()
        acquisition = self._acquisition(baseline, torch.from_numpy(pending))
        best = self._maximise(acquisition, baseline)
        problem = self.task.problem
        tried = set()
        for cube in self._nearby(best, index):
            design = problem.space.designs(cube[None, :])[0]
            if design not in tried and problem.broken_rule(design) is None:
                tried.add(design)
                proposal = self._at(design)
                if self._key(proposal) not in taken:
                    return proposal
        return None

    def _nearby(self, best: Any, index: int) -> Any:
        """The maximiser first, then ever wider around it, for when it was tried already or breaks a rule."""
        yield best
        generator = np.random.default_rng([self.seed, len(self.evidence.keys), index])
        for attempt in range(200):
            yield np.clip(best + generator.normal(scale=0.002 * 1.05**attempt, size=best.shape), 0.0, 1.0)

    def _known(self) -> Tensor:
        return torch.from_numpy(np.concatenate([self.evidence.cube(name) for name in self.ladder_names]))

    def _incumbents(self) -> Tensor:
        """The eight designs answered so far, at any rung, that the top rung is believed to like best."""
        known = torch.unique(self._known(), dim=0)
        if not len(known):
            return torch.full((1, self.task.problem.space.columns), 0.5, dtype=torch.double)
        with torch.no_grad():
            mean = self.model.posterior(known.unsqueeze(-2)).mean.squeeze(-2)
        missed = self._missed(mean).clamp_min(0.0)
        value = self._value(mean)
        order = np.lexsort((-value.numpy(), missed.numpy().round(3)))
        liked: Tensor = known[torch.from_numpy(order[:8].copy())]
        return liked

    def _goal_spread(self) -> dict[str, float]:
        """Standard deviation of each goal over all answers, so that no unit makes a goal count more than another."""
        seen = [self.task.goal_values(one) for rows in self.evidence.rungs.values() for one in rows.outcomes]
        spread = {}
        for name in self.outputs.names:
            values = np.array([one[name] for one in seen] or [1.0])
            spread[name] = float(max(values.std(), 1e-9 * np.abs(values).max())) or 1.0
        return spread

    def _shortfalls(self) -> list[Any]:
        """Functions of samples, (..., m) to (...): by how much each limit is missed, in units of its goal's spread."""

        def shortfall(key: str, spread: float) -> Any:
            return lambda samples: self.outputs.shortfalls(self.task, self._raw(samples))[key] / spread

        found = []
        for key in self.outputs.shortfalls(self.task, torch.zeros(1, len(self.scale), dtype=torch.double)):
            found.append(shortfall(key, self.goal_spread[key[:-1]]))
        if self.model.successes[-1] is not None:
            found.append(lambda samples: 0.5 - samples[..., -1])
        return found

    def _raw(self, samples: Tensor) -> Tensor:
        """(..., m or m + 1) samples of the surrogate to (..., m) outputs in their own units."""
        return samples[..., : len(self.scale)] * self.scale

    def _value(self, samples: Tensor, X: Tensor | None = None) -> Tensor:
        """(..., m) samples to (...) the objective, larger is better, in units of its spread."""
        return self.outputs.objective(self.task, self._raw(samples)) / self.goal_spread[self.task.objective.name]

    def _missed(self, samples: Tensor) -> Tensor:
        """(..., m) samples to (...) the worst shortfall in units of each goal's spread."""
        missed = [shortfall(samples) for shortfall in self._shortfalls()]
        return torch.stack(missed).amax(0) if missed else torch.full(samples.shape[:-1], -1.0, dtype=samples.dtype)

    def _acquisition(self, baseline: Tensor, pending: Tensor) -> Any:
        """Log expected improvement under constraints: over the best answer, or under noise over what it may truly be."""
        common: dict[str, Any] = {
            "model": self.model,
            "sampler": SobolQMCNormalSampler(torch.Size([64]), seed=self.seed),
            "objective": GenericMCObjective(self._value),
            "constraints": self._shortfalls() or None,
            "X_pending": pending if len(pending) else None,
        }
        if self.task.problem.noise.kind != "none":
            return qLogNoisyExpectedImprovement(X_baseline=baseline, prune_baseline=False, cache_root=False, **common)
        return qLogExpectedImprovement(best_f=self._best_value(), **common)

    def _best_value(self) -> float:
        """The objective to improve on, larger is better: the best design of any rung that the top rung is believed to allow.

        Without one it is the worst seen, so that feasibility comes first.
        """
        known = self._known()
        if not len(known):
            return 0.0
        with torch.no_grad():
            mean = self.model.posterior(known.unsqueeze(-2)).mean.squeeze(-2)
        value = self._value(mean)
        allowed = self._missed(mean) <= 0
        return float(value[allowed].max() if allowed.any() else value.min())

    def _gain(self, samples: Tensor) -> float | None:
        """Expected improvement on the best answer of the top rung; None while no answer keeps every limit."""
        best = self.evidence.best(self.ladder_names[-1])
        if best is None:
            return None
        goal = self.task.objective
        known = -best[1][goal.name] if goal.measure.sense == "minimise" else best[1][goal.name]
        better = (self.outputs.objective(self.task, self._raw(samples)) - known).clamp_min(0.0)
        return float((better * (self._missed(samples) <= 0)).mean())

    def _maximise(self, acquisition: Any, baseline: Tensor) -> Any:
        """The best of many points, half of them near the incumbents, polished by gradient from the best four."""
        d = baseline.shape[-1]
        bounds = torch.stack([torch.zeros(d), torch.ones(d)]).double()
        everywhere = draw_sobol_samples(bounds, n=256, q=1, seed=self.seed)
        nearby = [
            sample_truncated_normal_perturbations(baseline, n_discrete_points=128, sigma=sigma, bounds=bounds).unsqueeze(-2)
            for sigma in (0.1, 0.01)
        ]
        raw = torch.cat([everywhere, *nearby])
        with torch.no_grad():
            values = acquisition(raw)
        options: dict[str, Any] = {"maxiter": 100, "ftol": 1e-4, "factr": None}
        best, _value = optimize_acqf(
            acquisition,
            bounds=bounds,
            q=1,
            num_restarts=4,
            batch_initial_conditions=raw[values.topk(4).indices],
            options=options,
            retry_on_optimization_warning=False,
        )
        return best.squeeze(0).numpy()

    def _at(self, design: Any) -> Proposal:
        problem, task = self.task.problem, self.task
        point = torch.from_numpy(problem.space.encode([design]))
        with torch.no_grad(), manual_seed(self.seed):
            samples = self.model.posterior(point).rsample(torch.Size([256])).squeeze(-2)
        feasible = float((self._missed(samples) <= 0).double().mean())
        rung, share = self._rung_for(point)
        if rung != problem.top.name:
            cost = problem.rung(rung).cost
            return Proposal(design, rung, "search", _CHEAP, {"fidelity": rung, "share": share, "cost": cost})
        predicted = {}
        for name in self.outputs.names:
            low, middle, high = torch.quantile(
                self.outputs.goal(name, self._raw(samples)), torch.tensor([0.05, 0.5, 0.95]).double()
            ).tolist()
            predicted[name] = (middle, low, high)
        gain = self._gain(samples)
        if gain is None:
            return Proposal(design, rung, "search", _FIRST, {"feasible": feasible}, predicted)
        numbers = {"gain": gain, "unit": task.objective.unit, "feasible": feasible}
        return Proposal(design, rung, "search", _GAIN, numbers, predicted, gain)

    def _rung_for(self, point: Tensor) -> tuple[str, float]:
        """The cheapest rung that removes a larger share of the doubt at ``point`` than its share of the cost.

        Doubt below a hundredth of an output's spread is not worth a cheap run, nor is a rung that will likely fail there.
        """
        problem = self.task.problem
        doubt = self._doubt(point)
        design = problem.space.designs(point.numpy())[0]
        for level, name in enumerate(self.ladder_names[:-1]):
            removed = doubt[: level + 1].sum(0)
            share = float(removed.sum() / doubt.sum())
            success = self.model.successes[level]
            fails = success is not None and float(success.mean(point).detach()) < 0.5
            known = problem.trial(design, self.task.setting, name, self.seed).key in self.evidence.keys
            if not known and not fails and share > problem.rung(name).cost and float(removed.max()) > _MATERIAL**2:
                return name, share
        return self.ladder_names[-1], 1.0

    def _doubt(self, point: Tensor) -> Tensor:
        """(rungs, m) variance of the top rung's outputs that each rung could remove, relative to the outputs' spread."""
        shares = []
        slope = torch.ones_like(self.scale)
        for rung in reversed(self.model.rungs):
            with torch.no_grad():
                shares.append(rung.own_variance(point).squeeze(0) * slope.square())
            slope = slope * rung.calibration.slope
        return torch.stack(shares[::-1])

    def _observed_scale(self) -> Tensor:
        """(m,) standard deviation of each modelled output over all answers; the surrogate works in these units."""
        pooled = np.concatenate([self.outputs.observed(self.evidence, name) for name in self.ladder_names])
        if len(pooled) < 2:
            return torch.ones(pooled.shape[1], dtype=torch.double)
        scale = np.maximum(pooled.std(0), 1e-6 * np.abs(pooled).max(0))
        return torch.from_numpy(np.where(scale > 0, scale, 1.0))
