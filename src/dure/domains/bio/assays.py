"""Assay tables as people keep them, CSV, Parquet or SDF, read into compounds with a value each; whatever was changed is said."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from dure.domains.bio.screening import Screen, read_screen
from dure.errors import InputError, MissingPart, ValueRefused
from dure.i18n import N_, _
from dure.problem import canonical, molecule_of
from dure.problem.smiles import rdkit_quiet

__all__ = ["Assays", "Change", "Compound", "read_assays"]

SUFFIXES = (".csv", ".tsv", ".txt", ".sdf", ".parquet")

_STRUCTURE = ("smiles", "canonicalsmiles", "isomericsmiles", "structure", "molecule", "mol")
_NAME = ("name", "id", "compound", "compoundid", "compoundname", "moleculename", "moleculechemblid", "chemblid", "sample", "well")
_VALUE = (
    "pic50",
    "pki",
    "pec50",
    "pkd",
    "pactivity",
    "pvalue",
    "ic50",
    "ki",
    "ec50",
    "kd",
    "activity",
    "result",
    "value",
    "potency",
)
_UNIT = ("unit", "units", "standardunits")
_RELATION = ("relation", "qualifier", "operator", "standardrelation", "modifier")
_MOLAR = {
    f"{prefix}{sign}": 10.0**power
    for prefix, power in (("", 0), ("m", -3), ("u", -6), ("n", -9), ("p", -12))
    for sign in ("m", "mol/l")
}
_CONCENTRATIONS = ("ic50", "ki", "ec50", "kd")
_CELL = re.compile(
    r"^\s*(?P<sign><=|>=|<|>|=|~|≤|≥)?\s*(?P<number>[-+]?\d[\d,]*\.?\d*(?:[eE][-+]?\d+)?|[-+]?\.\d+)\s*(?P<unit>\S+)?\s*$"
)
_EMPTY = ("", "na", "n/a", "nan", "none", "null", "-", "nd", "n.d.", "not tested")

SALT = N_("salt or solvent {removed} was left out")
REWRITTEN = N_("written anew as {smiles}")
CONVERTED = N_("{given} became {value}, minus the logarithm of its molar value")
REFUSED = N_("left out: {reason}")
MERGED = N_("the same compound as in {where}; the median of exact values answers")
TWIN = N_("a tautomer of {name}; both were kept")
UNMEASURED = N_("without a value: it can be proposed, and nothing is known of it")


@dataclass(frozen=True)
class Change:
    """What happened to one row: where it stands, what it is called, and one sentence with named places for ``numbers``."""

    where: str
    name: str
    what: str
    numbers: Mapping[str, str]


@dataclass(frozen=True)
class Compound:
    """A compound and what was measured of it: ``value`` is None where nothing was.

    ``qualifier`` is 1 where the true value is above ``value``, -1 where it is below, 0 where it was measured. ``names`` are what
    its rows call it, ``values`` the exact ones.
    """

    smiles: str
    names: tuple[str, ...]
    value: float | None
    qualifier: int
    values: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Assays:
    """``compounds`` of ``rows`` rows, every one of which is in a compound, a change that leaves it out, or counted as blocked.

    ``quantity`` is the column that was read, ``molar`` whether its values are minus the logarithm of a molar concentration.
    """

    compounds: tuple[Compound, ...]
    rows: int
    changes: tuple[Change, ...]
    blocked: int
    quantity: str
    molar: bool

    def summary(self) -> str:
        """What became of the rows, in one sentence."""
        count = {kind: sum(one.what == kind for one in self.changes) for kind in (REFUSED, SALT, MERGED, CONVERTED)}
        return _(
            "Of {rows} rows, {compounds} compounds came: {refused} rows were left out, {merged} were repeats, {salts} lost a "
            "salt or solvent, {converted} values were converted, and {blocked} were blocked by the screen."
        ).format(
            rows=self.rows,
            compounds=len(self.compounds),
            refused=count[REFUSED],
            merged=count[MERGED],
            salts=count[SALT],
            converted=count[CONVERTED],
            blocked=self.blocked,
        )

    def listing(self) -> str:
        """Every change as a CSV: where, name, what was changed."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["row", "name", "what was changed"])
        writer.writerows([one.where, one.name, _(one.what).format(**one.numbers)] for one in (*self.changes, *self._twins()))
        return text.getvalue()

    def _twins(self) -> list[Change]:
        """Compounds that differ by where a hydrogen or a charge sits stay apart, and it is said that they are there."""
        with rdkit_quiet():
            from rdkit.Chem import MolFromSmiles, inchi

            key_of: Any = inchi.MolToInchiKey

            known: dict[str, str] = {}
            found = []
            for one in self.compounds:
                first = known.setdefault(str(key_of(MolFromSmiles(one.smiles))), one.names[0])
                if first != one.names[0]:
                    found.append(Change("", one.names[0], TWIN, {"name": first}))
            return found


