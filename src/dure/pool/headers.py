"""Which column of a table is whose: inputs, settings and outcomes by their names, with units turned into the problem's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dure.errors import InputError, PoolError, UnknownName, ValueRefused
from dure.i18n import _
from dure.pool.columns import columns_of
from dure.problem import Measure, Problem, Table
from dure.problem.table import NOTHING
from dure.units import check_unit, convert

__all__ = ["Headers", "part_names"]

_FIXED = ("fidelity", "seed", "failure")
_WITH_UNIT = re.compile(r"(?P<name>.+?)\s*\[(?P<unit>[^\[\]]+)\]")
_PERHAPS_UNIT = re.compile(r"(?P<name>.+?)(?:\s*\((?P<round>[^()]+)\)|\s*[,/]\s*(?P<behind>[^,/]+))")
"""What stands behind a name in other ways is a unit only if it can be read as one."""
_PREFIX = re.compile(r"(?:design|setting|outcome)\.")


@dataclass(frozen=True)
class _Match:
    """A column; its numbers times ``scale`` plus ``offset`` are in the problem's unit."""

    header: str
    scale: float = 1.0
    offset: float = 0.0

    def text(self, cells: Mapping[str, str]) -> str:
        """The cell in the problem's unit; empty where nothing stands."""
        found = cells[self.header].strip()
        if found.lower() in NOTHING:
            return ""
        if (self.scale, self.offset) == (1.0, 0.0):
            return found
        try:
            return repr(float(found) * self.scale + self.offset)
        except ValueError:
            raise ValueRefused(_("{name} = {value!r} is not a number").format(name=self.header, value=found)) from None


class Headers:
    """The columns of a table by what they are for; ``left`` says why each of the others is none of them.

    ``across`` is a setting and an outcome: every header that is a value of that setting then holds that outcome.
    """

    def __init__(
        self,
        problem: Problem,
        table: Table,
        columns: Mapping[str, str],
        setting: Mapping[str, str],
        across: tuple[str, str] | None,
    ) -> None:
        self.left: dict[str, str] = {}
        self._problem, self._given, self._across = problem, setting, across
        self._settings: dict[tuple[tuple[str, str], ...], Any] = {}
        self._matches: dict[str, _Match] = {}
        self._wide: dict[str, str] = {}
        for name, header in columns.items():
            if header not in table.columns:
                raise UnknownName(_("column of {table}").format(table=table.path.name), header, table.columns)
            if not header.strip():
                raise PoolError(_("{name} needs a header").format(name=name))
        called = {header: name for name, header in columns.items()}
        self._match(table.columns, called, dict.fromkeys((*problem.inputs_of_setting, *_FIXED), "1") | _units(problem))
        if across:
            self._spread(table.columns, called)
        known = self._names(table)
        self._match(table.columns, called, known)
        for name, header in columns.items():
            if name not in (*known, *_FIXED):
                raise UnknownName(_("input, setting or outcome"), name, [*known, *_FIXED])
            if name not in self._matches or self._matches[name].header != header:
                raise PoolError(_("{name}: {why}").format(name=name, why=self.left.get(header, "")))
        for header in table.columns:
            if header not in self._wide and header not in {one.header for one in self._matches.values()}:
                self.left.setdefault(header, _("no input, setting or outcome of that name"))

    def _match(self, headers: Sequence[str], called: Mapping[str, str], units: Mapping[str, str]) -> None:
        """Give headers to the names that ``units`` has: as they were named, then as written, then as people write them."""
        written = {header: _written(header) for header in headers}
        for header, name in called.items():
            self._take(header, name, _perhaps(header)[1] or written[header][1], units)
        for header, (name, unit) in written.items():
            if header not in called:
                self._take(header, name, unit, units)
        alike: dict[str, list[str]] = {}
        for header in headers:
            if not self._is_taken(header) and (name := _likest(_perhaps(header)[0], units)):
                alike.setdefault(name, []).append(header)
        for name, some in alike.items():
            if len(some) == 1:
                text, unit = _perhaps(some[0])
                self._take(some[0], name if unit or _bare(text) == _bare(written[some[0]][0]) else "", unit, units)
            else:
                told = _("{headers} could all be {name}; say which with --column {name}=HEADER")
                self.left |= dict.fromkeys(some, told.format(headers=", ".join(some), name=name))

    def _is_taken(self, header: str) -> bool:
        return header in self._wide or header in self.left or header in {one.header for one in self._matches.values()}

    def _take(self, header: str, name: str, unit: str, units: Mapping[str, str]) -> None:
        """A header for a name, if there is one; its own unit, if any, must be one that can be turned into the name's."""
        if name not in units or header in self._wide:
            return
        try:
            if name in self._matches and self._matches[name].header != header:
                raise ValueRefused(_("{other} is taken for {name}").format(other=self._matches[name].header, name=name))
            zero, one = (convert(number, unit or units[name], units[name]) for number in (0.0, 1.0))
            self._matches[name] = _Match(header, one - zero, zero)
        except ValueRefused as error:
            self.left[header] = str(error)

    def _spread(self, headers: Iterable[str], called: Mapping[str, str]) -> None:
        name, outcome = self._across or ("", "")
        if name not in self._problem.inputs_of_setting:
            raise UnknownName(_("setting"), name, self._problem.inputs_of_setting)
        if outcome not in self._problem.measures:
            raise UnknownName(_("outcome"), outcome, self._problem.measures)
        spec = self._problem.inputs_of_setting[name]
        taken = {one.header for one in self._matches.values()} | set(called)
        for header in headers:
            if header in taken:
                continue
            try:
                spec.accept(name, spec.read(name, header.strip()))
                self._wide[header] = header.strip()
            except InputError:
                continue

    def _names(self, table: Table) -> dict[str, str]:
        """Units of everything that the members in the table vary or measure, by name; parts by ``outcome.label``."""
        members: dict[Problem, None] = {}
        for cells in table.rows:
            for setting, _outcomes in self.tasks(cells):
                if not isinstance(setting, InputError):
                    members[self._problem.under(setting)] = None
        units = {one.name.partition(".")[2]: one.unit for one in columns_of(self._problem, members or [self._problem])}
        for member in members or [self._problem]:
            for name, measure in member.measures.items():
                units.pop(name, None)
                units |= dict.fromkeys(part_names(name, measure), measure.unit)
        return units

    def tasks(self, cells: Mapping[str, str]) -> Iterator[tuple[Any, str]]:
        """The settings a row speaks of, or the error of one that is none, and the header of a wide table's cell."""
        for header, value in (self._wide or {"": ""}).items():
            texts = {name: self._matches[name].text(cells) for name in self._problem.inputs_of_setting if name in self._matches}
            texts = {**self._given, **{name: text for name, text in texts.items() if text}}
            if header and self._across:
                texts[self._across[0]] = value
            key = tuple(texts.items())
            if key not in self._settings:
                try:
                    made = self._problem.make_setting(texts)
                    self._problem.under(made)
                    self._settings[key] = made
                except InputError as error:
                    self._settings[key] = error
            yield self._settings[key], header

    def text(self, cells: Mapping[str, str], name: str) -> str | None:
        """What stands in a row under a name; None where no column is called that."""
        return self._matches[name].text(cells) if name in self._matches else None

    @property
    def assumed(self) -> dict[str, Any]:
        """Settings of which the table says nothing, and what they are taken to be."""
        told = {*self._matches, *self._given, *([self._across[0]] if self._across else [])}
        return {name: spec.default for name, spec in self._problem.inputs_of_setting.items() if name not in told}

    def said(self) -> dict[str, str]:
        """The name that each header was taken for."""
        wide = dict.fromkeys(self._wide, self._across[1] if self._across else "")
        return {one.header: name for name, one in self._matches.items()} | wide


