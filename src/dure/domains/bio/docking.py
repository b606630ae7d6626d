"""Docking against the 58 targets of dockstring (GarciaOrtegon2022): in haste by the library Vina, in full by dockstring."""

from __future__ import annotations

import math
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dure.errors import MissingPart, SimulationFailed
from dure.i18n import _
from dure.problem import Need
from dure.problem.smiles import rdkit_quiet

__all__ = ["OPEN_BABEL", "PACKAGES", "SEED", "Pose", "docked", "docked_in_haste", "faults", "pocket"]

SEED = 974_528_263
"""The one that dockstring docks with unless told otherwise, and so did everything that was published with it."""

_MODULES = ("rdkit", "dockstring", "vina", "mol_ga")
_SEEN_MAPS = 3
_NEAR_POSE = 8.0
_ELEMENTS = {"A": "C", "NA": "N", "NS": "N", "OA": "O", "OS": "O", "SA": "S", "HD": "H", "HS": "H", "G": "C"}
"""Elements of AutoDock's atom types, where the type is not the element's own sign."""


@cache
def _babel() -> str:
    program = shutil.which("obabel")
    if program is None:
        return ""
    said = subprocess.run([program, "-V"], capture_output=True, text=True, check=False).stdout.strip()
    return f"{said.partition(' -- ')[0]} ({program})" if said.startswith("Open Babel 3.1") else ""


def _packages() -> str:
    return ", ".join(_MODULES) if all(map(find_spec, _MODULES)) else ""


OPEN_BABEL = Need("Open Babel 3.1", _babel, fix="apt-get install openbabel")
PACKAGES = Need("docking packages", _packages, fix='pip install "dure[docking]"')


@dataclass(frozen=True)
class Pose:
    """How a molecule lies in a pocket: ``score`` in kcal/mol, lower fits better, and the atoms as a MOL block in angstrom."""

    score: float
    block: str


def docked(smiles: str, target: str, seed: int = SEED) -> Pose:
    """What dockstring says at its default effort, the only one that compares with published scores; about 50 CPU seconds.

    Raises:
        SimulationFailed: preparation or docking failed, nothing fits the pocket, or atoms clash in all that was tried.
        MissingPart: dockstring or Open Babel is not there.
    """
    _check_there()
    from dockstring import DockstringError, load_target

    try:
        with rdkit_quiet(), TemporaryDirectory() as folder:
            score, more = load_target(target, folder).dock(smiles, num_cpus=1, seed=seed)
            block = _block(more["ligand"]) if score is not None else ""
    except DockstringError as error:
        raise _failed(smiles, target, str(error)) from None
    return Pose(_checked(score, smiles, target), block)


def docked_in_haste(smiles: str, target: str) -> float:
    """Score in kcal/mol of Vina 1.2 at an exhaustiveness of 1, in about a tenth of the time; maps of a pocket are made once.

    Raises:
        SimulationFailed: see ``docked``.
        MissingPart: a package or Open Babel is not there.
    """
    _check_there()
    from dockstring import DockstringError

    try:
        with rdkit_quiet(), TemporaryDirectory() as folder:
            ligand = _prepared(smiles, Path(folder))
            engine = _engine(target)
            engine.set_ligand_from_string(ligand)
            engine.dock(exhaustiveness=1, n_poses=1)
            found = engine.energies(n_poses=1)
    except (DockstringError, RuntimeError, TypeError) as error:
        raise _failed(smiles, target, str(error)) from None
    return _checked(float(found[0][0]) if len(found) else None, smiles, target)


def pocket(target: str, pose: Pose) -> str:
    """The receptor's atoms within 8 angstrom of a pose, as PDB."""
    places = _places(pose)
    lines = [line for line in _receptor(target).splitlines() if _nearest(line, places) <= _NEAR_POSE]
    return "\n".join([*lines, "END", ""])