def read_assays(path: Path, column: str = "") -> Assays:
    """Read one file, or all of a folder in the order of their names, such as a library and the results that came later.

    Columns are found by their headings, whatever their case and signs: SMILES or structure; a name; a value, ``column`` where
    given, else the first of pIC50, pKi, ..., IC50, Ki, activity, result; a unit; a qualifier. Concentrations become minus their
    decimal logarithm in mol/l, whatever unit each row has; a heading that begins with "p" or "log" says that it was done.

    Raises:
        InputError: there is no such file, no structure or value in it, or no row that can be used.
        MissingPart: RDKit is not installed, or pyarrow for Parquet.
    """
    files = sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    if not files or not all(one.is_file() for one in files):
        raise InputError(_("{path} holds no assays; give a CSV, SDF or Parquet file, or a folder of them").format(path=path))
    reading = _Reading(read_screen())
    for file in files:
        reading.take(file, column)
    return reading.done(path)


@dataclass(frozen=True)
class _Columns:
    """The headings of one table, by what stands under them."""

    smiles: str
    value: str
    name: str
    unit: str
    relation: str
    of_heading: str
    """The unit that the value's heading names, if any."""

    @property
    def logarithm(self) -> bool:
        """Whether values are logarithms already."""
        return bool(re.match(r"p[A-Z]|p_|log", self.value)) or _plain(self.value) in ("pic50", "pki", "pec50", "pkd")


def _plain(heading: str) -> str:
    """A heading without case, signs and unit: "IC50 (nM)" is "ic50"."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"[\(\[].*?[\)\]]", "", heading).lower())


def _columns(headings: Sequence[str], column: str, file: Path) -> _Columns:
    plain = {_plain(one): one for one in reversed(headings)}

    def first(names: Iterable[str]) -> str:
        return next((plain[name] for name in names if name in plain), "")

    smiles = first(_STRUCTURE)
    if not smiles:
        raise InputError(
            _("{file} has no column of structures among {columns}; name one SMILES").format(
                file=file, columns=", ".join(headings)
            )
        )
    if column and column not in headings:
        raise InputError(
            _("{file} has no column {column}; it has {columns}").format(file=file, column=column, columns=", ".join(headings))
        )
    value = column or first(_VALUE)
    if not value:
        raise InputError(
            _("{file} has no column of values among {columns}; say --setting column=NAME").format(
                file=file, columns=", ".join(headings)
            )
        )
    unit = re.search(r"[\(\[]\s*([^\)\]]+?)\s*[\)\]]", value) or re.search(r"_(nM|uM|µM|mM|pM)$", value)
    return _Columns(smiles, value, first(_NAME), first(_UNIT), first(_RELATION), unit[1] if unit else "")


class _Reading:
    """Rows taken one after the other; what was seen and changed so far."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._found: dict[str, dict[str, Any]] = {}
        self._changes: list[Change] = []
        self._rows = self._blocked = 0
        self._quantity, self._molar = "", False

    def take(self, file: Path, column: str) -> None:
        """All rows of a file."""
        rows = _rows_of(file)
        if not rows:
            return
        columns = _columns(list(rows[0][1]), column, file)
        self._quantity = self._quantity or columns.value
        self._molar = self._molar or columns.logarithm or bool(columns.of_heading or columns.unit)
        for where, row in rows:
            self._rows += 1
            self._row(where, row, columns)

    def _row(self, where: str, row: Mapping[str, str], columns: _Columns) -> None:
        name = row.get(columns.name, "").strip()

        def changed(what: str, **numbers: str) -> None:
            self._changes.append(Change(where, name, what, numbers))

        given = row[columns.smiles].strip()
        try:
            parent, removed = _parent(given)
            if self._screen.blocks(parent):
                self._blocked += 1
                return
            value, qualifier, converted = _value(row, columns)
        except ValueRefused as error:
            changed(REFUSED, reason=str(error))
            return
        if removed:
            changed(SALT, removed=removed)
        elif parent != given:
            changed(REWRITTEN, smiles=parent)
        if value is None:
            changed(UNMEASURED)
        elif converted:
            changed(CONVERTED, given=converted, value=f"{value:.3f}")
        if parent in self._found:
            changed(MERGED, where=self._found[parent]["where"])
        one = self._found.setdefault(parent, {"where": where, "names": {}, "told": []})
        one["names"][name or where] = None
        if value is not None:
            one["told"].append((value, qualifier))

    def done(self, path: Path) -> Assays:
        """The compounds of all rows."""
        if not self._found:
            reasons = "; ".join(_(one.what).format(**one.numbers) for one in self._changes[:3])
            raise InputError(
                _("{path} has no row that can be used: {reasons}").format(path=path, reasons=reasons or _("it is empty"))
            )
        compounds = tuple(_compound(smiles, **one) for smiles, one in self._found.items())
        return Assays(compounds, self._rows, tuple(self._changes), self._blocked, self._quantity, self._molar)