def part_names(name: str, measure: Measure) -> list[str]:
    """What the columns of an outcome are called: one a part, or just one."""
    return [f"{name}.{label}" for label in measure.axis.labels] if measure.axis else [name]


def _written(header: str) -> tuple[str, str]:
    """A header's name and unit, of the form ``name [unit]`` or ``name``."""
    parsed = _WITH_UNIT.fullmatch(header.strip())
    text, unit = (parsed["name"], parsed["unit"]) if parsed else (header.strip(), "")
    return _PREFIX.sub("", text), unit


def _perhaps(header: str) -> tuple[str, str]:
    """The same where the unit may also stand as "(unit)", ", unit" or "/ unit"; none where that cannot be read as one."""
    text, unit = _written(header)
    if unit or (parsed := _PERHAPS_UNIT.fullmatch(text)) is None:
        return text, unit
    try:
        return parsed["name"], check_unit(parsed["round"] or parsed["behind"].strip())
    except ValueRefused:
        return parsed["name"], ""


def _likest(text: str, names: Iterable[str]) -> str:
    """The only one of ``names`` that differs in small and large letters, spaces and underscores at most.

    A single letter is another quantity than the same in the other case, and it takes more to be a seed or a failure.
    """
    alike = [name for name in names if _bare(name) == _bare(text) and name not in _FIXED]
    return alike[0] if len(alike) == 1 and (alike[0] == text or len(_bare(text)) > 1) else ""


def _bare(text: str) -> str:
    return re.sub(r"[\s_]+", "", text).casefold()


def _units(problem: Problem) -> dict[str, str]:
    return {name: spec.unit for name, spec in problem.inputs_of_setting.items()}
