"""Training a family prior: one encoder for all past tasks, and on it what they share and how they differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dure.models.prior import Encoder, FamilyPrior, Listed, Names, Network, PastTask, in_units

__all__ = ["train"]

_FEATURES, _RANK = 24, 12
_STEPS, _ROWS, _RATE = 600, 64, 4e-3
_DISTANCE = 0.02
"""How dear it is for a task to differ from the others, beside its mean squared error."""
_MOST_ROWS = 4000
_LEAST_SPREAD = 1e-5
"""Share of its size by which a number has to vary to say anything: weights are kept in single precision."""
_FOLDS = 5
_OF_USE = 0.1
"""The share of what a left-out task's theory leaves that the mean has to explain to be of use."""
_SURE = 0.01
"""The least that a mean is expected to miss by, as a variance in units of an output's: as much as theory."""
_NOTHING = 1e-4
"""A variance, in units of an output's, below which theory left nothing to explain."""
_RIDGE = 0.1
"""Variance of the noise, in units of an output's spread, in the few answers by which left-out tasks are read."""


@dataclass(frozen=True)
class _Past:
    """Tasks in units of their own spread: (n, d) points, (n, m) residuals, (n, s) descriptors in units of the family's spread."""

    points: list[Tensor]
    residuals: list[Tensor]
    descriptors: list[Tensor]

    def without(self, left: Sequence[int]) -> _Past:
        kept = [index for index in range(len(self.points)) if index not in left]
        return _Past(*([some[index] for index in kept] for some in (self.points, self.residuals, self.descriptors)))


def train(
    tasks: Sequence[PastTask],
    *,
    names: Names = (),
    seed: int = 0,
    say: Callable[[str], None] = lambda _text: None,
) -> FamilyPrior:
    """Learn from past tasks; those of a group are left out together to see what a prior is worth on tasks it never saw.

    Args:
        tasks: at least two, of equal columns, outputs and descriptors. Outputs that no row measured well are NaN.
        names: see ``Network``. A space of one column of names whose members every task asked for is taken as a list.
        seed: of everything drawn at random.
        say: is told how far it got.

    Without theory a task's outputs are learned, with theory what it leaves: either way offset and scale are a task's own. Where
    trials failed, whether there is an answer is one more output; of a list it is not learned.
    """
    generator = torch.Generator().manual_seed(seed)
    past = _Past([], [], [])
    listed = _is_list(tasks[0], names)
    rate = torch.zeros(0, dtype=torch.double) if listed else _rate_of(tasks)
    for task in tasks:
        failed = task.points[:0] if task.failed is None or not len(rate) else task.failed
        count, asked = len(task.points), len(task.points) + len(failed)
        order = torch.arange(count) if listed else torch.randperm(asked, generator=generator)[:_MOST_ROWS]
        rows = order[order < count]
        points, residuals = task.points[rows], _own_units(task, rows)
        if len(rate):
            points, residuals = _with_success(points, residuals, failed[order[order >= count] - count], rate)
        points, told = task.told(points)
        past.points.append(points)
        past.residuals.append(residuals)
        past.descriptors.append(told)
    shift, unit = _spread_of(past.descriptors)
    past.descriptors[:] = [in_units(told, shift, unit) for told in past.descriptors]
    learn = _list_of if listed else _network_of
    groups = sorted({task.group for task in tasks})
    left_out = []
    for fold in range(min(_FOLDS, len(groups))):
        left = [index for index, task in enumerate(tasks) if groups.index(task.group) % _FOLDS == fold]
        if len(tasks) - len(left) < 2:
            continue
        say(f"left out: {', '.join(sorted({tasks[index].group for index in left}))}")
        kept = past.without(left)
        encoder, weights = learn(kept, names, seed)
        centre, directions = _common(encoder, weights, kept)
        left_out += [_read(encoder, centre, directions, past, index) for index in left]
    say(f"all {len(tasks)} tasks")
    encoder, weights = learn(past, names, seed)
    centre, directions = _common(encoder, weights, past)
    found = _found(left_out, len(centre), success=len(rate) > 0)
    return FamilyPrior(
        encoder,
        centre=centre.where(found.useful[:, None], 0.0),
        directions=directions,
        share=found.share.clamp(0.05, 0.95),
        doubt=found.missed.clamp(_SURE, 1.0).sqrt(),
        helped=found.helped,
        shift=shift,
        unit=unit,
        best=_best_of(tasks),
        rate=rate,
    )