def faults(pose: Pose, target: str) -> list[str] | None:
    """Names of the tests of PoseBusters (Buttenschoen2024) that a pose fails; None where the package is not installed."""
    if find_spec("posebusters") is None:
        return None
    from posebusters import PoseBusters
    from rdkit.Chem import MolFromMolBlock

    with rdkit_quiet(), TemporaryDirectory() as folder:
        receptor = Path(folder) / "receptor.pdb"
        receptor.write_text(_receptor(target), "ascii")
        told = PoseBusters(config="dock").bust(MolFromMolBlock(pose.block), None, receptor)
        return [str(name) for name, passed in told.iloc[0].items() if not passed]


def _check_there() -> None:
    for need in (PACKAGES, OPEN_BABEL):
        if not need.found():
            raise MissingPart(_("docking needs {name}. Fix: {fix}").format(name=need.name, fix=need.fix))


def _failed(smiles: str, target: str, reason: str) -> SimulationFailed:
    return SimulationFailed(
        _("{smiles} could not be docked into {target}: {reason}").format(smiles=smiles, target=target, reason=reason.strip())
    )


def _checked(score: float | None, smiles: str, target: str) -> float:
    if score is None or not math.isfinite(score):
        raise _failed(smiles, target, _("no pose was found, the pocket stays empty"))
    if score > 0:
        raise _failed(smiles, target, _("it does not fit, the best pose has {score:.1f} kcal/mol").format(score=score))
    return float(score)


def _prepared(smiles: str, folder: Path) -> str:
    """The molecule as dockstring prepares it, as PDBQT."""
    from dockstring import utils

    whole = utils.sanitize_mol(utils.smiles_to_mol(utils.canonicalize_smiles(smiles)))
    utils.check_mol(whole)
    charged = utils.protonate_mol(whole, pH=7.4)
    utils.check_mol(charged)
    laid = utils.refine_mol_with_ff(utils.embed_mol(charged, seed=SEED))
    utils.assign_stereochemistry(laid)
    utils.write_mol_to_mol_file(laid, folder / "ligand.mol")
    utils.convert_mol_file_to_pdbqt(folder / "ligand.mol", folder / "ligand.pdbqt")
    return (folder / "ligand.pdbqt").read_text("ascii")


@lru_cache(maxsize=_SEEN_MAPS)
def _engine(target: str) -> Any:
    """Vina with the maps of a pocket: 6 CPU seconds to make, then reused by the process."""
    from dockstring import load_target
    from dockstring.utils import parse_search_box_conf
    from vina import Vina

    files = load_target(target)
    box = parse_search_box_conf(files.conf_path)
    engine = Vina(sf_name="vina", cpu=1, seed=SEED % 2**31, verbosity=0)
    engine.set_receptor(str(files.pdbqt_path))
    engine.compute_vina_maps([box[f"center_{axis}"] for axis in "xyz"], [box[f"size_{axis}"] for axis in "xyz"])
    return engine


def _block(ligand: Any) -> str:
    """The best of several poses."""
    from rdkit.Chem import MolToMolBlock

    return str(MolToMolBlock(ligand, confId=ligand.GetConformers()[0].GetId()))


def _places(pose: Pose) -> list[tuple[float, ...]]:
    from rdkit.Chem import MolFromMolBlock

    with rdkit_quiet():
        made: Any = MolFromMolBlock(pose.block)
        return [tuple(row) for row in made.GetConformer().GetPositions()]


def _nearest(line: str, places: list[tuple[float, ...]]) -> float:
    here = (float(line[30:38]), float(line[38:46]), float(line[46:54]))
    return min(math.dist(here, one) for one in places)


@lru_cache(maxsize=_SEEN_MAPS)
def _receptor(target: str) -> str:
    """The receptor's ATOM lines as PDB: AutoDock's columns of charge and type become the element."""
    from dockstring import load_target

    lines = []
    for line in load_target(target).pdbqt_path.read_text("ascii").splitlines():
        if line.startswith(("ATOM", "HETATM")):
            kind = line[77:].strip()
            lines.append(f"{line[:66]:<76}{_ELEMENTS.get(kind, kind):>2}")
    return "\n".join(lines)
