"""An external program as a problem's evaluator: a command, files in, files out."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from string import Template
from typing import Any

from dure.errors import ProblemError, SimulationFailed
from dure.i18n import _

__all__ = ["Program", "json_file", "program", "text_values"]

Reader = Callable[[Path, str], Mapping[str, Any]]


def json_file(name: str) -> Reader:
    """Read the outcome from a JSON object the program writes to ``name``."""

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
    compiled = {name: re.compile(pattern) for name, pattern in patterns.items()}
    for name, pattern in compiled.items():
        if pattern.groups != 1:
            raise ProblemError(_("pattern of {name} needs exactly one group in parentheses").format(name=name))

    def read(folder: Path, output: str) -> Mapping[str, Any]:
        text = (folder / file).read_text("utf-8") if file else output
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

    def __call__(self, design: Any, setting: Any = None, *, fidelity: str, seed: int) -> Mapping[str, Any]:
        """Run the program once.

        Raises:
            SimulationFailed: it did not start, ended with another code than 0, or its output could not be read.
        """
        known = {"here": self.here, "fidelity": fidelity, "seed": seed}
        for given in (setting, design):
            known |= asdict(given) if is_dataclass(given) and not isinstance(given, type) else {}
        with tempfile.TemporaryDirectory(prefix="dure-") as scratch:
            folder = Path(scratch)
            for name, text in self.files.items():
                (folder / name).write_text(Template(text).substitute(known), encoding="utf-8")
            command = [Template(word).substitute(known) for word in self.command]
            try:
                done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
            except OSError as error:
                raise SimulationFailed(_("{command} did not start: {error}").format(command=command[0], error=error)) from None
            output = done.stdout + done.stderr
            print(output, end="")
            if done.returncode != 0:
                raise SimulationFailed(_("{command} ended with code {code}").format(command=command[0], code=done.returncode))
            try:
                return self.reads(folder, done.stdout)
            except (OSError, ValueError) as error:
                raise SimulationFailed(_("unreadable output: {error}").format(error=error)) from None


def program(
    command: Sequence[str], *, reads: Reader, files: Mapping[str, str] | None = None, here: str | Path | None = None
) -> Program:
    """An evaluator that runs ``command``.

    Args:
        command: the program and its arguments; ``$x`` becomes the value of input x, ``$here`` the folder ``here``.
        reads: how to read the outcome: ``json_file(...)`` or ``text_values(...)``.
        files: input files by name, with the same placeholders.
        here: a folder for ``$here``; usually ``Path(__file__).parent``.

    Raises:
        ProblemError: the command is empty or a single string.
    """
    if isinstance(command, str) or not command:
        raise ProblemError(_('command {command!r} must be a list of words, such as ["./solver", "$x"]').format(command=command))
    return Program(tuple(command), reads, dict(files or {}), Path(here or Path.cwd()).resolve())
