"""Where problems come from: the entry-point group ``dure.problems``, or a file by its path: Python, or TOML about a table."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from dure.errors import DureError, InputError, ProblemError, UnknownName
from dure.i18n import _
from dure.plugins import Broken, Plugins
from dure.problem.problem import Problem
from dure.problem.tabular import problem_of_table
from dure.problem.where import line_within

__all__ = ["find", "lasting", "names", "registered"]

_FILES = (".py", ".toml")
_PLUGINS = Plugins("dure.problems", Problem, ProblemError)


def names() -> list[str]:
    """Names of all registered problems, loaded or not."""
    return _PLUGINS.names()


def registered() -> tuple[list[Problem], list[Broken]]:
    """Load every registered problem; those that fail come back apart, with the reason."""
    return _PLUGINS.all()


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
    found: Problem = _PLUGINS.load(reference)
    return found


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
