"""A netlist of somebody's own, and what is declared beside it: a TOML file read into one plain value."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from dure.domains.chip.pdk import CORNERS
from dure.errors import InputError, UnknownName, ValueRefused
from dure.i18n import _
from dure.units import check_unit

__all__ = ["OWN_NETLISTS", "Measure", "Parameter", "Stated", "netlist_file", "read_netlist", "with_values"]

OWN_NETLISTS = ("filter",)
"""Netlists that come with the package, by name."""

_KEYS: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "": {
        **{"question": str, "netlist": str, "files": list, "sky130": str, "runs": int, "timeout": (int, float)},
        **{"parameters": dict, "measures": dict, "points": dict},
    },
    "parameters": {
        **{"low": (int, float), "high": (int, float), "unit": str, "factor": (int, float), "log": bool},
        **{"grid": (int, float), "integer": bool, "help": str},
    },
    "measures": {"goal": str, "limit": (int, float), "unit": str, "factor": (int, float), "help": str},
    "points": {"sky130": str, "parameters": dict},
}
_GOALS = {"minimise": False, "maximise": False, "reported": False, "at_least": True, "at_most": True}
_PARAM = re.compile(r"^\s*\.param\b", re.IGNORECASE)
_ASSIGNED = r"(?<![\w.])({name}\s*=\s*)('[^']*'|\{{[^}}]*\}}|[^\s,]+)"
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(mil|meg|[tgkmunpf])?[a-z]*$", re.IGNORECASE)
_SUFFIX = {"t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "m": 1e-3, "mil": 25.4e-6, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
_MOST_BYTES = 8 << 20


@dataclass(frozen=True)
class Parameter:
    """A ``.param`` that may vary between ``low`` and ``high``; the netlist is given ``factor`` times the value."""

    low: float
    high: float
    start: float
    unit: str = "1"
    factor: float = 1.0
    log: bool = False
    grid: float | None = None
    integer: bool = False
    help: str = ""


@dataclass(frozen=True)
class Measure:
    """A number that ngspice prints, ``factor`` times the value; ``limit`` is in the value's own ``unit``."""

    goal: str
    limit: float | None = None
    unit: str = "1"
    factor: float = 1.0
    help: str = ""


@dataclass(frozen=True)
class Point:
    """A case that is simulated as well: other values of parameters, in SI as in the netlist, and another corner of SKY130."""

    corner: str
    parameters: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Stated:
    """Everything a TOML file says, and the texts of the netlist and of the ``files`` beside it."""

    question: str
    netlist: str
    files: Mapping[str, str]
    parameters: Mapping[str, Parameter]
    measures: Mapping[str, Measure]
    points: Mapping[str, Point]
    runs: float = 30.0
    timeout: float = 60.0


def netlist_file(given: str) -> str:
    """A file as a setting names it for good: its path and a hash of what it, its netlist and their files hold.

    Raises:
        ValueRefused: there is no such file, it states no problem, or it is not what the hash in ``given`` says.
    """
    text, sign, known = given.rpartition("#") if given.rpartition("#")[0].endswith(".toml") else (given, "", "")
    path = Path(text).resolve()
    if path.suffix == ".toml" and not path.is_file():
        raise ValueRefused(_("there is no file {path}").format(path=path))
    if path.suffix != ".toml":
        raise ValueRefused(
            _("{given!r} is neither one of {names} nor a TOML file about a netlist").format(
                given=given, names=", ".join(OWN_NETLISTS)
            )
        )
    stated = _read(path)
    texts = [_text(path), stated.netlist, *(stated.files[name] for name in sorted(stated.files))]
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
    if sign and known != digest:
        raise ValueRefused(
            _("{path} is no longer the file of {known}; restore it, or begin a new campaign").format(path=path, known=known)
        )
    return f"{path}#{digest}"


