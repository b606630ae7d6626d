"""A table as a problem: a short TOML file says which columns may be chosen among and which were measured."""

from __future__ import annotations

import keyword
import math
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from dure.canonical import digest
from dure.errors import InputError, ProblemError, UnknownName
from dure.i18n import _
from dure.problem.classes import design, outcome
from dure.problem.fields import Choice, Field, Integer, Ordered, Real
from dure.problem.goals import Measure
from dure.problem.ladder import Fidelity, Noise
from dure.problem.molecule import Molecule
from dure.problem.problem import Problem
from dure.problem.replay import LABEL, RUNG, Replay
from dure.problem.smiles import canonical
from dure.problem.table import NOTHING, Table, read_table

__all__ = ["problem_of_table"]

_NUMBER = (int, float)
_STATED: Mapping[str, type | tuple[type, ...]] = {
    "name": str,
    "version": str,
    "question": str,
    "table": str,
    "id": str,
    "runs": _NUMBER,
    "short_list": int,
    "noise": (str, dict),
    "hazards": list,
    "cites": list,
    "features": dict,
    "measured": dict,
}
_NEEDED = ("name", "question", "table", "features", "measured")
_FEATURE: Mapping[str, type | tuple[type, ...]] = {"column": str, "kind": str, "unit": str, "help": str, "log": bool}
_MEASURED: Mapping[str, type | tuple[type, ...]] = {
    "column": str,
    "goal": str,
    "limit": (int, float, list),
    "unit": str,
    "help": str,
    "positive": bool,
}
_KINDS = ("choice", "integer", "molecule", "ordered", "real")
_GOALS = ("at_least", "at_most", "maximise", "minimise", "reported", "within")
_FEW, _OFTEN = 12, 4
"""Numbers are levels when there are this few, each of them in this many designs on average."""


def problem_of_table(path: Path) -> Problem:
    """The problem that a TOML file states about the table beside it.

    Raises:
        ProblemError: the file or its table is wrong; names the key, or the line and column of the table.
        MissingPart: the table is a Parquet file, and pyarrow is not installed.
    """
    try:
        data = path.read_bytes()
        stated = tomllib.loads(data.decode("utf-8"))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise ProblemError(str(error), file=str(path), line=int(line[1]) if line else None) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProblemError(str(error), file=str(path)) from None
    try:
        _check_keys(stated, _STATED)
        if missing := [name for name in _NEEDED if name not in stated]:
            raise ProblemError(_("{names} is missing").format(names=", ".join(missing)))
        beside = path.parent / stated["table"]
        if not beside.is_file():
            tables = [one.name for one in path.parent.iterdir() if one.suffix in (".csv", ".parquet")]
            raise UnknownName(_("table"), stated["table"], tables)
        table = read_table(beside)
        return _problem(path, stated, table, digest([sha256(data).hexdigest(), table.sha256]))
    except ProblemError as error:
        raise error if error.file else ProblemError(str(error), file=str(path)) from None
    except UnknownName as error:
        raise ProblemError(str(error), file=str(path)) from None


def _problem(path: Path, stated: Mapping[str, Any], table: Table, code: str) -> Problem:
    features, measured = _columns(stated, table, "features", _FEATURE), _columns(stated, table, "measured", _MEASURED)
    _check_apart(features | measured)
    with _under("id"):
        label = _column(stated["id"], table) if "id" in stated else ""
    cells = {name: _filled(table, column) for name, column in features.items()}
    count = len(set(zip(*cells.values(), strict=True)))
    specs: dict[str, Field] = {}
    for name, texts in cells.items():
        with _under(f"features.{name}"):
            specs[name] = _field(stated["features"][name], table, features[name], texts, count)
    measures: dict[str, Measure] = {}
    for name in measured:
        with _under(f"measured.{name}"):
            measures[name] = _measure(stated["measured"][name])
    made: type[Any] = design(_class("features", specs, path))
    answered: type[Any] = outcome(_class("measured", measures, path))
    with _under("noise"):
        noise = _noise(stated.get("noise", "none"))
    replay = Replay(
        table=table,
        rows=_grouped(made, specs, cells, table),
        measured={name: _values(table, measured[name], name, measure) for name, measure in measures.items()},
        needed=frozenset(name for name, measure in measures.items() if not measure.optional),
        draws=noise.kind != "none",
        code=code,
        label=label,
    )
    chosen = {name: stated[name] for name in ("runs", "short_list") if name in stated}
    return Problem(
        name=stated["name"],
        version=stated.get("version", "1"),
        question=stated["question"],
        design=made,
        outcome=answered,
        simulate=replay,
        candidates=tuple(replay.rows),
        fidelities=(Fidelity("replay", help=RUNG),),
        noise=noise,
        hazards=(LABEL, *stated.get("hazards", ())),
        cites=tuple(stated.get("cites", ())),
        export=replay.export,
        source=path,
        **chosen,
    )