def _rate_of(tasks: Sequence[PastTask]) -> Tensor:
    """(1,) the share of trials that were answered, tasks alike; (0,) where none failed."""
    failed = [0 if task.failed is None else len(task.failed) for task in tasks]
    if not any(failed):
        return torch.zeros(0, dtype=torch.double)
    shares = [len(task.points) / (len(task.points) + count) for task, count in zip(tasks, failed, strict=True)]
    return torch.tensor([sum(shares) / len(shares)], dtype=torch.double)


def _with_success(points: Tensor, residuals: Tensor, failed: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
    """Points that failed behind those that were answered, and success as one more column; of the others they have none."""
    nothing = residuals.new_full((len(failed), residuals.shape[-1]), torch.nan)
    success = torch.cat([residuals.new_ones(len(points), 1), residuals.new_zeros(len(failed), 1)])
    return torch.cat([points, failed]), torch.cat([torch.cat([residuals, nothing]), (success - rate) / 0.5], -1)


def _best_of(tasks: Sequence[PastTask]) -> Tensor:
    """(b, d) the best points of all tasks, each once; none where members have different inputs."""
    known = [task.best for task in tasks if task.best is not None and task.tokens is None]
    return torch.cat(known).unique(dim=0) if known else torch.zeros(0, 1, dtype=torch.double)


def _is_list(task: PastTask, names: Names) -> bool:
    asked = len(task.points) + (0 if task.failed is None else len(task.failed))
    return task.points.shape[-1] == 1 and len(names) == 1 and len(names[0][1]) <= asked


def _spread_of(tasks: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Middle and spread over tasks that count alike, of (n, s) values each; infinite where nothing varies."""
    middle = torch.stack([some.mean(0) for some in tasks]).mean(0)
    spread = torch.stack([(some - middle).square().mean(0) for some in tasks]).mean(0).sqrt()
    return middle, torch.where(spread > _LEAST_SPREAD * middle.abs(), spread, torch.inf)


def _own_units(task: PastTask, rows: Tensor) -> Tensor:
    """(n, m) outputs less the calibrated theory, in units of the outputs' spread; NaN stays."""
    outputs = task.outputs[rows]
    spread = (outputs - outputs.nanmean(0)).square().nanmean(0).sqrt().clamp_min(1e-12)
    left = outputs
    if task.reference is not None:
        reference = task.reference(task.points[rows])
        x, y = reference - reference.nanmean(0), outputs - outputs.nanmean(0)
        slope = (x * y).nansum(0) / x.square().where(~y.isnan(), torch.zeros_like(y)).nansum(0).clamp_min(1e-12)
        left = y - slope * x
    return (left - left.nanmean(0)) / spread


def _network_of(past: _Past, names: Names, seed: int) -> tuple[Encoder, Tensor]:
    """The encoder and (tasks, m, features) weights: least squares of every task at once, by Adam."""
    count, outputs = len(past.points), past.residuals[0].shape[-1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = Network(past.points[0].shape[-1], names, past.descriptors[0].shape[-1], _FEATURES)
        centre = nn.Parameter(0.1 * torch.randn(outputs, _FEATURES, dtype=torch.double))
    own = nn.Parameter(torch.zeros(count, outputs, _FEATURES, dtype=torch.double))
    offsets = nn.Parameter(torch.zeros(count, outputs, dtype=torch.double))
    optimiser = torch.optim.AdamW([*encoder.parameters(), centre, own, offsets], lr=_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, _STEPS)
    generator = torch.Generator().manual_seed(seed)
    for _step in range(_STEPS):
        rows = [torch.randint(len(some), (_ROWS,), generator=generator) for some in past.points]
        points = torch.stack([some[row] for some, row in zip(past.points, rows, strict=True)])
        wanted = torch.stack([some[row] for some, row in zip(past.residuals, rows, strict=True)])
        features = encoder(points, torch.stack([some[row] for some, row in zip(past.descriptors, rows, strict=True)]))
        said = torch.einsum("tnk,tmk->tnm", features, centre + own) + offsets[:, None]
        error = (said - wanted)[~wanted.isnan()].square().mean()
        loss = error + _DISTANCE * own.square().sum(-1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    encoder.requires_grad_(False)
    return encoder, (centre + own).detach()


def _list_of(past: _Past, names: Names, seed: int) -> tuple[Encoder, Tensor]:
    """The list's encoder and weights: their mean and principal directions (one output), by singular values."""
    count, members = len(past.points), len(names[0][1])
    table = torch.full((count, members), torch.nan, dtype=torch.double)
    for task, (points, residuals) in enumerate(zip(past.points, past.residuals, strict=True)):
        table[task, (points[:, 0] * members).floor().clamp(0, members - 1).long()] = residuals[:, 0]
    mean = table.nanmean(0).nan_to_num(0.0)
    rest = (table - mean).nan_to_num(0.0)
    left, sizes, right = torch.linalg.svd(rest, full_matrices=False)
    rank = max(count - 1, 1)
    weights = torch.cat([torch.ones(count, 1, dtype=torch.double), left[:, :rank] * sizes[:rank] / members**0.5], -1)
    rows = torch.cat([mean[:, None], right[:rank].T * members**0.5], -1)
    return Listed(rows), weights[:, None, :]


def _common(encoder: Encoder, weights: Tensor, past: _Past) -> tuple[Tensor, Tensor]:
    """(m, k) mean and (m, k, r) principal directions, of mean square one over the past, of (tasks, m, k) weights."""
    centre = weights.mean(0)
    _left, sizes, right = torch.linalg.svd((weights - centre).transpose(0, 1), full_matrices=False)
    rank = min(_RANK if isinstance(encoder, Network) else len(weights), sizes.shape[-1])
    directions = (sizes[:, :rank, None] * right[:, :rank]).mT
    features = torch.cat([encoder(some, told) for some, told in zip(past.points, past.descriptors, strict=True)])
    usual = (features @ directions).square().sum(-1).mean(-1).sqrt()
    return centre, directions / usual.clamp_min(1e-12)[:, None, None]


@dataclass(frozen=True)
class _Found:
    """What tasks left out say of each of m outputs: see ``FamilyPrior``; ``useful`` (m,): whether the mean was, to half."""

    share: Tensor
    missed: Tensor
    useful: Tensor
    helped: Tensor


def _found(left_out: list[Tensor], outputs: int, *, success: bool) -> _Found:
    """Medians over tasks, as a few of them may be unlike all others; ``success``: the last output is that, of some constant."""
    half = torch.full((outputs,), 0.5, dtype=torch.double)
    if not left_out:
        return _Found(half, half, half > 0, half[:1])
    share, missed, about_none = torch.stack(left_out).unbind(1)
    told = about_none > _NOTHING
    use = (missed < (1 - _OF_USE) * about_none).double().where(told, torch.nan)
    useful = use.nanmean(0).nan_to_num(1.0) >= 0.5
    missed = missed.where(useful, about_none)
    if success:
        missed[:, -1] = missed[:, -1].where(told[:, -1], torch.nan)
    votes = use.nanmean(1)[told.any(1)]
    return _Found(
        share=share.where(told, torch.nan).nanquantile(0.5, 0).nan_to_num(0.5),
        missed=missed.nanquantile(0.5, 0).nan_to_num(0.5),
        useful=useful,
        helped=(votes.sum(0, keepdim=True) + 1) / (len(votes) + 2),
    )


def _read(encoder: Encoder, centre: Tensor, directions: Tensor, past: _Past, task: int) -> Tensor:
    """(3, m) of a task left out: what part of the variance about the calibrated mean the directions hold, that variance, and
    the variance about no mean.
    """
    features = encoder(past.points[task], past.descriptors[task])
    found = []
    for output, (middle, along) in enumerate(zip(centre, directions, strict=True)):
        there = ~past.residuals[task][:, output].isnan()
        wanted = past.residuals[task][there, output]
        about_none = (wanted - wanted.mean()).square().mean()
        known = torch.stack([features[there] @ middle, torch.ones_like(wanted)], -1)
        wanted = wanted - known @ torch.linalg.lstsq(known, wanted[:, None]).solution[:, 0]
        block = features[there] @ along
        block = block - known @ torch.linalg.lstsq(known, block).solution
        inner = block.T @ block + _RIDGE * torch.eye(block.shape[-1], dtype=block.dtype)
        rest = wanted - block @ torch.linalg.solve(inner, block.T @ wanted)
        missed = wanted.square().mean()
        found.append(torch.stack([1 - rest.square().mean() / missed.clamp_min(1e-12), missed, about_none]))
    return torch.stack(found, -1)