@cache
def read_netlist(named: str) -> Stated:
    """What a setting names, once for each hash.

    Raises:
        ValueRefused: as ``netlist_file``.
    """
    if named in OWN_NETLISTS:
        return _read(Path(__file__).parent / "netlists" / f"{named}.toml")
    return _read(Path(netlist_file(named).rpartition("#")[0]))


def with_values(netlist: str, values: Mapping[str, float]) -> str:
    """The netlist with other numbers after its ``.param`` names; everything else stays as it was written."""
    lines = netlist.splitlines()
    for row in _parameter_lines(lines):
        for name, value in values.items():
            kept = _without_remark(lines[row])
            lines[row] = re.sub(_assigned(name), rf"\g<1>{value:.12g}", kept) + lines[row].removeprefix(kept)
    return "\n".join([*lines, ""])


def _parameter_lines(lines: list[str]) -> list[int]:
    """Numbers of the lines of ``.param``, continued ones too."""
    found, within = [], False
    for row, line in enumerate(lines):
        remark = line.lstrip().startswith("*")
        within = bool(_PARAM.match(line)) or (within and (remark or line.lstrip().startswith("+")))
        if within and not remark:
            found.append(row)
    return found


def _without_remark(line: str) -> str:
    return line.partition(";")[0].partition("$ ")[0]


def _assigned(name: str) -> re.Pattern[str]:
    return re.compile(_ASSIGNED.format(name=re.escape(name)), re.IGNORECASE)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueRefused(_("{path} has more than {most} bytes").format(path=path, most=_MOST_BYTES))
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ValueRefused(_("{path} cannot be read: {error}").format(path=path, error=error)) from None


def _read(path: Path) -> Stated:
    try:
        return _stated(path, tomllib.loads(_text(path)))
    except tomllib.TOMLDecodeError as error:
        raise ValueRefused(_("{path} cannot be read: {error}").format(path=path, error=error)) from None
    except InputError as error:
        raise error if str(path) in str(error) else ValueRefused(f"{path}: {error}") from None


def _stated(path: Path, data: Mapping[str, Any]) -> Stated:
    _check("", "", data)
    for name in ("question", "netlist", "parameters", "measures"):
        if not data.get(name):
            raise ValueRefused(_("{key} is missing").format(key=name))
    if not data["question"].endswith("?"):
        raise ValueRefused(_("question {given!r} does not end in a question mark").format(given=data["question"]))
    netlist = _text(path.parent / _beside(data["netlist"]))
    files = {_plain(name): _text(path.parent / _plain(name)) for name in data.get("files", ())}
    corner = _corner("sky130", data.get("sky130", ""))
    points = {"stated": Point(corner)}
    for name, given in _tables(data, "points"):
        changed = {key: _number(f"points.{name}.parameters.{key}", value) for key, value in given.get("parameters", {}).items()}
        for key in changed:
            _value(netlist, key)
        points[name] = Point(_corner(f"points.{name}.sky130", given.get("sky130", corner)), changed)
    return Stated(
        question=data["question"],
        netlist=netlist,
        files=files,
        parameters={name: _parameter(name, given, netlist) for name, given in _tables(data, "parameters")},
        measures={name: _measure(name, given) for name, given in _tables(data, "measures")},
        points=points,
        **{name: float(data[name]) for name in ("runs", "timeout") if name in data},
    )