@contextmanager
def _under(key: str) -> Iterator[None]:
    """Whatever is refused inside is refused at that key of the file."""
    try:
        yield
    except InputError as error:
        raise ProblemError(f"{key}: {error}") from None


def _check_keys(given: Mapping[str, Any], known: Mapping[str, type | tuple[type, ...]]) -> None:
    for key, value in given.items():
        if key not in known:
            raise UnknownName(_("key"), key, known)
        if not isinstance(value, known[key]) or (isinstance(value, bool) and known[key] is not bool):
            words = {str: _("a text"), int: _("a number"), list: _("a list"), dict: _("a table"), bool: _("true or false")}
            wanted = ", ".join(word for kind, word in words.items() if issubclass(kind, known[key]))
            raise ProblemError(_("{key} = {value!r}; give {wanted}").format(key=key, value=value, wanted=wanted))


def _columns(stated: Mapping[str, Any], table: Table, section: str, known: Mapping[str, Any]) -> dict[str, str]:
    """The column of each name of a section, its keys checked."""
    found = {}
    if not stated[section]:
        raise ProblemError(_("{section} is empty; name at least one column of {table}").format(section=section, table=table.path))
    for name, given in stated[section].items():
        with _under(f"{section}.{name}"):
            if not isinstance(given, dict):
                raise ProblemError(_('{given!r} is no table; write {name} = {{ unit = "1" }}').format(given=given, name=name))
            if not name.isidentifier() or keyword.iskeyword(name) or unicodedata.normalize("NFKC", name) != name:
                raise ProblemError(
                    _('no name for a quantity: use letters, digits and _, and say column = "{name}"').format(name=name)
                )
            _check_keys(given, known)
            found[name] = _column(given.get("column", name), table)
    return found


def _column(name: str, table: Table) -> str:
    if name not in table.columns:
        raise UnknownName(_("column of {table}").format(table=table.path.name), name, table.columns)
    return name


def _check_apart(columns: Mapping[str, str]) -> None:
    used = list(columns.values())
    if twice := sorted({column for column in used if used.count(column) > 1}):
        raise ProblemError(_("column {column!r} is used twice; use each once").format(column=twice[0]))


def _filled(table: Table, column: str) -> list[str]:
    """The cells of a feature; where one is empty there is no design."""
    cells = [row[column].strip() for row in table.rows]
    if not cells:
        raise ProblemError(_("{table} holds no rows").format(table=table.path))
    if "" in cells:
        raise _at(table, cells.index(""), _("{column} is empty; fill it in or remove the row").format(column=column))
    return cells


def _at(table: Table, row: int, why: object) -> ProblemError:
    return ProblemError(str(table.refused(why, row)))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def _field(given: Mapping[str, Any], table: Table, column: str, cells: Sequence[str], count: int) -> Field:
    """The kind of input that the cells of a column show, unless the file says which."""
    common = {name: given[name] for name in ("unit", "help") if name in given}
    numbers = [_number(cell) for cell in cells]
    kind = given.get("kind") or ("real" if given.get("log") else "choice" if not any(map(_is, numbers)) else "")
    if kind and kind not in _KINDS:
        raise UnknownName(_("kind"), kind, _KINDS)
    if given.get("log") and kind != "real":
        raise ProblemError(_('log needs kind = "real", not {kind!r}').format(kind=kind))
    if kind == "choice":
        return Choice(options=tuple(dict.fromkeys(cells)), **common)
    if kind == "molecule":
        return Molecule(pool=_molecules(table, cells), **common)
    if None in numbers:
        row = numbers.index(None)
        why = _('{column} is {cell!r} and no number; correct it, or say kind = "choice"').format(column=column, cell=cells[row])
        raise _at(table, row, why)
    values = sorted({number + 0.0 for number in numbers if number is not None})
    if kind == "ordered" or (not kind and len(values) <= _FEW and _OFTEN * len(values) <= count):
        return Ordered(levels=tuple(values), **common)
    if kind == "integer":
        return Integer(low=int(values[0]), high=int(values[-1]), **common)
    return Real(low=values[0], high=values[-1], log=given.get("log", False), **common)


