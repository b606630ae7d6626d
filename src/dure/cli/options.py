"""What is given on the command line, read as what the rooms below take."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click

from dure.errors import InputError
from dure.i18n import _

__all__ = ["LIMIT", "SETTING", "new_folder", "refuse_foreign", "usable_cpus"]

_MOST_WORKERS = 4
_OURS = {"driver.lock", "new.sqlite"}


class _Setting(click.ParamType[tuple[str, Any]]):
    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        name, sign, text = str(value).partition("=")
        if not (name.strip() and sign and text.strip()):
            self.fail(_("{value!r} must be written as {form}").format(value=value, form=self.name), param, ctx)
        return name.strip(), text.strip()


class _Limit(_Setting):
    name = "NAME=NUMBER"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        name, text = super().convert(value, param, ctx)
        try:
            numbers = tuple(float(one) for one in text.split(":"))
        except ValueError:
            numbers = ()
        if not 1 <= len(numbers) <= 2:
            self.fail(
                _("{value!r} must be written as {form}").format(value=value, form=f"{self.name}, NAME=LOW:HIGH"), param, ctx
            )
        return name, numbers if len(numbers) == 2 else numbers[0]


SETTING, LIMIT = _Setting(), _Limit()


def new_folder(problem: str) -> Path:
    """A folder under ``runs`` that is not there yet, named after the problem and the time."""
    stem = Path("runs") / f"{problem.replace('/', '-')}-{time.strftime('%Y%m%d-%H%M%S')}"
    candidates = (stem, *(stem.with_name(f"{stem.name}-{number}") for number in range(2, 1000)))
    return next(folder for folder in candidates if not folder.exists())


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder that holds files but no journal: a campaign would write beside them, or over them.

    Raises:
        InputError: naming one of the files; or ``folder`` is none.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(_("{folder} is a file; give --out a folder").format(folder=folder))
    if not folder.exists() or (folder / "journal.sqlite").exists():
        return
    foreign = sorted(one.name for one in folder.iterdir() if one.name not in _OURS)
    if foreign:
        raise InputError(
            _("{folder} holds other files, such as {name}, and no journal; give --out a new or empty folder").format(
                folder=folder, name=foreign[0]
            )
        )


def usable_cpus() -> int:
    """How many workers to use unless told: one a processor this process may use, few enough that each learns from the others."""
    affinity = getattr(os, "sched_getaffinity", None)
    return min(_MOST_WORKERS, len(affinity(0)) if affinity else os.cpu_count() or 1)
