"""An external program as a problem's evaluator: a command, files in, files out."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from string import Template
from typing import Any

from dure.errors import ProblemError, SimulationFailed
from dure.i18n import _
from dure.problem.classes import inputs_of
from dure.problem.where import author_line, refused

__all__ = ["Program", "json_file", "program", "text_values"]

Reader = Callable[[Path, str], Mapping[str, Any]]

_ALWAYS = ("fidelity", "here", "seed")
"""What a placeholder may name beside the problem's own inputs."""


def _inside(name: str) -> str:
    """``name`` when it is a file of the program's own folder, or ProblemError."""
    path = PurePath(name)
    if not path.name or path.is_absolute() or ".." in path.parts:
        raise refused(_("file {name!r} lies outside the program's own folder; give a plain name").format(name=name))
    return name


def json_file(name: str) -> Reader:
    """Read the outcome from a JSON object the program writes to ``name``."""
    _inside(name)

    def read(folder: Path, _output: str) -> Mapping[str, Any]:
        data = json.loads((folder / name).read_text("utf-8"))
        if not isinstance(data, dict):
            raise ValueError(_("{name} holds no JSON object").format(name=name))
        return data

    return read


def text_values(patterns: Mapping[str, str], *, file: str | None = None) -> Reader:
    r"""Read each outcome as the last match of a pattern's first group, in ``file`` or in what the program prints.

    Example: ``text_values({"mass": r"mass\s*=\s*(\S+)"})``.
    """
    compiled: dict[str, re.Pattern[str]] = {}
    for name, pattern in patterns.items():
        try:
            compiled[name] = re.compile(pattern)
        except re.error as error:
            raise refused(
                _("pattern {pattern!r} of {name} cannot be read: {error}").format(pattern=pattern, name=name, error=error)
            ) from None
        if compiled[name].groups != 1:
            raise refused(_("pattern of {name} needs exactly one group in parentheses").format(name=name))
    if file is not None:
        _inside(file)

    def read(folder: Path, output: str) -> Mapping[str, Any]:
        text = (folder / file).read_text("utf-8", errors="replace") if file else output
        found = {name: pattern.findall(text) for name, pattern in compiled.items()}
        missing = [name for name, matches in found.items() if not matches]
        if missing:
            raise ValueError(_("nothing in the output matches the pattern of {names}").format(names=", ".join(missing)))
        return {name: float(matches[-1]) for name, matches in found.items()}

    return read


@dataclass(frozen=True, eq=False)
class Program:
    """A command run in an empty folder of its own; ``$name`` stands for an input, ``$here`` for the problem's folder."""

    command: tuple[str, ...]
    reads: Reader
    files: Mapping[str, str] = field(default_factory=dict)
    here: Path = field(default_factory=Path.cwd)

    def check(self, inputs: Iterable[str]) -> None:
        """Refuse a placeholder that is none of ``inputs`` (ProblemError)."""
        known = sorted({*inputs, *_ALWAYS})
        for template in map(Template, (*self.command, *self.files.values())):
            unknown = [f"${name}" for name in template.get_identifiers() if name not in known]
            if not template.is_valid():
                unknown.append("$")
            if unknown:
                raise ProblemError(
                    _(
                        "the command or a file of it holds {given}; an input is one of {names}, and a plain $ is written $$"
                    ).format(given=", ".join(unknown), names=", ".join(f"${name}" for name in known))
                )

    def __call__(self, design: Any, setting: Any = None, *, fidelity: str, seed: int) -> Mapping[str, Any]:
        """Run the program once.

        Raises:
            SimulationFailed: it did not start, ended with another code than 0, or its output could not be read.
        """
        known = {"here": self.here, "fidelity": fidelity, "seed": seed}
        for given in (setting, design) if setting is not None else (design,):
            known |= {name: spec.write(getattr(given, name)) for name, spec in inputs_of(type(given)).items()}
        with tempfile.TemporaryDirectory(prefix="dure-") as scratch:
            folder = Path(scratch)
            for name, text in self.files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(Template(text).substitute(known), encoding="utf-8")
            output = self._run([Template(word).substitute(known) for word in self.command], folder)
            try:
                return self.reads(folder, output)
            except FileNotFoundError as error:
                raise SimulationFailed(
                    _("{command} did not write {file}").format(command=self.command[0], file=Path(error.filename).name)
                ) from None
            except (OSError, ValueError) as error:
                raise SimulationFailed(
                    _("the output of {command} cannot be read: {error}").format(command=self.command[0], error=error)
                ) from None

    def _run(self, command: list[str], folder: Path) -> str:
        """What the command prints on its standard output; all it prints goes to this process's own output too."""
        name, *words = command
        path = str(self.here / name) if "/" in name else name
        try:
            done = subprocess.run(
                [path, *words], cwd=folder, capture_output=True, encoding="utf-8", errors="replace", check=False
            )
        except OSError as error:
            raise SimulationFailed(_("{command} did not start: {error}").format(command=path, error=error.strerror)) from None
        print(done.stdout + done.stderr, end="")
        if done.returncode != 0:
            how = signal.Signals(-done.returncode).name if done.returncode < 0 else _("code {code}").format(code=done.returncode)
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise SimulationFailed(": ".join([_("{command} ended with {how}").format(command=name, how=how), *last]))
        return done.stdout


def program(command: Sequence[str], *, reads: Reader, files: Mapping[str, str] | None = None) -> Program:
    """An evaluator that runs ``command``.

    Args:
        command: the program and its arguments; ``$x`` becomes the value of input x, ``$here`` the folder of the problem's
            file. A program whose name has a slash, such as ``./solver``, is looked for in that folder, any other on the PATH.
        reads: how to read the outcome: ``json_file(...)`` or ``text_values(...)``.
        files: input files by name, with the same placeholders.

    Raises:
        ProblemError: the command is empty or a single string, or a file lies outside the program's own folder.
    """
    if isinstance(command, str) or not command or not all(isinstance(word, str) for word in command):
        raise refused(_('command {command!r} must be a list of words, such as ["./solver", "$x"]').format(command=command))
    for name in files or {}:
        _inside(name)
    author, _line = author_line()
    return Program(tuple(command), reads, dict(files or {}), Path(author).resolve().parent if author else Path.cwd())
