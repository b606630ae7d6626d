"""What a pool is made of: the journals of campaigns and of ``dure pool generate``, records of them, and other pools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dure.errors import InputError, PoolError
from dure.i18n import N_, _
from dure.journal import Journal, TrialState, fold
from dure.models import strictest
from dure.pool.columns import arrow, other_unit
from dure.pool.pool import Pool
from dure.pool.rows import Rows, Source
from dure.problem import Problem
from dure.record import RECORD, read

__all__ = ["UNSTATED", "journal_table", "table_of"]

UNSTATED = "NOASSERTION"
"""SPDX's word for a licence that nobody has stated."""

_OPEN = N_("no answer yet")
_GIVEN = N_("past data of the campaign's: give its own source")
_FOREIGN = N_("of another problem or version")
_UNLIKE = N_("not what the problem states: {error}")


def table_of(problem: Problem, place: Path, *, licence: str, access: str) -> Any:
    """What stands at ``place``, as an Arrow table in the form of a pool. A pool and a record have terms of their own.

    Raises:
        InputError: there is no journal, record or pool of the problem.
        JournalError: the journal cannot be read, or is not what was written.
    """
    if place.is_dir():
        if (place / RECORD).exists():
            licence = read(place).about.licence
        return journal_table(problem, place, licence=licence, access=access)
    if place.suffix != ".parquet":
        raise PoolError(
            _("{place} is neither the folder of a journal nor a pool; a table becomes one by dure pool import").format(
                place=place
            )
        )
    held = Pool.read(place, problem)
    if not held.tasks:  # to look at them refuses what was written under another statement of the problem
        raise PoolError(_("{file} has no rows").format(file=place))
    return arrow().parquet.read_table(held.path)


def journal_table(problem: Problem, folder: Path, *, licence: str, access: str) -> Any:
    """The trials that a journal answered or failed. What was given to a campaign is no work of its own and is left out.

    Answers count by the version that the problem's author declares; every one is built anew by the problem. Their level of access
    is at least as strict as that of a model that the campaign listened to, whose designs may be among them.
    """
    with Journal.open(folder, write=False) as journal:
        journal.verify()
        head = journal.head
        history = fold(journal.events())
    for plan in history.plans:
        _check_units(problem, folder, plan["problem"])
    rows = Rows(problem)
    for state in history.trials.values():
        if why := _unwanted(problem, state):
            rows.not_taken[why] += 1
            continue
        try:
            _take(rows, state)
        except InputError as error:
            rows.not_taken[_(_UNLIKE).format(error=error)] += 1
    if not len(rows):
        reasons = "; ".join(f"{why} ({count})" for why, count in rows.not_taken.items()) or _("it has no trials")
        raise PoolError(
            _("{folder} holds no answers to {problem}, version {version}: {reasons}").format(
                folder=folder, problem=problem.name, version=problem.version, reasons=reasons
            )
        )
    source = Source(f"journal:{head}", folder.resolve().name, licence, access, len(rows), dict(rows.not_taken))
    used = (plan["model"]["access"] for plan in history.plans if "model" in plan)
    return rows.table(replace(source, access=strictest([source.access, *used])))


def _check_units(problem: Problem, folder: Path, planned: Mapping[str, Any]) -> None:
    """Refuse numbers that were asked for or answered in another unit (PoolError)."""
    if (planned.get("name"), planned.get("version")) != (problem.name, problem.version):
        return
    now: Mapping[str, Mapping[str, Any]] = {
        "design": problem.inputs,
        "setting": problem.inputs_of_setting,
        "outcome": problem.measures,
    }
    for part, specs in now.items():
        for name, said in planned.get(part, {}).items():
            if name in specs and said["unit"] != specs[name].unit:
                raise PoolError(other_unit(folder, f"{part}.{name}", said["unit"], problem, specs[name].unit))


def _unwanted(problem: Problem, state: TrialState) -> str:
    if (state.trial["problem"], state.trial["version"]) != (problem.name, problem.version):
        return _(_FOREIGN)
    if state.is_open:
        return _(_OPEN)
    return _(_GIVEN) if state.purpose == "given" else ""


def _take(rows: Rows, state: TrialState) -> None:
    asked = state.trial
    setting = rows.problem.make_setting(asked["setting"])
    member = rows.problem.under(setting)
    design = member.make_design(asked["design"])
    trial = member.trial(design, setting, member.rung(asked["fidelity"]).name, asked["seed"])
    if trial.key != state.key:
        raise PoolError(_("its key is not that of its values"))
    if state.outcome is not None:
        member.make_outcome(state.outcome)
    rows.add(trial, setting, design, state.outcome or {}, state.why_failed)
