"""Milestones as files, and how far they are: computed from committed benchmark results, never stated by hand."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

from dure.errors import InputError, MissingPart, ProblemError
from dure.i18n import _

__all__ = ["RESULTS", "Budget", "Milestone", "Result", "Roadmap", "found", "read"]

RESULTS: Final = "benchmarks/results"
"""Where the repository keeps what benchmarks wrote; those that somebody else ran again in ``re-run/WHO`` under it."""

_Text = Mapping[str, str]
"""A text by language."""
_Status = Literal["met", "not met", "not measured"]


@dataclass(frozen=True)
class Budget:
    """What a milestone is estimated to need: work in person-months, computing in CPU hours, other costs in millions of won."""

    person_months: float
    cpu_hours: float
    won_millions: float


@dataclass(frozen=True)
class Result:
    """One figure of a benchmark as it was committed; ``by`` is empty where whoever states it also ran it."""

    value: float
    unit: str
    low: float | None
    high: float | None
    by: str
    commit: str
    date: str
    cpu: str


@dataclass(frozen=True, kw_only=True)
class Milestone:
    """What a domain's models are to do, and the one figure that decides whether they do.

    ``command`` writes ``result``, a file under ``RESULTS``; ``metric`` names one of its figures, of which ``bound`` is judged
    against ``target``.
    """

    id: str
    capability: _Text
    command: str
    result: str
    metric: str
    target: float
    unit: str
    due: date
    owner: str
    budget: Budget
    at_most: bool = False
    bound: Literal["value", "low", "high"] = "value"
    found: Result | None = None
    why: str = ""

    @property
    def judged(self) -> float | None:
        """The number that is judged; None where there is none."""
        return getattr(self.found, self.bound) if self.found else None

    @property
    def status(self) -> _Status:
        """From the committed figure alone."""
        if self.judged is None:
            return "not measured"
        return "met" if (self.judged <= self.target if self.at_most else self.judged >= self.target) else "not met"

    def overdue(self, today: date) -> bool:
        """Whether it should be met by now and is not."""
        return self.status != "met" and today > self.due


@dataclass(frozen=True)
class Roadmap:
    """The vision of a domain, and its milestones by due date."""

    domain: str
    vision: _Text
    milestones: tuple[Milestone, ...]


def found(start: Path | None = None) -> Path:
    """The repository that ``start``, else the current folder, else this package lies in.

    Raises:
        InputError: none of them lies in one with a roadmap; it is part of the repository and not of the package.
    """
    for place in [start] if start else [Path.cwd(), Path(__file__).parent]:
        for folder in (place.resolve(), *place.resolve().parents):
            if any((folder / "roadmap").glob("*.toml")) and (folder / RESULTS).is_dir():
                return folder
    raise InputError(
        _("no roadmap here: it stands in Dure's repository beside the results it is judged by; give --repository its folder")
    )


def read(repository: Path) -> list[Roadmap]:
    """All roadmaps of a repository, each milestone with the newest committed figure that decides it.

    Raises:
        ProblemError: a file says something it must not, such as a status, or lacks something; names file and key.
        InputError: the folder is no git repository.
    """
    committed = _Committed(repository)
    return [_roadmap(file, committed) for file in sorted((repository / "roadmap").glob("*.toml"))]


_ROADMAP = ("domain", "vision", "milestone")
_STATED = tuple(one.name for one in fields(Milestone) if one.name not in ("found", "why"))
_NEEDED = tuple(name for name in _STATED if name not in ("at_most", "bound"))
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("id", "command", "result", "metric", "unit", "owner", "bound"), str),
    **dict.fromkeys(("capability", "budget"), dict),
    "target": (int, float),
    "due": date,
    "at_most": bool,
}


def _roadmap(file: Path, committed: _Committed) -> Roadmap:
    try:
        said = tomllib.loads(file.read_text("utf-8"))
        _check(said, _ROADMAP, _ROADMAP)
        _text(said["vision"], "vision")
        stated = [_milestone(one) for one in said["milestone"]]
    except (OSError, tomllib.TOMLDecodeError, InputError) as error:
        raise ProblemError(str(error), file=str(file)) from None
    ids = [one.id for one in stated]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        raise ProblemError(_("milestone {id} stands twice").format(id=twice[0]), file=str(file))
    judged = [committed.judged(one) for one in sorted(stated, key=lambda one: one.due)]
    return Roadmap(said["domain"], said["vision"], tuple(judged))


def _check(said: Mapping[str, Any], known: Sequence[str], needed: Sequence[str]) -> None:
    for key in said:
        if key not in known:
            raise InputError(
                _("{key} is no key of a roadmap; a status is computed and never stated. There are {known}").format(
                    key=key, known=", ".join(known)
                )
            )
    for key in needed:
        if key not in said:
            raise InputError(_("{key} is missing").format(key=key))


def _text(said: Any, key: str) -> None:
    if not isinstance(said, dict) or set(said) != {"en", "ko"} or not all(isinstance(one, str) and one for one in said.values()):
        raise InputError(_('{key} needs both languages: {key} = {{ en = "...", ko = "..." }}').format(key=key))


def _milestone(said: Mapping[str, Any]) -> Milestone:
    _check(said, _STATED, _NEEDED)
    for key, value in said.items():
        if not isinstance(value, _TYPES[key]) or (isinstance(value, bool) and key == "target"):
            raise InputError(_("{id}: {key} = {value!r} is of the wrong kind").format(id=said["id"], key=key, value=value))
    _text(said["capability"], "capability")
    names = [one.name for one in fields(Budget)]
    _check(said["budget"], names, names)
    if said.get("bound", "value") not in ("value", "low", "high"):
        raise InputError(_('{id}: bound is "value", "low" or "high"').format(id=said["id"]))
    return Milestone(**{**said, "budget": Budget(**said["budget"])})


class _Committed:
    """Results as the newest commit has them: what is only in the folder does not count."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        names = self._git("ls-tree", "-r", "--name-only", "HEAD", "--", RESULTS).splitlines()
        self._files = [name for name in names if name.endswith(".json")]

    def judged(self, milestone: Milestone) -> Milestone:
        """The milestone with its figure: of a re-run, if there is one, else of whoever states it."""
        said = {**{one.name: getattr(milestone, one.name) for one in fields(Milestone)}}
        whys = []
        for name in self._candidates(milestone.result):
            data = json.loads(self._git("show", f"HEAD:{name}"))
            figure = next((one for one in data.get("figures", ()) if one["name"] == milestone.metric), None)
            if data.get("quick"):
                whys.append(_("{file} is of a quick run").format(file=name))
            elif figure is None:
                whys.append(_("{file} has no such figure").format(file=name))
            elif figure.get("unit", "1") != milestone.unit:
                whys.append(_("{file} has it in {unit}").format(file=name, unit=figure.get("unit", "1")))
            else:
                return Milestone(**{**said, "found": self._result(name, figure, data)})
        return Milestone(**{**said, "why": "; ".join(whys) or _("no result was committed")})

    def _candidates(self, result: str) -> Iterator[str]:
        """Files that may decide: re-runs by others, the newest first, then the statement itself."""
        own = f"{RESULTS}/{result}"
        again = [one for one in self._files if one.startswith(f"{RESULTS}/re-run/") and one.endswith(f"/{result}")]
        if own in self._files:
            stated = self._log(own, "%ae")
            again = [one for one in again if self._log(one, "%ae") != stated]  # whoever states it cannot confirm it
        yield from sorted(again, key=lambda one: int(self._log(one, "%ct")), reverse=True)
        if own in self._files:
            yield own

    def _result(self, name: str, figure: Mapping[str, Any], data: Mapping[str, Any]) -> Result:
        parts = name.removeprefix(f"{RESULTS}/").split("/")
        return Result(
            value=float(figure["value"]),
            unit=figure.get("unit", "1"),
            low=figure.get("low"),
            high=figure.get("high"),
            by=parts[1] if parts[0] == "re-run" else "",
            commit=self._log(name, "%h"),
            date=data.get("date", ""),
            cpu=data.get("machine", {}).get("cpu", ""),
        )

    def _log(self, name: str, what: str) -> str:
        return self._git("log", "-1", f"--format={what}", "--", name).strip()

    def _git(self, *arguments: str) -> str:
        try:
            done = subprocess.run(["git", "-C", str(self._repository), *arguments], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise MissingPart(
                _("a roadmap is judged by what is committed, and git is not installed: apt-get install git")
            ) from None
        if done.returncode:
            raise InputError(_("{folder}: {error}").format(folder=self._repository, error=done.stderr.strip()))
        return done.stdout