def _compound(smiles: str, where: str, names: Mapping[str, None], told: Sequence[tuple[float, int]]) -> Compound:
    """The median of exact values; of bounds alone the one that says most."""
    exact = [value for value, qualifier in told if not qualifier]
    if exact or not told:
        return Compound(smiles, tuple(names), median(exact) if exact else None, 0, tuple(exact))
    above = [value for value, qualifier in told if qualifier > 0]
    value, qualifier = (max(above), 1) if above else (min(value for value, _below in told), -1)
    return Compound(smiles, tuple(names), value, qualifier, ())


def _parent(given: str) -> tuple[str, str]:
    """The part that acts, canonical, and what was left out: every part but the largest, "" where there was only one."""
    if not given:
        raise ValueRefused(_("no structure"))
    whole = molecule_of(given)
    with rdkit_quiet():
        from rdkit import Chem

        parts = sorted(Chem.GetMolFrags(whole, asMols=True), key=lambda one: -one.GetNumHeavyAtoms())
        spelled = [str(Chem.MolToSmiles(one)) for one in parts]
        if len(parts) == 1:
            return spelled[0], ""
        if parts[1].GetNumHeavyAtoms() == parts[0].GetNumHeavyAtoms() and spelled[1] != spelled[0]:
            raise ValueRefused(_("two parts of one size, {parts}; give the one that acts").format(parts=" + ".join(spelled[:2])))
        from rdkit.Chem.MolStandardize.rdMolStandardize import Uncharger

        return canonical(Chem.MolToSmiles(Uncharger().uncharge(parts[0]))), " + ".join(spelled[1:])


def _value(row: Mapping[str, str], columns: _Columns) -> tuple[float | None, int, str]:
    """The value, its qualifier, and what was written where it was converted; None where nothing was measured."""
    text = row[columns.value].strip()
    if text.lower() in _EMPTY:
        return None, 0, ""
    cell = _CELL.match(text)
    if cell is None:
        raise ValueRefused(_("{text!r} is no value").format(text=text))
    sign = cell["sign"] or row.get(columns.relation, "").strip() or "="
    number = float(cell["number"].replace(",", ""))
    unit = cell["unit"] or row.get(columns.unit, "").strip() or columns.of_heading
    qualifier = 1 if sign[0] in ">≥" else -1 if sign[0] in "<≤" else 0
    molar = _MOLAR.get(re.sub("[µμ]", "u", unit).lower())
    if columns.logarithm:
        return number, qualifier, ""
    if molar is None and _plain(columns.value) in _CONCENTRATIONS:
        raise ValueRefused(
            _("{text!r} is in no molar unit; write nM, uM, mM or M beside it or in a column unit").format(text=text)
        )
    if molar is None:
        return number, qualifier, ""
    if number <= 0:
        raise ValueRefused(_("{text!r} is no concentration").format(text=f"{text} {unit}"))
    return round(-math.log10(number * molar), 6), -qualifier, f"{sign if qualifier else ''}{number:g} {unit}"


def _rows_of(file: Path) -> list[tuple[str, dict[str, str]]]:
    """Where each row stands, and its cells as text by heading."""
    suffix = file.suffix.lower()
    if suffix == ".sdf":
        return _rows_of_sdf(file)
    if suffix == ".parquet":
        table = _table_of_parquet(file)
        return [(f"{file.name}:{number}", row) for number, row in enumerate(table, 1)]
    data = file.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    try:
        dialect: Any = csv.Sniffer().sniff(text.partition("\n")[0], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    reader = csv.reader(io.StringIO(text, newline=""), dialect)
    headings = [one.strip() for one in next(reader, [])]
    found = []
    for cells in reader:
        if any(cell.strip() for cell in cells):
            padded = [*cells, *[""] * (len(headings) - len(cells))]
            found.append((f"{file.name}:{reader.line_num}", dict(zip(headings, padded, strict=False))))
    return found


def _table_of_parquet(file: Path) -> list[dict[str, str]]:
    try:
        from pyarrow.parquet import read_table
    except ModuleNotFoundError:
        raise MissingPart(_('{table} needs pyarrow: pip install "dure[tables]"').format(table=file)) from None
    return [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in read_table(file).to_pylist()]


def _rows_of_sdf(file: Path) -> list[tuple[str, dict[str, str]]]:
    """Each record with its properties as cells, its structure as SMILES, its title as name; what RDKit cannot read has none."""
    with rdkit_quiet():
        from rdkit import Chem

        found = []
        records: Any = Chem.SDMolSupplier(str(file))
        for number, one in enumerate(records, 1):
            properties = {} if one is None else {name.strip(): str(value) for name, value in one.GetPropsAsDict().items()}
            title = "" if one is None or not one.HasProp("_Name") else one.GetProp("_Name")
            structure = "" if one is None else str(Chem.MolToSmiles(one))
            found.append((f"{file.name}:{number}", {"name": title} | properties | {"smiles": structure}))
    headings = dict.fromkeys(name for _where, row in found for name in row)
    return [(where, dict.fromkeys(headings, "") | row) for where, row in found]
