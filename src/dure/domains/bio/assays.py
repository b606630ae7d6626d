"""Assay tables as people keep them, CSV, Parquet or SDF, read into compounds with a value each; whatever was changed is said."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from dure.domains.bio.assay_tables import SUFFIXES, Reader, Unread, rows_of
from dure.domains.bio.screening import Screen, read_screen
from dure.errors import InputError, ValueRefused
from dure.i18n import LANGUAGES, N_, _, speaking
from dure.problem import canonical, molecule_of
from dure.problem.smiles import rdkit_quiet

__all__ = ["Assays", "Change", "Compound", "read_assays"]

SALT = N_("salt or solvent {removed} was left out")
REWRITTEN = N_("written anew as {smiles}")
CONVERTED = N_("{given} became {value}, minus the logarithm of its molar value")
REFUSED = N_("left out: {reason}")
MERGED = N_("the same compound as in {where}; the median of exact values answers")
_MOLAR = "mol/l"
TWIN = N_("a tautomer of {name}; both were kept")
NO_STRUCTURE = N_("no structure")
TWO_PARTS = N_("two parts of one size, {parts}; give the one that acts")
UNMEASURED = N_("without a value under {column}: it can be proposed")


@dataclass(frozen=True)
class Change:
    """What happened to one row: where it stands, what it is called, and one sentence with named places for ``numbers``."""

    where: str
    name: str
    what: str
    numbers: Mapping[str, str]

    def said(self) -> str:
        """The sentence in the language in use; of what was left out the reason is a sentence with places as well."""
        reason = _(self.numbers.get("reason", "")).format(**self.numbers)
        return _(self.what).format(**{**self.numbers, "reason": reason})


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
        """Every change as a CSV: where, name, what was changed in English and in Korean, whoever reads it."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["row", "name", "what was changed", "바뀐 내용"])
        for one in (*self.changes, *self._twins()):
            said = []
            for code in LANGUAGES:
                with speaking(code):
                    said.append(one.said())
            writer.writerow([one.where, one.name, *said])
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
    given, else the first of pIC50, pKi, ..., IC50, Ki, activity, result; a unit, or a column of nothing else; a qualifier.
    Concentrations become minus their decimal logarithm in mol/l, whatever unit each row has; a heading such as pIC50 or -log Ki
    says that it was done, and log Ki is refused. A value whose unit or decimal sign stays open is left out, with the reason.

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


class _Reading:
    """Rows taken one after the other; what was seen and changed so far."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._found: dict[str, dict[str, Any]] = {}
        self._changes: list[Change] = []
        self._rows = self._blocked = 0
        self._kinds: dict[str, Path] = {}
        self._quantity, self._molar = "", False

    def take(self, file: Path, column: str) -> None:
        """All rows of a file."""
        rows = rows_of(file)
        if not rows:
            return
        reader = Reader.of([row for _where, row in rows], column, file)
        self._quantity = self._quantity or reader.value
        kind = _MOLAR if reader.logarithm or reader.concentration else reader.plain
        if any(row[reader.value].strip() for _where, row in rows):
            self._kinds.setdefault(kind, file)
        if len(self._kinds) > 1:
            (kind, one), (_other, another) = self._kinds.items()
            raise InputError(
                _("{one} and {another} do not measure in the same unit; give folders of one assay each").format(
                    one=one, another=another
                )
            )
        self._molar = self._molar or kind == _MOLAR
        for where, row in rows:
            self._rows += 1
            self._row(where, row, reader)

    def _row(self, where: str, row: Mapping[str, str], reader: Reader) -> None:
        name = row.get(reader.name, "").strip()

        def changed(what: str, **numbers: str) -> None:
            self._changes.append(Change(where, name, what, numbers))

        given = row[reader.smiles].strip()
        try:
            parent, removed = _parent(given)
            if self._screen.blocks(parent):
                self._blocked += 1
                return
            told = reader.told(row)
        except Unread as error:
            changed(REFUSED, reason=error.what, **error.numbers)
            return
        if removed:
            changed(SALT, removed=removed)
        elif parent != given:
            changed(REWRITTEN, smiles=parent)
        if told.value is None:
            changed(UNMEASURED, column=reader.value)
        elif told.given:
            changed(CONVERTED, given=told.given, value=f"{told.value:.3f}")
        if parent in self._found:
            changed(MERGED, where=self._found[parent]["where"])
        one = self._found.setdefault(parent, {"where": where, "names": {}, "told": []})
        one["names"][name or where] = None
        if told.value is not None:
            one["told"].append((told.value, told.qualifier))

    def done(self, path: Path) -> Assays:
        """The compounds of all rows."""
        if not self._found:
            reasons = "; ".join(one.said() for one in self._changes[:3])
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
        raise Unread(NO_STRUCTURE)
    try:
        with speaking(LANGUAGES[0]):
            whole = molecule_of(given)
    except ValueRefused as error:
        raise Unread("{said}", said=str(error)) from None
    with rdkit_quiet():
        from rdkit import Chem

        parts = sorted(Chem.GetMolFrags(whole, asMols=True), key=lambda one: -one.GetNumHeavyAtoms())
        spelled = [str(Chem.MolToSmiles(one)) for one in parts]
        if len(parts) == 1:
            return spelled[0], ""
        if parts[1].GetNumHeavyAtoms() == parts[0].GetNumHeavyAtoms() and spelled[1] != spelled[0]:
            raise Unread(TWO_PARTS, parts=" + ".join(spelled[:2]))
        from rdkit.Chem.MolStandardize.rdMolStandardize import Uncharger

        return canonical(Chem.MolToSmiles(Uncharger().uncharge(parts[0]))), " + ".join(spelled[1:])