def _tables(data: Mapping[str, Any], section: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, given in data.get(section, {}).items():
        if not isinstance(given, dict):
            raise ValueRefused(_("{key} = {given!r} is no table; write [{key}]").format(key=f"{section}.{name}", given=given))
        if not name.isidentifier() or not name.isascii():
            raise ValueRefused(_("{key} is no name: use letters, digits and _").format(key=f"{section}.{name}"))
        _check(section, f"{section}.{name}.", given)
        found.append((name, given))
    return found


def _check(section: str, prefix: str, given: Mapping[str, Any]) -> None:
    known = _KEYS[section]
    for key, value in given.items():
        if key not in known:
            raise UnknownName(_("key"), f"{prefix}{key}", [f"{prefix}{one}" for one in known])
        if not isinstance(value, known[key]) or (isinstance(value, bool) and known[key] is not bool):
            raise ValueRefused(_("{key} = {given!r} is of the wrong kind").format(key=f"{prefix}{key}", given=value))


def _number(key: str, given: Any) -> float:
    if not isinstance(given, (int, float)) or isinstance(given, bool):
        raise ValueRefused(_("{key} = {given!r} is of the wrong kind").format(key=key, given=given))
    return float(given)


def _beside(name: Any) -> str:
    if not isinstance(name, str) or PurePath(name).name != name:
        raise ValueRefused(_("file {name!r} must be a plain name beside the TOML file").format(name=name))
    return name


def _plain(name: Any) -> str:
    if _beside(name) in ("netlist.sp", "sky130.sp", ".spiceinit"):
        raise ValueRefused(
            _("file {name!r} must be a plain name beside the TOML file, and not one of Dure's own").format(name=name)
        )
    return str(name)


def _corner(key: str, given: str) -> str:
    if given and given not in CORNERS:
        raise UnknownName(key, given, CORNERS)
    return given


def _value(netlist: str, name: str) -> float:
    """The number a netlist gives a ``.param``, its suffix read as SPICE does."""
    lines = netlist.splitlines()
    found = [one[2] for row in _parameter_lines(lines) for one in _assigned(name).finditer(_without_remark(lines[row]))]
    if len(found) != 1:
        raise ValueRefused(
            _("the netlist gives {name} {count} times; it must stand in one .param line, as .param {name}=1").format(
                name=name, count=len(found)
            )
        )
    number = _NUMBER.match(found[0])
    if number is None:
        raise ValueRefused(
            _(".param {name}={given} is no plain number; only those can be varied").format(name=name, given=found[0])
        )
    return float(number[1]) * _SUFFIX.get((number[2] or "").lower(), 1.0)


def _parameter(name: str, given: Mapping[str, Any], netlist: str) -> Parameter:
    for key in ("low", "high"):
        if key not in given:
            raise ValueRefused(_("{key} is missing").format(key=f"parameters.{name}.{key}"))
    _check_unit(f"parameters.{name}", given)
    factor = float(given.get("factor", 1.0))
    if factor == 0:
        raise ValueRefused(_("{key} is 0").format(key=f"parameters.{name}.factor"))
    start = float(f"{_value(netlist, name) / factor:.9g}")
    if not given["low"] <= start <= given["high"]:
        raise ValueRefused(
            _("the netlist's {name} is {start:g} {unit}, and lies outside {low:g} to {high:g}; is the factor right?").format(
                name=name, start=start, unit=given.get("unit", ""), low=given["low"], high=given["high"]
            )
        )
    rest = {key: value for key, value in given.items() if key not in ("factor", "low", "high")}
    return Parameter(low=float(given["low"]), high=float(given["high"]), start=start, factor=factor, **rest)


def _check_unit(of: str, given: Mapping[str, Any]) -> None:
    try:
        check_unit(given.get("unit", "1"))
    except ValueRefused as error:
        raise ValueRefused(f"{of}.unit: {error}") from None


def _measure(name: str, given: Mapping[str, Any]) -> Measure:
    goal = given.get("goal", "reported")
    if goal not in _GOALS:
        raise UnknownName(f"measures.{name}.goal", goal, _GOALS)
    if _GOALS[goal] != ("limit" in given):
        wanted = "limit = 1.5" if _GOALS[goal] else _("no limit")
        raise ValueRefused(_("measures.{name}: goal = {goal!r} takes {form}").format(name=name, goal=goal, form=wanted))
    _check_unit(f"measures.{name}", given)
    if given.get("factor", 1.0) == 0:
        raise ValueRefused(_("{key} is 0").format(key=f"measures.{name}.factor"))
    return Measure(**{**given, "goal": goal, "factor": float(given.get("factor", 1.0))})