def _molecules(table: Table, cells: Sequence[str]) -> tuple[str, ...]:
    """Each molecule once, whichever way it is written."""
    found: dict[str, None] = {}
    for row, cell in enumerate(cells):
        try:
            found[canonical(cell)] = None
        except InputError as error:
            raise _at(table, row, error) from None
    return tuple(found)


def _is(number: float | None) -> bool:
    return number is not None


def _measure(given: Mapping[str, Any]) -> Measure:
    goal = given.get("goal", "reported")
    if goal not in _GOALS:
        raise UnknownName(_("goal"), goal, _GOALS)
    wanted = {"at_least": 1, "at_most": 1, "within": 2}.get(goal, 0)
    limits = given.get("limit", [])
    limits = limits if isinstance(limits, list) else [limits]
    if len(limits) != wanted:
        forms = (_("no limit"), "limit = 1.5", "limit = [1.0, 2.0]")
        raise ProblemError(_("goal = {goal!r} takes {form}").format(goal=goal, form=forms[wanted]))
    bounds = {"at_least": ("low",), "at_most": ("high",), "within": ("low", "high")}.get(goal, ())
    return Measure(
        sense=None if goal == "reported" else goal,
        optional=goal == "reported",
        **{name: given[name] for name in ("unit", "help", "positive") if name in given},
        **dict(zip(bounds, limits, strict=True)),
    )


def _class(section: str, specs: Mapping[str, Field | Measure], path: Path) -> type:
    """A class as an author would write it; messages about a value then begin with the key it was stated at."""
    body: dict[str, Any] = {"__doc__": section, "__annotations__": dict.fromkeys(specs, Any)}
    for name, spec in specs.items():
        optional = isinstance(spec, Measure) and spec.optional
        body[name] = field(default=None if optional else MISSING, metadata={"dure": spec, "where": (str(path), None)})
    return type(section, (), body)


def _noise(given: Any) -> Noise:
    if isinstance(given, str):
        return Noise(kind=given)  # type: ignore[arg-type]  # Noise refuses other texts itself
    _check_keys(given, {"kind": str, "deviation": dict})
    return Noise(**given)


def _grouped(made: type, specs: Mapping[str, Field], cells: Mapping[str, Sequence[str]], table: Table) -> dict[Any, list[int]]:
    """The rows of each design, in the order of the table."""
    found: dict[Any, list[int]] = {}
    texts = [isinstance(spec, (Choice, Molecule)) for spec in specs.values()]
    for row, given in enumerate(zip(*cells.values(), strict=True)):
        values = [cell if text else float(cell) for cell, text in zip(given, texts, strict=True)]
        try:
            found.setdefault(made(**dict(zip(specs, values, strict=True))), []).append(row)
        except InputError as error:
            raise _at(table, row, error) from None
    return found


def _values(table: Table, column: str, name: str, measure: Measure) -> list[float | None]:
    """What each row measured; None where nothing was."""
    found: list[float | None] = []
    for row, cells in enumerate(table.rows):
        text = cells[column].strip()
        if text.lower() in NOTHING:
            found.append(None)
            continue
        number = _number(text)
        if number is None:
            raise _at(table, row, _("{column} is {cell!r} and no finite number").format(column=column, cell=text))
        try:
            measure.accept(f"measured.{name}", number)
        except InputError as error:
            raise _at(table, row, error) from None
        found.append(number)
    return found
