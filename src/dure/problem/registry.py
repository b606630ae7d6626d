"""Where problems come from: the entry-point group ``dure.problems``, or a file by its path: Python, or TOML about a table."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from dure.errors import DureError, InputError, ProblemError, UnknownName
from dure.i18n import _
from dure.problem.problem import Problem
from dure.problem.tabular import problem_of_table
from dure.problem.where import line_within

__all__ = ["Broken", "find", "lasting", "names", "registered"]

GROUP = "dure.problems"
_FILES = (".py", ".toml")


@dataclass(frozen=True)
class Broken:
    """A registered problem that could not be loaded, and why."""

    name: str
    source: str
    reason: str


def _points() -> dict[str, EntryPoint]:
    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        other = points.setdefault(point.name, point)
        if _source(other) != _source(point):
            raise ProblemError(
                _("two packages register {name!r}: {first} and {second}; uninstall one").format(
                    name=point.name, first=_source(other), second=_source(point)
                )
            )
    return points


def _source(point: EntryPoint) -> str:
    return f"{point.value} ({point.dist.name if point.dist else '?'})"


def names() -> list[str]:
    """Names of all registered problems, loaded or not."""
    return sorted(_points())


def registered() -> tuple[list[Problem], list[Broken]]:
    """Load every registered problem; those that fail come back apart, with the reason."""
    problems, broken = [], []
    for name, point in sorted(_points().items()):
        try:
            problems.append(_load_point(name))
        except DureError as error:
            broken.append(Broken(name, _source(point), str(error)))
    return problems, broken


@cache
def _load_point(name: str) -> Problem:
    point = _points()[name]
    try:
        loaded = point.load()
    except DureError:
        raise
    except (Exception, SystemExit) as error:
        raise ProblemError(
            _("plug-in {source} cannot be loaded: {error!r}").format(source=_source(point), error=error)
        ) from error
    if not isinstance(loaded, Problem) or loaded.name != name:
        raise ProblemError(_("plug-in {source} is not a Problem named {name!r}").format(source=_source(point), name=name))
    return loaded


def find(reference: str) -> Problem:
    """The problem that ``reference`` names: a registered name, ``path/to/file.py``, or ``path/to/table.toml``.

    Raises:
        UnknownName: neither; suggests the nearest names.
        ProblemError: the file or plug-in is wrong; points at the line.
    """
    if reference.endswith(_FILES):
        return _load_file(Path(reference).resolve())
    known = names()
    if reference not in known:
        raise UnknownName(_("problem"), reference, known)
    return _load_point(reference)


def lasting(reference: str) -> str:
    """``reference`` as it names the same problem from any folder."""
    return str(Path(reference).resolve()) if reference.endswith(_FILES) else reference


def _import(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"dure_problem_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(_("{path} cannot be read as a Python file").format(path=path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@cache
def _load_file(path: Path) -> Problem:
    if not path.is_file():
        raise InputError(_("{path} does not exist; give a problem's name or the path of its file").format(path=path))
    return problem_of_table(path) if path.suffix == ".toml" else _load_module(path)


def _load_module(path: Path) -> Problem:
    try:
        module = _import(path)
    except SyntaxError as error:
        raise ProblemError(str(error.msg), file=str(path), line=error.lineno) from None
    except (Exception, SystemExit) as error:
        if isinstance(error, ProblemError) and error.line:
            raise
        text = str(error) if isinstance(error, DureError) else f"{type(error).__name__}: {error}"
        raise ProblemError(text, file=str(path), line=line_within(path, error)) from None
    problems = list({id(value): value for value in vars(module).values() if isinstance(value, Problem)}.values())
    if len(problems) != 1:
        raise ProblemError(
            _("{path} holds {count} problems; it must hold one, such as problem = Problem(...)").format(
                path=path, count=len(problems)
            )
        )
    return problems[0]
