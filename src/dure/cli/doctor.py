"""``dure doctor``: what is there, what is missing, and the one command that puts it there."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import psutil

import dure
from dure.cli.face import FAILED, Done, as_json, command
from dure.cli.screen import console, grid
from dure.i18n import _
from dure.plugins import Broken
from dure.problem import registered
from dure.report import VIEWER

__all__ = ["doctor"]

_PARTS = {
    "bio": ("rdkit", "pyarrow"),
    "chip": ("scipy",),
    "engine": ("torch", "botorch", "gpytorch", "scipy", "threadpoolctl"),
    "energy": ("pybamm",),
    "evolution": ("cma", "pymoo"),
    "hub": ("cheroot", "django", "django_htmx", "prometheus_client", "pythonjsonlogger", "snowballstemmer", "whitenoise"),
    "postgres": ("psycopg",),
    "reactor": ("skfem", "CoolProp"),
    "record": ("idutils", "license_expression", "mlcroissant", "prov", "requests", "rocrate"),
    "reliability": ("openturns",),
    "report": ("matplotlib",),
    "tables": ("pandas", "pyarrow"),
}
_FOR_DEMO = ("engine", "energy", "report")
_NETWORK = ("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "afs", "fuse.sshfs", "fuse.glusterfs", "9p")
_LEAST_DISK_GB = 0.5


@dataclass(frozen=True)
class Finding:
    """One thing looked at; ``needed`` by `make demo`, ``fix`` is the command (or advice) that repairs it, if it is not ``ok``."""

    name: str
    ok: bool
    found: str
    needed: bool = False
    fix: str = ""


@command("doctor", help=_("Exit code 0 when all that the demonstration needs is there, else 1."))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    help=_("Folder that campaigns are to be kept in; runs unless given."),
)
@as_json
def doctor(*, out: Path, as_json: bool) -> Done:
    """Look at everything; change nothing."""
    findings = [
        _python(),
        _shell(),
        *(_part(name) for name in _PARTS),
        *_problems(),
        *_needs(),
        *_strategies(),
        _browser(),
        _fonts(),
        *_folder(out),
        _data(),
    ]
    if not as_json:
        marks = {(True, True): "✓", (True, False): "✓", (False, True): "✗", (False, False): "–"}
        rows = [(marks[one.ok, one.needed], one.name, one.found + (f". {one.fix}" if not one.ok else "")) for one in findings]
        console().print(grid(rows, indent=0))
    sound = all(one.ok for one in findings if one.needed)
    return Done({"ok": sound, "findings": [asdict(one) for one in findings]}, 0 if sound else FAILED)


def _fix(what: str) -> str:
    return _("Fix: {command}").format(command=what)


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding("python", ok, f"{platform.python_version()} ({sys.executable})", True, _fix("make setup PYTHON=python3.11"))


def _shell() -> Finding:
    ok = os.access("/bin/sh", os.X_OK)
    return Finding(
        "sh", ok, "/bin/sh" if ok else _("no /bin/sh, which ends workers when Dure is killed"), True, _fix("apt-get install dash")
    )


def _part(name: str) -> Finding:
    """An optional part, by its packages; finding one does not import it."""
    missing = [one for one in _PARTS[name] if importlib.util.find_spec(one) is None]
    versions = ", ".join(f"{one} {_version(one)}" for one in _PARTS[name] if one not in missing)
    found = _("missing: {names}").format(names=", ".join(missing)) if missing else versions
    checkout = (Path(dure.__file__).parents[2] / "Makefile").exists()
    return Finding(name, not missing, found, name in _FOR_DEMO, _fix("make setup" if checkout else f"pip install 'dure[{name}]'"))


def _version(module: str) -> str:
    """Of the distribution that brings a module, whose name is not always the module's."""
    try:
        return importlib.metadata.version(module)
    except importlib.metadata.PackageNotFoundError:
        return importlib.metadata.version(importlib.metadata.packages_distributions()[module][0])


def _problems() -> list[Finding]:
    problems, broken = registered()
    known = Finding("problems", bool(problems), ", ".join(one.name for one in problems) or _("none"), True, _fix("make setup"))
    return [known, *map(_left_out, broken)]


def _needs() -> list[Finding]:
    """Programs and data of the registered problems and of reports, each once."""
    users: dict[str, list[str]] = {}
    needs = {}
    for problem in registered()[0]:
        for need in problem.needs:
            needs[need.name] = need
            users.setdefault(need.name, []).append(problem.name)
    needs[VIEWER.name], users[VIEWER.name] = VIEWER, [_("reports with molecules in their pockets, to turn them")]
    missing = {False: _("not there; needed by {problems}"), True: _("not there; needed under some settings by {problems}")}
    return [
        Finding(
            name, bool(found), found or missing[need.optional].format(problems=", ".join(users[name])), False, _fix(need.command)
        )
        for name, need in needs.items()
        for found in [need.found()]
    ]


def _strategies() -> list[Finding]:
    """Those there are, where the engine that they need is."""
    if importlib.util.find_spec("scipy") is None:
        return []
    from dure.strategy import NAMES, plugged_in

    strategies, broken = plugged_in()
    known = Finding("strategies", True, ", ".join([*NAMES, *(one.name for one in strategies)]))
    return [known, *map(_left_out, broken)]


def _left_out(one: Broken) -> Finding:
    return Finding(one.name, False, one.reason, False, _("Its package is {source}").format(source=one.source))


def _browser() -> Finding:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    found = path or _("not there; only the slow tests need it")
    return Finding("chromium", path is not None, found, False, _fix("make setup-full"))


def _fonts() -> Finding:
    """Whether a page can show Korean here; where nothing can tell, nothing is said to be wrong."""
    lister = shutil.which("fc-list")
    fonts = subprocess.run([lister, ":lang=ko", "family"], capture_output=True, text=True, check=False).stdout if lister else ""
    names = sorted(set(fonts.split("\n")) - {""})
    if names or sys.platform == "darwin":
        return Finding("fonts", True, names[0] if names else _("those of the system"))
    return Finding("fonts", False, _("no font with Korean letters was found"), False, _fix("apt-get install fonts-nanum"))


def _folder(out: Path) -> list[Finding]:
    place = next(folder for folder in (out.resolve(), *out.resolve().parents) if folder.is_dir())
    free = shutil.disk_usage(place).free / 1e9
    writable = os.access(place, os.W_OK)
    mounts = [one for one in psutil.disk_partitions(all=True) if place.is_relative_to(one.mountpoint)]
    kind = max(mounts, key=lambda one: len(one.mountpoint)).fstype if mounts else ""
    local = not kind.startswith(_NETWORK)
    advice = _("Journals need a local disk: give --out a folder on one")
    return [
        Finding(
            "folder",
            writable,
            str(place) if writable else _("{folder} cannot be written").format(folder=place),
            True,
            _fix("dure run --out DIR"),
        ),
        Finding(
            "disk",
            free >= _LEAST_DISK_GB,
            _("{free:.1f} GB free").format(free=free),
            True,
            _("Make room for at least {least} GB").format(least=_LEAST_DISK_GB),
        ),
        Finding("filesystem", local, kind or _("unknown"), True, advice),
    ]


def _data() -> Finding:
    home = os.environ.get("DURE_DATA", "")
    ok = bool(home) and Path(home).is_dir()
    found = (
        home
        if ok
        else _("{home} is no folder").format(home=home)
        if home
        else _("not set; only tests with third-party data need it")
    )
    return Finding("DURE_DATA", ok, found, False, _fix("export DURE_DATA=DIR"))
